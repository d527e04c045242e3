//! What related lists promise, held against every sample article.

use std::collections::BTreeSet;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::support::{App, Place};

/// Of the samples those that the public does not see: scheduled, embargoed, expired, withdrawn, and a draft.
pub const HIDDEN: [&str; 5] = [
    "roses-lettres-2031",
    "rapport-nappes-2026-embargo",
    "programme-nuits-de-merzouga",
    "etoile-ziz-transfert-retire",
    "communales-2027-carte-interactive",
];

/// Every visible article of the samples, by a path segment that needs no more encoding.
fn names(app: &App) -> Vec<String> {
    let slugs = app.walk("/v1/articles?limit=100&fields=slug");
    assert!(slugs.len() > 100);
    slugs
        .iter()
        .map(|slug| utf8_percent_encode(slug, NON_ALPHANUMERIC).to_string())
        .collect()
}

#[test]
fn whatever_article_is_asked_for_the_list_keeps_its_promises() {
    let app = App::with_samples(Place::sqlite());
    for name in names(&app).iter().step_by(2) {
        let page = app.json(&format!("/v1/articles/{name}?fields=slug"));
        let siblings = app.json(&format!("/v1/articles/{name}?fields=translations"));
        let siblings: Vec<&Value> = siblings["translations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|sibling| &sibling["slug"])
            .collect();
        let reply = app.json(&format!(
            "/v1/articles/{name}/related?limit=50&language=any"
        ));
        let neighbours = reply["data"].as_array().unwrap();
        assert!(neighbours.len() <= 50, "{name}");
        let mut seen = BTreeSet::new();
        let (mut last, mut pins_are_over) = (1.0, false);
        for neighbour in neighbours {
            let slug = neighbour["article"]["slug"].as_str().unwrap();
            assert!(seen.insert(slug) && page["slug"] != slug, "{name}: {slug}");
            assert!(!HIDDEN.contains(&slug), "{name}: {slug}");
            assert!(
                !siblings.contains(&&neighbour["article"]["slug"]),
                "{name}: {slug}"
            );
            let reasons = neighbour["reasons"].as_array().unwrap();
            let is_pin = |reason: &Value| reason["kind"] == "pin";
            let score = neighbour["score"].as_f64().unwrap();
            assert!(score > 0.0 && score <= 1.0, "{name}: {slug} {score}");
            let sum: f64 = reasons
                .iter()
                .filter(|reason| !is_pin(reason))
                .map(|reason| reason["weight"].as_f64().unwrap())
                .sum();
            assert!(
                (sum - score).abs() < 1e-3,
                "{name}: {slug} {score} {reasons:?}"
            );
            if is_pin(&reasons[0]) {
                assert!(
                    !pins_are_over && reasons[0].get("weight").is_none(),
                    "{name}: {slug}"
                );
            } else {
                assert!(
                    score <= last && !reasons.iter().any(is_pin),
                    "{name}: {slug}"
                );
                (last, pins_are_over) = (score, true);
            }
        }
    }
}

#[test]
fn an_article_has_a_dozen_neighbours_at_the_most_and_in_its_language_but_for_pins() {
    let app = App::with_samples(Place::sqlite());
    for name in names(&app).iter().step_by(4) {
        let language =
            app.json(&format!("/v1/articles/{name}?fields=language"))["language"].clone();
        let reply = app.json(&format!("/v1/articles/{name}/related"));
        let neighbours = reply["data"].as_array().unwrap();
        assert!(neighbours.len() <= 12, "{name}");
        for neighbour in neighbours {
            let by_hand = neighbour["reasons"][0]["kind"] == "pin";
            assert!(
                by_hand || neighbour["article"]["language"] == language,
                "{name}"
            );
        }
    }
}

#[test]
fn editors_links_of_the_samples_stand_first_in_their_order() {
    let app = App::with_samples(Place::sqlite());
    for line in include_str!("../../samples/portail.ndjson").lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let pins: Vec<&str> = line["pins"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pin| pin.as_str().unwrap())
            .collect();
        if !pins.is_empty() {
            let slug = line["slug"].as_str().unwrap();
            let slugs = app.get(&format!("/v1/articles/{slug}/related")).slugs();
            assert_eq!(slugs[..pins.len()], pins, "{slug}");
        }
    }
}

#[test]
fn related_tags_are_borne_by_neighbours_and_not_by_the_article() {
    let app = App::with_samples(Place::sqlite());
    let known = app.walk("/v1/tags?limit=100");
    for name in names(&app).iter().step_by(5) {
        let page = app.json(&format!("/v1/articles/{name}?fields=tags,slug"));
        let own: Vec<&Value> = page["tags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| &tag["slug"])
            .collect();
        let reply = app.json(&format!("/v1/articles/{name}/related-tags?limit=50"));
        let mut last = 1.0;
        for one in reply["data"].as_array().unwrap() {
            let score = one["score"].as_f64().unwrap();
            assert!(score > 0.0 && score <= last, "{name} {one}");
            last = score;
            assert!(!own.contains(&&one["tag"]["slug"]), "{name} {one}");
            assert!(
                known.iter().any(|slug| one["tag"]["slug"] == *slug),
                "{name} {one}"
            );
            assert!(one["shared"].as_u64().unwrap() >= 1, "{name} {one}");
            assert!(
                one["tag"]["article_count"].as_u64().unwrap() >= 1,
                "{name} {one}"
            );
        }
        let few = app
            .get(&format!("/v1/articles/{name}/related-tags?limit=2"))
            .slugs();
        assert!(few.len() <= 2, "{name}");
    }
}
