//! Validators, content codings, caching and CORS, on any GET.

use std::io::Read;

use crate::support::{App, Place, article, at};

fn samples() -> App {
    let app = App::on(Place::sqlite());
    app.clock.set(at("2026-11-01T12:00:00Z"));
    app.import_text(include_str!("../../samples/portail.ndjson"));
    app
}

const PATHS: [&str; 8] = [
    "/v1/articles",
    "/v1/articles/dessalement-agadir-eau-agricole",
    "/v1/articles/dessalement-agadir-eau-agricole/related",
    "/v1/articles/dessalement-agadir-eau-agricole/related-tags",
    "/v1/tags",
    "/v1/tags/eau",
    "/v1/tags/eau/related",
    "/openapi.json",
];

#[test]
fn every_get_has_a_strong_validator_that_saves_the_body() {
    let app = samples();
    for path in PATHS {
        let full = app.get(path);
        let etag = full.header("etag").to_owned();
        assert!(etag.starts_with('"') && etag.len() > 10, "{path} {etag}");
        assert_eq!(app.get(path).header("etag"), etag, "{path}");
        for known in [
            etag.clone(),
            format!("W/{etag}"),
            format!("\"x\", {etag}"),
            "*".to_owned(),
        ] {
            let reply = app.get_with(path, &[("if-none-match", &known)]);
            assert_eq!(
                (reply.status, reply.bytes.len()),
                (304, 0),
                "{path} {known}"
            );
            assert_eq!(reply.header("etag"), etag, "{path}");
            assert!(!reply.header("cache-control").is_empty(), "{path}");
        }
        assert_eq!(
            app.get_with(path, &[("if-none-match", "\"other\"")]).status,
            200,
            "{path}"
        );
    }
}

#[test]
fn a_date_is_told_and_proves_nothing() {
    let app = App::with(&[article("a")]);
    let seen = app.get("/v1/articles/a");
    let modified = seen.header("last-modified").to_owned();
    assert_eq!(modified, "Fri, 01 Mar 2024 09:00:00 GMT");
    // A translation changes what is shown and not the date.
    app.import(&[article("b").language("en").with("translation_of", "a")]);
    let reply = app.get_with("/v1/articles/a", &[("if-modified-since", &modified)]);
    assert_eq!(
        (reply.status, reply.header("last-modified")),
        (200, modified.as_str())
    );
    assert_ne!(reply.header("etag"), seen.header("etag"));
}

#[test]
fn each_coding_carries_the_same_bytes_under_its_own_tag() {
    let app = samples();
    let plain = app.get_with("/v1/articles", &[("accept-encoding", "identity")]);
    let mut tags = vec![plain.header("etag").to_owned()];
    for coding in ["gzip", "br", "zstd"] {
        let reply = app.get_with("/v1/articles", &[("accept-encoding", coding)]);
        assert_eq!(reply.header("content-encoding"), coding);
        assert_eq!(reply.header("vary"), "accept-encoding");
        assert!(reply.bytes.len() < plain.bytes.len() / 2, "{coding}");
        let mut bytes = Vec::new();
        match coding {
            "gzip" => flate2::read::GzDecoder::new(&reply.bytes[..])
                .read_to_end(&mut bytes)
                .map(drop),
            "br" => brotli::BrotliDecompress(&mut &reply.bytes[..], &mut bytes),
            _ => zstd::stream::copy_decode(&reply.bytes[..], &mut bytes),
        }
        .unwrap();
        assert!(bytes == plain.bytes, "{coding}");
        tags.push(reply.header("etag").to_owned());
        let again = [
            ("accept-encoding", coding),
            ("if-none-match", reply.header("etag")),
        ];
        assert_eq!(app.get_with("/v1/articles", &again).status, 304, "{coding}");
    }
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), 4);
}

#[test]
fn head_tells_of_the_body_without_sending_it() {
    let app = samples();
    for path in PATHS {
        let get = app.get_with(path, &[("accept-encoding", "identity")]);
        let head = app.send("HEAD", path, &[("accept-encoding", "identity")]);
        assert_eq!((head.status, head.bytes.len()), (200, 0), "{path}");
        assert_eq!(head.header("etag"), get.header("etag"), "{path}");
        assert_eq!(
            head.header("content-length"),
            get.bytes.len().to_string(),
            "{path}"
        );
    }
    assert_eq!(app.send("HEAD", "/v1/articles/nowhere", &[]).status, 404);
}

#[test]
fn caches_may_keep_an_answer_but_not_past_the_end_of_what_is_in_it() {
    let app = App::with(&[
        article("a"),
        article("b").with("expires_at", "2025-06-01T12:00:04Z"),
    ]);
    assert_eq!(
        app.get("/v1/articles/a").header("cache-control"),
        "public, max-age=10, stale-while-revalidate=60, stale-if-error=86400"
    );
    for path in ["/v1/articles/b", "/v1/articles"] {
        assert_eq!(
            app.get(path).header("cache-control"),
            "public, max-age=4",
            "{path}"
        );
    }
    assert_eq!(
        app.get("/v1/articles/c").header("cache-control"),
        "no-store"
    );
    let id = app.get("/v1/articles/a").json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        app.get("/v1/articles")
            .header("surrogate-key")
            .contains(&format!("article-{id}"))
    );
}

#[test]
fn any_site_may_read_and_none_with_credentials() {
    let app = App::with(&[article("a")]);
    let reply = app.get_with("/v1/articles/a", &[("origin", "https://site.example")]);
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert_eq!(reply.header("access-control-allow-credentials"), "");
    let preflight = app.send(
        "OPTIONS",
        "/v1/articles/a",
        &[
            ("origin", "https://site.example"),
            ("access-control-request-method", "GET"),
        ],
    );
    assert_eq!(preflight.status, 200);
    let refused = app.get_with("/v1/articles/x", &[("origin", "https://site.example")]);
    assert_eq!(
        (
            refused.status,
            refused.header("access-control-allow-origin")
        ),
        (404, "*")
    );
}
