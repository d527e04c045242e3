//! Logging in, staying logged in, logging out.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{App, Reply, places};

const PASSWORD: &str = "correct horse";

/// A server with an author named ada who has a password.
fn with_ada(place: crate::support::Place) -> (App, String) {
    let app = App::on(place);
    let admin = app.login("root", "admin");
    let body = json!({"name": "ada", "role": "author", "password": PASSWORD});
    let made = app.write("POST", "/v1/users", &admin, &[], Some(body));
    assert_eq!(made.status, 201, "{}", made.text());
    (app, admin)
}

fn log_in(app: &App, name: &str, password: &str) -> Reply {
    app.post(
        "/v1/tokens",
        &json!({"name": name, "password": password}).to_string(),
    )
}

fn refresh(app: &App, tokens: &Value) -> Reply {
    app.post(
        "/v1/tokens",
        &json!({"refresh_token": tokens["refresh_token"]}).to_string(),
    )
}

fn bearer(tokens: &Value) -> String {
    format!("Bearer {}", tokens["access_token"].as_str().unwrap())
}

fn status(app: &App, tokens: &Value) -> u16 {
    app.get_with("/v1/me", &[("authorization", &bearer(tokens))])
        .status
}

/// The actions of the audit trail with the names of who did them.
fn trail(app: &App) -> Vec<(String, String)> {
    use diesel::prelude::*;
    use kiosque::db::schema::audit;
    app.database
        .read(|conn| {
            let rows = audit::table
                .order(audit::seq)
                .select((audit::actor, audit::action))
                .load(conn)?;
            Ok(rows)
        })
        .unwrap()
}

#[test]
fn a_login_gives_tokens_that_are_refreshed_and_ended() {
    for place in places() {
        let (app, _) = with_ada(place);
        let reply = log_in(&app, "Ada", PASSWORD);
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(reply.header("cache-control").contains("no-store"));
        let first = reply.json();
        assert_eq!(
            (&first["token_type"], &first["expires_in"]),
            (&json!("Bearer"), &json!(900))
        );
        assert_eq!(status(&app, &first), 200);

        let second = refresh(&app, &first);
        assert_eq!(second.status, 200, "{}", second.text());
        let second = second.json();
        assert_ne!(second["access_token"], first["access_token"]);
        assert_eq!((status(&app, &first), status(&app, &second)), (200, 200));

        let out = app.write("DELETE", "/v1/tokens", &bearer(&second), &[], None);
        assert_eq!(out.status, 204, "{}", out.text());
        assert_eq!((status(&app, &first), status(&app, &second)), (401, 401));
        assert_eq!(refresh(&app, &second).status, 401);
        let ended: Vec<_> = trail(&app).into_iter().skip(1).collect();
        assert_eq!(
            ended,
            [("ada", "session.start"), ("ada", "session.end")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
    }
}

#[test]
fn a_refresh_token_that_comes_again_ends_its_whole_session() {
    for place in places() {
        let (app, _) = with_ada(place);
        let other = log_in(&app, "ada", PASSWORD).json();
        let first = log_in(&app, "ada", PASSWORD).json();
        let second = refresh(&app, &first).json();
        assert_eq!(refresh(&app, &first).status, 401);
        assert_eq!(refresh(&app, &second).status, 401);
        assert_eq!((status(&app, &first), status(&app, &second)), (401, 401));
        assert_eq!(
            status(&app, &other),
            200,
            "another login is another session"
        );
        assert!(trail(&app).contains(&("unknown".to_owned(), "session.reuse".to_owned())));
    }
}

#[test]
fn of_many_refreshes_at_once_one_is_good() {
    for place in places() {
        let (app, _) = with_ada(place);
        let tokens = log_in(&app, "ada", PASSWORD).json();
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..6)
                .map(|_| scope.spawn(|| refresh(&app, &tokens).status))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!(
            statuses.iter().filter(|status| **status == 200).count(),
            1,
            "{statuses:?}"
        );
        assert_eq!(status(&app, &tokens), 401);
    }
}

#[test]
fn a_session_ends_after_its_time_however_often_it_was_refreshed() {
    let (app, _) = with_ada(crate::support::Place::sqlite());
    let noon = app.clock.now();
    let mut tokens = log_in(&app, "ada", PASSWORD).json();
    app.clock.set(noon + TimeDelta::seconds(929));
    assert_eq!(status(&app, &tokens), 200, "clocks may differ");
    app.clock.set(noon + TimeDelta::seconds(931));
    assert_eq!(status(&app, &tokens), 401);
    for day in [10, 20, 29] {
        app.clock.set(noon + TimeDelta::days(day));
        tokens = refresh(&app, &tokens).json();
        assert_eq!(status(&app, &tokens), 200, "{day}");
    }
    app.clock
        .set(noon + TimeDelta::days(30) - TimeDelta::seconds(60));
    tokens = refresh(&app, &tokens).json();
    assert_eq!(tokens["expires_in"], 60, "no token outlives its session");
    app.clock.set(noon + TimeDelta::days(30));
    assert_eq!(status(&app, &tokens), 401);
    assert_eq!(refresh(&app, &tokens).status, 401);
}

#[test]
fn what_is_wrong_with_a_login_is_not_told() {
    let (app, admin) = with_ada(crate::support::Place::sqlite());
    let body = json!({"name": "off", "role": "author", "password": PASSWORD});
    app.write("POST", "/v1/users", &admin, &[], Some(body));
    let off = json!({"disabled": true});
    app.write(
        "PATCH",
        "/v1/users/off",
        &admin,
        &[("if-match", "*")],
        Some(off),
    );
    let said: Vec<Value> = [
        ("ada", "wrong horse"),
        ("bob", PASSWORD),
        ("off", PASSWORD),
        ("a b", "x"),
    ]
    .map(|(name, password)| {
        let reply = log_in(&app, name, password);
        assert_eq!(reply.status, 401);
        assert_eq!(
            reply.header("www-authenticate"),
            r#"Bearer realm="kiosque""#
        );
        reply.json()
    })
    .to_vec();
    assert!(said.iter().all(|each| *each == said[0]), "{said:?}");
    assert!(!trail(&app).iter().any(|(actor, _)| actor == "bob"));
}

#[test]
fn a_login_that_is_none_is_pointed_at() {
    let app = App::new();
    for (body, status, pointer) in [
        (json!({}), 422, ""),
        (json!({"name": "ada"}), 422, "/password"),
        (json!({"password": PASSWORD}), 422, "/name"),
        (
            json!({"name": "ada", "password": "x".repeat(73)}),
            422,
            "/password",
        ),
        (
            json!({"name": "ada", "password": PASSWORD, "refresh_token": "x"}),
            422,
            "/refresh_token",
        ),
        (
            json!({"name": "ada", "password": PASSWORD, "otp": 1}),
            422,
            "/otp",
        ),
        (json!({"name": 7, "password": PASSWORD}), 422, "/name"),
        (json!({"refresh_token": "kqr_none"}), 401, ""),
        (json!({"refresh_token": "\u{0}"}), 401, ""),
    ] {
        let reply = app.post("/v1/tokens", &body.to_string());
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
        if status == 422 {
            assert_eq!(reply.json()["errors"][0]["pointer"], pointer, "{body}");
        }
    }
    let twice = app.post(
        "/v1/tokens",
        r#"{"name":"a","name":"b","password":"xxxxxxxx"}"#,
    );
    assert_eq!(twice.status, 422);
    assert_eq!(app.post("/v1/tokens?next=x", "{}").status, 400);
}

#[test]
fn failures_close_the_door_for_a_while_and_only_for_that_name() {
    let (app, admin) = with_ada(crate::support::Place::sqlite());
    let body = json!({"name": "bea", "role": "author", "password": PASSWORD});
    app.write("POST", "/v1/users", &admin, &[], Some(body));
    for _ in 0..10 {
        assert_eq!(log_in(&app, "ada", "wrong horse").status, 401);
    }
    let closed = log_in(&app, "ada", PASSWORD);
    assert_eq!(closed.status, 429);
    let wait: i64 = closed.header("retry-after").parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    assert_eq!(log_in(&app, "bea", PASSWORD).status, 200);
    app.clock.set(app.clock.now() + TimeDelta::seconds(wait));
    assert_eq!(log_in(&app, "ada", PASSWORD).status, 200);
    for _ in 0..30 {
        assert_eq!(
            log_in(&app, "ada", PASSWORD).status,
            200,
            "right ones hardly count"
        );
    }
}

#[test]
fn an_old_token_does_not_stand_in_the_way_of_a_login() {
    let (app, _) = with_ada(crate::support::Place::sqlite());
    let body = json!({"name": "ada", "password": PASSWORD}).to_string();
    let headers = [
        ("content-type", "application/json"),
        ("authorization", "Bearer old"),
    ];
    assert_eq!(app.post_with("/v1/tokens", &headers, &body).status, 200);
    let refused = app.get_with("/v1/articles", &[("authorization", "Bearer old")]);
    assert_eq!(refused.status, 401, "not even where everyone may read");
    assert_eq!(
        app.get_with("/v1/me", &[("authorization", "Basic YTpi")])
            .status,
        401
    );
}

fn log_in_from(app: &App, address: &str, password: &str) -> u16 {
    let body = json!({"name": "ada", "password": password}).to_string();
    let headers = [("content-type", "application/json"), ("x-client", address)];
    app.post_with("/v1/tokens", &headers, &body).status
}

#[test]
fn strangers_do_not_lock_a_name_s_owner_out() {
    let app = App::configured(crate::support::Place::sqlite(), |config| {
        config.identity.address_header = Some("x-client".to_owned());
    });
    let admin = app.login("root", "admin");
    let body = json!({"name": "ada", "role": "author", "password": PASSWORD});
    let made = app.write("POST", "/v1/users", &admin, &[], Some(body));
    assert_eq!(made.status, 201, "{}", made.text());
    for _ in 0..10 {
        assert_eq!(log_in_from(&app, "192.0.2.1", "wrong horse"), 401);
    }
    assert_eq!(log_in_from(&app, "192.0.2.1", PASSWORD), 429);
    assert_eq!(log_in_from(&app, "198.51.100.7", PASSWORD), 200);
    for n in 2..92 {
        let address = format!("192.0.2.{n}");
        assert_eq!(log_in_from(&app, &address, "wrong horse"), 401, "{n}");
    }
    assert_eq!(log_in_from(&app, "203.0.113.9", PASSWORD), 429);
    assert_eq!(
        log_in_from(&app, "198.51.100.7", PASSWORD),
        200,
        "the owner has been there before"
    );
}

#[test]
fn one_account_does_not_take_every_turn() {
    let (app, _) = with_ada(crate::support::Place::sqlite());
    for n in 0..150 {
        assert_eq!(log_in(&app, "ada", PASSWORD).status, 200, "{n}");
    }
    assert_eq!(log_in(&app, "ada", PASSWORD).status, 429);
    app.clock.set(app.clock.now() + TimeDelta::seconds(1));
    assert_eq!(log_in(&app, "ada", PASSWORD).status, 200);
}

#[test]
fn a_failed_login_is_noted_for_a_name_that_exists() {
    for place in places() {
        let (app, _) = with_ada(place);
        assert_eq!(log_in(&app, "bob", "wrong horse").status, 401);
        assert_eq!(log_in(&app, "ada", "wrong horse").status, 401);
        // Aside, so that no answer waits for it.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        let refusals = || {
            let trail = trail(&app).into_iter();
            trail.filter(|(_, act)| act == "session.refuse").count()
        };
        while refusals() == 0 && std::time::Instant::now() < deadline {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert_eq!(refusals(), 1);
    }
}
