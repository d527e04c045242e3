//! Webhooks and their deliveries, as admins manage them.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    SOON, app, change, count, create, deliveries, post, read, sending, tell, until, webhook,
};
use crate::support::app::noon;
use crate::support::hook::{Hook, Manner};
use crate::support::{App, Place, article, places};

#[test]
fn addresses_that_are_not_public_are_refused() {
    // As it is without settings.
    let app = App::new();
    let hook = Hook::new();
    let admin = app.key("admin");
    for url in [
        hook.url.clone(),
        hook.url.replace("http", "https"),
        "https://169.254.169.254/latest".to_owned(),
        "https://[::ffff:10.0.0.1]/".to_owned(),
        "https://u:p@hooks.example/".to_owned(),
        "gopher://hooks.example/".to_owned(),
    ] {
        let body = json!({"url": url});
        let reply = app.write("POST", "/v1/webhooks", &admin, &[], Some(body));
        assert_eq!(reply.status, 422, "{url}");
        assert!(reply.text().contains("/url"), "{}", reply.text());
    }
    drop(app);
    // A name that leads here is found out when it is connected to.
    let app = App::configured(Place::sqlite(), |config| {
        sending(config);
        config.webhooks.allow.clear();
    });
    let port = hook.url.rsplit(':').next().unwrap();
    let made = create(&app, json!({"url": format!("http://localhost:{port}")}));
    let id = made["id"].as_str().unwrap();
    app.import(&[article("a")]);
    until("refused", || count(&app, id, "pending") == 1);
    let attempt = &deliveries(&app, id, "pending")[0]["attempts"][0];
    assert_eq!(attempt["error"], "the address is not public");
    assert_eq!(
        (&attempt["status"], &attempt["answer"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(hook.count(), 0);
}

#[test]
fn a_webhook_is_made_changed_listed_and_deleted_by_admins() {
    let app = app(Place::sqlite());
    let hook = Hook::new();
    let made = create(&app, json!({"url": hook.url, "description": "Partenaire"}));
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"));
    let id = made["id"].as_str().unwrap();
    app.import(&[article("a")]);
    let heard = hook.until(SOON, "told", |all| all.len() == 1);
    assert!(heard[0].is_signed_with(secret));
    let listed = read(&app, "/v1/webhooks?count=exact");
    assert_eq!(
        (&listed["data"][0]["id"], &listed["page"]["count"]),
        (&json!(id), &json!(1))
    );
    let path = format!("/v1/webhooks/{id}");
    let admin = app.key("admin");
    let without = app.write("PATCH", &path, &admin, &[], Some(json!({"enabled": false})));
    assert_eq!(without.status, 428);
    let refused = change(
        &app,
        "PATCH",
        id,
        Some(json!({"enabled": null, "secret": "x"})),
    );
    assert_eq!(refused.status, 422, "{}", refused.text());
    let changed = change(
        &app,
        "PATCH",
        id,
        Some(json!({"enabled": false, "description": null})),
    );
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(
        (&changed.json()["enabled"], &changed.json()["description"]),
        (&json!(false), &Value::Null)
    );
    app.import(&[article("b")]);
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(hook.count(), 1);
    until("kept", || count(&app, id, "delivered") == 1);
    let sent = deliveries(&app, id, "delivered")[0]["id"].clone();
    let again = format!("{path}/deliveries/{}/redelivery", sent.as_str().unwrap());
    assert_eq!(post(&app, &again).status, 409, "it is disabled");
    for _ in 0..2 {
        let bad = format!("{path}/deliveries?state=lost");
        assert_eq!(app.get_with(&bad, &[("authorization", &admin)]).status, 400);
    }
    assert_eq!(change(&app, "DELETE", id, None).status, 204);
    let gone = app.get_with(&path, &[("authorization", &admin)]);
    assert_eq!(gone.status, 404);
    assert_eq!(read(&app, "/v1/webhooks")["data"], json!([]));
}

#[test]
fn what_was_delivered_is_cleared_away_after_thirty_days() {
    for place in places() {
        let app = app(place);
        let hook = Hook::new();
        let id = tell(&app, &hook);
        let dead = Hook::new();
        dead.always(Manner::Answer(410));
        let other = tell(&app, &dead);
        app.import(&[article("a")]);
        until("kept", || count(&app, &id, "delivered") == 1);
        until("pending", || count(&app, &other, "pending") == 1);
        let clear = |days| {
            let now = noon() + TimeDelta::days(days);
            let cleared = app
                .database
                .write(|conn| kiosque::store::expiry::clear(conn, now));
            cleared.unwrap();
            (
                count(&app, &id, "delivered"),
                count(&app, &other, "pending"),
            )
        };
        assert_eq!(clear(29), (1, 1));
        assert_eq!(clear(31), (0, 1), "what is pending stays");
        assert_eq!(change(&app, "DELETE", &other, None).status, 204);
        let now = noon() + TimeDelta::days(31);
        let cleared = app
            .database
            .write(|conn| kiosque::store::expiry::clear(conn, now));
        assert_eq!(cleared.unwrap(), 2, "the pending event, and the webhook");
        let left = app.database.read(kiosque::store::deliveries::count_pending);
        assert_eq!(left.unwrap(), 0);
    }
}

#[test]
fn a_restored_copy_tells_no_one_until_an_admin_says_so() {
    for place in places() {
        let app = app(place);
        let hook = Hook::new();
        let id = tell(&app, &hook);
        let renewed = app
            .database
            .write(|conn| kiosque::store::identity::renew(conn, noon()));
        assert!(renewed.unwrap().is_some());
        app.import(&[article("a")]);
        let now = webhook(&app, &id);
        assert_eq!(now["enabled"], false);
        let reason = now["disabled_reason"].as_str().unwrap();
        assert!(reason.contains("copy"), "{reason}");
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(hook.count(), 0);
        change(&app, "PATCH", &id, Some(json!({"enabled": true})));
        hook.until(SOON, "told of all since", |all| all.len() == 1);
    }
}
