//! The OpenAPI document says what the program does: it is current, and its examples are real answers.
//!
//! `KIOSQUE_TEST_UPDATE=1 cargo test --test openapi` writes the files anew; run it twice, for the examples are
//! compiled into the document.

mod support;

use std::fs;
use std::path::PathBuf;

use kiosque::api::examples::{BODIES, EXAMPLES, Example};
use kiosque::api::openapi::{document, document_text};
use kiosque::store::webhook_filters::Filter;
use kiosque::store::webhooks::{self, WebhookRow};
use serde_json::Value;
use support::{App, Place, at};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("openapi")
        .join(name)
}

fn updating() -> bool {
    std::env::var_os("KIOSQUE_TEST_UPDATE").is_some()
}

#[test]
fn the_committed_document_is_the_programs_own() {
    let text = document_text().unwrap();
    if updating() {
        fs::write(file("openapi.json"), &text).unwrap();
    }
    let committed = fs::read_to_string(file("openapi.json")).unwrap();
    assert!(
        committed == text,
        "openapi/openapi.json is stale: see the head of this file"
    );
}

#[test]
fn every_example_is_what_the_demo_answers() {
    let app = App::on(Place::sqlite());
    app.clock.set(at("2026-11-01T12:00:00Z"));
    let samples = file("../samples/portail.ndjson");
    let (_, complaints) = app.import_text(&fs::read_to_string(samples).unwrap());
    assert_eq!(complaints, []);
    for example in EXAMPLES {
        let live = answer(&app, example);
        if updating() {
            let text = serde_json::to_string_pretty(&live).unwrap() + "\n";
            fs::write(
                file("examples").join(format!("{}.json", example.operation_id)),
                text,
            )
            .unwrap();
        } else {
            assert_eq!(example.value(), live, "{}", example.operation_id);
        }
    }
}

#[test]
fn every_example_of_a_body_is_taken_and_none_is_missing() {
    let app = App::on(Place::sqlite());
    app.clock.set(at("2026-11-01T12:00:00Z"));
    let samples = file("../samples/portail.ndjson");
    let (_, complaints) = app.import_text(&fs::read_to_string(samples).unwrap());
    assert_eq!(complaints, []);
    let document = serde_json::to_value(document()).unwrap();
    let admin = app.login("ada", "admin");
    webhook_of_the_examples(&app);
    let mut shown = Vec::new();
    let mut key = String::new();
    for (id, body) in BODIES {
        let (method, path, operation) = operation(&document, id);
        let content = operation["requestBody"]["content"].as_object().unwrap();
        let (media_type, content) = content.iter().next().unwrap();
        assert!(!content["example"].is_null(), "{id}");
        let mut path = path;
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "path" {
                let name = format!("{{{}}}", parameter["name"].as_str().unwrap());
                let value = parameter["example"].as_str();
                path = path.replace(&name, value.unwrap_or_else(|| panic!("{id} {name}")));
            }
        }
        if *id == "update_key" {
            path = format!("/v1/keys/{key}");
        }
        let caller = match *id {
            "change_password" => {
                let body = BODIES.iter().find(|(id, _)| *id == "create_token");
                let tokens = app.post("/v1/tokens", body.unwrap().1).json();
                format!("Bearer {}", tokens["access_token"].as_str().unwrap())
            }
            _ => admin.clone(),
        };
        let mut headers = vec![
            ("authorization", caller.as_str()),
            ("content-type", media_type),
        ];
        if operation["responses"]["428"].is_object() {
            headers.push(("if-match", "*"));
        }
        let reply = app.send_with(&method, &path, &headers, body.as_bytes());
        assert!(
            (200..300).contains(&reply.status),
            "{id} {path}: {}",
            reply.text()
        );
        if *id == "create_key" {
            key = reply.json()["id"].as_str().unwrap().to_owned();
        }
        shown.push(*id);
    }
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(
                operation.get("requestBody").is_none() || shown.contains(&id),
                "{id} has no example"
            );
        }
    }
}

/// The one whose id the document shows; it is disabled, so that nothing is sent.
fn webhook_of_the_examples(app: &App) {
    let now = app.clock.now().naive_utc();
    let row = WebhookRow {
        id: "01921c5e-7a1a-7000-8000-000000000001".to_owned(),
        url: "https://hooks.partner.example/kiosque".to_owned(),
        description: None,
        filter: Filter::default().to_text().unwrap(),
        secret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".to_owned(),
        former_secret: None,
        former_until: None,
        position: 0,
        failing_since: None,
        disabled_at: Some(now),
        disabled_reason: None,
        lease_owner: None,
        lease_until: None,
        created_at: now,
        created_by: None,
        updated_at: now,
        deleted_at: None,
        version: 1,
    };
    let stored = app.database.write(|conn| webhooks::insert(conn, &row));
    stored.unwrap();
}

/// An operation of the document with its method and path.
fn operation(document: &Value, id: &str) -> (String, String, Value) {
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["operationId"] == id {
                return (method.to_uppercase(), path.clone(), operation.clone());
            }
        }
    }
    panic!("there is no operation {id}");
}

fn answer(app: &App, example: &Example) -> Value {
    let reply = match example.body {
        Some(body) => app.post(example.path, body),
        None => app.get(example.path),
    };
    assert_eq!(reply.status, 200, "{}", example.path);
    if reply.header("content-type").contains("xml") {
        return reply.text().into();
    }
    let mut json = reply.json();
    // Each store has its own.
    if let Some(store) = json.pointer_mut("/page/store") {
        *store = "0199a3f2-6a11-7c44-9d0e-5b1f3c8e2a70".into();
    }
    json
}

#[test]
fn every_operation_is_summed_up_and_says_how_it_fails() {
    let document = serde_json::to_value(document()).unwrap();
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            operations += 1;
            assert!(
                operation["summary"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{name}"
            );
            assert!(operation["operationId"].is_string(), "{name}");
            for status in ["400", "404", "405", "500", "503", "504"] {
                let content = &operation["responses"][status]["content"];
                assert!(
                    content["application/problem+json"].is_object(),
                    "{name} {status}"
                );
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(
                    parameter["description"].is_string(),
                    "{name} {}",
                    parameter["name"]
                );
            }
        }
    }
    assert!(operations >= 12);
}
