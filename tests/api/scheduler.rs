//! What time does to articles is in the log, a line for each moment.

use std::time::{Duration, Instant};

use kiosque::scheduler::settle_due;
use kiosque::store::changes;
use serde_json::Value;

use crate::support::{App, article, at, places};

/// Slug and action of each line, once there are `count`.
fn lines(app: &App, count: usize) -> Vec<(String, String)> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let lines = app.database.read(|conn| changes::after(conn, 0, 10_000));
        let lines = lines.expect("the log is read");
        if lines.len() >= count || Instant::now() > deadline {
            return lines
                .into_iter()
                .map(|line| (line.slug, line.action))
                .collect();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn line(slug: &str, action: &str) -> (String, String) {
    (slug.to_owned(), action.to_owned())
}

#[test]
fn an_hour_that_comes_is_logged_once_and_in_order() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[
            article("prevu")
                .status("scheduled")
                .published(at("2025-06-01T13:00:00Z")),
            article("sous-embargo").with("embargoed_until", "2025-06-01T14:00:00Z"),
            article("perissable").with("expires_at", "2025-06-01T15:00:00Z"),
            article("ephemere")
                .with("embargoed_until", "2025-06-01T16:00:00Z")
                .with("expires_at", "2025-06-01T17:00:00Z"),
            article("brouillon")
                .status("draft")
                .with("published_at", Value::Null)
                .with("expires_at", "2025-06-01T13:00:00Z"),
        ]);
        let written = [
            line("prevu", "saved"),
            line("sous-embargo", "saved"),
            line("perissable", "published"),
            line("ephemere", "saved"),
            line("brouillon", "saved"),
        ];
        let since = |count: usize| lines(&app, written.len() + count)[written.len()..].to_vec();
        app.clock.set(at("2025-06-01T12:59:59.999999Z"));
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(since(0), [], "{name}");
        let mut expected = Vec::new();
        for (time, slug, action) in [
            ("2025-06-01T13:00:00Z", "prevu", "published"),
            ("2025-06-01T14:00:00Z", "sous-embargo", "published"),
            ("2025-06-01T15:00:00Z", "perissable", "withdrawn"),
        ] {
            app.clock.set(at(time));
            expected.push(line(slug, action));
            assert_eq!(since(expected.len()), expected, "{name}");
        }
        // As after a time when no server ran.
        app.clock.set(at("2025-06-02T00:00:00Z"));
        expected.extend([line("ephemere", "published"), line("ephemere", "withdrawn")]);
        assert_eq!(since(expected.len()), expected, "{name}");
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(since(expected.len()), expected, "{name}");
    }
}

#[test]
fn several_servers_log_each_moment_once() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let count = 450;
        let articles: Vec<_> = (0..count)
            .map(|n| {
                article(&format!("a-{n:03}"))
                    .status("scheduled")
                    .published(at("2025-06-01T13:00:00Z"))
            })
            .collect();
        app.import(&articles);
        app.clock.set(at("2025-06-01T13:00:00Z"));
        // Beside the server's own.
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| while settle_due(&app.database, &app.clock).unwrap() {});
            }
        });
        let logged = lines(&app, 2 * count);
        assert_eq!(logged.len(), 2 * count, "{name}");
        let expected: Vec<_> = (0..count)
            .map(|n| line(&format!("a-{n:03}"), "published"))
            .collect();
        assert!(logged[count..] == expected, "{name}");
    }
}

#[test]
fn a_save_at_the_very_second_finds_the_hour_logged() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let note = || {
            article("note")
                .status("scheduled")
                .published(at("2025-06-01T13:00:00Z"))
        };
        app.import(&[note()]);
        app.clock.set(at("2025-06-01T13:00:00Z"));
        app.import(&[note().headed("Autre titre")]);
        let expected = [
            line("note", "saved"),
            line("note", "published"),
            line("note", "updated"),
        ];
        assert_eq!(lines(&app, 3), expected, "{name}");
        app.import(&[note().with("expires_at", "2025-06-01T13:00:01Z")]);
        app.clock.set(at("2025-06-01T13:00:01Z"));
        app.import(&[note()]);
        let logged = lines(&app, 6);
        let expected = [
            line("note", "updated"),
            line("note", "withdrawn"),
            line("note", "published"),
        ];
        assert_eq!(logged[3..], expected, "{name}");
    }
}
