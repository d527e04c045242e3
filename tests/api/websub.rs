//! What a WebSub hub is told.

use std::collections::BTreeMap;
use std::time::Duration;

use kiosque::config::WebSubConfig;

use crate::support::hook::{Heard, Hook, Manner};
use crate::support::{App, article, places};

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
        let start = || {
            App::configured(place.shared(), |config| {
                config.websub = Some(WebSubConfig {
                    hub: hub.url.clone(),
                    feeds: FEEDS.map(str::to_owned).to_vec(),
                });
            })
        };
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
