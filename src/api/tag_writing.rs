//! Writing tags: making, changing, merging and deleting them.

use actix_web::{HttpRequest, HttpResponse, delete, patch, post, put, web};
use serde_json::{Value, json};

use crate::api::address::Address;
use crate::api::auth::{Caller, Editor};
use crate::api::body::{self, JSON, MERGE_PATCH};
use crate::api::conditional::Answer;
use crate::api::inputs;
use crate::api::openapi::{BodyFailures, Failures, Refusals, VersionFailures};
use crate::api::precondition::StateTag;
use crate::api::problem::{Problem, ProblemView};
use crate::api::state::State;
use crate::api::tag_views::{For, TagView};
use crate::api::tags::{find, one};
use crate::api::writing::{Act, Write};
use crate::content::tag_input::{MEMBERS, MergerInput, TagInput, TagPatch};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::store::audit::Target;
use crate::store::tags::{self, Found, TagRow};
use crate::store::{tag_merging, tag_saving};

/// Make a tag
///
/// It is listed: public even while no article bears it. Two tags of one kind cannot have the same name, and no slug or
/// alias leads to two tags: 409 names the other.
#[utoipa::path(
    tag = "tags",
    operation_id = "create_tag",
    security(("bearer" = ["editor"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat")),
    request_body(content = TagInput, content_type = "application/json"),
    responses(
        (status = 201, description = "The tag", body = TagView, headers(("ETag" = String), ("Location" = String))),
        Failures, Refusals, BodyFailures,
    )
)]
#[post("/v1/tags")]
pub async fn create_tag(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Editor>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let bytes = body::bytes(&request, payload, &state, JSON).await?;
    let input: TagInput = body::read_json(&bytes)?;
    let draft = input.check().map_err(Error::InvalidBody)?;
    let address = Address::of(&request);
    let write = Write::of(&request, caller)?.repeatable(&request, &bytes)?;
    write
        .carry_out(&state, move |act, conn| {
            let row = tag_saving::create(conn, &draft, act.now)?;
            note(
                act,
                conn,
                "tag.create",
                &row,
                json!({ "version": row.version }),
            )?;
            let location = address.tag(&row.slug, "");
            Ok(one(conn, None, row, &For::Newsroom, act.now)?.created(location))
        })
        .await
}

/// Change a tag
///
/// A merge patch of `name`, `slug`, `kind`, `description`, `parent`, `aliases` and `listed`. A slug that it had leads
/// to the new one; aliases left out of the list are free again. A patch that says nothing new changes nothing.
#[utoipa::path(
    tag = "tags",
    operation_id = "update_tag",
    security(("bearer" = ["editor"])),
    params(
        ("slug" = String, Path, description = "The tag's slug", example = "inondations"),
        ("If-Match" = String, Header, description = "The `ETag` of the tag as it was read"),
    ),
    request_body(content = TagPatch, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The tag as it is now", body = TagView, headers(("ETag" = String))),
        Failures, Refusals, BodyFailures, VersionFailures,
    )
)]
#[patch("/v1/tags/{slug}")]
pub async fn update_tag(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Editor>,
    slug: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let bytes = body::bytes(&request, payload, &state, MERGE_PATCH).await?;
    let patch = body::read_patch(&bytes)?;
    let faults = body::faults_of_patch(&patch, &MEMBERS, &["name", "slug", "listed"]);
    if !faults.is_empty() {
        return Err(Error::InvalidBody(faults).into());
    }
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let before = open(act, conn, &slug)?;
            let (mut tag, aliases) = present(conn, &before)?;
            body::merge(&mut tag, patch);
            let tag: TagPatch = body::read_value(tag)?;
            let draft = tag.check(aliases).map_err(Error::InvalidBody)?;
            let (version, former) = (before.version, before.slug.clone());
            let row = tag_saving::edit(conn, before, &draft, act.now)?;
            if row.version != version {
                let detail = json!({ "version": row.version, "former_slug": former });
                note(act, conn, "tag.update", &row, detail)?;
            }
            one(conn, None, row, &For::Newsroom, act.now)
        })
        .await
}

/// Merge a tag into another
///
/// Every article that bears it then bears the other, once and in its place. Its slug and aliases lead to the other for
/// good (the public only if it could know of the tag), the tags below it come below the other, and it is gone.
#[utoipa::path(
    tag = "tags",
    operation_id = "merge_tag",
    security(("bearer" = ["editor"])),
    params(
        ("slug" = String, Path, description = "The slug of the tag that goes", example = "inondations"),
        ("If-Match" = String, Header, description = "The `ETag` of the tag that goes, as it was read"),
    ),
    request_body(content = MergerInput, content_type = "application/json"),
    responses(
        (status = 200, description = "The tag that remains", body = TagView, headers(("ETag" = String))),
        Failures, Refusals, BodyFailures, VersionFailures,
    )
)]
#[put("/v1/tags/{slug}/merger")]
pub async fn merge_tag(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Editor>,
    slug: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let input: MergerInput = body::json(&request, payload, &state).await?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let from = open(act, conn, &slug)?;
            let into = target(conn, &input.into)?;
            let row = tag_merging::merge(conn, &from, into, act.now)?;
            let detail = json!({ "into": row.slug, "into_id": row.id });
            note(act, conn, "tag.merge", &from, detail)?;
            one(conn, None, row, &For::Newsroom, act.now)
        })
        .await
}

/// Delete a tag
///
/// One that no article bears, drafts included, and that none is below; 409 otherwise. Its aliases are free again.
#[utoipa::path(
    tag = "tags",
    operation_id = "delete_tag",
    security(("bearer" = ["editor"])),
    params(
        ("slug" = String, Path, description = "The tag's slug", example = "inondations"),
        ("If-Match" = String, Header, description = "The `ETag` of the tag as it was read"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, description = "It is in use", body = ProblemView, content_type = "application/problem+json"),
        Failures, Refusals, VersionFailures,
    )
)]
#[delete("/v1/tags/{slug}")]
pub async fn delete_tag(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Editor>,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let row = open(act, conn, &slug)?;
            tag_merging::delete(conn, &row, act.now)?;
            note(
                act,
                conn,
                "tag.delete",
                &row,
                json!({ "version": row.version }),
            )?;
            Ok(Answer::no_content())
        })
        .await
}

/// The tag of this slug, in the state that the caller has read. An alias does as well: a write is guarded by its
/// version, and a redirected one would be lost.
fn open(act: &Act, conn: &mut Conn, slug: &str) -> Result<TagRow> {
    let row = find(conn, slug, &For::Newsroom, act.now)?.into_row();
    act.precondition
        .holds_for(&StateTag::of(&row.id, row.version))?;
    Ok(row)
}

/// The tag that another is to become part of.
fn target(conn: &mut Conn, slug: &str) -> Result<TagRow> {
    let found = match slug.contains('\0') {
        true => None,
        false => tags::find(conn, slug)?.map(Found::into_row),
    };
    found.ok_or_else(|| Error::member("/into", format!("there is no tag {slug:?}")))
}

/// The tag as it stands, to be patched, and how many aliases it has.
fn present(conn: &mut Conn, row: &TagRow) -> Result<(Value, usize)> {
    let aliases = tags::aliases(conn, row.num)?;
    let parent = match row.parent_num {
        Some(num) => tags::by_nums(conn, &[num])?.remove(&num),
        None => None,
    };
    let count = aliases.len();
    let tag = json!({
        "name": row.name,
        "slug": row.slug,
        "kind": row.kind,
        "description": row.description,
        "parent": parent.map(|parent| parent.slug),
        "aliases": aliases,
        "listed": row.listed,
    });
    Ok((tag, count))
}

fn note(
    act: &Act,
    conn: &mut Conn,
    action: &'static str,
    row: &TagRow,
    detail: Value,
) -> Result<()> {
    let target = Target {
        kind: "tag",
        id: &row.id,
        name: &row.slug,
    };
    act.note(conn, action, target, Some(detail))
}
