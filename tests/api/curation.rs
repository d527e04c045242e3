//! `/v1/articles/{slug}/curation`: pins, bans and sensitive articles.

use serde_json::{Value, json};

use super::related::water;
use super::revisions::{delete, fingerprint, get, name_of, save};
use crate::support::{App, Place, Reply, article, places};

fn region(place: Place) -> App {
    let app = App::on(place);
    app.import(&[
        water("erfoud"),
        water("rissani").with("external_id", "ext-1"),
        water("jorf"),
        article("coupe").headed("Coupe de football").tagged("sport"),
    ]);
    app
}

fn put(app: &App, slug: &str, editor: &str, body: Value) -> Reply {
    let path = format!("/v1/articles/{slug}/curation");
    let etag = get(app, &path, editor).header("etag").to_owned();
    app.write("PUT", &path, editor, &[("if-match", &etag)], Some(body))
}

fn slugs(list: &Value) -> Vec<&str> {
    let items = list.as_array().unwrap().iter();
    items.map(|item| item["slug"].as_str().unwrap()).collect()
}

fn near(app: &App, slug: &str) -> Vec<String> {
    app.get(&format!("/v1/articles/{slug}/related?language=any"))
        .slugs()
}

#[test]
fn pins_stand_first_and_bans_and_sensitive_articles_are_hidden_as_soon_as_it_is_answered() {
    for place in places() {
        let name = place.name;
        let app = region(place);
        let editor = app.key("editor");
        let reply = put(
            &app,
            "erfoud",
            &editor,
            json!({"pins": ["coupe"], "bans": ["ext-1"]}),
        );
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        let json = reply.json();
        assert_eq!(
            (slugs(&json["pins"]), slugs(&json["bans"]), &json["related"]),
            (vec!["coupe"], vec!["rissani"], &json!("auto"))
        );
        assert_eq!(
            get(&app, "/v1/articles/erfoud/curation", &editor).json(),
            json
        );
        assert_eq!(near(&app, "erfoud"), ["coupe", "jorf"], "{name}");
        assert!(!near(&app, "rissani").contains(&"erfoud".to_owned()));
        assert_eq!(app.json("/v1/articles/erfoud")["version"], 2);
        let list = get(&app, "/v1/articles/erfoud/revisions", &editor).json();
        assert_eq!(list["data"][0]["saved_by"], json!(name_of(&app, &editor)));

        // The same again is no new version.
        let again = put(
            &app,
            "erfoud",
            &editor,
            json!({"pins": ["coupe", "coupe"], "bans": ["rissani"]}),
        );
        assert_eq!(again.header("etag"), reply.header("etag"), "{name}");

        let sensitive = put(&app, "jorf", &editor, json!({"related": "never"}));
        assert_eq!(sensitive.json()["related"], "never");
        assert_eq!(near(&app, "erfoud"), ["coupe"], "{name}");
        let none: [&str; 0] = [];
        assert_eq!(near(&app, "jorf"), none, "{name}");
        // What is not said stays: a sensitive article does not become another by being pinned to.
        put(&app, "jorf", &editor, json!({"pins": ["coupe"]}));
        assert_eq!(near(&app, "jorf"), none, "{name}");
        put(&app, "jorf", &editor, json!({"related": "auto"}));
        assert_eq!(near(&app, "erfoud"), ["coupe", "jorf"], "{name}");
        put(&app, "erfoud", &editor, json!({}));
        assert_eq!(near(&app, "erfoud").len(), 2, "{name}");
        assert_eq!(
            app.json("/v1/articles/erfoud")["headline"],
            "Barrage et khettaras à erfoud"
        );
    }
}

#[test]
fn every_fault_is_told_at_its_place_and_nothing_changes() {
    for place in places() {
        let app = region(place);
        let editor = app.key("editor");
        delete(&app, "amina", "coupe");
        let before = fingerprint(&app);
        let reply = put(
            &app,
            "erfoud",
            &editor,
            json!({"pins": ["jorf", "nobody", "erfoud", "coupe"], "bans": ["jorf", "", "a\0b"],
                "related": "sometimes"}),
        );
        assert_eq!(reply.status, 422);
        let json = reply.json();
        let mut pointers: Vec<&str> = json["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        pointers.sort_unstable();
        assert_eq!(
            pointers,
            [
                "/bans/0", "/bans/1", "/bans/2", "/pins/1", "/pins/2", "/pins/3", "/related"
            ]
        );
        for body in [
            json!({"pin": []}),
            json!({"pins": "jorf"}),
            json!({"pins": [1]}),
            json!([]),
        ] {
            assert_eq!(put(&app, "erfoud", &editor, body).status, 422);
        }
        let many: Vec<String> = (0..201).map(|n| format!("a{n}")).collect();
        assert_eq!(
            put(&app, "erfoud", &editor, json!({"pins": many})).status,
            422
        );
        assert_eq!(before, fingerprint(&app));
    }
}

#[test]
fn curation_is_for_editors_who_know_the_present_version() {
    let app = region(Place::sqlite());
    let (editor, author) = (app.key("editor"), app.key("author"));
    save(
        &app,
        &name_of(&app, &author),
        &water("draft").status("draft"),
    );
    let before = fingerprint(&app);
    let body = || Some(json!({"pins": ["jorf"]}));
    for slug in ["erfoud", "draft", "none"] {
        let path = format!("/v1/articles/{slug}/curation");
        for (caller, status) in [("", 401), (&app.key("reader"), 403), (&author, 403)] {
            assert_eq!(get(&app, &path, caller).status, status);
            let any = [("if-match", "*")];
            assert_eq!(app.write("PUT", &path, caller, &any, body()).status, status);
        }
    }
    let path = "/v1/articles/erfoud/curation";
    assert_eq!(app.write("PUT", path, &editor, &[], body()).status, 428);
    let other = get(&app, "/v1/articles/jorf/curation", &editor);
    let stale = [("if-match", other.header("etag"))];
    assert_eq!(app.write("PUT", path, &editor, &stale, body()).status, 412);
    assert_eq!(before, fingerprint(&app));
    // The entity tag of the article itself does as well.
    let etag = app.get("/v1/articles/erfoud").header("etag").to_owned();
    let fresh = [("if-match", etag.as_str())];
    assert_eq!(app.write("PUT", path, &editor, &fresh, body()).status, 200);
    delete(&app, "amina", "erfoud");
    assert_eq!(get(&app, path, &editor).status, 410);
}

#[test]
fn of_many_who_have_read_the_same_state_one_is_heard() {
    for place in places() {
        let name = place.name;
        let app = region(place);
        let editor = app.key("editor");
        let path = "/v1/articles/erfoud/curation";
        let etag = get(&app, path, &editor).header("etag").to_owned();
        let replies: Vec<Reply> = std::thread::scope(|scope| {
            let (app, editor, etag) = (&app, &editor, &etag);
            let threads: Vec<_> = ["rissani", "jorf", "coupe"]
                .into_iter()
                .cycle()
                .take(9)
                .map(|pin| {
                    let body = json!({"pins": [pin]});
                    scope.spawn(move || {
                        app.write("PUT", path, editor, &[("if-match", etag)], Some(body))
                    })
                })
                .collect();
            threads.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let (heard, refused): (Vec<_>, Vec<_>) =
            replies.iter().partition(|reply| reply.status == 200);
        assert_eq!((heard.len(), refused.len()), (1, 8), "{name}");
        assert!(refused.iter().all(|reply| reply.status == 412), "{name}");
        assert_eq!(get(&app, path, &editor).json(), heard[0].json(), "{name}");
        assert_eq!(app.json("/v1/articles/erfoud")["version"], 2, "{name}");
    }
}

#[test]
fn what_an_article_says_of_itself_or_both_ways_is_refused_in_a_patch_too() {
    for place in places() {
        let app = App::on(place);
        app.import(&[article("a"), article("b")]);
        let editor = app.key("editor");
        let patch = |body: serde_json::Value| {
            let any = [("if-match", "*")];
            app.write("PATCH", "/v1/articles/a", &editor, &any, Some(body))
        };
        for (body, pointer) in [
            (json!({"pins": ["a"]}), "/pins/0"),
            (json!({"bans": ["b", "a"]}), "/bans/1"),
            (json!({"pins": ["b"], "bans": ["b"]}), "/bans/0"),
            (json!({"translation_of": "a"}), "/translation_of"),
        ] {
            let reply = patch(body);
            assert_eq!(reply.status, 422, "{}", reply.text());
            assert_eq!(reply.json()["errors"][0]["pointer"], pointer);
        }
        // An id names its own article, whatever another is called elsewhere.
        let id = app.json("/v1/articles/b")["id"].clone();
        assert_eq!(patch(json!({"pins": [id]})).status, 200);
        app.import(&[article("c").with("external_id", id.clone())]);
        let changed = patch(json!({"byline": "x"}));
        assert_eq!(changed.json()["editing"]["pins"], json!([id]));
        assert_eq!(app.get("/v1/articles/a/related").slugs()[0], "b");
    }
}
