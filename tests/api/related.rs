//! `/v1/articles/{slug}/related` and `/v1/articles/{slug}/related-tags`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{App, Article, article, at, places};

pub const WATER: &str =
    "Le barrage du Ziz alimente les khettaras du Tafilalet et irrigue les palmeraies en été.";
const FOOT: &str =
    "Le club de Midelt remporte la coupe régionale de football après les tirs au but.";

pub fn water(slug: &str) -> Article {
    let extra = format!("{WATER} Note de terrain {slug}, relevée par les agriculteurs de {slug}.");
    article(slug)
        .headed(&format!("Barrage et khettaras à {slug}"))
        .saying(&extra)
        .tagged("eau")
}

pub fn region() -> App {
    App::with(&[
        water("erfoud"),
        water("rissani"),
        water("jorf"),
        article("coupe")
            .headed("Coupe de football")
            .saying(FOOT)
            .tagged("sport"),
        article("finale")
            .headed("La finale de football")
            .saying(&format!("{FOOT} La finale."))
            .tagged("sport"),
    ])
}

/// What is about water, in order of the alphabet.
fn near(slugs: &mut Vec<String>) -> String {
    slugs.retain(|slug| !["coupe", "finale", "sport"].contains(&slug.as_str()));
    slugs.sort_unstable();
    slugs.join(" ")
}

#[test]
fn the_nearest_come_first_with_scores_and_reasons_that_add_up() {
    let app = region();
    let reply = app.get("/v1/articles/erfoud/related");
    let slugs = reply.slugs();
    // In so small a world something far may follow; the two near ones stand first.
    let mut first = slugs[..2].to_vec();
    first.sort_unstable();
    assert_eq!(first, ["jorf", "rissani"]);
    assert!(!slugs.contains(&"erfoud".to_owned()));
    let json = reply.json();
    assert_eq!(
        json["page"],
        json!({"limit": 12, "complete": true, "hidden_reason": null, "copies": []})
    );
    let mut last = 1.0;
    for neighbour in json["data"].as_array().unwrap() {
        let score = neighbour["score"].as_f64().unwrap();
        assert!(score > 0.0 && score <= last);
        last = score;
        let reasons = neighbour["reasons"].as_array().unwrap();
        let sum: f64 = reasons
            .iter()
            .map(|reason| reason["weight"].as_f64().unwrap())
            .sum();
        assert!((sum - score).abs() < 2e-3, "{neighbour}");
        let near = first
            .iter()
            .any(|slug| neighbour["article"]["slug"] == *slug);
        let by_tag = |reason: &Value| reason["kind"] == "tag" && reason["tag"] == "eau";
        assert_eq!(reasons.iter().any(by_tag), near, "{neighbour}");
    }
}

#[test]
fn a_shared_tag_says_its_name_and_what_it_stands_for() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let tags = json!([
            {"slug": "ziz", "name": "Vallée du Ziz", "kind": "place"},
            {"slug": "route-du-sel", "name": "Sur la route du sel", "kind": "series"},
        ]);
        app.import(&[
            water("erfoud").with("tags", tags.clone()),
            water("rissani").with("tags", tags),
            article("coupe").saying(FOOT),
        ]);
        let text = json!({"headline": "Barrage", "body": WATER, "language": "fr",
            "tags": ["ziz", "route-du-sel"]});
        for json in [
            app.json("/v1/articles/erfoud/related"),
            app.json("/v1/related?ids=erfoud"),
            app.post("/v1/related", &text.to_string()).json(),
            json!({"data": app.json("/v1/articles/erfoud?include=related")["related"]}),
        ] {
            let reasons = json["data"][0]["reasons"].as_array().unwrap();
            let named: BTreeSet<(&str, &str, &str)> = reasons
                .iter()
                .filter(|reason| reason["kind"] == "tag")
                .map(|reason| {
                    let text = |member: &str| reason[member].as_str().unwrap();
                    (text("tag"), text("name"), text("tag_kind"))
                })
                .collect();
            let expected = BTreeSet::from([
                ("route-du-sel", "Sur la route du sel", "series"),
                ("ziz", "Vallée du Ziz", "place"),
            ]);
            assert_eq!(named, expected, "{name}: {json}");
            assert!(reasons.iter().any(|reason| reason["kind"] != "tag"
                && reason.get("name").is_none()
                && reason.get("tag_kind").is_none()));
        }
    }
}

#[test]
fn parameters_narrow_the_neighbours() {
    let app = region();
    app.import(&[
        water("tinghir")
            .tagged("todgha")
            .published(at("2025-05-01T00:00:00Z")),
        water("dam").language("en"),
    ]);
    let slugs = |query: &str| {
        let mut slugs = app
            .get(&format!("/v1/articles/erfoud/related?{query}"))
            .slugs();
        near(&mut slugs)
    };
    assert_eq!(slugs(""), "jorf rissani tinghir");
    assert_eq!(slugs("limit=1").split(' ').count(), 1);
    assert_eq!(slugs("exclude=jorf,nobody"), "rissani tinghir");
    assert_eq!(slugs("from=2025-01-01"), "tinghir");
    assert_eq!(slugs("tag=todgha"), "tinghir");
    assert_eq!(slugs("tag=eau,-todgha"), "jorf rissani");
    assert_eq!(slugs("language=en"), "dam");
    assert!(slugs("language=any").contains("dam"));
    for (query, named) in [
        ("limit=0", "limit"),
        ("limit=51", "limit"),
        ("from=hier", "from"),
        ("language=french", "language"),
        ("tag=nowhere", "tag"),
        ("fields=slug", "fields"),
    ] {
        let reply = app.get(&format!("/v1/articles/erfoud/related?{query}"));
        assert_eq!(
            (reply.status, reply.named()),
            (400, vec![named.to_owned()]),
            "{query}"
        );
    }
}

#[test]
fn editors_have_the_first_and_the_last_word() {
    let app = region();
    app.import(&[water("erfoud")
        .with("pins", json!(["coupe"]))
        .with("bans", json!(["jorf"]))]);
    let reply = app.get("/v1/articles/erfoud/related");
    assert_eq!(reply.slugs()[..2], ["coupe", "rissani"]);
    assert!(!reply.slugs().contains(&"jorf".to_owned()));
    assert_eq!(
        reply.json()["data"][0]["reasons"][0],
        json!({"kind": "pin"})
    );
    assert!(
        !app.get("/v1/articles/jorf/related")
            .slugs()
            .contains(&"erfoud".to_owned())
    );
    // A sensitive article shows no neighbours and is shown beside none.
    app.import(&[water("rissani").with("related", "never")]);
    let hidden = app.get("/v1/articles/rissani/related").json();
    assert_eq!(
        (&hidden["data"], &hidden["page"]["hidden_reason"]),
        (&json!([]), &json!("sensitive"))
    );
    let left = near(&mut app.get("/v1/articles/erfoud/related").slugs());
    assert_eq!(left, "");
}

#[test]
fn what_is_hidden_appears_at_its_second_and_goes_at_its_second() {
    let app = region();
    app.import(&[
        water("soon")
            .with("embargoed_until", "2025-06-01T13:00:00Z")
            .tagged("neuf"),
        water("ending").with("expires_at", "2025-06-01T13:00:00Z"),
        water("draft").status("draft"),
        water("erfoud").with("pins", json!(["soon", "draft"])),
    ]);
    let slugs = |app: &App| near(&mut app.get("/v1/articles/erfoud/related").slugs());
    let tags = |app: &App| near(&mut app.get("/v1/articles/erfoud/related-tags").slugs());
    assert_eq!(
        (slugs(&app).as_str(), tags(&app).as_str()),
        ("ending jorf rissani", "")
    );
    app.clock.set(at("2025-06-01T13:00:00Z"));
    assert_eq!(
        (slugs(&app).as_str(), tags(&app).as_str()),
        ("jorf rissani soon", "neuf")
    );
    app.import(&[water("soon").status("withdrawn")]);
    assert_eq!(slugs(&app), "jorf rissani");
}

#[test]
fn never_means_in_neither_direction_nor_by_a_pin_nor_for_a_text() {
    let app = region();
    app.import(&[
        water("rissani").with("related", "never"),
        water("erfoud").with("pins", json!(["rissani"])),
    ]);
    assert_eq!(
        app.get("/v1/articles/rissani/related?language=any&limit=50")
            .slugs()
            .len(),
        0
    );
    assert_eq!(app.get("/v1/articles/erfoud/related").slugs()[0], "jorf");
    for name in ["erfoud", "jorf", "coupe", "finale"] {
        let path = format!("/v1/articles/{name}/related?language=any&limit=50");
        assert!(!app.get(&path).text().contains("rissani"), "{name}");
    }
    let text =
        json!({"headline": "Barrage et khettaras à rissani", "body": WATER, "language": "fr"});
    assert!(
        !app.post("/v1/related", &text.to_string())
            .text()
            .contains("\"rissani\"")
    );
    // The article itself stays public.
    assert_eq!(app.get("/v1/articles/rissani").status, 200);
    app.import(&[water("rissani")]);
    assert_eq!(app.get("/v1/articles/erfoud/related").slugs()[0], "rissani");
}

/// On SQLite the first who asks is answered on another thread, which keeps the list; those after him, at once.
#[test]
fn a_list_that_is_kept_is_the_list_that_was_found() {
    for place in places() {
        let name = place.name;
        let app = App::configured(place, |config| config.cache = 0);
        app.import(&[
            water("erfoud"),
            water("rissani"),
            water("jorf"),
            water("ziz"),
        ]);
        let editor = app.key("editor");
        let shown = |path: &str| {
            let reply = app.get(path);
            (reply.status, reply.header("etag").to_owned(), reply.text())
        };
        for path in [
            "/v1/articles/erfoud/related",
            "/v1/articles/erfoud/related?limit=1",
            "/v1/articles/erfoud/related?limit=2",
            "/v1/articles/nowhere/related",
            "/v1/articles/er%00foud/related",
        ] {
            let first = shown(path);
            assert_eq!(shown(path), first, "{name}: {path}");
        }
        let change = |slug: &str, change: Value| {
            let path = format!("/v1/articles/{slug}");
            let reply = app.write("PATCH", &path, &editor, &[("if-match", "*")], Some(change));
            assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        };
        change("jorf", json!({"status": "withdrawn"}));
        let (_, _, text) = shown("/v1/articles/erfoud/related");
        assert!(!text.contains("jorf"), "{name}: {text}");
        change("erfoud", json!({"slug": "arfoud"}));
        for _ in 0..2 {
            assert_eq!(app.get("/v1/articles/erfoud/related").status, 301, "{name}");
            assert_eq!(app.get("/v1/articles/jorf/related").status, 410, "{name}");
        }
    }
}
