//! Publishing, scheduling and withdrawing.

use serde_json::{Value, json};

use crate::support::{App, Reply, article, at, places};

fn put(app: &App, slug: &str, body: Value) -> Reply {
    let editor = app.key("editor");
    let path = format!("/v1/articles/{slug}/publication");
    app.write("PUT", &path, &editor, &[("if-match", "*")], Some(body))
}

fn withdraw(app: &App, slug: &str) -> Reply {
    let editor = app.key("editor");
    let path = format!("/v1/articles/{slug}/publication");
    app.write("DELETE", &path, &editor, &[("if-match", "*")], None)
}

#[test]
fn a_scheduled_article_comes_out_at_its_second_and_can_be_moved() {
    for place in places() {
        let app = App::on(place);
        app.import(&[article("a").status("draft").without("published_at")]);
        let planned = put(&app, "a", json!({"published_at": "2025-06-01T13:00:00Z"}));
        assert_eq!(planned.json()["status"], "scheduled");
        let moved = put(&app, "a", json!({"published_at": "2025-06-01T14:00:00Z"}));
        assert_eq!(moved.json()["first_published_at"], "2025-06-01T14:00:00Z");
        app.clock.set(at("2025-06-01T13:59:59Z"));
        assert_eq!(app.get("/v1/articles/a").status, 404);
        app.clock.set(at("2025-06-01T14:00:00Z"));
        assert_eq!(app.json("/v1/articles/a")["status"], "published");
        assert_eq!(app.get("/v1/articles?q=texte").slugs(), ["a"]);
    }
}

#[test]
fn embargo_and_expiry_bound_what_the_public_sees() {
    for place in places() {
        let app = App::on(place);
        app.import(&[article("a").status("draft")]);
        let bounds = json!({"embargoed_until": "2025-06-01T15:00:00Z", "expires_at": "2025-06-01T17:00:00Z"});
        let reply = put(&app, "a", bounds);
        assert_eq!(
            (reply.status, reply.json()["status"].clone()),
            (200, json!("published"))
        );
        assert_eq!(
            reply.json()["editing"]["embargoed_until"],
            "2025-06-01T15:00:00Z"
        );
        for (time, status) in [
            ("14:59:59", 404),
            ("15:00:00", 200),
            ("16:59:59", 200),
            ("17:00:00", 410),
        ] {
            app.clock.set(at(&format!("2025-06-01T{time}Z")));
            assert_eq!(app.get("/v1/articles/a").status, status, "{time}");
        }
        // Published again, it keeps its date and has no end.
        let again = put(&app, "a", json!({}));
        assert_eq!(again.json()["published_at"], "2025-06-01T12:00:00Z");
        assert_eq!(app.get("/v1/articles/a").status, 200);
    }
}

#[test]
fn what_was_public_is_withdrawn_and_what_was_not_is_a_draft_again() {
    for place in places() {
        let app = App::on(place);
        app.import(&[
            article("out"),
            article("planned").status("draft"),
            article("held").status("draft"),
        ]);
        assert_eq!(
            put(
                &app,
                "planned",
                json!({"published_at": "2025-07-01T00:00:00Z"})
            )
            .status,
            200
        );
        assert_eq!(
            put(
                &app,
                "held",
                json!({"embargoed_until": "2025-07-01T00:00:00Z"})
            )
            .status,
            200
        );
        let editor = app.key("editor");
        for (slug, status, public) in [
            ("out", "withdrawn", 410),
            ("planned", "draft", 404),
            ("held", "draft", 404),
        ] {
            let reply = withdraw(&app, slug);
            assert_eq!((reply.status, reply.bytes.len()), (204, 0));
            assert_eq!(app.get(&format!("/v1/articles/{slug}")).status, public);
            let read = app.get_with(
                &format!("/v1/articles/{slug}"),
                &[("authorization", &editor)],
            );
            assert_eq!(read.json()["status"], status);
            let version = read.json()["version"].clone();
            // Once more changes nothing.
            assert_eq!(withdraw(&app, slug).status, 204);
            let read = app.get_with(
                &format!("/v1/articles/{slug}"),
                &[("authorization", &editor)],
            );
            assert_eq!(read.json()["version"], version);
        }
        assert_eq!(
            put(&app, "out", json!({})).json()["published_at"],
            "2024-03-01T09:00:00Z"
        );
        assert_eq!(app.get("/v1/articles/out").status, 200);
    }
}

#[test]
fn a_plan_that_cannot_be_is_refused() {
    let app = App::with(&[article("a").status("draft")]);
    for (body, pointer) in [
        (json!({"expires_at": "2025-06-01T11:00:00Z"}), "/expires_at"),
        (
            json!({"published_at": "2025-07-01T00:00:00Z", "expires_at": "2025-06-15T00:00:00Z"}),
            "/expires_at",
        ),
        (
            json!({"embargoed_until": "2025-07-01T00:00:00Z", "expires_at": "2025-07-01T00:00:00Z"}),
            "/expires_at",
        ),
        (json!({"published_at": "demain"}), "/published_at"),
        (json!({"published": true}), "/published"),
        (json!({"published_at": 7}), "/published_at"),
    ] {
        let reply = put(&app, "a", body.clone());
        assert_eq!(
            (reply.status, reply.json()["errors"][0]["pointer"].clone()),
            (422, json!(pointer)),
            "{body}"
        );
    }
    let editor = app.key("editor");
    let read = app
        .get_with("/v1/articles/a", &[("authorization", &editor)])
        .json();
    assert_eq!(
        (read["status"].clone(), read["version"].clone()),
        (json!("draft"), json!(1))
    );
    assert_eq!(put(&app, "nowhere", json!({})).status, 404);
}

#[test]
fn what_was_out_is_remembered_whatever_is_planned_next() {
    for place in places() {
        let app = App::on(place);
        app.import(&[article("a"), article("b")]);
        let editor = app.key("editor");
        withdraw(&app, "a");
        assert_eq!(
            put(&app, "a", json!({"published_at": "2025-06-02T00:00:00Z"})).status,
            200
        );
        put(
            &app,
            "b",
            json!({"embargoed_until": "2025-06-02T00:00:00Z"}),
        );
        for slug in ["a", "b"] {
            let path = format!("/v1/articles/{slug}");
            assert_eq!(app.get(&path).status, 410, "{slug}");
            let patch = |body| app.write("PATCH", &path, &editor, &[("if-match", "*")], Some(body));
            let changed = patch(json!({"byline": "x"}));
            assert_eq!(changed.json()["first_published_at"], "2024-03-01T09:00:00Z");
            assert_eq!(patch(json!({"status": "draft"})).status, 422);
        }
        app.clock.set(at("2025-06-02T00:00:00Z"));
        for slug in ["a", "b"] {
            assert_eq!(app.get(&format!("/v1/articles/{slug}")).status, 200);
        }
    }
}

#[test]
fn what_was_deleted_before_its_hour_never_was() {
    for place in places() {
        let app = App::on(place);
        app.import(&[article("a").status("draft")]);
        put(&app, "a", json!({"published_at": "2025-06-02T00:00:00Z"}));
        let editor = app.key("editor");
        let gone = app.write(
            "DELETE",
            "/v1/articles/a",
            &editor,
            &[("if-match", "*")],
            None,
        );
        assert_eq!(gone.status, 204);
        for time in ["2025-06-01T12:00:00Z", "2025-06-03T00:00:00Z"] {
            app.clock.set(at(time));
            assert_eq!(app.get("/v1/articles/a").status, 404, "{time}");
        }
    }
}
