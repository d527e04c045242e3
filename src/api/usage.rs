//! `/v1/usage` and `/v1/keys/{id}/usage`: how much keys were used.

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::api::address::Address;
use crate::api::articles::Page;
use crate::api::auth::{Admin, Caller};
use crate::api::conditional::Answer;
use crate::api::openapi::{Failures, Refusals};
use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::api::user_inputs::RoleView;
use crate::api::{cursor, keys};
use crate::content::time::utc_text;
use crate::error::Result;
use crate::store::key_usage::{self, Count, DayRow, KeyCount};

/// Days that are told of unless asked otherwise.
const A_MONTH: i64 = 30;
/// Keys a page has at the most.
const MAX_LIMIT: usize = 100;

/// What was counted of a key.
#[derive(Serialize, ToSchema)]
struct UsageCount {
    /// Those that were let through.
    #[schema(example = 1_234)]
    requests: i64,
    /// Refused because the daily quota was used up.
    #[schema(example = 0)]
    refused_by_quota: i64,
    /// Refused because they came too fast.
    #[schema(example = 3)]
    refused_by_rate: i64,
    /// Refused ones count, too.
    #[schema(required, format = DateTime)]
    last_used_at: Option<String>,
}

impl From<Count> for UsageCount {
    fn from(count: Count) -> Self {
        Self {
            requests: count.requests,
            refused_by_quota: count.refused_by_quota,
            refused_by_rate: count.refused_by_rate,
            last_used_at: count.last_used_at.map(utc_text),
        }
    }
}

/// A day (UTC) on which a key was used.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageDay)]
pub struct UsageDayView {
    #[schema(format = Date, example = "2026-11-25")]
    day: String,
    #[serde(flatten)]
    #[schema(inline)]
    count: UsageCount,
}

/// The days on which a key was used, the latest first.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyUsage)]
pub struct KeyUsageView {
    data: Vec<UsageDayView>,
    total: UsageCount,
}

/// A key, and what was counted of it.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyTotal)]
pub struct KeyTotalView {
    key: UsedKeyView,
    #[serde(flatten)]
    #[schema(inline)]
    count: UsageCount,
}

#[derive(Serialize, ToSchema)]
#[schema(as = UsedKey)]
struct UsedKeyView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(example = "syndication")]
    name: String,
    #[schema(value_type = RoleView)]
    role: String,
}

/// The keys that were used, the newest first, and where the page stands in its list.
#[derive(Serialize, ToSchema)]
#[schema(as = Usage)]
pub struct UsageView {
    data: Vec<KeyTotalView>,
    page: Page,
}

impl From<DayRow> for UsageDayView {
    fn from(row: DayRow) -> Self {
        Self {
            count: row.count().into(),
            day: row.day,
        }
    }
}

impl From<KeyCount> for KeyTotalView {
    fn from(counted: KeyCount) -> Self {
        Self {
            key: UsedKeyView {
                id: counted.id,
                name: counted.name,
                role: counted.role,
            },
            count: counted.count.into(),
        }
    }
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub struct DaysParams {
    /// The first day, UTC; 30 days before the last where it is missing. 400 days are kept.
    #[param(example = "2026-11-01", format = Date)]
    from: Option<String>,
    /// The last day, UTC; today where it is missing.
    #[param(example = "2026-11-25", format = Date)]
    to: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub struct UsageParams {
    /// The first day, UTC; 30 days before the last where it is missing. 400 days are kept.
    #[param(example = "2026-11-01", format = Date)]
    from: Option<String>,
    /// The last day, UTC; today where it is missing.
    #[param(example = "2026-11-25", format = Date)]
    to: Option<String>,
    /// Keys on a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `page.next` of the page before.
    cursor: Option<String>,
}

/// Read how much a key was used
///
/// By day. What this server has counted is there at once, what others have within seconds.
#[utoipa::path(
    tag = "identity",
    operation_id = "get_key_usage",
    security(("bearer" = ["admin"])),
    params(
        ("id" = String, Path, description = "The key's id, not the key",
         example = "01921c5e-7a1a-7000-8000-000000000001"),
        DaysParams,
    ),
    responses(
        (status = 200, description = "The days on which it was used", body = KeyUsageView, headers(("ETag" = String))),
        (status = 304, description = "Not modified"),
        Failures,
        Refusals,
    )
)]
#[get("/v1/keys/{id}/usage")]
pub async fn get_key_usage(
    request: HttpRequest,
    state: web::Data<State>,
    _caller: Caller<Admin>,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut params = Params::of::<DaysParams>(request.query_string());
    let days = days(&mut params, state.clock.now());
    params.finish()?;
    state
        .answer(&request, move |state, _| {
            state.quotas.flush();
            state.database.read(|conn| {
                let key = keys::find(conn, &id)?;
                let rows = key_usage::of_key(conn, &key.id, days)?;
                let mut total = Count::default();
                rows.iter().for_each(|row| total.add(&row.count()));
                let view = KeyUsageView {
                    data: rows.into_iter().map(UsageDayView::from).collect(),
                    total: total.into(),
                };
                Ok(Answer::json(&view)?.private(true))
            })
        })
        .await
}

/// Read how much all keys were used
///
/// The keys that were used on these days, each with the sum of them. Revoked ones are among them.
#[utoipa::path(
    tag = "identity",
    operation_id = "list_usage",
    security(("bearer" = ["admin"])),
    params(UsageParams),
    responses(
        (status = 200, description = "A page of keys", body = UsageView,
         headers(("ETag" = String), ("Link" = String, description = "The next page"))),
        (status = 304, description = "Not modified"),
        Failures,
        Refusals,
    )
)]
#[get("/v1/usage")]
pub async fn list_usage(
    request: HttpRequest,
    state: web::Data<State>,
    _caller: Caller<Admin>,
) -> Result<HttpResponse, Problem> {
    let mut params = Params::of::<UsageParams>(request.query_string());
    let days = days(&mut params, state.clock.now());
    let limit = params.number("limit", 1..=MAX_LIMIT).unwrap_or(20);
    let cursor = params.text("cursor");
    params.finish()?;
    let address = Address::of(&request);
    let fingerprint = format!("usage {} {}", days.0, days.1);
    state
        .answer(&request, move |state, _| {
            let before: Option<String> = match &cursor {
                Some(word) => Some(cursor::decode(&fingerprint, word)?),
                None => None,
            };
            state.quotas.flush();
            state.database.read(|conn| {
                let rows = i64::try_from(limit + 1).unwrap_or(i64::MAX);
                let mut found = key_usage::of_all(conn, days, before.as_deref(), rows)?;
                let page = Page::cut(&mut found, limit, &fingerprint, |one| one.id.clone());
                let link = address.next(&page);
                let data = found.into_iter().map(KeyTotalView::from).collect();
                Ok(Answer::json(&UsageView { data, page })?
                    .next(link)
                    .private(true))
            })
        })
        .await
}

/// The days asked for.
fn days(params: &mut Params, now: DateTime<Utc>) -> (NaiveDate, NaiveDate) {
    let day = |text: &str| {
        let told = || format!("{text:?} is not a day like 2026-11-25");
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            // Also what the pattern takes more freely.
            .filter(|day| key_usage::day(*day) == text)
            .ok_or_else(told)
    };
    let (from, to) = (params.parsed("from", day), params.parsed("to", day));
    let to = to.unwrap_or(now.date_naive());
    let earlier = to.checked_sub_signed(TimeDelta::days(A_MONTH));
    let from = from.unwrap_or(earlier.unwrap_or(to));
    if from > to {
        params.fault("from", "is after to");
    }
    (from, to)
}
