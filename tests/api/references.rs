//! Imported articles that name others: pins, bans and originals.

use serde_json::json;

use crate::support::{App, article, places};

#[test]
fn links_may_point_forward() {
    let app = App::new();
    app.import(&[
        article("first").with("pins", json!(["second"])),
        article("eau-en")
            .language("en")
            .with("translation_of", "eau"),
        article("second"),
        article("eau"),
    ]);
    assert_eq!(app.get("/v1/articles/first/related").slugs()[0], "second");
    // What an import sets at its end is no edit.
    let first = app.get("/v1/articles/first").json();
    assert_eq!(
        (&first["version"], &first["updated_at"]),
        (&json!(1), &first["published_at"])
    );
    assert_eq!(
        app.get("/v1/articles/eau").json()["translations"][0]["slug"],
        "eau-en"
    );
}

#[test]
fn a_reference_to_nothing_is_told_and_heals_when_what_it_names_comes() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let first = article("un")
            .with("pins", json!(["deux", "jamais"]))
            .with("bans", json!(["x-3"]))
            .with("translation_of", "two");
        for _ in 0..2 {
            let (summary, complaints) = app.import_text(&first.0.to_string());
            assert_eq!((summary.failed, summary.dangling), (0, 1), "{name}");
            for missing in ["deux", "jamais", "x-3", "two"] {
                assert!(
                    complaints[0].reason.contains(missing),
                    "{name} {complaints:?}"
                );
            }
        }
        assert_eq!(
            app.get("/v1/articles/un/related").slugs().len(),
            0,
            "{name}"
        );
        app.import(&[
            article("deux"),
            article("trois").with("external_id", "x-3"),
            article("two").language("en"),
        ]);
        let (summary, complaints) = app.import_text(&first.0.to_string());
        assert_eq!((summary.updated, summary.dangling), (1, 1), "{name}");
        assert!(
            complaints[0].reason.contains("jamais") && !complaints[0].reason.contains("deux"),
            "{name} {complaints:?}"
        );
        assert_eq!(
            app.get("/v1/articles/un/related").slugs(),
            ["deux"],
            "{name}"
        );
        assert_eq!(
            app.json("/v1/articles/two")["translations"][0]["slug"],
            "un",
            "{name}"
        );
        assert_eq!(
            app.import_text(&first.0.to_string()).0.unchanged,
            1,
            "{name}"
        );
    }
}

#[test]
fn links_within_a_file_may_point_anywhere_by_any_name() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let id = "01921c5e-7a1a-7000-8000-000000000001";
        // More lines than one transaction takes lie between the link and what it names.
        let mut articles = vec![article("first").with("pins", json!([id, "x-9", "by-slug"]))];
        articles.extend((0..600).map(|n| article(&format!("n{n}")).with("body", "")));
        articles.push(article("by-id").with("id", id));
        articles.push(article("by-external-id").with("external_id", "x-9"));
        articles.push(article("by-slug"));
        assert_eq!(app.import(&articles).created, 604, "{name}");
        assert_eq!(
            app.get("/v1/articles/first/related").slugs()[..3],
            ["by-id", "by-external-id", "by-slug"],
            "{name}"
        );
        assert_eq!(app.import(&articles).unchanged, 604, "{name}");
    }
}
