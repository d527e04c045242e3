//! The change feed as a partner gets it: what it may read, as soon as it may, and what it may read no more as gone.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::changes_stream::Stream;
use crate::rights::{self, WORD, allowed, get, partner};
use crate::support::app::noon;
use crate::support::{App, article, at, places};

fn lines(app: &App, query: &str, bearer: &str) -> Vec<Value> {
    let reply = get(app, &format!("/v1/changes?{query}"), bearer);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["data"].as_array().unwrap().clone()
}

/// Each line in short, and what it embeds.
fn told(app: &App, bearer: &str) -> Vec<String> {
    let lines = lines(app, "limit=1000&kind=article&include=articles", bearer);
    let words = lines.iter().map(|line| {
        let word = |name: &str| line[name].as_str().unwrap_or_default();
        let now = format!("{} {} {}", word("action"), word("slug"), word("now"));
        now.trim_end().to_owned()
    });
    words.collect()
}

fn change(app: &App, admin: &str, method: &str, path: &str, body: Value) {
    let body = (!body.is_null()).then_some(body);
    let reply = app.write(method, path, admin, &[("if-match", "*")], body);
    assert!(reply.status < 300, "{method} {path}: {}", reply.text());
    app.wait();
}

/// A scope may name it, whether an article bears it or not.
fn make_sport(app: &App, admin: &str) {
    let sport = json!({"name": "sport", "slug": "sport"});
    change(app, admin, "POST", "/v1/tags", sport);
}

#[test]
fn nothing_of_what_never_was_in_scope_is_told() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let admin = app.key("admin");
        let mut all = rights::in_scope();
        // The last is out, but not for long enough before the clock is moved.
        all.extend(rights::out_of_scope().into_iter().take(6));
        assert_eq!(app.import_text(&rights::text(&all)).0.failed, 0);
        let scope = json!({"tags": "eau,-sport", "languages": ["fr"], "sources": ["MAP"]});
        let (_, bearer) = partner(&app, &admin, "agence", rights::rights());
        let (_, soon) = partner(&app, &admin, "vite", json!({"scope": scope}));
        // What is done to them is no more told than that they are there.
        let any = |number: usize, body| {
            let path = format!("/v1/articles/{}", rights::id(number));
            change(&app, &admin, "PATCH", &path, body);
        };
        any(1, json!({"headline": format!("{WORD} again")}));
        any(3, json!({"slug": format!("{WORD}-renamed")}));
        any(2, json!({"status": "withdrawn"}));
        let path = format!("/v1/articles/{}", rights::id(4));
        change(&app, &admin, "DELETE", &path, Value::Null);
        let path = format!("/v1/tags/{WORD}-tag");
        change(&app, &admin, "PATCH", &path, json!({"name": WORD}));
        let other = json!({"name": "Autre", "slug": format!("{WORD}-listed")});
        change(&app, &admin, "POST", "/v1/tags", other);
        let listed = format!("/v1/tags/{WORD}-listed");
        change(&app, &admin, "DELETE", &listed, Value::Null);
        assert!(app.get("/v1/changes").text().contains(WORD));
        assert_eq!(lines(&app, "after=0", &bearer), [json!(null); 0], "{name}");
        for (whose, bearer, now) in [
            ("soon", &soon, noon()),
            ("late", &bearer, at("2025-06-01T13:00:30Z")),
        ] {
            app.clock.set(now);
            for path in [
                "/v1/changes?limit=1000",
                "/v1/changes?limit=1000&include=articles",
                "/v1/changes?limit=2&include=articles&wait=1",
                "/v1/changes?limit=1000&kind=tag&include=articles",
            ] {
                let reply = get(&app, path, bearer);
                // Only the tag that everyone knew.
                let text = reply.text().replace(&format!("{WORD}-listed"), "");
                assert!(!text.contains(WORD), "{name} {whose} {path}: {text}");
                for number in 1..=7 {
                    let id = rights::id(number);
                    assert!(!text.contains(&id), "{name} {whose} {path} {number}");
                }
                assert!(
                    path.contains("kind=tag") || text.contains("barrage"),
                    "{path}"
                );
            }
            let headers = [("authorization", bearer.as_str())];
            let path = "/v1/changes/stream?after=0&include=articles&kind=article";
            let mut stream = Stream::open(&app, path, &headers);
            let mut slugs = Vec::new();
            for _ in 0..4 {
                let event = stream.next().unwrap();
                assert!(!event.data.contains(WORD), "{name}: {}", event.data);
                let line: Value = serde_json::from_str(&event.data).unwrap();
                slugs.push(line["slug"].as_str().unwrap().to_owned());
            }
            slugs.sort();
            assert_eq!(slugs, ["barrage", "dessalement", "khettaras", "palmiers"]);
        }
        let embedded = lines(&app, "limit=1000&include=articles", &soon);
        let barrage = embedded.iter().rfind(|line| line["slug"] == "barrage");
        let barrage = barrage.unwrap();
        assert_eq!(barrage["replica"]["pins"], json!([rights::id(13)]));
        assert_eq!(
            barrage["article"],
            get(&app, "/v1/articles/barrage", &soon).json()
        );
        let khettaras = embedded.iter().rfind(|line| line["slug"] == "khettaras");
        assert_eq!(khettaras.unwrap()["article"]["translations"], json!([]));
    }
}

#[test]
fn what_leaves_a_scope_is_withdrawn_under_the_name_it_had_there() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let admin = app.key("admin");
        app.import(&[
            allowed(1, "eau-vive", "x"),
            allowed(2, "ailleurs", "x").language("ar"),
        ]);
        make_sport(&app, &admin);
        let (_, bearer) = partner(&app, &admin, "agence", rights::rights_at_once());
        let edit = |slug: &str, body: Value| {
            change(&app, &admin, "PATCH", &format!("/v1/articles/{slug}"), body);
        };
        assert_eq!(told(&app, &bearer), ["published eau-vive public"], "{name}");
        let end = |bearer: &str| {
            get(&app, "/v1/changes?limit=1000", bearer).json()["page"]["next"].clone()
        };
        let after = end(&bearer);
        edit(
            "eau-vive",
            json!({"tags": ["sport", "eau"], "slug": "match-secret"}),
        );
        edit("match-secret", json!({"slug": "match-plus-secret"}));
        let since = lines(&app, &format!("after={after}&include=articles"), &bearer);
        let last = since.last().unwrap();
        assert_eq!(
            (&last["action"], &last["slug"], &last["now"]),
            (&json!("withdrawn"), &json!("eau-vive"), &json!("gone"))
        );
        assert_eq!(last["article"], Value::Null);
        assert_eq!(last["replica"]["former_slugs"], json!([]));
        let all = get(&app, "/v1/changes?include=articles", &bearer).text();
        assert!(!all.contains("secret"), "{name}: {all}");
        assert!(!all.contains("ailleurs"), "{name}: {all}");
        // Back again, then kept to oneself, then deleted.
        edit(
            "match-plus-secret",
            json!({"tags": ["eau"], "slug": "retour"}),
        );
        assert_eq!(told(&app, &bearer).last().unwrap(), "updated retour public");
        edit("retour", json!({"rights": {"syndicatable": false}}));
        assert_eq!(told(&app, &bearer).last().unwrap(), "withdrawn retour gone");
        edit("retour", json!({"rights": {"syndicatable": true}}));
        assert_eq!(told(&app, &bearer).last().unwrap(), "updated retour public");
        edit("retour", json!({"language": "ar"}));
        change(&app, &admin, "DELETE", "/v1/articles/retour", Value::Null);
        assert_eq!(told(&app, &bearer).last().unwrap(), "deleted retour gone");
        // Everyone else is told what happened.
        let public = app.get("/v1/changes?limit=1000").text();
        assert!(public.contains("match-plus-secret") && public.contains("ailleurs"));
    }
}

#[test]
fn a_draft_that_was_in_scope_was_never_the_partners() {
    for place in places() {
        let app = App::on(place);
        let admin = app.key("admin");
        app.import(&[allowed(1, "brouillon", "x").status("draft")]);
        make_sport(&app, &admin);
        let (_, bearer) = partner(&app, &admin, "agence", rights::rights_at_once());
        let path = format!("/v1/articles/{}", rights::id(1));
        let sport = json!({"tags": ["eau", "sport"], "slug": "publie"});
        change(&app, &admin, "PATCH", &path, sport);
        change(
            &app,
            &admin,
            "PUT",
            &format!("{path}/publication"),
            json!({}),
        );
        change(
            &app,
            &admin,
            "DELETE",
            &format!("{path}/publication"),
            Value::Null,
        );
        assert_eq!(told(&app, &bearer), [""; 0], "{}", app.place.name);
        assert!(app.get("/v1/changes").text().contains("publie"));
    }
}

#[test]
fn a_partner_that_may_have_headlines_gets_no_more_of_what_changes() {
    for place in places() {
        let app = App::on(place);
        let admin = app.key("admin");
        app.import(&[
            article("un").saying("mirabelle"),
            article("reserve").with("rights", json!({"syndicatable": false})),
        ]);
        let (_, titles) = partner(&app, &admin, "titres", json!({"text": "headline"}));
        let (_, plain) = partner(&app, &admin, "tout", json!({}));
        let page = get(&app, "/v1/changes?include=articles", &titles);
        assert!(!page.text().contains("mirabelle"), "{}", page.text());
        assert!(!page.text().contains("reserve"), "{}", page.text());
        let data = &page.json()["data"];
        assert_eq!(
            data[0]["article"],
            get(&app, "/v1/articles/un", &titles).json()
        );
        assert_eq!(told(&app, &plain), ["published un public"]);
        // Together, and still to each its own.
        std::thread::scope(|scope| {
            let ask = |bearer: &'static str| {
                let (app, bearer) = (&app, [&titles, &plain][usize::from(bearer == "plain")]);
                scope.spawn(move || get(app, "/v1/changes?include=articles&wait=1", bearer).text())
            };
            let asked: Vec<_> = (0..6)
                .map(|n| (n % 2, ask(["titles", "plain"][n % 2])))
                .collect();
            for (whose, page) in asked {
                assert_eq!(page.join().unwrap().contains("mirabelle"), whose == 1);
            }
            assert!(app.get("/v1/changes?wait=1").text().contains("reserve"));
        });
    }
}

#[test]
fn whoever_waits_longer_than_the_public_is_told_that_much_later() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let admin = app.key("admin");
        let (_, bearer) = partner(&app, &admin, "tard", json!({"delay_minutes": 60}));
        app.import(&[
            article("un").published(noon()),
            article("deux").published(noon()),
        ]);
        app.clock.set(noon() + TimeDelta::minutes(30));
        change(
            &app,
            &admin,
            "PATCH",
            "/v1/articles/un",
            json!({"status": "withdrawn"}),
        );
        let public = app.json("/v1/changes?limit=1000")["page"]["latest"].clone();
        let page = get(&app, "/v1/changes", &bearer).json();
        assert_eq!(
            (&page["data"], &page["page"]["latest"]),
            (&json!([]), &json!(0))
        );
        app.clock.set(noon() + TimeDelta::minutes(60));
        // It never could read the other, which was withdrawn before.
        let un = get(&app, "/v1/articles/un", &bearer).status;
        let now = told(&app, &bearer);
        assert_eq!(
            (un, now),
            (404, vec!["published deux public".to_owned()]),
            "{name}"
        );
        let page = get(&app, "/v1/changes", &bearer).json();
        assert!(page["page"]["latest"].as_i64() < public.as_i64(), "{page}");
        let after = page["page"]["next"].clone();
        // A moment before it is due, who waits is told by the clock alone.
        change(
            &app,
            &admin,
            "PATCH",
            "/v1/articles/deux",
            json!({"headline": "Deux"}),
        );
        app.clock
            .set(noon() + TimeDelta::minutes(120) - TimeDelta::seconds(1));
        let headers = [("authorization", bearer.as_str())];
        let path = format!("/v1/changes/stream?after={after}");
        let mut stream = Stream::open(&app, &path, &headers);
        let path = format!("/v1/changes?after={after}&wait=20");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| get(&app, &path, &bearer).json());
            std::thread::sleep(Duration::from_millis(300));
            let began = Instant::now();
            app.clock.set(noon() + TimeDelta::minutes(120));
            assert_eq!(waiting.join().unwrap()["data"][0]["slug"], "deux", "{name}");
            assert_eq!(stream.slug(), "deux");
            assert!(began.elapsed() < Duration::from_secs(10), "{name}");
        });
    }
}

#[test]
fn an_open_stream_follows_its_keys_rights() {
    let app = App::new();
    let admin = app.key("admin");
    app.import(&[
        allowed(1, "un", "x"),
        allowed(2, "deux", "x").language("ar"),
    ]);
    let (key, bearer) = partner(&app, &admin, "agence", json!({}));
    let headers = [("authorization", bearer.as_str())];
    let mut stream = Stream::open(&app, "/v1/changes/stream?after=0&kind=article", &headers);
    assert_eq!((stream.slug(), stream.slug()), ("un".into(), "deux".into()));
    let narrow = json!({"scope": {"languages": ["fr"]}});
    change(&app, &admin, "PATCH", &format!("/v1/keys/{key}"), narrow);
    std::thread::sleep(Duration::from_secs(31));
    // The look at the credentials is due; the next that is made is the first that may not be told.
    app.import(&[allowed(3, "trois", "x").language("ar")]);
    app.import(&[allowed(4, "quatre", "x")]);
    assert_eq!(stream.slug(), "quatre");
}
