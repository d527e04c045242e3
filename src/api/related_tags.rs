//! Tags that go with a tag, an article or a text.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::address::Address;
use crate::api::articles::{Located, locate_for};
use crate::api::auth::Viewer;
use crate::api::conditional::{Answer, Keep};
use crate::api::inputs::{self, DEFAULT_RELATED, RelatedTagParams};
use crate::api::neighbours::rounded;
use crate::api::openapi::Failures;
use crate::api::problem::Problem;
use crate::api::state::{Question, State};
use crate::api::tag_views::{self, For, TagView};
use crate::api::tags::find;
use crate::api::views::ArticleView;
use crate::cache::RANKINGS;
use crate::content::sight::Sight;
use crate::db::Conn;
use crate::error::Result;
use crate::related::TagNeighbour;
use crate::store::rights;
use crate::store::tags::{self, TagRow};

/// A tag that goes with something, and how closely.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RelatedTag)]
pub struct RelatedTagView {
    /// In (0, 1], falling down the list.
    #[schema(example = 0.4)]
    score: f64,
    /// Articles that bear both tags, or neighbours that bear this one.
    #[schema(example = 17)]
    shared: u32,
    tag: TagView,
}

/// Tags that go together, closest first.
#[derive(Serialize, ToSchema)]
#[schema(as = RelatedTagList)]
pub struct RelatedTagListView {
    data: Vec<RelatedTagView>,
}

/// Find tags related to a tag
///
/// Those that occur with it more often than chance would have it.
#[utoipa::path(
    tag = "tags",
    operation_id = "list_tags_related_to_tag",
    params(("slug" = String, Path, description = "The tag's slug", example = "eau"), RelatedTagParams),
    responses(
        (status = 200, description = "The closest tags", body = RelatedTagListView, headers(("ETag" = String))),
        (status = 301, description = "The slug is a former one; `Location` has the present one"),
        (status = 304, description = "Not modified"),
        Failures,
    )
)]
#[get("/v1/tags/{slug}/related")]
pub async fn list_tags_related_to_tag(
    request: HttpRequest,
    state: web::Data<State>,
    viewer: Viewer,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let limit = inputs::parse_related_tags(request.query_string())?;
    let sight = viewer.published_sight();
    let address = Address::of(&request);
    let question = Question::long(format!("tags related to tag {slug:?} {limit}"));
    state
        .answer_question(&request, question, move |state, reader, now| {
            reader.read(|conn| {
                let sight = rights::in_snapshot(conn, &sight)?;
                let row = match find(conn, &slug, &For::of(&sight), now)? {
                    tags::Found::Alias(row) => {
                        return Ok(Answer::moved(address.tag(&row.slug, "/related")));
                    }
                    tags::Found::Proper(row) => row,
                };
                let complete = state.related_is_complete();
                let micros = now.timestamp_micros();
                let engine = state.engine(now);
                let neighbours = engine.related_tags(row.num, limit, micros, sight.rights());
                drop(engine);
                let data = neighbour_tags(conn, state, &neighbours, &sight, now)?;
                let names = [format!("related-tag-{}", row.id), format!("tag-{}", row.id)];
                answer(data, names, None, complete)
            })
        })
        .await
}

/// Find tags related to an article
///
/// Tags that its nearest articles bear and it does not.
#[utoipa::path(
    tag = "related",
    operation_id = "list_tags_related_to_article",
    params(("slug" = String, Path, description = "Slug or id", example = "espagne-maroc-tanger-securite"), RelatedTagParams),
    responses(
        (status = 200, description = "The closest tags", body = RelatedTagListView, headers(("ETag" = String))),
        (status = 301, description = "The slug is a former one; `Location` has the present one"),
        (status = 304, description = "Not modified"),
        (status = 410, description = "It was public and is no more", body = crate::api::problem::ProblemView,
         content_type = "application/problem+json"),
        Failures,
    )
)]
#[get("/v1/articles/{slug}/related-tags")]
pub async fn list_tags_related_to_article(
    request: HttpRequest,
    state: web::Data<State>,
    viewer: Viewer,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let limit = inputs::parse_related_tags(request.query_string())?;
    let sight = viewer.published_sight();
    let address = Address::of(&request);
    let question = Question::long(format!("tags related to article {slug:?} {limit}"));
    state
        .answer_question(&request, question, move |state, reader, now| {
            reader.read(|conn| {
                let sight = rights::in_snapshot(conn, &sight)?;
                let row = match locate_for(conn, &slug, &sight, now)? {
                    Located::Moved(slug) => {
                        return Ok(Answer::moved(address.article(&slug, "/related-tags")));
                    }
                    Located::Here(row) => row,
                };
                let complete = state.related_is_complete();
                let near = neighbourhood(state, row.num, limit, &sight, now);
                let data = neighbour_tags(conn, state, &near, &sight, now)?;
                let names = [format!("related-{}", row.id), format!("article-{}", row.id)];
                answer(data, names, Some(row.num), complete)
            })
        })
        .await
}

/// The list. `names` are the cache tags of what it is about; it changes with any article and any count.
/// `neighbours_of`: the article whose neighbours bear the tags, if they are one's.
fn answer(
    data: Vec<RelatedTagView>,
    names: [String; 2],
    neighbours_of: Option<i64>,
    complete: bool,
) -> Result<Answer> {
    let of_all = [RANKINGS, "tags"].map(str::to_owned);
    Ok(Answer::json(&RelatedTagListView { data })?
        .cache_tags(names.into_iter().chain(of_all))
        .keep(Keep {
            with_time: true,
            derived: true,
            neighbours_of: neighbours_of.into_iter().collect(),
            ..Keep::default()
        })
        .not_cached(!complete))
}

fn neighbourhood(
    state: &State,
    num: i64,
    limit: usize,
    sight: &Sight,
    now: DateTime<Utc>,
) -> Vec<TagNeighbour> {
    let micros = now.timestamp_micros();
    let engine = state.engine(now);
    let found = engine.neighbourhood_tags(num, limit, micros, sight.rights());
    found.unwrap_or_default()
}

/// Gives each view the tags of its neighbourhood.
pub fn include_related(
    conn: &mut Conn,
    state: &State,
    nums: &[i64],
    views: &mut [ArticleView],
    sight: &Sight,
    now: DateTime<Utc>,
) -> Result<()> {
    let found: Vec<Vec<TagNeighbour>> = nums
        .iter()
        .map(|num| neighbourhood(state, *num, DEFAULT_RELATED, sight, now))
        .collect();
    let all: Vec<TagNeighbour> = found.iter().flatten().copied().collect();
    let known: HashMap<i64, TagView> = tag_views(conn, state, &all, sight, now)?;
    for (view, neighbours) in views.iter_mut().zip(&found) {
        view.related_tags = Some(
            neighbours
                .iter()
                .filter_map(|one| related_tag(&known, one))
                .collect(),
        );
    }
    Ok(())
}

/// The tags with their views, in order.
pub fn neighbour_tags(
    conn: &mut Conn,
    state: &State,
    neighbours: &[TagNeighbour],
    sight: &Sight,
    now: DateTime<Utc>,
) -> Result<Vec<RelatedTagView>> {
    let known = tag_views(conn, state, neighbours, sight, now)?;
    Ok(neighbours
        .iter()
        .filter_map(|one| related_tag(&known, one))
        .collect())
}

fn related_tag(known: &HashMap<i64, TagView>, neighbour: &TagNeighbour) -> Option<RelatedTagView> {
    Some(RelatedTagView {
        score: rounded(neighbour.score),
        shared: neighbour.shared,
        tag: known.get(&neighbour.tag)?.clone(),
    })
}

fn tag_views(
    conn: &mut Conn,
    state: &State,
    neighbours: &[TagNeighbour],
    sight: &Sight,
    now: DateTime<Utc>,
) -> Result<HashMap<i64, TagView>> {
    let nums: Vec<i64> = neighbours.iter().map(|neighbour| neighbour.tag).collect();
    // What an article shows beside itself is as everyone sees it, or a partner.
    let whom = match sight {
        Sight::Partner(_) => For::of(sight),
        Sight::Public | Sight::Own(_) | Sight::All => For::Everyone,
    };
    // The engine may lag behind by a moment; the database decides what a partner may know of.
    let rows: Vec<TagRow> = tags::by_nums(conn, &nums)?.into_values().collect();
    tag_views::known(conn, Some(&state.tags), rows, &whom, now)
}
