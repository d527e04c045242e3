//! `GET /v1/articles`.

use chrono::TimeDelta;

use crate::support::{App, Article, article, at, places};

fn four() -> Vec<Article> {
    vec![
        article("a")
            .tagged("x")
            .published(at("2024-01-01T00:00:00Z")),
        article("b")
            .tagged("x")
            .tagged("y")
            .published(at("2024-02-01T00:00:00Z")),
        article("c")
            .tagged("y")
            .published(at("2024-03-01T00:00:00Z"))
            .language("en"),
        article("d")
            .published(at("2024-04-01T00:00:00Z"))
            .with("source", serde_json::json!({"name": "Agence"})),
    ]
}

#[test]
fn each_filter_keeps_what_it_says() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&four());
        for (query, slugs) in [
            ("", "d c b a"),
            ("order_by=oldest", "a b c d"),
            ("tag=x", "b a"),
            ("tag=x,y", "b"),
            ("tag=x%7Cy", "c b a"),
            ("tag=-x", "d c"),
            ("tag=(x%7Cy),-x", "c"),
            ("tag=-(x,y)", "d c a"),
            ("language=fr", "d b a"),
            ("language=EN", "c"),
            ("source=Agence", "d"),
            ("source=Autre", ""),
            ("from=2024-02-01", "d c b"),
            ("to=2024-02-01", "b a"),
            ("from=2024-02-01T00:00:00Z&to=2024-03-01T00:00:00Z", "c b"),
            ("from=2024-02-01T00:00:01Z", "d c"),
            ("language=fr&tag=x&order_by=oldest&limit=1", "a"),
            ("use_date=updated&order_by=oldest", "a b c d"),
            ("use_date=first_published&from=2024-04-01", "d"),
        ] {
            let reply = app.get(&format!("/v1/articles?{query}"));
            assert_eq!(reply.status, 200, "{name} {query}");
            assert_eq!(reply.slugs().join(" "), slugs, "{name} {query}");
        }
        let id = |slug: &str| {
            app.get(&format!("/v1/articles/{slug}")).json()["id"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let ids = format!(
            "{},{},01921c5e-7a1a-7000-8000-000000000001",
            id("a"),
            id("c")
        );
        assert_eq!(
            app.get(&format!("/v1/articles?ids={ids}")).slugs(),
            ["c", "a"],
            "{name}"
        );
    }
}

#[test]
fn a_walk_gives_each_article_once_in_order_also_where_times_are_equal() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let articles: Vec<Article> = (0..57)
            .map(|n| {
                article(&format!("n{n}"))
                    .published(at("2024-01-01T00:00:00Z") + TimeDelta::days(n / 10))
            })
            .collect();
        app.import(&articles);
        let newest = app.walk("/v1/articles?limit=7");
        let once: std::collections::BTreeSet<_> = newest.iter().collect();
        assert_eq!((newest.len(), once.len()), (57, 57), "{name}");
        let mut oldest = app.walk("/v1/articles?limit=10&order_by=oldest");
        oldest.reverse();
        assert_eq!(newest, oldest, "{name}");
        assert_eq!(newest, app.walk("/v1/articles?limit=100"), "{name}");
        let days: Vec<i64> = newest
            .iter()
            .map(|slug| slug[1..].parse::<i64>().unwrap() / 10)
            .collect();
        assert!(days.is_sorted_by(|a, b| a >= b), "{name}");
    }
}

#[test]
fn articles_that_come_during_a_walk_disturb_nothing() {
    let app = App::with(
        &(0..30)
            .map(|n| article(&format!("n{n:02}")))
            .collect::<Vec<_>>(),
    );
    let mut slugs = Vec::new();
    let mut cursor = String::new();
    for page in 0.. {
        let reply = app.get(&format!("/v1/articles?limit=4{cursor}"));
        slugs.extend(reply.slugs());
        let newer = article(&format!("newer-{page}")).published(at("2025-05-01T00:00:00Z"));
        let same = article(&format!("same-{page}"));
        app.import(&[newer, same]);
        match reply.json()["page"]["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    slugs.retain(|slug| slug.starts_with('n') && !slug.starts_with("newer"));
    let mut expected: Vec<String> = (0..30).map(|n| format!("n{n:02}")).collect();
    expected.reverse();
    assert_eq!(slugs, expected);
}

#[test]
fn the_page_says_its_limit_its_count_and_where_it_goes_on() {
    let app = App::with(&four());
    let reply = app.get("/v1/articles?limit=3&tag=-zz&count=exact");
    assert_eq!(
        reply.status, 400,
        "an unknown tag is named, not passed over"
    );
    let reply = app.get("/v1/articles?limit=3&count=exact&language=fr");
    let page = reply.json()["page"].clone();
    assert_eq!(
        (&page["limit"], &page["count"], &page["next"]),
        (&3.into(), &3.into(), &serde_json::Value::Null)
    );
    assert_eq!(reply.header("link"), "");

    let reply = app.get("/v1/articles?limit=2&language=fr");
    let next = reply.json()["page"]["next"].as_str().unwrap().to_owned();
    assert!(reply.json()["page"].get("count").is_none());
    let address = format!("/v1/articles?limit=2&language=fr&cursor={next}");
    assert_eq!(reply.header("link"), format!("<{address}>; rel=\"next\""));
    assert_eq!(app.get(&address).slugs(), ["a"]);
}

#[test]
fn a_cursor_is_good_for_its_own_query_only() {
    let app = App::with(&four());
    let reply = app.get("/v1/articles?limit=1&language=fr");
    let cursor = reply.json()["page"]["next"].as_str().unwrap().to_owned();
    // The size of pages and what they show may change on the way.
    assert_eq!(
        app.get(&format!(
            "/v1/articles?limit=2&fields=slug&language=fr&cursor={cursor}"
        ))
        .status,
        200
    );
    let mut forged = cursor.clone().into_bytes();
    forged[14] = if forged[14] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for query in [
        format!("/v1/articles?limit=1&language=en&cursor={cursor}"),
        format!("/v1/articles?limit=1&cursor={cursor}"),
        format!("/v1/articles?limit=1&language=fr&order_by=oldest&cursor={cursor}"),
        format!("/v1/articles?limit=1&language=fr&q=texte&cursor={cursor}"),
        format!("/v1/articles?limit=1&language=fr&cursor={forged}"),
        format!("/v1/tags?limit=1&cursor={cursor}"),
        "/v1/articles?cursor=AAAA".to_owned(),
        "/v1/articles?cursor=%20x".to_owned(),
    ] {
        let reply = app.get(&query);
        assert_eq!(
            (reply.status, reply.json()["code"].as_str()),
            (400, Some("invalid_cursor")),
            "{query}"
        );
    }
}

#[test]
fn lists_leave_the_long_members_out_until_they_are_asked_for() {
    let app = App::with(&four());
    let first = |query: &str| app.get(&format!("/v1/articles?{query}")).json()["data"][0].clone();
    for long in [
        "body_html",
        "body_text",
        "word_count",
        "translations",
        "related",
        "related_tags",
    ] {
        assert!(first("").get(long).is_none(), "{long}");
    }
    let full = first("include=body,translations,related,related_tags");
    for long in [
        "body_html",
        "body_text",
        "word_count",
        "translations",
        "related",
        "related_tags",
    ] {
        assert!(full.get(long).is_some(), "{long}");
    }
    assert_eq!(first("fields=slug"), serde_json::json!({"slug": "d"}));
}
