//! Tests and redeliveries that are asked for twice.

use serde_json::Value;

use super::{SOON, app, count, deliveries, tell, until};
use crate::support::hook::Hook;
use crate::support::{App, Reply, article, places};

fn post(app: &App, admin: &str, path: &str, key: &str) -> Reply {
    let reply = app.write("POST", path, admin, &[("idempotency-key", key)], None);
    assert!(reply.status < 300, "{}", reply.text());
    reply
}

fn id(reply: &Reply) -> Value {
    reply.json()["id"].clone()
}

#[test]
fn a_test_that_is_asked_for_again_is_sent_once() {
    for place in places() {
        let app = app(place);
        let hook = Hook::new();
        let webhook = tell(&app, &hook);
        let path = format!("/v1/webhooks/{webhook}/test");
        let admin = app.key("admin");
        let first = post(&app, &admin, &path, "t-1");
        until("sent", || count(&app, &webhook, "delivered") == 1);
        let again = post(&app, &admin, &path, "t-1");
        assert_eq!((again.status, id(&again)), (first.status, id(&first)));
        assert_eq!(again.header("location"), first.header("location"));
        let other = post(&app, &admin, &path, "t-2");
        assert_ne!(id(&other), id(&first));
        hook.until(SOON, "sent", |all| all.len() == 2);
        until("kept", || count(&app, &webhook, "delivered") == 2);
        assert_eq!(hook.count(), 2);
    }
}

#[test]
fn an_event_that_is_asked_for_again_twice_is_sent_again_once() {
    for place in places() {
        let app = app(place);
        let hook = Hook::new();
        let webhook = tell(&app, &hook);
        app.import(&[article("a")]);
        until("kept", || count(&app, &webhook, "delivered") == 1);
        let sent = deliveries(&app, &webhook, "delivered")[0]["id"].clone();
        let sent = sent.as_str().unwrap();
        let path = format!("/v1/webhooks/{webhook}/deliveries/{sent}/redelivery");
        let admin = app.key("admin");
        let first = post(&app, &admin, &path, "r-1");
        hook.until(SOON, "sent again", |all| all.len() == 2);
        until("kept again", || count(&app, &webhook, "delivered") == 1);
        let again = post(&app, &admin, &path, "r-1");
        assert_eq!(again.json(), first.json(), "what was answered then");
        let delivered = deliveries(&app, &webhook, "delivered");
        assert_eq!(delivered[0]["attempt_count"], 2, "and nothing was done");
        post(&app, &admin, &path, "r-2");
        hook.until(SOON, "sent once more", |all| all.len() == 3);
        until("kept once more", || {
            let delivered = deliveries(&app, &webhook, "delivered");
            delivered.len() == 1 && delivered[0]["attempt_count"] == 3
        });
    }
}
