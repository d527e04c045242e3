//! Users: made, changed and taken away by admins.

use serde_json::{Value, json};

use crate::support::{App, places};

fn add(app: &App, admin: &str, name: &str, role: &str) -> crate::support::Reply {
    let body = json!({"name": name, "role": role, "password": "correct horse"});
    app.write("POST", "/v1/users", admin, &[], Some(body))
}

fn log_in(app: &App, name: &str, password: &str) -> crate::support::Reply {
    app.post(
        "/v1/tokens",
        &json!({"name": name, "password": password}).to_string(),
    )
}

fn bearer(reply: &crate::support::Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text());
    format!("Bearer {}", reply.json()["access_token"].as_str().unwrap())
}

fn me(app: &App, authorization: &str) -> (u16, Value) {
    let reply = app.get_with("/v1/me", &[("authorization", authorization)]);
    (reply.status, reply.json()["role"].clone())
}

#[test]
fn a_user_is_made_changed_and_deleted_for_good() {
    for place in places() {
        let app = App::on(place);
        let admin = app.login("root", "admin");
        let made = add(&app, &admin, "Ada@News.example", "author");
        assert_eq!(made.status, 201, "{}", made.text());
        assert_eq!(made.header("location"), "/v1/users/ada@news.example");
        assert_eq!(made.json()["name"], "ada@news.example");
        assert!(!made.text().contains("argon2") && !made.text().contains("horse"));
        assert_eq!(add(&app, &admin, "ada@news.example", "author").status, 409);

        let path = "/v1/users/ada@news.example";
        let ada = bearer(&log_in(&app, "ADA@news.example", "correct horse"));
        assert_eq!(me(&app, &ada), (200, json!("author")));
        let patch = |etag: &str, body: Value| {
            app.write("PATCH", path, &admin, &[("if-match", etag)], Some(body))
        };
        assert_eq!(
            app.write("PATCH", path, &admin, &[], Some(json!({"role": "editor"})))
                .status,
            428
        );
        let etag = made.header("etag").to_owned();
        let promoted = patch(&etag, json!({"role": "editor"}));
        assert_eq!(promoted.status, 200, "{}", promoted.text());
        assert_eq!(patch(&etag, json!({"role": "admin"})).status, 412);
        // The token was given to an author, and is no more than that.
        assert_eq!(me(&app, &ada), (200, json!("author")));
        let demoted = patch(promoted.header("etag"), json!({"role": "reader"}));
        assert_eq!(me(&app, &ada), (200, json!("reader")), "at once");

        let disabled = patch(demoted.header("etag"), json!({"disabled": true}));
        assert_eq!(disabled.json()["disabled"], true);
        assert_eq!(me(&app, &ada).0, 401);
        assert_eq!(
            log_in(&app, "ada@news.example", "correct horse").status,
            401
        );
        let enabled = patch(disabled.header("etag"), json!({"disabled": false}));
        assert_eq!(me(&app, &ada).0, 401, "what was ended stays ended");
        let ada = bearer(&log_in(&app, "ada@news.example", "correct horse"));
        let renewed = patch(
            enabled.header("etag"),
            json!({"password": "battery staple"}),
        );
        assert_eq!(me(&app, &ada).0, 401);
        assert_eq!(
            log_in(&app, "ada@news.example", "correct horse").status,
            401
        );
        assert_eq!(
            log_in(&app, "ada@news.example", "battery staple").status,
            200
        );

        let etag = renewed.header("etag");
        assert_eq!(app.write("DELETE", path, &admin, &[], None).status, 428);
        assert_eq!(
            app.write("DELETE", path, &admin, &[("if-match", etag)], None)
                .status,
            204
        );
        assert_eq!(app.get_with(path, &[("authorization", &admin)]).status, 410);
        assert_eq!(
            log_in(&app, "ada@news.example", "battery staple").status,
            401
        );
        assert_eq!(add(&app, &admin, "ada@news.example", "author").status, 409);
        let list = app.get_with("/v1/users?count=exact", &[("authorization", &admin)]);
        assert_eq!(list.json()["page"]["count"], 1);
    }
}

#[test]
fn the_last_admin_stays_one() {
    for place in places() {
        let app = App::on(place);
        let admin = app.login("root", "admin");
        let path = "/v1/users/root";
        let any = [("if-match", "*")];
        let write = |method: &str, path: &str, body| app.write(method, path, &admin, &any, body);
        for body in [json!({"role": "editor"}), json!({"disabled": true})] {
            let reply = write("PATCH", path, Some(body));
            assert_eq!(reply.status, 409, "{}", reply.text());
        }
        assert_eq!(write("DELETE", path, None).status, 409);
        app.login("second", "admin");
        assert_eq!(
            write("PATCH", "/v1/users/second", Some(json!({"disabled": true}))).status,
            200
        );
        assert_eq!(
            write("DELETE", path, None).status,
            409,
            "a disabled one does not count"
        );
        assert_eq!(
            write(
                "PATCH",
                "/v1/users/second",
                Some(json!({"disabled": false}))
            )
            .status,
            200
        );
        assert_eq!(write("DELETE", path, None).status, 204);
        assert_eq!(
            write("DELETE", path, None).status,
            401,
            "the deleted one asks no more"
        );
    }
}

#[test]
fn every_fault_of_a_user_is_told_at_once_and_nothing_is_kept() {
    let app = App::new();
    let admin = app.login("root", "admin");
    let pointers = |reply: &crate::support::Reply| -> Vec<String> {
        let json = reply.json();
        let errors = json["errors"].as_array().unwrap();
        errors
            .iter()
            .map(|it| it["pointer"].as_str().unwrap().to_owned())
            .collect()
    };
    let new = json!({"name": "a b", "role": "boss", "password": "x".repeat(73)});
    let reply = app.write("POST", "/v1/users", &admin, &[], Some(new));
    assert_eq!(
        (reply.status, pointers(&reply)),
        (
            422,
            ["/name", "/role", "/password"].map(str::to_owned).to_vec()
        )
    );
    for (body, pointer) in [
        (json!({"role": null}), "/role"),
        (json!({"name": "other"}), "/name"),
        (json!({"disabled": "yes"}), "/disabled"),
        (json!({"password": "short"}), "/password"),
    ] {
        let reply = app.write(
            "PATCH",
            "/v1/users/root",
            &admin,
            &[("if-match", "*")],
            Some(body),
        );
        assert_eq!(reply.status, 422, "{}", reply.text());
        assert!(reply.text().contains(pointer), "{}", reply.text());
    }
    assert_eq!(
        app.get_with("/v1/users/%00", &[("authorization", &admin)])
            .status,
        404
    );
    let users = app
        .get_with("/v1/users", &[("authorization", &admin)])
        .json();
    assert_eq!(
        (
            users["data"].as_array().unwrap().len(),
            &users["data"][0]["version"]
        ),
        (1, &json!(1))
    );
}

#[test]
fn users_are_listed_by_name_to_admins_only() {
    let app = App::new();
    let admin = app.login("m", "admin");
    for name in ["b", "z", "a"] {
        app.login(name, "reader");
    }
    let get = |path: &str| app.get_with(path, &[("authorization", &admin)]);
    let first = get("/v1/users?limit=3");
    let names = |reply: &crate::support::Reply| -> Vec<String> {
        let json = reply.json();
        let data = json["data"].as_array().unwrap();
        data.iter()
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&first), ["a", "b", "m"]);
    assert!(first.header("cache-control").contains("no-store"));
    let next = first.json()["page"]["next"].as_str().unwrap().to_owned();
    let second = get(&format!("/v1/users?limit=3&cursor={next}"));
    assert_eq!(
        (names(&second), &second.json()["page"]["next"]),
        (vec!["z".to_owned()], &Value::Null)
    );
    assert_eq!(get("/v1/users?limit=0").status, 400);
    assert_eq!(get("/v1/users?role=admin").status, 400);
    assert_eq!(app.get("/v1/users").status, 401);
    let editor = app.login("e", "editor");
    assert_eq!(
        app.get_with("/v1/users", &[("authorization", &editor)])
            .status,
        403
    );
}

#[test]
fn changing_ones_own_password_ends_the_other_sessions() {
    for place in places() {
        let app = App::on(place);
        let admin = app.login("root", "admin");
        add(&app, &admin, "ada", "author");
        let here = bearer(&log_in(&app, "ada", "correct horse"));
        let there = bearer(&log_in(&app, "ada", "correct horse"));
        let change = |current: &str, new: &str| {
            let body = json!({"current_password": current, "password": new});
            app.write("PUT", "/v1/me/password", &here, &[], Some(body))
        };
        let wrong = change("wrong horse", "battery staple");
        assert_eq!(
            (wrong.status, &wrong.json()["errors"][0]["pointer"]),
            (422, &json!("/current_password"))
        );
        assert_eq!(change("correct horse", "short").status, 422);
        assert_eq!(me(&app, &there).0, 200);
        assert_eq!(change("correct horse", "battery staple").status, 204);
        assert_eq!((me(&app, &here).0, me(&app, &there).0), (200, 401));
        assert_eq!(log_in(&app, "ada", "correct horse").status, 401);
        assert_eq!(log_in(&app, "ada", "battery staple").status, 200);
        let key = app.key("editor");
        let body = json!({"current_password": "correct horse", "password": "battery staple"});
        assert_eq!(
            app.write("PUT", "/v1/me/password", &key, &[], Some(body))
                .status,
            403
        );
    }
}
