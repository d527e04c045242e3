//! `POST /v1/related`: the nearest articles of a text that is not stored.

use actix_web::{HttpRequest, HttpResponse, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::articles::Resolved;
use crate::api::auth::Viewer;
use crate::api::body;
use crate::api::conditional::Answer;
use crate::api::inputs::{self, DEFAULT_RELATED, MAX_EXCLUDED};
use crate::api::neighbours::{RelatedPage, RelatedView, Shown};
use crate::api::openapi::Failures;
use crate::api::problem::{Problem, ProblemView};
use crate::api::related::Asked;
use crate::api::related_tags::{RelatedTagView, neighbour_tags};
use crate::api::state::State;
use crate::content::article::Fault;
use crate::content::body::{Body, BodyFormat};
use crate::content::language::Language;
use crate::content::rights::TextRight;
use crate::content::sight::Sight;
use crate::content::time::{self, DateMeans};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::related::{self, Article, Profile, Window};
use crate::store::{articles, rights, tags};

/// A text that is not stored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TextToRelate)]
pub struct TextInput {
    #[schema(example = "Les oasis du Tafilalet manquent d'eau")]
    headline: String,
    /// The summary under the headline.
    #[serde(default)]
    #[schema(example = "Dans le Tafilalet, la saison commence sans crue.")]
    standfirst: Option<String>,
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
    /// When it comes out, for articles of the same time are nearer: an RFC 3339 time; now where it is not given.
    #[serde(default)]
    #[schema(format = DateTime, example = "2025-08-01T09:00:00Z")]
    published_at: Option<String>,
    /// Articles to leave out, by slug or id; at most 100.
    #[serde(default)]
    #[schema(max_items = 100, example = json!([]))]
    exclude: Vec<String>,
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

/// Find articles related to a text
///
/// For a draft or another site's article: nothing of it is stored. A partner's key needs the `text` right `full`.
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
    viewer: Viewer,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let input: TextInput = body::json(&request, payload, &state).await?;
    let checked = input.check()?;
    let sight = viewer.published_sight();
    // To say how near an article is to words is to say whether it has them.
    if sight.text() != TextRight::Full {
        return Err(Error::Forbidden(
            "articles are compared by their whole text, which your key does not get".to_owned(),
        )
        .into());
    }
    state
        .answer(&request, move |state, now| {
            let (mut asked, tags) = state.database.read(|conn| {
                // The body may have taken long.
                let sight = rights::in_snapshot(conn, &sight)?;
                let asked = input.asked(conn, state, &sight)?;
                Ok((asked, input.known_tags(conn, &sight, now)?))
            })?;
            // A long text takes its time, and no connection meanwhile.
            let profile = input.profile(&checked, &tags, now)?;
            let (found, suggested) = asked.put(now, |ask| {
                let engine = state.engine(now);
                let found = engine.related_to_text(&profile, ask);
                let tags = engine.suggest_tags(&profile, ask.limit, ask.now, ask.rights);
                (found, tags)
            });
            state.database.read(|conn| {
                if let Some(sight) = rights::overtaken(conn, &asked.sight)? {
                    asked.sight = sight;
                }
                let shown = Shown::load(conn, &asked, &found, now)?;
                let view = RelatedToTextView {
                    data: shown.data,
                    suggested_tags: neighbour_tags(conn, state, &suggested, &asked.sight, now)?,
                    page: shown.page,
                };
                Ok(Answer::json(&view)?.not_cached(true))
            })
        })
        .await
}

/// What of a text had to be read before the database is asked.
struct Checked {
    language: Language,
    published_at: Option<DateTime<Utc>>,
}

impl TextInput {
    fn check(&self) -> Result<Checked> {
        let mut faults = Vec::new();
        let standfirst = self.standfirst.as_deref().unwrap_or_default();
        let texts = [&self.headline, standfirst, &self.body];
        if texts.iter().all(|text| text.trim().is_empty()) {
            faults.push(Fault::new("/headline", "is empty, and so is the body"));
        }
        if self.limit.is_some_and(|limit| !(1..=50).contains(&limit)) {
            faults.push(Fault::new("/limit", "takes a whole number from 1 to 50"));
        }
        if self.tags.len() > 100 {
            faults.push(Fault::new("/tags", "has more than 100 tags"));
        }
        if self.exclude.len() > MAX_EXCLUDED {
            let detail = format!("has more than {MAX_EXCLUDED} articles");
            faults.push(Fault::new("/exclude", detail));
        }
        let mut keep = |pointer, detail| faults.push(Fault::new(pointer, detail));
        let published_at = self.published_at.as_deref().map(full_time).transpose();
        let published_at = published_at.map_err(|detail| keep("/published_at", detail));
        let language = Language::parse(&self.language);
        let language = language.map_err(|detail| keep("/language", detail));
        match (language, published_at) {
            (Ok(language), Ok(published_at)) if faults.is_empty() => Ok(Checked {
                language,
                published_at,
            }),
            _ => Err(Error::InvalidBody(faults)),
        }
    }

    fn known_tags(&self, conn: &mut Conn, sight: &Sight, now: DateTime<Utc>) -> Result<Vec<i64>> {
        let mut nums = Vec::new();
        for slug in self.tags.iter().filter(|slug| !slug.contains('\0')) {
            let found = match sight.rights() {
                Some(rights) => tags::find_for(conn, slug, rights, now)?,
                None => tags::find_public(conn, slug, now)?,
            };
            nums.extend(found.map(|found| found.into_row().num));
        }
        Ok(nums)
    }

    fn profile(&self, checked: &Checked, tags: &[i64], now: DateTime<Utc>) -> Result<Profile> {
        let body = Body::new(self.body.clone(), BodyFormat::Html)
            .map_err(|detail| Error::member("/body", detail))?;
        Ok(Profile::of(&Article {
            num: 0,
            language: checked.language.as_str(),
            headline: &self.headline,
            standfirst: self.standfirst.as_deref(),
            body: &body.text,
            tags,
            published_at: checked.published_at.unwrap_or(now).timestamp(),
            visible: Window::ALWAYS,
            translation_group: None,
            pins: &[],
            bans: &[],
            sensitive: false,
            source: None,
            syndicatable: true,
        }))
    }

    fn asked(&self, conn: &mut Conn, state: &State, sight: &Sight) -> Result<Asked> {
        let exclude = articles::by_names(conn, &self.exclude)?;
        Ok(Asked {
            limit: self.limit.unwrap_or(DEFAULT_RELATED),
            complete: state.related_is_complete(),
            exclude: exclude.iter().map(|row| row.num).collect(),
            from: None,
            language: related::Language::Own,
            tags: Resolved::default(),
            sight: sight.clone(),
        })
    }
}

/// A date alone is no time; what else is none is told alike.
fn full_time(text: &str) -> Result<DateTime<Utc>, String> {
    let time = time::parse(text, DateMeans::ItsStart).ok();
    time.filter(|_| text.contains(':'))
        .ok_or_else(|| format!("{text:?} is not an RFC 3339 time"))
}
