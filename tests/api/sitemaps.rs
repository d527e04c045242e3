//! `/v1/feeds/{sitemap,news-sitemap}`: what search engines read.

use chrono::TimeDelta;
use diesel::RunQueryDsl;
use serde_json::json;

use crate::feeds::{id, settings};
use crate::support::app::noon;
use crate::support::xml::{self, Element};
use crate::support::{App, Article, Place, article, at, places};

fn app(place: Place, articles: &[Article]) -> App {
    let app = App::configured(place, settings);
    app.import(articles);
    app
}

fn sitemap(app: &App, query: &str) -> Element {
    let reply = app.get(&format!("/v1/feeds/sitemap{query}"));
    assert_eq!(reply.status, 200, "{query} {}", reply.text());
    assert_eq!(
        reply.header("content-type"),
        "application/xml; charset=utf-8"
    );
    xml::parse(&reply.text())
}

fn places_in(sitemap: &Element) -> Vec<String> {
    let short = |url: &Element| url.says("loc").replace("https://news.example", "");
    sitemap.children.iter().map(short).collect()
}

#[test]
fn a_sitemap_has_all_that_is_public_with_pictures_and_translations() {
    for place in places() {
        let app = app(
            place,
            &[
                article("a").with("image", json!({"url": "https://img.example/a.jpg"})),
                article("b").language("ar").with("translation_of", "a"),
                article("c").with("rights", json!({"syndicatable": false})),
                article("d").status("draft"),
                article("e").published(noon() + TimeDelta::hours(1)),
            ],
        );
        let found = sitemap(&app, "");
        assert_eq!(found.name, "urlset");
        assert_eq!(places_in(&found), ["/fr/a", "/ar/b", "/fr/c"]);
        let first = &found.children[0];
        assert_eq!(
            first.find("image:image").unwrap().says("image:loc"),
            "https://img.example/a.jpg"
        );
        let alternates: Vec<_> = first
            .all("xhtml:link")
            .iter()
            .map(|link| {
                (
                    link.attribute("hreflang").unwrap(),
                    link.attribute("href").unwrap(),
                )
            })
            .collect();
        assert_eq!(
            alternates,
            [
                ("fr", "https://news.example/fr/a"),
                ("ar", "https://news.example/ar/b")
            ]
        );
        assert_eq!(places_in(&sitemap(&app, "?language=ar")), ["/ar/b"]);
        assert_eq!(
            places_in(&sitemap(&app, "?limit=1&order_by=oldest")).len(),
            1
        );
        assert_eq!(places_in(&sitemap(&app, "?page=1")).len(), 3);
        assert_eq!(places_in(&sitemap(&app, "?page=2")), [""; 0]);
        app.clock.set(noon() + TimeDelta::hours(2));
        assert_eq!(places_in(&sitemap(&app, "")).len(), 4, "its hour has come");
    }
}

#[test]
fn beyond_fifty_thousand_addresses_it_is_an_index_of_parts_that_stay() {
    for place in places() {
        let app = app(
            place,
            &[
                article("a"),
                article("z").with("updated_at", "2025-05-02T00:00:00Z"),
            ],
        );
        spread(&app);
        let index = sitemap(&app, "?language=fr");
        assert_eq!(index.name, "sitemapindex");
        let parts: Vec<_> = index.children.iter().map(|part| part.says("loc")).collect();
        let address = "https://api.example/v1/feeds/sitemap?language=fr&page=";
        let expected: Vec<_> = (1..=6).map(|page| format!("{address}{page}")).collect();
        assert_eq!(parts, expected);
        let mut seen = 0;
        for page in 1..=6 {
            let part = sitemap(&app, &format!("?language=fr&page={page}"));
            seen += part.children.len();
            assert!(part.children.len() <= 10_000);
        }
        assert_eq!(seen, 50_100);
        let fifth = app.get("/v1/feeds/sitemap?language=fr&page=5").text();
        app.import(&[article("neu")]);
        assert!(
            app.get("/v1/feeds/sitemap?language=fr&page=6")
                .text()
                .contains("/fr/neu")
        );
        assert_eq!(
            app.get("/v1/feeds/sitemap?language=fr&page=5").text(),
            fifth
        );
    }
}

/// Makes 50,100 articles of the first, quicker than an import would.
fn spread(app: &App) {
    const COPIES: &str = "
        INSERT INTO articles (id, slug, language, headline, excerpt, syndicatable, sponsors, status, published_at,
            updated_at, related, created_at, version)
        WITH RECURSIVE n (x) AS (SELECT 3 UNION ALL SELECT x + 1 FROM n WHERE x < 50100)
        SELECT '0190b0a0-0000-7000-8000-' || substr(CAST(1000000000000 + x AS TEXT), 2), 'copie-' || x, language, headline,
            excerpt, syndicatable, sponsors, status, published_at, updated_at, related, created_at, version
        FROM articles, n WHERE slug = 'a'";
    app.database
        .write(|conn| Ok(diesel::sql_query(COPIES).execute(conn)?))
        .unwrap();
}

#[test]
fn parameters_of_a_sitemap_do_not_contradict() {
    let app = app(Place::sqlite(), &[article("a")]);
    for (query, named) in [
        ("?page=1&limit=2", "page"),
        ("?page=0", "page"),
        ("?page=50001", "page"),
        ("?page=1&q=texte", "page"),
        ("?limit=101", "limit"),
        ("?fields=slug", "fields"),
    ] {
        let reply = app.get(&format!("/v1/feeds/sitemap{query}"));
        assert_eq!(
            (reply.status, reply.named()),
            (400, vec![named.to_owned()]),
            "{query}"
        );
    }
    for (query, named) in [("?use_date=updated", "use_date"), ("?limit=1001", "limit")] {
        let reply = app.get(&format!("/v1/feeds/news-sitemap{query}"));
        assert_eq!(
            (reply.status, reply.named()),
            (400, vec![named.to_owned()]),
            "{query}"
        );
    }
}

#[test]
fn a_news_sitemap_has_two_days_and_lets_them_pass() {
    for place in places() {
        let hours = |hours: i64| noon() - TimeDelta::hours(hours);
        let app = app(
            place,
            &[
                article("neuf")
                    .with("id", id(1))
                    .headed("Neuf & <vif>")
                    .published(hours(1)),
                article("hier")
                    .with("id", id(2))
                    .published(hours(47))
                    .language("zh-Hant"),
                article("vieux").with("id", id(3)).published(hours(49)),
                article("demain").published(hours(-1)),
            ],
        );
        let get = || {
            let reply = app.get("/v1/feeds/news-sitemap");
            assert_eq!(reply.status, 200, "{}", reply.text());
            xml::parse(&reply.text())
        };
        let found = get();
        assert_eq!(places_in(&found), ["/fr/neuf", "/zh-Hant/hier"]);
        let news = found.children[0].find("news:news").unwrap();
        assert_eq!(news.says("news:title"), "Neuf & <vif>");
        assert_eq!(news.says("news:publication_date"), "2025-06-01T11:00:00Z");
        let publication = news.find("news:publication").unwrap();
        assert_eq!(publication.says("news:name"), "Le Fil SA");
        assert_eq!(publication.says("news:language"), "fr");
        let other = found.children[1].find("news:news").unwrap();
        assert_eq!(
            other
                .find("news:publication")
                .unwrap()
                .says("news:language"),
            "zh-tw"
        );
        let control = app
            .get("/v1/feeds/news-sitemap")
            .header("cache-control")
            .to_owned();
        assert!(control.contains("max-age"), "{control}");
        app.clock.set(at("2025-06-01T13:01:00Z"));
        assert_eq!(
            places_in(&get()),
            ["/fr/demain", "/fr/neuf"],
            "the other is old now"
        );
    }
}

#[test]
fn a_news_sitemap_has_a_thousand_articles_at_the_most() {
    let articles: Vec<_> = (0..1_005)
        .map(|n| article(&format!("a-{n}")).published(noon() - TimeDelta::minutes(n)))
        .collect();
    let app = app(Place::sqlite(), &articles);
    let reply = app.get("/v1/feeds/news-sitemap");
    let found = xml::parse(&reply.text());
    assert_eq!(found.children.len(), 1_000);
    assert_eq!(found.children[0].says("loc"), "https://news.example/fr/a-0");
    let next = reply.link("rel=\"next\"").unwrap();
    let path = next.strip_prefix("https://api.example").unwrap();
    assert_eq!(xml::parse(&app.get(path).text()).children.len(), 5);
}
