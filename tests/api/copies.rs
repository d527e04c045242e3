//! The same text republished: not a neighbour, but named.

use serde_json::{Value, json};

use crate::related::{WATER, region, water};
use crate::support::{App, Article, article, at, places};

#[test]
fn a_translation_and_a_second_copy_are_not_neighbours() {
    let app = region();
    let copy = format!(
        "{WATER} {}",
        "Les agriculteurs attendent la pluie depuis trois saisons entières. ".repeat(8)
    );
    app.import(&[
        article("agence").headed("Barrage du Ziz").saying(&copy),
        article("reprise")
            .headed("Le Ziz et son barrage")
            .saying(&copy),
        article("ziz-en")
            .headed("Ziz dam")
            .saying(WATER)
            .language("en")
            .with("translation_of", "erfoud"),
    ]);
    let slugs = app.get("/v1/articles/erfoud/related?language=any").slugs();
    assert!(!slugs.contains(&"ziz-en".to_owned()));
    let copies = ["agence", "reprise"]
        .iter()
        .filter(|slug| slugs.iter().any(|seen| seen == *slug))
        .count();
    assert!(copies <= 1, "{slugs:?}");
}

#[test]
fn the_samples_near_duplicates_collapse_into_one() {
    let app = App::new();
    app.clock.set(at("2026-11-01T12:00:00Z"));
    app.import_text(include_str!("../../samples/portail.ndjson"));
    let pair = [
        "soixante-minibus-scolaires-region",
        "minibus-ecoliers-sud-est-courrier",
    ];
    for (slug, other) in [(pair[0], pair[1]), (pair[1], pair[0])] {
        let reply = app.get(&format!("/v1/articles/{slug}/related?limit=50"));
        let slugs = reply.slugs();
        assert!(slugs.iter().all(|seen| !pair.contains(&seen.as_str())));
        assert_eq!(reply.json()["page"]["copies"], json!([other]));
    }
    let seen: Vec<Value> = app
        .walk("/v1/articles?limit=100&fields=slug&language=fr&tag=transport-scolaire%7Cemploi")
        .iter()
        .flat_map(|slug| {
            app.get(&format!("/v1/articles/{slug}/related?limit=50"))
                .json()["data"]
                .as_array()
                .unwrap()
                .clone()
        })
        .filter(|one| pair.contains(&one["article"]["slug"].as_str().unwrap()))
        .collect();
    assert!(!seen.is_empty());
    for one in seen {
        let other = pair
            .iter()
            .find(|slug| one["article"]["slug"] != **slug)
            .unwrap();
        assert_eq!(one["copies"], json!([other]));
    }
}

/// The same agency text under a headline of each site's own.
fn republished(slug: &str) -> Article {
    let text =
        "Les pompages privés ont doublé en dix ans et les puits descendent chaque été plus bas. "
            .to_owned()
            + "Les associations demandent un compteur sur chaque forage et un quota pour chaque palmeraie. "
            + "La préfecture promet une réponse avant la récolte des dattes.";
    article(slug)
        .headed(&format!("Nappe : {slug}"))
        .saying(&format!("{WATER} {text}"))
}

fn copies(app: &App, path: &str) -> String {
    let reply = app.json(path);
    let copies = reply["page"]["copies"].as_array().unwrap();
    let mut slugs: Vec<&str> = copies.iter().map(|slug| slug.as_str().unwrap()).collect();
    slugs.sort_unstable();
    slugs.join(" ")
}

#[test]
fn copies_mention_each_other_while_they_are_public_on_either_database() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[
            republished("agence"),
            republished("reprise"),
            republished("draft").status("draft"),
            republished("retired").status("withdrawn"),
            republished("gone").with("expires_at", "2025-06-01T11:00:00Z"),
            republished("soon").with("embargoed_until", "2025-06-01T13:00:00Z"),
            republished("ending").with("expires_at", "2025-06-01T13:00:00Z"),
            republished("later").published(at("2025-06-01T13:00:00Z")),
            republished("never").with("related", "never"),
            water("erfoud"),
            water("jorf"),
        ]);
        let of = |slug: &str| copies(&app, &format!("/v1/articles/{slug}/related"));
        assert_eq!(of("agence"), "ending reprise", "{name}");
        assert_eq!(of("reprise"), "agence ending", "{name}");
        assert_eq!(of("never"), "", "{name}");
        assert_eq!(of("erfoud"), "", "{name}");
        let text = app.get("/v1/articles/agence/related?limit=50").text();
        for hidden in ["draft", "retired", "gone", "soon", "later", "never"] {
            assert!(!text.contains(&format!("\"{hidden}\"")), "{name} {hidden}");
        }
        app.clock.set(at("2025-06-01T13:00:00Z"));
        assert_eq!(of("agence"), "later reprise soon", "{name}");
        app.import(&[republished("reprise").status("withdrawn")]);
        assert_eq!(of("agence"), "later soon", "{name}");
        // For several articles there are none to name.
        let several = app.json("/v1/related?ids=agence,erfoud");
        assert_eq!(several["page"]["copies"], json!([]), "{name}");
    }
}

#[test]
fn a_text_is_told_where_it_stands_already() {
    let app = App::with(&[
        republished("agence"),
        republished("draft").status("draft"),
        republished("soon").with("embargoed_until", "2025-06-01T13:00:00Z"),
        water("erfoud"),
    ]);
    let body = republished("agence").0["body"].clone();
    let text = json!({"headline": "Nappe : une autre", "body": body, "language": "fr"}).to_string();
    let reply = app.post("/v1/related", &text);
    assert_eq!(reply.json()["page"]["copies"], json!(["agence"]));
    assert!(!reply.slugs().contains(&"agence".to_owned()));
    for hidden in ["draft", "soon"] {
        assert!(!reply.text().contains(&format!("\"{hidden}\"")), "{hidden}");
    }
    let other = json!({"headline": "Nappe", "body": "Un tout autre texte.", "language": "fr"});
    let reply = app.post("/v1/related", &other.to_string());
    assert_eq!(reply.json()["page"]["copies"], json!([]));
}

#[test]
fn a_list_is_kept_no_longer_than_the_copies_it_names() {
    let app = App::with(&[
        republished("agence"),
        republished("reprise").with("expires_at", "2025-06-01T12:00:04Z"),
        water("erfoud"),
    ]);
    let reply = app.get("/v1/articles/agence/related");
    assert_eq!(reply.header("cache-control"), "public, max-age=4");
    let id = app.json("/v1/articles/reprise?fields=id")["id"].clone();
    let tag = format!("article-{}", id.as_str().unwrap());
    let tags = reply.header("cache-tag");
    assert!(tags.split(',').any(|one| one == tag), "{tags}");
    let known = [("if-none-match", reply.header("etag"))];
    let path = "/v1/articles/agence/related";
    assert_eq!(app.get_with(path, &known).status, 304);
    app.clock.set(at("2025-06-01T12:00:04Z"));
    let after = app.get_with(path, &known);
    assert_eq!(after.status, 200);
    assert_eq!(after.json()["page"]["copies"], json!([]));
}
