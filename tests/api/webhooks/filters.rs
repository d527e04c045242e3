//! Which events a webhook is told of.

use std::time::Duration;

use serde_json::{Value, json};

use super::{SOON, app, create, events};
use crate::support::hook::{Hook, SECRET};
use crate::support::{Place, article, places};

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
