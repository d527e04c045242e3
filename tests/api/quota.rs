//! How often a key may be used, how an answer says so, and what is counted.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::rights::partner;
use crate::support::{App, Place, Reply, article, at, places};

fn me(app: &App, bearer: &str) -> Reply {
    app.get_with("/v1/me", &[("authorization", bearer)])
}

fn read(app: &App, path: &str, bearer: &str) -> Reply {
    app.get_with(path, &[("authorization", bearer)])
}

#[test]
fn a_rate_is_kept_and_told() {
    for place in places() {
        let app = App::on(place);
        let admin = app.login("root", "admin");
        let (_, bearer) = partner(&app, &admin, "vite", json!({"rate_per_minute": 3}));
        let first = me(&app, &bearer);
        assert_eq!(first.status, 200);
        assert_eq!(first.header("ratelimit-policy"), "\"minute\";q=3;w=60");
        assert_eq!(first.header("ratelimit"), "\"minute\";r=2;t=20");
        // A failure says so, too.
        let absent = read(&app, "/v1/articles/personne", &bearer);
        assert_eq!(absent.status, 404);
        assert_eq!(absent.header("ratelimit"), "\"minute\";r=1;t=40");
        assert_eq!(me(&app, &bearer).status, 200);
        let refused = me(&app, &bearer);
        assert_eq!(refused.status, 429);
        assert_eq!(refused.json()["code"], "rate_exceeded");
        assert_eq!(refused.header("retry-after"), "20");
        assert_eq!(refused.header("ratelimit"), "\"minute\";r=0;t=60");
        assert_eq!(refused.header("content-type"), "application/problem+json");
        assert!(
            refused
                .header("access-control-expose-headers")
                .contains("ratelimit")
        );
        app.clock.set(app.clock.now() + TimeDelta::seconds(20));
        assert_eq!(me(&app, &bearer).status, 200);
        assert_eq!(me(&app, &bearer).status, 429);
        // Others are not held up by it.
        assert_eq!(app.get("/v1/articles").status, 200);
        assert!(app.get("/v1/articles").header("ratelimit").is_empty());
        assert!(me(&app, &app.key("partner")).header("ratelimit").is_empty());
    }
}

#[test]
fn a_quota_is_of_a_day_and_of_all_servers() {
    for place in places() {
        let beside = place.shared();
        let app = App::on(place);
        let admin = app.key("admin");
        let (id, bearer) = partner(&app, &admin, "jour", json!({"daily_quota": 5}));
        app.clock.set(at("2025-06-01T23:59:30Z"));
        for left in (2..5).rev() {
            let reply = me(&app, &bearer);
            assert_eq!(reply.status, 200);
            assert_eq!(reply.header("ratelimit-policy"), "\"day\";q=5;w=86400");
            assert_eq!(reply.header("ratelimit"), format!("\"day\";r={left};t=30"));
        }
        // Another server knows what this one has counted, once it is written.
        let usage = format!("/v1/keys/{id}/usage");
        assert_eq!(read(&app, &usage, &admin).json()["total"]["requests"], 3);
        let other = App::on(beside);
        other.clock.set(app.clock.now());
        for _ in 0..2 {
            assert_eq!(me(&other, &bearer).status, 200);
        }
        let refused = me(&other, &bearer);
        assert_eq!(refused.status, 429);
        assert_eq!(refused.json()["code"], "quota_exceeded");
        assert_eq!(refused.header("retry-after"), "30");
        assert_eq!(refused.header("ratelimit"), "\"day\";r=0;t=30");
        read(&other, &usage, &admin);
        std::thread::sleep(Duration::from_millis(1_100));
        assert_eq!(me(&app, &bearer).status, 429, "also on the first");
        let tomorrow = at("2025-06-02T00:00:00Z");
        app.clock.set(tomorrow);
        assert_eq!(me(&app, &bearer).status, 200);
        let days = read(&app, &usage, &admin).json();
        assert_eq!(days["data"][0]["day"], "2025-06-02");
        assert_eq!(days["data"][0]["requests"], 1);
        assert_eq!(days["data"][1]["requests"], 5);
        assert_eq!(days["data"][1]["refused_by_quota"], 2);
    }
}

#[test]
fn a_restart_remembers_what_was_used() {
    let place = Place::sqlite();
    let app = App::on(place.shared());
    let admin = app.login("root", "admin");
    let (_, bearer) = partner(&app, &admin, "suite", json!({"daily_quota": 3}));
    assert_eq!([0; 3].map(|_| me(&app, &bearer).status), [200; 3]);
    drop(app);
    let app = App::on(place);
    assert_eq!(me(&app, &bearer).status, 429);
}

#[test]
fn admins_read_how_much_every_key_was_used() {
    for place in places() {
        let app = App::on(place);
        app.import(&[article("un")]);
        let admin = app.key("admin");
        let (id, bearer) = partner(&app, &admin, "compte", json!({"rate_per_minute": 2}));
        let (quiet, _) = partner(&app, &admin, "muet", json!({}));
        let editor = app.key("editor");
        app.clock.set(at("2025-05-20T08:00:00Z"));
        assert_eq!(me(&app, &bearer).status, 200);
        app.clock.set(at("2025-06-01T12:00:00Z"));
        let used: Vec<u16> = (0..3)
            .map(|_| read(&app, "/v1/articles", &bearer).status)
            .collect();
        assert_eq!(used, [200, 200, 429]);
        me(&app, &editor);
        let path = format!("/v1/keys/{id}/usage");
        let usage = read(&app, &path, &admin);
        assert_eq!(
            usage.json(),
            json!({
                "data": [
                    {"day": "2025-06-01", "requests": 2, "refused_by_quota": 0, "refused_by_rate": 1,
                     "last_used_at": "2025-06-01T12:00:00Z"},
                    {"day": "2025-05-20", "requests": 1, "refused_by_quota": 0, "refused_by_rate": 0,
                     "last_used_at": "2025-05-20T08:00:00Z"},
                ],
                "total": {"requests": 3, "refused_by_quota": 0, "refused_by_rate": 1,
                          "last_used_at": "2025-06-01T12:00:00Z"},
            })
        );
        let part = read(
            &app,
            &format!("{path}?from=2025-05-01&to=2025-05-31"),
            &admin,
        )
        .json();
        assert_eq!(part["data"].as_array().unwrap().len(), 1);
        let never = read(&app, &format!("/v1/keys/{quiet}/usage"), &admin).json();
        assert_eq!(never["data"], json!([]));
        let all = read(&app, "/v1/usage?limit=1", &admin);
        assert_eq!(all.json()["data"][0]["key"]["role"], "editor");
        assert_eq!(all.json()["data"][0]["requests"], 1);
        let next = all.json()["page"]["next"].as_str().unwrap().to_owned();
        let rest = read(&app, &format!("/v1/usage?limit=1&cursor={next}"), &admin).json();
        assert_eq!(rest["data"][0]["key"]["id"], id.as_str());
        assert_eq!(rest["data"][0]["requests"], 3);
        assert!(rest["page"]["next"].is_string(), "the admin's is left");
        for (query, named) in [
            ("from=2025-06-31", "from"),
            ("from=2025-6-1", "from"),
            ("from=2025-06-02&to=2025-06-01", "from"),
            ("day=2025-06-01", "day"),
        ] {
            for path in [&path, "/v1/usage"] {
                let reply = read(&app, &format!("{path}?{query}"), &admin);
                assert_eq!(reply.status, 400, "{query}");
                assert_eq!(reply.json()["errors"][0]["parameter"], named, "{query}");
            }
        }
        assert_eq!(read(&app, &path, &editor).status, 403);
        assert_eq!(read(&app, "/v1/usage", &editor).status, 403);
        assert_eq!(app.get("/v1/usage").status, 401);
        let unknown = format!("/v1/keys/{}/usage", "01921c5e-7a1a-7000-8000-000000000009");
        assert_eq!(read(&app, &unknown, &admin).status, 404);
    }
}

#[test]
fn a_key_in_an_address_is_refused_with_a_hint() {
    let app = App::with(&[article("un")]);
    let key = app.key("reader").replace("Bearer ", "");
    for query in [
        format!("key={key}"),
        format!("api_key={key}"),
        format!("access_token={key}"),
        format!("limit=1&API-KEY={key}"),
        format!("q={key}"),
        "key=x".to_owned(),
    ] {
        for path in ["/v1/articles", "/v1/articles/un", "/v1/me"] {
            let reply = app.get(&format!("{path}?{query}"));
            assert_eq!(reply.status, 400, "{path}?{query}");
            let problem = reply.json();
            assert_eq!(problem["code"], "invalid_parameter");
            assert!(reply.text().contains("Authorization"), "{problem}");
            assert!(!reply.text().contains(&key), "{problem}");
        }
    }
    let reply = app.get_with(
        &format!("/v1/keys/{key}"),
        &[("authorization", &app.key("admin"))],
    );
    assert_eq!(reply.status, 404);
}

#[test]
fn old_counts_are_forgotten() {
    for place in places() {
        let app = App::on(place);
        let admin = app.key("admin");
        let (id, bearer) = partner(&app, &admin, "vieux", json!({}));
        app.clock.set(at("2024-01-01T12:00:00Z"));
        me(&app, &bearer);
        app.clock.set(at("2025-06-01T12:00:00Z"));
        me(&app, &bearer);
        let path = format!("/v1/keys/{id}/usage?from=2023-01-01");
        let days = || {
            let usage = read(&app, &path, &admin).json();
            usage["data"].as_array().unwrap().len()
        };
        assert_eq!(days(), 2);
        let now = app.clock.now();
        app.database
            .write(|conn| kiosque::store::expiry::clear(conn, now))
            .unwrap();
        assert_eq!(days(), 1);
    }
}
