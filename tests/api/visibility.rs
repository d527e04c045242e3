//! What the public finds under an article's name, and when.

use crate::support::{App, article, at, places};

#[test]
fn every_former_slug_leads_straight_to_the_present_one_and_hides_what_is_hidden() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let named = |slug: &str| article(slug).with("external_id", "e1");
        for slug in ["premier", "second", "dernier"] {
            app.import(&[named(slug)]);
        }
        for former in ["premier", "second"] {
            let reply = app.get(&format!(
                "/v1/articles/{former}?include=related&fields=slug"
            ));
            assert_eq!(
                (reply.status, reply.header("location")),
                (301, "/v1/articles/dernier?include=related&fields=slug"),
                "{name}"
            );
        }
        // Back to an old name: that one answers again, and the others lead to it.
        app.import(&[named("premier")]);
        assert_eq!(app.get("/v1/articles/premier").status, 200, "{name}");
        assert_eq!(
            app.get("/v1/articles/dernier").header("location"),
            "/v1/articles/premier"
        );
        app.import(&[named("premier").status("withdrawn")]);
        let former = app.get("/v1/articles/second");
        assert_eq!(
            (former.status, former.header("location")),
            (410, ""),
            "{name}"
        );
    }
}

#[test]
fn embargo_and_expiry_are_kept_to_the_second_on_both_databases() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[article("note")
            .with("embargoed_until", "2025-06-01T13:00:00Z")
            .with("expires_at", "2025-06-01T14:00:00Z")]);
        for (time, status) in [
            ("2025-06-01T12:59:59.999999Z", 404),
            ("2025-06-01T13:00:00Z", 200),
            ("2025-06-01T13:59:59.999999Z", 200),
            ("2025-06-01T14:00:00Z", 410),
        ] {
            app.clock.set(at(time));
            assert_eq!(app.get("/v1/articles/note").status, status, "{name} {time}");
            let listed = app.get("/v1/articles?count=exact");
            let expected = usize::from(status == 200);
            assert_eq!(listed.slugs().len(), expected, "{name} {time}");
            assert_eq!(listed.json()["page"]["count"], expected, "{name} {time}");
        }
    }
}

#[test]
fn what_was_withdrawn_before_its_hour_was_never_there() {
    let app = App::with(&[article("retire-avant")
        .status("withdrawn")
        .published(at("2030-01-01T00:00:00Z"))]);
    assert_eq!(app.get("/v1/articles/retire-avant").status, 404);
}

#[test]
fn the_first_publication_is_the_hour_it_came_out_and_stays_that() {
    let app = App::new();
    let scheduled = |hour: &str| article("note").status("scheduled").published(at(hour));
    let first = || app.json("/v1/articles/note")["first_published_at"].clone();
    app.import(&[scheduled("2025-06-01T13:00:00Z")]);
    // Put off before anyone saw it.
    app.import(&[scheduled("2025-06-01T14:00:00Z")]);
    app.clock.set(at("2025-06-01T14:00:00Z"));
    assert_eq!(first(), "2025-06-01T14:00:00Z");
    // Moved once it was out.
    app.import(&[article("note").published(at("2025-06-01T13:30:00Z"))]);
    assert_eq!(first(), "2025-06-01T14:00:00Z");
    assert_eq!(
        app.json("/v1/articles/note")["published_at"],
        "2025-06-01T13:30:00Z"
    );
    app.import(&[article("note").status("withdrawn")]);
    app.import(&[article("note").published(at("2025-06-01T13:45:00Z"))]);
    assert_eq!(first(), "2025-06-01T14:00:00Z");
}
