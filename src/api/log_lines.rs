//! What of a request stands in the log. The address of a preview opens it, so it does not; and whoever puts a key into an
//! address has it answered with 400, not kept.

use std::borrow::Cow;

use std::time::Instant;

use actix_http::Request;
use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, Uri, Version};
use percent_encoding::percent_decode_str;

use crate::api::envelope::REQUEST_ID;
use crate::identity::secret;

/// Whose lines tell of each request.
pub const ACCESS: &str = "kiosque::access";

const PREVIEWS: &str = "v1/previews/";
const HIDDEN: &str = "/v1/previews/…";

/// Parameters in which other services take keys, in lower case.
const KEY_NAMES: [&str; 9] = [
    "key",
    "api_key",
    "apikey",
    "api-key",
    "access_token",
    "token",
    "auth",
    "authorization",
    "x-api-key",
];

/// A path without what is secret in it, however it is written.
pub fn path(path: &str) -> Cow<'_, str> {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    match () {
        () if decoded.contains(PREVIEWS) => HIDDEN.into(),
        () if holds_secret(&decoded) => "/…".into(),
        () => path.into(),
    }
}

/// The name of the first parameter that would show a key, by its name or by what it holds.
pub fn secret_parameter(query: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = |text: &str| {
            percent_decode_str(&text.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned()
        };
        let name = decoded(name);
        let lower = name.to_lowercase();
        if KEY_NAMES.contains(&lower.as_str()) {
            return Some(lower);
        }
        match (holds_secret(&name), holds_secret(&decoded(value))) {
            (true, _) => Some("query string".to_owned()),
            (false, true) => Some(name.chars().take(60).collect()),
            (false, false) => None,
        }
    })
}

fn holds_secret(text: &str) -> bool {
    [secret::API_KEY, secret::REFRESH_TOKEN]
        .iter()
        .any(|kind| text.contains(kind))
}

/// The first line of a request.
pub fn first_line(request: &ServiceRequest) -> String {
    line(request.method(), request.uri(), request.version())
}

fn line(method: &Method, uri: &Uri, version: Version) -> String {
    let shown = path(uri.path());
    match uri.query().unwrap_or_default() {
        query if query.is_empty() || shown == HIDDEN => format!("{method} {shown} {version:?}"),
        query if secret_parameter(query).is_some() => format!("{method} {shown}?… {version:?}"),
        query => format!("{method} {shown}?{query} {version:?}"),
    }
}

/// The access line of an answer from the cache, as the logging layer writes it of others, but at the level `debug`: a
/// line costs as much as half the answer.
pub fn log_hit(request: &Request, response: &HttpResponse, started: Instant) {
    if !log::log_enabled!(target: ACCESS, log::Level::Debug) {
        return;
    }
    let peer = request.peer_addr().map(|peer| peer.ip().to_string());
    let head = request.head();
    let line = line(&head.method, &head.uri, head.version);
    let size = match response.body().size() {
        BodySize::Sized(size) => size,
        _ => 0,
    };
    let id = response.headers().get(REQUEST_ID);
    log::debug!(
        target: ACCESS,
        "{} \"{}\" {} {size} {:.6}s {}",
        peer.as_deref().unwrap_or("-"),
        line,
        response.status().as_u16(),
        started.elapsed().as_secs_f64(),
        id.and_then(|id| id.to_str().ok()).unwrap_or("-")
    );
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_address_of_a_preview_is_not_logged() {
        let line = |uri: &str| first_line(&TestRequest::with_uri(uri).to_srv_request());
        for uri in [
            "/v1/previews/secret",
            "/v1/previews/secret?fields=slug",
            "/v1/%70reviews/secret",
            "//v1/previews/secret/",
        ] {
            assert_eq!(line(uri), "GET /v1/previews/… HTTP/1.1", "{uri}");
        }
        assert_eq!(
            line("/v1/articles/a/previews/7?x=%20"),
            "GET /v1/articles/a/previews/7?x=%20 HTTP/1.1"
        );
        assert_eq!(path("/v1/me"), "/v1/me");
    }

    #[test]
    fn a_key_in_an_address_is_not_logged() {
        let line = |uri: &str| first_line(&TestRequest::with_uri(uri).to_srv_request());
        for (uri, shown) in [
            ("/v1/me?key=abc", "/v1/me?…"),
            ("/v1/me?limit=1&API_Key=abc", "/v1/me?…"),
            ("/v1/me?access%5Ftoken=abc", "/v1/me?…"),
            ("/v1/me?limit=%6bqk_abc", "/v1/me?…"),
            ("/v1/me?kqk_abc", "/v1/me?…"),
            ("/v1/keys/kqk_abc", "/…"),
            ("/v1/articles?q=key", "/v1/articles?q=key"),
        ] {
            assert_eq!(line(uri), format!("GET {shown} HTTP/1.1"));
        }
    }
}
