//! The tags beside articles are those of the snapshot that is read, whatever is in memory of them.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::prelude::*;
use kiosque::db::Conn;
use kiosque::db::schema::{tag_generation, tags};
use kiosque::error::Error;
use kiosque::store::borne_tags;
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
    let of_all = |conn: &mut Conn| {
        Ok(tag_generation::table
            .select(tag_generation::value)
            .first(conn)?)
    };
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

/// Names of tags by number, as they are in a generation.
fn looks(conn: &mut Conn, generation: i64, num: i64) -> Option<Vec<String>> {
    let found = borne_tags::of(conn, generation, &[vec![num]]).unwrap()?;
    let tags = found.into_iter().flatten();
    Some(tags.map(|tag| tag.name.clone()).collect())
}

fn num(conn: &mut Conn, slug: &str) -> i64 {
    let of_slug = tags::table.filter(tags::slug.eq(slug)).select(tags::num);
    of_slug.first(conn).unwrap()
}

fn rename(conn: &mut Conn, slug: &str, name: &str) {
    let tag = tags::table.filter(tags::slug.eq(slug));
    let changed = diesel::update(tag).set(tags::name.eq(name)).execute(conn);
    assert_eq!(changed.unwrap(), 1);
}

#[test]
fn no_look_is_filed_under_a_generation_that_has_passed() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[article("a").tagged("eau").tagged("dunes")]);
        let old = generation(&app);
        let read = app.database.read(|conn| {
            // So the snapshot is taken.
            let (eau, dunes) = (num(conn, "eau"), num(conn, "dunes"));
            let renamed = app.database.write(|conn| {
                rename(conn, "eau", "Les eaux");
                rename(conn, "dunes", "Les dunes");
                Ok(())
            });
            renamed.unwrap();
            let outside = |num| app.database.read(|conn| Ok(looks(conn, old, num)));
            assert_eq!(outside(eau)?, None, "{name}");
            assert_eq!(looks(conn, old, eau).unwrap(), ["eau"], "{name}");
            // It is known by now.
            assert_eq!(outside(eau)?.unwrap(), ["eau"], "{name}");
            assert_eq!(outside(dunes)?, None, "{name}");
            let both = borne_tags::of(conn, old, &[vec![dunes], vec![eau, dunes]]);
            let both = both.unwrap().unwrap();
            let named: Vec<&str> = (both.iter().flatten())
                .map(|tag| tag.name.as_str())
                .collect();
            assert_eq!(named, ["dunes", "eau", "dunes"], "{name}");
            Ok(())
        });
        read.unwrap();
    }
}

#[test]
fn what_is_taken_back_was_never_there() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[article("a").tagged("eau")]);
        let undone = app.database.write(|conn| {
            rename(conn, "eau", "Les eaux");
            assert_eq!(tags(conn, "a"), ["Les eaux"], "{name}");
            Err::<(), _>(Error::Internal("taken back".to_owned()))
        });
        assert!(undone.is_err());
        let now = |app: &App| app.database.read(|conn| Ok(tags(conn, "a"))).unwrap();
        assert_eq!(now(&app), ["eau"], "{name}");
        let kept = app.database.write(|conn| {
            let undone = conn.in_savepoint(|conn| {
                rename(conn, "eau", "Les eaux");
                assert_eq!(tags(conn, "a"), ["Les eaux"], "{name}");
                Err::<(), _>(Error::Internal("taken back".to_owned()))
            });
            assert!(undone.is_err());
            assert_eq!(tags(conn, "a"), ["eau"], "{name}");
            Ok(())
        });
        kept.unwrap();
        // A tag that is not made after all may leave its number to another.
        let made = "INSERT INTO tags (id, slug, name, folded_name, kind, listed, created_at, updated_at, version)
            SELECT 'x', 'x', 'X', 'x', kind, listed, created_at, updated_at, 1 FROM tags";
        let rehearsed = app.database.rehearse(|conn| {
            diesel::sql_query(made).execute(conn)?;
            let at = num(conn, "x");
            let generation = tag_generation::table.select(tag_generation::value);
            let generation: i64 = generation.first(conn)?;
            assert_eq!(looks(conn, generation, at).unwrap(), ["X"], "{name}");
            Ok(())
        });
        rehearsed.unwrap();
        app.import(&[article("b").tagged("sel")]);
        assert_eq!(app.tags_of("b"), ["sel"], "{name}");
    }
}

#[test]
fn tags_that_change_together_all_the_time_are_never_seen_apart() {
    for place in places() {
        let name = place.name;
        let app = App::configured(place, |config| config.cache = 0);
        app.import(&[article("a").tagged("eau").tagged("dunes")]);
        let is_done = AtomicBool::new(false);
        let reads = std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 1..=200 {
                    let renamed = app.database.write(|conn| {
                        rename(conn, "eau", &n.to_string());
                        rename(conn, "dunes", &n.to_string());
                        Ok(())
                    });
                    renamed.unwrap();
                }
                is_done.store(true, Ordering::Release);
            });
            let (mut reads, mut latest) = (0, 0);
            while !is_done.load(Ordering::Acquire) {
                let article = app.json("/v1/articles/a");
                let number = |tag: usize| {
                    let name = article["tags"][tag]["name"].as_str();
                    name.and_then(|name| name.parse().ok()).unwrap_or(0)
                };
                let (one, other) = (number(0), number(1));
                assert_eq!(one, other, "{name}");
                assert!(one >= latest, "{name}: {one} after {latest}");
                (latest, reads) = (one, reads + 1);
            }
            reads
        });
        assert!(reads > 0, "{name}");
        let article = app.json("/v1/articles/a");
        assert_eq!(article["tags"][0]["name"], "200", "{name}");
    }
}
