//! `GET /v1/articles`.

use serde_json::Value;

use crate::support::{App, Article, article, at, places};

pub fn four() -> Vec<Article> {
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
    assert_eq!(reply.link("rel=\"next\""), None);

    let reply = app.get("/v1/articles?limit=2&language=fr");
    let next = reply.json()["page"]["next"].as_str().unwrap().to_owned();
    assert!(reply.json()["page"].get("count").is_none());
    let address = format!("/v1/articles?limit=2&language=fr&cursor={next}");
    assert_eq!(reply.link("rel=\"next\""), Some(address.clone()));
    assert_eq!(app.get(&address).slugs(), ["a"]);
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

/// Three articles whose dates fall differently, so that no two dates give the same order.
fn dated() -> Vec<Article> {
    let days = |slug: &str, published: &str, updated: &str, first: &str| {
        article(slug)
            .with("published_at", format!("2024-{published}T00:00:00Z"))
            .with("updated_at", format!("2024-{updated}T00:00:00Z"))
            .with("first_published_at", format!("2024-{first}T00:00:00Z"))
    };
    vec![
        days("a", "01-10", "03-30", "01-02"),
        days("b", "02-10", "02-20", "01-03"),
        days("c", "03-10", "03-20", "01-01"),
    ]
}

#[test]
fn each_date_has_its_own_order_and_its_own_bounds() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&dated());
        for (date, newest) in [
            ("published", "c b a"),
            ("updated", "a c b"),
            ("first_published", "b a c"),
        ] {
            let newest: Vec<&str> = newest.split(' ').collect();
            let oldest: Vec<&str> = newest.iter().rev().copied().collect();
            let list = format!("/v1/articles?limit=1&use_date={date}");
            for words in ["", "&q=texte"] {
                assert_eq!(
                    app.walk(&format!("{list}{words}&order_by=newest")),
                    newest,
                    "{name} {date}"
                );
                assert_eq!(
                    app.walk(&format!("{list}{words}&order_by=oldest")),
                    oldest,
                    "{name} {date}"
                );
                // The bounds are the middle one's own time: they are inclusive.
                let field = match date {
                    "published" => "published_at",
                    "updated" => "updated_at",
                    _ => "first_published_at",
                };
                let middle = app.json(&format!("/v1/articles/{}", newest[1]))[field].clone();
                let middle = middle.as_str().unwrap();
                let within =
                    |bound: &str| app.walk(&format!("{list}{words}&order_by=newest&{bound}"));
                assert_eq!(
                    within(&format!("from={middle}")),
                    newest[..2],
                    "{name} {date} {words}"
                );
                assert_eq!(
                    within(&format!("to={middle}")),
                    newest[1..],
                    "{name} {date} {words}"
                );
                assert_eq!(
                    within(&format!("from={middle}&to={middle}&count=exact")),
                    newest[1..2],
                    "{name} {date} {words}"
                );
                let day = &middle[..10];
                assert_eq!(
                    within(&format!("from={day}&to={day}")),
                    newest[1..2],
                    "{name} {date}"
                );
            }
        }
    }
}

#[test]
fn a_bare_date_is_the_whole_day_in_utc_and_an_offset_is_understood() {
    let app = App::with(&[
        article("first").published(at("2024-02-29T00:00:00Z")),
        article("last").published(at("2024-02-29T23:59:59.999999Z")),
        article("after").published(at("2024-03-01T00:00:00Z")),
    ]);
    for (query, slugs) in [
        ("from=2024-02-29&to=2024-02-29", "last first"),
        ("from=2024-03-01", "after"),
        ("to=2024-02-28", ""),
        ("from=2024-03-01T01:00:00%2B01:00", "after"),
        ("to=2024-02-28T19:00:00-05:00", "first"),
        (
            "from=2024-02-29T23:59:59.999999Z&to=2024-02-29T23:59:59.9999999Z",
            "last",
        ),
    ] {
        for words in ["", "&q=texte&order_by=newest"] {
            let found = app.get(&format!("/v1/articles?{query}{words}"));
            assert_eq!(found.slugs().join(" "), slugs, "{query}{words}");
        }
    }
}

#[test]
fn a_search_takes_the_filters_of_a_plain_list_and_finds_the_same() {
    for place in places() {
        let name = place.name;
        let app = App::with_samples(place);
        let ids: Vec<String> = app.json("/v1/articles?tag=eau&fields=id&limit=5")["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect();
        let holding = app.walk("/v1/articles?q=maroc&limit=100");
        let everywhere = |filter: &str| {
            let mut expected = app.walk(&format!("/v1/articles?{filter}&limit=100"));
            expected.retain(|slug| holding.contains(slug));
            let search = format!("/v1/articles?q=maroc&order_by=newest&count=exact&{filter}");
            assert_eq!(
                app.walk(&format!("{search}&limit=7")),
                expected,
                "{name} {filter}"
            );
            let page = app.json(&search)["page"].clone();
            assert_eq!(page["count"], expected.len(), "{name} {filter}");
        };
        assert!(
            (10..100).contains(&holding.len()),
            "{name} {}",
            holding.len()
        );
        for filter in [
            "tag=securite",
            "tag=(eau%7Cfootball),-maroc",
            "tag=-securite&language=fr&from=2025-01-01",
            "language=en",
            "source=Agence%20Atlas%20Presse",
            "from=2024-04-23&to=2024-04-23",
            "use_date=first_published&from=2025-06-01&to=2025-12-31",
            &format!("ids={}", ids.join(",")),
        ] {
            everywhere(filter);
        }
    }
}

#[test]
fn one_page_holds_from_one_to_a_hundred() {
    let articles: Vec<Article> = (0..101).map(|n| article(&format!("n{n:03}"))).collect();
    let app = App::with(&articles);
    for (query, size) in [
        ("", 20),
        ("limit=1", 1),
        ("limit=100", 100),
        ("limit=007", 7),
    ] {
        let reply = app.get(&format!("/v1/articles?{query}"));
        assert_eq!((reply.status, reply.slugs().len()), (200, size), "{query}");
        assert_eq!(reply.json()["page"]["limit"], size, "{query}");
    }
    // A last page that is full has no next.
    let full = app.json("/v1/articles?limit=100&to=2024-03-01&count=exact");
    assert_eq!(full["page"]["count"], 101);
    let next = full["page"]["next"].as_str().unwrap();
    let last = app.json(&format!(
        "/v1/articles?limit=1&to=2024-03-01&count=exact&cursor={next}"
    ));
    assert_eq!(last["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&last["page"]["next"], &last["page"]["count"]),
        (&Value::Null, &101.into())
    );
}

#[test]
fn an_order_by_relevance_needs_words_and_is_theirs_where_there_are_some() {
    let app = App::with(&[
        article("passing")
            .headed("Chronique")
            .saying(&format!("{} safran.", "Un mot de plus. ".repeat(80))),
        article("about")
            .headed("Le safran")
            .saying("Le safran de Taliouine.")
            .published(at("2023-01-01T00:00:00Z")),
    ]);
    let best = ["about", "passing"];
    assert_eq!(app.get("/v1/articles?q=safran").slugs(), best);
    assert_eq!(
        app.get("/v1/articles?q=safran&order_by=relevance").slugs(),
        best
    );
    assert_eq!(app.walk("/v1/articles?q=safran&limit=1"), best);
    assert_eq!(
        app.get("/v1/articles?q=safran&order_by=newest").slugs(),
        ["passing", "about"]
    );
    let reply = app.get("/v1/articles?order_by=relevance");
    assert_eq!(
        (reply.status, reply.named()),
        (400, vec!["order_by".to_owned()])
    );
}

#[test]
fn ids_are_a_filter_and_not_an_order() {
    let app = App::with(&four());
    let id = |slug: &str| {
        app.json(&format!("/v1/articles/{slug}"))["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (a, b, d) = (id("a"), id("b").to_uppercase(), id("d"));
    let slugs = |query: &str| app.get(&format!("/v1/articles?{query}")).slugs();
    assert_eq!(slugs(&format!("ids={a},{b},{a},{d}")), ["d", "b", "a"]);
    assert_eq!(slugs(&format!("ids={a},{b}&tag=y")), ["b"]);
    assert_eq!(
        slugs(&format!("ids={a},{b}&q=texte&order_by=oldest")),
        ["a", "b"]
    );
    assert_eq!(
        app.walk(&format!("/v1/articles?ids={a},{b},{d}&limit=1")),
        ["d", "b", "a"]
    );
    app.import(&[article("d").status("draft")]);
    assert_eq!(slugs(&format!("ids={a},{d}")), ["a"]);
}
