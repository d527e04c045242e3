//! Which events a webhook is told of.

use std::time::Duration;

use serde_json::{Value, json};

use super::{SOON, app, change, count, create, events, until};
use crate::support::hook::{Hook, SECRET};
use crate::support::{App, Place, article, places};

#[test]
fn events_languages_and_tags_are_chosen() {
    let app = app(Place::sqlite());
    app.import(&[
        article("ancien").tagged("eau"),
        article("autre").tagged("mer"),
    ]);
    let [by_event, by_language, by_tag] = [(); 3].map(|()| Hook::new());
    let admin = |hook: &Hook, filter: (&str, Value)| {
        create(
            &app,
            json!({"url": hook.url, "from_seq": 1, filter.0: filter.1}),
        );
    };
    admin(&by_event, ("events", json!(["article.updated"])));
    admin(&by_language, ("languages", json!(["ar"])));
    admin(&by_tag, ("tags", json!(["eau"])));
    // What it bears counts when it is read.
    by_tag.until(SOON, "told of the past", |all| all.len() == 1);
    app.import(&[
        article("arabe").language("ar"),
        article("ancien").tagged("eau").headed("Changé"),
        article("fin"),
    ]);
    let names = |hook: &Hook, count: usize| {
        let heard = hook.until(SOON, "told", |all| all.len() >= count);
        let mut names: Vec<String> = events(&heard).into_iter().map(|one| one.1).collect();
        names.sort();
        names.dedup();
        names
    };
    assert_eq!(names(&by_event, 1), ["ancien"]);
    assert_eq!(names(&by_language, 1), ["arabe"]);
    assert_eq!(names(&by_tag, 2), ["ancien"]);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(
        (by_event.count(), by_language.count(), by_tag.count()),
        (1, 1, 2)
    );
    // Losing the tag is the last that concerns it.
    let editor = app.key("editor");
    let path = "/v1/articles/ancien";
    let tag = app.get_with(path, &[("authorization", &editor)]);
    let headers = [("if-match", tag.header("etag"))];
    let reply = app.write("PATCH", path, &editor, &headers, Some(json!({"tags": []})));
    assert_eq!(reply.status, 200);
    by_tag.until(SOON, "told of the loss", |all| all.len() == 3);
    for (member, value) in [
        ("tags", json!(["inconnu"])),
        ("events", json!(["article.saved"])),
        ("languages", json!(["français"])),
        ("from_seq", json!(0)),
        ("from_seq", json!(1000)),
        ("secret", json!("whsec_short")),
        ("colour", json!("red")),
    ] {
        let body = json!({"url": by_tag.url, member: value});
        let reply = app.write("POST", "/v1/webhooks", &app.key("admin"), &[], Some(body));
        assert_eq!(reply.status, 422, "{member}");
        assert!(reply.text().contains(member), "{}", reply.text());
    }
}

#[test]
fn a_filter_lets_through_that_something_is_gone() {
    for place in places() {
        let app = app(place);
        app.import(&[article("ancien").tagged("eau")]);
        let editor = app.key("editor");
        let made = app.write(
            "POST",
            "/v1/tags",
            &editor,
            &[],
            Some(json!({"name": "Sel"})),
        );
        assert_eq!(made.status, 201, "{}", made.text());
        let hook = Hook::new();
        create(
            &app,
            json!({"url": hook.url, "secret": SECRET, "tags": ["eau", "sel"], "languages": ["fr"]}),
        );
        let delete = |path: &str| {
            let read = app.get_with(path, &[("authorization", &editor)]);
            let headers = [("if-match", read.header("etag"))];
            let reply = app.write("DELETE", path, &editor, &headers, None);
            assert_eq!(reply.status, 204, "{path}: {}", reply.text());
        };
        delete("/v1/articles/ancien");
        delete("/v1/tags/sel");
        for expected in [("article.deleted", "ancien"), ("tag.deleted", "sel")] {
            hook.until(SOON, "told that it is gone", |all| {
                events(all).contains(&(expected.0.into(), expected.1.into()))
            });
        }
    }
}

/// Writes as an editor, on the state that is there.
fn edit(app: &App, method: &str, path: &str, body: Option<Value>) {
    let editor = app.key("editor");
    let thing = path.trim_end_matches("/merger");
    let read = app.get_with(thing, &[("authorization", &editor)]);
    let headers = [("if-match", read.header("etag"))];
    let reply = app.write(method, path, &editor, &headers, body);
    assert!(reply.status < 300, "{method} {path}: {}", reply.text());
}

fn new_tag(app: &App, name: &str) {
    let body = Some(json!({"name": name}));
    let reply = app.write("POST", "/v1/tags", &app.key("editor"), &[], body);
    assert_eq!(reply.status, 201, "{}", reply.text());
}

/// Exactly this is told, in this order of each thing, once the log has been read to its end.
fn told(app: &App, hook: &Hook, id: &str, expected: &[(&str, &str)]) {
    hook.until(SOON, "told of all", |all| all.len() >= expected.len());
    until("kept", || count(app, id, "delivered") >= expected.len());
    until("read to the end", || {
        let (last, position) = app
            .database
            .read(|conn| {
                let last = kiosque::store::changes::last(conn)?;
                let row = kiosque::store::webhooks::by_id(conn, id)?.unwrap();
                Ok((last, row.position))
            })
            .unwrap();
        position == last
    });
    let mut heard = events(&hook.heard());
    heard.sort_by(|one, other| one.1.cmp(&other.1));
    let expected = expected
        .iter()
        .map(|(event, name)| ((*event).to_owned(), (*name).to_owned()));
    assert_eq!(heard, expected.collect::<Vec<_>>());
}

#[test]
fn an_article_that_leaves_a_language_is_told_of_once_more() {
    for place in places() {
        let app = app(place);
        let hook = Hook::new();
        let made = create(&app, json!({"url": hook.url, "languages": ["fr"]}));
        let id = made["id"].as_str().unwrap();
        app.import(&[article("a"), article("b")]);
        hook.until(SOON, "told", |all| all.len() == 2);
        app.import(&[article("a").language("ar")]);
        app.import(&[article("a").language("ar").headed("Encore")]);
        app.import(&[article("a").language("es")]);
        // What was told to be gone need not be told to have left.
        app.import(&[article("b").status("withdrawn")]);
        app.import(&[article("b").language("ar")]);
        app.import(&[article("fin")]);
        let expected = [
            ("article.published", "a"),
            ("article.updated", "a"),
            ("article.published", "b"),
            ("article.withdrawn", "b"),
            ("article.published", "fin"),
        ];
        told(&app, &hook, id, &expected);
    }
}

#[test]
fn whoever_is_behind_is_told_what_left_its_filter_meanwhile() {
    for place in places() {
        let app = app(place);
        new_tag(&app, "Sel");
        app.import(&[article("a").tagged("sel")]);
        let hook = Hook::new();
        let made = create(
            &app,
            json!({"url": hook.url, "tags": ["sel"], "languages": ["fr"]}),
        );
        let id = made["id"].as_str().unwrap();
        let enable = |enabled: bool| {
            let reply = change(&app, "PATCH", id, Some(json!({"enabled": enabled})));
            assert_eq!(reply.status, 200, "{}", reply.text());
        };
        enable(false);
        edit(&app, "PATCH", "/v1/articles/a", Some(json!({"tags": []})));
        edit(&app, "DELETE", "/v1/tags/sel", None);
        enable(true);
        app.import(&[article("a").headed("Encore")]);
        app.import(&[article("a").status("withdrawn")]);
        let expected = [
            ("article.updated", "a"),
            ("article.withdrawn", "a"),
            ("tag.deleted", "sel"),
        ];
        told(&app, &hook, id, &expected);
    }
}

#[test]
fn a_tag_is_known_under_later_names_and_in_what_it_became_a_part_of() {
    for place in places() {
        let app = app(place);
        new_tag(&app, "Eau");
        new_tag(&app, "Mer");
        new_tag(&app, "Sel");
        let hook = Hook::new();
        let made = create(&app, json!({"url": hook.url, "tags": ["eau", "sel"]}));
        let id = made["id"].as_str().unwrap();
        let rename = |from: &str, to: &str| {
            let path = format!("/v1/tags/{from}");
            edit(&app, "PATCH", &path, Some(json!({"slug": to})));
        };
        rename("sel", "fleur-de-sel");
        edit(&app, "DELETE", "/v1/tags/fleur-de-sel", None);
        let into = json!({"into": "mer"});
        edit(&app, "PUT", "/v1/tags/eau/merger", Some(into));
        rename("mer", "ocean");
        // What an admin changes of it makes no difference to what it knows.
        let reply = change(&app, "PATCH", id, Some(json!({"description": "x"})));
        assert_eq!(reply.status, 200, "{}", reply.text());
        edit(&app, "DELETE", "/v1/tags/ocean", None);
        hook.until(SOON, "told of all", |all| all.len() >= 5);
        let mut heard = events(&hook.heard());
        heard.sort();
        let expected = [
            ("tag.deleted", "fleur-de-sel"),
            ("tag.deleted", "ocean"),
            ("tag.merged", "eau"),
            ("tag.updated", "fleur-de-sel"),
            ("tag.updated", "ocean"),
        ];
        assert_eq!(heard, expected.map(|(a, b)| (a.into(), b.into())));
    }
}
