//! What signs the events of a webhook.

use chrono::TimeDelta;
use serde_json::json;

use super::{SOON, app, tell, webhook};
use crate::support::app::noon;
use crate::support::hook::{Hook, SECRET};
use crate::support::{Place, article};

#[test]
fn two_secrets_sign_until_the_overlap_is_over() {
    let app = app(Place::sqlite());
    let hook = Hook::new();
    let id = tell(&app, &hook);
    let path = format!("/v1/webhooks/{id}/secret");
    let body = json!({"overlap": 3600});
    let reply = app.write("POST", &path, &app.key("admin"), &[], Some(body));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let fresh = reply.json()["secret"].as_str().unwrap().to_owned();
    assert!(!webhook(&app, &id).to_string().contains("whsec"));
    app.import(&[article("a")]);
    let heard = hook.until(SOON, "told", |all| all.len() == 1);
    assert!(heard[0].is_signed_with(&fresh) && heard[0].is_signed_with(SECRET));
    app.clock.set(noon() + TimeDelta::seconds(3600));
    app.import(&[article("b")]);
    let heard = hook.until(SOON, "told", |all| all.len() == 2);
    assert!(heard[1].is_signed_with(&fresh) && !heard[1].is_signed_with(SECRET));
}

#[test]
fn a_secret_that_the_receiver_has_signs_through_several_changes() {
    let app = app(Place::sqlite());
    let hook = Hook::new();
    let id = tell(&app, &hook);
    let rotate = |overlap: i64| {
        let path = format!("/v1/webhooks/{id}/secret");
        let body = json!({"overlap": overlap});
        let reply = app.write("POST", &path, &app.key("admin"), &[], Some(body));
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["secret"].as_str().unwrap().to_owned()
    };
    let [second, third] = [rotate(3600), rotate(3600)];
    app.import(&[article("a")]);
    let heard = hook.until(SOON, "told", |all| all.len() == 1);
    for secret in [SECRET, &second, &third] {
        assert!(heard[0].is_signed_with(secret));
    }
    let last = rotate(0);
    app.import(&[article("b")]);
    let heard = hook.until(SOON, "told", |all| all.len() == 2);
    assert!(heard[1].is_signed_with(&last));
    for secret in [SECRET, &second, &third] {
        assert!(!heard[1].is_signed_with(secret));
    }
}
