//! `/v1/tags`: lists of tags, and one.

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::address::Address;
use crate::api::articles::Page;
use crate::api::auth::Viewer;
use crate::api::conditional::{Answer, Keep};
use crate::api::cursor;
use crate::api::inputs::{self, TagListInput, TagListParams, TagOrder};
use crate::api::openapi::Failures;
use crate::api::precondition::StateTag;
use crate::api::problem::Problem;
use crate::api::state::{Question, State};
use crate::api::tag_census::{self, Kept, Key};
use crate::api::tag_views::{self, For, TagView};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::store::rights;
use crate::store::tags::{self, TagRow};

/// Tags that are looked at in one step.
const MAX_STEP: usize = 1_000;

/// Tags, and where the page stands in its list.
#[derive(Serialize, ToSchema)]
#[schema(as = TagList)]
pub struct TagListView {
    data: Vec<TagView>,
    page: Page,
}

/// List tags
///
/// By name, or the most used first. Callers from the role author up also find the tags that no public article bears
/// yet, and `editing` in each.
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
    viewer: Viewer,
) -> Result<HttpResponse, Problem> {
    let mut input = TagListInput::parse(request.query_string())?;
    let sight = viewer.sight();
    if For::of(&sight).is_newsroom() {
        // Another list, in which another's cursor has no place.
        input.fingerprint.push_str(" for the newsroom");
    }
    let address = Address::of(&request);
    let question = Question::long(input.question());
    state
        .answer_question(&request, question, move |state, reader, now| {
            reader.read(|conn| {
                let whom = For::of(&*rights::in_snapshot(conn, &sight)?);
                list(conn, state, &input, &whom, &address, now)
            })
        })
        .await
}

/// Read a tag
///
/// A former slug, or that of a tag merged into another, leads to the present one. The `ETag` guards changes to it.
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
    viewer: Viewer,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let sight = viewer.sight();
    inputs::parse_none(request.query_string())?;
    let address = Address::of(&request);
    let question = Question::long(format!("tag {slug:?}"));
    state
        .answer_question(&request, question, move |state, reader, now| {
            reader.read(|conn| {
                let whom = For::of(&*rights::in_snapshot(conn, &sight)?);
                let row = match find(conn, &slug, &whom, now)? {
                    tags::Found::Alias(row) => {
                        return Ok(Answer::moved(address.tag(&row.slug, "")));
                    }
                    tags::Found::Proper(row) => row,
                };
                let answer = one(conn, Some(&state.tags), row, &whom, now)?;
                Ok(answer.private(whom.is_newsroom()))
            })
        })
        .await
}

/// The tag as an answer, to which a write can be bound. A write has no census: what it sees is not certain yet.
pub fn one(
    conn: &mut Conn,
    census: Option<&Kept>,
    row: TagRow,
    whom: &For,
    now: DateTime<Utc>,
) -> Result<Answer> {
    let mut cache_tags = vec![format!("tag-{}", row.id), format!("tagged-{}", row.id)];
    if row.parent_num.is_some() {
        // Named while it may be known.
        cache_tags.push("tags".to_owned());
    }
    let modified = row.updated_at.and_utc();
    let state_tag = StateTag::of(&row.id, row.version);
    let view = tag_views::shown(conn, census, vec![row], whom, now)?.pop();
    let view = view.ok_or_else(|| Error::Internal("a tag lost its view".to_owned()))?;
    Ok(Answer::json(&view)?
        .stands_for(state_tag)
        .last_modified(Some(modified))
        .cache_tags(cache_tags)
        .keep(counted()))
}

/// How long what has counts in it may be kept.
fn counted() -> Keep {
    Keep {
        with_time: true,
        ..Keep::default()
    }
}

/// The tag that a slug leads to.
///
/// # Errors
/// 404 where there is none that the caller may know of.
pub fn find(conn: &mut Conn, slug: &str, whom: &For, now: DateTime<Utc>) -> Result<tags::Found> {
    let missing = || Error::NotFound(format!("there is no tag {slug:?}"));
    if slug.contains('\0') {
        return Err(missing());
    }
    let found = match whom {
        For::Newsroom => tags::find(conn, slug)?,
        For::Partner(rights) => tags::find_for(conn, slug, rights, now)?,
        For::Everyone => tags::find_public(conn, slug, now)?,
    };
    found.ok_or_else(missing)
}

fn list(
    conn: &mut Conn,
    state: &State,
    input: &TagListInput,
    whom: &For,
    address: &Address,
    now: DateTime<Utc>,
) -> Result<Answer> {
    let after: Option<Key> = match &input.cursor {
        Some(word) => Some(cursor::decode(&input.fingerprint, word)?),
        None => None,
    };
    // Only an order or a total that rests on it is worth counting every tag's articles.
    let found = match (input.order == TagOrder::Count || input.count, whom) {
        (true, For::Partner(rights)) => {
            let counts = tags::counts_for(conn, None, rights, now)?;
            tag_census::page_of(conn, &counts, input, whom, after.as_ref())?
        }
        (true, _) => state.tags.page(conn, input, whom, after.as_ref(), now)?,
        (false, _) => named_page(conn, &state.tags, input, whom, after, now)?,
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
    let data = tag_views::shown(conn, Some(&state.tags), rows, whom, now)?;
    let page = Page {
        limit: input.limit,
        next,
        count: found.count,
    };
    Ok(Answer::json(&TagListView { data, page })?
        .next(link)
        .cache_tags(["tags".to_owned()])
        .keep(counted())
        .private(whom.is_newsroom()))
}

/// A page of tags, the key after which the next begins, and the count where it was asked for.
#[derive(Default)]
pub struct Found {
    pub nums: Vec<i64>,
    pub next: Option<Key>,
    pub count: Option<i64>,
}

/// By name, looking at no more tags than it takes to fill the page.
fn named_page(
    conn: &mut Conn,
    census: &Kept,
    input: &TagListInput,
    whom: &For,
    mut after: Option<Key>,
    now: DateTime<Utc>,
) -> Result<Found> {
    let mut found = Found::default();
    let mut last = None;
    let mut size = input.limit + 1;
    loop {
        let place = after
            .as_ref()
            .map(|(_, name, slug)| (name.as_str(), slug.as_str()));
        let part = tags::outlines(conn, input.kind, input.prefix.as_deref(), place, size)?;
        let nums: Vec<i64> = part.iter().map(|tag| tag.num).collect();
        let borne = match whom {
            For::Everyone => tags::borne_publicly(conn, &nums, now)?,
            For::Partner(_) => {
                let counts = whom.counts(conn, Some(census), &nums, now)?;
                counts.into_keys().collect()
            }
            For::Newsroom => nums.iter().copied().collect(),
        };
        for tag in part
            .iter()
            .filter(|tag| tag.listed || borne.contains(&tag.num))
        {
            if found.nums.len() == input.limit {
                found.next = last;
                return Ok(found);
            }
            found.nums.push(tag.num);
            last = Some((0, tag.folded_name.clone(), tag.slug.clone()));
        }
        match part.last() {
            Some(end) if part.len() == size => {
                after = Some((0, end.folded_name.clone(), end.slug.clone()));
            }
            _ => return Ok(found),
        }
        // Where most are hidden, longer and longer steps.
        size = (size * 2).min(MAX_STEP);
    }
}
