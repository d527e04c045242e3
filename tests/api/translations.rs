//! `/v1/articles/{slug}/translations`: groups, and the pins they share.

use serde_json::json;

use super::related::water;
use super::revisions::{delete, fingerprint, get, name_of, save};
use crate::support::{App, Place, Reply, article, places};

/// A text in three languages, and what may be pinned to it in two.
fn world(place: Place) -> App {
    let app = App::on(place);
    app.import(&[
        article("crue"),
        article("fayadan").language("ar"),
        article("flood").language("en"),
        article("barrage"),
        article("sadd").language("ar"),
        article("autre"),
    ]);
    app
}

fn put(app: &App, caller: &str, slug: &str, other: &str) -> Reply {
    let etag = app
        .get(&format!("/v1/articles/{slug}"))
        .header("etag")
        .to_owned();
    let path = format!("/v1/articles/{slug}/translations/{other}");
    app.write("PUT", &path, caller, &[("if-match", &etag)], None)
}

fn leave(app: &App, caller: &str, slug: &str) -> Reply {
    let etag = app
        .get(&format!("/v1/articles/{slug}"))
        .header("etag")
        .to_owned();
    let path = format!("/v1/articles/{slug}/translations");
    app.write("DELETE", &path, caller, &[("if-match", &etag)], None)
}

fn pin(app: &App, caller: &str, slug: &str, pins: &[&str]) {
    let path = format!("/v1/articles/{slug}/curation");
    let etag = get(app, &path, caller).header("etag").to_owned();
    let body = json!({"pins": pins});
    let reply = app.write("PUT", &path, caller, &[("if-match", &etag)], Some(body));
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// The languages that the article's readers are pointed to.
fn languages(app: &App, slug: &str) -> String {
    let json = app.json(&format!("/v1/articles/{slug}"));
    let languages = json["translations"].as_array().unwrap().iter();
    let languages: Vec<&str> = languages
        .map(|one| one["language"].as_str().unwrap())
        .collect();
    languages.join(" ")
}

fn version(app: &App, slug: &str) -> i64 {
    app.json(&format!("/v1/articles/{slug}"))["version"]
        .as_i64()
        .unwrap()
}

pub fn pinned(app: &App, slug: &str) -> Vec<String> {
    let json = app.json(&format!("/v1/articles/{slug}/related"));
    let data = json["data"].as_array().unwrap().iter();
    data.filter(|one| one["reasons"][0]["kind"] == "pin")
        .map(|one| one["article"]["slug"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn joining_and_leaving_are_versions_of_the_article_and_all_of_the_group_show_it() {
    for place in places() {
        let name = place.name;
        let app = world(place);
        let editor = app.key("editor");
        let reply = put(&app, &editor, "crue", "fayadan");
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        assert_eq!(
            (&reply.json()["translations"], &reply.json()["version"]),
            (&json!([{"language": "ar", "slug": "fayadan"}]), &json!(2))
        );
        // One that comes into a group, and a group into it.
        assert_eq!(put(&app, &editor, "flood", "fayadan").status, 200);
        assert_eq!(
            ["crue", "fayadan", "flood"].map(|slug| languages(&app, slug)),
            ["ar en", "en fr", "ar fr"],
            "{name}"
        );
        assert_eq!(
            ["crue", "fayadan", "flood"].map(|slug| version(&app, slug)),
            [2, 1, 2]
        );
        // Once more is nothing new.
        assert_eq!(put(&app, &editor, "flood", "crue").json()["version"], 2);
        // A second one in French.
        let before = fingerprint(&app);
        for (slug, other) in [("autre", "crue"), ("flood", "autre"), ("crue", "crue")] {
            assert_eq!(put(&app, &editor, slug, other).status, 409, "{name} {slug}");
        }
        assert_eq!(put(&app, &editor, "crue", "nobody").status, 404);
        assert_eq!(before, fingerprint(&app), "{name}");

        let left = leave(&app, &editor, "crue");
        assert_eq!(
            (
                left.status,
                &left.json()["translations"],
                &left.json()["version"]
            ),
            (200, &json!([]), &json!(3)),
            "{name}"
        );
        assert_eq!(
            ["crue", "fayadan", "flood"].map(|slug| languages(&app, slug)),
            ["", "en", "ar"],
            "{name}"
        );
        assert_eq!(leave(&app, &editor, "crue").json()["version"], 3);
        // What it makes now is another group than that which bore its name.
        assert_eq!(put(&app, &editor, "crue", "sadd").status, 200);
        assert_eq!(
            ["crue", "sadd", "fayadan"].map(|slug| languages(&app, slug)),
            ["ar", "fr", "en"],
            "{name}"
        );
        let list = get(&app, "/v1/articles/crue/revisions", &editor).json();
        assert_eq!(list["data"].as_array().unwrap().len(), 4);
    }
}

#[test]
fn every_article_whose_answer_changes_has_its_line_in_the_log() {
    for place in places() {
        let app = world(place);
        let editor = app.key("editor");
        put(&app, &editor, "crue", "fayadan");
        let last = app.database.read(kiosque::store::changes::last).unwrap();
        put(&app, &editor, "flood", "crue");
        let lines = app
            .database
            .read(|conn| kiosque::store::changes::after(conn, last, 100))
            .unwrap();
        let mut told: Vec<(&str, &str, i64)> = lines
            .iter()
            .map(|line| (line.slug.as_str(), line.action.as_str(), line.version))
            .collect();
        told.sort_unstable();
        assert_eq!(
            told,
            [
                ("crue", "updated", 2),
                ("fayadan", "updated", 1),
                ("flood", "updated", 2)
            ]
        );
    }
}

#[test]
fn the_pins_of_one_hold_for_its_translations_in_their_language() {
    for place in places() {
        let name = place.name;
        let app = world(place);
        let editor = app.key("editor");
        put(&app, &editor, "crue", "fayadan");
        pin(&app, &editor, "crue", &["barrage", "autre"]);
        assert_eq!(pinned(&app, "crue"), ["barrage", "autre"], "{name}");
        assert_eq!(pinned(&app, "fayadan"), ["barrage", "autre"], "{name}");
        // As soon as what is pinned has a translation, that is shown in its place.
        put(&app, &editor, "barrage", "sadd");
        assert_eq!(pinned(&app, "fayadan"), ["sadd", "autre"], "{name}");
        assert_eq!(pinned(&app, "crue"), ["barrage", "autre"], "{name}");
        // As long as it may be seen.
        app.import(&[article("sadd").language("ar").status("withdrawn")]);
        assert_eq!(pinned(&app, "fayadan"), ["barrage", "autre"], "{name}");
        app.import(&[article("sadd").language("ar")]);
        assert_eq!(pinned(&app, "fayadan"), ["sadd", "autre"], "{name}");
        // Pins of its own are its own.
        pin(&app, &editor, "fayadan", &["flood"]);
        assert_eq!(pinned(&app, "fayadan"), ["flood"], "{name}");
        assert_eq!(pinned(&app, "crue"), ["barrage", "autre"], "{name}");
        pin(&app, &editor, "fayadan", &[]);
        assert_eq!(pinned(&app, "fayadan"), ["sadd", "autre"], "{name}");
        // A change there is a change here, without a version.
        let before = version(&app, "fayadan");
        pin(&app, &editor, "crue", &["autre"]);
        assert_eq!(pinned(&app, "fayadan"), ["autre"], "{name}");
        assert_eq!(version(&app, "fayadan"), before);
        leave(&app, &editor, "crue");
        assert!(pinned(&app, "fayadan").is_empty(), "{name}");
    }
}

#[test]
fn members_are_told_to_those_who_may_see_them() {
    for place in places() {
        let app = world(place);
        let (editor, author) = (app.key("editor"), app.key("author"));
        let (other, reader) = (app.key_of("other", "author"), app.key("reader"));
        let own = name_of(&app, &author);
        let draft = water("inundacion").language("es").status("draft");
        save(&app, &own, &draft.with("translation_of", "crue"));
        put(&app, &editor, "crue", "fayadan");
        let path = "/v1/articles/crue/translations";
        let slugs = |caller: &str| get(&app, path, caller).slugs();
        assert_eq!(slugs(&editor), ["fayadan", "inundacion", "crue"]);
        assert_eq!(slugs(&author), ["fayadan", "inundacion", "crue"]);
        assert_eq!(slugs(&other), ["fayadan", "crue"]);
        assert_eq!(get(&app, path, "").status, 401);
        assert_eq!(get(&app, path, &reader).status, 403);
        assert_eq!(languages(&app, "crue"), "ar");
        let first = get(&app, path, &editor).json()["data"][1].clone();
        assert_eq!(
            (&first["language"], &first["status"]),
            (&json!("es"), &json!("draft"))
        );
        // One that stands alone is a group of one.
        assert_eq!(
            get(&app, "/v1/articles/autre/translations", &editor).slugs(),
            ["autre"]
        );
        let before = fingerprint(&app);
        for caller in ["", &reader, &author] {
            let status = if caller.is_empty() { 401 } else { 403 };
            assert_eq!(put(&app, caller, "flood", "crue").status, status);
            assert_eq!(leave(&app, caller, "crue").status, status);
        }
        let any = "/v1/articles/flood/translations/crue";
        assert_eq!(app.write("PUT", any, &editor, &[], None).status, 428);
        let stale = [("if-match", "\"AAAA.b\"")];
        assert_eq!(app.write("PUT", any, &editor, &stale, None).status, 412);
        assert_eq!(app.write("DELETE", path, &editor, &stale, None).status, 412);
        assert_eq!(before, fingerprint(&app));
        delete(&app, "amina", "fayadan");
        assert_eq!(slugs(&editor), ["inundacion", "crue"]);
    }
}

#[test]
fn neither_a_deleted_one_nor_another_language_comes_back_beside_one_that_took_its_place() {
    for place in places() {
        let name = place.name;
        let app = world(place);
        let editor = app.key("editor");
        put(&app, &editor, "crue", "fayadan");
        delete(&app, "amina", "fayadan");
        assert_eq!(put(&app, &editor, "crue", "sadd").status, 200, "{name}");
        // The deleted one is Arabic, as the one that came instead.
        let list = get(&app, "/v1/articles/fayadan/revisions", &editor);
        let headers = [("if-match", list.header("etag"))];
        let path = "/v1/articles/fayadan/revisions/1/restoration";
        let before = fingerprint(&app);
        let refused = app.write("PUT", path, &editor, &headers, None);
        assert_eq!(refused.status, 409, "{name}: {}", refused.text());
        assert!(refused.text().contains("sadd"), "{}", refused.text());
        assert_eq!(before, fingerprint(&app), "{name}");
        assert_eq!(leave(&app, &editor, "sadd").status, 200);
        let restored = app.write("PUT", path, &editor, &headers, None);
        assert_eq!(restored.status, 200, "{name}: {}", restored.text());
        assert_eq!(languages(&app, "crue"), "ar", "{name}");
    }
}
