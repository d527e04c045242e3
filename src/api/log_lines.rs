//! What of a request stands in the log. The address of a preview opens it, so it does not.

use std::borrow::Cow;

use std::time::Instant;

use actix_http::Request;
use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, Uri, Version};
use percent_encoding::percent_decode_str;

use crate::api::envelope::REQUEST_ID;

/// Whose lines tell of each request.
pub const ACCESS: &str = "kiosque::access";

const PREVIEWS: &str = "v1/previews/";
const HIDDEN: &str = "/v1/previews/…";

/// A path without what is secret in it, however it is written.
pub fn path(path: &str) -> Cow<'_, str> {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    match decoded.contains(PREVIEWS) {
        true => HIDDEN.into(),
        false => path.into(),
    }
}

/// The first line of a request.
pub fn first_line(request: &ServiceRequest) -> String {
    line(request.method(), request.uri(), request.version())
}

fn line(method: &Method, uri: &Uri, version: Version) -> String {
    let shown = path(uri.path());
    match uri.query().unwrap_or_default() {
        query if !query.is_empty() && shown != HIDDEN => {
            format!("{method} {shown}?{query} {version:?}")
        }
        _ => format!("{method} {shown} {version:?}"),
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
}
