//! The tags beside articles are those of the snapshot that is read, whatever is in memory of them.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::prelude::*;
use kiosque::db::Conn;
use kiosque::db::schema::tag_generation;
use kiosque::store::shown::{self, Parts};
use serde_json::{Value, json};

use crate::support::app::noon;
use crate::support::{App, article, places};

fn tags(conn: &mut Conn, slug: &str) -> Vec<String> {
    let shown = shown::by_name(conn, slug, Parts::default(), noon()).unwrap();
    let tags = shown.unwrap().tags;
    tags.iter().map(|tag| tag.name.clone()).collect()
}

fn generation(app: &App) -> i64 {
    let of_all = |conn: &mut Conn| Ok(tag_generation::table.select(tag_generation::value).first(conn)?);
    app.database.read(of_all).unwrap()
}

#[test]
fn a_snapshot_shows_tags_as_they_were_and_the_next_one_as_they_are() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[
            article("a").tagged("eau"),
            article("b").tagged("dunes").tagged("eau"),
        ]);
        let editor = app.key("editor");
        let read = app.database.read(|conn| {
            assert_eq!(tags(conn, "a"), ["eau"], "{name}");
            let renamed = json!({"name": "Les eaux"});
            let reply = app.guarded("PATCH", "eau", &editor, Some(renamed));
            assert_eq!(reply.status, 200, "{name}: {}", reply.text());
            let now = app.database.read(|conn| Ok(tags(conn, "a")))?;
            assert_eq!(now, ["Les eaux"], "{name}");
            // What was read before the change, and what was not.
            assert_eq!(tags(conn, "a"), ["eau"], "{name}");
            assert_eq!(tags(conn, "b"), ["dunes", "eau"], "{name}");
            Ok(())
        });
        read.unwrap();
        assert_eq!(app.tags_of("b"), ["dunes", "eau"], "{name}");
    }
}

#[test]
fn whatever_changes_how_tags_look_begins_another_generation() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[article("a").tagged("eau"), article("b").tagged("dunes")]);
        let editor = app.key("editor");
        let mut last = generation(&app);
        let mut expect = |what: &str, changes: bool| {
            let now = generation(&app);
            assert_eq!(now != last, changes, "{name}: {what}");
            last = now;
        };
        let change = |slug: &str, change: Value| {
            let reply = app.guarded("PATCH", slug, &editor, Some(change));
            assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        };
        change("eau", json!({"description": "Ce qui coule."}));
        expect("a description", false);
        app.import(&[article("c").tagged("eau")]);
        expect("an article with a known tag", false);
        app.import(&[article("d").tagged("sel")]);
        expect("an article with a new tag", true);
        change("eau", json!({"name": "Les eaux"}));
        expect("a name", true);
        change("eau", json!({"slug": "eaux"}));
        expect("a slug", true);
        change("eaux", json!({"kind": "place"}));
        expect("a kind", true);
        let reply = app.make(&editor, json!({"name": "Palmiers"}));
        assert_eq!(reply.status, 201, "{name}: {}", reply.text());
        expect("a tag made", true);
        let into = json!({"into": "eaux"});
        let reply = app.guarded("PUT", "dunes", &editor, Some(into));
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        assert_eq!(app.tags_of("b"), ["eaux"], "{name}");
        expect("a merger", true);
        let reply = app.guarded("DELETE", "palmiers", &editor, None);
        assert_eq!(reply.status, 204, "{name}: {}", reply.text());
        expect("a tag deleted", true);
    }
}

#[test]
fn a_tag_that_changes_all_the_time_is_never_half_changed() {
    for place in places() {
        let name = place.name;
        let app = App::configured(place, |config| config.cache = 0);
        app.import(&[article("a").tagged("eau-0")]);
        let editor = app.key("editor");
        let is_done = AtomicBool::new(false);
        let reads = std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0..60 {
                    let to = n + 1;
                    let change = json!({"slug": format!("eau-{to}"), "name": format!("eau {to}")});
                    let reply = app.guarded("PATCH", &format!("eau-{n}"), &editor, Some(change));
                    assert_eq!(reply.status, 200, "{name}: {}", reply.text());
                }
                is_done.store(true, Ordering::Release);
            });
            let (mut reads, mut latest) = (0, 0);
            while !is_done.load(Ordering::Acquire) {
                let tag = app.json("/v1/articles/a")["tags"][0].clone();
                let of = |member: &str, before: &str| -> u32 {
                    let text = tag[member].as_str().unwrap_or_default();
                    let number = text.strip_prefix(before).unwrap_or_default();
                    number.parse().expect("it ends with a number")
                };
                let (slug, named) = (of("slug", "eau-"), of("name", "eau "));
                assert_eq!(slug, named, "{name}");
                assert!(slug >= latest, "{name}: {slug} after {latest}");
                latest = slug;
                reads += 1;
            }
            reads
        });
        assert!(reads > 0, "{name}");
        assert_eq!(app.tags_of("a"), ["eau-60"], "{name}");
    }
}
