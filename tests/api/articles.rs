//! `GET /v1/articles/{slug}`.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::support::{App, Place, article, at, places};

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
    let app = App::with_samples(Place::sqlite());
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
    // What is too far is not shown, so there may be fewer than asked for.
    assert!((6..=12).contains(&related.len()), "{}", related.len());
    assert!(!page["related_tags"].as_array().unwrap().is_empty());
    for neighbour in related {
        let article = &neighbour["article"];
        assert_ne!(article["id"], page["id"]);
        assert!(article["trail_text"].as_str().unwrap().chars().count() <= 160);
        assert!(article.get("body_html").is_none());
    }
}

#[test]
fn everything_an_import_brings_is_shown_the_same_on_both_databases() {
    let line = article("tout")
        .headed("Tout  ce qui\npeut être dit")
        .with("standfirst", "Le chapeau.")
        .with("byline", "Nadia Berrahou")
        .with("trail_text", "La teaser, même très longue. ".repeat(20))
        .with("body", "# Titre\n\nUn *mot* et <script>alert(1)</script> deux.")
        .with("body_format", "markdown")
        .with("published_at", "2024-04-23T12:15:00.25+02:00")
        .with("updated_at", "2024-05-01")
        .with("first_published_at", "2024-04-22")
        .with(
            "image",
            json!({"url": "https://img.example/a.jpg", "alt": "Un mur", "width": 640}),
        )
        .with("source", json!({"name": "Agence", "url": "https://agence.example/"}))
        .with("canonical_url", "https://agence.example/a?b=c")
        .with("rights", json!({"license": "CC-BY-4.0", "syndicatable": false}))
        .with(
            "sponsors",
            json!([{"name": "Banque", "url": "https://banque.example", "from": "2024-01-01T00:00:00Z"}]),
        )
        .with(
            "tags",
            json!([{"slug": "z", "name": "Zagora", "kind": "place"}, "Actualité"]),
        );
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(std::slice::from_ref(&line));
        let mut seen = app.json("/v1/articles/tout");
        let id = seen["id"].take();
        assert_eq!(id.as_str().unwrap().len(), 36, "{name}");
        let expected = json!({
            "id": null, "slug": "tout", "language": "fr", "headline": "Tout ce qui peut être dit",
            "standfirst": "Le chapeau.",
            "trail_text": "La teaser, même très longue. ".repeat(20).trim(),
            "byline": "Nadia Berrahou",
            "body_html": seen["body_html"], "body_text": seen["body_text"],
            "word_count": seen["word_count"], "reading_minutes": 1,
            "image": {"url": "https://img.example/a.jpg", "alt": "Un mur", "caption": null,
                "credit": null, "width": 640, "height": null},
            "source": {"name": "Agence", "url": "https://agence.example/"},
            "canonical_url": "https://agence.example/a?b=c",
            "rights": {"license": "CC-BY-4.0", "attribution": null, "syndicatable": false},
            "sponsors": [{"name": "Banque", "url": "https://banque.example",
                "from": "2024-01-01T00:00:00Z", "until": null}],
            "tags": [{"slug": "z", "name": "Zagora", "kind": "place"},
                {"slug": "actualite", "name": "Actualité", "kind": "keyword"}],
            "translations": [], "status": "published",
            "published_at": "2024-04-23T10:15:00.250Z",
            "first_published_at": "2024-04-22T00:00:00Z",
            "updated_at": "2024-05-01T00:00:00Z", "version": 1,
        });
        // In the order of the contract, too.
        assert_eq!(seen.to_string(), expected.to_string(), "{name}");
        let html = seen["body_html"].as_str().unwrap();
        assert!(
            html.contains("<h1>Titre</h1>") && html.contains("<em>mot</em>"),
            "{name} {html}"
        );
        assert!(
            !html.contains("script") && !html.contains("alert"),
            "{name} {html}"
        );
        let text = seen["body_text"].as_str().unwrap();
        assert!(
            text.starts_with("Titre\n\nUn mot et") && !text.contains('<'),
            "{name} {text}"
        );
    }
}

#[test]
fn any_slug_that_an_import_takes_can_be_asked_for() {
    let slugs = [
        "why_simplicity",
        "v1.0~rc",
        "CamelCase",
        "2024",
        "-",
        "~",
        ".well-known",
        "été-à-fès",
        "إسبانيا-المغرب",
        "北京",
        "related",
        "0192",
    ];
    let app = App::with(&slugs.map(|slug| article(slug).headed("Titre")));
    for slug in slugs {
        for path in [
            slug.to_owned(),
            utf8_percent_encode(slug, NON_ALPHANUMERIC).to_string(),
        ] {
            if path.is_ascii() {
                let seen = app.json(&format!("/v1/articles/{path}"));
                assert_eq!(seen["slug"], slug, "{path}");
                assert_eq!(
                    app.get(&format!("/v1/articles/{path}/related")).status,
                    200,
                    "{path}"
                );
            }
        }
    }
    // A slug is one name, not a pattern: case and accents count.
    for other in [
        "camelcase",
        "WHY_SIMPLICITY",
        "ete-a-fes",
        "why%20simplicity",
        "2024%20",
        "%25",
    ] {
        assert_eq!(
            app.get(&format!("/v1/articles/{other}")).status,
            404,
            "{other}"
        );
    }
}

#[test]
fn an_id_is_an_id_however_it_is_written() {
    let app = App::with(&[article("budget")]);
    let id = app.json("/v1/articles/budget")["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for written in [id.to_uppercase(), id.replace('-', "")] {
        assert_eq!(
            app.json(&format!("/v1/articles/{written}"))["slug"],
            "budget",
            "{written}"
        );
    }
    for operation in ["related", "related-tags"] {
        assert_eq!(
            app.get(&format!("/v1/articles/{id}/{operation}")).status,
            200
        );
    }
}

#[test]
fn reading_time_is_told_in_whole_minutes_and_never_none() {
    let words = |n: usize| "mot ".repeat(n);
    let app = App::with(&[
        article("vide").with("body", ""),
        article("court").saying(&words(10)),
        article("long").saying(&words(2_000)),
    ]);
    let told = |slug: &str| {
        let seen = app.json(&format!("/v1/articles/{slug}"));
        (
            seen["word_count"].as_i64().unwrap(),
            seen["reading_minutes"].as_i64().unwrap(),
        )
    };
    assert_eq!(told("vide"), (0, 1));
    assert_eq!(told("court"), (10, 1));
    let (count, minutes) = told("long");
    assert!(count == 2_000 && (7..=12).contains(&minutes), "{minutes}");
}
