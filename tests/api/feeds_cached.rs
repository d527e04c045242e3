//! Feeds have validators, codings and cache headers as lists have, and are never stale.

use serde_json::json;

use crate::feeds::settings;
use crate::support::{App, article, places};

const PATHS: [&str; 8] = [
    "/v1/feeds/rss?limit=12",
    "/v1/feeds/atom?limit=3",
    "/v1/feeds/json?tag=eau",
    "/v1/feeds/ninjs?q=texte",
    "/v1/feeds/sitemap",
    "/v1/feeds/sitemap?limit=12",
    "/v1/feeds/sitemap?page=1",
    "/v1/feeds/news-sitemap",
];

#[test]
fn validators_codings_and_cache_headers_are_those_of_lists() {
    for place in places() {
        let app = App::configured(place, settings);
        let articles: Vec<_> = (0..12)
            .map(|n| {
                article(&format!("a-{n}"))
                    .tagged("eau")
                    .with("published_at", "2025-05-31T09:00:00Z")
                    .saying(&"Texte long. ".repeat(100))
            })
            .collect();
        app.import(&articles);
        for path in PATHS {
            let full = app.get(path);
            assert_eq!(full.status, 200, "{path} {}", full.text());
            let etag = full.header("etag");
            assert!(etag.starts_with('"'), "{path}");
            assert!(!full.header("last-modified").is_empty(), "{path}");
            assert!(
                full.header("cache-control").starts_with("public, max-age="),
                "{path}"
            );
            assert!(
                full.header("cache-tag")
                    .split(',')
                    .any(|tag| tag == "articles"),
                "{path}"
            );
            let known = app.get_with(path, &[("if-none-match", etag)]);
            assert_eq!((known.status, known.bytes.len()), (304, 0), "{path}");
            let head = app.send("HEAD", path, &[]);
            assert_eq!((head.status, head.bytes.len()), (200, 0), "{path}");
            for header in ["etag", "content-type", "cache-tag", "last-modified"] {
                assert_eq!(head.header(header), full.header(header), "{path} {header}");
            }
            let gzip = app.get_with(path, &[("accept-encoding", "gzip")]);
            assert_eq!(gzip.header("content-encoding"), "gzip", "{path}");
            assert_ne!(gzip.header("etag"), etag, "{path}");
            assert_eq!(gzip.header("content-type"), full.header("content-type"));
            let again = app.get(path);
            assert!(
                again.header("server-timing").starts_with("cache"),
                "{path} is kept"
            );
        }
    }
}

#[test]
fn a_change_is_in_every_feed_at_once() {
    for place in places() {
        let app = App::configured(place, settings);
        let seen = || {
            article("a")
                .tagged("eau")
                .with("published_at", "2025-05-31T09:00:00Z")
        };
        app.import(&[seen(), article("b")]);
        for path in PATHS {
            assert!(app.get(path).text().contains("/a"), "{path}");
        }
        let editor = app.key("editor");
        let read = app.get_with("/v1/articles/a", &[("authorization", &editor)]);
        let headers = [("if-match", read.header("etag"))];
        let body = json!({"slug": "zebre"});
        let reply = app.write("PATCH", "/v1/articles/a", &editor, &headers, Some(body));
        assert_eq!(reply.status, 200);
        for path in PATHS {
            assert!(app.get(path).text().contains("/zebre"), "{path}");
        }
        let headers = [("if-match", reply.header("etag"))];
        let gone = app.write("DELETE", "/v1/articles/zebre", &editor, &headers, None);
        assert_eq!(gone.status, 204);
        for path in PATHS {
            assert!(!app.get(path).text().contains("zebre"), "{path}");
        }
    }
}
