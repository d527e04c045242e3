//! `/v1/webhooks`: who is told of changes.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::api::address::Address;
use crate::api::articles::Page;
use crate::api::auth::{Admin, Caller};
use crate::api::conditional::Answer;
use crate::api::inputs::{PageInput, PageParams};
use crate::api::openapi::{BodyFailures, Failures, Refusals, VersionFailures};
use crate::api::precondition::StateTag;
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::api::webhook_inputs::{
    self, NewSecretInput, NewWebhook, NewWebhookInput, WebhookPatchInput,
};
use crate::api::webhook_views::{CreatedWebhookView, SecretView, WebhookListView, WebhookView};
use crate::api::writing::Write;
use crate::api::{body, cursor, inputs};
use crate::content::article::Fault;
use crate::content::time::{to_stored, utc_text};
use crate::db::Conn;
use crate::delivery::signature;
use crate::error::{Error, Result};
use crate::identity::secret;
use crate::store::audit::Target;
use crate::store::webhook_filters::Filter;
use crate::store::webhooks::{self, WebhookRow};
use crate::store::{changes, tags};

/// Bytes of chance in a secret that is made here.
const ENTROPY: usize = 32;

/// List webhooks
///
/// The newest first.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "list_webhooks",
    security(("bearer" = ["admin"])),
    params(PageParams),
    responses(
        (status = 200, description = "A page of webhooks", body = WebhookListView,
         headers(("ETag" = String), ("Link" = String, description = "The next page"))),
        (status = 304, description = "Not modified"),
        Failures,
        Refusals,
    )
)]
#[get("/v1/webhooks")]
pub async fn list_webhooks(
    request: HttpRequest,
    state: web::Data<State>,
    _caller: Caller<Admin>,
) -> Result<HttpResponse, Problem> {
    let input = PageInput::parse(request.query_string())?;
    let address = Address::of(&request);
    state
        .answer(&request, move |state, now| {
            state
                .database
                .read(|conn| list(conn, &input, &address, now))
        })
        .await
}

fn list(
    conn: &mut Conn,
    input: &PageInput,
    address: &Address,
    now: DateTime<Utc>,
) -> Result<Answer> {
    let before: Option<String> = match &input.cursor {
        Some(cursor) => Some(cursor::decode("webhooks", cursor)?),
        None => None,
    };
    let mut rows = webhooks::page(conn, before.as_deref(), input.rows())?;
    let mut page = Page::cut(&mut rows, input.limit, "webhooks", |row| row.id.clone());
    page.count = input.count.then(|| webhooks::count(conn)).transpose()?;
    let link = address.next(&page);
    let data: Result<_> = rows.iter().map(|row| WebhookView::of(row, now)).collect();
    Ok(Answer::json(&WebhookListView { data: data?, page })?
        .next(link)
        .private(true))
}

/// Create a webhook
///
/// Events are posted to it after Standard Webhooks, once the change can be read at every server: `webhook-id` names the
/// event for this webhook and stays the same however often it is sent, `webhook-timestamp` is the attempt's,
/// `webhook-signature` has `v1,` and the HMAC-SHA256 of id, timestamp and body. The body is
/// `{"type","timestamp","data":{"seq","kind","id","slug","action","version","at","url","api_url"}}`; `url` is the address
/// that feeds give, and both are null for what is not public any more. Any 2xx takes an event;
/// other answers are tried again for about three days, and events of one article or tag are sent one after the other.
/// `languages` and `tags` go by what an article is when the event is sent; the `article.updated` by which it leaves them
/// passes, too. `article.withdrawn` and `article.deleted` pass whatever it was, so ignore ids that you do not know.
/// 410 disables the webhook. The answer is the only one that shows the secret; an `Idempotency-Key` is not looked at.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "create_webhook",
    security(("bearer" = ["admin"])),
    request_body = NewWebhookInput,
    responses(
        (status = 201, description = "The new webhook", body = CreatedWebhookView,
         headers(("ETag" = String), ("Location" = String, description = "The webhook's address"))),
        Failures,
        Refusals,
        BodyFailures,
    )
)]
#[post("/v1/webhooks")]
pub async fn create_webhook(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Admin>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let new: NewWebhookInput = body::small_json(&request, payload, &state).await?;
    let mut new = webhook_inputs::check_new(new, &state.guard)?;
    let secret = new.secret.take().map_or_else(fresh_secret, Ok)?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let row = made(conn, &new, &secret, &act.caller.name, act.now)?;
            webhooks::insert(conn, &row)?;
            act.note(conn, "webhook.create", target(&row), None)?;
            let location = format!("{}/v1/webhooks/{}", act.state.public_url, row.id);
            let view = CreatedWebhookView {
                secret,
                about: WebhookView::of(&row, act.now)?,
            };
            Ok(Answer::json(&view)?
                .stands_for(state_tag(&row))
                .created(location))
        })
        .await
}

fn made(
    conn: &mut Conn,
    new: &NewWebhook,
    secret: &str,
    by: &str,
    now: DateTime<Utc>,
) -> Result<WebhookRow> {
    check_tags(conn, &new.filter)?;
    let last = changes::last(conn)?;
    let from = new.from_seq.unwrap_or(last + 1);
    if from > last + 1 {
        let detail = format!("is beyond the end of the log, which is {last}");
        return Err(Error::member("/from_seq", detail));
    }
    Ok(WebhookRow {
        id: Uuid::now_v7().to_string(),
        url: new.url.clone(),
        description: new.description.clone(),
        filter: new.filter.to_text()?,
        secret: secret.to_owned(),
        former_secret: None,
        former_until: None,
        position: from - 1,
        failing_since: None,
        disabled_at: None,
        disabled_reason: None,
        lease_owner: None,
        lease_until: None,
        created_at: to_stored(now),
        created_by: Some(by.to_owned()),
        updated_at: to_stored(now),
        deleted_at: None,
        version: 1,
    })
}

/// Read a webhook
#[utoipa::path(
    tag = "webhooks",
    operation_id = "get_webhook",
    security(("bearer" = ["admin"])),
    params(("id" = String, Path, description = "The webhook's id",
            example = "01921c5e-7a1a-7000-8000-000000000001")),
    responses(
        (status = 200, description = "The webhook", body = WebhookView, headers(("ETag" = String))),
        (status = 304, description = "Not modified"),
        Failures,
        Refusals,
    )
)]
#[get("/v1/webhooks/{id}")]
pub async fn get_webhook(
    request: HttpRequest,
    state: web::Data<State>,
    _caller: Caller<Admin>,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    state
        .answer(&request, move |state, now| {
            state.database.read(|conn| shown(&find(conn, &id)?, now))
        })
        .await
}

/// Change a webhook
///
/// What is sent from now on goes to the new URL, also what is tried again. One that is enabled again is told of
/// everything since it was disabled, in order; one that was given a filter is told of what passes it from then on.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "update_webhook",
    security(("bearer" = ["admin"])),
    params(
        ("id" = String, Path, description = "The webhook's id",
         example = "01921c5e-7a1a-7000-8000-000000000001"),
        ("If-Match" = String, Header, description = "The `ETag` of the state that is to change"),
    ),
    request_body(content = WebhookPatchInput, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The webhook as it is now", body = WebhookView, headers(("ETag" = String))),
        Failures,
        Refusals,
        BodyFailures,
        VersionFailures,
    )
)]
#[patch("/v1/webhooks/{id}")]
pub async fn update_webhook(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Admin>,
    id: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let bytes = body::small_bytes(&request, payload, &state, body::MERGE_PATCH).await?;
    let patch = webhook_inputs::read_patch(&bytes, &state.guard)?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let mut row = find_locked(conn, &id)?;
            act.precondition.holds_for(&state_tag(&row))?;
            apply(conn, &mut row, patch, act.now)?;
            webhooks::update(conn, &row)?;
            let detail = json!({"enabled": row.disabled_at.is_none()});
            act.note(conn, "webhook.update", target(&row), Some(detail))?;
            shown(&row, act.now)
        })
        .await
}

fn apply(
    conn: &mut Conn,
    row: &mut WebhookRow,
    patch: webhook_inputs::Patch,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut filter = row.filter()?;
    filter.events = patch.events.unwrap_or(filter.events);
    filter.languages = patch.languages.unwrap_or(filter.languages);
    if let Some(tags) = patch.tags {
        filter.tags = tags;
        check_tags(conn, &filter)?;
    }
    row.filter = filter.to_text()?;
    if let Some(url) = patch.url {
        row.url = url;
    }
    if let Some(description) = patch.description {
        row.description = description;
    }
    match patch.enabled {
        Some(true) if row.disabled_at.is_some() => {
            row.disabled_at = None;
            row.disabled_reason = None;
            row.failing_since = None;
        }
        Some(false) if row.disabled_at.is_none() => row.disabled_at = Some(to_stored(now)),
        _ => {}
    }
    row.updated_at = to_stored(now);
    row.version += 1;
    Ok(())
}

/// Delete a webhook
///
/// Nothing is sent to it any more, and what was pending is dropped.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "delete_webhook",
    security(("bearer" = ["admin"])),
    params(
        ("id" = String, Path, description = "The webhook's id",
         example = "01921c5e-7a1a-7000-8000-000000000001"),
        ("If-Match" = String, Header, description = "The `ETag` of the state that is to be deleted"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        Failures,
        Refusals,
        VersionFailures,
    )
)]
#[delete("/v1/webhooks/{id}")]
pub async fn delete_webhook(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Admin>,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let row = find_locked(conn, &id)?;
            act.precondition.holds_for(&state_tag(&row))?;
            webhooks::delete(conn, &row.id, act.now)?;
            act.note(conn, "webhook.delete", target(&row), None)?;
            Ok(Answer::no_content())
        })
        .await
}

/// Give a webhook a new secret
///
/// Until the overlap has passed, everything is signed with both, so that the receiver can change over at its leisure;
/// also with those before, up to four, whose own overlap has not passed. An overlap of 0 ends them all.
/// The answer is the only one that shows the secret; an `Idempotency-Key` is not looked at.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "rotate_webhook_secret",
    security(("bearer" = ["admin"])),
    params(("id" = String, Path, description = "The webhook's id",
            example = "01921c5e-7a1a-7000-8000-000000000001")),
    request_body = NewSecretInput,
    responses(
        (status = 200, description = "The new secret", body = SecretView),
        Failures,
        Refusals,
        BodyFailures,
    )
)]
#[post("/v1/webhooks/{id}/secret")]
pub async fn rotate_webhook_secret(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Admin>,
    id: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let new: NewSecretInput = body::small_json(&request, payload, &state).await?;
    let (given, overlap) = webhook_inputs::check_secret(new)?;
    let secret = given.map_or_else(fresh_secret, Ok)?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let mut row = find_locked(conn, &id)?;
            let until = act.now + TimeDelta::seconds(overlap);
            row.rotate(secret.clone(), until, act.now);
            row.updated_at = to_stored(act.now);
            row.version += 1;
            webhooks::update(conn, &row)?;
            act.note(conn, "webhook.rotate_secret", target(&row), None)?;
            Answer::json(&SecretView {
                secret,
                former_secret_until: utc_text(to_stored(until)),
            })
        })
        .await
}

/// # Errors
/// 404 where there is none.
pub fn find(conn: &mut Conn, id: &str) -> Result<WebhookRow> {
    found(conn, id, webhooks::by_id)
}

/// The same for who is about to change it: it stays as it is read.
///
/// # Errors
/// 404 where there is none.
pub fn find_locked(conn: &mut Conn, id: &str) -> Result<WebhookRow> {
    found(conn, id, webhooks::lock)
}

fn found(
    conn: &mut Conn,
    id: &str,
    look: impl FnOnce(&mut Conn, &str) -> Result<Option<WebhookRow>>,
) -> Result<WebhookRow> {
    let row = match Uuid::try_parse(id) {
        Ok(id) => look(conn, &id.to_string())?,
        Err(_) => None,
    };
    row.ok_or_else(|| Error::NotFound(format!("there is no webhook {id:?}")))
}

/// Its address may hold a secret, so that the trail does not.
pub fn target(row: &WebhookRow) -> Target<'_> {
    Target {
        kind: "webhook",
        id: &row.id,
        name: row.description.as_deref().unwrap_or_default(),
    }
}

fn shown(row: &WebhookRow, now: DateTime<Utc>) -> Result<Answer> {
    Ok(Answer::json(&WebhookView::of(row, now)?)?
        .stands_for(state_tag(row))
        .private(true))
}

fn state_tag(row: &WebhookRow) -> StateTag {
    StateTag::of(&row.id, row.version)
}

fn fresh_secret() -> Result<String> {
    Ok(signature::secret_of(&secret::random::<ENTROPY>()?))
}

fn check_tags(conn: &mut Conn, filter: &Filter) -> Result<()> {
    let mut faults = Vec::new();
    for (place, slug) in filter.tags.iter().enumerate() {
        if tags::find(conn, slug)?.is_none() {
            let detail = format!("{slug:?} is no tag");
            faults.push(Fault::new(format!("/tags/{place}"), detail));
        }
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Error::InvalidBody(faults)),
    }
}
