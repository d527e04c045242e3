//! What becomes of events that are not taken, and of webhooks that take none.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use kiosque::content::time::to_stored;
use kiosque::db::Conn;
use kiosque::error::Result;
use kiosque::store::deliveries::{self as store, AttemptLine, DeliveryRow, NewDelivery};
use kiosque::store::delivery_results::{Made, release_next, update};
use serde_json::{Value, json};

use super::{
    SOON, app, change, count, create, deliveries, events, post, read, tell, until, webhook,
};
use crate::support::app::noon;
use crate::support::hook::{Hook, Manner, SECRET};
use crate::support::{Place, article, at, client, places};

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
        until(error, || {
            let pending = deliveries(&app, id, "pending");
            pending.iter().any(|one| one["attempt_count"] == 1)
        });
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
fn what_is_asked_for_during_an_attempt_is_not_lost_in_its_outcome() {
    for place in places() {
        let app = app(place);
        let hook = Hook::new();
        hook.always(Manner::Answer(500));
        let id = tell(&app, &hook);
        app.import(&[article("a")]);
        until("noted", || count(&app, &id, "pending") == 1);
        let failed = &deliveries(&app, &id, "pending")[0];
        let again = format!(
            "{}/v1/webhooks/{id}/deliveries/{}/redelivery",
            app.base,
            failed["id"].as_str().unwrap()
        );
        let admin = app.key("admin");
        let mut attempts = 0;
        hook.choose(move |_| {
            attempts += 1;
            if attempts > 1 {
                return Manner::Answer(204);
            }
            let headers = [("authorization", admin.as_str())];
            let reply = client::send("POST", &again, &headers, None);
            assert_eq!(reply.status, 200, "{}", reply.text());
            Manner::Answer(500)
        });
        // The second attempt fails, and would be followed by another a minute later.
        app.clock.set(noon() + TimeDelta::seconds(20));
        hook.until(SOON, "tried as was asked", |all| all.len() == 3);
        until("delivered", || count(&app, &id, "delivered") == 1);
        let told = &deliveries(&app, &id, "delivered")[0];
        assert_eq!(told["next_attempt_at"], Value::Null);
    }
}

#[test]
fn an_attempt_that_was_read_in_another_state_changes_nothing() {
    for place in places() {
        let app = app(place);
        let id = create(&app, json!({"url": Hook::new().url}))["id"].clone();
        let id = id.as_str().unwrap();
        let tested = app.database.write(|conn| {
            let new = |name: &str, thing: &str| {
                NewDelivery::new(name.into(), id, Some(1), thing.into(), "e", noon())
            };
            let fresh = [new("m", "t"), new("n", "t"), new("o", "u")];
            store::insert(conn, &fresh)?;
            let names = ["m", "n", "o"];
            let all = |conn: &mut Conn| -> Result<Vec<DeliveryRow>> {
                let found = names.map(|name| store::find(conn, id, name));
                found.into_iter().map(|row| Ok(row?.unwrap())).collect()
            };
            let read = all(conn)?;
            let mut new: Vec<NewDelivery> =
                read.iter().cloned().map(NewDelivery::from_row).collect();
            for (n, new) in new.iter_mut().enumerate() {
                let attempt = AttemptLine {
                    at: noon() + TimeDelta::seconds(n as i64),
                    status: Some(200 + n as u16),
                    error: None,
                    duration_ms: 1,
                    answer: Some("'é\\".to_owned()),
                };
                new.note(attempt)?;
            }
            new[0].settle(store::DELIVERED, noon());
            new[1].next_attempt_at = None;
            new[2].next_attempt_at = Some(to_stored(noon() + TimeDelta::minutes(1)));
            let update = |conn: &mut Conn, tries: i64, new: &[NewDelivery]| {
                let made = read.iter().zip(new).map(|(row, new)| {
                    let num = row.num;
                    Made { num, tries, new }
                });
                update(conn, &made.collect::<Vec<_>>())
            };
            // Someone else has tried them since.
            update(conn, 7, &new)?;
            assert_eq!(all(conn)?, read);
            update(conn, 0, &new)?;
            let made = all(conn)?;
            for ((made, new), read) in made.iter().zip(&new).zip(&read) {
                let expected = DeliveryRow {
                    state: new.state.clone(),
                    begun_at: new.begun_at,
                    tries: 1,
                    attempts: 1,
                    attempt_log: new.attempt_log.clone(),
                    next_attempt_at: new.next_attempt_at,
                    settled_at: new.settled_at,
                    ..read.clone()
                };
                assert_eq!(*made, expected);
            }
            // What is settled stays so.
            new[0].state = "failed".to_owned();
            update(conn, 1, &new)?;
            assert_eq!(all(conn)?, made);
            // Of each thing, the first that is pending goes on where it only waited.
            let now = noon() + TimeDelta::minutes(2);
            release_next(conn, id, &["t", "u"], now)?;
            let [_, second, third] = &all(conn)?[..] else {
                unreachable!("three are looked for")
            };
            assert_eq!(second.next_attempt_at, Some(to_stored(now)));
            assert_eq!(third.next_attempt_at, new[2].next_attempt_at);
            Ok(())
        });
        tested.unwrap();
    }
}

#[test]
fn one_event_for_which_the_receiver_is_not_there_holds_up_no_other() {
    let app = app(Place::sqlite());
    let hook = Hook::new();
    hook.choose(|body| match body["data"]["slug"] == "a" {
        true => Manner::With(503, "retry-after", "120".to_owned()),
        false => Manner::Answer(204),
    });
    let id = tell(&app, &hook);
    app.import(&[article("a")]);
    until("noted", || count(&app, &id, "pending") == 1);
    let next = deliveries(&app, &id, "pending")[0]["next_attempt_at"].clone();
    assert_eq!(at(next.as_str().unwrap()), noon() + TimeDelta::seconds(120));
    app.import(&[article("b")]);
    until("told of the other", || count(&app, &id, "delivered") == 1);
    // It says so of everything.
    hook.always(Manner::With(503, "retry-after", "120".to_owned()));
    let articles: Vec<_> = (0..50).map(|n| article(&format!("c-{n}"))).collect();
    app.import(&articles);
    hook.until(SOON, "asked again", |all| all.len() >= 5);
    until("noted", || count(&app, &id, "pending") >= 4);
    let tried = hook.count();
    // Three answers, and those that were on their way.
    assert!(tried < 2 + 3 + 4, "{tried}");
}
