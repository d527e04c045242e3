//! One article's life, told on both databases.

mod support;

use support::{App, Place, article, at, places};

#[test]
fn an_article_comes_is_read_found_changed_and_goes() {
    for place in places() {
        tell(place);
    }
}

fn tell(place: Place) {
    let name = place.name;
    let app = App::on(place);
    let neighbour = article("barrage-du-ziz")
        .saying("Le barrage du Ziz se remplit après les pluies sur le Tafilalet et ses khettaras.")
        .tagged("eau");
    let draft = article("khettaras-du-tafilalet")
        .headed("Les khettaras du Tafilalet")
        .saying("Les khettaras du Tafilalet tarissent, le barrage du Ziz aussi, dit la sécheresse.")
        .tagged("eau")
        .tagged("secheresse");

    // A draft is nowhere.
    app.import(&[
        neighbour,
        draft
            .clone()
            .status("draft")
            .with("published_at", serde_json::Value::Null),
    ]);
    let path = "/v1/articles/khettaras-du-tafilalet";
    assert_eq!(app.get(path).status, 404, "{name}");
    assert_eq!(
        app.get("/v1/articles?q=secheresse").slugs().len(),
        0,
        "{name}"
    );
    assert_eq!(app.get("/v1/tags/secheresse").status, 404, "{name}");

    // Scheduled, it appears at its second and not before.
    app.import(&[draft
        .clone()
        .status("scheduled")
        .published(at("2025-06-01T13:00:00Z"))]);
    app.clock.set(at("2025-06-01T12:59:59.999999Z"));
    assert_eq!(app.get(path).status, 404, "{name}");
    assert_eq!(
        app.get("/v1/articles").slugs(),
        ["barrage-du-ziz"],
        "{name}"
    );
    app.clock.set(at("2025-06-01T13:00:00Z"));
    let seen = app.get(path);
    assert_eq!(seen.status, 200, "{name}");
    assert_eq!(seen.json()["status"], "published", "{name}");
    assert_eq!(
        app.get("/v1/articles").slugs(),
        ["khettaras-du-tafilalet", "barrage-du-ziz"],
        "{name}"
    );

    // It is found, by its words and beside its neighbour, and its tags count it.
    assert_eq!(
        app.get("/v1/articles?q=secheresse").slugs(),
        ["khettaras-du-tafilalet"],
        "{name}"
    );
    assert_eq!(
        app.get("/v1/articles/barrage-du-ziz/related").slugs(),
        ["khettaras-du-tafilalet"],
        "{name}"
    );
    assert_eq!(
        app.get("/v1/related?ids=barrage-du-ziz,nobody").slugs(),
        ["khettaras-du-tafilalet"],
        "{name}"
    );
    assert_eq!(app.get("/v1/tags/eau").json()["article_count"], 2, "{name}");

    // Corrected, renamed: the old name leads to the new one, the version rises, the past is kept.
    let id = seen.json()["id"].as_str().unwrap().to_owned();
    app.import(&[draft
        .clone()
        .status("published")
        .published(at("2025-06-01T13:00:00Z"))
        .with("id", id.as_str())
        .with("slug", "khettaras")
        .headed("Les khettaras renaissent")]);
    let moved = app.get(path);
    assert_eq!(
        (moved.status, moved.header("location")),
        (301, "/v1/articles/khettaras"),
        "{name}"
    );
    let corrected = app.get("/v1/articles/khettaras").json();
    assert_eq!(corrected["version"], 3, "{name}");
    assert_eq!(
        corrected["first_published_at"], "2025-06-01T13:00:00Z",
        "{name}"
    );
    assert_eq!(
        app.get("/v1/articles?q=renaissent").slugs(),
        ["khettaras"],
        "{name}"
    );

    // The same import again changes nothing.
    let again = app.import(&[draft
        .clone()
        .status("published")
        .published(at("2025-06-01T13:00:00Z"))
        .with("id", id.as_str())
        .with("slug", "khettaras")
        .headed("Les khettaras renaissent")]);
    assert_eq!(
        (again.unchanged, again.updated, again.created),
        (1, 0, 0),
        "{name}"
    );

    // Withdrawn, it is gone, and from everywhere.
    app.import(&[draft
        .status("withdrawn")
        .published(at("2025-06-01T13:00:00Z"))
        .with("id", id.as_str())]);
    assert_eq!(app.get(&format!("/v1/articles/{id}")).status, 410, "{name}");
    assert_eq!(
        app.get("/v1/articles?q=khettaras&fields=slug").slugs(),
        ["barrage-du-ziz"],
        "{name}"
    );
    assert_eq!(
        app.get("/v1/articles/barrage-du-ziz/related").slugs().len(),
        0,
        "{name}"
    );
    assert_eq!(app.get("/v1/tags/eau").json()["article_count"], 1, "{name}");
}
