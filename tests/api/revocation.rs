//! Credentials that cease to count while a request is under way.

use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use actix_web::test::TestRequest;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use kiosque::api::auth::{Author, Caller, Identity, Shown};
use kiosque::api::state::State;
use kiosque::api::writing::Write;
use kiosque::content::role::Role;
use serde_json::{Value, json};

use crate::support::{App, Place, article, places};

/// A request of which the head and the first byte of the body were sent, and have been looked at.
struct Slow(TcpStream, String);

impl Slow {
    fn begin(app: &App, head: &str, authorization: &str, body: &str) -> Self {
        let mut stream = TcpStream::connect(app.base.strip_prefix("http://").unwrap()).unwrap();
        let patience = Some(Duration::from_secs(60));
        stream.set_read_timeout(patience).unwrap();
        let (first, rest) = body.split_at(1);
        write!(
            stream,
            "{head}\r\nhost: x\r\nauthorization: {authorization}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{first}",
            body.len()
        )
        .unwrap();
        std::thread::sleep(Duration::from_millis(400));
        Self(stream, rest.to_owned())
    }

    fn end(mut self) -> String {
        self.0.write_all(self.1.as_bytes()).unwrap();
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).unwrap();
        answer
    }
}

const POST: &str = "POST /v1/articles HTTP/1.1\r\ncontent-type: application/json";

fn patch_user(app: &App, admin: &str, name: &str, patch: Value) {
    let path = format!("/v1/users/{name}");
    let user = app.get_with(&path, &[("authorization", admin)]);
    let condition = [("if-match", user.header("etag"))];
    let reply = app.write("PATCH", &path, admin, &condition, Some(patch));
    assert_eq!(reply.status, 200, "{}", reply.text());
}

fn articles(app: &App, admin: &str) -> usize {
    let all = app.get_with(
        "/v1/articles?status=draft,published&count=exact",
        &[("authorization", admin)],
    );
    let count = all.json()["page"]["count"].as_u64();
    count.unwrap_or_else(|| panic!("{}", all.text())) as usize
}

#[test]
fn a_body_that_comes_after_a_revocation_is_not_carried_out() {
    for place in places() {
        let app = App::on(place);
        let admin = app.login("root", "admin");
        let body =
            json!({"headline": "Trop tard", "language": "fr", "body": "<p>x</p>"}).to_string();
        let out = |authorization: &str| {
            let reply = app.write("DELETE", "/v1/tokens", authorization, &[], None);
            assert_eq!(reply.status, 204);
        };

        let token = app.login("ada", "editor");
        let slow = Slow::begin(&app, POST, &token, &body);
        out(&token);
        assert!(slow.end().starts_with("HTTP/1.1 401"));

        let slow = Slow::begin(&app, POST, &app.login("bea", "editor"), &body);
        patch_user(&app, &admin, "bea", json!({"disabled": true}));
        assert!(slow.end().starts_with("HTTP/1.1 401"));

        let slow = Slow::begin(&app, POST, &app.login("cai", "editor"), &body);
        patch_user(&app, &admin, "cai", json!({"role": "author"}));
        assert!(slow.end().starts_with("HTTP/1.1 403"));

        let made = json!({"name": "bot", "role": "editor"});
        let made = app.write("POST", "/v1/keys", &admin, &[], Some(made));
        let key = format!("Bearer {}", made.json()["key"].as_str().unwrap());
        let slow = Slow::begin(&app, POST, &key, &body);
        let path = made.header("location");
        assert_eq!(app.write("DELETE", path, &admin, &[], None).status, 204);
        assert!(slow.end().starts_with("HTTP/1.1 401"));
        assert_eq!(articles(&app, &admin), 0);

        // Nor is an earlier answer told again.
        let token = app.login("dan", "editor");
        let headers = [
            ("authorization", &*token),
            ("content-type", "application/json"),
            ("idempotency-key", "k"),
        ];
        assert_eq!(app.post_with("/v1/articles", &headers, &body).status, 201);
        let head = format!("{POST}\r\nidempotency-key: k");
        let slow = Slow::begin(&app, &head, &token, &body);
        let replayed = app.post_with("/v1/articles", &headers, &body);
        assert_eq!(replayed.header("idempotency-replayed"), "true");
        out(&token);
        let late = slow.end();
        assert!(late.starts_with("HTTP/1.1 401"), "{late}");
        assert!(!late.contains("Trop tard"), "{late}");
    }
}

#[test]
fn an_import_ends_when_its_caller_is_disabled_or_demoted() {
    for place in places() {
        let app = App::on(place);
        let admin = app.login("root", "admin");
        for (name, patch, status) in [
            ("ada", json!({"disabled": true}), 401),
            ("bea", json!({"role": "author"}), 403),
        ] {
            let token = app.login(name, "editor");
            let many = |from: usize, to: usize| -> String {
                let line = |n| format!("{}\n", article(&format!("{name}-{n}")).0);
                (from..to).map(line).collect()
            };
            let (first, second) = (many(0, 350), many(350, 1_000));
            let mut stream = TcpStream::connect(app.base.strip_prefix("http://").unwrap()).unwrap();
            write!(
                stream,
                "POST /v1/imports HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\ncontent-type: application/x-ndjson\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{first}",
                first.len() + second.len()
            )
            .unwrap();
            let mut answer = Vec::new();
            let mut buffer = [0; 65_536];
            while !String::from_utf8_lossy(&answer).contains("\"line\":350,") {
                let count = stream.read(&mut buffer).unwrap();
                assert!(count > 0, "the answer ended early");
                answer.extend_from_slice(&buffer[..count]);
            }
            let before = articles(&app, &admin);
            patch_user(&app, &admin, name, patch);
            stream.write_all(second.as_bytes()).unwrap();
            let mut rest = String::new();
            stream.read_to_string(&mut rest).unwrap();
            assert!(
                rest.contains("{\"error\":{") && rest.contains(&format!("\"status\":{status}")),
                "{rest}"
            );
            assert_eq!(articles(&app, &admin), before);
        }
    }
}

fn request(key: &str) -> HttpRequest {
    let request = TestRequest::post()
        .uri("/v1/articles")
        .insert_header(("idempotency-key", key))
        .to_http_request();
    request.extensions_mut().insert(Identity {
        name: "outside:ada@x".to_owned(),
        role: Role::Author,
        shown: Shown::Token {
            user: None,
            issued_at: 0.0,
            mark: kiosque::identity::authority::Mark {
                id: "m".to_owned(),
                expires_at: crate::support::at("2999-01-01T00:00:00Z"),
            },
        },
    });
    request
}

#[actix_web::test]
async fn a_panic_in_the_work_frees_its_idempotency_key() {
    let place = Place::sqlite();
    let mut config = kiosque::config::Config::from_variables(&Default::default()).unwrap();
    config.search_dir = place.folder.path().join("search");
    config.identity.signing =
        kiosque::config::SigningKeys::Secret(kiosque::config::Hidden::new("s".repeat(40)));
    let clock = kiosque::content::time::Clock::at(crate::support::app::noon());
    let (state, services) =
        kiosque::cli::serve::assemble(&config, place.open(), clock).expect("assembled");
    let tried = async |state: &State, panics: bool| {
        let request = request("k");
        let caller = Caller::<Author>::extract(&request).await.ok().unwrap();
        let write = Write::of(&request, caller).and_then(|write| write.repeatable(&request, b""));
        let done = write.unwrap().carry_out(state, move |_, _| {
            assert!(!panics, "the work panics");
            Ok(kiosque::api::conditional::Answer::no_content())
        });
        done.await.map(|response| response.status().as_u16())
    };
    assert!(tried(&state, true).await.is_err());
    assert_eq!(tried(&state, false).await.ok(), Some(204));
    drop(state);
    services.stop();
}

#[test]
fn an_idempotency_key_is_given_once() {
    let app = App::new();
    let headers = [("idempotency-key", "a"), ("idempotency-key", "b")];
    let body = json!({"headline": "Un", "language": "fr", "body": "<p>x</p>"});
    let reply = app.write(
        "POST",
        "/v1/articles",
        &app.key("editor"),
        &headers,
        Some(body),
    );
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert_eq!(reply.named(), ["Idempotency-Key"]);
}
