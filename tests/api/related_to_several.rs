//! `GET /v1/related`: neighbours of several articles.

use serde_json::{Value, json};

use crate::related::{WATER, region, water};
use crate::related_in_samples::HIDDEN;
use crate::support::{App, Place, Reply, article, at, places};

fn sorted(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let mut slugs = reply.slugs();
    slugs.sort_unstable();
    slugs.join(" ")
}

fn id(app: &App, slug: &str) -> String {
    let article = app.json(&format!("/v1/articles/{slug}"));
    article["id"].as_str().unwrap().to_owned()
}

#[test]
fn neighbours_of_all_and_none_of_the_list() {
    let app = region();
    let league = article("ligue")
        .headed("La ligue de football")
        .saying("Le championnat régional de football reprend à Midelt une semaine après la coupe.")
        .tagged("sport");
    app.import(&[water("tinghir"), league]);
    let reply = app.get("/v1/related?ids=erfoud,coupe");
    let slugs = reply.slugs();
    for slug in ["jorf", "rissani", "tinghir", "ligue"] {
        assert!(slugs.iter().any(|seen| seen == slug), "{slugs:?}");
    }
    // "finale" is the text of "coupe" once more.
    for own in ["erfoud", "coupe", "finale"] {
        assert!(!slugs.iter().any(|seen| seen == own), "{slugs:?}");
    }
    let json = reply.json();
    assert_eq!(
        (&json["page"]["limit"], &json["page"]["complete"]),
        (&json!(12), &json!(true))
    );
    let mut last = 1.0;
    for neighbour in json["data"].as_array().unwrap() {
        let score = neighbour["score"].as_f64().unwrap();
        assert!(score > 0.0 && score <= last, "{neighbour}");
        last = score;
        let reasons = neighbour["reasons"].as_array().unwrap();
        let weights = reasons.iter().map(|reason| &reason["weight"]);
        let sum: f64 = weights.map(|weight| weight.as_f64().unwrap()).sum();
        assert!((sum - score).abs() < 2e-3, "{neighbour}");
    }
    // What two of them are near to comes before what one is near to.
    let two = app.get("/v1/related?ids=erfoud,jorf,coupe");
    assert_eq!(two.slugs()[..2].len(), 2);
    assert!(two.slugs()[..2].contains(&"rissani".to_owned()));
    // One alone has the neighbours that it has by itself.
    let alone: Value = app.get("/v1/related?ids=erfoud").json()["data"].clone();
    assert_eq!(alone, app.json("/v1/articles/erfoud/related")["data"]);
}

#[test]
fn order_repetition_and_the_kind_of_name_do_not_matter_on_either_database() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[water("vieux").with("external_id", "e1")]);
        app.import(&[
            water("erfoud").with("external_id", "e1"),
            water("rissani"),
            water("jorf"),
            article("coupe").saying("Le club remporte la coupe."),
        ]);
        let (erfoud, jorf) = (id(&app, "erfoud"), id(&app, "jorf"));
        let plain = app.get("/v1/related?ids=erfoud,jorf");
        assert_eq!(plain.slugs()[0], "rissani", "{name}");
        for ids in [
            "jorf,erfoud".to_owned(),
            "erfoud,jorf,erfoud".to_owned(),
            "erfoud,,jorf,".to_owned(),
            "vieux,jorf".to_owned(),
            "vieux,erfoud,jorf".to_owned(),
            format!("{erfoud},{jorf}"),
            format!("erfoud,{}", jorf.to_uppercase()),
            "erfoud,nobody,jorf,01921c5e-7a1a-7000-8000-000000000001".to_owned(),
            "erfoud%2Cjorf".to_owned(),
        ] {
            let reply = app.get(&format!("/v1/related?ids={ids}"));
            assert_eq!(reply.status, 200, "{name} {ids}: {}", reply.text());
            assert_eq!(reply.text(), plain.text(), "{name} {ids}");
            assert_eq!(reply.header("etag"), plain.header("etag"), "{name} {ids}");
        }
        // A former slug also says what to leave out.
        for path in ["related?ids=jorf&", "articles/jorf/related?"] {
            let left = app.get(&format!("/v1/{path}exclude=vieux")).slugs();
            assert!(!left.contains(&"erfoud".to_owned()), "{name} {path}");
        }
    }
}

#[test]
fn parameters_narrow_the_neighbours_of_several() {
    let app = region();
    app.import(&[
        water("tinghir")
            .tagged("todgha")
            .published(at("2025-05-01T00:00:00Z")),
        water("dam").language("en"),
        water("weir").language("en"),
    ]);
    let slugs = |query: &str| {
        let reply = app.get(&format!("/v1/related?ids=erfoud,jorf&{query}"));
        assert_eq!(reply.status, 200, "{query}: {}", reply.text());
        let mut slugs = reply.slugs();
        slugs.retain(|slug| !["coupe", "finale"].contains(&slug.as_str()));
        slugs.sort_unstable();
        slugs.join(" ")
    };
    assert_eq!(slugs(""), "rissani tinghir");
    assert_eq!(slugs("limit=1").split(' ').count(), 1);
    assert_eq!(slugs("exclude=rissani,nobody"), "tinghir");
    assert_eq!(slugs("from=2025-01-01"), "tinghir");
    assert_eq!(slugs("tag=todgha"), "tinghir");
    assert_eq!(slugs("tag=eau,-todgha"), "rissani");
    assert_eq!(slugs("language=en"), "dam weir");
    assert!(slugs("language=any").contains("dam"));
    // Left to itself, each article has neighbours of its own language.
    let both = sorted(&app.get("/v1/related?ids=erfoud,dam"));
    assert!(both.contains("weir") && both.contains("jorf"), "{both}");
    assert!(!sorted(&app.get("/v1/related?ids=erfoud,jorf")).contains("dam"));
}

#[test]
fn each_faulty_parameter_of_several_is_named() {
    let app = region();
    let many = format!("ids={}", vec!["erfoud"; 21].join(","));
    let excluded = format!("ids=erfoud&exclude={}", vec!["x"; 101].join(","));
    for (query, named) in [
        ("", "ids"),
        ("ids", "ids"),
        ("ids=", "ids"),
        ("ids=,", "ids"),
        ("ids=%20", "ids"),
        ("ids=%FF", "ids"),
        ("ids=a%00b", "ids"),
        ("ids=erfoud&ids=jorf", "ids"),
        (many.as_str(), "ids"),
        ("ids=erfoud&limit=0", "limit"),
        ("ids=erfoud&limit=51", "limit"),
        ("ids=erfoud&from=hier", "from"),
        ("ids=erfoud&language=french", "language"),
        ("ids=erfoud&tag=nowhere", "tag"),
        ("ids=erfoud&exclude=", "exclude"),
        (excluded.as_str(), "exclude"),
        ("ids=erfoud&fields=slug", "fields"),
        ("ids=erfoud&cursor=x", "cursor"),
    ] {
        let reply = app.get(&format!("/v1/related?{query}"));
        assert_eq!(
            (reply.status, reply.named()),
            (400, vec![named.to_owned()]),
            "{query}"
        );
    }
    let mut all = app.get("/v1/related?limit=0&colour=red").named();
    all.sort_unstable();
    assert_eq!(all, ["colour", "ids", "limit"]);
    let twenty = format!("ids={}", vec!["erfoud"; 20].join(","));
    assert_eq!(app.get(&format!("/v1/related?{twenty}")).status, 200);
}

#[test]
fn what_is_hidden_is_neither_a_source_nor_a_neighbour_on_either_database() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[
            water("erfoud"),
            water("jorf"),
            water("draft").status("draft").tagged("cache"),
            water("soon").with("embargoed_until", "2025-06-01T13:00:00Z"),
            water("ending").with("expires_at", "2025-06-01T13:00:00Z"),
            water("gone").with("expires_at", "2025-06-01T11:00:00Z"),
            water("retired").status("withdrawn"),
            water("later").published(at("2025-06-01T13:00:00Z")),
        ]);
        let get = |ids: &str| app.get(&format!("/v1/related?ids={ids}"));
        assert_eq!(sorted(&get("erfoud")), "ending jorf", "{name}");
        // They add nothing, and their presence is not told by a difference.
        let plain = get("erfoud");
        for hidden in ["draft", "soon", "gone", "retired", "later", "nobody"] {
            let with = get(&format!("erfoud,{hidden}"));
            assert_eq!(with.text(), plain.text(), "{name} {hidden}");
            for header in ["etag", "cache-tag", "cache-control", "last-modified"] {
                assert_eq!(with.header(header), plain.header(header), "{name} {hidden}");
            }
            let none = get(hidden);
            assert_eq!(none.json()["data"], json!([]), "{name} {hidden}");
            assert_eq!(none.json()["page"]["hidden_reason"], "empty", "{name}");
            assert_eq!(none.text(), get("nobody").text(), "{name} {hidden}");
            assert_eq!(
                none.header("cache-tag"),
                get("nobody").header("cache-tag"),
                "{name} {hidden}"
            );
        }
        app.clock.set(at("2025-06-01T13:00:00Z"));
        assert_eq!(sorted(&get("erfoud")), "jorf later soon", "{name}");
        assert_eq!(sorted(&get("erfoud,soon,ending")), "jorf later", "{name}");
    }
}

#[test]
fn a_sensitive_article_among_several_is_kept_apart() {
    let app = region();
    app.import(&[water("rissani").with("related", "never")]);
    assert_eq!(sorted(&app.get("/v1/related?ids=rissani")), "");
    let alone = app.get("/v1/related?ids=rissani").json();
    assert_eq!(alone["page"]["hidden_reason"], "sensitive");
    let others = app.get("/v1/related?ids=rissani,erfoud");
    assert!(others.slugs().contains(&"jorf".to_owned()));
    assert!(!others.slugs().contains(&"rissani".to_owned()));
}

#[test]
fn a_list_for_several_is_kept_no_longer_than_what_it_came_from_and_names_it() {
    let app = App::with(&[
        water("erfoud").with("expires_at", "2025-06-01T12:00:05Z"),
        water("jorf"),
        water("rissani"),
    ]);
    let reply = app.get("/v1/related?ids=erfoud,jorf");
    assert_eq!(reply.header("cache-control"), "public, max-age=5");
    let tags: Vec<&str> = reply.header("cache-tag").split(',').collect();
    assert_eq!(tags[0], "related");
    for slug in ["erfoud", "jorf"] {
        assert!(
            tags.contains(&format!("related-{}", id(&app, slug)).as_str()),
            "{tags:?}"
        );
    }
    for slug in ["erfoud", "jorf", "rissani"] {
        assert!(tags.contains(&format!("article-{}", id(&app, slug)).as_str()));
    }
    assert_eq!(reply.header("surrogate-key"), tags.join(" "));
    // The end of a source is the end of its list, whoever asks.
    assert_eq!(
        app.get("/v1/articles/erfoud/related")
            .header("cache-control"),
        "public, max-age=5"
    );
    let etag = reply.header("etag").to_owned();
    let known = [("if-none-match", etag.as_str())];
    let path = "/v1/related?ids=erfoud,jorf";
    assert_eq!(app.get_with(path, &known).status, 304);
    assert_eq!(app.send("HEAD", path, &known).status, 304);
    app.import(&[water("rissani").headed("Barrage et khettaras, corrigé")]);
    assert_eq!(app.get_with(path, &known).status, 200);
}

#[test]
fn reading_and_posting_share_a_path() {
    let app = region();
    let allowed = "GET, HEAD, POST, OPTIONS";
    for method in ["PUT", "PATCH", "DELETE"] {
        let reply = app.send(method, "/v1/related?ids=erfoud", &[]);
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, allowed),
            "{method}"
        );
    }
    let head = app.send("HEAD", "/v1/related?ids=erfoud", &[]);
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    let text = json!({"headline": "Barrage", "body": WATER, "language": "fr"}).to_string();
    assert_eq!(app.post("/v1/related", &text).status, 200);
    let refused = app.post("/v1/related?ids=erfoud", &text);
    assert_eq!((refused.status, refused.named()), (400, vec!["ids".into()]));
}

#[test]
fn several_of_the_samples_give_no_hidden_article_and_none_of_themselves() {
    let app = App::with_samples(Place::sqlite());
    let ids: Vec<String> = app.get("/v1/articles?limit=100&fields=id,slug").json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|article| article["id"].as_str().unwrap().to_owned())
        .collect();
    for read in ids.chunks(20) {
        let path = format!(
            "/v1/related?ids={}&limit=50&language=any",
            read[..].join(",")
        );
        let reply = app.json(&path);
        let data = reply["data"].as_array().unwrap();
        assert!(!data.is_empty() && data.len() <= 50);
        for one in data {
            let article = &one["article"];
            assert!(!read.iter().any(|id| article["id"] == id.as_str()));
            assert!(!HIDDEN.iter().any(|slug| article["slug"] == *slug));
            for slug in HIDDEN {
                assert!(!one["copies"].to_string().contains(slug));
            }
        }
    }
}
