//! `/v1/feeds/{rss,atom,json,ninjs}`: any query in the formats of feeds.

use kiosque::config::Config;
use serde_json::{Value, json};

use crate::support::xml::{self, Element};
use crate::support::{App, Article, Place, Reply, article, at, places};

const FORMATS: [&str; 4] = ["rss", "atom", "json", "ninjs"];

/// A site of our own.
pub fn settings(config: &mut Config) {
    config.public_url = Some("https://api.example".to_owned());
    config.feeds.site_url = Some("https://news.example/".to_owned());
    config.feeds.article_url = Some("https://news.example/{language}/{slug}".to_owned());
    config.feeds.title = "Le Fil".to_owned();
    config.feeds.publisher = "Le Fil SA".to_owned();
}

pub fn id(number: usize) -> String {
    format!("0190b0a0-0000-7000-8000-{number:012}")
}

fn rich() -> Article {
    article("crue-du-ziz")
        .with("id", id(1))
        .headed("La crue du Ziz <coupe> la route & l'école")
        .with("body", "<p>La <b>route</b>. <img src=\"/pont.jpg\" alt=\"Pont\"></p>")
        .with("standfirst", "Trois villages sont isolés.")
        .with("trail_text", "L'eau & la boue.")
        .with("byline", "Salma Idrissi")
        .with(
            "image",
            json!({"url": "https://img.example/crue.jpg?a=1&b=2", "alt": "Le pont", "caption": "Mardi",
                   "credit": "N. Berrada", "width": 1200, "height": 800}),
        )
        .with("source", json!({"name": "Agence Atlas", "url": "https://atlas.example/a"}))
        .with("canonical_url", "https://atlas.example/crue")
        .with("rights", json!({"license": "CC-BY-4.0", "attribution": "© Atlas", "syndicatable": true}))
        .with(
            "tags",
            json!([{"slug": "ziz", "name": "Ziz", "kind": "place"}, {"slug": "eau", "name": "Eau", "kind": "section"}]),
        )
        .published(at("2025-05-20T09:30:00Z"))
        .with("updated_at", "2025-05-21T08:00:00Z")
}

fn app(place: Place, articles: &[Article]) -> App {
    let app = App::configured(place, settings);
    app.import(articles);
    app
}

/// The ids of the articles of a page, in order.
fn ids(format: &str, reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let bare = |urn: &str| urn.strip_prefix("urn:uuid:").expect("a URN").to_owned();
    let of_json = |list: &str, member: &str| -> Vec<String> {
        let json = reply.json();
        let items = json[list].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .map(|item| bare(item[member].as_str().unwrap()))
            .collect()
    };
    match format {
        "rss" => {
            let rss = xml::parse(&reply.text());
            let items = rss.children[0].all("item");
            items.iter().map(|item| bare(item.says("guid"))).collect()
        }
        "atom" => {
            let feed = xml::parse(&reply.text());
            let entries = feed.all("entry");
            entries.iter().map(|entry| bare(entry.says("id"))).collect()
        }
        "json" => of_json("items", "id"),
        _ => of_json("associations", "uri"),
    }
}

/// The address of the next page as the document itself has it, on this server.
fn next(format: &str, app: &App, reply: &Reply) -> Option<String> {
    let text = reply.text();
    let next = match format {
        "rss" => xml::parse(&text).children[0]
            .link("next")
            .map(str::to_owned),
        "atom" => xml::parse(&text).link("next").map(str::to_owned),
        "json" => reply.json()["next_url"].as_str().map(str::to_owned),
        _ => reply.link("rel=\"next\""),
    };
    assert_eq!(next, reply.link("rel=\"next\""), "{format}");
    let next = next?;
    let path = next.strip_prefix("https://api.example").expect("absolute");
    assert!(path.starts_with("/v1/feeds/") && !app.base.is_empty());
    Some(path.to_owned())
}

#[test]
fn rss_has_everything_of_an_article() {
    for place in places() {
        let app = app(place, &[rich()]);
        let reply = app.get("/v1/feeds/rss?tag=eau");
        assert_eq!(
            reply.header("content-type"),
            "application/rss+xml; charset=utf-8"
        );
        let rss = xml::parse(&reply.text());
        let channel = &rss.children[0];
        assert_eq!(rss.attribute("version"), Some("2.0"));
        assert_eq!(channel.says("title"), "Le Fil");
        assert_eq!(channel.says("link"), "https://news.example/");
        assert_eq!(channel.says("language"), "fr");
        assert_eq!(
            channel.says("lastBuildDate"),
            "Wed, 21 May 2025 08:00:00 GMT"
        );
        assert_eq!(
            channel.link("self"),
            Some("https://api.example/v1/feeds/rss?tag=eau")
        );
        assert_eq!(channel.link("next"), None);
        let item = channel.find("item").unwrap();
        assert_eq!(
            item.says("title"),
            "La crue du Ziz <coupe> la route & l'école"
        );
        assert_eq!(item.says("link"), "https://news.example/fr/crue-du-ziz");
        let guid = item.find("guid").unwrap();
        assert_eq!(guid.text, format!("urn:uuid:{}", id(1)));
        assert_eq!(guid.attribute("isPermaLink"), Some("false"));
        assert_eq!(item.says("pubDate"), "Tue, 20 May 2025 09:30:00 GMT");
        assert_eq!(
            item.says("description"),
            "L'eau &amp; la boue.",
            "it is HTML"
        );
        assert_eq!(
            item.says("content:encoded"),
            "<p>La <b>route</b>. <img src=\"https://news.example/pont.jpg\" alt=\"Pont\"></p>"
        );
        assert_eq!(item.says("dc:creator"), "Salma Idrissi");
        assert_eq!(item.says("dc:rights"), "© Atlas (CC-BY-4.0)");
        let categories: Vec<_> = item
            .all("category")
            .iter()
            .map(|category| {
                (
                    category.attribute("domain").unwrap(),
                    category.text.as_str(),
                )
            })
            .collect();
        let domain = "https://api.example/v1/tags?kind=";
        assert_eq!(
            categories,
            [
                (&*format!("{domain}place"), "Ziz"),
                (&*format!("{domain}section"), "Eau")
            ]
        );
        let source = item.find("source").unwrap();
        assert_eq!(
            (source.text.as_str(), source.attribute("url")),
            ("Agence Atlas", Some("https://atlas.example/a"))
        );
        picture(item);
    }
}

fn picture(item: &Element) {
    let picture = item.find("media:content").unwrap();
    assert_eq!(
        picture.attribute("url"),
        Some("https://img.example/crue.jpg?a=1&b=2")
    );
    assert_eq!(picture.attribute("type"), Some("image/jpeg"));
    assert_eq!(picture.attribute("width"), Some("1200"));
    assert_eq!(picture.says("media:title"), "Le pont");
    assert_eq!(picture.says("media:credit"), "N. Berrada");
}

#[test]
fn atom_has_everything_of_an_article() {
    let app = app(Place::sqlite(), &[rich()]);
    let reply = app.get("/v1/feeds/atom");
    assert_eq!(
        reply.header("content-type"),
        "application/atom+xml; charset=utf-8"
    );
    let feed = xml::parse(&reply.text());
    assert_eq!(feed.attribute("xml:lang"), Some("fr"));
    assert_eq!(feed.says("id"), "https://api.example/v1/feeds/atom");
    assert_eq!(feed.says("updated"), "2025-05-21T08:00:00Z");
    assert_eq!(feed.find("author").unwrap().says("name"), "Le Fil SA");
    assert_eq!(feed.link("self"), Some("https://api.example/v1/feeds/atom"));
    assert_eq!(feed.link("alternate"), Some("https://news.example/"));
    let entry = feed.find("entry").unwrap();
    assert_eq!(entry.says("id"), format!("urn:uuid:{}", id(1)));
    assert_eq!(
        entry.says("title"),
        "La crue du Ziz <coupe> la route & l'école"
    );
    assert_eq!(entry.says("published"), "2025-05-20T09:30:00Z");
    assert_eq!(entry.says("summary"), "L'eau & la boue.");
    assert_eq!(
        entry.find("content").unwrap().attribute("type"),
        Some("html")
    );
    assert!(entry.says("content").contains("<b>route</b>"));
    assert_eq!(entry.find("author").unwrap().says("name"), "Salma Idrissi");
    assert_eq!(
        entry.link("alternate"),
        Some("https://news.example/fr/crue-du-ziz")
    );
    assert_eq!(entry.link("canonical"), Some("https://atlas.example/crue"));
    assert_eq!(entry.link("via"), Some("https://atlas.example/a"));
    let tag = entry.find("category").unwrap();
    assert_eq!(
        (
            tag.attribute("term"),
            tag.attribute("label"),
            tag.attribute("scheme")
        ),
        (
            Some("ziz"),
            Some("Ziz"),
            Some("https://api.example/v1/tags?kind=place")
        )
    );
    assert_eq!(entry.says("rights"), "© Atlas (CC-BY-4.0)");
    picture(entry);
}

#[test]
fn json_feed_and_ninjs_have_everything_of_an_article() {
    let app = app(Place::sqlite(), &[rich()]);
    let reply = app.get("/v1/feeds/json");
    assert_eq!(reply.header("content-type"), "application/feed+json");
    let feed = reply.json();
    assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!(feed["home_page_url"], "https://news.example/");
    assert_eq!(feed["feed_url"], "https://api.example/v1/feeds/json");
    assert!(feed.get("next_url").is_none());
    let item = &feed["items"][0];
    for (member, value) in [
        ("url", "https://news.example/fr/crue-du-ziz"),
        ("external_url", "https://atlas.example/crue"),
        ("title", "La crue du Ziz <coupe> la route & l'école"),
        ("summary", "L'eau & la boue."),
        ("content_text", "La route."),
        ("image", "https://img.example/crue.jpg?a=1&b=2"),
        ("date_published", "2025-05-20T09:30:00Z"),
        ("date_modified", "2025-05-21T08:00:00Z"),
        ("language", "fr"),
    ] {
        assert_eq!(item[member], value, "{member}");
    }
    assert_eq!(item["authors"], json!([{"name": "Salma Idrissi"}]));
    assert_eq!(item["tags"], json!(["Ziz", "Eau"]));
    assert_eq!(item["_kiosque"]["tags"][0]["kind"], "place");

    let reply = app.get("/v1/feeds/ninjs");
    assert_eq!(reply.header("content-type"), "application/json");
    let page = reply.json();
    assert_eq!(
        (&page["type"], &page["standard"]["version"]),
        (&json!("composite"), &json!("3.1"))
    );
    let item = &page["associations"][0];
    assert_eq!(item["uri"], format!("urn:uuid:{}", id(1)));
    assert_eq!(
        (&item["type"], &item["language"]),
        (&json!("text"), &json!("fr"))
    );
    assert_eq!(
        item["headlines"][0]["value"],
        "La crue du Ziz <coupe> la route & l'école"
    );
    assert_eq!(item["bodies"][0]["contentType"], "text/html");
    assert_eq!(item["by"], "Salma Idrissi");
    assert_eq!(item["firstCreated"], "2025-05-20T09:30:00Z");
    assert_eq!(item["versionCreated"], "2025-05-21T08:00:00Z");
    assert_eq!(item["places"][0]["name"], "Ziz");
    assert_eq!(item["subjects"][0]["literal"], "eau");
    assert_eq!(item["infoSources"][0]["name"], "Agence Atlas");
    assert_eq!(item["rightsInfo"]["encodedRights"], "CC-BY-4.0");
    assert_eq!(
        item["altIds"][0]["value"],
        "https://news.example/fr/crue-du-ziz"
    );
    let picture = &item["associations"][0];
    assert_eq!(
        (&picture["type"], &picture["by"]),
        (&json!("picture"), &json!("N. Berrada"))
    );
    assert_eq!(
        picture["renditions"][0]["href"],
        "https://img.example/crue.jpg?a=1&b=2"
    );
}

#[test]
fn a_walk_by_next_finds_every_article_once() {
    for place in places() {
        let articles: Vec<_> = (0..7)
            .map(|n| {
                let language = if n == 3 { "ar" } else { "fr" };
                article(&format!("a-{n}"))
                    .with("id", id(n))
                    .language(language)
            })
            .collect();
        let app = app(place, &articles);
        for format in FORMATS {
            let mut path = format!("/v1/feeds/{format}?language=fr&limit=2");
            let mut seen = Vec::new();
            loop {
                let reply = app.get(&path);
                seen.extend(ids(format, &reply));
                match next(format, &app, &reply) {
                    Some(next) => path = next,
                    None => break,
                }
            }
            // Of the same hour: by id, falling.
            let expected: Vec<_> = [6, 5, 4, 2, 1, 0].map(id).into();
            assert_eq!(seen, expected, "{format} on {}", app.place.name);
        }
    }
}

#[test]
fn pages_name_the_first_and_themselves() {
    let articles: Vec<_> = (0..3).map(|n| article(&format!("a-{n}"))).collect();
    let app = app(Place::sqlite(), &articles);
    let first = app.get("/v1/feeds/atom?limit=2");
    let path = next("atom", &app, &first).unwrap();
    let second = xml::parse(&app.get(&path).text());
    assert_eq!(
        second.link("self"),
        Some(&*format!("https://api.example{path}"))
    );
    assert_eq!(
        second.link("first"),
        Some("https://api.example/v1/feeds/atom?limit=2")
    );
    assert_eq!(second.says("id"), xml::parse(&first.text()).says("id"));
}

#[test]
fn what_may_not_be_syndicated_is_in_no_feed() {
    for place in places() {
        let own = article("a-nous")
            .with("id", id(2))
            .with("rights", json!({"syndicatable": false}));
        let hidden = article("brouillon").with("id", id(3)).status("draft");
        let app = app(place, &[article("a-tous").with("id", id(1)), own, hidden]);
        for format in FORMATS {
            for query in ["", "?limit=1", "?q=texte", "?order_by=oldest"] {
                let reply = app.get(&format!("/v1/feeds/{format}{query}"));
                assert_eq!(ids(format, &reply), [id(1)], "{format}{query}");
            }
        }
        assert_eq!(
            app.get("/v1/articles").slugs().len(),
            2,
            "the site shows it"
        );
    }
}

#[test]
fn no_headline_breaks_a_document() {
    let hostile = [
        "<script>alert(1)</script> & co",
        "]]></title></item><item>",
        "a\u{1}b\u{8}c\u{1b}d",
        "\u{fffe}x\u{ffff}y\u{1fffe}",
        "\u{202e}bidi\u{202c} 👩‍🚒 e\u{301}",
        "\"double\" 'simple' &amp; &#0; &nbsp;",
        "العربية <!-- --> <![CDATA[x]]>",
    ];
    let cleaned = |headline: &str| -> String {
        let gone = [
            '\u{1}',
            '\u{8}',
            '\u{1b}',
            '\u{fffe}',
            '\u{ffff}',
            '\u{1fffe}',
        ];
        headline.replace(gone, "")
    };
    let long = "très ".repeat(199);
    for place in places() {
        let headlines = hostile.iter().copied().chain([long.trim()]);
        let articles: Vec<_> = headlines
            .clone()
            .enumerate()
            .map(|(n, headline)| {
                article(&format!("a-{n}"))
                    .with("id", id(n))
                    .headed(headline)
            })
            .collect();
        let app = app(place, &articles);
        let rss = xml::parse(&app.get("/v1/feeds/rss?limit=100").text());
        let atom = xml::parse(&app.get("/v1/feeds/atom?limit=100").text());
        let json = app.json("/v1/feeds/json?limit=100");
        let ninjs = app.json("/v1/feeds/ninjs?limit=100");
        let expected: Vec<&str> = headlines.collect();
        for (n, headline) in expected.iter().rev().enumerate() {
            assert_eq!(
                rss.children[0].all("item")[n].says("title"),
                cleaned(headline)
            );
            assert_eq!(atom.all("entry")[n].says("title"), cleaned(headline));
            assert_eq!(json["items"][n]["title"], *headline);
            assert_eq!(ninjs["associations"][n]["title"], *headline);
        }
        assert_eq!(rss.children[0].all("item").len(), expected.len());
    }
}

#[test]
fn an_article_is_read_at_its_canonical_address_or_here_where_no_site_is_known() {
    let app = App::with(&[
        article("a").with("id", id(1)),
        article("b")
            .with("id", id(2))
            .with("canonical_url", "https://news.example/é?x=1&y=2"),
    ]);
    let items = app.json("/v1/feeds/json")["items"].clone();
    assert_eq!(items[0]["url"], "https://news.example/%C3%A9?x=1&y=2");
    assert!(items[0].get("external_url").is_none());
    let here = items[1]["url"].as_str().unwrap();
    assert!(
        here.starts_with("http://") && here.ends_with("/v1/articles/a"),
        "{here}"
    );
    // What a caller calls the server is in no answer that is kept for others.
    let lied = app.get_with("/v1/feeds/rss", &[("host", "evil.example")]);
    assert!(!lied.text().contains("evil"));
}

#[test]
fn an_empty_feed_is_whole() {
    let app = app(Place::sqlite(), &[]);
    for format in FORMATS {
        let reply = app.get(&format!("/v1/feeds/{format}"));
        assert_eq!(ids(format, &reply), [""; 0]);
        assert!(!reply.header("etag").is_empty());
    }
}

#[test]
fn parameters_are_those_of_lists_and_as_strict() {
    let app = app(Place::sqlite(), &[article("a").tagged("eau")]);
    for format in FORMATS {
        for (query, named) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("tag=unbekannt", "tag"),
            ("language=x", "language"),
            ("order_by=relevance", "order_by"),
            ("fields=slug", "fields"),
            ("include=body", "include"),
            ("count=exact", "count"),
            ("status=draft", "status"),
            ("limit=1&limit=2", "limit"),
        ] {
            let reply = app.get(&format!("/v1/feeds/{format}?{query}"));
            assert_eq!(reply.status, 400, "{format} {query}");
            assert_eq!(reply.named(), [named], "{format} {query}");
        }
        let reply = app.get(&format!("/v1/feeds/{format}?cursor=x"));
        assert_eq!(reply.json()["code"], "invalid_cursor");
    }
    assert_eq!(app.get("/v1/feeds/rdf").status, 404);
    assert_eq!(app.send("POST", "/v1/feeds/rss", &[]).status, 405);
}

#[test]
fn lists_name_the_feeds_of_the_same_query() {
    let app = App::with(&[article("a").tagged("eau"), article("b").tagged("eau")]);
    let reply = app.get("/v1/articles?tag=eau&fields=slug&limit=1&count=exact");
    for (format, kind) in [
        ("rss", "application/rss+xml"),
        ("atom", "application/atom+xml"),
        ("json", "application/feed+json"),
        ("ninjs", "application/json"),
    ] {
        let address = reply
            .link(&format!("rel=\"alternate\"; type=\"{kind}\""))
            .unwrap();
        assert_eq!(address, format!("/v1/feeds/{format}?tag=eau&limit=1"));
        assert_eq!(ids(format, &app.get(&address)).len(), 1);
    }
    for (title, query) in [("sitemap", "?tag=eau"), ("news-sitemap", "?tag=eau")] {
        let address = reply.link(&format!("title=\"{title}\"")).unwrap();
        assert_eq!(address, format!("/v1/feeds/{title}{query}"));
        assert_eq!(app.get(&address).status, 200);
    }
    assert!(reply.link("rel=\"next\"").unwrap().contains("fields=slug"));
    let long = format!("/v1/articles?ids={}", vec![id(1); 20].join(","));
    assert_eq!(
        app.get(&long).header("link"),
        "",
        "it would be told six times"
    );
    let editor = app.key("editor");
    let drafts = app.get_with("/v1/articles?status=draft", &[("authorization", &editor)]);
    assert_eq!(drafts.header("link"), "", "feeds have no drafts");
}

#[test]
fn search_engines_read_an_article_as_json_ld() {
    for place in places() {
        let app = app(place, &[rich()]);
        for path in [
            "/v1/articles/crue-du-ziz?include=json_ld",
            "/v1/articles?include=json_ld",
            "/v1/articles?include=json_ld&fields=slug",
            "/v1/articles?fields=headline&include=json_ld,body",
        ] {
            let reply = app.get(path);
            assert!(
                !reply.text().contains('<'),
                "it may stand in a script element: {path}"
            );
            let json = reply.json();
            let article = json.get("data").map_or(&json, |data| &data[0]);
            let ld = &article["json_ld"];
            for (pointer, value) in [
                ("/@type", json!("NewsArticle")),
                (
                    "/headline",
                    json!("La crue du Ziz <coupe> la route & l'école"),
                ),
                (
                    "/mainEntityOfPage/@id",
                    json!("https://news.example/fr/crue-du-ziz"),
                ),
                (
                    "/image/0/url",
                    json!("https://img.example/crue.jpg?a=1&b=2"),
                ),
                ("/datePublished", json!("2025-05-20T09:30:00Z")),
                ("/dateModified", json!("2025-05-21T08:00:00Z")),
                ("/author/0/name", json!("Salma Idrissi")),
                ("/publisher/name", json!("Le Fil SA")),
                ("/keywords", json!(["Ziz", "Eau"])),
                ("/articleSection", json!(["Eau"])),
                ("/inLanguage", json!("fr")),
                ("/isAccessibleForFree", json!(true)),
            ] {
                assert_eq!(ld.pointer(pointer), Some(&value), "{path} {pointer}");
            }
        }
        let plain = app.json("/v1/articles/crue-du-ziz");
        assert_eq!(plain.get("json_ld"), None::<&Value>);
    }
}
