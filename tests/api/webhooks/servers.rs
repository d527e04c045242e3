//! Webhooks of several servers on one database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use kiosque::content::time::to_stored;
use kiosque::db::Database;
use kiosque::store::webhooks;
use serde_json::json;

use super::{SOON, app, change, count, create, events, sending, tell, until};
use crate::support::hook::{Hook, Manner};
use crate::support::{App, Place, article, at, client, places};

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

#[test]
fn what_is_told_is_given_by_every_server() {
    for place in places() {
        let first = app(place.shared());
        let hook = Hook::new();
        tell(&first, &hook);
        first.import(&[article("a")]);
        hook.until(SOON, "told", |all| all.len() == 1);
        // One that looks at the log more rarely, and has an answer of before.
        let second = App::configured(place.shared(), |config| {
            sending(config);
            config.follow_interval = Duration::from_millis(1200);
        });
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (noted, base) = (Arc::clone(&seen), second.base.clone());
        hook.choose(move |body| {
            let slug = body["data"]["slug"].as_str().unwrap();
            for path in [
                "/v1/articles?limit=1".to_owned(),
                format!("/v1/articles?q={slug}"),
            ] {
                let reply = client::send("GET", &format!("{base}{path}"), &[], None);
                noted.lock().unwrap().push(reply.text().contains(slug));
            }
            Manner::Answer(204)
        });
        for n in 0..3 {
            assert_eq!(second.get("/v1/articles?limit=1").status, 200);
            let time = at("2025-05-01T00:00:00Z") + TimeDelta::minutes(n);
            first.import(&[article(&format!("nouvelle{n}")).published(time)]);
            hook.until(SOON, "told", |all| all.len() as i64 == n + 2);
        }
        let seen = seen.lock().unwrap().clone();
        assert_eq!(seen, [true; 6]);
        // One that has ended is not waited for.
        drop(second);
        let others = first
            .database
            .read(|conn| kiosque::store::servers::others(conn, "no one", Utc::now()));
        assert_eq!(others.unwrap().len(), 1);
    }
}

#[test]
fn a_server_that_does_not_come_is_waited_for_a_while_only() {
    for place in places() {
        let app = app(place);
        let hook = Hook::new();
        tell(&app, &hook);
        let said = app.database.write(|conn| {
            let until = Utc::now() + TimeDelta::minutes(10);
            kiosque::store::servers::beat(conn, "dead", 0, until)
        });
        said.unwrap();
        app.import(&[article("a")]);
        hook.until(SOON, "told all the same", |all| all.len() == 1);
        // One that is long gone is forgotten, and no other.
        let forget = |hours| {
            let now = Utc::now() + TimeDelta::hours(hours);
            let forgotten = app
                .database
                .write(|conn| kiosque::store::servers::forget_old(conn, now));
            forgotten.unwrap()
        };
        assert_eq!(forget(23), 0);
        assert!(forget(25) >= 1);
    }
}

/// The line up to which the log is known to have been read for a webhook, and the last line.
fn position(database: &Database, id: &str) -> (i64, i64) {
    let read = database.read(|conn| {
        let row = webhooks::by_id(conn, id)?.unwrap();
        Ok((row.position, kiosque::store::changes::last(conn)?))
    });
    read.unwrap()
}

#[test]
fn lines_of_no_concern_are_kept_as_read_with_the_lease_and_at_the_end() {
    for place in places() {
        let app = app(place.shared());
        let [quiet, witness] = [(); 2].map(|()| Hook::new());
        let made = create(&app, json!({"url": quiet.url, "events": ["tag.deleted"]}));
        let id = made["id"].as_str().unwrap().to_owned();
        let other = tell(&app, &witness);
        app.import(&[article("a"), article("b")]);
        until("kept with the lease", || {
            let (position, last) = position(&app.database, &id);
            position == last
        });
        app.import(&[article("c")]);
        // Both read the log at the same time.
        until("told", || count(&app, &other, "delivered") == 3);
        let (_, last) = position(&app.database, &id);
        let database = place.open();
        drop(app);
        assert_eq!(position(&database, &id), (last, last));
        assert_eq!(quiet.count(), 0);
        let outline = database.read(|conn| Ok(webhooks::outlines(conn)?.remove(0)));
        assert_eq!(outline.unwrap().lease_owner, None, "it is no one's now");
    }
}
