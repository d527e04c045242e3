//! `GET /v1/articles/{slug}`.

use serde_json::{Value, json};

use crate::support::{App, Place, article, at};

#[test]
fn an_article_has_every_member_and_null_for_what_is_absent() {
    let app = App::with(&[article("budget").tagged("tax")]);
    let seen = app.get("/v1/articles/budget").json();
    let mut members: Vec<&str> = seen
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    members.sort_unstable();
    let mut documented = kiosque::api::views::FIELDS.to_vec();
    documented.sort_unstable();
    assert_eq!(members, documented);
    for absent in ["standfirst", "byline", "image", "source", "canonical_url"] {
        assert_eq!(seen[absent], Value::Null, "{absent}");
    }
    assert_eq!(
        seen["rights"],
        json!({"license": null, "attribution": null, "syndicatable": true})
    );
    assert_eq!(
        seen["tags"],
        json!([{"slug": "tax", "name": "tax", "kind": "keyword"}])
    );
    assert_eq!(seen["translations"], json!([]));
    assert_eq!(seen["body_text"], "Texte de budget.");
    assert_eq!(
        (&seen["word_count"], &seen["reading_minutes"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(seen["published_at"], "2024-03-01T09:00:00Z");
    assert_eq!(seen["first_published_at"], "2024-03-01T09:00:00Z");
    assert_eq!(
        (&seen["status"], &seen["version"]),
        (&json!("published"), &json!(1))
    );
}

#[test]
fn an_id_works_in_the_slugs_place() {
    let app = App::with(&[article("budget")]);
    let id = app.get("/v1/articles/budget").json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        app.get(&format!("/v1/articles/{id}")).json()["slug"],
        "budget"
    );
}

#[test]
fn what_was_never_public_is_unknown_and_what_no_longer_is_is_gone() {
    let app = App::with(&[
        article("draft").status("draft"),
        article("scheduled")
            .status("scheduled")
            .published(at("2030-01-01T00:00:00Z")),
        article("embargoed").with("embargoed_until", "2030-01-01T00:00:00Z"),
        article("expired").with("expires_at", "2025-01-01T00:00:00Z"),
        article("withdrawn").status("withdrawn"),
    ]);
    for hidden in ["draft", "scheduled", "embargoed", "never-written"] {
        let reply = app.get(&format!("/v1/articles/{hidden}"));
        assert_eq!(
            (reply.status, reply.json()["code"].as_str()),
            (404, Some("not_found")),
            "{hidden}"
        );
    }
    for gone in ["expired", "withdrawn"] {
        let reply = app.get(&format!("/v1/articles/{gone}"));
        assert_eq!(
            (reply.status, reply.json()["code"].as_str()),
            (410, Some("gone")),
            "{gone}"
        );
    }
    // A hidden article answers like one that was never written, but for the name.
    let [draft, unknown] = ["draft", "never-written"].map(|name| {
        let text = app.get(&format!("/v1/articles/{name}")).json().to_string();
        text.replace(name, "NAME")
    });
    assert_eq!(draft, unknown);
}

#[test]
fn a_former_slug_leads_to_the_present_one_on_every_path_with_its_query() {
    let app = App::with(&[article("été-2024").with("external_id", "e1")]);
    app.import(&[article("bilan-de-l-été").with("external_id", "e1")]);
    for (path, target) in [
        ("", "/v1/articles/bilan-de-l-%C3%A9t%C3%A9"),
        (
            "?fields=slug",
            "/v1/articles/bilan-de-l-%C3%A9t%C3%A9?fields=slug",
        ),
        (
            "/related?limit=3",
            "/v1/articles/bilan-de-l-%C3%A9t%C3%A9/related?limit=3",
        ),
        (
            "/related-tags",
            "/v1/articles/bilan-de-l-%C3%A9t%C3%A9/related-tags",
        ),
    ] {
        let reply = app.get(&format!("/v1/articles/%C3%A9t%C3%A9-2024{path}"));
        assert_eq!((reply.status, reply.header("location")), (301, target));
        assert_eq!(app.get(target).status, 200, "{target}");
    }
}

#[test]
fn fields_and_include_shape_the_article() {
    let app = App::with(&[article("budget"), article("taxes")]);
    let members = |query: &str| -> Vec<String> {
        let seen = app.get(&format!("/v1/articles/budget?{query}")).json();
        seen.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(members("fields=headline,slug"), ["slug", "headline"]);
    assert_eq!(members("fields=body_text"), ["body_text"]);
    assert_eq!(
        members("fields=slug&include=related,related_tags"),
        ["slug", "related", "related_tags"]
    );
    assert_eq!(
        members("fields=slug&include=body"),
        [
            "slug",
            "body_html",
            "body_text",
            "word_count",
            "reading_minutes"
        ]
    );
    for (query, named) in [
        ("fields=slug,colour", "fields"),
        ("fields=external_id", "fields"),
        ("include=everything", "include"),
        ("fields=", "fields"),
        ("limit=3", "limit"),
    ] {
        let reply = app.get(&format!("/v1/articles/budget?{query}"));
        assert_eq!(
            (reply.status, reply.named()),
            (400, vec![named.to_owned()]),
            "{query}"
        );
    }
}

#[test]
fn translations_name_their_siblings_and_only_public_ones() {
    let app = App::with(&[
        article("eau"),
        article("water")
            .language("en")
            .with("translation_of", "eau"),
        article("agua")
            .language("es")
            .with("translation_of", "water"),
        article("ma")
            .language("ar")
            .with("translation_of", "eau")
            .status("draft"),
    ]);
    let siblings =
        |slug: &str| app.get(&format!("/v1/articles/{slug}")).json()["translations"].clone();
    assert_eq!(
        siblings("eau"),
        json!([{"language": "en", "slug": "water"}, {"language": "es", "slug": "agua"}])
    );
    assert_eq!(
        siblings("agua"),
        json!([{"language": "en", "slug": "water"}, {"language": "fr", "slug": "eau"}])
    );
}

#[test]
fn the_teaser_is_as_written_or_an_excerpt_cut_at_a_word() {
    let long = "Les ministres se sont réunis à Rabat pour parler de la sécurité. ".repeat(6);
    let app = App::with(&[
        article("written").with("trail_text", "Tel quel."),
        article("standfirst").with("standfirst", "Le chapeau."),
        article("cut").saying(&long),
    ]);
    let teaser = |slug: &str| {
        app.get(&format!("/v1/articles/{slug}")).json()["trail_text"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(teaser("written"), "Tel quel.");
    assert_eq!(teaser("standfirst"), "Le chapeau.");
    let cut = teaser("cut");
    assert!(cut.chars().count() <= 160 && cut.ends_with('…'));
    let kept = cut.trim_end_matches('…');
    assert!(
        long.starts_with(kept) && long[kept.len()..].starts_with([' ', '.', ',']),
        "{cut}"
    );
}

#[test]
fn the_article_page_of_a_site_can_be_built_from_one_call() {
    let app = App::on(Place::sqlite());
    app.clock.set(at("2026-11-01T12:00:00Z"));
    let samples = include_str!("../../samples/portail.ndjson");
    assert_eq!(app.import_text(samples).1, []);
    let page = app
        .get("/v1/articles/reunion-ministres-rabat-securite-france-maroc?include=related,related_tags")
        .json();
    assert!(
        page["published_at"]
            .as_str()
            .unwrap()
            .starts_with("2024-04-23")
    );
    assert!(page["source"]["name"].is_string() && page["source"]["url"].is_string());
    assert_eq!(page["sponsors"].as_array().unwrap().len(), 2);
    assert!(page["tags"].as_array().unwrap().len() >= 8);
    let related = page["related"].as_array().unwrap();
    assert_eq!(related.len(), 12);
    assert!(!page["related_tags"].as_array().unwrap().is_empty());
    for neighbour in related {
        let article = &neighbour["article"];
        assert_ne!(article["id"], page["id"]);
        assert!(article["trail_text"].as_str().unwrap().chars().count() <= 160);
        assert!(article.get("body_html").is_none());
    }
}
