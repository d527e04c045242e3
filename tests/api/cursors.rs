//! `cursor` and `Link`: walks through lists.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::lists::four;
use crate::support::{App, Article, Place, article, at, places};

#[test]
fn the_next_page_keeps_the_query_as_it_was_asked() {
    let app = App::with_samples(Place::sqlite());
    let first = app.get("/v1/articles?tag=eau%7Csecheresse&q=l%27eau+du+ziz&limit=2");
    assert_eq!(first.status, 200, "{}", first.text());
    let mut seen = first.slugs();
    let mut link = first.link("rel=\"next\"");
    while let Some(address) = &link {
        assert!(
            address
                .starts_with("/v1/articles?tag=eau%7Csecheresse&q=l%27eau+du+ziz&limit=2&cursor=")
        );
        assert_eq!(address.matches("cursor=").count(), 1, "{address}");
        let page = app.get(address);
        seen.extend(page.slugs());
        link = page.link("rel=\"next\"");
    }
    assert_eq!(
        seen,
        app.get("/v1/articles?tag=eau%7Csecheresse&q=l%27eau+du+ziz&limit=100")
            .slugs()
    );
}

#[test]
fn a_walk_in_any_order_is_disturbed_by_nothing_that_happens_on_the_way() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let noon = at("2024-03-01T12:00:00Z");
        let kept: Vec<Article> = (0..24)
            .map(|n| article(&format!("n{n:02}")).published(noon + TimeDelta::days(n / 5)))
            .collect();
        for (walk, list) in [
            "order_by=newest",
            "use_date=updated&order_by=oldest",
            "q=texte",
        ]
        .into_iter()
        .enumerate()
        {
            app.import(&kept);
            let mut whole = app.walk(&format!("/v1/articles?{list}&limit=100"));
            whole.retain(|slug| slug.starts_with('n'));
            let mut seen = Vec::new();
            let mut cursor = String::new();
            for page in 0.. {
                assert!(page < 20, "{name} {list}: the walk does not end");
                let reply = app.get(&format!("/v1/articles?{list}&limit=6{cursor}"));
                assert_eq!(reply.status, 200, "{name} {list} {}", reply.text());
                seen.extend(reply.slugs());
                // Newer ones come, older ones, and of the very same time; where the cursor stands, one goes.
                let passing = |what: &str, days| {
                    article(&format!("x{walk}-{page}-{what}"))
                        .published(noon + TimeDelta::days(days))
                };
                let mut changes = vec![
                    passing("newer", 90),
                    passing("older", -90),
                    passing("same", 2),
                ];
                let last = seen.last().filter(|slug| slug.starts_with('x'));
                changes.extend(last.map(|slug| article(slug).status("withdrawn")));
                if page < 5 {
                    app.import(&changes);
                }
                match reply.json()["page"]["next"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            let once: BTreeSet<_> = seen.iter().collect();
            assert_eq!(once.len(), seen.len(), "{name} {list}: {seen:?}");
            seen.retain(|slug| slug.starts_with('n'));
            assert_eq!((seen.len(), &seen), (24, &whole), "{name} {list}");
        }
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
