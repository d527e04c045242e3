//! `/v1/audit`: who did what.

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::address::Address;
use crate::api::articles::Page;
use crate::api::auth::{Admin, Caller};
use crate::api::conditional::Answer;
use crate::api::cursor;
use crate::api::openapi::{Failures, Refusals};
use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::error::Result;
use crate::store::audit::{self, AuditRow, Filter};

const MAX_LIMIT: usize = 100;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
struct AuditParams {
    /// Only what this caller did: a user's name, `key:NAME` for an API key, `console` for the command line.
    #[param(example = "amina")]
    actor: Option<String>,
    /// Only acts of this kind.
    #[param(example = "article.publish")]
    action: Option<String>,
    /// Only what was done to the thing with this id.
    target: Option<String>,
    /// Entries on a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `page.next` of the page before, with the same `actor`, `action` and `target`.
    cursor: Option<String>,
}

struct AuditInput {
    filter: Filter,
    limit: usize,
    fingerprint: String,
}

impl AuditInput {
    fn parse(query: &str) -> Result<Self> {
        let mut params = Params::of::<AuditParams>(query);
        let mut filter = Filter {
            actor: params.text("actor"),
            action: params.text("action"),
            target: params.text("target"),
            before: None,
        };
        let limit = params.number("limit", 1..=MAX_LIMIT);
        let cursor = params.text("cursor");
        params.finish()?;
        let fingerprint = format!(
            "{:?}",
            ("audit", &filter.actor, &filter.action, &filter.target)
        );
        if let Some(cursor) = cursor {
            filter.before = Some(cursor::decode(&fingerprint, &cursor)?);
        }
        Ok(Self {
            filter,
            limit: limit.unwrap_or(20),
            fingerprint,
        })
    }
}

/// Something that someone did.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct AuditView {
    /// Rises with each entry.
    #[schema(example = 1204)]
    seq: i64,
    at: DateTime<Utc>,
    /// A user's name, `key:NAME` for an API key, `console` for the command line.
    #[schema(example = "amina")]
    actor: String,
    #[schema(example = "article.publish")]
    action: String,
    target: AuditTargetView,
    /// The `X-Request-Id` of the request by which it was done.
    #[schema(required)]
    request_id: Option<String>,
    /// More about it, depending on the action.
    #[schema(required, value_type = Option<Object>)]
    detail: Option<Value>,
}

/// What was acted upon, named as it was then.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditTarget)]
struct AuditTargetView {
    #[schema(example = "article")]
    kind: String,
    id: String,
    #[schema(example = "khettaras-jorf-nettoyage")]
    name: String,
}

impl From<AuditRow> for AuditView {
    fn from(row: AuditRow) -> Self {
        Self {
            seq: row.seq,
            at: row.at.and_utc(),
            actor: row.actor,
            action: row.action,
            target: AuditTargetView {
                kind: row.target_kind,
                id: row.target_id,
                name: row.target_name,
            },
            request_id: row.request_id,
            // Written as JSON by the server itself.
            detail: row
                .detail
                .and_then(|detail| serde_json::from_str(&detail).ok()),
        }
    }
}

/// Entries of the audit trail, and where the page stands in it.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditList)]
struct AuditListView {
    data: Vec<AuditView>,
    page: Page,
}

/// List what was done
///
/// Newest first. Every write leaves an entry, in the transaction in which it was done; an import leaves one for all
/// its lines.
#[utoipa::path(
    tag = "administration",
    operation_id = "list_audit",
    security(("bearer" = ["admin"])),
    params(AuditParams),
    responses(
        (status = 200, description = "A page of the audit trail", body = AuditListView,
         headers(("ETag" = String), ("Link" = String, description = "The next page"))),
        (status = 304, description = "Not modified"),
        Failures,
        Refusals,
    )
)]
#[get("/v1/audit")]
pub async fn list_audit(
    _: Caller<Admin>,
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let input = AuditInput::parse(request.query_string())?;
    let address = Address::of(&request);
    state
        .answer(&request, move |state, _| {
            // One more than asked for tells whether there is a next page.
            let mut rows = state
                .database
                .read(|conn| audit::newest(conn, &input.filter, input.limit + 1))?;
            let page = Page::cut(&mut rows, input.limit, &input.fingerprint, |row| row.seq);
            let link = address.next(&page);
            let view = AuditListView {
                data: rows.into_iter().map(AuditView::from).collect(),
                page,
            };
            Ok(Answer::json(&view)?.next(link).private(true))
        })
        .await
}
