//! What waits for whom: results do not for those who write articles, and an admin's change does for results.

use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use chrono::{NaiveDateTime, TimeDelta, Utc};
use kiosque::db::{Conn, Database};
use kiosque::error::Result;
use kiosque::store::deliveries::{self, DELIVERED, FAILED, NewDelivery};
use kiosque::store::delivery_results::{self, Made};
use kiosque::store::webhooks::{self, Settled, Standing};
use serde_json::json;

use super::{SOON, app, count, deliveries as listed, sending, tell, until, webhook};
use crate::support::hook::{Hook, Manner};
use crate::support::{App, Place, article, places};

/// Long enough that whoever does not wait is done.
const A_WHILE: Duration = Duration::from_millis(700);

/// Does it while someone writes and does not come to an end.
fn while_one_writes(database: &Database, work: impl FnOnce()) {
    let (begun, begins) = mpsc::channel();
    let (end, ends) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let writer = scope.spawn(move || {
            database.write(|_| {
                begun.send(()).unwrap();
                // Until the other end is gone.
                let _ = ends.recv();
                Ok(())
            })
        });
        begins.recv_timeout(SOON).unwrap();
        work();
        drop(end);
        writer.join().unwrap().unwrap();
    });
}

fn lease(database: &Database) -> Option<NaiveDateTime> {
    let outline = database.read(|conn| Ok(webhooks::outlines(conn)?.remove(0)));
    outline.unwrap().lease_until
}

#[test]
fn results_leases_and_starts_do_not_wait_for_who_writes() {
    // SQLite has one writer.
    let Some(place) = Place::postgres() else {
        return;
    };
    let first = app(place.shared());
    let hook = Hook::new();
    let (came, coming) = mpsc::channel();
    let (answer, answers) = mpsc::channel();
    hook.choose(move |_| {
        came.send(()).unwrap();
        answers.recv().unwrap()
    });
    let id = tell(&first, &hook);
    first.import(&[article("a")]);
    coming.recv_timeout(SOON).unwrap();
    let admin = first.key("admin");
    while_one_writes(&place.open(), || {
        let held = lease(&first.database);
        answer.send(Manner::Answer(204)).unwrap();
        let path = format!("/v1/webhooks/{id}/deliveries?state=delivered");
        until("kept", || {
            let headers = [("authorization", admin.as_str())];
            let listed = first.get_with(&path, &headers).json();
            listed["data"].as_array().unwrap().len() == 1
        });
        until("held for longer", || lease(&first.database) > held);
        let second = app(place.shared());
        let now = Utc::now();
        let others = |conn: &mut Conn| kiosque::store::servers::others(conn, "no one", now);
        assert_eq!(second.database.read(others).unwrap().len(), 2);
    });
}

#[test]
fn those_who_wait_for_their_turn_to_write_keep_no_one_from_a_connection() {
    for place in places() {
        let database = place.open();
        thread::scope(|scope| {
            let mut waiting = Vec::new();
            while_one_writes(&database, || {
                let wait = || database.write(|_| Ok(()));
                waiting.extend((0..8).map(|_| scope.spawn(wait)));
                thread::sleep(A_WHILE);
                assert_eq!(database.read(webhooks::count).unwrap(), 0);
                if place.name == "PostgreSQL" {
                    let renew = |conn: &mut Conn| webhooks::renew(conn, "", "", Utc::now());
                    assert!(!database.write_unqueued(renew).unwrap());
                }
                assert!(waiting.iter().all(|one| !one.is_finished()));
            });
            for one in waiting {
                one.join().unwrap().unwrap();
            }
        });
    }
}

/// A webhook that another server holds for a long time under the name `other`, with this state of its two deliveries of
/// one thing.
fn held_elsewhere(place: Place, hook: &Hook, states: [&str; 2]) -> (App, String, Vec<NewDelivery>) {
    let app = App::configured(place, |config| {
        sending(config);
        config.follow_interval = Duration::from_secs(3600);
    });
    let id = tell(&app, hook);
    let now = Utc::now();
    let mut rows: Vec<NewDelivery> = states
        .iter()
        .enumerate()
        .map(|(n, state)| {
            let name = format!("msg_{n}");
            let mut row = NewDelivery::new(name, &id, Some(1), "article:x".to_owned(), "e", now);
            if *state != deliveries::PENDING {
                row.settle(state, now);
            }
            row
        })
        .collect();
    let kept = app.database.write(|conn| {
        assert!(webhooks::claim(
            conn,
            &id,
            "other",
            None,
            now,
            now + TimeDelta::hours(1)
        )?);
        deliveries::insert(conn, &rows)
    });
    kept.unwrap();
    rows.retain(|row| row.settled_at.is_none());
    (app, id, rows)
}

fn standing(disabled: Option<&str>) -> Standing {
    Standing {
        position: 1,
        failing_since: None,
        disabled: disabled.map(str::to_owned),
    }
}

/// Keeps results as the server does that holds the webhook, and commits them when `ends` says so.
fn keep(
    database: &Database,
    id: &str,
    disabled: Option<&str>,
    ends: &Receiver<()>,
    more: impl FnOnce(&mut Conn) -> Result<()>,
) {
    let kept = database.write_unqueued(|conn| {
        let settled = webhooks::settle(conn, id, "other", 1, &standing(disabled), Utc::now())?;
        assert_eq!(settled, Settled::Whole);
        more(conn)?;
        ends.recv_timeout(SOON).unwrap();
        Ok(())
    });
    kept.unwrap();
}

/// Sends a request while results are being kept, and lets those be committed when it has had its time.
fn meanwhile(
    app: &App,
    disabled: Option<&str>,
    id: &str,
    more: impl FnOnce(&mut Conn) -> Result<()> + Send,
    request: impl FnOnce() + Send,
) {
    let (end, ends) = mpsc::channel();
    let (begun, begins) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            keep(&app.database, id, disabled, &ends, |conn| {
                more(conn)?;
                begun.send(()).unwrap();
                Ok(())
            });
        });
        begins.recv_timeout(SOON).unwrap();
        let request = scope.spawn(request);
        thread::sleep(A_WHILE);
        assert!(!request.is_finished(), "it waits");
        end.send(()).unwrap();
        request.join().unwrap();
    });
}

#[test]
fn what_an_admin_changes_is_what_results_have_made_of_it() {
    for place in places() {
        let hook = Hook::new();
        let (app, id, _) = held_elsewhere(place, &hook, [DELIVERED, FAILED]);
        let admin = app.key("admin");
        let path = format!("/v1/webhooks/{id}/secret");
        meanwhile(
            &app,
            Some("gone"),
            &id,
            |_| Ok(()),
            || {
                let reply = app.write("POST", &path, &admin, &[], Some(json!({})));
                assert_eq!(reply.status, 200, "{}", reply.text());
            },
        );
        let webhook = webhook(&app, &id);
        assert_eq!(webhook["disabled_reason"], "gone", "{webhook}");
        let row = app.database.read(|conn| webhooks::by_id(conn, &id));
        assert_eq!(row.unwrap().unwrap().version, 3);
    }
}

#[test]
fn what_is_asked_for_again_does_not_wait_for_what_has_just_been_taken() {
    for place in places() {
        let hook = Hook::new();
        let (app, id, pending) = held_elsewhere(place, &hook, [deliveries::PENDING, FAILED]);
        let admin = app.key("admin");
        let path = format!("/v1/webhooks/{id}/deliveries/msg_1/redelivery");
        let mut taken = pending[0].clone();
        let now = Utc::now();
        taken.settle(DELIVERED, now);
        let results = |conn: &mut Conn| {
            let row = deliveries::find(conn, &id, "msg_0")?.unwrap();
            let (num, tries, new) = (row.num, 0, &taken);
            delivery_results::update(conn, &[Made { num, tries, new }])?;
            delivery_results::release_next(conn, &id, &["article:x"], now)
        };
        meanwhile(&app, None, &id, results, || {
            let reply = app.write("POST", &path, &admin, &[], None);
            assert_eq!(reply.status, 200, "{}", reply.text());
        });
        assert_eq!(count(&app, &id, "delivered"), 1);
        let again = listed(&app, &id, "pending").remove(0);
        assert_eq!(again["id"], "msg_1");
        assert!(again["next_attempt_at"].is_string(), "{again}");
    }
}

#[test]
fn nothing_is_kept_for_who_has_lost_the_claim_or_of_what_is_deleted() {
    for place in places() {
        let hook = Hook::new();
        let (app, id, _) = held_elsewhere(place, &hook, [DELIVERED, FAILED]);
        let late = |owner: &'static str| {
            let database = app.database.clone();
            let id = id.clone();
            move || {
                let now = Utc::now();
                database.write_unqueued(|conn| {
                    webhooks::settle(conn, &id, owner, 1, &standing(Some("gone")), now)
                })
            }
        };
        // Both believe to hold it: of the one whose time is up nothing is kept once the other has begun.
        let settled = thread::scope(|scope| {
            let settling = app.database.write_unqueued(|conn| {
                let (now, later) = (
                    Utc::now() + TimeDelta::hours(2),
                    Utc::now() + TimeDelta::hours(3),
                );
                assert!(webhooks::claim(conn, &id, "next", None, now, later)?);
                let settling = scope.spawn(late("other"));
                thread::sleep(A_WHILE);
                assert!(!settling.is_finished(), "it waits");
                Ok(settling)
            });
            settling.unwrap().join().unwrap()
        });
        assert_eq!(settled.unwrap(), Settled::Lost);
        // Of two that take it over at once, one has it.
        let claimed = thread::scope(|scope| {
            let (now, later) = (
                Utc::now() + TimeDelta::hours(4),
                Utc::now() + TimeDelta::hours(5),
            );
            let claiming = app.database.write_unqueued(|conn| {
                assert!(webhooks::claim(conn, &id, "third", None, now, later)?);
                let (database, id) = (&app.database, &id);
                let claim =
                    move |conn: &mut Conn| webhooks::claim(conn, id, "fourth", None, now, later);
                let claiming = scope.spawn(move || database.write_unqueued(claim));
                thread::sleep(A_WHILE);
                assert!(!claiming.is_finished(), "it waits");
                Ok(claiming)
            });
            claiming.unwrap().join().unwrap()
        });
        assert!(!claimed.unwrap());
        assert_eq!(webhook(&app, &id)["enabled"], true);
        let gone = app
            .database
            .write(|conn| webhooks::delete(conn, &id, Utc::now()));
        gone.unwrap();
        assert_eq!(late("third")().unwrap(), Settled::Lost);
    }
}
