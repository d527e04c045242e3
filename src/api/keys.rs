//! `/v1/keys`: what programs show in the place of a login.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::api::address::Address;
use crate::api::articles::Page;
use crate::api::auth::{Admin, Caller};
use crate::api::conditional::Answer;
use crate::api::inputs::{PageInput, PageParams};
use crate::api::key_inputs::{KeyPatch, NewKeyInput, PATCHED};
use crate::api::key_views::{CreatedKeyView, KeyListView, KeyView, granted, view, views};
use crate::api::openapi::{BodyFailures, Failures, Refusals, VersionFailures};
use crate::api::precondition::StateTag;
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::api::user_inputs::check_role;
use crate::api::writing::Write;
use crate::api::{body, cursor, inputs};
use crate::content::check::Check;
use crate::content::rights::Grant;
use crate::content::role::Role;
use crate::content::username;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::identity::secret;
use crate::store::audit::Target;
use crate::store::keys::{self, KeyRow, NewKey};
use crate::store::rights::{self, GrantRow};

/// List API keys
///
/// The newest first, with those that were revoked or have expired.
#[utoipa::path(
    tag = "identity",
    operation_id = "list_keys",
    security(("bearer" = ["admin"])),
    params(PageParams),
    responses(
        (status = 200, description = "A page of keys", body = KeyListView,
         headers(("ETag" = String), ("Link" = String, description = "The next page"))),
        (status = 304, description = "Not modified"),
        Failures,
        Refusals,
    )
)]
#[get("/v1/keys")]
pub async fn list_keys(
    request: HttpRequest,
    state: web::Data<State>,
    _caller: Caller<Admin>,
) -> Result<HttpResponse, Problem> {
    let input = PageInput::parse(request.query_string())?;
    let address = Address::of(&request);
    state
        .answer(&request, move |state, _| {
            state.database.read(|conn| list(conn, &input, &address))
        })
        .await
}

fn list(conn: &mut Conn, input: &PageInput, address: &Address) -> Result<Answer> {
    let before: Option<String> = match &input.cursor {
        Some(cursor) => Some(cursor::decode("keys", cursor)?),
        None => None,
    };
    let mut rows = keys::page(conn, before.as_deref(), input.rows())?;
    let mut page = Page::cut(&mut rows, input.limit, "keys", |row| row.id.clone());
    page.count = input.count.then(|| keys::count(conn)).transpose()?;
    let link = address.next(&page);
    let data = views(conn, rows)?;
    Ok(Answer::json(&KeyListView { data, page })?
        .next(link)
        .private(true))
}

/// Create an API key
///
/// The answer is the only one that shows the key. An `Idempotency-Key` is not looked at, since a kept answer would
/// hold it: a request that is sent again finds the name taken.
#[utoipa::path(
    tag = "identity",
    operation_id = "create_key",
    security(("bearer" = ["admin"])),
    request_body = NewKeyInput,
    responses(
        (status = 201, description = "The new key", body = CreatedKeyView,
         headers(("Location" = String, description = "Where it is revoked"))),
        Failures,
        Refusals,
        BodyFailures,
    )
)]
#[post("/v1/keys")]
pub async fn create_key(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Admin>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let mut new: NewKeyInput = body::small_json(&request, payload, &state).await?;
    let given = new.grant();
    let mut check = Check::default();
    let name = check.parsed("/name", Some(new.name), username::parse);
    let role = check_role(&mut check, Some(new.role));
    let expires_at = check.time("/expires_at", new.expires_at);
    if expires_at.is_some_and(|at| at <= state.clock.now()) {
        check.fault("/expires_at", "is past");
    }
    let grant = given.checked(role, &mut check);
    check.finish().map_err(Error::InvalidBody)?;
    let (Some(name), Some(role)) = (name, role) else {
        return Err(Error::Internal("a checked key lacks a member".to_owned()).into());
    };
    let key = secret::new(secret::API_KEY)?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let new = NewKey {
                name: &name,
                role,
                expires_at,
                by: &act.caller.name,
                prefix: secret::shown(&key),
                hash: &secret::digest(&key),
            };
            let row = keys::create(conn, &new, act.now)?;
            let granted = rights::save(conn, &row.id, None, &grant, act.now)?;
            let detail = keys::audit_detail(&row, &grant);
            act.note(conn, "key.create", target(&row), Some(detail))?;
            let location = format!("{}/v1/keys/{}", act.state.public_url, row.id);
            let tag = state_tag(&row, granted.as_ref());
            let view = CreatedKeyView {
                key,
                about: view(conn, row, granted)?,
            };
            Ok(Answer::json(&view)?.stands_for(tag).created(location))
        })
        .await
}

/// Read an API key
///
/// What it may read and how often; never the key itself.
#[utoipa::path(
    tag = "identity",
    operation_id = "get_key",
    security(("bearer" = ["admin"])),
    params(("id" = String, Path, description = "The key's id, not the key",
            example = "01921c5e-7a1a-7000-8000-000000000001")),
    responses(
        (status = 200, description = "The key", body = KeyView, headers(("ETag" = String))),
        (status = 304, description = "Not modified"),
        Failures,
        Refusals,
    )
)]
#[get("/v1/keys/{id}")]
pub async fn get_key(
    request: HttpRequest,
    state: web::Data<State>,
    _caller: Caller<Admin>,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    state
        .answer(&request, move |state, _| {
            state.database.read(|conn| {
                let row = find(conn, &id)?;
                let granted = rights::of_key(conn, &row.id)?;
                shown(conn, row, granted)
            })
        })
        .await
}

/// Change what an API key may read
///
/// And how often. It counts from the next request on, on every server. Name, role and expiry stay; a null takes a
/// restriction away.
#[utoipa::path(
    tag = "identity",
    operation_id = "update_key",
    security(("bearer" = ["admin"])),
    params(
        ("id" = String, Path, description = "The key's id, not the key",
         example = "01921c5e-7a1a-7000-8000-000000000001"),
        ("If-Match" = String, Header, description = "The `ETag` of the state that is to change"),
    ),
    request_body(content = KeyPatch, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The key as it is now", body = KeyView, headers(("ETag" = String))),
        Failures,
        Refusals,
        BodyFailures,
        VersionFailures,
    )
)]
#[patch("/v1/keys/{id}")]
pub async fn update_key(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Admin>,
    id: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let bytes = body::small_bytes(&request, payload, &state, body::MERGE_PATCH).await?;
    let patch = body::read_patch(&bytes)?;
    let faults = body::faults_of_patch(&patch, &PATCHED, &[]);
    if !faults.is_empty() {
        return Err(Error::InvalidBody(faults).into());
    }
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let row = find(conn, &id)?;
            let before = rights::of_key(conn, &row.id)?;
            act.precondition
                .holds_for(&state_tag(&row, before.as_ref()))?;
            if row.revoked_at.is_some() {
                return Err(Error::conflict("", "the key was revoked"));
            }
            let present = granted(conn, before.as_ref())?;
            let grant = patched(&present, patch, row.role())?;
            if grant == present {
                return shown(conn, row, before);
            }
            let after = rights::save(conn, &row.id, before.as_ref(), &grant, act.now)?;
            let detail = json!({
                "before": keys::grant_detail(&present),
                "after": keys::grant_detail(&grant),
            });
            act.note(conn, "key.update", target(&row), Some(detail))?;
            shown(conn, row, after)
        })
        .await
}

/// What a patch makes of a grant.
fn patched(present: &Grant, patch: Map<String, Value>, role: Role) -> Result<Grant> {
    // What is not named is not read again: a tag may have got a slug that an expression cannot say, such as `-a`.
    let keeps_tags = match patch.get("scope") {
        None => true,
        Some(scope) => scope
            .as_object()
            .is_some_and(|scope| !scope.contains_key("tags")),
    };
    let kept = present.tags.clone().filter(|_| keeps_tags);
    let unread = Grant {
        tags: present.tags.clone().filter(|_| !keeps_tags),
        ..present.clone()
    };
    let mut state = keys::grant_detail(&unread);
    body::merge(&mut state, patch);
    let wanted: KeyPatch = body::read_value(state)?;
    let mut check = Check::default();
    let mut grant = wanted.given().checked(Some(role), &mut check);
    check.finish().map_err(Error::InvalidBody)?;
    if keeps_tags {
        grant.tags = kept;
    }
    Ok(grant)
}

/// Revoke an API key
///
/// It does not count from then on; it stays in the list. Whatever state it is in, that is what is wanted, so `If-Match`
/// is not asked for.
#[utoipa::path(
    tag = "identity",
    operation_id = "revoke_key",
    security(("bearer" = ["admin"])),
    params(("id" = String, Path, description = "The key's id, not the key",
            example = "01921c5e-7a1a-7000-8000-000000000001")),
    responses(
        (status = 204, description = "Revoked"),
        Failures,
        Refusals,
    )
)]
#[delete("/v1/keys/{id}")]
pub async fn revoke_key(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Admin>,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let row = find(conn, &id)?;
            if row.revoked_at.is_none() {
                keys::revoke(conn, &row.id, act.now)?;
                act.note(conn, "key.revoke", target(&row), None)?;
            }
            Ok(Answer::no_content())
        })
        .await
}

/// The key of this id.
///
/// # Errors
/// 404 where there is none.
pub fn find(conn: &mut Conn, id: &str) -> Result<KeyRow> {
    let row = match Uuid::try_parse(id) {
        Ok(id) => keys::by_id(conn, &id.to_string())?,
        Err(_) => None,
    };
    // Someone may have taken the key for its id.
    let named: String = id.chars().take(40).collect();
    let told = match id.starts_with(secret::API_KEY) {
        true => "a key is named by its id here, not by itself".to_owned(),
        false => format!("there is no key {named:?}"),
    };
    row.ok_or(Error::NotFound(told))
}

fn shown(conn: &mut Conn, row: KeyRow, granted: Option<GrantRow>) -> Result<Answer> {
    let tag = state_tag(&row, granted.as_ref());
    Ok(Answer::json(&view(conn, row, granted)?)?
        .stands_for(tag)
        .private(true))
}

fn state_tag(row: &KeyRow, granted: Option<&GrantRow>) -> StateTag {
    StateTag::of(&row.id, rights::version(granted))
}

fn target(row: &KeyRow) -> Target<'_> {
    Target {
        kind: "key",
        id: &row.id,
        name: &row.name,
    }
}
