//! `POST /v1/related`: neighbours of a text that is not stored.

use serde_json::json;

use crate::related::{WATER, region, water};
use crate::support::{App, article, at, places};

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
    refused(r#"{"headline":"x"}"#, 422, "/language");
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
    for (members, pointer) in [
        (r#""standfirst":7"#, "/standfirst"),
        (r#""standfirst":["x"]"#, "/standfirst"),
        (r#""published_at":"hier""#, "/published_at"),
        (r#""published_at":"""#, "/published_at"),
        (r#""published_at":"2025-06-01""#, "/published_at"),
        (r#""published_at":"2025-06-01T12:00:00""#, "/published_at"),
        (r#""published_at":"2025-02-30T12:00:00Z""#, "/published_at"),
        (r#""published_at":1717243200"#, "/published_at"),
        (r#""exclude":"jorf""#, "/exclude"),
        (r#""exclude":[1]"#, "/exclude/0"),
        (r#""exclude":null"#, "/exclude"),
        (r#""from":"2024-01-01""#, "/from"),
    ] {
        let body = format!(r#"{{"headline":"x","language":"fr",{members}}}"#);
        refused(&body, 422, pointer);
    }
    let many = json!({"headline": "x", "language": "fr", "exclude": vec!["x"; 101]});
    refused(&many.to_string(), 422, "/exclude");
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
    let nul = json!({"headline": "x\u{0}", "language": "fr", "body": "\u{0}", "tags": ["\u{0}"],
        "standfirst": "\u{0}", "exclude": ["\u{0}", "", "nobody"]})
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
        json!({"headline": "x", "language": "fr", "standfirst": null, "published_at": null, "exclude": []}),
        json!({"headline": "", "language": "fr", "standfirst": WATER}),
        json!({"headline": "x", "language": "fr", "published_at": "2031-01-01T00:00:00+01:00"}),
        json!({"headline": "x", "language": "fr", "published_at": "2025-06-01T12:00:00.25Z"}),
        json!({"headline": "x", "language": "fr", "exclude": vec!["x"; 100]}),
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

#[test]
fn a_text_leaves_out_what_it_is_told_to_on_either_database() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[water("vieux").with("external_id", "e1")]);
        app.import(&[
            water("erfoud").with("external_id", "e1"),
            water("jorf"),
            water("draft").status("draft"),
        ]);
        let id = app.json("/v1/articles/jorf")["id"].clone();
        let slugs = |exclude: serde_json::Value| {
            let text = json!({"headline": "Barrage et khettaras", "body": WATER, "language": "fr",
                "exclude": exclude});
            let mut slugs = app.post("/v1/related", &text.to_string()).slugs();
            slugs.sort_unstable();
            slugs.join(" ")
        };
        assert_eq!(slugs(json!([])), "erfoud jorf", "{name}");
        assert_eq!(slugs(json!(["erfoud"])), "jorf", "{name}");
        assert_eq!(slugs(json!(["vieux"])), "jorf", "{name}");
        assert_eq!(slugs(json!([id, "nobody", "a\u{0}b"])), "erfoud", "{name}");
        assert_eq!(slugs(json!([id, "vieux", "draft"])), "", "{name}");
    }
}

#[test]
fn a_standfirst_and_a_date_say_what_is_near() {
    let app = region();
    app.import(&[
        water("ancien").published(at("2015-03-01T09:00:00Z")),
        article("roses").saying("La fête des roses remplit Kelaa des Mgouna de pétales."),
    ]);
    let score = |members: serde_json::Value, slug: &str| {
        let mut text = json!({"headline": "Barrage", "body": WATER, "language": "fr"});
        let members = members.as_object().unwrap().clone();
        text.as_object_mut().unwrap().extend(members);
        let json = app.post("/v1/related", &text.to_string()).json();
        let data = json["data"].as_array().unwrap();
        let found = data.iter().find(|one| one["article"]["slug"] == slug);
        found.map_or(0.0, |one| one["score"].as_f64().unwrap())
    };
    let then = json!({"published_at": "2015-03-02T09:00:00Z"});
    assert!(score(then.clone(), "ancien") > score(json!({}), "ancien"));
    assert!(score(then, "ancien") > score(json!({"published_at": null}), "ancien"));
    let of_roses = json!({"standfirst": "La fête des roses et ses pétales à Kelaa des Mgouna."});
    assert!(score(of_roses, "roses") > score(json!({"standfirst": null}), "roses"));
}
