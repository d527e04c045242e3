//! What lists show of articles, and the head of one that is read alone, comes ready, and is what the rows say.

use std::thread;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_query;
use kiosque::api::listed::FORM;
use kiosque::db::schema::{TABLES, articles, cards};
use kiosque::store::cards::{Found, public};
use serde_json::json;

use crate::related::water;
use crate::support::app::noon;
use crate::support::{App, Article, Place, Reply, article, places};

/// A server that keeps no answer, and so makes each of what it reads.
fn app_on(place: Place) -> App {
    App::configured(place, |config| config.cache = 0)
}

fn count(app: &App) -> i64 {
    let counted = app
        .database
        .read(|conn| Ok(cards::table.select(count_star()).first(conn)?));
    counted.unwrap()
}

fn await_cards(app: &App, wanted: i64) {
    let began = Instant::now();
    while count(app) != wanted {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", count(app));
        thread::sleep(Duration::from_millis(20));
    }
}

fn run(app: &App, statement: &str) {
    let done = app
        .database
        .write(|conn| Ok(sql_query(statement).execute(conn)?));
    done.unwrap();
}

/// Articles in which every member is something, or nothing.
fn of_every_kind() -> Vec<Article> {
    let hours = |hours| noon() - TimeDelta::hours(hours);
    vec![
        water("tout")
            .headed(r#"Un titre "cité", \ puis ,"tags":[] et 水 😀"#)
            .with("standfirst", "Ce qu'il faut\nsavoir.")
            .with("trail_text", "L'amorce.")
            .with("byline", "Une plume")
            .with("source", json!({"name": "Agence", "url": "https://agence.example/"}))
            .with("canonical_url", "https://ailleurs.example/a?b=c&d=é")
            .with(
                "rights",
                json!({"license": "CC-BY-4.0", "attribution": "© Agence", "syndicatable": false}),
            )
            .with(
                "image",
                json!({"url": "https://images.example/1.jpg", "alt": "Un \"puits\"", "caption": "c", "credit": "d",
                       "width": 640, "height": 480}),
            )
            .with(
                "sponsors",
                json!([{"name": "Le \"mécène\"", "url": "https://m.example/", "from": "2026-01-01T00:00:00Z"}]),
            )
            .with("expires_at", "2027-01-01T00:00:00.123456Z")
            .with("first_published_at", "2020-02-03T04:05:06.789Z")
            .tagged("puits")
            .published(hours(1)),
        water("nu").without("tags").published(hours(2)),
        water("prevu")
            .status("scheduled")
            .published(hours(3)),
        water("embargo")
            .with("embargoed_until", hours(1).to_rfc3339())
            .tagged("puits")
            .published(hours(4)),
        article("copie")
            .headed("Autre titre")
            .saying(water("prevu").0["body"].as_str().unwrap_or_default())
            .published(hours(5)),
        article("traduit")
            .saying("The wells of the oasis are deep and there is little water this season.")
            .language("en")
            .with("translation_of", "nu")
            .tagged("eau")
            .published(hours(6)),
        article("coupe").saying("Le club remporte la coupe après les tirs au but."),
        water("a-venir").published(noon() + TimeDelta::hours(1)),
        water("brouillon").status("draft"),
    ]
}

/// All of these are public, or will be.
const WITH_CARDS: i64 = 8;

const OF_CARDS: [&str; 18] = [
    "/v1/articles",
    "/v1/articles?limit=2",
    "/v1/articles?order_by=oldest&limit=3&count=exact",
    "/v1/articles?use_date=updated&limit=1",
    "/v1/articles?use_date=first_published&limit=2",
    "/v1/articles?tag=eau",
    "/v1/articles?language=en",
    "/v1/articles?q=tafilalet",
    "/v1/articles/tout/related",
    "/v1/articles/nu/related?limit=3",
    "/v1/articles?include=related",
    "/v1/articles/tout",
    "/v1/articles/nu",
    "/v1/articles/prevu",
    "/v1/articles/embargo",
    "/v1/articles/copie",
    "/v1/articles/traduit",
    "/v1/articles/coupe",
];

fn told(reply: &Reply) -> (String, Vec<(String, String)>) {
    let names = [
        "etag",
        "last-modified",
        "link",
        "cache-tag",
        "surrogate-key",
        "cache-control",
    ];
    let headers = names.map(|name| (name.to_owned(), reply.header(name).to_owned()));
    (reply.text(), headers.to_vec())
}

#[test]
fn an_answer_of_cards_is_that_of_rows_to_the_byte() {
    for place in places() {
        let name = place.name;
        let app = app_on(place);
        app.import(&of_every_kind());
        let editor = app.key("editor");
        let renamed = app.guarded("PATCH", "eau", &editor, Some(json!({"name": "L'\"eau\""})));
        assert_eq!(renamed.status, 200, "{name}: {}", renamed.text());
        await_cards(&app, WITH_CARDS);
        let of_cards = OF_CARDS.map(|path| told(&app.get(path)));
        // So that the test would see it if they were not read.
        run(
            &app,
            "UPDATE cards SET json = replace(json, '\"headline\"', '\"headcard\"')",
        );
        for path in OF_CARDS {
            let text = app.get(path).text();
            assert!(text.contains("headcard"), "{name} {path}: {text}");
        }
        run(&app, "DELETE FROM cards");
        for (path, of_cards) in OF_CARDS.iter().zip(of_cards) {
            let reply = app.get(path);
            assert_eq!(reply.status, 200, "{name} {path}");
            assert_eq!(told(&reply), of_cards, "{name} {path}");
        }
    }
}

#[test]
fn what_is_asked_for_beyond_what_is_ready_is_read() {
    for place in places() {
        let name = place.name;
        let app = app_on(place);
        app.import(&of_every_kind());
        await_cards(&app, WITH_CARDS);
        let id = app.json("/v1/articles/nu")["id"].clone();
        let id = id.as_str().unwrap();
        run(
            &app,
            "UPDATE cards SET json = replace(json, '\"headline\"', '\"headcard\"')",
        );
        for list in [
            "/v1/articles?include=body",
            "/v1/articles?include=translations",
            "/v1/articles?include=json_ld",
            "/v1/articles?fields=id,slug",
            "/v1/articles/nu?fields=slug,headline",
            "/v1/articles/nu?include=related_tags",
            "/v1/articles/nu?include=json_ld",
            &format!("/v1/articles/{id}"),
            "/v1/feeds/json",
        ] {
            let text = app.get(list).text();
            assert!(
                text.contains("\"slug\"") && !text.contains("headcard"),
                "{name} {list}: {text}"
            );
        }
        let editor = app.key("editor");
        let headers = [("authorization", editor.as_str())];
        for path in ["/v1/articles?status=published,draft", "/v1/articles/nu"] {
            let reply = app.get_with(path, &headers);
            assert_eq!(reply.status, 200, "{name}: {}", reply.text());
            let text = reply.text();
            assert!(!text.contains("headcard"), "{name} {path}: {text}");
        }
    }
}

#[test]
fn an_article_of_a_card_is_there_as_long_as_the_public_sees_it() {
    for place in places() {
        let name = place.name;
        let app = app_on(place);
        let (opens, ends) = (noon() + TimeDelta::hours(1), noon() + TimeDelta::hours(2));
        let of_a_time = |article: Article| {
            let article = article.with("embargoed_until", opens.to_rfc3339());
            article.with("expires_at", ends.to_rfc3339())
        };
        app.import(&[
            article("b"),
            of_a_time(article("a").with("translation_of", "b").language("en")),
        ]);
        await_cards(&app, 2);
        let editor = app.key("editor");
        let names = |app: &App| {
            let found = app.json("/v1/articles/b")["translations"].clone();
            let found = found.as_array().cloned().unwrap_or_default();
            found
                .iter()
                .map(|one| one["slug"].clone())
                .collect::<Vec<_>>()
        };
        for (now, status) in [
            (opens - TimeDelta::microseconds(1), 404),
            (opens, 200),
            (ends - TimeDelta::microseconds(1), 200),
            (ends, 410),
        ] {
            app.clock.set(now);
            assert_eq!(app.get("/v1/articles/a").status, status, "{name} {now}");
            let expected = if status == 200 {
                vec![json!("a")]
            } else {
                vec![]
            };
            assert_eq!(names(&app), expected, "{name} {now}");
        }
        app.clock.set(opens);
        // A former slug leads there, and the tag of what a card gave is one to write by.
        let tag = app.get("/v1/articles/a").header("etag").to_owned();
        let renaming = Some(json!({"slug": "c"}));
        let headers = [("if-match", tag.as_str())];
        let reply = app.write("PATCH", "/v1/articles/a", &editor, &headers, renaming);
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        for _ in 0..2 {
            let moved = app.get("/v1/articles/a");
            assert_eq!(moved.status, 301, "{name}: {}", moved.text());
            assert_eq!(app.json("/v1/articles/c")["version"], 2, "{name}");
            await_cards(&app, 2);
        }
        let reply = app.write(
            "DELETE",
            "/v1/articles/c",
            &editor,
            &[("if-match", "*")],
            None,
        );
        assert_eq!(reply.status, 204, "{name}: {}", reply.text());
        assert_eq!(app.get("/v1/articles/c").status, 410, "{name}");
    }
}

#[test]
fn a_card_ends_when_anything_is_written_that_it_shows_or_goes_by() {
    let elsewhere = [
        "num",
        "external_id",
        "translation_group",
        "related",
        "created_at",
        "saved_by",
        "created_by",
        "next_change_at",
    ];
    for place in places() {
        let name = place.name;
        let app = app_on(place);
        app.import(&[article("a").tagged("eau")]);
        await_cards(&app, 1);
        let columns = TABLES.iter().find(|(table, _)| *table == "articles");
        for column in columns.unwrap().1 {
            // Taken back, so that the card is there again.
            let ended = app.database.rehearse(|conn| {
                sql_query(format!("UPDATE articles SET {column} = {column}")).execute(conn)?;
                let left: i64 = cards::table.select(count_star()).first(conn)?;
                Ok(left == 0)
            });
            let expected = !elsewhere.contains(column);
            assert_eq!(ended.unwrap(), expected, "{name} {column}");
        }
    }
}

#[test]
fn a_card_ends_when_its_article_gets_or_loses_a_tag() {
    for place in places() {
        let name = place.name;
        let app = app_on(place);
        app.import(&[article("a").tagged("eau"), article("b").tagged("sel")]);
        await_cards(&app, 2);
        for (write, left) in [
            ("UPDATE article_tags SET position = position", 0),
            ("UPDATE article_tags SET published_at = published_at", 2),
            ("DELETE FROM article_tags WHERE article_num = 1", 1),
            (
                "INSERT INTO article_tags (article_num, tag_num, position) VALUES (1, 2, 1)",
                1,
            ),
        ] {
            let ended = app.database.rehearse(|conn| {
                sql_query(write).execute(conn)?;
                Ok(cards::table.select(count_star()).first::<i64>(conn)?)
            });
            assert_eq!(ended.unwrap(), left, "{name} {write}");
        }
    }
}

#[test]
fn a_card_is_made_anew_after_each_kind_of_write() {
    for place in places() {
        let name = place.name;
        let app = app_on(place);
        app.import(&[article("a").tagged("eau"), article("b").tagged("sel")]);
        await_cards(&app, 2);
        let editor = app.key("editor");
        let first = |app: &App| app.json("/v1/articles?limit=1&order_by=oldest")["data"][0].clone();
        for time in 0..2 {
            let headline = format!("Autre titre {time}");
            let change = Some(json!({"headline": headline, "tags": [{"name": "Dunes"}]}));
            let reply = app.write(
                "PATCH",
                "/v1/articles/a",
                &editor,
                &[("if-match", "*")],
                change,
            );
            assert_eq!(reply.status, 200, "{name}: {}", reply.text());
            // At once, without a card, and as soon as there is one.
            let without = first(&app);
            await_cards(&app, 2);
            for shown in [without, first(&app)] {
                assert_eq!(shown["headline"], headline, "{name}");
                assert_eq!(shown["tags"][0]["name"], "Dunes", "{name}");
            }
        }
        let into = json!({"into": "sel"});
        let reply = app.guarded("PUT", "dunes", &editor, Some(into));
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        assert_eq!(first(&app)["tags"][0]["slug"], "sel", "{name}");
        await_cards(&app, 2);
        let reply = app.write(
            "DELETE",
            "/v1/articles/a",
            &editor,
            &[("if-match", "*")],
            None,
        );
        assert_eq!(reply.status, 204, "{name}: {}", reply.text());
        assert_eq!(first(&app)["slug"], "b", "{name}");
        await_cards(&app, 1);
    }
}

#[test]
fn a_card_is_found_only_while_the_public_sees_the_article() {
    for place in places() {
        let name = place.name;
        let app = app_on(place);
        let opens = noon() + TimeDelta::hours(1);
        let ends = opens + TimeDelta::hours(1);
        app.import(&[
            article("a")
                .published(noon())
                .with("embargoed_until", opens.to_rfc3339())
                .with("expires_at", ends.to_rfc3339()),
            article("b").published(opens),
        ]);
        await_cards(&app, 2);
        let by_slug = articles::table.order(articles::slug).select(articles::num);
        let nums: Vec<i64> = app.database.read(|conn| Ok(by_slug.load(conn)?)).unwrap();
        let found = |form: i32, now| {
            let found = app
                .database
                .read(|conn| public(conn, &nums, form, now))
                .unwrap();
            let kinds = found
                .iter()
                .map(|found| (found.num(), matches!(found, Found::Card(..))));
            kinds.collect::<Vec<_>>()
        };
        let (a, b) = (nums[0], nums[1]);
        let instant = TimeDelta::microseconds(1);
        for (form, is_card) in [(FORM, true), (FORM + 1, false)] {
            assert_eq!(found(form, opens - instant), [], "{name}");
            assert_eq!(found(form, opens), [(a, is_card), (b, is_card)], "{name}");
            assert_eq!(
                found(form, ends - instant),
                [(a, is_card), (b, is_card)],
                "{name}"
            );
            assert_eq!(found(form, ends), [(b, is_card)], "{name}");
        }
    }
}

#[test]
fn cards_of_another_form_are_passed_over_and_made_anew() {
    for place in places() {
        let name = place.name;
        let shared = place.shared();
        let app = app_on(place);
        app.import(&[article("a"), article("b")]);
        await_cards(&app, 2);
        run(
            &app,
            &format!("UPDATE cards SET form = {}, json = 'x'", FORM - 1),
        );
        let list = app.json("/v1/articles");
        assert_eq!(list["data"][1]["headline"], "a", "{name}: {list}");
        // Another server looks at all of them when it starts.
        let app = app_on(shared);
        let began = Instant::now();
        let old = |app: &App| -> i64 {
            let old = cards::table
                .filter(cards::form.ne(FORM))
                .select(count_star());
            app.database.read(|conn| Ok(old.first(conn)?)).unwrap()
        };
        while old(&app) > 0 {
            assert!(began.elapsed() < Duration::from_secs(60), "{name}");
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(count(&app), 2, "{name}");
        assert_eq!(app.json("/v1/articles"), list, "{name}");
    }
}
