//! `/v1/articles/{slug}`: one article, and what lists of articles share with it.

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::address::Address;
use crate::api::article_lists;
use crate::api::article_views;
use crate::api::auth::Viewer;
use crate::api::conditional::{Answer, Keep};
use crate::api::cursor;
use crate::api::inputs::{self, ArticleParams, Shape};
use crate::api::listed::{FORM, Listed};
use crate::api::openapi::Failures;
use crate::api::precondition::StateTag;
use crate::api::problem::Problem;
use crate::api::state::{Question, State};
use crate::api::tag_views::For;
use crate::api::views::ArticleView;
use crate::api::whole;
use crate::cache::RANKINGS;
use crate::content::sight::Sight;
use crate::content::tag_filter::TagFilter;
use crate::content::visibility::Standing;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::store::aliases;
use crate::store::articles::ArticleRow;
use crate::store::cards;
use crate::store::shown;
use crate::store::{rights, sights, tags};

/// Where a page stands in its list.
#[derive(Serialize, ToSchema)]
pub struct Page {
    /// Items a page has at the most.
    #[schema(example = 20)]
    pub limit: usize,
    /// The `cursor` of the next page; null on the last.
    #[schema(required)]
    pub next: Option<String>,
    /// Items in the whole list; only with `count=exact`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub count: Option<i64>,
}

impl Page {
    /// Cuts what was found down to a page; there is a next one where more was found than asked for. `key` is where an
    /// item stands in its list, whose name or digest `fingerprint` is.
    pub fn cut<T, K: Serialize>(
        found: &mut Vec<T>,
        limit: usize,
        fingerprint: &str,
        key: impl Fn(&T) -> K,
    ) -> Self {
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more);
        Self {
            limit,
            next: last.map(|last| cursor::encode(fingerprint, &key(last))),
            count: None,
        }
    }
}

/// Read an article
///
/// By its slug, or by its id in the slug's place. A former slug leads to the present one.
#[utoipa::path(
    tag = "articles",
    operation_id = "get_article",
    params(("slug" = String, Path, description = "Slug or id", example = "espagne-maroc-tanger-securite"), ArticleParams),
    responses(
        (status = 200, description = "The article", body = ArticleView,
         headers(("ETag" = String), ("Last-Modified" = String))),
        (status = 301, description = "The slug is a former one; `Location` has the present one"),
        (status = 304, description = "Not modified"),
        (status = 410, description = "It was public and is no more", body = crate::api::problem::ProblemView,
         content_type = "application/problem+json"),
        Failures,
    )
)]
#[get("/v1/articles/{slug}")]
pub async fn get_article(
    request: HttpRequest,
    state: web::Data<State>,
    viewer: Viewer,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut shape = inputs::parse_article(request.query_string())?;
    shape.sight = viewer.sight();
    let address = Address::of(&request);
    let question = Question {
        text: format!("article {slug:?} {}", shape.question()),
        brief: shape.is_plain().into(),
    };
    state
        .answer_question(&request, question, move |state, reader, now| {
            let work = |conn: &mut Conn| {
                let shape = article_lists::in_snapshot(conn, &shape)?;
                one(conn, state, &slug, &shape, &address, now)
            };
            if !shape.is_plain() {
                return reader.read(work);
            }
            let plain = reader.glance(|conn| {
                let answer = one(conn, state, &slug, &shape, &address, now);
                // Afterwards: what holds still has held when the article was read.
                let overtaken = rights::overtaken(conn, &shape.sight)?;
                overtaken.is_none().then_some(answer).transpose()
            });
            match plain? {
                Some(answer) => Ok(answer),
                None => reader.read(work),
            }
        })
        .await
}

/// Where an article is found under a name.
pub enum Located {
    Here(Box<ArticleRow>),
    /// The name is a former slug; this is the present one.
    Moved(String),
}

/// Finds an article that the public sees at `now`.
///
/// # Errors
/// 410 where it was public and is no more, 404 where it is unknown or never was.
pub fn locate(conn: &mut Conn, name: &str, now: DateTime<Utc>) -> Result<Located> {
    locate_for(conn, name, &Sight::Public, now)
}

/// Finds an article that a caller of this sight sees at `now`.
///
/// # Errors
/// As [`locate`].
pub fn locate_for(
    conn: &mut Conn,
    name: &str,
    sight: &Sight,
    now: DateTime<Utc>,
) -> Result<Located> {
    let row = match name.contains('\0') {
        true => None,
        false => shown::row_by_name(conn, name)?,
    };
    let row = row.ok_or_else(|| missing(name))?;
    let tags = sights::tags_for(conn, sight, &[row.num])?.remove(&row.num);
    let tags = tags.unwrap_or_default();
    Ok(match is_moved(conn, name, &row, &tags, sight, now)? {
        true => Located::Moved(row.slug),
        false => Located::Here(Box::new(row)),
    })
}

fn missing(name: &str) -> Error {
    Error::NotFound(format!("there is no article {name:?}"))
}

/// Whether the name is a former one of the article that it leads to.
///
/// # Errors
/// As [`locate`], where a caller of this sight does not see the article.
fn is_moved(
    conn: &mut Conn,
    name: &str,
    row: &ArticleRow,
    tags: &[i64],
    sight: &Sight,
    now: DateTime<Utc>,
) -> Result<bool> {
    let reached = sight.reaches(row.created_by.as_deref());
    let is_former = shown::is_former(row, name);
    let standing = sights::standing(conn, sight, row, tags, now)?;
    // A slug that the article had while it was hidden tells the public nothing.
    let knows = reached
        || match (is_former, standing) {
            (true, _) => aliases::is_public(conn, name)?,
            (false, Standing::Gone) if row.slug == name => {
                aliases::is_known_by_slug(conn, row, standing)?
            }
            (false, _) => true,
        };
    if !knows {
        return Err(missing(name));
    }
    if sights::sees(sight, row, tags, now) {
        return Ok(is_former);
    }
    match standing {
        Standing::Hidden => Err(missing(name)),
        Standing::Visible | Standing::Gone => Err(Error::Gone(format!(
            "the article {name:?} is no longer available"
        ))),
    }
}

/// The article and all that is plain of it are of one snapshot, with or without a transaction around.
fn one(
    conn: &mut Conn,
    state: &State,
    name: &str,
    shape: &Shape,
    address: &Address,
    now: DateTime<Utc>,
) -> Result<Answer> {
    if name.contains('\0') {
        return Err(missing(name));
    }
    if shape.is_whole()
        && let Some(ready) = cards::whole(conn, name, FORM, now)?
    {
        return whole::answer(ready);
    }
    let derived = shape.related || shape.related_tags;
    let incomplete = derived && !state.related_is_complete();
    let shown = shown::by_name(conn, name, shape.parts(), now)?;
    let shown = shown.ok_or_else(|| missing(name))?;
    let tags = shown.tag_nums();
    if is_moved(conn, name, &shown.row, &tags, &shape.sight, now)? {
        return Ok(Answer::moved(address.article(&shown.row.slug, "")));
    }
    let num = shown.row.num;
    // A translation may be about to appear.
    let in_group = shown.row.translation_group.is_some();
    let views = article_views::views(conn, state, vec![shown], shape, now)?;
    let Some(view) = views.into_iter().next() else {
        return Err(Error::Internal("an article lost its view".to_owned()));
    };
    let tag = StateTag::of(&view.id, view.version);
    let articles = [Listed::from(view)];
    let answer = match shape.members {
        Some(_) => Answer::json(&article_views::shaped(&articles[0], shape)?)?,
        None => Answer::json(&articles[0])?,
    };
    Ok(answer
        .embeddable(shape.json_ld)
        .stands_for(tag)
        .last_modified(article_views::last_modified(&articles))
        .until(article_views::first_expiry(&articles))
        .cache_tags(cache_tags(&articles, shape))
        .keep(Keep {
            with_time: derived || in_group,
            derived,
            neighbours_of: vec![num],
            ..Keep::default()
        })
        .not_cached(incomplete))
}
/// A filter with tags by number, and the tags' ids.
#[derive(Default)]
pub struct Resolved {
    pub filter: Option<TagFilter<i64>>,
    ids: Vec<String>,
}

impl Resolved {
    /// What is to be told to a cache of a list with this filter: the tags, and, of those that no article shown bears,
    /// whether any article does at all. For a tag without articles is not known.
    pub fn cache_tags(&self, articles: &[Listed]) -> Vec<String> {
        let is_borne = |id: &String| {
            let mut borne = articles.iter().flat_map(Listed::tags);
            borne.any(|tag| tag.id == *id)
        };
        let of_tag = |id: &String| {
            let counted = (!is_borne(id)).then(|| format!("tagged-{id}"));
            std::iter::once(format!("tag-{id}")).chain(counted)
        };
        self.ids.iter().flat_map(of_tag).collect()
    }
}

/// The filter with tags by number.
///
/// # Errors
/// 400 naming a slug that is no tag's, or none that the caller may know of.
pub fn resolved(
    conn: &mut Conn,
    filter: Option<&TagFilter<String>>,
    whom: &For,
    now: DateTime<Utc>,
) -> Result<Resolved> {
    let mut ids = Vec::new();
    let mut resolve = |slug: &String| {
        let found = match whom {
            For::Everyone => tags::find_public(conn, slug, now)?,
            For::Partner(rights) => tags::find_for(conn, slug, rights, now)?,
            For::Newsroom => tags::find(conn, slug)?,
        };
        let tag = found.map(tags::Found::into_row);
        let tag = tag.ok_or_else(|| inputs::unknown_tag(slug))?;
        ids.push(tag.id);
        Ok::<i64, Error>(tag.num)
    };
    let filter = filter
        .map(|filter| filter.try_map(&mut resolve))
        .transpose()?;
    Ok(Resolved { filter, ids })
}

/// Each article's and each tag's name: what a cache is told when one changes. What rests on neighbours changes with
/// any article.
pub fn cache_tags(articles: &[Listed], shape: &Shape) -> Vec<String> {
    let mut cache_tags = Vec::new();
    let mut tags = TagNames::default();
    for article in articles {
        let neighbours = article.neighbours().iter();
        let neighbours = neighbours.map(|related| &related.article);
        for article in std::iter::once(article).chain(neighbours) {
            // Joined, not formatted: a page has a hundred of them.
            cache_tags.push(["article-", article.id()].concat());
            cache_tags.extend(tags.new_in(article));
        }
    }
    if shape.related || shape.related_tags {
        cache_tags.push(RANKINGS.to_owned());
    }
    if shape.related_tags {
        cache_tags.push("tags".to_owned());
    }
    cache_tags
}

/// The names of tags, each once.
#[derive(Default)]
pub struct TagNames {
    /// By number.
    named: Vec<i64>,
}

impl TagNames {
    /// Those of the article's tags that have not been named.
    pub fn new_in<'a>(&'a mut self, article: &'a Listed) -> impl Iterator<Item = String> + 'a {
        article.tags().iter().filter_map(|tag| {
            let is_new = !self.named.contains(&tag.num);
            is_new.then(|| {
                self.named.push(tag.num);
                ["tag-", &tag.id].concat()
            })
        })
    }
}
