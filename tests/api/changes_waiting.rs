//! Long polls: an answer as soon as there is something to say, and as soon as it can be read.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::changes_stream::Stream;
use crate::support::{App, Place, article, places};

#[test]
fn whoever_waits_is_answered_when_the_change_can_be_read() {
    for place in places() {
        let app = App::on(place);
        app.import(&[article("before")]);
        let after = app.json("/v1/changes")["page"]["next"].clone();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let page = app.json(&format!("/v1/changes?after={after}&wait=30"));
                // Told is readable, also where an answer is kept.
                (page, app.get("/v1/articles/next").status)
            });
            app.get("/v1/articles/next");
            std::thread::sleep(Duration::from_millis(300));
            let began = Instant::now();
            app.import(&[article("next")]);
            let (page, status) = waiting.join().unwrap();
            assert!(began.elapsed() < Duration::from_secs(10));
            assert_eq!(page["data"][0]["slug"], "next");
            assert_eq!(status, 200);
        });
    }
}

#[test]
fn a_wait_ends_empty_and_what_is_hidden_ends_none() {
    let app = App::with(&[article("a")]);
    let after = app.json("/v1/changes")["page"]["next"].clone();
    std::thread::scope(|scope| {
        let began = Instant::now();
        let waiting = scope.spawn(|| app.get(&format!("/v1/changes?after={after}&wait=2")));
        std::thread::sleep(Duration::from_millis(300));
        app.import(&[article("draft").status("draft")]);
        let reply = waiting.join().unwrap();
        assert!(began.elapsed() >= Duration::from_secs(2));
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.json()["data"], json!([]));
        assert!(reply.json()["page"]["next"].as_i64() > after.as_i64());
    });
}

#[test]
fn what_is_there_already_is_not_waited_for() {
    let app = App::with(&[article("a")]);
    let began = Instant::now();
    let page = app.json("/v1/changes?wait=60&include=articles");
    assert_eq!(page["data"][0]["article"]["slug"], "a");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn many_wait_and_all_are_answered() {
    let app = App::new();
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..150)
            .map(|_| scope.spawn(|| app.json("/v1/changes?wait=60&include=articles")))
            .collect();
        std::thread::sleep(Duration::from_millis(800));
        // They hold no thread: others are served meanwhile.
        assert_eq!(app.get("/v1/articles").status, 200);
        app.import(&[article("news")]);
        for waiting in waiting {
            assert_eq!(waiting.join().unwrap()["data"][0]["slug"], "news");
        }
    });
}

#[test]
fn more_than_may_wait_are_told_to_come_back() {
    let app = App::configured(Place::sqlite(), |config| config.change_waiters = 1);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| app.get("/v1/changes?wait=20"));
        std::thread::sleep(Duration::from_millis(500));
        for path in ["/v1/changes?wait=20", "/v1/changes/stream"] {
            let refused = app.get(path);
            assert_eq!(refused.status, 503, "{path}");
            assert_eq!(refused.json()["code"], "busy");
            assert!(!refused.header("retry-after").is_empty());
        }
        assert_eq!(app.get("/v1/changes").status, 200, "asking is free");
        app.import(&[article("news")]);
        assert_eq!(waiting.join().unwrap().status, 200);
        // The place is free again.
        assert_eq!(app.get("/v1/changes?wait=1&after=0").status, 200);
    });
}

#[test]
fn another_servers_write_wakes_as_ones_own() {
    for place in places() {
        let second = App::on(place.shared());
        let first = App::on(place);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| second.json("/v1/changes?wait=30"));
            std::thread::sleep(Duration::from_millis(300));
            first.import(&[article("news")]);
            assert_eq!(waiting.join().unwrap()["data"][0]["slug"], "news");
            assert_eq!(second.get("/v1/articles/news").status, 200);
        });
    }
}

#[test]
fn one_client_does_not_take_all_places() {
    let app = App::configured(Place::sqlite(), |config| {
        config.change_waiters = 4;
        config.change_waiters_per_client = 1;
        config.identity.address_header = Some("x-client".to_owned());
    });
    app.import(&[article("a")]);
    let key = app.key("reader");
    let path = "/v1/changes/stream?after=0";
    let one = [("x-client", "192.0.2.1")];
    // Its stream is open, so it has its place.
    let mut first = Stream::open(&app, path, &one);
    assert_eq!(first.slug(), "a");
    for path in ["/v1/changes?wait=20&after=0", path] {
        let refused = app.get_with(path, &one);
        assert_eq!(refused.status, 503, "{path}");
        assert!(
            refused.text().contains("your requests"),
            "{}",
            refused.text()
        );
    }
    // A neighbour in the same network is the same client; what was written before the proxy's word counts for nothing.
    let mut v6 = Stream::open(&app, path, &[("x-client", "2001:db8::1")]);
    let forged = [("x-client", "198.51.100.7, 2001:db8::2")];
    assert_eq!(app.get_with(path, &forged).status, 503);
    let with_key = [("x-client", "192.0.2.1"), ("authorization", &key)];
    let mut keyed = Stream::open(&app, path, &with_key);
    let elsewhere = [("x-client", "192.0.2.2"), ("authorization", &key)];
    assert_eq!(app.get_with(path, &elsewhere).status, 503, "the same key");
    assert_eq!((v6.slug(), keyed.slug()), ("a".to_owned(), "a".to_owned()));
    let other = [("x-client", "192.0.2.2")];
    assert_eq!(
        app.get_with("/v1/changes?wait=20&after=0", &other).status,
        200
    );
    // Asking is free, and who has left leaves the place.
    assert_eq!(app.get_with("/v1/changes", &one).status, 200);
    drop(first);
    let deadline = Instant::now() + Duration::from_secs(30);
    while app.get_with("/v1/changes?wait=20&after=0", &one).status != 200 {
        assert!(Instant::now() < deadline, "the place stays taken");
        app.import(&[article("b").saying(&format!("{:?}", Instant::now()))]);
    }
}
