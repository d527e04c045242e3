//! What webhooks are told, when, and in which order.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{SOON, app, count, create, deliveries, events, sending, tell, until};
use crate::support::app::noon;
use crate::support::hook::{Heard, Hook, Manner, SECRET};
use crate::support::{App, Place, article, at, places};

#[test]
fn what_the_public_sees_is_told_when_it_can_be_read() {
    for place in places() {
        let app = app(place);
        let hook = Hook::new();
        let id = tell(&app, &hook);
        app.import(&[article("brouillon").status("draft")]);
        app.import(&[article("budget")]);
        app.import(&[article("budget").headed("Autrement")]);
        // Events have the address of what is public when they are made.
        hook.until(SOON, "told while it is public", |all| all.len() >= 2);
        app.import(&[article("budget").status("withdrawn")]);
        let heard = hook.until(SOON, "told of all three", |all| all.len() >= 3);
        let expected = [
            ("article.published", "budget"),
            ("article.updated", "budget"),
            ("article.withdrawn", "budget"),
        ];
        assert_eq!(events(&heard), expected.map(|(a, b)| (a.into(), b.into())));
        let data = &heard[0].body["data"];
        assert_eq!(heard[0].body["timestamp"], "2025-06-01T12:00:00Z");
        assert_eq!(data["url"], "https://api.news.example/v1/articles/budget");
        assert_eq!(
            (&data["kind"], &data["version"]),
            (&json!("article"), &json!(1))
        );
        assert_eq!(heard[0].headers["content-type"], "application/json");
        for one in &heard {
            assert!(one.is_signed_with(SECRET));
            assert!(!one.is_signed_with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        }
        until("kept", || count(&app, &id, "delivered") == 3);
        let last = &deliveries(&app, &id, "delivered")[0];
        assert_eq!(last["id"], heard[2].id());
        assert_eq!(
            (&last["attempt_count"], &last["next_attempt_at"]),
            (&json!(1), &Value::Null)
        );
        assert_eq!(last["attempts"][0]["status"], 204);
        let metrics = app.get("/metrics").text();
        assert!(metrics.contains("kiosque_webhook_attempts_total{result=\"delivered\"} 3"));
        until("up to the log", || {
            app.get("/metrics")
                .text()
                .contains("kiosque_webhook_lag 0\n")
        });
    }
}

#[test]
fn a_change_is_told_only_when_a_get_sees_it() {
    let app = app(Place::sqlite());
    let hook = Hook::new();
    let base = app.base.clone();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = std::sync::Arc::clone(&seen);
    // What a receiver does that fetches what it is told of, and what it finds in a list and a search.
    hook.choose(move |body| {
        let slug = body["data"]["slug"].as_str().unwrap();
        for path in [
            format!("/v1/articles/{slug}"),
            "/v1/articles?limit=1".to_owned(),
            format!("/v1/articles?q={slug}"),
        ] {
            let reply = crate::support::client::send("GET", &format!("{base}{path}"), &[], None);
            noted.lock().unwrap().push(reply.text().contains(slug));
        }
        Manner::Answer(200)
    });
    tell(&app, &hook);
    for n in 0..20 {
        let time = at("2025-05-01T00:00:00Z") + TimeDelta::minutes(n);
        app.import(&[article(&format!("nouvelle{n}")).published(time)]);
        hook.until(SOON, "told", |all| all.len() as i64 == n + 1);
    }
    let seen = seen.lock().unwrap().clone();
    assert!(
        seen.len() >= 60 - 3 && seen.iter().all(|seen| *seen),
        "{seen:?}"
    );
}

#[test]
fn an_article_is_told_of_in_order_and_others_do_not_wait_for_it() {
    let app = app(Place::sqlite());
    let hook = Hook::new();
    hook.choose(|body| match body["data"]["slug"] == "a" {
        true => Manner::Answer(503),
        false => Manner::Answer(200),
    });
    let id = tell(&app, &hook);
    app.import(&[article("a"), article("b")]);
    app.import(&[article("a").headed("Deux"), article("b").headed("Deux")]);
    app.import(&[article("a").headed("Trois"), article("c")]);
    hook.until(SOON, "told of the others", |all| {
        all.iter().filter(|one| one.is_taken).count() == 3
    });
    until("noted", || count(&app, &id, "pending") == 3);
    let of_a = |all: &[Heard]| {
        let of_a = all.iter().filter(|one| one.body["data"]["slug"] == "a");
        of_a.map(Heard::seq).collect::<Vec<_>>()
    };
    assert_eq!(of_a(&hook.heard()).len(), 1, "the later ones wait");
    hook.always(Manner::Answer(200));
    app.clock.set(noon() + TimeDelta::seconds(20));
    let heard = hook.until(SOON, "told of all", |all| of_a(all).len() == 4);
    let order = of_a(&heard);
    assert!(order[0] == order[1] && order[1..].is_sorted(), "{order:?}");
    until("settled", || count(&app, &id, "pending") == 0);
}

#[test]
fn an_event_has_the_address_that_feeds_give_and_that_of_the_api() {
    for place in places() {
        let app = App::configured(place, |config| {
            sending(config);
            config.feeds.article_url = Some("https://news.example/{language}/{slug}".to_owned());
        });
        let hook = Hook::new();
        tell(&app, &hook);
        app.import(&[article("été").with("canonical_url", "https://elsewhere.example/x")]);
        let heard = hook.until(SOON, "told", |all| all.len() == 1);
        let data = &heard[0].body["data"];
        let feed = app.json("/v1/feeds/json");
        assert_eq!(data["url"], "https://news.example/fr/%C3%A9t%C3%A9");
        assert_eq!(data["url"], feed["items"][0]["url"]);
        let in_api = "https://api.news.example/v1/articles/%C3%A9t%C3%A9";
        assert_eq!(data["api_url"], in_api);
        app.import(&[article("été").status("withdrawn")]);
        // Nor has what is told of as public when it is not any more.
        let late = Hook::new();
        create(&app, json!({"url": late.url, "from_seq": 1}));
        let late = late.until(SOON, "told of both", |all| all.len() == 2);
        let heard = hook.until(SOON, "told of both", |all| all.len() == 2);
        assert_eq!(heard[1].body["data"]["action"], "withdrawn");
        assert_eq!(late[0].body["data"]["action"], "published");
        for one in [&heard[1], &late[0], &late[1]] {
            let data = &one.body["data"];
            assert_eq!(
                (&data["url"], &data["api_url"]),
                (&Value::Null, &Value::Null)
            );
        }
    }
}

#[test]
fn an_event_of_an_article_from_elsewhere_has_its_canonical_address() {
    let app = app(Place::sqlite());
    let hook = Hook::new();
    tell(&app, &hook);
    app.import(&[article("a").with("canonical_url", "https://elsewhere.example/x")]);
    let heard = hook.until(SOON, "told", |all| all.len() == 1);
    let data = &heard[0].body["data"];
    assert_eq!(data["url"], "https://elsewhere.example/x");
    assert_eq!(data["api_url"], "https://api.news.example/v1/articles/a");
}
