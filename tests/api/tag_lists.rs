//! Lists of a tag that very many articles bear: found among its first bearers, and no different for it.

use chrono::TimeDelta;
use serde_json::json;

use crate::support::{App, Article, article, at, places};

/// The bearers of the tag: ten on each day, one in forty in English, one in a hundred of another tag, too.
fn bearers() -> Vec<Article> {
    let first = at("2020-01-01T00:00:00Z");
    (0..700)
        .map(|number: i64| {
            let one = article(&format!("a{number:03}"))
                .tagged("x")
                .published(first + TimeDelta::days(number / 10));
            let one = match number % 40 {
                7 => one.language("en"),
                _ => one,
            };
            match number % 100 {
                3 => one.tagged("rare"),
                _ => one,
            }
        })
        .collect()
}

/// Every slug of a list, page by page.
fn walked(app: &App, query: &str, limit: usize) -> Vec<String> {
    let mut path = format!("/v1/articles?{query}&limit={limit}");
    let mut slugs = Vec::new();
    loop {
        let page = app.get(&path);
        assert_eq!(page.status, 200, "{path}");
        slugs.extend(page.slugs());
        let Some(cursor) = page.json()["page"]["next"].as_str().map(str::to_owned) else {
            return slugs;
        };
        path = format!("/v1/articles?{query}&limit={limit}&cursor={cursor}");
    }
}

#[test]
fn pages_of_a_frequent_tag_have_every_article_once_and_in_order() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&bearers());
        // The same list by another way, whose order is the same: a tag that no one bears is not.
        let other = |query: &str| walked(&app, &query.replace("tag=x", "tag=(x%7Crare)"), 100);
        for query in [
            "tag=x",
            "tag=x&order_by=oldest",
            "tag=x&language=en",
            "tag=x&language=en&order_by=oldest",
            "tag=x,rare",
            "tag=x,-rare",
            "tag=x&from=2020-02-01&to=2020-02-20",
        ] {
            let all = other(query);
            assert_ne!(all.len(), 0, "{name} {query}");
            for limit in [7, 100] {
                assert_eq!(walked(&app, query, limit), all, "{name} {query} by {limit}");
            }
        }
        assert_eq!(walked(&app, "tag=x", 100).len(), 700, "{name}");
        assert_eq!(walked(&app, "tag=x,rare", 100).len(), 7, "{name}");
    }
}

#[test]
fn an_article_stands_in_the_list_of_its_tag_where_its_date_is_now() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[
            article("a")
                .tagged("x")
                .published(at("2024-01-01T00:00:00Z")),
            article("b")
                .tagged("x")
                .published(at("2024-02-01T00:00:00Z")),
            article("c")
                .tagged("y")
                .published(at("2024-03-01T00:00:00Z")),
        ]);
        let editor = app.key("editor");
        let patch = |slug: &str, change: serde_json::Value| {
            let path = format!("/v1/articles/{slug}");
            let reply = app.write("PATCH", &path, &editor, &[("if-match", "*")], Some(change));
            assert_eq!(reply.status, 200, "{name} {}", reply.text());
        };
        let list = || app.get("/v1/articles?tag=x").slugs().join(" ");
        assert_eq!(list(), "b a", "{name}");
        patch("a", json!({"published_at": "2024-02-02T00:00:00Z"}));
        assert_eq!(list(), "a b", "{name}: another date");
        patch("c", json!({"tags": ["x"]}));
        assert_eq!(list(), "c a b", "{name}: another tag");
        let change = json!({"tags": ["x", "y"], "published_at": "2023-01-01T00:00:00Z"});
        patch("c", change);
        assert_eq!(list(), "a b c", "{name}: both at once");
    }
}
