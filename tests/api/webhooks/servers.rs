//! Webhooks of several servers on one database.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use kiosque::content::time::to_stored;
use kiosque::store::webhooks;
use serde_json::json;

use super::{SOON, app, change, count, events, tell, until};
use crate::support::hook::Hook;
use crate::support::{Place, article, places};

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
