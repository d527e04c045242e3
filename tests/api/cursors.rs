//! `cursor` and `Link`: walks through lists.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::support::{App, Article, Place, article, at, places};

#[test]
fn the_next_page_keeps_the_query_as_it_was_asked() {
    let app = App::with_samples(Place::sqlite());
    let first = app.get("/v1/articles?tag=eau%7Csecheresse&q=l%27eau+du+ziz&limit=2");
    assert_eq!(first.status, 200, "{}", first.text());
    let mut seen = first.slugs();
    let mut link = first.header("link").to_owned();
    while let Some(address) = link
        .strip_prefix('<')
        .and_then(|link| link.split('>').next())
    {
        assert!(
            address
                .starts_with("/v1/articles?tag=eau%7Csecheresse&q=l%27eau+du+ziz&limit=2&cursor=")
        );
        assert_eq!(address.matches("cursor=").count(), 1, "{address}");
        let page = app.get(address);
        seen.extend(page.slugs());
        link = page.header("link").to_owned();
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
