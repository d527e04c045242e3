//! `/livez` and `/readyz`: whether the process runs, and whether it can answer.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::conditional::Answer;
use crate::api::openapi::Failures;
use crate::api::problem::{Problem, ProblemView};
use crate::api::state::State;
use crate::error::Error;

/// The process runs.
#[derive(Serialize, ToSchema)]
pub struct Alive {
    #[schema(example = "ok")]
    status: &'static str,
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// The process can answer.
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    #[schema(example = "ok")]
    status: &'static str,
    #[schema(example = "ok")]
    database: &'static str,
    /// Up to which line of the change log each derived index has come.
    #[schema(example = json!({"related": 91, "search": 91}))]
    indexes: BTreeMap<&'static str, Option<i64>>,
}

/// Ask whether the process runs
#[utoipa::path(
    tag = "operation",
    operation_id = "get_liveness",
    responses((status = 200, description = "It does", body = Alive), Failures)
)]
#[get("/livez")]
pub async fn get_liveness() -> Result<HttpResponse, Problem> {
    let alive = Alive {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    };
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "no-store"))
        .json(alive))
}

/// Ask whether the process can answer
///
/// 503 while the database does not answer or an index is still being built.
#[utoipa::path(
    tag = "operation",
    operation_id = "get_readiness",
    responses(
        (status = 200, description = "It can", body = Readiness),
        (status = 503, description = "Not now, or not yet", body = ProblemView, content_type = "application/problem+json"),
        Failures,
    )
)]
#[get("/readyz")]
pub async fn get_readiness(
    request: HttpRequest,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    state
        .answer(&request, |state, _| {
            state.database.ping()?;
            let indexes = state.progress.positions();
            if indexes.values().any(Option::is_none) {
                return Err(Error::NotReady("an index is being built"));
            }
            Ok(Answer::json(&Readiness {
                status: "ok",
                database: "ok",
                indexes,
            })?
            .not_cached(true))
        })
        .await
}
