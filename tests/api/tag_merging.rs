//! Nesting, merging and deleting tags.

use diesel::prelude::*;
use kiosque::db::schema::changes;
use serde_json::json;

use crate::support::{App, article, places};
use crate::tag_writing::pointers;

#[test]
fn tags_nest_without_circles_and_not_too_deep() {
    for place in places() {
        let app = App::on(place);
        let editor = app.key("editor");
        let mut parent = None;
        for n in 1..=16 {
            let reply = app.make(&editor, json!({"name": format!("t{n}"), "parent": parent}));
            assert_eq!(reply.status, 201, "{}", reply.text());
            parent = Some(format!("t{n}"));
        }
        let reply = app.make(&editor, json!({"name": "t17", "parent": "t16"}));
        assert_eq!(
            (reply.status, pointers(&reply)),
            (422, vec!["/parent".to_owned()])
        );
        app.make(&editor, json!({"name": "top"}));
        app.make(&editor, json!({"name": "leaf", "parent": "top"}));
        let nest = |slug: &str, parent: &str| {
            app.guarded("PATCH", slug, &editor, Some(json!({ "parent": parent })))
                .status
        };
        assert_eq!(nest("t1", "t16"), 422, "a circle");
        assert_eq!(nest("top", "leaf"), 422, "a circle");
        assert_eq!(nest("t1", "top"), 422, "its whole line would be too deep");
        assert_eq!(nest("top", "t15"), 422, "with its leaf too deep");
        assert_eq!(nest("top", "t14"), 200);
        let merge = |slug: &str, into: &str| {
            app.guarded("PUT", slug, &editor, Some(json!({ "into": into })))
                .status
        };
        assert_eq!(merge("t14", "leaf"), 422, "into what is below it");
        assert_eq!(merge("t14", "t14"), 422, "into itself");
        assert_eq!(merge("t14", "nowhere"), 422);
        assert_eq!(merge("top", "t16"), 422, "its leaf would be too deep");
        assert_eq!(merge("top", "t15"), 200);
        assert_eq!(app.json("/v1/tags/leaf")["parent"], "t15");
    }
}

#[test]
fn a_merger_passes_on_articles_names_and_what_is_below() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let editor = app.key("editor");
        app.import(&[
            article("only").tagged("x").tagged("eaux").tagged("y"),
            article("before").tagged("eaux").tagged("x").tagged("eau"),
            article("behind").tagged("eau").tagged("x").tagged("eaux"),
            article("other").tagged("eau"),
            article("draft").tagged("eaux").status("draft"),
        ]);
        app.guarded(
            "PATCH",
            "eaux",
            &editor,
            Some(json!({"aliases": ["waters"]})),
        );
        app.make(&editor, json!({"name": "Pluie", "parent": "eaux"}));
        let (etag, before) = (app.etag("eaux", &editor), app.end_of_log());
        let versions = |slug: &str| app.json(&format!("/v1/articles/{slug}"))["version"].clone();
        let version = versions("only");
        let reply = app.guarded("PUT", "eaux", &editor, Some(json!({"into": "eau"})));
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        let tag = reply.json();
        assert_eq!(tag["slug"], "eau", "{name}");
        assert_eq!(tag["article_count"], 4, "{name}");
        assert_eq!(tag["editing"]["article_count"], 5, "{name}");
        assert_eq!(
            tag["editing"]["aliases"],
            json!(["eaux", "waters"]),
            "{name}"
        );
        assert_eq!(app.tags_of("only"), ["x", "eau", "y"], "{name}");
        assert_eq!(app.tags_of("before"), ["eau", "x"], "{name}");
        assert_eq!(app.tags_of("behind"), ["eau", "x"], "{name}");
        assert_eq!(versions("only"), version, "{name}");
        assert_eq!(app.json("/v1/tags/pluie")["parent"], "eau", "{name}");
        for alias in ["eaux", "waters"] {
            let reply = app.get(&format!("/v1/tags/{alias}"));
            assert_eq!(
                (reply.status, reply.header("location")),
                (301, "/v1/tags/eau"),
                "{name}"
            );
        }
        assert_eq!(
            app.tag_lines(before),
            [("merged".to_owned(), "eaux".to_owned())],
            "{name}"
        );
        // The search index has followed.
        assert_eq!(
            app.get("/v1/articles?q=texte&tag=eaux&count=exact").json()["page"]["count"],
            4,
            "{name}"
        );
        // What was read before is stale; what is imported again finds the tag.
        let again = app.write(
            "PUT",
            "/v1/tags/eaux/merger",
            &editor,
            &[("if-match", &etag)],
            Some(json!({"into": "x"})),
        );
        assert_eq!(again.status, 412, "{name}");
        app.import(&[article("behind").tagged("eau").tagged("x").tagged("eaux")]);
        assert_eq!(versions("behind"), 1, "{name}");
        assert_eq!(
            app.write(
                "PUT",
                "/v1/tags/x/merger",
                &editor,
                &[],
                Some(json!({"into": "y"}))
            )
            .status,
            428
        );
        app.database
            .read(|conn| {
                let doubled: i64 = changes::table
                    .filter(changes::action.eq("merged"))
                    .count()
                    .get_result(conn)?;
                assert_eq!(doubled, 1, "{name}");
                Ok(())
            })
            .unwrap();
    }
}

#[test]
fn only_an_unused_tag_is_deleted() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let editor = app.key("editor");
        app.import(&[
            article("a").tagged("used"),
            article("b").tagged("drafted").status("draft"),
        ]);
        app.make(&editor, json!({"name": "Parent"}));
        app.make(
            &editor,
            json!({"name": "Child", "parent": "parent", "aliases": ["kid"]}),
        );
        let before = app.end_of_log();
        for (slug, told) in [("used", "1"), ("drafted", "1"), ("parent", "below")] {
            let reply = app.guarded("DELETE", slug, &editor, None);
            assert_eq!(reply.status, 409, "{name} {slug}");
            assert!(
                reply.text().contains(told),
                "{name} {slug}: {}",
                reply.text()
            );
        }
        assert_eq!(
            app.write("DELETE", "/v1/tags/child", &editor, &[], None)
                .status,
            428,
            "{name}"
        );
        assert_eq!(app.end_of_log(), before, "{name}");
        for slug in ["child", "parent"] {
            let reply = app.guarded("DELETE", slug, &editor, None);
            assert_eq!((reply.status, reply.text()), (204, String::new()), "{name}");
            assert_eq!(app.get(&format!("/v1/tags/{slug}")).status, 404, "{name}");
        }
        let line = |slug: &str| ("deleted".to_owned(), slug.to_owned());
        assert_eq!(
            app.tag_lines(before),
            [line("child"), line("parent")],
            "{name}"
        );
        assert_eq!(
            app.make(&editor, json!({"name": "Kid"})).header("location"),
            "/v1/tags/kid",
            "{name}"
        );
    }
}

#[test]
fn a_tag_that_the_public_did_not_know_is_merged_without_a_trace() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let editor = app.key("editor");
        app.import(&[
            article("out").tagged("eau"),
            article("draft").tagged("secret").status("draft"),
        ]);
        let aliases = json!({"aliases": ["hush"]});
        app.guarded("PATCH", "secret", &editor, Some(aliases));
        let before = app.end_of_log();
        let reply = app.guarded("PUT", "secret", &editor, Some(json!({"into": "eau"})));
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        assert_eq!(
            app.tag_lines(before),
            [("saved", "secret"), ("updated", "eau")]
                .map(|(action, slug)| (action.to_owned(), slug.to_owned())),
            "{name}"
        );
        for slug in ["secret", "hush"] {
            for path in [
                format!("/v1/tags/{slug}"),
                format!("/v1/tags/{slug}/related"),
            ] {
                assert_eq!(app.get(&path).status, 404, "{name} {path}");
            }
            let filtered = app.get(&format!("/v1/articles?tag={slug}"));
            assert_eq!(filtered.status, 400, "{name}");
            let path = format!("/v1/tags/{slug}");
            let seen = app.get_with(&path, &[("authorization", &editor)]);
            assert_eq!(seen.status, 301, "{name}");
        }
        // An import that still names it so means the other.
        app.import(&[article("again").tagged("secret")]);
        assert_eq!(app.tags_of("again"), ["eau"], "{name}");
        assert_eq!(app.get("/v1/tags/secret").status, 404, "{name}");
    }
}
