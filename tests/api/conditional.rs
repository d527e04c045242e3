//! Validators, content codings, caching and CORS, on any GET.

use std::io::Read;

use crate::support::{App, Place, article, at};

fn samples() -> App {
    App::with_samples(Place::sqlite())
}

const PATHS: [&str; 9] = [
    "/v1/articles",
    "/v1/articles/dessalement-agadir-eau-agricole",
    "/v1/articles/dessalement-agadir-eau-agricole/related",
    "/v1/articles/dessalement-agadir-eau-agricole/related-tags",
    "/v1/related?ids=dessalement-agadir-eau-agricole,khettaras-jorf-nettoyage",
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
        assert_eq!(reply.header("vary"), "accept-encoding, authorization");
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

#[test]
fn the_coding_is_what_the_client_prefers_and_can_read() {
    let app = samples();
    for (accepted, coding) in [
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip;q=0.2, br;q=0.9", "br"),
        ("zstd;q=1, gzip;q=0.1", "zstd"),
        ("gzip;q=0", ""),
        ("br;q=0, gzip", "gzip"),
        ("deflate", ""),
        ("compress, x-unknown", ""),
        ("identity", ""),
        ("", ""),
        (";;;", ""),
    ] {
        let reply = app.get_with("/v1/articles", &[("accept-encoding", accepted)]);
        assert_eq!(
            (reply.status, reply.header("content-encoding")),
            (200, coding),
            "{accepted}"
        );
        assert_eq!(
            reply.header("vary"),
            "accept-encoding, authorization",
            "{accepted}"
        );
    }
    // Short answers are left as they are, and problems.
    for path in ["/v1/tags/eau", "/v1/articles/nowhere"] {
        let reply = app.get_with(path, &[("accept-encoding", "gzip")]);
        assert_eq!(reply.header("content-encoding"), "", "{path}");
    }
}

#[test]
fn a_validator_of_one_coding_is_not_taken_for_another() {
    let app = samples();
    let etag = |coding: &str| {
        let reply = app.get_with("/v1/articles", &[("accept-encoding", coding)]);
        reply.header("etag").to_owned()
    };
    let known = etag("gzip");
    let other = [("accept-encoding", "br"), ("if-none-match", known.as_str())];
    assert_eq!(app.get_with("/v1/articles", &other).status, 200);
    let head = [
        ("accept-encoding", "gzip"),
        ("if-none-match", known.as_str()),
    ];
    let head = app.send("HEAD", "/v1/articles", &head);
    assert_eq!((head.status, head.bytes.len()), (304, 0));
}

#[test]
fn a_304_carries_what_a_cache_must_renew() {
    let app = samples();
    for path in PATHS {
        let full = app.get(path);
        let reply = app.get_with(path, &[("if-none-match", full.header("etag"))]);
        assert_eq!(reply.status, 304, "{path}");
        for header in [
            "etag",
            "cache-control",
            "vary",
            "last-modified",
            "cache-tag",
            "link",
        ] {
            assert_eq!(reply.header(header), full.header(header), "{path} {header}");
        }
        assert_eq!(
            (
                reply.header("content-type"),
                reply.header("content-encoding")
            ),
            ("", ""),
            "{path}"
        );
    }
}

#[test]
fn a_validator_changes_with_what_it_stands_for_and_only_then() {
    let app = App::with(&[article("a").tagged("t"), article("b").tagged("t")]);
    let paths = [
        "/v1/articles",
        "/v1/articles/a",
        "/v1/articles/b",
        "/v1/tags/t",
        "/v1/tags",
    ];
    let etags = || paths.map(|path| app.get(path).header("etag").to_owned());
    let before = etags();
    app.import(&[article("a").tagged("t"), article("b").tagged("t")]);
    app.clock.set(at("2025-08-01T12:00:00Z"));
    assert_eq!(etags(), before);
    app.import(&[article("a").tagged("t").headed("Corrigé")]);
    let after = etags();
    let changed: Vec<bool> = before
        .iter()
        .zip(&after)
        .map(|(one, other)| one != other)
        .collect();
    assert_eq!(changed, [true, true, false, false, false]);
    app.import(&[article("b").tagged("t").status("draft")]);
    assert_ne!(etags()[3..], after[3..]);
}

#[test]
fn malformed_conditions_are_passed_over() {
    let app = App::with(&[article("a")]);
    let etag = app.get("/v1/articles/a").header("etag").to_owned();
    for condition in [
        "",
        "abc",
        "\"",
        "W/",
        etag.trim_matches('"'),
        "\"\"",
        "\"*\"",
    ] {
        let reply = app.get_with("/v1/articles/a", &[("if-none-match", condition)]);
        assert_eq!(reply.status, 200, "{condition:?}");
    }
    let date = [("if-modified-since", "yesterday"), ("range", "bytes=0-9")];
    assert_eq!(app.get_with("/v1/articles/a", &date).status, 200);
    // A condition does not save what is not there.
    for path in ["/v1/articles/nowhere", "/nowhere", "/v1/articles?limit=0"] {
        let reply = app.get_with(path, &[("if-none-match", "*")]);
        assert!(reply.status >= 400 && !reply.bytes.is_empty(), "{path}");
    }
}

#[test]
fn nothing_that_fails_or_only_holds_now_is_kept_by_a_cache() {
    let app = App::with(&[article("gone").status("withdrawn"), article("a")]);
    for path in [
        "/v1/articles/nowhere",
        "/v1/articles/gone",
        "/v1/articles?limit=0",
        "/nowhere",
        "/readyz",
    ] {
        assert_eq!(app.get(path).header("cache-control"), "no-store", "{path}");
    }
    assert_eq!(
        app.send("PUT", "/v1/articles", &[]).header("cache-control"),
        "no-store"
    );
    // Near its end an article is kept no longer than it has, and not beyond while a cache asks again.
    for (end, kept) in [
        ("12:00:00.5", 0),
        ("12:00:05", 5),
        ("12:00:30", 10),
        ("12:01:00", 10),
    ] {
        app.import(&[article("a").with("expires_at", format!("2025-06-01T{end}Z"))]);
        for path in ["/v1/articles/a", "/v1/articles", "/v1/articles?q=texte"] {
            assert_eq!(
                app.get(path).header("cache-control"),
                format!("public, max-age={kept}"),
                "{path} {end}"
            );
        }
    }
    // Nor while we do not answer.
    app.import(&[article("a").with("expires_at", "2025-06-01T13:00:00Z")]);
    assert_eq!(
        app.get("/v1/articles/a").header("cache-control"),
        "public, max-age=10, stale-while-revalidate=60, stale-if-error=3590"
    );
}

#[test]
fn a_neighbours_end_limits_how_long_the_list_is_kept() {
    let body = "Le barrage du Ziz alimente les khettaras du Tafilalet.";
    let app = App::with(&[
        article("a").saying(body).tagged("eau"),
        article("b")
            .saying(&format!("{body} Bientôt."))
            .tagged("eau"),
        article("c").with("pins", serde_json::json!(["b"])),
    ]);
    app.import(&[article("b")
        .saying(&format!("{body} Bientôt."))
        .tagged("eau")
        .with("expires_at", "2025-06-01T12:00:03Z")]);
    for path in ["/v1/articles/c/related", "/v1/articles/c?include=related"] {
        assert_eq!(
            app.get(path).header("cache-control"),
            "public, max-age=3",
            "{path}"
        );
    }
    assert!(
        app.get("/v1/articles/c")
            .header("cache-control")
            .starts_with("public, max-age=10")
    );
}

#[test]
fn a_preflight_is_answered_for_every_header_and_no_cookie_is_ever_set() {
    let app = App::with(&[article("a")]);
    for (method, path) in [
        ("GET", "/v1/articles"),
        ("POST", "/v1/related"),
        ("HEAD", "/v1/tags"),
    ] {
        let reply = app.send(
            "OPTIONS",
            path,
            &[
                ("origin", "https://site.example"),
                ("access-control-request-method", method),
                (
                    "access-control-request-headers",
                    "content-type, if-none-match, x-request-id",
                ),
            ],
        );
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        assert_eq!(reply.header("access-control-allow-origin"), "*", "{path}");
        assert!(
            reply
                .header("access-control-allow-methods")
                .contains(method),
            "{path}"
        );
        let allowed = reply.header("access-control-allow-headers").to_lowercase();
        assert!(allowed.contains("if-none-match"), "{path} {allowed}");
        assert_eq!(
            reply.header("access-control-allow-credentials"),
            "",
            "{path}"
        );
    }
    let reply = app.get_with("/v1/articles", &[("origin", "https://site.example")]);
    let exposed = reply.header("access-control-expose-headers").to_lowercase();
    for header in ["etag", "link", "x-request-id"] {
        assert!(exposed.contains(header), "{exposed}");
    }
    assert_eq!(reply.header("set-cookie"), "");
}
