//! How sessions end: by logging out without an access token, by being too many, by an old refresh token.

use chrono::TimeDelta;
use diesel::prelude::*;
use kiosque::db::schema::refresh_tokens;
use kiosque::store::{expiry, sessions, users};
use serde_json::{Value, json};

use crate::support::{App, Place, Reply, places};

const PASSWORD: &str = "correct horse";

fn with_ada(place: Place) -> App {
    let app = App::on(place);
    let admin = app.login("root", "admin");
    let body = json!({"name": "ada", "role": "author", "password": PASSWORD});
    let made = app.write("POST", "/v1/users", &admin, &[], Some(body));
    assert_eq!(made.status, 201, "{}", made.text());
    app
}

fn log_in(app: &App) -> Value {
    let body = json!({"name": "ada", "password": PASSWORD}).to_string();
    app.post("/v1/tokens", &body).json()
}

fn refresh(app: &App, tokens: &Value) -> Reply {
    let body = json!({"refresh_token": tokens["refresh_token"]}).to_string();
    app.post("/v1/tokens", &body)
}

fn bearer(tokens: &Value) -> String {
    format!("Bearer {}", tokens["access_token"].as_str().unwrap())
}

fn log_out(app: &App, authorization: &str, body: Value) -> u16 {
    let reply = app.write("DELETE", "/v1/tokens", authorization, &[], Some(body));
    reply.status
}

#[test]
fn who_comes_back_too_late_logs_out_by_the_refresh_token() {
    for place in places() {
        let app = with_ada(place);
        let (ended, used, other) = (log_in(&app), log_in(&app), log_in(&app));
        let next = refresh(&app, &used).json();
        app.clock.set(app.clock.now() + TimeDelta::minutes(20));
        let late = bearer(&ended);
        let without = app.write("DELETE", "/v1/tokens", &late, &[], None);
        assert_eq!(without.status, 401, "{}", without.text());
        for body in [json!({}), json!({"refresh_token": "x", "all": true})] {
            assert_eq!(log_out(&app, &late, body), 422);
        }
        let body = |tokens: &Value| json!({"refresh_token": tokens["refresh_token"]});
        assert_eq!(log_out(&app, &late, body(&ended)), 204);
        assert_eq!(log_out(&app, "", body(&ended)), 204, "once is enough");
        assert_eq!(refresh(&app, &ended).status, 401);
        assert_eq!(log_out(&app, "", body(&used)), 204);
        assert_eq!(refresh(&app, &next).status, 401, "a used one ends it, too");
        for unknown in ["", "kqr_none", "kqr_a.b", "\u{0}"] {
            assert_eq!(log_out(&app, "", json!({"refresh_token": unknown})), 204);
        }
        assert_eq!(refresh(&app, &other).status, 200, "it is another session");
    }
}

#[test]
fn a_used_refresh_token_is_forgotten_and_still_ends_its_session() {
    for place in places() {
        let app = with_ada(place);
        let first = log_in(&app);
        let other = log_in(&app);
        let second = refresh(&app, &first).json();
        let kept = || -> i64 {
            let count = |conn: &mut _| Ok(refresh_tokens::table.count().get_result(conn)?);
            app.database.read(count).unwrap()
        };
        let clear = || {
            let now = app.clock.now();
            app.database.write(|conn| expiry::clear(conn, now)).unwrap();
        };
        clear();
        assert_eq!(kept(), 3);
        app.clock.set(app.clock.now() + TimeDelta::minutes(61));
        clear();
        assert_eq!(kept(), 2);
        assert_eq!(refresh(&app, &first).status, 401);
        assert_eq!(refresh(&app, &second).status, 401, "two had its session");
        assert_eq!(refresh(&app, &other).status, 200);
    }
}

#[test]
fn a_user_has_so_many_sessions_and_the_oldest_gives_way() {
    for place in places() {
        let app = App::on(place);
        let now = app.clock.now();
        let end = now + TimeDelta::days(30);
        let alive = app
            .database
            .write(|conn| {
                let ada =
                    users::insert(conn, "ada", kiosque::content::role::Role::Author, "", now)?;
                let bea =
                    users::insert(conn, "bea", kiosque::content::role::Role::Author, "", now)?;
                let other = sessions::start(conn, bea.num, end, now)?;
                let mut all = vec![other.id];
                for n in 0..202 {
                    let at = now + TimeDelta::seconds(n);
                    all.push(sessions::start(conn, ada.num, end, at)?.id);
                }
                let mut alive = Vec::new();
                for id in all {
                    let (session, _) = sessions::with_user(conn, &id)?.unwrap();
                    alive.push(session.is_good(now + TimeDelta::minutes(1)));
                }
                Ok(alive)
            })
            .unwrap();
        assert_eq!(alive[..4], [true, false, false, true]);
        assert!(alive[3..].iter().all(|alive| *alive));
    }
}

#[test]
fn bodies_of_credentials_are_small() {
    let app = App::new();
    let admin = app.login("root", "admin");
    let big = json!({"name": "x".repeat(9_000)});
    for (method, path) in [
        ("POST", "/v1/tokens"),
        ("DELETE", "/v1/tokens"),
        ("PUT", "/v1/me/password"),
        ("POST", "/v1/keys"),
        ("POST", "/v1/users"),
        ("PATCH", "/v1/users/root"),
    ] {
        let reply = app.write(method, path, &admin, &[], Some(big.clone()));
        assert_eq!(reply.status, 413, "{method} {path}: {}", reply.text());
    }
}

#[test]
fn bad_credentials_are_refused_however_the_path_is_written() {
    let app = App::new();
    let bad = [("authorization", "Bearer no")];
    for path in ["/v1/articles", "/%761/articles", "/%76%31/articles"] {
        assert_eq!(app.get(path).status, 200, "{path}");
        assert_eq!(app.get_with(path, &bad).status, 401, "{path}");
    }
    let exposed = app.get("/v1/articles");
    let exposed = exposed.header("access-control-expose-headers");
    for name in ["idempotency-replayed", "www-authenticate"] {
        assert!(exposed.contains(name), "{exposed}");
    }
}
