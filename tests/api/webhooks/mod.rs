//! Who is told of changes, and what comes of it.

mod failures;
mod filters;
mod locks;
mod managing;
mod repeats;
mod secrets;
mod servers;
mod stalls;
mod telling;

use std::time::{Duration, Instant};

use kiosque::config::Config;
use serde_json::{Value, json};

use crate::support::hook::{Heard, Hook, SECRET};
use crate::support::{App, Place, Reply};

const SOON: Duration = Duration::from_secs(20);

/// A server that may send to this machine, with two retries.
fn app(place: Place) -> App {
    App::configured(place, sending)
}

fn sending(config: &mut Config) {
    config.webhooks.allow = vec!["127.0.0.0/8".parse().unwrap()];
    config.webhooks.http = true;
    config.webhooks.timeout = Duration::from_secs(1);
    config.webhooks.retries = [10, 60, 600].map(Duration::from_secs).to_vec();
    config.public_url = Some("https://api.news.example".to_owned());
}

fn create(app: &App, body: Value) -> Value {
    let reply = app.write("POST", "/v1/webhooks", &app.key("admin"), &[], Some(body));
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

fn tell(app: &App, hook: &Hook) -> String {
    let made = create(app, json!({"url": hook.url, "secret": SECRET}));
    made["id"].as_str().unwrap().to_owned()
}

fn read(app: &App, path: &str) -> Value {
    let reply = app.get_with(path, &[("authorization", &app.key("admin"))]);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn webhook(app: &App, id: &str) -> Value {
    read(app, &format!("/v1/webhooks/{id}"))
}

fn deliveries(app: &App, id: &str, state: &str) -> Vec<Value> {
    let path = format!("/v1/webhooks/{id}/deliveries?limit=100&state={state}");
    read(app, &path)["data"].as_array().unwrap().clone()
}

fn change(app: &App, method: &str, id: &str, body: Option<Value>) -> Reply {
    let admin = app.key("admin");
    let path = format!("/v1/webhooks/{id}");
    let read = app.get_with(&path, &[("authorization", &admin)]);
    let headers = [("if-match", read.header("etag"))];
    app.write(method, &path, &admin, &headers, body)
}

fn post(app: &App, path: &str) -> Reply {
    app.write("POST", path, &app.key("admin"), &[], None)
}

fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !done() {
        assert!(Instant::now() < deadline, "not {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn count(app: &App, id: &str, state: &str) -> usize {
    deliveries(app, id, state).len()
}

fn events(heard: &[Heard]) -> Vec<(String, String)> {
    let one = |heard: &Heard| {
        let data = &heard.body["data"];
        let name = data["slug"].as_str().unwrap_or("-");
        (heard.event().to_owned(), name.to_owned())
    };
    heard.iter().map(one).collect()
}
