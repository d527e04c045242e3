//! `/v1/tags`: lists of tags, one, and what goes with it.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::articles::{Address, Located, Page, locate};
use crate::api::conditional::{Answer, StateTag};
use crate::api::cursor;
use crate::api::inputs::{
    self, DEFAULT_RELATED, RelatedTagParams, TagListInput, TagListParams, TagOrder,
};
use crate::api::neighbours::rounded;
use crate::api::openapi::Failures;
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::api::views::{ArticleView, TagKindView};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::related::TagNeighbour;
use crate::store::articles::ArticleRow;
use crate::store::tags::{self, TagOutline, TagRow};

/// A tag.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Tag)]
pub struct TagView {
    #[schema(example = "maroc")]
    slug: String,
    #[schema(example = "Maroc")]
    name: String,
    #[schema(value_type = TagKindView)]
    kind: String,
    #[schema(required)]
    description: Option<String>,
    /// The slug of the tag above it.
    #[schema(required)]
    parent: Option<String>,
    /// Public articles that bear it.
    #[schema(example = 40)]
    article_count: i64,
}

/// Tags, and where the page stands in its list.
#[derive(Serialize, ToSchema)]
#[schema(as = TagList)]
pub struct TagListView {
    data: Vec<TagView>,
    page: Page,
}

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

/// List tags
///
/// By name, or the most used first.
#[utoipa::path(
    tag = "tags",
    operation_id = "list_tags",
    params(TagListParams),
    responses(
        (status = 200, description = "A page of tags", body = TagListView,
         headers(("ETag" = String), ("Link" = String, description = "The next page"))),
        (status = 304, description = "Not modified"),
        Failures,
    )
)]
#[get("/v1/tags")]
pub async fn list_tags(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let input = TagListInput::parse(request.query_string())?;
    let address = Address::of(&request);
    state
        .answer(&request, move |state, now| {
            state
                .database
                .read(|conn| list(conn, &input, &address, now))
        })
        .await
}

/// Read a tag
///
/// A former slug, or that of a tag merged into another, leads to the present one.
#[utoipa::path(
    tag = "tags",
    operation_id = "get_tag",
    params(("slug" = String, Path, description = "The tag's slug", example = "eau")),
    responses(
        (status = 200, description = "The tag", body = TagView, headers(("ETag" = String))),
        (status = 301, description = "The slug is a former one; `Location` has the present one"),
        (status = 304, description = "Not modified"),
        Failures,
    )
)]
#[get("/v1/tags/{slug}")]
pub async fn get_tag(
    request: HttpRequest,
    state: web::Data<State>,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let address = Address::of(&request);
    state
        .answer(&request, move |state, now| {
            state.database.read(|conn| {
                let row = match find(conn, &slug, now)? {
                    tags::Found::Alias(row) => {
                        return Ok(Answer::moved(address.tag(&row.slug, "")));
                    }
                    tags::Found::Proper(row) => row,
                };
                let cache_tag = format!("tag-{}", row.id);
                let modified = row.updated_at.and_utc();
                let state_tag = StateTag::of(&row.id, row.version);
                let view = shown(conn, vec![row], now)?.pop();
                let view = view.ok_or_else(|| Error::Internal("a tag lost its view".to_owned()))?;
                Ok(Answer::json(&view)?
                    .stands_for(state_tag)
                    .last_modified(Some(modified))
                    .cache_tags([cache_tag]))
            })
        })
        .await
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
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let limit = inputs::parse_related_tags(request.query_string())?;
    let address = Address::of(&request);
    state
        .answer(&request, move |state, now| {
            state.database.read(|conn| {
                let row = match find(conn, &slug, now)? {
                    tags::Found::Alias(row) => {
                        return Ok(Answer::moved(address.tag(&row.slug, "/related")));
                    }
                    tags::Found::Proper(row) => row,
                };
                let complete = state.related_is_complete();
                let neighbours =
                    state
                        .engine(now)
                        .related_tags(row.num, limit, now.timestamp_micros());
                let data = neighbour_tags(conn, &neighbours, now)?;
                let cache_tags = [format!("related-tag-{}", row.id), format!("tag-{}", row.id)];
                Ok(Answer::json(&RelatedTagListView { data })?
                    .cache_tags(cache_tags)
                    .not_cached(!complete))
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
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let limit = inputs::parse_related_tags(request.query_string())?;
    let address = Address::of(&request);
    state
        .answer(&request, move |state, now| {
            state.database.read(|conn| {
                let row = match locate(conn, &slug, now)? {
                    Located::Moved(slug) => {
                        return Ok(Answer::moved(address.article(&slug, "/related-tags")));
                    }
                    Located::Here(row) => row,
                };
                let complete = state.related_is_complete();
                let data = neighbour_tags(conn, &neighbourhood(state, row.num, limit, now), now)?;
                let cache_tags = [format!("related-{}", row.id), format!("article-{}", row.id)];
                Ok(Answer::json(&RelatedTagListView { data })?
                    .cache_tags(cache_tags)
                    .not_cached(!complete))
            })
        })
        .await
}

fn neighbourhood(state: &State, num: i64, limit: usize, now: DateTime<Utc>) -> Vec<TagNeighbour> {
    let found = state
        .engine(now)
        .neighbourhood_tags(num, limit, now.timestamp_micros());
    found.unwrap_or_default()
}

/// Gives each view the tags of its neighbourhood.
pub fn include_related(
    conn: &mut Conn,
    state: &State,
    rows: &[ArticleRow],
    views: &mut [ArticleView],
    now: DateTime<Utc>,
) -> Result<()> {
    let found: Vec<Vec<TagNeighbour>> = rows
        .iter()
        .map(|row| neighbourhood(state, row.num, DEFAULT_RELATED, now))
        .collect();
    let all: Vec<TagNeighbour> = found.iter().flatten().copied().collect();
    let known: HashMap<i64, TagView> = tag_views(conn, &all, now)?;
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
    neighbours: &[TagNeighbour],
    now: DateTime<Utc>,
) -> Result<Vec<RelatedTagView>> {
    let known = tag_views(conn, neighbours, now)?;
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
    neighbours: &[TagNeighbour],
    now: DateTime<Utc>,
) -> Result<HashMap<i64, TagView>> {
    let nums: Vec<i64> = neighbours.iter().map(|neighbour| neighbour.tag).collect();
    let rows: Vec<TagRow> = tags::by_nums(conn, &nums)?.into_values().collect();
    let nums: Vec<i64> = rows.iter().map(|row| row.num).collect();
    Ok(nums.into_iter().zip(shown(conn, rows, now)?).collect())
}

fn find(conn: &mut Conn, slug: &str, now: DateTime<Utc>) -> Result<tags::Found> {
    let missing = || Error::NotFound(format!("there is no tag {slug:?}"));
    if slug.contains('\0') {
        return Err(missing());
    }
    let found = tags::find(conn, slug)?.ok_or_else(missing)?;
    let (tags::Found::Proper(row) | tags::Found::Alias(row)) = &found;
    match tags::is_public(conn, row, now)? {
        true => Ok(found),
        false => Err(missing()),
    }
}

fn list(
    conn: &mut Conn,
    input: &TagListInput,
    address: &Address,
    now: DateTime<Utc>,
) -> Result<Answer> {
    let after: Option<Key> = match &input.cursor {
        Some(word) => Some(cursor::decode(&input.fingerprint, word)?),
        None => None,
    };
    let outlines = tags::outlines(conn, input.kind, input.prefix.as_deref())?;
    // Counting every tag's articles takes long; only an order or a total that rests on it is worth it.
    let found = match input.order == TagOrder::Count || input.count {
        true => counted_page(conn, input, outlines, after, now)?,
        false => named_page(conn, input, outlines, after, now)?,
    };
    let next = found
        .next
        .map(|key| cursor::encode(&input.fingerprint, &key));
    let link = next.as_ref().map(|next| address.with_cursor(next));
    let mut rows = tags::by_nums(conn, &found.nums)?;
    let rows: Vec<TagRow> = found
        .nums
        .iter()
        .filter_map(|num| rows.remove(num))
        .collect();
    let data = shown(conn, rows, now)?;
    let page = Page {
        limit: input.limit,
        next,
        count: found.count,
    };
    Ok(Answer::json(&TagListView { data, page })?
        .next(link)
        .cache_tags(["tags".to_owned()]))
}

/// Where a tag stands in a list: how often it is used, negated, its folded name, its slug.
type Key = (i64, String, String);

/// A page of tags, the key after which the next begins, and the count where it was asked for.
#[derive(Default)]
struct Found {
    nums: Vec<i64>,
    next: Option<Key>,
    count: Option<i64>,
}

/// By name, looking at no more tags than it takes to fill the page.
fn named_page(
    conn: &mut Conn,
    input: &TagListInput,
    mut outlines: Vec<TagOutline>,
    after: Option<Key>,
    now: DateTime<Utc>,
) -> Result<Found> {
    let key = |tag: &TagOutline| (0, tag.folded_name.clone(), tag.slug.clone());
    outlines.sort_by_cached_key(key);
    if let Some(after) = after {
        outlines.retain(|tag| key(tag) > after);
    }
    let mut found = Found::default();
    let mut last = None;
    for part in outlines.chunks(input.limit + 1) {
        let nums: Vec<i64> = part.iter().map(|tag| tag.num).collect();
        let counts = tags::counts(conn, &nums, now)?;
        for tag in part
            .iter()
            .filter(|tag| tag.listed || counts.contains_key(&tag.num))
        {
            if found.nums.len() == input.limit {
                found.next = last.map(key);
                return Ok(found);
            }
            found.nums.push(tag.num);
            last = Some(tag);
        }
    }
    Ok(found)
}

/// In either order, with every tag's articles counted.
fn counted_page(
    conn: &mut Conn,
    input: &TagListInput,
    mut outlines: Vec<TagOutline>,
    after: Option<Key>,
    now: DateTime<Utc>,
) -> Result<Found> {
    let counts = tags::all_counts(conn, now)?;
    outlines.retain(|tag| tag.listed || counts.contains_key(&tag.num));
    let total = i64::try_from(outlines.len()).unwrap_or(i64::MAX);
    let key = |tag: &TagOutline| -> Key {
        let count = match input.order {
            TagOrder::Count => counts.get(&tag.num).copied().unwrap_or(0),
            TagOrder::Name => 0,
        };
        // Negated, so that one ascending order does for both.
        (-count, tag.folded_name.clone(), tag.slug.clone())
    };
    outlines.sort_by_cached_key(key);
    if let Some(after) = after {
        outlines.retain(|tag| key(tag) > after);
    }
    let more = outlines.len() > input.limit;
    outlines.truncate(input.limit);
    Ok(Found {
        next: outlines.last().filter(|_| more).map(key),
        nums: outlines.iter().map(|tag| tag.num).collect(),
        count: input.count.then_some(total),
    })
}

fn shown(conn: &mut Conn, rows: Vec<TagRow>, now: DateTime<Utc>) -> Result<Vec<TagView>> {
    let parents: Vec<i64> = rows.iter().filter_map(|row| row.parent_num).collect();
    let parents = match parents.is_empty() {
        true => HashMap::new(),
        false => tags::by_nums(conn, &parents)?,
    };
    let nums: Vec<i64> = rows
        .iter()
        .map(|row| row.num)
        .chain(parents.keys().copied())
        .collect();
    let counts = tags::counts(conn, &nums, now)?;
    let count = |num: i64| counts.get(&num).copied().unwrap_or(0);
    // A parent that the public must not know of is not named.
    let parent = |num: i64| {
        let parent = parents
            .get(&num)
            .filter(|parent| parent.listed || count(num) > 0)?;
        Some(parent.slug.clone())
    };
    Ok(rows
        .into_iter()
        .map(|row| TagView {
            parent: row.parent_num.and_then(parent),
            article_count: count(row.num),
            slug: row.slug,
            name: row.name,
            kind: row.kind,
            description: row.description,
        })
        .collect())
}
