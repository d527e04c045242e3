//! Making and changing tags.

use diesel::prelude::*;
use kiosque::db::schema::idempotency;
use kiosque::store::changes as log;
use serde_json::{Value, json};

use crate::support::client::Reply;
use crate::support::{App, article, places};

impl App {
    pub fn etag(&self, slug: &str, key: &str) -> String {
        let headers = [("authorization", key)];
        let reply = self.get_with(&format!("/v1/tags/{slug}"), &headers);
        assert_eq!(reply.status, 200, "{slug}: {}", reply.text());
        reply.header("etag").to_owned()
    }

    /// Writes with the present entity tag.
    pub fn guarded(&self, method: &str, slug: &str, key: &str, body: Option<Value>) -> Reply {
        let etag = self.etag(slug, key);
        let path = match method {
            "PUT" => format!("/v1/tags/{slug}/merger"),
            _ => format!("/v1/tags/{slug}"),
        };
        self.write(method, &path, key, &[("if-match", &etag)], body)
    }

    pub fn make(&self, key: &str, body: Value) -> Reply {
        self.write("POST", "/v1/tags", key, &[], Some(body))
    }

    /// Action and slug of the log's lines about tags, after a line.
    pub fn tag_lines(&self, after: i64) -> Vec<(String, String)> {
        let lines = self
            .database
            .read(|conn| log::after(conn, after, 100))
            .unwrap();
        let tags = lines.into_iter().filter(|line| line.kind == "tag");
        tags.map(|line| (line.action, line.slug)).collect()
    }

    pub fn end_of_log(&self) -> i64 {
        self.database.read(log::last).unwrap()
    }

    pub fn tags_of(&self, slug: &str) -> Vec<String> {
        let article = self.json(&format!("/v1/articles/{slug}"));
        let tags = article["tags"].as_array().unwrap().clone();
        tags.iter()
            .map(|tag| tag["slug"].as_str().unwrap().to_owned())
            .collect()
    }
}

pub fn pointers(reply: &Reply) -> Vec<String> {
    let errors = reply.json()["errors"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    errors
        .iter()
        .map(|error| error["pointer"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn an_editor_makes_a_tag_that_is_public_while_unused() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let editor = app.key("editor");
        let reply = app.make(&editor, json!({"name": "Eau", "kind": "keyword"}));
        assert_eq!(
            (reply.status, reply.header("location")),
            (201, "/v1/tags/eau"),
            "{name}: {}",
            reply.text()
        );
        assert_eq!(reply.json()["editing"]["version"], 1, "{name}");
        let reply = app.make(
            &editor,
            json!({"name": "Eau potable", "slug": "potable", "parent": "eau",
            "description": "À boire.", "aliases": ["eau-potable", "potable", "eau-potable"]}),
        );
        assert_eq!(reply.status, 201, "{name}: {}", reply.text());
        assert_eq!(
            app.json("/v1/tags/potable"),
            json!({"slug": "potable", "name": "Eau potable", "kind": "keyword", "description": "À boire.",
                "parent": "eau", "article_count": 0}),
            "{name}"
        );
        assert_eq!(
            app.get("/v1/tags/eau-potable").header("location"),
            "/v1/tags/potable",
            "{name}"
        );
        assert_eq!(app.get("/v1/tags").slugs(), ["eau", "potable"], "{name}");
        // Another kind of the same name is another tag.
        let reply = app.make(&editor, json!({"name": "EAU", "kind": "series"}));
        assert_eq!(reply.header("location"), "/v1/tags/eau-2", "{name}");
        assert_eq!(
            app.get("/v1/tags?order_by=count&count=exact").json()["page"]["count"],
            3,
            "{name}"
        );

        let before = app.end_of_log();
        for (body, status, at) in [
            (json!({"name": "éau"}), 409, vec!["/name"]),
            (json!({"name": "X", "slug": "eau"}), 409, vec!["/slug"]),
            (
                json!({"name": "X", "slug": "eau-potable"}),
                409,
                vec!["/slug"],
            ),
            (
                json!({"name": "X", "aliases": ["x", "y", "eau"]}),
                409,
                vec!["/aliases/2"],
            ),
            (
                json!({"name": "X", "parent": "nowhere"}),
                422,
                vec!["/parent"],
            ),
            (
                json!({"name": " ", "slug": "a b", "kind": "thing"}),
                422,
                vec!["/kind", "/name", "/slug"],
            ),
            (json!({"name": "X", "colour": "red"}), 422, vec!["/colour"]),
            (json!({"slug": "x"}), 422, vec!["/name"]),
            (json!({"name": "a\u{0}b"}), 422, vec!["/name"]),
        ] {
            let reply = app.make(&editor, body.clone());
            assert_eq!(reply.status, status, "{name} {body}: {}", reply.text());
            assert_eq!(pointers(&reply), at, "{name} {body}");
        }
        for (key, status) in [
            ("", 401),
            (&app.key("author"), 403),
            (&app.key("reader"), 403),
        ] {
            let reply = app.make(key, json!({"name": "Neuf"}));
            assert_eq!(reply.status, status, "{name}");
        }
        assert_eq!(app.end_of_log(), before, "{name}");
        assert_eq!(app.get("/v1/tags").slugs().len(), 3, "{name}");
    }
}

#[test]
fn a_repeated_request_makes_one_tag() {
    for place in places() {
        let app = App::on(place);
        let editor = app.key("editor");
        let send = |body: Value| {
            app.write(
                "POST",
                "/v1/tags",
                &editor,
                &[("idempotency-key", "k1")],
                Some(body),
            )
        };
        let first = send(json!({"name": "Eau"}));
        let again = send(json!({"name": "Eau"}));
        assert_eq!((first.status, again.status), (201, 201));
        assert_eq!(first.bytes, again.bytes);
        assert_eq!(again.header("location"), "/v1/tags/eau");
        assert_eq!(send(json!({"name": "Feu"})).status, 422);
        assert_eq!(app.get("/v1/tags").slugs(), ["eau"]);
        let kept: i64 = app
            .database
            .read(|conn| Ok(idempotency::table.count().get_result(conn)?))
            .unwrap();
        assert_eq!(kept, 1);
    }
}

#[test]
fn a_tag_changes_its_slug_and_takes_it_back() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let editor = app.key("editor");
        app.import(&[article("a").tagged("eau")]);
        let reply = app.guarded(
            "PATCH",
            "eau",
            &editor,
            Some(json!({"slug": "water", "name": "L’eau"})),
        );
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        assert_eq!(reply.json()["editing"]["aliases"], json!(["eau"]), "{name}");
        assert_eq!(app.tags_of("a"), ["water"], "{name}");
        for (path, to) in [("eau", "water"), ("eau/related", "water/related")] {
            let reply = app.get(&format!("/v1/tags/{path}"));
            assert_eq!(
                (reply.status, reply.header("location")),
                (301, &*format!("/v1/tags/{to}")),
                "{name}"
            );
        }
        // Written under its former name, and taken back.
        let etag = app.etag("water", &editor);
        let patch = Some(json!({"slug": "eau", "aliases": []}));
        let reply = app.write(
            "PATCH",
            "/v1/tags/eau",
            &editor,
            &[("if-match", &etag)],
            patch,
        );
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        assert_eq!(
            reply.json()["editing"]["aliases"],
            json!(["water"]),
            "{name}"
        );
        // Freed, and free for another.
        assert_eq!(
            app.guarded("PATCH", "eau", &editor, Some(json!({"aliases": null})))
                .status,
            200
        );
        assert_eq!(app.get("/v1/tags/water").status, 404, "{name}");
        assert_eq!(
            app.make(&editor, json!({"name": "Water"})).status,
            201,
            "{name}"
        );
        assert_eq!(
            app.get("/v1/articles?q=L%E2%80%99eau").status,
            200,
            "{name}"
        );

        let before = app.end_of_log();
        let etag = app.etag("eau", &editor);
        let reply = app.guarded("PATCH", "eau", &editor, Some(json!({"name": "L’eau"})));
        assert_eq!(
            (reply.status, reply.header("etag")),
            (200, &*etag),
            "{name}: nothing new"
        );
        for (patch, status, at) in [
            (json!({"slug": "water"}), 409, "/slug"),
            (json!({"aliases": ["water"]}), 409, "/aliases/0"),
            (json!({"slug": null}), 422, "/slug"),
            (json!({"name": null}), 422, "/name"),
            (json!({"parent": "eau"}), 422, "/parent"),
            (json!({"parent": 7}), 422, "/parent"),
            (json!({"article_count": 7}), 422, "/article_count"),
        ] {
            let reply = app.guarded("PATCH", "eau", &editor, Some(patch.clone()));
            assert_eq!(reply.status, status, "{name} {patch}: {}", reply.text());
            assert_eq!(pointers(&reply), [at], "{name} {patch}");
        }
        let patch = || Some(json!({"name": "X"}));
        assert_eq!(
            app.write("PATCH", "/v1/tags/eau", &editor, &[], patch())
                .status,
            428,
            "{name}"
        );
        let stale = [("if-match", "\"old.x\"")];
        assert_eq!(
            app.write("PATCH", "/v1/tags/eau", &editor, &stale, patch())
                .status,
            412,
            "{name}"
        );
        let any = [("if-match", "*")];
        assert_eq!(
            app.write("PATCH", "/v1/tags/none", &editor, &any, patch())
                .status,
            404,
            "{name}"
        );
        assert_eq!(
            app.write("PATCH", "/v1/tags/eau", &app.key("author"), &any, patch())
                .status,
            403,
            "{name}"
        );
        assert_eq!(
            (app.end_of_log(), app.etag("eau", &editor)),
            (before, etag),
            "{name}"
        );
    }
}

#[test]
fn of_two_who_want_one_slug_or_one_state_one_gets_it() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let editor = app.key("editor");
        let both = |send: &(dyn Fn(usize) -> u16 + Sync)| {
            std::thread::scope(|scope| {
                let mut statuses: Vec<u16> = [0, 1]
                    .map(|n| scope.spawn(move || send(n)))
                    .into_iter()
                    .map(|one| one.join().unwrap())
                    .collect();
                statuses.sort_unstable();
                statuses
            })
        };
        for round in 0..5 {
            let slug = format!("s{round}");
            let made = both(&|n| {
                let body = match n {
                    0 => json!({"name": format!("a{round}"), "slug": slug}),
                    _ => json!({"name": format!("b{round}"), "aliases": [slug]}),
                };
                app.make(&editor, body).status
            });
            assert_eq!(made, [201, 409], "{name}");
        }
        app.make(&editor, json!({"name": "One"}));
        let etag = app.etag("one", &editor);
        let changed = both(&|n| {
            let patch = Some(json!({"description": format!("by {n}")}));
            app.write(
                "PATCH",
                "/v1/tags/one",
                &editor,
                &[("if-match", &etag)],
                patch,
            )
            .status
        });
        assert_eq!(changed, [200, 412], "{name}");
    }
}

#[test]
fn an_import_adds_to_a_tag_what_it_lacks() {
    let app = App::new();
    let editor = app.key("editor");
    app.make(&editor, json!({"name": "Eau"}));
    let mention =
        json!([{"slug": "eau", "name": "Eau", "description": "L’eau.", "aliases": ["water"]}]);
    app.import(&[article("a").with("tags", mention)]);
    assert_eq!(app.json("/v1/tags/eau")["description"], "L’eau.");
    assert_eq!(app.get("/v1/tags/water").status, 301);
}

#[test]
fn null_removes_only_what_may_be_missing() {
    let app = App::new();
    let editor = app.key("editor");
    app.make(&editor, json!({"name": "Eau", "description": "x"}));
    let patch = |body: Value| {
        let any = [("if-match", "*")];
        app.write("PATCH", "/v1/tags/eau", &editor, &any, Some(body))
    };
    for name in ["name", "slug", "listed", "listd"] {
        let reply = patch(json!({ name: null }));
        assert_eq!(reply.status, 422, "{name}");
        assert_eq!(pointers(&reply), [format!("/{name}")]);
    }
    let reply = patch(json!({"description": null}));
    assert_eq!(
        (reply.status, &reply.json()["description"]),
        (200, &Value::Null)
    );
}
