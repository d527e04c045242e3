//! `POST /v1/related`: neighbours of a text that is not stored.

use serde_json::json;

use crate::related::{WATER, region, water};
use crate::support::at;

#[test]
fn a_text_that_is_not_stored_finds_its_neighbours_and_tags() {
    let app = region();
    let text = json!({"headline": "Barrage", "body": WATER, "language": "fr", "limit": 2});
    let reply = app.post("/v1/related", &text.to_string());
    assert_eq!(reply.status, 200, "{:?}", reply.json());
    assert_eq!(reply.slugs().len(), 2);
    assert!(!reply.slugs().contains(&"coupe".to_owned()));
    assert_eq!(reply.json()["suggested_tags"][0]["tag"]["slug"], "eau");
    assert_eq!(reply.header("cache-control"), "no-store");
}

#[test]
fn a_text_that_is_not_as_documented_is_refused_with_a_pointer() {
    let app = region();
    let refused = |body: &str, status: u16, pointer: &str| {
        let reply = app.post("/v1/related", body);
        assert_eq!(reply.status, status, "{body}: {:?}", reply.json());
        let found = &reply.json()["errors"][0]["pointer"];
        assert_eq!(
            found.as_str().unwrap_or_default(),
            pointer,
            "{body}: {:?}",
            reply.json()
        );
    };
    refused(
        r#"{"headline":"x","language":"fr","colour":1}"#,
        422,
        "/colour",
    );
    refused(r#"{"headline":7,"language":"fr"}"#, 422, "/headline");
    refused(r#"{"headline":"x"}"#, 422, "");
    refused(r#"{"headline":"x","language":"french"}"#, 422, "/language");
    refused(r#"{"headline":"","language":"fr"}"#, 422, "/headline");
    refused(
        r#"{"headline":"x","language":"fr","limit":51}"#,
        422,
        "/limit",
    );
    refused(
        r#"{"headline":"x","language":"fr","tags":[1]}"#,
        422,
        "/tags/0",
    );
    refused("{", 400, "");
    refused("", 400, "");
    refused(&"[".repeat(200), 422, "");
    refused(&r#"{"headline":"#.repeat(200), 422, "/headline");
    refused(r#"["x","y","fr"]"#, 422, "");
    let body = r#"{"headline":"x","language":"fr"}"#;
    for (headers, status) in [
        (vec![("content-type", "text/plain")], 415),
        (vec![], 415),
        (
            vec![
                ("content-type", "application/json"),
                ("content-encoding", "gzip"),
            ],
            415,
        ),
    ] {
        assert_eq!(
            app.post_with("/v1/related", &headers, body).status,
            status,
            "{headers:?}"
        );
    }
    let large =
        json!({"headline": "x", "language": "fr", "body": "x".repeat(3_000_000)}).to_string();
    assert_eq!(app.post("/v1/related", &large).status, 413);
    let nul = json!({"headline": "x\u{0}", "language": "fr", "body": "\u{0}", "tags": ["\u{0}"]})
        .to_string();
    assert_eq!(app.post("/v1/related", &nul).status, 200);
}

#[test]
fn a_text_is_never_answered_with_what_is_hidden() {
    let app = region();
    app.import(&[
        water("secret").status("draft").tagged("cache"),
        water("soon")
            .with("embargoed_until", "2025-06-01T13:00:00Z")
            .tagged("neuf"),
        water("gone")
            .with("expires_at", "2025-06-01T12:00:00Z")
            .tagged("passe"),
        water("taken-back").status("withdrawn"),
    ]);
    let text = json!({"headline": "Barrage et khettaras", "body": WATER, "language": "fr",
        "tags": ["eau", "neuf", "cache", "nowhere", "a\u{0}b"], "limit": 50});
    let answer = || app.post("/v1/related", &text.to_string());
    let before = answer();
    assert_eq!(before.status, 200, "{}", before.text());
    for hidden in [
        "secret",
        "soon",
        "gone",
        "taken-back",
        "neuf",
        "cache",
        "passe",
    ] {
        assert!(
            !before.text().contains(&format!("\"{hidden}\"")),
            "{hidden}"
        );
    }
    app.clock.set(at("2025-06-01T13:00:00Z"));
    assert!(answer().slugs().contains(&"soon".to_owned()));
    // Nothing of the text is kept.
    assert_eq!(
        app.get("/v1/articles?q=barrage&count=exact").json()["page"]["count"],
        4
    );
}

#[test]
fn a_text_needs_little_and_its_edges_are_allowed() {
    let app = region();
    let long = "Le barrage du Ziz. ".repeat(50_000);
    for body in [
        json!({"headline": "Barrage", "language": "fr"}),
        json!({"headline": "", "body": WATER, "language": "FR"}),
        json!({"headline": "Barrage", "language": "fr", "limit": 50, "tags": []}),
        json!({"headline": "Barrage", "language": "fr", "limit": 1}),
        json!({"headline": "x", "body": "<p>Texte <b>gras</b></p>", "language": "zh-hant-TW"}),
        json!({"headline": "?!", "language": "und"}),
        json!({"headline": "x", "body": long, "language": "fr"}),
        json!({"headline": "x", "language": "fr", "limit": null}),
    ] {
        let reply = app.post("/v1/related", &body.to_string());
        let shown: String = body.to_string().chars().take(80).collect();
        assert_eq!(reply.status, 200, "{shown}: {}", reply.text());
        let limit = body["limit"].as_u64().unwrap_or(12);
        assert_eq!(reply.json()["page"]["limit"], limit, "{shown}");
        assert!(reply.slugs().len() as u64 <= limit, "{shown}");
    }
    for (body, status, code) in [
        ("\u{feff}{}", 400, "malformed_json"),
        (
            "{\"headline\":\"x\",\"language\":\"fr\"} {}",
            400,
            "malformed_json",
        ),
        (
            "{\"headline\":\"x\",\"language\":\"fr\",}",
            400,
            "malformed_json",
        ),
        (
            "{\"headline\":\"x\",\"headline\":\"y\",\"language\":\"fr\"}",
            422,
            "invalid_body",
        ),
        ("null", 422, "invalid_body"),
        ("7", 422, "invalid_body"),
        (
            "{\"headline\":\"x\",\"language\":\"fr\",\"limit\":-1}",
            422,
            "invalid_body",
        ),
        (
            "{\"headline\":\"x\",\"language\":\"fr\",\"limit\":1.5}",
            422,
            "invalid_body",
        ),
        (
            "{\"headline\":\"x\",\"language\":\"fr\",\"limit\":0}",
            422,
            "invalid_body",
        ),
    ] {
        let reply = app.post("/v1/related", body);
        assert_eq!(
            (reply.status, reply.json()["code"].as_str()),
            (status, Some(code)),
            "{body}"
        );
        assert_eq!(
            reply.header("content-type"),
            "application/problem+json",
            "{body}"
        );
    }
    let latin = app.post_bytes(
        "/v1/related",
        b"{\"headline\":\"\xe9\",\"language\":\"fr\"}",
    );
    assert_eq!(
        (latin.status, latin.json()["code"].as_str()),
        (400, Some("malformed_json"))
    );
    let reply = app.post(
        "/v1/related?limit=3",
        "{\"headline\":\"x\",\"language\":\"fr\"}",
    );
    assert_eq!(
        (reply.status, reply.named()),
        (400, vec!["limit".to_owned()])
    );
}
