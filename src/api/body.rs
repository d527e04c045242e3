//! Reading a JSON request body, strictly and within its bounds.

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use serde_path_to_error::Segment;

use crate::api::state::State;
use crate::content::article::Fault;
use crate::error::{Error, Result};

/// The body of a request as the type that documents it.
///
/// # Errors
/// 413, 415, 400 where it is no JSON, 422 pointing at the member that is not as documented.
pub async fn json<T: serde::de::DeserializeOwned>(
    request: &HttpRequest,
    payload: web::Payload,
    state: &State,
) -> Result<T> {
    let body = json_body(request, payload, state.max_body);
    // A caller that sends a byte now and then must not hold on for ever.
    let body = actix_web::rt::time::timeout(state.request_timeout, body).await;
    read_json(&body.map_err(|_| Error::Timeout)??)
}

/// The bytes of a JSON request body.
async fn json_body(
    request: &HttpRequest,
    payload: web::Payload,
    limit: usize,
) -> Result<web::Bytes> {
    let headers = request.headers();
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Error::UnsupportedMediaType(
            "a body with a Content-Encoding is not taken".to_owned(),
        ));
    }
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Error::UnsupportedMediaType(format!(
            "{essence:?} is not application/json"
        )));
    }
    match payload.to_bytes_limited(limit).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Error::MalformedJson("the body broke off".to_owned())),
        Err(_) => Err(Error::BodyTooLarge(limit)),
    }
}

fn read_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    use serde_json::error::Category;
    // Members by position, which the deserialiser would take, are not documented.
    if bytes
        .trim_ascii_start()
        .first()
        .is_some_and(|byte| *byte == b'[')
    {
        return Err(Error::InvalidBody(vec![Fault::new(
            "",
            "is an array where an object is expected",
        )]));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader);
    let value = read.map_err(|error| {
        let path: String = error.path().iter().map(pointed).collect();
        let inner = error.into_inner();
        match inner.classify() {
            Category::Data => Error::InvalidBody(vec![Fault::new(path, without_place(&inner))]),
            _ => Error::MalformedJson(inner.to_string()),
        }
    })?;
    reader
        .end()
        .map_err(|error| Error::MalformedJson(error.to_string()))?;
    Ok(value)
}

/// What is wrong, without the line and column that the pointer makes needless.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&place).unwrap_or(&message).to_owned()
}

/// A step of a JSON pointer (RFC 6901).
fn pointed(segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    }
}
