//! Failures as RFC 9457 problem documents.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::conditional::Answer;
use crate::api::state::State;
use crate::error::{Error, KINDS};

pub const MEDIA_TYPE: &str = "application/problem+json";
/// Seconds after which a caller may try again what could not be done just now.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

/// A failure on its way to the caller.
#[derive(Debug)]
pub struct Problem(pub Error);

/// A problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemView {
    /// Identifies the kind of problem; a GET of it explains it.
    #[serde(rename = "type")]
    #[schema(format = UriReference, example = "/problems/invalid_parameter")]
    kind: String,
    #[schema(example = "A parameter is not valid")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 400)]
    status: u16,
    /// What was wrong with this request.
    #[schema(example = "limit is 0; it takes a whole number from 1 to 100")]
    detail: String,
    /// The path of the request.
    #[schema(format = UriReference, example = "/v1/articles")]
    instance: String,
    /// Names the kind of problem for programs; stable.
    #[schema(example = "invalid_parameter")]
    code: &'static str,
    /// Each single fault, where there are such.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FaultView>,
}

/// One fault: of a member of the body, or of a query parameter.
#[derive(Serialize, ToSchema)]
#[schema(as = Fault)]
struct FaultView {
    /// Where in the body (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pointer: Option<String>,
    /// Which query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "limit")]
    parameter: Option<String>,
    #[schema(example = "is 0; it takes a whole number from 1 to 100")]
    detail: String,
}

impl Problem {
    /// The whole response for a request to `path`.
    pub fn respond(&self, path: &str) -> HttpResponse {
        let kind = self.0.kind();
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((header::CONTENT_TYPE, MEDIA_TYPE));
        // What is hidden or gone now may be there in a second.
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        match &self.0 {
            Error::TooManyRequests(seconds)
            | Error::RateExceeded(seconds)
            | Error::QuotaExceeded(seconds) => {
                response.insert_header((header::RETRY_AFTER, *seconds));
            }
            Error::InProgress => {
                response.insert_header((header::RETRY_AFTER, RETRY_AFTER));
            }
            // RFC 6750 section 3.
            Error::Unauthenticated(_) => {
                response.insert_header((header::WWW_AUTHENTICATE, r#"Bearer realm="kiosque""#));
            }
            Error::InvalidToken(_) => {
                response.insert_header((
                    header::WWW_AUTHENTICATE,
                    r#"Bearer realm="kiosque", error="invalid_token""#,
                ));
            }
            _ if kind.status == 503 => {
                response.insert_header((header::RETRY_AFTER, RETRY_AFTER));
            }
            _ => {}
        }
        response.body(serde_json::to_vec(&self.view(path)).unwrap_or_default())
    }

    /// The document about a request to `path`.
    pub fn view(&self, path: &str) -> ProblemView {
        let kind = self.0.kind();
        let of_body = matches!(self.0, Error::InvalidBody(_) | Error::Conflict(_));
        ProblemView {
            kind: format!("/problems/{}", kind.code),
            title: kind.title,
            status: kind.status,
            detail: self.0.detail(),
            instance: path.to_owned(),
            code: kind.code,
            errors: self
                .0
                .faults()
                .iter()
                .map(|fault| FaultView {
                    pointer: of_body.then(|| fault.pointer.clone()),
                    parameter: (!of_body).then(|| fault.pointer.clone()),
                    detail: fault.detail.clone(),
                })
                .collect(),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.kind().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.respond("")
    }
}

/// A kind of problem, explained.
#[derive(Serialize, ToSchema)]
pub struct ProblemKind {
    #[schema(example = "invalid_parameter")]
    code: &'static str,
    #[schema(example = 400)]
    status: u16,
    #[schema(example = "A parameter is not valid")]
    title: &'static str,
    /// What it means and what to do.
    help: &'static str,
}

/// Explain a kind of problem
///
/// The `type` of every problem document leads here.
#[utoipa::path(
    tag = "operation",
    operation_id = "get_problem",
    params(("code" = String, Path, description = "The problem's code", example = "invalid_parameter")),
    responses(
        (status = 200, description = "What the problem means", body = ProblemKind),
        crate::api::openapi::Failures,
    )
)]
#[get("/problems/{code}")]
pub async fn explain(
    request: HttpRequest,
    state: web::Data<State>,
    code: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    state
        .answer(&request, move |_, _| {
            let kind = KINDS.iter().find(|kind| kind.code == *code);
            let kind =
                kind.ok_or_else(|| Error::NotFound(format!("there is no problem {code:?}")))?;
            Answer::json(&ProblemKind {
                code: kind.code,
                status: kind.status,
                title: kind.title,
                help: kind.help,
            })
        })
        .await
}
