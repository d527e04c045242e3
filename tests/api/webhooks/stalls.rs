//! Receivers that do not answer about one article, and what they are told of others meanwhile.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::Value;

use super::{SOON, count, deliveries, sending, tell, until};
use crate::support::app::noon;
use crate::support::hook::{Heard, Hook, Manner};
use crate::support::{App, article, places};

/// How long a request may take that gets no answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Well before it ends.
const AT_ONCE: Duration = Duration::from_secs(4);

fn stalling_on_a() -> Hook {
    let hook = Hook::new();
    hook.choose(|body| match body["data"]["slug"] == "a" {
        true => Manner::Stall,
        false => Manner::Answer(204),
    });
    hook
}

fn of_a(heard: &[Heard]) -> Vec<&str> {
    let of_a = heard.iter().filter(|one| one.body["data"]["slug"] == "a");
    of_a.map(Heard::event).collect()
}

/// The one delivery that waits for an answer or for another attempt.
fn first_pending(app: &App, id: &str) -> Value {
    deliveries(app, id, "pending").pop().unwrap()
}

#[test]
fn one_event_that_gets_no_answer_holds_up_no_other_article() {
    for place in places() {
        let app = App::configured(place, |config| {
            sending(config);
            config.webhooks.timeout = TIMEOUT;
        });
        let hook = stalling_on_a();
        let id = tell(&app, &hook);
        let mut articles = vec![article("a")];
        articles.extend((0..20).map(|n| article(&format!("b-{n}"))));
        app.import(&articles);
        hook.until(SOON, "begun", |all| of_a(all).len() == 1);
        let begun = Instant::now();
        until("kept", || count(&app, &id, "delivered") == 20);
        assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
        let stalled = first_pending(&app, &id);
        assert_eq!(stalled["attempt_count"], 0, "{stalled}");
        // What comes meanwhile is told, but for what waits for the one before.
        app.import(&[article("c"), article("a").headed("Deux")]);
        until("told of the other", || count(&app, &id, "delivered") == 21);
        assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
        assert_eq!(count(&app, &id, "pending"), 2);
        until("noted", || first_pending(&app, &id)["attempt_count"] == 1);
        assert_eq!(of_a(&hook.heard()), ["article.published"]);
        // Nor where it is all that has happened for longer than a failure is brief.
        app.clock.set(noon() + TimeDelta::seconds(90));
        hook.until(SOON, "tried again", |all| of_a(all).len() == 2);
        let begun = Instant::now();
        app.import(&[article("d")]);
        until("told of the other", || count(&app, &id, "delivered") == 22);
        assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
        hook.always(Manner::Answer(204));
        until("noted", || first_pending(&app, &id)["attempt_count"] == 2);
        app.clock.set(noon() + TimeDelta::minutes(5));
        until("all is told", || count(&app, &id, "delivered") == 24);
        let all = hook.heard();
        let expected = ["article.published"; 3]
            .into_iter()
            .chain(["article.updated"]);
        assert_eq!(of_a(&all), expected.collect::<Vec<_>>());
        assert_eq!(all.len(), 4 + 22, "nothing else is sent twice");
    }
}

#[test]
fn no_more_requests_are_on_their_way_than_may_be() {
    for place in places() {
        let app = App::configured(place, |config| {
            sending(config);
            config.webhooks.timeout = TIMEOUT;
            config.webhooks.connections = 2;
        });
        let hook = Hook::new();
        hook.always(Manner::Stall);
        let id = tell(&app, &hook);
        app.import(&["a", "b", "c"].map(article));
        hook.until(SOON, "begun", |all| all.len() == 2);
        hook.always(Manner::Answer(204));
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!(hook.count(), 2);
        // The first that ends makes room.
        until("told", || count(&app, &id, "delivered") == 1);
        assert_eq!(hook.count(), 3);
    }
}
