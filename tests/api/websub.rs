//! What a WebSub hub is told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use kiosque::config::WebSubConfig;
use kiosque::db::Conn;
use kiosque::store::websub;
use serde_json::Value;

use crate::support::hook::{Heard, Hook, Manner};
use crate::support::{App, Place, article, places};

const SOON: Duration = Duration::from_secs(20);
const FEEDS: [&str; 2] = [
    "https://api.news.example/v1/feeds/atom",
    "https://api.news.example/v1/feeds/rss?tag=eau",
];

/// How often each feed was named.
fn named(heard: &[Heard]) -> BTreeMap<String, usize> {
    let mut named = BTreeMap::new();
    for one in heard {
        let pairs: BTreeMap<String, String> = url::form_urlencoded::parse(one.text.as_bytes())
            .into_owned()
            .collect();
        assert_eq!(pairs["hub.mode"], "publish");
        *named.entry(pairs["hub.url"].clone()).or_insert(0) += 1;
    }
    named
}

#[test]
fn a_hub_is_told_once_of_many_changes_and_again_where_it_failed() {
    for place in places() {
        let hub = Hook::new();
        let start = || with_hub(place.shared(), &hub);
        let app = start();
        // A hub learns of nothing that came before it.
        app.import(&[article("brouillon").status("draft")]);
        std::thread::sleep(Duration::from_millis(200));
        for n in 0..10 {
            app.import(&[article(&format!("a-{n}"))]);
        }
        let heard = hub.until(SOON, "told", |all| all.len() >= 2);
        let named_once = named(&heard);
        assert_eq!(named_once.len(), FEEDS.len());
        // Ten changes within a moment, or within a few on a busy machine.
        assert!(
            named_once.values().all(|count| *count < 5),
            "{named_once:?}"
        );
        assert_eq!(
            heard[0].headers["content-type"],
            "application/x-www-form-urlencoded"
        );
        hub.forget();
        hub.always(Manner::Answer(503));
        app.import(&[article("b")]);
        hub.until(SOON, "tried", |all| all.len() >= 2);
        hub.always(Manner::Answer(204));
        hub.until(SOON, "told after a failure", |all| {
            named(all).len() == 2 && all.iter().filter(|one| one.is_taken).count() == 2
        });
        hub.forget();
        app.import(&[article("c")]);
        drop(app);
        // Another server begins where that one ended.
        let _app = start();
        hub.until(SOON, "told by the next", |all| named(all).len() == 2);
    }
}

/// How often the first feed and the second were named.
fn counts(heard: &[Heard]) -> [usize; 2] {
    let named = named(heard);
    FEEDS.map(|feed| named.get(feed).copied().unwrap_or(0))
}

/// A server that tells the hub of what comes from now on.
fn with_hub(place: Place, hub: &Hook) -> App {
    let app = App::configured(place, |config| {
        config.websub = Some(WebSubConfig {
            hub: hub.url.clone(),
            feeds: FEEDS.map(str::to_owned).to_vec(),
        });
    });
    let deadline = Instant::now() + SOON;
    while !app.database.read(websub::is_any).unwrap() {
        assert!(Instant::now() < deadline, "the hub is not known");
        std::thread::sleep(Duration::from_millis(5));
    }
    app
}

/// Whether the hub is told of the second feed.
fn is_second(body: &Value) -> bool {
    body.as_str().is_some_and(|text| text.contains("rss"))
}

#[test]
fn a_feed_of_which_the_hub_was_not_told_is_told_again_without_the_others() {
    let hub = Hook::new();
    hub.choose(|body| match is_second(body) {
        true => Manner::Answer(503),
        false => Manner::Answer(204),
    });
    let app = with_hub(Place::sqlite(), &hub);
    app.import(&[article("a")]);
    hub.until(SOON, "tried twice", |all| counts(all)[1] >= 2);
    hub.always(Manner::Answer(204));
    let heard = hub.until(SOON, "told", |all| {
        all.iter().filter(|one| one.is_taken).count() == 2
    });
    assert_eq!(counts(&heard)[0], 1);
}

#[test]
fn a_feed_that_the_hub_refuses_is_not_told_again_before_the_next_change() {
    let hub = Hook::new();
    hub.choose(|body| match is_second(body) {
        true => Manner::Answer(400),
        false => Manner::Answer(204),
    });
    let app = with_hub(Place::sqlite(), &hub);
    for n in 1..=3 {
        app.import(&[article(&format!("a-{n}"))]);
        let heard = hub.until(SOON, "told of both", |all| {
            counts(all).iter().all(|count| *count >= n)
        });
        // Were it tried again, it would have been named more often by the next change.
        assert_eq!(counts(&heard), [n, n]);
    }
}

#[test]
fn of_two_servers_that_ask_at_once_one_tells_the_hub() {
    for place in places() {
        let database = place.open();
        let hold = |owner: &'static str, minutes| {
            move |conn: &mut Conn| {
                let now = Utc::now() + TimeDelta::minutes(minutes);
                websub::hold(conn, "hub", owner, now, now + TimeDelta::seconds(30))
            }
        };
        // At first no one has told it; then a claim is over.
        for (minutes, first, second) in [(0, "a", "b"), (1, "c", "d")] {
            std::thread::scope(|scope| {
                let both = database.write_unqueued(|conn| {
                    let held = hold(first, minutes)(conn)?;
                    let database = &database;
                    let other = scope.spawn(move || database.write_unqueued(hold(second, minutes)));
                    std::thread::sleep(Duration::from_millis(300));
                    assert!(!other.is_finished(), "it waits");
                    Ok((held, other))
                });
                let (held, other) = both.unwrap();
                assert_eq!(held, Some(0));
                assert_eq!(other.join().unwrap().unwrap(), None);
            });
            let again = database.write_unqueued(hold(first, minutes));
            assert_eq!(again.unwrap(), Some(0));
        }
    }
}
