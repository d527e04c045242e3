//! What of a request stands in the log. The address of a preview opens it, so it does not.

use std::borrow::Cow;

use actix_web::dev::ServiceRequest;
use percent_encoding::percent_decode_str;

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
    let shown = path(request.path());
    let (method, version) = (request.method(), request.version());
    match request.query_string() {
        query if !query.is_empty() && shown != HIDDEN => {
            format!("{method} {shown}?{query} {version:?}")
        }
        _ => format!("{method} {shown} {version:?}"),
    }
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
