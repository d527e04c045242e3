//! `/v1/webhooks/{id}/deliveries`: what was sent to a webhook, what came of it, and sending it again.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::api::address::Address;
use crate::api::articles::Page;
use crate::api::auth::{Admin, Caller};
use crate::api::conditional::Answer;
use crate::api::cursor;
use crate::api::inputs;
use crate::api::openapi::{Failures, Refusals};
use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::api::webhooks::{find, find_locked, target};
use crate::api::writing::Write;
use crate::content::time::utc_text;
use crate::db::Conn;
use crate::delivery::event;
use crate::error::{Error, Result};
use crate::store::deliveries::{self, AttemptLine, DeliveryRow, NewDelivery, STATES};

const MAX_LIMIT: usize = 100;
/// Tests of one webhook that may wait.
const MAX_TESTS: usize = 5;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
struct DeliveryParams {
    /// Only those in this state: `pending`, `delivered` or `failed` (given up).
    #[param(example = "failed")]
    state: Option<String>,
    /// Deliveries on a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `page.next` of the page before, with the same `state`.
    cursor: Option<String>,
}

/// Whether an event has been taken.
#[derive(ToSchema)]
#[schema(as = DeliveryState, rename_all = "snake_case")]
#[allow(dead_code)]
enum StateView {
    /// It waits: for its next attempt, or for an earlier event of the same article or tag.
    Pending,
    Delivered,
    /// It was given up.
    Failed,
}

/// One attempt to deliver.
#[derive(Serialize, ToSchema)]
#[schema(as = DeliveryAttempt)]
struct AttemptView {
    #[schema(format = DateTime)]
    at: String,
    /// Of the answer, where there was one.
    #[schema(required)]
    status: Option<u16>,
    /// Why it did not succeed.
    #[schema(required)]
    error: Option<String>,
    duration_ms: u64,
    /// The beginning of the answer's body.
    #[schema(required)]
    answer: Option<String>,
}

impl From<AttemptLine> for AttemptView {
    fn from(line: AttemptLine) -> Self {
        Self {
            at: utc_text(line.at.naive_utc()),
            status: line.status,
            error: line.error,
            duration_ms: line.duration_ms,
            answer: line.answer,
        }
    }
}

/// An event for a webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
struct DeliveryView {
    /// The `webhook-id` that it is sent with, each time.
    #[schema(example = "msg_8f14e45fceea467a9d2c4f6b1a0d3e57")]
    id: String,
    /// Such as `article.published`; `webhook.test` is a test.
    #[schema(example = "article.published")]
    event: String,
    /// The line of the change log; null for a test.
    #[schema(required)]
    seq: Option<i64>,
    /// What the event is about: its kind and its id.
    #[schema(example = "article:01921c5e-7a1a-7000-8000-000000000001")]
    about: String,
    #[schema(value_type = StateView)]
    state: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// How often it was sent.
    attempt_count: i64,
    /// The last attempts, oldest first; at most 20, in a list only the last.
    attempts: Vec<AttemptView>,
    /// Null also while an earlier event of the same thing is pending.
    #[schema(required, format = DateTime)]
    next_attempt_at: Option<String>,
    /// When it was delivered or given up.
    #[schema(required, format = DateTime)]
    settled_at: Option<String>,
}

impl DeliveryView {
    fn of(row: DeliveryRow, most: usize) -> Result<Self> {
        let mut attempts = deliveries::attempts(&row.attempt_log)?;
        attempts.drain(..attempts.len().saturating_sub(most));
        Ok(Self {
            id: row.id,
            event: row.event,
            seq: row.seq,
            about: row.thing,
            state: row.state,
            created_at: utc_text(row.created_at),
            attempt_count: row.attempts,
            attempts: attempts.into_iter().map(AttemptView::from).collect(),
            next_attempt_at: row.next_attempt_at.map(utc_text),
            settled_at: row.settled_at.map(utc_text),
        })
    }
}

/// Deliveries, and where the page stands in its list.
#[derive(Serialize, ToSchema)]
#[schema(as = DeliveryList)]
struct DeliveryListView {
    data: Vec<DeliveryView>,
    page: Page,
}

/// List what was sent
///
/// The newest first. What was delivered or given up is kept for 30 days. What a webhook has not been told of yet is in
/// the change log after its `seq`.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "list_deliveries",
    security(("bearer" = ["admin"])),
    params(("id" = String, Path, description = "The webhook's id",
            example = "01921c5e-7a1a-7000-8000-000000000001"), DeliveryParams),
    responses(
        (status = 200, description = "A page of deliveries", body = DeliveryListView,
         headers(("ETag" = String), ("Link" = String, description = "The next page"))),
        (status = 304, description = "Not modified"),
        Failures,
        Refusals,
    )
)]
#[get("/v1/webhooks/{id}/deliveries")]
pub async fn list_deliveries(
    request: HttpRequest,
    state: web::Data<State>,
    _caller: Caller<Admin>,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut params = Params::of::<DeliveryParams>(request.query_string());
    let wanted = params.choice("state", &STATES.map(|state| (state, state)));
    let limit = params.number("limit", 1..=MAX_LIMIT).unwrap_or(20);
    let cursor = params.text("cursor");
    params.finish()?;
    let fingerprint = format!("{:?}", ("deliveries", id.as_str(), wanted));
    let before: Option<i64> = match cursor {
        Some(cursor) => Some(cursor::decode(&fingerprint, &cursor)?),
        None => None,
    };
    let address = Address::of(&request);
    state
        .answer(&request, move |state, _| {
            let mut rows = state.database.read(|conn| {
                let webhook = find(conn, &id)?.id;
                deliveries::page(conn, &webhook, wanted, before, limit as i64 + 1)
            })?;
            let page = Page::cut(&mut rows, limit, &fingerprint, |row| row.num);
            let link = address.next(&page);
            let data = rows.into_iter().map(|row| DeliveryView::of(row, 1));
            let data = data.collect::<Result<_>>()?;
            Ok(Answer::json(&DeliveryListView { data, page })?
                .next(link)
                .private(true))
        })
        .await
}

/// Read what was sent
#[utoipa::path(
    tag = "webhooks",
    operation_id = "get_delivery",
    security(("bearer" = ["admin"])),
    params(
        ("id" = String, Path, description = "The webhook's id",
         example = "01921c5e-7a1a-7000-8000-000000000001"),
        ("delivery" = String, Path, description = "The delivery's id",
         example = "msg_8f14e45fceea467a9d2c4f6b1a0d3e57"),
    ),
    responses(
        (status = 200, description = "The delivery with its attempts", body = DeliveryView,
         headers(("ETag" = String))),
        (status = 304, description = "Not modified"),
        Failures,
        Refusals,
    )
)]
#[get("/v1/webhooks/{id}/deliveries/{delivery}")]
pub async fn get_delivery(
    request: HttpRequest,
    state: web::Data<State>,
    _caller: Caller<Admin>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let (webhook, id) = path.into_inner();
    state
        .answer(&request, move |state, _| {
            let row = state
                .database
                .read(|conn| find_delivery(conn, &webhook, &id))?;
            shown(row)
        })
        .await
}

/// Send an event again
///
/// With the same `webhook-id`, as soon as no earlier event of the same thing is pending. Where it fails it is tried again
/// as a new one would be.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "redeliver",
    security(("bearer" = ["admin"])),
    params(
        ("id" = String, Path, description = "The webhook's id",
         example = "01921c5e-7a1a-7000-8000-000000000001"),
        ("delivery" = String, Path, description = "The delivery's id",
         example = "msg_8f14e45fceea467a9d2c4f6b1a0d3e57"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat"),
    ),
    responses(
        (status = 200, description = "The delivery, which is pending", body = DeliveryView),
        (status = 409, description = "The webhook is disabled", body = crate::api::problem::ProblemView,
         content_type = "application/problem+json"),
        Failures,
        Refusals,
    )
)]
#[post("/v1/webhooks/{id}/deliveries/{delivery}/redelivery")]
pub async fn redeliver(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Admin>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let (webhook, id) = path.into_inner();
    Write::of(&request, caller)?
        .repeatable(&request, b"")?
        .carry_out(&state, move |act, conn| {
            let webhook = find_locked(conn, &webhook)?;
            let row = find_delivery(conn, &webhook.id, &id)?;
            if webhook.disabled_at.is_some() && row.seq.is_some() {
                let detail = "the webhook is disabled: nothing is sent until it is enabled";
                return Err(Error::conflict("", detail));
            }
            deliveries::ask_again(conn, &row, act.now)?;
            act.note(conn, "webhook.redeliver", target(&webhook), None)?;
            shown(find_delivery(conn, &webhook.id, &id)?)
        })
        .await
}

/// Try a webhook
///
/// Sends the event `webhook.test`, once, also where the webhook is disabled. What comes of it is read at `Location`.
#[utoipa::path(
    tag = "webhooks",
    operation_id = "test_webhook",
    security(("bearer" = ["admin"])),
    params(
        ("id" = String, Path, description = "The webhook's id",
         example = "01921c5e-7a1a-7000-8000-000000000001"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat"),
    ),
    responses(
        (status = 201, description = "The delivery, which is pending", body = DeliveryView,
         headers(("Location" = String, description = "The delivery's address"))),
        (status = 409, description = "Several tests are waiting", body = crate::api::problem::ProblemView,
         content_type = "application/problem+json"),
        Failures,
        Refusals,
    )
)]
#[post("/v1/webhooks/{id}/test")]
pub async fn test_webhook(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Admin>,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    Write::of(&request, caller)?
        .repeatable(&request, b"")?
        .carry_out(&state, move |act, conn| {
            let webhook = find_locked(conn, &id)?;
            if deliveries::due_tests(conn, &webhook.id, act.now)?.len() >= MAX_TESTS {
                return Err(Error::conflict("", "several tests are waiting to be sent"));
            }
            let id = format!("msg_{}", Uuid::now_v7().simple());
            let thing = deliveries::test_thing(&webhook.id);
            let new = NewDelivery::new(id, &webhook.id, None, thing, event::TEST, act.now);
            deliveries::insert(conn, std::slice::from_ref(&new))?;
            act.note(conn, "webhook.test", target(&webhook), None)?;
            let location = format!(
                "{}/v1/webhooks/{}/deliveries/{}",
                act.state.public_url, webhook.id, new.id
            );
            let row = find_delivery(conn, &webhook.id, &new.id)?;
            Ok(shown(row)?.created(location))
        })
        .await
}

fn find_delivery(conn: &mut Conn, webhook: &str, id: &str) -> Result<DeliveryRow> {
    let webhook = find(conn, webhook)?.id;
    let found = match id.contains('\0') {
        true => None,
        false => deliveries::find(conn, &webhook, id)?,
    };
    found.ok_or_else(|| Error::NotFound(format!("there is no delivery {id:?}")))
}

fn shown(row: DeliveryRow) -> Result<Answer> {
    Ok(Answer::json(&DeliveryView::of(row, usize::MAX)?)?.private(true))
}
