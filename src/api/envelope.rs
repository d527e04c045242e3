//! What happens around every request: its id, HEAD, failures as problems, headers of every answer.

use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::api::log_lines;
use crate::api::problem::{MEDIA_TYPE, Problem};
use crate::api::rate_limit::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::error::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError};
use futures_util::FutureExt;

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const MAX_REQUEST_ID: usize = 64;
/// What a script of another site may read of an answer besides its body.
const EXPOSED: &str = "etag, idempotency-replayed, last-modified, link, location, ratelimit, ratelimit-policy, \
     retry-after, server-timing, www-authenticate, x-request-id";

/// The id of a request, for its handler.
#[derive(Clone)]
pub struct RequestId(String);

impl RequestId {
    pub fn of(request: &HttpRequest) -> String {
        let extensions = request.extensions();
        let id = extensions.get::<Self>();
        id.map(|id| id.0.clone()).unwrap_or_default()
    }
}

/// Marks a request that is answered as GET and gets no body.
struct Head;

/// Whether no body will be sent: one without an end would not be read to its end.
pub fn is_head(request: &HttpRequest) -> bool {
    request.extensions().get::<Head>().is_some()
}

/// The outermost layer but for the log.
///
/// # Errors
/// Never: a failure has become an answer.
pub async fn envelope(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = Instant::now();
    let id = request_id(request.headers());
    let path = request.path().to_owned();
    let for_handler = RequestId(id.to_str().unwrap_or_default().to_owned());
    request.extensions_mut().insert(for_handler);
    // Answered as GET; the server leaves the body out, for it remembers what was asked.
    if request.method() == Method::HEAD {
        request.extensions_mut().insert(Head);
        request.head_mut().method = Method::GET;
    }
    let mut response = match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(response)) => as_problem(response.map_into_boxed_body(), &path, &id),
        Ok(Err(error)) => return Err(failed(&Error::Internal(error.to_string()), &path, &id)),
        Err(_) => {
            return Err(failed(
                &Error::Internal("a handler panicked".to_owned()),
                &path,
                &id,
            ));
        }
    };
    let headers = response.headers_mut();
    set_common(headers, id);
    // In hundredths of a millisecond: a whole number is written faster.
    let took = started.elapsed().as_micros() / 10;
    let timing = format!("total;dur={}.{:02}", took / 100, took % 100);
    if let Ok(timing) = HeaderValue::from_str(&timing) {
        headers.insert(SERVER_TIMING, timing);
    }
    Ok(response)
}

/// The headers of every answer.
pub fn set_common(headers: &mut HeaderMap, id: HeaderValue) {
    headers.insert(REQUEST_ID, id);
    // On every answer, asked for from another site or not: a shared cache keeps one for both.
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
}

/// The caller's own id where it is harmless, else a new one.
pub fn request_id(headers: &HeaderMap) -> HeaderValue {
    let harmless = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=MAX_REQUEST_ID).contains(&bytes.len())
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/".contains(byte))
    };
    match headers.get(REQUEST_ID).filter(harmless) {
        Some(value) => value.clone(),
        None => HeaderValue::from_bytes(&new_id()).unwrap_or(HeaderValue::from_static("unknown")),
    }
}

/// Unlike that of any other request to any server: a word drawn at the start, and a count. It is made for every
/// request, so it costs next to nothing.
fn new_id() -> [u8; 32] {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| getrandom::u64().unwrap_or(0));
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let id = u128::from(*PROCESS) << 64 | u128::from(count);
    std::array::from_fn(|place| DIGITS[(id >> (124 - 4 * place)) as usize & 15])
}

/// Gives every failure the form of a problem, whoever made it: a handler, or the framework.
fn as_problem(
    response: ServiceResponse<BoxBody>,
    path: &str,
    id: &HeaderValue,
) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let problem = response
        .response()
        .error()
        .and_then(|error| error.as_error::<Problem>());
    let rebuilt = match problem {
        Some(problem) => {
            log_cause(&problem.0, path, id);
            problem.respond(path)
        }
        None if is_problem(&response) => return response,
        None => Problem(of_status(status)).respond(path),
    };
    // What the problem itself does not know.
    let kept = [header::ALLOW, RATE_LIMIT, RATE_LIMIT_POLICY].map(|name| {
        let value = response.headers().get(&name).cloned();
        (name, value)
    });
    let (request, _) = response.into_parts();
    let mut rebuilt = ServiceResponse::new(request, rebuilt);
    for (name, value) in kept {
        if let Some(value) = value {
            rebuilt.headers_mut().insert(name, value);
        }
    }
    rebuilt
}

fn is_problem(response: &ServiceResponse<BoxBody>) -> bool {
    let media_type = response.headers().get(header::CONTENT_TYPE);
    media_type.is_some_and(|media_type| media_type.as_bytes() == MEDIA_TYPE.as_bytes())
}

/// The nearest of our failures to a bare status of the framework's.
fn of_status(status: StatusCode) -> Error {
    match status {
        StatusCode::NOT_FOUND => Error::UnknownRoute,
        StatusCode::METHOD_NOT_ALLOWED => Error::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Error::BodyTooLarge(0),
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => Error::Timeout,
        status if status.is_client_error() => {
            Error::MalformedJson("the request is malformed".to_owned())
        }
        status => Error::Internal(format!("the framework answered {status}")),
    }
}

/// For a failure that has no request any more to hang an answer on.
fn failed(error: &Error, path: &str, id: &HeaderValue) -> actix_web::Error {
    log_cause(error, path, id);
    Failed {
        path: path.to_owned(),
        detail: error.to_string(),
    }
    .into()
}

fn log_cause(error: &Error, path: &str, id: &HeaderValue) {
    if error.is_ours() {
        log::error!(
            "{} failed, request {}: {error}",
            log_lines::path(path),
            id.to_str().unwrap_or_default()
        );
    }
}

#[derive(Debug)]
struct Failed {
    path: String,
    detail: String,
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Failed {
    fn error_response(&self) -> HttpResponse {
        Problem(Error::Internal(self.detail.clone())).respond(&self.path)
    }
}
