//! `/v1/articles/{slug}/related`: the nearest articles of one, and why.

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::articles::{Address, Located, locate, resolved};
use crate::api::conditional::Answer;
use crate::api::inputs::{RelatedInput, RelatedParams};
use crate::api::neighbours::{Material, RelatedPage, RelatedView, shown};
use crate::api::openapi::Failures;
use crate::api::problem::{Problem, ProblemView};
use crate::api::state::State;
use crate::api::views::ArticleView;
use crate::content::tag_filter::TagFilter;
use crate::db::Conn;
use crate::error::Result;
use crate::related::{self, Ask, Neighbour, Related};
use crate::store::articles::{self, ArticleRow};

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
        state.engine().related(num, &ask).unwrap_or_default()
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
