//! API keys: made and revoked by admins, shown once.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{App, places};

fn listed(app: &App, admin: &str) -> Value {
    let reply = app.get_with("/v1/keys?count=exact", &[("authorization", admin)]);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

#[test]
fn a_key_is_shown_once_counts_and_is_revoked() {
    for place in places() {
        let app = App::on(place);
        let admin = app.login("root", "admin");
        let body = json!({"name": "Bot", "role": "partner", "expires_at": "2025-07-01T00:00:00Z"});
        let made = app.write("POST", "/v1/keys", &admin, &[], Some(body.clone()));
        assert_eq!(made.status, 201, "{}", made.text());
        let key = made.json()["key"].as_str().unwrap().to_owned();
        assert!(
            key.starts_with("kqk_") && key.starts_with(made.json()["prefix"].as_str().unwrap())
        );
        assert_eq!(made.json()["created_by"], "root");
        let bearer = format!("Bearer {key}");
        let me = || app.get_with("/v1/me", &[("authorization", &bearer)]);
        assert_eq!(me().json(), json!({"name": "key:bot", "role": "partner"}));
        assert_eq!(
            app.write("POST", "/v1/keys", &admin, &[], Some(body))
                .status,
            409
        );
        let list = listed(&app, &admin);
        assert!(!list.to_string().contains(&key));
        assert_eq!(list["page"]["count"], 1);
        assert_eq!(
            app.write("DELETE", "/v1/tokens", &bearer, &[], None).status,
            409
        );

        let noon = app.clock.now();
        app.clock.set(noon + TimeDelta::days(40));
        assert_eq!(me().status, 401, "it has expired");
        app.clock.set(noon);
        assert_eq!(me().status, 200);
        let path = made.header("location").to_owned();
        assert_eq!(app.write("DELETE", &path, &bearer, &[], None).status, 403);
        assert_eq!(app.write("DELETE", &path, &admin, &[], None).status, 204);
        let refused = me();
        assert_eq!(refused.status, 401);
        assert_eq!(
            refused.header("www-authenticate"),
            r#"Bearer realm="kiosque", error="invalid_token""#
        );
        assert_eq!(app.write("DELETE", &path, &admin, &[], None).status, 204);
        assert_eq!(
            app.write("DELETE", "/v1/keys/bot", &admin, &[], None)
                .status,
            404
        );
        assert!(listed(&app, &admin)["data"][0]["revoked_at"].is_string());
    }
}

#[test]
fn the_faults_of_a_key_are_told_at_once() {
    let app = App::new();
    let admin = app.login("root", "admin");
    let body = json!({"name": "a/b", "role": "boss", "expires_at": "2025-05-01"});
    let reply = app.write("POST", "/v1/keys", &admin, &[], Some(body));
    assert_eq!(reply.status, 422);
    let errors = reply.json()["errors"].as_array().unwrap().len();
    assert_eq!(errors, 3, "{}", reply.text());
    assert_eq!(listed(&app, &admin)["page"]["count"], 0);
}

#[test]
fn the_use_of_a_key_is_noted_once_a_minute() {
    for place in places() {
        let app = App::on(place);
        let admin = app.login("root", "admin");
        let key = app.key("reader");
        let used = |expected: &str| {
            assert_eq!(
                app.get_with("/v1/me", &[("authorization", &key)]).status,
                200
            );
            let deadline = Instant::now() + Duration::from_secs(10);
            while listed(&app, &admin)["data"][0]["last_used_at"] != expected {
                assert!(Instant::now() < deadline, "{expected}");
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        let noon = app.clock.now();
        used("2025-06-01T12:00:00Z");
        app.clock.set(noon + TimeDelta::seconds(59));
        used("2025-06-01T12:00:00Z");
        app.clock.set(noon + TimeDelta::seconds(60));
        used("2025-06-01T12:01:00Z");
    }
}

#[test]
fn keys_go_with_the_user_who_made_them() {
    for place in places() {
        let app = App::on(place);
        let admin = app.login("root", "admin");
        let ada = app.login("ada", "admin");
        let make = |by: &str, name: &str| {
            let body = json!({"name": name, "role": "admin"});
            let made = app.write("POST", "/v1/keys", by, &[], Some(body));
            assert_eq!(made.status, 201, "{}", made.text());
            format!("Bearer {}", made.json()["key"].as_str().unwrap())
        };
        let first = make(&ada, "first");
        let second = make(&first, "second");
        let other = make(&admin, "other");
        let counts = |key: &str| app.get_with("/v1/me", &[("authorization", key)]).status;
        let any = [("if-match", "*")];
        let off = json!({"disabled": true});
        let done = app.write("PATCH", "/v1/users/ada", &admin, &any, Some(off));
        assert_eq!(done.status, 200, "{}", done.text());
        assert_eq!([&first, &second].map(|key| counts(key)), [200, 200]);
        let done = app.write("DELETE", "/v1/users/ada", &admin, &any, None);
        assert_eq!(done.status, 204, "{}", done.text());
        let after = [&first, &second, &other].map(|key| counts(key));
        assert_eq!(after, [401, 401, 200]);
        for (action, member) in [
            ("user.update", "keys_that_still_count"),
            ("user.delete", "revoked_keys"),
        ] {
            let path = format!("/v1/audit?action={action}");
            let trail = app.get_with(&path, &[("authorization", &admin)]).json();
            let named = &trail["data"][0]["detail"][member];
            assert_eq!(*named, json!(["first", "second"]), "{trail}");
        }
    }
}
