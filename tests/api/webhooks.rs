//! Who is told of changes, and what comes of it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use kiosque::config::Config;
use kiosque::content::time::to_stored;
use kiosque::store::webhooks;
use serde_json::{Value, json};

use crate::support::app::noon;
use crate::support::hook::{Heard, Hook, Manner, SECRET};
use crate::support::{App, Place, Reply, article, at, places};

const SOON: Duration = Duration::from_secs(20);

/// A server that may send to this machine, with two retries.
fn app(place: Place) -> App {
    App::configured(place, sending)
}

fn sending(config: &mut Config) {
    config.webhooks.allow = vec!["127.0.0.0/8".parse().unwrap()];
    config.webhooks.http = true;
    config.webhooks.timeout = Duration::from_secs(1);
    config.webhooks.retries = [10, 60, 600].map(Duration::from_secs).to_vec();
    config.public_url = Some("https://api.news.example".to_owned());
}

fn create(app: &App, body: Value) -> Value {
    let reply = app.write("POST", "/v1/webhooks", &app.key("admin"), &[], Some(body));
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

fn tell(app: &App, hook: &Hook) -> String {
    let made = create(app, json!({"url": hook.url, "secret": SECRET}));
    made["id"].as_str().unwrap().to_owned()
}

fn read(app: &App, path: &str) -> Value {
    let reply = app.get_with(path, &[("authorization", &app.key("admin"))]);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn webhook(app: &App, id: &str) -> Value {
    read(app, &format!("/v1/webhooks/{id}"))
}

fn deliveries(app: &App, id: &str, state: &str) -> Vec<Value> {
    let path = format!("/v1/webhooks/{id}/deliveries?state={state}");
    read(app, &path)["data"].as_array().unwrap().clone()
}

fn change(app: &App, method: &str, id: &str, body: Option<Value>) -> Reply {
    let admin = app.key("admin");
    let path = format!("/v1/webhooks/{id}");
    let read = app.get_with(&path, &[("authorization", &admin)]);
    let headers = [("if-match", read.header("etag"))];
    app.write(method, &path, &admin, &headers, body)
}

fn post(app: &App, path: &str) -> Reply {
    app.write("POST", path, &app.key("admin"), &[], None)
}

fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !done() {
        assert!(Instant::now() < deadline, "not {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn count(app: &App, id: &str, state: &str) -> usize {
    deliveries(app, id, state).len()
}

fn events(heard: &[Heard]) -> Vec<(String, String)> {
    let one = |heard: &Heard| {
        let data = &heard.body["data"];
        let name = data["slug"].as_str().unwrap_or("-");
        (heard.event().to_owned(), name.to_owned())
    };
    heard.iter().map(one).collect()
}

#[test]
fn what_the_public_sees_is_told_when_it_can_be_read() {
    for place in places() {
        let app = app(place);
        let hook = Hook::new();
        let id = tell(&app, &hook);
        app.import(&[article("brouillon").status("draft")]);
        app.import(&[article("budget")]);
        app.import(&[article("budget").headed("Autrement")]);
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
fn what_fails_is_tried_again_with_longer_rests_and_then_given_up() {
    for place in places() {
        let app = app(place);
        let hook = Hook::new();
        hook.always(Manner::Answer(500));
        let id = tell(&app, &hook);
        app.import(&[article("a")]);
        let mut now = noon();
        for attempt in 1..=4 {
            hook.until(SOON, "tried", |all| all.len() == attempt);
            until("noted", || {
                let pending = deliveries(&app, &id, "pending");
                let all = [pending, deliveries(&app, &id, "failed")].concat();
                all.len() == 1 && all[0]["attempt_count"] == attempt
            });
            if attempt < 4 {
                let pending = &deliveries(&app, &id, "pending")[0];
                let next = at(pending["next_attempt_at"].as_str().unwrap());
                let rest = (next - now).num_seconds();
                let expected = [(8, 12), (48, 72), (480, 720)][attempt - 1];
                assert!((expected.0..=expected.1).contains(&rest), "{rest}");
                // Not before.
                std::thread::sleep(Duration::from_millis(100));
                assert_eq!(hook.count(), attempt);
                now = next;
                app.clock.set(now);
            }
        }
        let failed = &deliveries(&app, &id, "failed")[0];
        let path = format!(
            "/v1/webhooks/{id}/deliveries/{}",
            failed["id"].as_str().unwrap()
        );
        let told = read(&app, &path);
        assert_eq!(told["attempts"].as_array().unwrap().len(), 4);
        assert_eq!(told["attempts"][3]["answer"], "ok");
        let error = told["attempts"][0]["error"].as_str().unwrap();
        assert!(error.contains("500"), "{error}");
        let ids: std::collections::HashSet<_> =
            hook.heard().iter().map(|one| one.id().to_owned()).collect();
        assert_eq!(ids.len(), 1, "one event has one id");
        let stamps: std::collections::HashSet<_> = hook
            .heard()
            .iter()
            .map(|one| one.headers["webhook-timestamp"].clone())
            .collect();
        assert_eq!(stamps.len(), 4, "each attempt has its time");
        // Someone has repaired it and asks for it.
        hook.always(Manner::Answer(200));
        let reply = post(&app, &format!("{path}/redelivery"));
        assert_eq!(reply.status, 200, "{}", reply.text());
        hook.until(SOON, "told again", |all| all.len() == 5);
        until("delivered", || count(&app, &id, "delivered") == 1);
        assert_eq!(hook.heard()[4].id(), told["id"]);
    }
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
fn whoever_is_gone_is_told_no_more_until_it_is_enabled_again_and_misses_nothing() {
    for place in places() {
        let app = app(place);
        let hook = Hook::new();
        hook.always(Manner::Answer(410));
        let id = tell(&app, &hook);
        app.import(&[article("a")]);
        until("disabled", || webhook(&app, &id)["enabled"] == false);
        let reason = webhook(&app, &id)["disabled_reason"].clone();
        assert!(reason.as_str().unwrap().contains("410"), "{reason}");
        app.import(&[article("b"), article("a").headed("Deux")]);
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(hook.count(), 1);
        hook.always(Manner::Answer(200));
        hook.forget();
        let reply = change(&app, "PATCH", &id, Some(json!({"enabled": true})));
        assert_eq!(reply.status, 200, "{}", reply.text());
        app.clock.set(noon() + TimeDelta::minutes(2));
        let heard = hook.until(SOON, "told of all", |all| all.len() >= 3);
        let names = events(&heard);
        assert!(
            names.contains(&("article.updated".into(), "a".into())),
            "{names:?}"
        );
        assert_eq!(reply.json()["disabled_reason"], Value::Null);
    }
}

#[test]
fn whoever_fails_for_days_is_disabled_with_a_reason() {
    let app = app(Place::sqlite());
    let hook = Hook::new();
    hook.always(Manner::Close);
    let id = tell(&app, &hook);
    app.import(&[article("a")]);
    until("noted", || {
        webhook(&app, &id)["failing_since"] == "2025-06-01T12:00:00Z"
    });
    app.clock.set(noon() + TimeDelta::days(3));
    until("disabled", || webhook(&app, &id)["enabled"] == false);
    let reason = webhook(&app, &id)["disabled_reason"].clone();
    assert!(reason.as_str().unwrap().contains("2025-06-01"), "{reason}");
    // Trying it works all the same.
    hook.always(Manner::Answer(200));
    let test = post(&app, &format!("/v1/webhooks/{id}/test"));
    assert_eq!(test.status, 201, "{}", test.text());
    let heard = hook.until(SOON, "tried", |all| {
        all.iter().any(|one| one.event() == "webhook.test")
    });
    assert!(heard.last().unwrap().is_signed_with(SECRET));
    let path = test
        .header("location")
        .replace("https://api.news.example", "");
    until("noted", || read(&app, &path)["state"] == "delivered");
}

#[test]
fn whoever_lies_or_stalls_is_found_out_and_holds_up_no_one_else() {
    let app = app(Place::sqlite());
    let good = Hook::new();
    tell(&app, &good);
    let bad = [
        (Manner::Stall, "no answer in time"),
        (Manner::Drip, "no answer in time"),
        (Manner::Close, "broke off"),
        (Manner::Noise, "not HTTP"),
        (Manner::With(302, "location", good.url.clone()), "302"),
        (Manner::Answer(404), "404"),
    ]
    .map(|(manner, error)| {
        let hook = Hook::new();
        hook.always(manner);
        let id = tell(&app, &hook);
        (id, error, hook)
    });
    // Their status is known: that is enough.
    let odd = [Manner::BreakOff, Manner::Huge].map(|manner| {
        let hook = Hook::new();
        hook.always(manner);
        (tell(&app, &hook), hook)
    });
    let started = Instant::now();
    let articles: Vec<_> = (0..50).map(|n| article(&format!("a-{n}"))).collect();
    app.import(&articles);
    good.until(SOON, "told of all", |all| all.len() == 50);
    let took = started.elapsed();
    for (id, error, _hook) in &bad {
        until(error, || !deliveries(&app, id, "pending").is_empty());
        let path = format!("/v1/webhooks/{id}/deliveries?limit=100");
        let all = read(&app, &path)["data"].clone();
        let told = all.as_array().unwrap().iter();
        let told: Vec<&Value> = told.filter(|one| one["attempt_count"] == 1).collect();
        assert!(!told.is_empty());
        for one in told {
            let text = one["attempts"][0]["error"].as_str().unwrap();
            assert!(text.contains(error), "{error}: {text}");
        }
    }
    for (id, hook) in &odd {
        hook.until(SOON, "told of some", |all| !all.is_empty());
        until("delivered", || count(&app, id, "delivered") > 0);
        assert_eq!(count(&app, id, "failed") + count(&app, id, "pending"), 0);
    }
    // A redirect was not followed.
    assert_eq!(good.count(), 50);
    assert!(took < Duration::from_secs(10), "{took:?}");
    // The dead ones are not asked for everything: what they were not told of stays in the log.
    assert!(bad[2].2.count() < 30, "{}", bad[2].2.count());
}

#[test]
fn a_receiver_that_asks_to_be_left_alone_is_left_alone() {
    let app = app(Place::sqlite());
    let hook = Hook::new();
    hook.always(Manner::With(429, "retry-after", "120".to_owned()));
    let id = tell(&app, &hook);
    app.import(&[article("a")]);
    until("noted", || count(&app, &id, "pending") == 1);
    let next = deliveries(&app, &id, "pending")[0]["next_attempt_at"].clone();
    assert_eq!(at(next.as_str().unwrap()), noon() + TimeDelta::seconds(120));
    app.import(&[article("b")]);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(hook.count(), 1, "nothing else comes meanwhile, either");
}

#[test]
fn two_secrets_sign_until_the_overlap_is_over() {
    let app = app(Place::sqlite());
    let hook = Hook::new();
    let id = tell(&app, &hook);
    let path = format!("/v1/webhooks/{id}/secret");
    let body = json!({"overlap": 3600});
    let reply = app.write("POST", &path, &app.key("admin"), &[], Some(body));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let fresh = reply.json()["secret"].as_str().unwrap().to_owned();
    assert!(!webhook(&app, &id).to_string().contains("whsec"));
    app.import(&[article("a")]);
    let heard = hook.until(SOON, "told", |all| all.len() == 1);
    assert!(heard[0].is_signed_with(&fresh) && heard[0].is_signed_with(SECRET));
    app.clock.set(noon() + TimeDelta::seconds(3600));
    app.import(&[article("b")]);
    let heard = hook.until(SOON, "told", |all| all.len() == 2);
    assert!(heard[1].is_signed_with(&fresh) && !heard[1].is_signed_with(SECRET));
}

#[test]
fn addresses_that_are_not_public_are_refused() {
    // As it is without settings.
    let app = App::new();
    let hook = Hook::new();
    let admin = app.key("admin");
    for url in [
        hook.url.clone(),
        hook.url.replace("http", "https"),
        "https://169.254.169.254/latest".to_owned(),
        "https://[::ffff:10.0.0.1]/".to_owned(),
        "https://u:p@hooks.example/".to_owned(),
        "gopher://hooks.example/".to_owned(),
    ] {
        let body = json!({"url": url});
        let reply = app.write("POST", "/v1/webhooks", &admin, &[], Some(body));
        assert_eq!(reply.status, 422, "{url}");
        assert!(reply.text().contains("/url"), "{}", reply.text());
    }
    drop(app);
    // A name that leads here is found out when it is connected to.
    let app = App::configured(Place::sqlite(), |config| {
        sending(config);
        config.webhooks.allow.clear();
    });
    let port = hook.url.rsplit(':').next().unwrap();
    let made = create(&app, json!({"url": format!("http://localhost:{port}")}));
    let id = made["id"].as_str().unwrap();
    app.import(&[article("a")]);
    until("refused", || count(&app, id, "pending") == 1);
    let attempt = &deliveries(&app, id, "pending")[0]["attempts"][0];
    assert_eq!(attempt["error"], "the address is not public");
    assert_eq!(
        (&attempt["status"], &attempt["answer"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(hook.count(), 0);
}

#[test]
fn of_two_servers_one_tells_and_the_other_takes_over() {
    for place in places() {
        let first = app(place.shared());
        let hook = Hook::new();
        tell(&first, &hook);
        first.import(&[article("a")]);
        hook.until(SOON, "told", |all| all.len() == 1);
        let second = app(place.shared());
        let articles: Vec<_> = (0..40).map(|n| article(&format!("b-{n}"))).collect();
        second.import(&articles);
        let heard = hook.until(SOON, "told of all", |all| all.len() >= 41);
        std::thread::sleep(Duration::from_millis(200));
        let mut ids = HashMap::new();
        for one in &hook.heard() {
            *ids.entry(one.id().to_owned()).or_insert(0) += 1;
        }
        assert!(ids.values().all(|count| *count == 1), "{}", heard.len());
        // One that ends lets go at once.
        drop(first);
        second.import(&[article("c")]);
        hook.until(SOON, "told by the other", |all| all.len() == 42);
    }
}

#[test]
fn what_a_killed_server_held_is_taken_over_when_its_time_is_up() {
    let place = Place::sqlite();
    let database = place.open();
    let hook = Hook::new();
    {
        let first = app(place.shared());
        tell(&first, &hook);
    }
    let until = Utc::now() + TimeDelta::seconds(3);
    database
        .write(|conn| {
            let id = webhooks::outlines(conn)?.remove(0).id;
            assert!(webhooks::claim(conn, &id, "dead", None, Utc::now(), until)?);
            assert!(!webhooks::claim(
                conn,
                &id,
                "other",
                None,
                Utc::now(),
                until
            )?);
            Ok(())
        })
        .unwrap();
    let second = app(place.shared());
    second.import(&[article("a")]);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(hook.count(), 0, "it is the other's still");
    hook.until(SOON, "told by the second", |all| all.len() == 1);
    assert!(Utc::now() >= until);
    let owner = database.read(|conn| Ok(webhooks::outlines(conn)?.remove(0).lease_owner));
    assert_ne!(owner.unwrap().as_deref(), Some("dead"));
    assert!(to_stored(until) < to_stored(Utc::now() + TimeDelta::seconds(1)));
}

#[test]
fn a_webhook_is_made_changed_listed_and_deleted_by_admins() {
    let app = app(Place::sqlite());
    let hook = Hook::new();
    let made = create(&app, json!({"url": hook.url, "description": "Partenaire"}));
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"));
    let id = made["id"].as_str().unwrap();
    app.import(&[article("a")]);
    let heard = hook.until(SOON, "told", |all| all.len() == 1);
    assert!(heard[0].is_signed_with(secret));
    let listed = read(&app, "/v1/webhooks?count=exact");
    assert_eq!(
        (&listed["data"][0]["id"], &listed["page"]["count"]),
        (&json!(id), &json!(1))
    );
    let path = format!("/v1/webhooks/{id}");
    let admin = app.key("admin");
    let without = app.write("PATCH", &path, &admin, &[], Some(json!({"enabled": false})));
    assert_eq!(without.status, 428);
    let refused = change(
        &app,
        "PATCH",
        id,
        Some(json!({"enabled": null, "secret": "x"})),
    );
    assert_eq!(refused.status, 422, "{}", refused.text());
    let changed = change(
        &app,
        "PATCH",
        id,
        Some(json!({"enabled": false, "description": null})),
    );
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(
        (&changed.json()["enabled"], &changed.json()["description"]),
        (&json!(false), &Value::Null)
    );
    app.import(&[article("b")]);
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(hook.count(), 1);
    until("kept", || count(&app, id, "delivered") == 1);
    let sent = deliveries(&app, id, "delivered")[0]["id"].clone();
    let again = format!("{path}/deliveries/{}/redelivery", sent.as_str().unwrap());
    assert_eq!(post(&app, &again).status, 409, "it is disabled");
    for _ in 0..2 {
        let bad = format!("{path}/deliveries?state=lost");
        assert_eq!(app.get_with(&bad, &[("authorization", &admin)]).status, 400);
    }
    assert_eq!(change(&app, "DELETE", id, None).status, 204);
    let gone = app.get_with(&path, &[("authorization", &admin)]);
    assert_eq!(gone.status, 404);
    assert_eq!(read(&app, "/v1/webhooks")["data"], json!([]));
}

#[test]
fn what_was_delivered_is_cleared_away_after_thirty_days() {
    for place in places() {
        let app = app(place);
        let hook = Hook::new();
        let id = tell(&app, &hook);
        let dead = Hook::new();
        dead.always(Manner::Answer(410));
        let other = tell(&app, &dead);
        app.import(&[article("a")]);
        until("kept", || count(&app, &id, "delivered") == 1);
        until("pending", || count(&app, &other, "pending") == 1);
        let clear = |days| {
            let now = noon() + TimeDelta::days(days);
            let cleared = app
                .database
                .write(|conn| kiosque::store::expiry::clear(conn, now));
            cleared.unwrap();
            (
                count(&app, &id, "delivered"),
                count(&app, &other, "pending"),
            )
        };
        assert_eq!(clear(29), (1, 1));
        assert_eq!(clear(31), (0, 1), "what is pending stays");
        assert_eq!(change(&app, "DELETE", &other, None).status, 204);
        let now = noon() + TimeDelta::days(31);
        let cleared = app
            .database
            .write(|conn| kiosque::store::expiry::clear(conn, now));
        assert_eq!(cleared.unwrap(), 2, "the pending event, and the webhook");
        let left = app.database.read(kiosque::store::deliveries::count_pending);
        assert_eq!(left.unwrap(), 0);
    }
}

#[test]
fn one_event_that_is_never_taken_stops_no_other() {
    for place in places() {
        let app = app(place);
        let hook = Hook::new();
        hook.choose(|body| match body["data"]["slug"] == "a" {
            true => Manner::Answer(500),
            false => Manner::Answer(200),
        });
        let id = tell(&app, &hook);
        app.import(&[article("a")]);
        until("noted", || count(&app, &id, "pending") == 1);
        // Longer than a failure is brief, on a site where nothing else happens.
        app.clock.set(noon() + TimeDelta::seconds(90));
        until("tried again", || {
            deliveries(&app, &id, "pending")[0]["attempt_count"] == 2
        });
        app.import(&[article("b")]);
        until("told of the other", || count(&app, &id, "delivered") == 1);
        assert_eq!(count(&app, &id, "pending"), 1);
    }
}

#[test]
fn a_failure_after_a_long_silence_disables_nothing_and_a_test_is_no_failure() {
    let app = app(Place::sqlite());
    let hook = Hook::new();
    hook.always(Manner::Answer(500));
    let id = tell(&app, &hook);
    post(&app, &format!("/v1/webhooks/{id}/test"));
    until("tried", || count(&app, &id, "failed") == 1);
    assert_eq!(webhook(&app, &id)["failing_since"], Value::Null);
    app.import(&[article("a")]);
    for attempt in 1..=4 {
        hook.until(SOON, "tried", |all| all.len() == attempt + 1);
        until("noted", || {
            let all = [
                deliveries(&app, &id, "pending"),
                deliveries(&app, &id, "failed"),
            ];
            all.concat()
                .iter()
                .any(|one| one["seq"] != Value::Null && one["attempt_count"] == attempt)
        });
        if let Some(pending) = deliveries(&app, &id, "pending").first() {
            app.clock
                .set(at(pending["next_attempt_at"].as_str().unwrap()));
        }
    }
    until("given up", || count(&app, &id, "failed") == 2);
    app.clock.set(noon() + TimeDelta::days(9));
    app.import(&[article("b")]);
    hook.until(SOON, "tried", |all| all.len() == 6);
    until("noted", || count(&app, &id, "pending") == 1);
    let now = webhook(&app, &id);
    assert_eq!(now["enabled"], true, "{now}");
    assert_eq!(now["failing_since"], "2025-06-10T12:00:00Z");
}

#[test]
fn what_was_kept_though_its_server_does_not_know_is_not_sent_again() {
    for place in places() {
        let app = app(place);
        let hook = Hook::new();
        let id = tell(&app, &hook);
        app.import(&[article("a")]);
        until("kept", || count(&app, &id, "delivered") == 1);
        change(&app, "PATCH", &id, Some(json!({"enabled": false})));
        app.import(&[article("b")]);
        let kept = app.database.write(|conn| {
            let last = kiosque::store::changes::last(conn)?;
            let owner = webhooks::outlines(conn)?.remove(0).lease_owner.unwrap();
            webhooks::advance(conn, &id, &owner, last)?;
            // What is there already may come again.
            let row = kiosque::store::deliveries::page(conn, &id, None, None, 1)?.remove(0);
            let again = kiosque::store::deliveries::NewDelivery::from_row(row);
            kiosque::store::deliveries::insert(conn, &[again.clone(), again][..1])
        });
        kept.unwrap();
        change(&app, "PATCH", &id, Some(json!({"enabled": true})));
        app.import(&[article("c")]);
        hook.until(SOON, "told of what came then", |all| {
            all.iter().any(|one| one.body["data"]["slug"] == "c")
        });
        until("kept", || count(&app, &id, "delivered") == 2);
        let names: Vec<_> = events(&hook.heard()).into_iter().map(|one| one.1).collect();
        assert_eq!(names, ["a", "c"]);
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

#[test]
fn a_secret_that_the_receiver_has_signs_through_several_changes() {
    let app = app(Place::sqlite());
    let hook = Hook::new();
    let id = tell(&app, &hook);
    let rotate = |overlap: i64| {
        let path = format!("/v1/webhooks/{id}/secret");
        let body = json!({"overlap": overlap});
        let reply = app.write("POST", &path, &app.key("admin"), &[], Some(body));
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["secret"].as_str().unwrap().to_owned()
    };
    let [second, third] = [rotate(3600), rotate(3600)];
    app.import(&[article("a")]);
    let heard = hook.until(SOON, "told", |all| all.len() == 1);
    for secret in [SECRET, &second, &third] {
        assert!(heard[0].is_signed_with(secret));
    }
    let last = rotate(0);
    app.import(&[article("b")]);
    let heard = hook.until(SOON, "told", |all| all.len() == 2);
    assert!(heard[1].is_signed_with(&last));
    for secret in [SECRET, &second, &third] {
        assert!(!heard[1].is_signed_with(secret));
    }
}

#[test]
fn a_restored_copy_tells_no_one_until_an_admin_says_so() {
    for place in places() {
        let app = app(place);
        let hook = Hook::new();
        let id = tell(&app, &hook);
        let renewed = app
            .database
            .write(|conn| kiosque::store::identity::renew(conn, noon()));
        assert!(renewed.unwrap().is_some());
        app.import(&[article("a")]);
        let now = webhook(&app, &id);
        assert_eq!(now["enabled"], false);
        let reason = now["disabled_reason"].as_str().unwrap();
        assert!(reason.contains("copy"), "{reason}");
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(hook.count(), 0);
        change(&app, "PATCH", &id, Some(json!({"enabled": true})));
        hook.until(SOON, "told of all since", |all| all.len() == 1);
    }
}
