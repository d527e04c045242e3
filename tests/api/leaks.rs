//! What is hidden is not there: a server that has drafts, embargoed, scheduled and expired articles answers everyone as
//! one that has none.

use serde_json::json;

use crate::support::{App, Article, Reply, article, at, places};

/// Only hidden articles have it, in every field that has room for it.
const WORD: &str = "zyzzyva";

fn id(number: usize) -> String {
    format!("0190b0a0-0000-7000-8000-{number:012}")
}

fn seen(number: usize, name: &str, text: &str) -> Article {
    article(name)
        .with("id", id(number))
        .saying(text)
        .tagged("eau")
        .published(at(&format!("2025-05-{number:02}T10:00:00Z")))
}

fn visible() -> Vec<Article> {
    vec![
        seen(
            11,
            "barrage",
            "Le barrage du Ziz se remplit apres les pluies sur le Tafilalet.",
        )
        .tagged("secheresse")
        .with("pins", json!([id(1), id(13)])),
        seen(
            12,
            "khettaras",
            "Les khettaras du Tafilalet tarissent et le barrage du Ziz aussi.",
        )
        .tagged("oasis"),
        seen(
            13,
            "dessalement",
            "Le dessalement de la mer donne de l'eau aux champs d'Agadir.",
        )
        .tagged("mer")
        .with("source", json!({"name": "Le Matin", "url": null})),
        seen(
            14,
            "palmiers",
            "Les palmiers du Tafilalet souffrent, le barrage se vide.",
        )
        .tagged("oasis")
        .tagged("secheresse"),
    ]
}

fn hidden(number: usize, name: &str) -> Article {
    let text = "Le barrage du Ziz, les khettaras du Tafilalet, la mer d'Agadir: zyzzyva zyzzyva.";
    article(&format!("{WORD}-{name}"))
        .with("id", id(number))
        .headed(&format!("{WORD} barrage du Ziz {name}"))
        .saying(text)
        .with("standfirst", WORD)
        .with("byline", WORD)
        .with("source", json!({"name": WORD, "url": null}))
        .tagged("eau")
        .tagged("oasis")
        .tagged(&format!("{WORD}-tag"))
        .published(at("2025-05-13T12:00:00Z"))
}

fn all_hidden() -> Vec<Article> {
    vec![
        hidden(1, "brouillon")
            .status("draft")
            .with("translation_of", id(12))
            .language("ar"),
        hidden(2, "embargo").with("embargoed_until", "2025-06-01T13:00:00Z"),
        hidden(3, "perime").with("expires_at", "2025-05-20T00:00:00Z"),
        hidden(4, "prevu")
            .status("scheduled")
            .published(at("2025-06-01T13:00:00Z")),
        hidden(5, "retire").status("withdrawn").language("es"),
    ]
}

/// Everything that could tell, without the word itself.
fn innocent() -> Vec<String> {
    let mut paths: Vec<String> = [
        "/v1/articles?count=exact&include=body,related,related_tags,translations",
        "/v1/articles?limit=2&count=exact",
        "/v1/articles?limit=2&order_by=oldest",
        "/v1/articles?q=barrage&count=exact",
        "/v1/articles?q=barrage%20ziz&order_by=newest",
        "/v1/articles?q=%22barrage%20du%20ziz%22&include=related",
        "/v1/articles?q=tafilalet%20-khettaras&count=exact",
        "/v1/articles?tag=eau&count=exact",
        "/v1/articles?tag=oasis,eau&count=exact",
        "/v1/articles?tag=(oasis|mer),-secheresse&count=exact",
        "/v1/articles?language=fr&count=exact",
        "/v1/articles?language=ar&count=exact",
        "/v1/articles?language=es&count=exact",
        "/v1/articles?source=Le%20Matin&count=exact",
        "/v1/articles/barrage",
        "/v1/articles/khettaras?include=related,related_tags",
        "/v1/articles/personne",
        "/v1/articles/barrage/related",
        "/v1/articles/barrage/related?language=any&limit=50",
        "/v1/articles/khettaras/related?tag=oasis",
        "/v1/articles/khettaras/related?exclude=palmiers&from=2025-05-01",
        "/v1/articles/barrage/related-tags",
        "/v1/articles/dessalement/related-tags?limit=50",
        "/v1/related?ids=barrage,khettaras",
        "/v1/related?ids=barrage&tag=oasis",
        "/v1/tags?count=exact",
        "/v1/tags?order_by=count&count=exact&limit=2",
        "/v1/tags?kind=keyword&q=o",
        "/v1/tags/eau",
        "/v1/tags/oasis",
        "/v1/tags/eau/related",
        "/v1/tags/oasis/related?limit=50",
        "/v1/articles?include=json_ld",
        "/v1/feeds/rss",
        "/v1/feeds/atom?limit=2",
        "/v1/feeds/json?tag=eau",
        "/v1/feeds/ninjs?q=barrage",
        "/v1/feeds/sitemap",
        "/v1/feeds/sitemap?page=1",
        "/v1/feeds/sitemap?limit=2",
        "/v1/feeds/news-sitemap",
        "/livez",
        "/problems/gone",
    ]
    .map(str::to_owned)
    .to_vec();
    for use_date in ["published", "updated", "first_published"] {
        for span in [
            "from=2025-05-13",
            "to=2025-05-13",
            "from=2025-05-13&to=2025-06-30",
        ] {
            paths.push(format!(
                "/v1/articles?use_date={use_date}&{span}&count=exact"
            ));
        }
        paths.push(format!(
            "/v1/articles?use_date={use_date}&order_by=oldest&limit=3"
        ));
    }
    for number in 1..=5 {
        paths.push(format!(
            "/v1/articles?ids={},{}&count=exact",
            id(number),
            id(11)
        ));
        paths.push(format!(
            "/v1/articles/barrage/related?exclude={}",
            id(number)
        ));
        paths.push(format!("/v1/related?ids={},{}", id(number), id(11)));
    }
    for number in [1, 2, 4] {
        paths.extend(
            ["", "/related", "/related-tags"]
                .map(|what| format!("/v1/articles/{}{what}", id(number))),
        );
    }
    paths
}

/// The same for whoever guesses the word.
fn guessing() -> Vec<String> {
    let mut paths: Vec<String> = [
        "/v1/articles?q=zyzzyva&count=exact",
        "/v1/articles?q=barrage%20-zyzzyva&count=exact",
        "/v1/articles?tag=zyzzyva-tag&count=exact",
        "/v1/articles?tag=eau,-zyzzyva-tag&count=exact",
        "/v1/articles?tag=eau|zyzzyva-tag",
        "/v1/articles?source=zyzzyva&count=exact",
        "/v1/articles/barrage/related?tag=zyzzyva-tag",
        "/v1/articles/barrage/related?exclude=zyzzyva-embargo",
        "/v1/related?ids=zyzzyva-embargo",
        "/v1/related?ids=barrage,zyzzyva-brouillon",
        "/v1/tags?q=zyz&count=exact",
        "/v1/tags/zyzzyva-tag",
        "/v1/tags/zyzzyva-tag/related",
    ]
    .map(str::to_owned)
    .to_vec();
    for name in ["brouillon", "embargo", "prevu"] {
        paths.extend(
            ["", "/related", "/related-tags"]
                .map(|what| format!("/v1/articles/{WORD}-{name}{what}")),
        );
    }
    paths
}

fn posted() -> Vec<String> {
    [
        json!({"headline": "Barrage", "body": "Le barrage du Ziz et les khettaras du Tafilalet", "language": "fr", "tags": ["oasis"], "limit": 50}),
        json!({"headline": "zyzzyva", "body": "zyzzyva zyzzyva barrage", "language": "fr", "tags": []}),
        json!({"headline": "zyzzyva", "body": "barrage", "language": "fr", "tags": ["zyzzyva-tag"]}),
    ]
    .iter()
    .map(ToString::to_string)
    .collect()
}

/// All that a caller could tell two answers apart by.
fn shown(reply: &Reply) -> (u16, String, Vec<(String, String)>) {
    let differ = ["x-request-id", "server-timing", "date"];
    let headers = reply.headers.iter();
    let headers = headers.filter(|(name, _)| !differ.contains(&name.as_str()));
    // A tag's id is made anew on each server.
    let masked = |value: &str| -> String {
        let words = value.split(',').map(|word| {
            let prefix = ["tag-", "tagged-"].into_iter().find(|it| word.contains(it));
            match prefix.and_then(|prefix| Some(word.find(prefix)? + prefix.len())) {
                Some(end) => &word[..end],
                None => word,
            }
        });
        words.collect::<Vec<_>>().join(",")
    };
    let headers = headers.map(|(name, value)| match name.as_str() {
        "cache-tag" | "surrogate-key" => (name.clone(), masked(&value.replace(' ', ","))),
        // The part that stands for the state of a tag goes by its id.
        "etag" if reply.text().starts_with("{\"slug\"") => {
            (name.clone(), value.split('.').skip(1).collect())
        }
        _ => (name.clone(), value.clone()),
    });
    (reply.status, reply.text(), headers.collect())
}

#[test]
fn what_is_hidden_changes_no_answer() {
    for (with, without) in places().into_iter().zip(places()) {
        let name = with.name;
        let (with, without) = (App::on(with), App::on(without));
        let secrets = all_hidden();
        let mut mixed = Vec::new();
        for (at, article) in visible().into_iter().enumerate() {
            mixed.push(secrets[at].clone());
            mixed.push(article);
        }
        mixed.push(secrets[4].clone());
        let text = |articles: &[Article]| -> String {
            articles
                .iter()
                .map(|article| format!("{}\n", article.0))
                .collect()
        };
        let (summary, _) = with.import_text(&text(&mixed));
        assert_eq!((summary.created, summary.failed), (9, 0), "{name}");
        let (summary, _) = without.import_text(&text(&visible()));
        assert_eq!((summary.created, summary.failed), (4, 0), "{name}");

        with.clock.set(at("2025-06-01T12:59:59.999999Z"));
        without.clock.set(at("2025-06-01T12:59:59.999999Z"));
        for path in innocent().iter().chain(&guessing()) {
            let replies = (with.get(path), without.get(path));
            assert_eq!(shown(&replies.0), shown(&replies.1), "{name} {path}");
            if !path.contains("zy") {
                assert!(!replies.0.text().contains(WORD), "{name} {path}");
            }
            let tag = replies.1.header("etag");
            if !tag.is_empty() && !path.starts_with("/v1/tags/") {
                let again = with.get_with(path, &[("if-none-match", tag)]);
                assert_eq!(again.status, 304, "{name} {path}");
            }
        }
        for body in posted() {
            let replies = [&with, &without].map(|app| shown(&app.post("/v1/related", &body)));
            assert_eq!(replies[0], replies[1], "{name} {body}");
        }

        // At its second, each operation knows of it.
        let tag_of = |path: &str| with.get(path).header("etag").to_owned();
        let telling = [
            "/v1/articles?count=exact",
            "/v1/articles?q=barrage&count=exact",
            "/v1/articles?tag=eau&count=exact",
            "/v1/articles?use_date=updated&count=exact",
            "/v1/articles/barrage/related",
            "/v1/related?ids=barrage",
            "/v1/tags?count=exact",
            "/v1/tags/eau",
            "/v1/articles/dessalement/related-tags?limit=50",
        ];
        let before: Vec<String> = telling.iter().map(|path| tag_of(path)).collect();
        with.clock.set(at("2025-06-01T13:00:00Z"));
        for (path, before) in telling.iter().zip(before) {
            assert_ne!(tag_of(path), before, "{name} {path}");
        }
        let mut found = with.get("/v1/articles?q=zyzzyva&count=exact").slugs();
        found.sort();
        assert_eq!(found, ["zyzzyva-embargo", "zyzzyva-prevu"], "{name}");
        let tag = with.json("/v1/tags/zyzzyva-tag");
        assert_eq!(tag["article_count"], 2, "{name}");
        assert_eq!(with.json("/v1/tags/eau")["article_count"], 6, "{name}");
        let text = with.post("/v1/related", &posted()[1]);
        assert!(text.text().contains("zyzzyva-prevu"), "{name}");
    }
}
