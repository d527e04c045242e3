//! `/v1/articles/{slug}/related` and `/v1/related`: the nearest articles, and why.

use std::collections::{HashMap, HashSet};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_path_to_error::Segment;
use utoipa::ToSchema;

use crate::api::articles::{Address, Located, locate, resolved};
use crate::api::conditional::Answer;
use crate::api::inputs::{self, DEFAULT_RELATED, RelatedInput, RelatedParams, Shape};
use crate::api::openapi::Failures;
use crate::api::problem::{Problem, ProblemView};
use crate::api::state::State;
use crate::api::tags::neighbour_tags;
use crate::api::views::{self, ArticleView};
use crate::content::article::Fault;
use crate::content::language::Language;
use crate::content::tag_filter::TagFilter;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::related::{self, Article, Ask, Neighbour, Profile, Reason, Related, Window};
use crate::store::articles::{self, ArticleRow};
use crate::store::tags::{self, TagRow};

/// A neighbour of an article.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RelatedArticle)]
pub struct RelatedView {
    /// How near it is: in (0, 1], falling down the list, comparable between articles.
    #[schema(example = 0.71)]
    pub score: f64,
    /// Why it is near; the weights add up to the score.
    pub reasons: Vec<ReasonView>,
    #[schema(no_recursion)]
    pub article: Box<ArticleView>,
    /// Slugs of the same text under other headlines or from other sources, left out of the list.
    #[schema(example = json!([]))]
    pub copies: Vec<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schema(as = Reason)]
pub enum ReasonView {
    /// An editor put it there.
    Pin,
    /// Both bear the tag.
    Tag {
        /// The tag's slug.
        #[schema(example = "maroc")]
        tag: String,
        #[schema(example = 0.31)]
        weight: f64,
    },
    /// Both use the words.
    Term {
        #[schema(example = "coopération")]
        term: String,
        #[schema(example = 0.22)]
        weight: f64,
    },
    /// Many small words in common.
    Wording {
        #[schema(example = 0.05)]
        weight: f64,
    },
}

/// What the list of neighbours is a part of.
#[derive(Serialize, ToSchema)]
pub struct RelatedPage {
    #[schema(example = 12)]
    limit: usize,
    /// False while the server is still reading articles after its start: ask again.
    complete: bool,
    /// Why neighbours are held back: `sensitive`, `empty` or `below_floor`; null where none are.
    #[schema(required)]
    hidden_reason: Option<&'static str>,
}

/// The nearest articles, nearest first.
#[derive(Serialize, ToSchema)]
#[schema(as = RelatedList)]
pub struct RelatedListView {
    data: Vec<RelatedView>,
    page: RelatedPage,
}

/// Find related articles
///
/// The nearest by words, tags and time, in the article's language unless asked otherwise; what editors pinned
/// stands first. Never the article itself, a translation of it, or the same text twice.
#[utoipa::path(
    tag = "related",
    operation_id = "list_related_articles",
    params(("slug" = String, Path, description = "Slug or id", example = "espagne-maroc-tanger-securite"), RelatedParams),
    responses(
        (status = 200, description = "The nearest articles", body = RelatedListView, headers(("ETag" = String))),
        (status = 301, description = "The slug is a former one; `Location` has the present one"),
        (status = 304, description = "Not modified"),
        (status = 410, description = "It was public and is no more", body = ProblemView,
         content_type = "application/problem+json"),
        Failures,
    )
)]
#[get("/v1/articles/{slug}/related")]
pub async fn list_related_articles(
    request: HttpRequest,
    state: web::Data<State>,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let input = RelatedInput::parse(request.query_string())?;
    let address = Address::of(&request);
    state
        .answer(&request, move |state, now| {
            state.database.read(|conn| match locate(conn, &slug, now)? {
                Located::Moved(slug) => Ok(Answer::moved(address.article(&slug, "/related"))),
                Located::Here(row) => {
                    let complete = state.related_is_complete();
                    let asked = Asked::resolve(conn, &input, now)?;
                    let related = asked.of(state, row.num, now);
                    let hidden = related.hidden.map(related::Hidden::as_str);
                    let data = shown(conn, state, &related.neighbours, now)?;
                    respond(data, input.limit, complete, hidden, row.id, now)
                }
            })
        })
        .await
}

fn respond(
    data: Vec<RelatedView>,
    limit: usize,
    complete: bool,
    hidden_reason: Option<&'static str>,
    id: String,
    now: DateTime<Utc>,
) -> Result<Answer> {
    let mut cache_tags = vec![format!("related-{id}"), format!("article-{id}")];
    for view in &data {
        cache_tags.push(format!("article-{}", view.article.id));
        let tags = view.article.tags.iter();
        cache_tags.extend(tags.map(|tag| format!("tag-{}", tag.id)));
    }
    let modified = data.iter().map(|view| view.article.updated_at).max();
    let expiry = data.iter().filter_map(|view| view.article.expires_at).min();
    let page = RelatedPage {
        limit,
        complete,
        hidden_reason,
    };
    Ok(Answer::json(&RelatedListView { data, page })?
        .last_modified(modified)
        .until(expiry, now)
        .cache_tags(cache_tags)
        .not_cached(!complete))
}

/// A text that is not stored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TextToRelate)]
pub struct TextInput {
    #[schema(example = "Les oasis du Tafilalet manquent d'eau")]
    headline: String,
    /// Plain text or HTML.
    #[serde(default)]
    #[schema(example = "Les khettaras tarissent et les palmiers souffrent de la sécheresse.")]
    body: String,
    /// BCP 47.
    #[schema(example = "fr")]
    language: String,
    /// Slugs of tags; those that are unknown are passed over.
    #[serde(default)]
    #[schema(example = json!(["eau"]))]
    tags: Vec<String>,
    /// Neighbours and tags to give: 1 to 50.
    #[serde(default)]
    #[schema(example = 3, minimum = 1, maximum = 50, default = 12)]
    limit: Option<usize>,
}

/// The nearest articles of a text, and tags that would suit it.
#[derive(Serialize, ToSchema)]
#[schema(as = RelatedToText)]
pub struct RelatedToTextView {
    data: Vec<RelatedView>,
    /// Tags that the text does not name, the likeliest first.
    suggested_tags: Vec<RelatedTagView>,
    page: RelatedPage,
}

pub use crate::api::tags::RelatedTagView;

/// Find articles related to a text
///
/// For a draft or another site's article: nothing of it is stored.
#[utoipa::path(
    tag = "related",
    operation_id = "relate_text",
    request_body(content = TextInput, content_type = "application/json"),
    responses(
        (status = 200, description = "The nearest articles", body = RelatedToTextView),
        (status = 413, description = "The body is too large", body = ProblemView, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "The body is not as documented", body = ProblemView,
         content_type = "application/problem+json"),
        Failures,
    )
)]
#[post("/v1/related")]
pub async fn relate_text(
    request: HttpRequest,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let body = json_body(&request, payload, state.max_body);
    // A caller that sends a byte now and then must not hold on for ever.
    let body = actix_web::rt::time::timeout(state.request_timeout, body).await;
    let bytes = body.map_err(|_| Error::Timeout)??;
    let input: TextInput = read_json(&bytes)?;
    let language = input.check()?;
    state
        .answer(&request, move |state, now| {
            state.database.read(|conn| {
                let complete = state.related_is_complete();
                let tags = input.known_tags(conn, now)?;
                let profile = input.profile(&language, &tags, now);
                let limit = input.limit.unwrap_or(DEFAULT_RELATED);
                let (related, suggested) = {
                    let engine = state.engine(now);
                    let micros = now.timestamp_micros();
                    let found = engine.related_to_text(&profile, &ask(limit, micros));
                    (found, engine.suggest_tags(&profile, limit, micros))
                };
                let view = RelatedToTextView {
                    data: shown(conn, state, &related.neighbours, now)?,
                    suggested_tags: neighbour_tags(conn, &suggested, now)?,
                    page: RelatedPage {
                        limit,
                        complete,
                        hidden_reason: related.hidden.map(related::Hidden::as_str),
                    },
                };
                Ok(Answer::json(&view)?.not_cached(true))
            })
        })
        .await
}

impl TextInput {
    fn check(&self) -> Result<Language> {
        let mut faults = Vec::new();
        if self.headline.trim().is_empty() && self.body.trim().is_empty() {
            faults.push(Fault::new("/headline", "is empty, and so is the body"));
        }
        if self.limit.is_some_and(|limit| !(1..=50).contains(&limit)) {
            faults.push(Fault::new("/limit", "takes a whole number from 1 to 50"));
        }
        if self.tags.len() > 100 {
            faults.push(Fault::new("/tags", "has more than 100 tags"));
        }
        match Language::parse(&self.language) {
            Ok(language) if faults.is_empty() => return Ok(language),
            Ok(_) => {}
            Err(detail) => faults.push(Fault::new("/language", detail)),
        }
        Err(Error::InvalidBody(faults))
    }

    fn known_tags(&self, conn: &mut Conn, now: DateTime<Utc>) -> Result<Vec<i64>> {
        let mut nums = Vec::new();
        for slug in self.tags.iter().filter(|slug| !slug.contains('\0')) {
            if let Some(tag) = tags::find(conn, slug)?.map(tags::Found::into_row)
                && tags::is_public(conn, &tag, now)?
            {
                nums.push(tag.num);
            }
        }
        Ok(nums)
    }

    fn profile(&self, language: &Language, tags: &[i64], now: DateTime<Utc>) -> Profile {
        use crate::content::body::{Body, BodyFormat};
        let body = Body::new(self.body.clone(), BodyFormat::Html);
        Profile::of(&Article {
            num: 0,
            language: language.as_str(),
            headline: &self.headline,
            standfirst: None,
            body: &body.text,
            tags,
            published_at: now.timestamp(),
            visible: Window::ALWAYS,
            translation_group: None,
            pins: &[],
            bans: &[],
            sensitive: false,
        })
    }
}

fn ask(limit: usize, now: i64) -> Ask<'static> {
    Ask {
        limit,
        exclude: &[],
        from: None,
        language: related::Language::Own,
        tag: None,
        now,
    }
}

/// A related lookup whose names have been looked up.
struct Asked {
    limit: usize,
    exclude: Vec<i64>,
    from: Option<i64>,
    language: related::Language,
    tags: Option<TagFilter<i64>>,
}

impl Asked {
    fn resolve(conn: &mut Conn, input: &RelatedInput, now: DateTime<Utc>) -> Result<Self> {
        let mut exclude = Vec::new();
        for name in input.exclude.iter().filter(|name| !name.is_empty()) {
            exclude.extend(articles::find(conn, name)?.map(|row| row.num));
        }
        Ok(Self {
            limit: input.limit,
            exclude,
            from: input.from.map(|from| from.timestamp()),
            language: input.language.clone(),
            tags: resolved(conn, input.tags.as_ref(), now)?,
        })
    }

    /// An article that the engine does not know yet has no neighbours yet.
    fn of(&self, state: &State, num: i64, now: DateTime<Utc>) -> Related {
        let accepts = |tags: &[i64]| self.tags.as_ref().is_none_or(|filter| filter.accepts(tags));
        let ask = Ask {
            limit: self.limit,
            exclude: &self.exclude,
            from: self.from,
            language: self.language.clone(),
            tag: self
                .tags
                .as_ref()
                .map(|_| &accepts as &dyn Fn(&[i64]) -> bool),
            now: now.timestamp_micros(),
        };
        state.engine(now).related(num, &ask).unwrap_or_default()
    }
}

/// Gives each view its neighbours.
pub fn include(
    conn: &mut Conn,
    state: &State,
    rows: &[ArticleRow],
    views: &mut [ArticleView],
    input: &RelatedInput,
    now: DateTime<Utc>,
) -> Result<()> {
    let asked = Asked::resolve(conn, input, now)?;
    let found: Vec<Related> = rows
        .iter()
        .map(|row| asked.of(state, row.num, now))
        .collect();
    let all: Vec<Neighbour> = found
        .iter()
        .flat_map(|related| related.neighbours.clone())
        .collect();
    let mut material = Material::load(conn, state, &all, now)?;
    for (view, related) in views.iter_mut().zip(&found) {
        view.related = Some(material.views(&related.neighbours));
    }
    Ok(())
}

fn shown(
    conn: &mut Conn,
    state: &State,
    neighbours: &[Neighbour],
    now: DateTime<Utc>,
) -> Result<Vec<RelatedView>> {
    Ok(Material::load(conn, state, neighbours, now)?.views(neighbours))
}

/// What is needed to show neighbours, loaded at once.
struct Material {
    articles: HashMap<i64, ArticleView>,
    slugs: HashMap<i64, String>,
    tags: HashMap<i64, TagRow>,
}

impl Material {
    fn load(
        conn: &mut Conn,
        state: &State,
        neighbours: &[Neighbour],
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let mut nums: HashSet<i64> = neighbours.iter().map(|neighbour| neighbour.num).collect();
        nums.extend(neighbours.iter().flat_map(|neighbour| &neighbour.copies));
        let nums: Vec<i64> = nums.into_iter().collect();
        // The engine may lag behind the database by a moment; the database decides what is seen.
        let rows: Vec<ArticleRow> = articles::public_by_nums(conn, &nums, now)?
            .into_values()
            .collect();
        let slugs = rows.iter().map(|row| (row.num, row.slug.clone())).collect();
        let views = views::articles(conn, state, &rows, &Shape::default(), now)?;
        let tag_nums: Vec<i64> = neighbours
            .iter()
            .flat_map(|neighbour| &neighbour.reasons)
            .filter_map(tag_of)
            .collect();
        Ok(Self {
            articles: rows.iter().map(|row| row.num).zip(views).collect(),
            slugs,
            tags: tags::by_nums(conn, &tag_nums)?,
        })
    }

    fn views(&mut self, neighbours: &[Neighbour]) -> Vec<RelatedView> {
        neighbours
            .iter()
            .filter_map(|neighbour| {
                Some(RelatedView {
                    score: rounded(neighbour.score),
                    reasons: neighbour
                        .reasons
                        .iter()
                        .filter_map(|reason| self.reason(reason))
                        .collect(),
                    article: Box::new(self.articles.get(&neighbour.num)?.clone()),
                    copies: neighbour
                        .copies
                        .iter()
                        .filter_map(|num| self.slugs.get(num).cloned())
                        .collect(),
                })
            })
            .collect()
    }

    fn reason(&self, reason: &Reason) -> Option<ReasonView> {
        Some(match reason {
            Reason::Pin => ReasonView::Pin,
            Reason::Tag { tag, weight } => ReasonView::Tag {
                tag: self.tags.get(tag)?.slug.clone(),
                weight: rounded(*weight),
            },
            Reason::Term { term, weight } => ReasonView::Term {
                term: term.clone(),
                weight: rounded(*weight),
            },
            Reason::Wording { weight } => ReasonView::Wording {
                weight: rounded(*weight),
            },
        })
    }
}

fn tag_of(reason: &Reason) -> Option<i64> {
    match reason {
        Reason::Tag { tag, .. } => Some(*tag),
        _ => None,
    }
}

/// Four decimals say all that a score can.
pub fn rounded(score: f32) -> f64 {
    (f64::from(score) * 10_000.0).round() / 10_000.0
}

/// The bytes of a JSON request body.
async fn json_body(
    request: &HttpRequest,
    payload: web::Payload,
    limit: usize,
) -> Result<web::Bytes> {
    let headers = request.headers();
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Error::UnsupportedMediaType(
            "a body with a Content-Encoding is not taken".to_owned(),
        ));
    }
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Error::UnsupportedMediaType(format!(
            "{essence:?} is not application/json"
        )));
    }
    match payload.to_bytes_limited(limit).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Error::MalformedJson("the body broke off".to_owned())),
        Err(_) => Err(Error::BodyTooLarge(limit)),
    }
}

fn read_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    use serde_json::error::Category;
    // Members by position, which the deserialiser would take, are not documented.
    if bytes
        .trim_ascii_start()
        .first()
        .is_some_and(|byte| *byte == b'[')
    {
        return Err(Error::InvalidBody(vec![Fault::new(
            "",
            "is an array where an object is expected",
        )]));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader);
    let value = read.map_err(|error| {
        let path: String = error.path().iter().map(pointed).collect();
        let inner = error.into_inner();
        match inner.classify() {
            Category::Data => Error::InvalidBody(vec![Fault::new(path, without_place(&inner))]),
            _ => Error::MalformedJson(inner.to_string()),
        }
    })?;
    reader
        .end()
        .map_err(|error| Error::MalformedJson(error.to_string()))?;
    Ok(value)
}

/// What is wrong, without the line and column that the pointer makes needless.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&place).unwrap_or(&message).to_owned()
}

/// A step of a JSON pointer (RFC 6901).
fn pointed(segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    }
}
