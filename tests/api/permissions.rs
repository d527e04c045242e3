//! Every operation, for every role and every kind of credentials: whoever may not is refused as documented, and nothing
//! has changed then.

use chrono::TimeDelta;
use kiosque::content::time::to_stored;
use kiosque::identity::secret;
use kiosque::store::keys::{self, KeyRow};
use serde_json::Value;
use uuid::Uuid;

use crate::support::{App, Reply, article, dump, places};

const ROLES: [&str; 5] = ["reader", "partner", "author", "editor", "admin"];

/// An operation of the document.
struct Operation {
    id: String,
    method: String,
    path: String,
    /// The least role, where it is not for everyone.
    role: Option<String>,
    documented: Vec<u16>,
}

fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(kiosque::api::openapi::document()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let role = operation["security"][0]["bearer"][0].as_str();
            let responses = operation["responses"].as_object().unwrap();
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                role: role.map(str::to_owned),
                documented: responses
                    .keys()
                    .map(|status| status.parse().unwrap())
                    .collect(),
            });
        }
    }
    operations
}

impl Operation {
    /// Sends it with these credentials, at an article and a tag that exist, with nothing else that it may need.
    fn send(&self, app: &App, authorization: &str) -> Reply {
        let path = self
            .path
            .replace("/tags/{slug}", "/tags/t")
            .replace("{slug}", "a")
            .replace("{version}", "1")
            .replace("{other}", "b")
            .replace("{code}", "gone")
            .replace("{token}", "nothing")
            .replace("{delivery}", "nothing")
            .replace("{id}", "0190b0a0-0000-7000-8000-000000000001")
            .replace("{name}", "nobody");
        assert!(
            !path.contains('{'),
            "{path} has a parameter that this test does not know"
        );
        let mut headers = Vec::new();
        if !authorization.is_empty() {
            headers.push(("authorization", authorization));
        }
        match self.method.as_str() {
            // A stream that begins has no end.
            "GET" if path.ends_with("/stream") => {
                app.send("GET", &format!("{path}?after=999999"), &headers)
            }
            "GET" => app.send("GET", &path, &headers),
            method => app.send_with(method, &path, &headers, b""),
        }
    }

    #[track_caller]
    fn assert_refused(&self, reply: &Reply, status: u16, who: &str) {
        let name = format!("{} for {who}", self.id);
        assert_eq!(reply.status, status, "{name}: {}", reply.text());
        assert!(
            self.documented.contains(&status),
            "{name}: {status} is not documented"
        );
        assert_eq!(
            reply.header("content-type"),
            "application/problem+json",
            "{name}"
        );
        assert_eq!(reply.header("cache-control"), "no-store", "{name}");
        let challenge = reply.header("www-authenticate");
        assert_eq!(
            challenge.starts_with("Bearer"),
            status == 401,
            "{name}: {challenge}"
        );
    }
}

/// Credentials of every role that do not count, each with what is wrong with them.
fn bad_credentials(app: &App) -> Vec<(String, String)> {
    let mut bad = vec![
        (
            "a forged key".to_owned(),
            format!("Bearer {}", secret::new(secret::API_KEY).unwrap()),
        ),
        ("an empty token".to_owned(), "Bearer ".to_owned()),
        ("no token".to_owned(), "Bearer a.b.c".to_owned()),
        ("another scheme".to_owned(), "Basic YTpi".to_owned()),
    ];
    let expired: Vec<String> = ROLES
        .iter()
        .map(|role| app.login(&format!("expired-{role}"), role))
        .collect();
    app.clock.set(app.clock.now() + TimeDelta::hours(1));
    let now = app.clock.now();
    for (role, expired) in ROLES.iter().zip(expired) {
        bad.push((format!("an expired token of the role {role}"), expired));
        let revoked = app.login(&format!("revoked-{role}"), role);
        let out = app.write("DELETE", "/v1/tokens", &revoked, &[], None);
        assert_eq!(out.status, 204);
        bad.push((format!("a revoked token of the role {role}"), revoked));
        let good = app.login(&format!("forged-{role}"), role);
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let turned: String = signature.chars().rev().collect();
        bad.push((
            format!("a forged token of the role {role}"),
            format!("{signed}.{turned}"),
        ));
        bad.push((
            format!("an unsigned token of the role {role}"),
            format!("{signed}."),
        ));
    }
    for role in ROLES {
        for (what, expires, revoked) in [
            ("expired", Some(now), None),
            ("revoked", None, Some(now - TimeDelta::seconds(1))),
        ] {
            let key = secret::new(secret::API_KEY).unwrap();
            let row = KeyRow {
                id: Uuid::now_v7().to_string(),
                name: format!("{what} {role}"),
                role: role.to_owned(),
                prefix: String::new(),
                hash: secret::digest(&key),
                created_at: to_stored(now),
                created_by: None,
                expires_at: expires.map(to_stored),
                last_used_at: None,
                revoked_at: revoked.map(to_stored),
            };
            app.database.write(|conn| keys::insert(conn, &row)).unwrap();
            bad.push((
                format!("an {what} key of the role {role}"),
                format!("Bearer {key}"),
            ));
        }
    }
    bad
}

#[test]
fn whoever_may_not_is_refused_and_changes_nothing() {
    for place in places() {
        let app = App::on(place);
        app.import(&[
            article("a").tagged("t").status("draft"),
            article("b").tagged("t"),
        ]);
        let bad = bad_credentials(&app);
        let keys = ROLES
            .iter()
            .map(|role| (app.key(role), app.login(role, role)));
        let keys: Vec<(String, String)> = keys.collect();
        let before = dump(&app.database);
        for operation in operations() {
            for (who, authorization) in &bad {
                let reply = operation.send(&app, authorization);
                if operation.path.starts_with("/v1/") && operation.id != "create_token" {
                    operation.assert_refused(&reply, 401, who);
                } else {
                    assert_ne!(reply.status, 403, "{} for {who}", operation.id);
                }
            }
            let anonymous = operation.send(&app, "");
            let Some(least) = &operation.role else {
                assert!(
                    ![401, 403].contains(&anonymous.status) || operation.id == "create_token",
                    "{}: {}",
                    operation.id,
                    anonymous.text()
                );
                continue;
            };
            operation.assert_refused(&anonymous, 401, "a stranger");
            let least = ROLES.iter().position(|role| role == least).unwrap();
            for (role, (key, token)) in ROLES.iter().zip(&keys).take(least) {
                operation.assert_refused(&operation.send(&app, key), 403, role);
                operation.assert_refused(&operation.send(&app, token), 403, role);
            }
        }
        assert_eq!(dump(&app.database), before);
    }
}

#[test]
fn whoever_may_is_let_in() {
    let app = App::with(&[article("a").tagged("t"), article("b").tagged("t")]);
    for operation in operations() {
        let least = operation.role.as_deref().unwrap_or("reader");
        let least = ROLES.iter().position(|role| *role == least).unwrap();
        for role in &ROLES[least..] {
            let reply = operation.send(&app, &app.login(&Uuid::now_v7().to_string(), role));
            let name = format!(
                "{} for {role}: {} {}",
                operation.id,
                reply.status,
                reply.text()
            );
            // An author may not touch what others made; that is no question of the role alone.
            let not_theirs = *role == "author" && reply.status == 403;
            assert!(
                reply.status != 401 || operation.id == "create_token",
                "{name}"
            );
            assert!(reply.status != 403 || not_theirs, "{name}");
            assert!(reply.status < 500, "{name}");
            assert!(
                operation.documented.contains(&reply.status),
                "{name} is not documented"
            );
        }
    }
}

#[test]
fn what_the_document_says_of_roles_is_about_operations_that_need_one() {
    for operation in operations() {
        let writes = operation.method != "GET";
        let open = ["relate_text", "create_token", "revoke_token"];
        assert!(
            !writes || operation.role.is_some() || open.contains(&operation.id.as_str()),
            "{} writes and is for everyone",
            operation.id
        );
    }
    let document: Value = serde_json::to_value(kiosque::api::openapi::document()).unwrap();
    let scheme = &document["components"]["securitySchemes"]["bearer"];
    assert_eq!(
        (scheme["type"].as_str(), scheme["scheme"].as_str()),
        (Some("http"), Some("bearer"))
    );
}
