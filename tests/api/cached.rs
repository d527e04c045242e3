//! What callers see of answers that are kept.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::json;

use crate::support::app::noon;
use crate::support::{App, Reply, article, places};

fn is_hit(reply: &Reply) -> bool {
    reply.header("server-timing") == "cache;desc=hit"
}

fn headline(reply: &Reply) -> String {
    reply.json()["headline"].as_str().unwrap().to_owned()
}

/// Changes the article as an editor, on its present version.
fn patch(app: &App, slug: &str, change: serde_json::Value) -> Reply {
    let key = app.key("editor");
    let path = format!("/v1/articles/{slug}");
    let read = app.get_with(&path, &[("authorization", &key)]);
    let headers = [("if-match", read.header("etag"))];
    let reply = app.write("PATCH", &path, &key, &headers, Some(change));
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply
}

#[test]
fn what_was_asked_before_is_given_again() {
    let app = App::with(&[
        article("a").tagged("t").saying("Le barrage du Ziz"),
        article("b").tagged("t"),
    ]);
    for path in [
        "/v1/articles/a",
        "/v1/articles?tag=t&limit=1",
        "/v1/articles/a/related",
        "/v1/articles/a/related-tags",
        "/v1/related?ids=a",
        "/v1/tags/t",
        "/v1/tags",
        "/v1/tags/t/related",
        "/v1/articles?q=barrage",
    ] {
        let (first, second) = (app.get(path), app.get(path));
        assert!(!is_hit(&first) && is_hit(&second), "{path}");
        assert_eq!(first.bytes, second.bytes, "{path}");
        for (name, value) in &first.headers {
            let own = ["x-request-id", "server-timing", "date"];
            if !own.contains(&name.as_str()) {
                assert_eq!(second.header(name), value, "{path} {name}");
            }
        }
        let head = app.send("HEAD", path, &[]);
        assert!(is_hit(&head) && head.bytes.is_empty(), "{path}");
        assert_eq!(head.header("etag"), first.header("etag"));
        let known = app.get_with(path, &[("if-none-match", first.header("etag"))]);
        assert!(is_hit(&known), "{path}");
        assert_eq!((known.status, known.bytes.len()), (304, 0), "{path}");
    }
}

#[test]
fn spelling_and_order_do_not_matter() {
    let app = App::with(&[article("a").tagged("t")]);
    let misses = |app: &App| {
        let text = app.get("/metrics").text();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("kiosque_cache_requests_total{result=\"miss\"} "));
        line.unwrap().to_owned()
    };
    app.get("/v1/articles?tag=t&limit=20&fields=slug,headline");
    for same in [
        "/v1/articles?limit=20&tag=t&fields=headline,slug",
        "/v1/articles?fields=slug%2Cheadline&tag=%74",
        "/v1/articles?order_by=newest&tag=t&fields=slug,headline,slug&count=none",
    ] {
        let first = app.get(same);
        assert_eq!(first.slugs(), ["a"], "{same}");
        assert_eq!(misses(&app), "1", "{same}");
        assert!(is_hit(&app.get(same)), "{same}");
    }
    app.get("/v1/articles?tag=t&fields=slug");
    assert_eq!(misses(&app), "2");
}

#[test]
fn every_coding_is_kept_and_named_apart() {
    let body = "Le barrage du Ziz retient l'eau des crues. ".repeat(60);
    let app = App::with(&[article("a").saying(&body)]);
    let plain = app.get("/v1/articles/a");
    let mut tags = vec![plain.header("etag").to_owned()];
    for coding in ["gzip", "br", "zstd"] {
        let accept = [("accept-encoding", coding)];
        let first = app.get_with("/v1/articles/a", &accept);
        let second = app.get_with("/v1/articles/a", &accept);
        assert!(is_hit(&second), "{coding}");
        assert_eq!(second.header("content-encoding"), coding);
        assert_eq!(first.bytes, second.bytes, "{coding}");
        assert!(second.bytes.len() < plain.bytes.len(), "{coding}");
        tags.push(second.header("etag").to_owned());
        let known = [accept[0], ("if-none-match", second.header("etag"))];
        assert_eq!(
            app.get_with("/v1/articles/a", &known).status,
            304,
            "{coding}"
        );
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4);
    assert_eq!(app.get("/v1/articles/a").bytes, plain.bytes);
}

#[test]
fn who_shows_credentials_is_given_nothing_of_the_publics_and_the_other_way_round() {
    let app = App::with(&[article("a")]);
    let key = app.key("editor");
    app.get("/v1/articles/a");
    for _ in 0..2 {
        let known = app.get_with("/v1/articles/a", &[("authorization", &key)]);
        assert!(!is_hit(&known));
        assert!(known.json().get("editing").is_some());
        assert_eq!(known.header("cache-control"), "private, no-store");
        let wrong = app.get_with("/v1/articles/a", &[("authorization", "Bearer kq_wrong")]);
        assert_eq!(wrong.status, 401);
        let public = app.get("/v1/articles/a");
        assert!(is_hit(&public));
        assert!(public.json().get("editing").is_none());
        assert!(public.header("cache-control").starts_with("public, "));
    }
}

#[test]
fn who_writes_reads_it_at_once_and_others_on_other_servers_do_soon() {
    for place in places() {
        let name = place.name;
        let other = place.shared();
        let app = App::on(place);
        app.import(&[article("a").tagged("t"), article("b").tagged("t")]);
        let other = App::on(other);
        let paths = ["/v1/articles/a", "/v1/articles", "/v1/articles/b/related"];
        for path in paths {
            for app in [&app, &other] {
                app.get(path);
                assert!(is_hit(&app.get(path)), "{name} {path}");
            }
        }
        patch(&app, "a", json!({"headline": "Autrement"}));
        for path in paths {
            let fresh = app.get(path);
            assert!(
                !is_hit(&fresh) && fresh.text().contains("Autrement"),
                "{name} {path}"
            );
        }
        other.wait();
        for path in paths {
            assert!(
                other.get(path).text().contains("Autrement"),
                "{name} {path}"
            );
        }
    }
}

#[test]
fn a_write_leaves_alone_what_it_does_not_concern() {
    let app = App::with(&[
        article("old")
            .tagged("t")
            .published(noon() - TimeDelta::days(9)),
        article("a")
            .tagged("t")
            .published(noon() - TimeDelta::days(2)),
        article("b")
            .tagged("u")
            .published(noon() - TimeDelta::days(1)),
    ]);
    let kept = [
        "/v1/articles/b",
        "/v1/articles?tag=u",
        "/v1/articles?limit=1",
        "/v1/articles?from=2025-05-30",
        "/v1/articles?language=ar",
        "/v1/tags/t",
    ];
    let concerned = ["/v1/articles/old", "/v1/articles?tag=t", "/v1/articles"];
    for path in kept.iter().chain(&concerned) {
        app.get(path);
    }
    patch(&app, "old", json!({"headline": "Autrement"}));
    for path in kept {
        assert!(is_hit(&app.get(path)), "{path}");
    }
    for path in concerned {
        assert!(!is_hit(&app.get(path)), "{path}");
    }
}

#[test]
fn neighbours_may_be_late_and_what_is_shown_of_them_is_not() {
    let place = places().remove(0);
    let app = App::configured(place, |config| config.related_lag = Duration::from_secs(1));
    let text = "Le barrage du Ziz retient les crues de l'oued et l'eau des khettaras.";
    app.import(&[article("a").saying(text), article("b").saying(text)]);
    let path = "/v1/articles/a/related?limit=50";
    let related = || app.get(path);
    related();
    assert!(is_hit(&related()));
    let other = "Le barrage du Ziz retient les crues, et l'oued déborde.";
    app.import(&[article("c").saying(other)]);
    assert!(is_hit(&related()), "someone new");
    patch(&app, "a", json!({"headline": "Autrement"}));
    assert!(!is_hit(&related()), "the article itself");
    assert!(related().text().contains("\"c\""));
    app.import(&[article("d").saying(other)]);
    assert!(is_hit(&related()), "someone new");
    app.clock.set(noon() + TimeDelta::seconds(1));
    assert!(related().text().contains("\"d\""), "a second later");
    patch(&app, "c", json!({"headline": "Tout autrement"}));
    assert!(
        related().text().contains("Tout autrement"),
        "one that is shown"
    );
}

#[test]
fn a_list_that_the_engine_keeps_is_made_anew_when_something_comes_near() {
    for place in places() {
        let name = place.name;
        let app = App::configured(place, |config| config.related_lag = Duration::from_secs(1));
        let text = "Le barrage du Ziz retient les crues de l'oued et l'eau des khettaras.";
        app.import(&[article("a").saying(text), article("b").saying(text)]);
        app.wait();
        let related = || app.get("/v1/articles/a/related");
        related();
        // Nothing of it is like them, and it is in another language.
        let far = article("far").with("language", "en").saying("Snow fell.");
        app.import(&[far]);
        app.clock.set(noon() + TimeDelta::seconds(2));
        assert!(is_hit(&related()), "{name}: something far away");
        app.import(&[
            article("c").saying("Le barrage du Ziz retient les crues, et l'oued déborde.")
        ]);
        app.clock.set(noon() + TimeDelta::seconds(4));
        // To whom it is near is found a moment after the write is acknowledged.
        let began = Instant::now();
        while !related().text().contains("\"c\"") {
            assert!(began.elapsed() < Duration::from_secs(30), "{name}: near");
        }
    }
}

#[test]
fn a_cursor_in_odd_spelling_does_not_spoil_the_next_page_of_others() {
    let app = App::with(&["a", "b", "c", "d"].map(article));
    let first = app.json("/v1/articles?limit=1");
    let cursor = first["page"]["next"].as_str().unwrap();
    app.get(&format!("/v1/articles?limit=1&%63ursor={cursor}"));
    let second = app.get(&format!("/v1/articles?limit=1&cursor={cursor}"));
    let next = second.link("rel=\"next\"").unwrap();
    assert_eq!(app.get(&next).status, 200, "{next}");
}

#[test]
fn a_search_finds_what_a_tag_is_called_now() {
    let app = App::with(&[article("a").tagged("eau"), article("b")]);
    let found = || app.get("/v1/articles?q=fleuve").slugs();
    assert_eq!((found(), found()), (vec![], vec![]));
    let key = app.key("editor");
    let read = app.get_with("/v1/tags/eau", &[("authorization", &key)]);
    let reply = app.write(
        "PATCH",
        "/v1/tags/eau",
        &key,
        &[("if-match", read.header("etag"))],
        Some(json!({"name": "Fleuve"})),
    );
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(found(), ["a"]);
}

#[test]
fn what_is_kept_changes_at_its_second() {
    for place in places() {
        let app = App::on(place);
        let in_minutes = |minutes| (noon() + TimeDelta::minutes(minutes)).to_rfc3339();
        app.import(&[
            article("to-go")
                .tagged("t")
                .with("expires_at", in_minutes(30)),
            article("to-come")
                .tagged("t")
                .with("embargoed_until", in_minutes(10)),
        ]);
        let list = "/v1/articles?tag=t&fields=slug&order_by=oldest";
        let slugs = |time| {
            app.clock.set(time);
            app.get(list);
            app.get(list).slugs()
        };
        let instant = TimeDelta::microseconds(1);
        assert_eq!(slugs(noon()), ["to-go"]);
        assert_eq!(app.get("/v1/tags/t").json()["article_count"], 1);
        assert_eq!(slugs(noon() + TimeDelta::minutes(10) - instant), ["to-go"]);
        assert_eq!(slugs(noon() + TimeDelta::minutes(10)).len(), 2);
        assert_eq!(app.get("/v1/tags/t").json()["article_count"], 2);
        app.get("/v1/articles/to-go");
        app.clock.set(noon() + TimeDelta::minutes(30) - instant);
        assert_eq!(app.get("/v1/articles/to-go").status, 200);
        app.clock.set(noon() + TimeDelta::minutes(30));
        assert_eq!(app.get("/v1/articles/to-go").status, 410);
        assert_eq!(slugs(noon() + TimeDelta::minutes(30)), ["to-come"]);
    }
}

#[test]
fn what_is_scheduled_while_a_list_is_kept_ends_it() {
    let app = App::with(&[article("a"), article("b")]);
    app.get("/v1/articles");
    let key = app.key("editor");
    let read = app.get_with("/v1/articles/b", &[("authorization", &key)]);
    let soon = (noon() + TimeDelta::minutes(5)).to_rfc3339();
    let reply = app.write(
        "PUT",
        "/v1/articles/b/publication",
        &key,
        &[("if-match", read.header("etag"))],
        Some(json!({"published_at": soon})),
    );
    assert_eq!(reply.status, 200, "{}", reply.text());
    let slugs = || {
        app.get("/v1/articles");
        app.get("/v1/articles").slugs()
    };
    assert_eq!(slugs(), ["a"]);
    app.clock.set(noon() + TimeDelta::minutes(5));
    assert_eq!(slugs().len(), 2);
}

#[test]
fn others_may_keep_a_kept_answer_no_longer_than_what_is_in_it() {
    let end = (noon() + TimeDelta::seconds(8)).to_rfc3339();
    let app = App::with(&[article("a").with("expires_at", end)]);
    let age = || app.get("/v1/articles/a").header("cache-control").to_owned();
    assert_eq!(age(), "public, max-age=8");
    app.clock.set(noon() + TimeDelta::seconds(6));
    assert_eq!(age(), "public, max-age=2");
    assert!(is_hit(&app.get("/v1/articles/a")));
}

#[test]
fn an_import_of_many_ends_everything() {
    let app = App::with(&[article("a")]);
    app.get("/v1/articles/a");
    let many: Vec<_> = (0..1_000).map(|n| article(&format!("n-{n}"))).collect();
    app.import(&many);
    assert!(!is_hit(&app.get("/v1/articles/a")));
    assert!(is_hit(&app.get("/v1/articles/a")));
    assert_eq!(headline(&app.get("/v1/articles/a")), "a");
}

#[test]
fn nothing_is_kept_that_was_no_answer() {
    let app = App::with(&[article("a").with("slug", "before")]);
    for path in [
        "/v1/articles/nowhere",
        "/v1/articles?limit=0",
        "/v1/articles?tag=unknown",
        "/v1/previews/nothing",
        "/readyz",
    ] {
        let status = app.get(path).status;
        let again = app.get(path);
        assert!(!is_hit(&again), "{path}");
        assert_eq!(again.status, status, "{path}");
    }
    patch(&app, "before", json!({"slug": "after"}));
    for _ in 0..2 {
        let moved = app.get("/v1/articles/before");
        assert_eq!((moved.status, is_hit(&moved)), (301, false));
    }
}

#[test]
fn a_server_without_memory_for_it_keeps_nothing() {
    let place = places().remove(0);
    let app = App::configured(place, |config| config.cache = 0);
    app.import(&[article("a")]);
    for _ in 0..3 {
        let reply = app.get("/v1/articles/a");
        assert!(!is_hit(&reply) && reply.status == 200);
    }
    assert!(!app.get("/readyz").text().contains("cache"));
}

#[test]
fn the_metrics_tell_hits_from_misses() {
    let app = App::with(&[article("a")]);
    for _ in 0..5 {
        app.get("/v1/articles/a");
    }
    let text = app.get("/metrics").text();
    for line in [
        r#"kiosque_cache_requests_total{result="hit"} 4"#,
        r#"kiosque_cache_requests_total{result="miss"} 1"#,
        r#"kiosque_http_requests_total{endpoint="/v1/articles/{slug}",method="GET",status="200"} 5"#,
        "kiosque_cache_answers 1",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
