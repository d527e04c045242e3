//! `/v1/tags`.

use serde_json::json;

use crate::support::{App, article, at, places};

#[test]
fn tags_are_listed_by_name_or_use_and_found_without_accents() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let tag = |name: &str, kind: &str| json!({"name": name, "kind": kind});
        app.import(&[
            article("a").with(
                "tags",
                json!(["Économie", tag("Fès", "place"), tag("Erfoud", "place")]),
            ),
            article("b").with("tags", json!(["Économie", "école"])),
            article("c").with("tags", json!(["economie", "Zéro"])),
        ]);
        let slugs = |query: &str| app.get(&format!("/v1/tags?{query}")).slugs().join(" ");
        assert_eq!(slugs(""), "ecole economie erfoud fes zero", "{name}");
        assert_eq!(
            slugs("order_by=count"),
            "economie ecole erfoud fes zero",
            "{name}"
        );
        assert_eq!(slugs("kind=place"), "erfoud fes", "{name}");
        assert_eq!(slugs("q=eco"), "ecole economie", "{name}");
        assert_eq!(slugs("q=%C3%89CO"), "ecole economie", "{name}");
        assert_eq!(app.walk("/v1/tags?limit=2").join(" "), slugs(""), "{name}");
        assert_eq!(
            app.walk("/v1/tags?limit=2&order_by=count").join(" "),
            slugs("order_by=count"),
            "{name}"
        );
        let page = app.get("/v1/tags?limit=1&count=exact").json()["page"].clone();
        assert_eq!(page["count"], 5, "{name}");
        assert_eq!(
            app.get("/v1/tags/economie").json()["article_count"],
            3,
            "{name}"
        );
    }
}

#[test]
fn a_tag_tells_what_is_known_of_it_and_its_aliases_lead_to_it() {
    let eau = json!({"slug": "eau", "name": "Eau", "kind": "keyword", "description": "L’eau.",
        "parent": "nature", "aliases": ["water"]});
    let app = App::with(&[
        article("a").with("tags", json!([eau])),
        article("b").tagged("nature"),
    ]);
    assert_eq!(
        app.get("/v1/tags/eau").json(),
        json!({"slug": "eau", "name": "Eau", "kind": "keyword", "description": "L’eau.",
            "parent": "nature", "article_count": 1})
    );
    let reply = app.get("/v1/tags/water");
    assert_eq!(
        (reply.status, reply.header("location")),
        (301, "/v1/tags/eau")
    );
    assert_eq!(
        app.get("/v1/tags/water/related").header("location"),
        "/v1/tags/eau/related"
    );
    assert_eq!(app.get("/v1/articles?tag=water").slugs(), ["a"]);
}

#[test]
fn a_tag_that_only_hidden_articles_bear_is_unknown() {
    let app = App::with(&[
        article("open").tagged("known"),
        article("draft")
            .tagged("secret")
            .tagged("known")
            .status("draft"),
        article("later")
            .tagged("soon")
            .with("embargoed_until", "2025-06-01T13:00:00Z"),
    ]);
    assert_eq!(app.get("/v1/tags").slugs(), ["known"]);
    assert_eq!(app.get("/v1/tags/known").json()["article_count"], 1);
    let told = |tag: &str| {
        [
            format!("/v1/tags/{tag}"),
            format!("/v1/tags/{tag}/related"),
            format!("/v1/articles?tag={tag}"),
        ]
        .map(|path| {
            let reply = app.get(&path);
            (
                reply.status,
                String::from_utf8(reply.bytes).unwrap().replace(tag, "TAG"),
            )
        })
    };
    assert_eq!(told("secret"), told("unheard-of"));
    assert_eq!(told("soon"), told("unheard-of"));
    app.clock.set(at("2025-06-01T13:00:00Z"));
    assert_eq!(app.get("/v1/tags").slugs(), ["known", "soon"]);
}

#[test]
fn related_tags_are_those_that_occur_together() {
    let mut articles = Vec::new();
    for n in 0..12 {
        articles.push(article(&format!("eau-{n}")).tagged("eau").tagged("barrage"));
        articles.push(
            article(&format!("sport-{n}"))
                .tagged("football")
                .tagged("coupe"),
        );
    }
    let app = App::with(&articles);
    let reply = app.get("/v1/tags/eau/related");
    assert_eq!(reply.slugs(), ["barrage"]);
    let first = &reply.json()["data"][0];
    assert_eq!(first["shared"], 12);
    assert_eq!(first["tag"]["article_count"], 12);
    assert!((0.0..=1.0).contains(&first["score"].as_f64().unwrap()));
}

#[test]
fn every_kind_is_listed_by_itself_and_walks_are_whole_on_both_databases() {
    for place in places() {
        let name = place.name;
        let app = App::with_samples(place);
        let all = app.walk("/v1/tags?limit=100");
        let mut by_kind = Vec::new();
        for kind in [
            "keyword",
            "person",
            "place",
            "organisation",
            "series",
            "section",
            "contributor",
        ] {
            let reply = app.json(&format!("/v1/tags?kind={kind}&limit=100&count=exact"));
            let tags = reply["data"].as_array().unwrap();
            assert!(
                !tags.is_empty() && tags.iter().all(|tag| tag["kind"] == kind),
                "{name} {kind}"
            );
            assert_eq!(reply["page"]["count"], tags.len(), "{name} {kind}");
            let walked = app.walk(&format!("/v1/tags?kind={kind}&limit=3"));
            assert_eq!(walked.len(), tags.len(), "{name} {kind}");
            by_kind.extend(walked);
        }
        by_kind.sort_unstable();
        let mut sorted = all.clone();
        sorted.sort_unstable();
        assert_eq!(by_kind, sorted, "{name}");
        assert_eq!(app.walk("/v1/tags?limit=7").len(), all.len(), "{name}");

        let by_count = app.json("/v1/tags?order_by=count&limit=100");
        let counts: Vec<i64> = by_count["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| tag["article_count"].as_i64().unwrap())
            .collect();
        assert!(
            counts.is_sorted_by(|a, b| a >= b) && counts[0] > counts[counts.len() - 1],
            "{name}"
        );
        assert_eq!(
            app.walk("/v1/tags?order_by=count&limit=4"),
            app.get("/v1/tags?order_by=count&limit=100").slugs(),
            "{name}"
        );
        // The count is what a list with the tag has.
        for tag in by_count["data"].as_array().unwrap().iter().step_by(9) {
            let slug = tag["slug"].as_str().unwrap();
            let list = app.json(&format!("/v1/articles?tag={slug}&count=exact&limit=1"));
            assert_eq!(list["page"]["count"], tag["article_count"], "{name} {slug}");
        }
    }
}

#[test]
fn a_name_is_found_by_how_it_begins_and_a_pattern_is_only_text() {
    let app = App::with(&[article("a").with(
        "tags",
        json!([
            "Œuvres",
            "œil",
            "L’Aïd",
            "Eau douce",
            "eau",
            "100 % bio",
            "10_km",
            "C++",
            "C",
            "الماء",
            "(X)"
        ]),
    )]);
    for (q, names) in [
        ("oe", "Œuvres|œil"),
        ("%C5%92U", "Œuvres"),
        ("l%27ai", "L’Aïd"),
        ("eau", "eau|Eau douce"),
        ("eau+d", "Eau douce"),
        ("++eau++D", "Eau douce"),
        ("10", "10_km|100 % bio"),
        ("%25", ""),
        ("10_k", "10_km"),
        ("1_", ""),
        ("c%2B", "C++"),
        ("c", "C|C++"),
        ("%D8%A7%D9%84%D9%85", "الماء"),
        ("(", "(X)"),
        ("uvres", ""),
        ("'", ""),
    ] {
        let reply = app.json(&format!("/v1/tags?q={q}&count=exact"));
        let mut found: Vec<&str> = reply["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| tag["name"].as_str().unwrap())
            .collect();
        found.sort_unstable();
        let mut expected: Vec<&str> = names.split('|').filter(|name| !name.is_empty()).collect();
        expected.sort_unstable();
        assert_eq!(found, expected, "{q}");
        assert_eq!(reply["page"]["count"], expected.len(), "{q}");
    }
}

#[test]
fn the_count_of_a_tag_follows_what_is_public() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let note = article("note").tagged("eau");
        app.import(&[article("open").tagged("eau"), note.clone().status("draft")]);
        let count = || app.json("/v1/tags/eau")["article_count"].as_i64().unwrap();
        assert_eq!(count(), 1, "{name}");
        app.import(&[note
            .clone()
            .with("embargoed_until", "2025-06-01T13:00:00Z")
            .with("expires_at", "2025-06-01T14:00:00Z")]);
        for (time, expected) in [
            ("2025-06-01T12:59:59Z", 1),
            ("2025-06-01T13:00:00Z", 2),
            ("2025-06-01T14:00:00Z", 1),
        ] {
            app.clock.set(at(time));
            assert_eq!(count(), expected, "{name} {time}");
            let listed = app.json("/v1/tags?order_by=count");
            assert_eq!(
                listed["data"][0]["article_count"], expected,
                "{name} {time}"
            );
        }
        app.import(&[
            note.status("withdrawn"),
            article("open").status("withdrawn").tagged("eau"),
        ]);
        assert_eq!(app.get("/v1/tags/eau").status, 404, "{name}");
        assert_eq!(
            app.get("/v1/tags?count=exact").json()["page"]["count"],
            0,
            "{name}"
        );
    }
}

#[test]
fn an_alias_of_a_hidden_tag_and_a_hidden_parent_tell_nothing() {
    let app = App::with(&[
        article("draft").status("draft").with(
            "tags",
            json!([{"slug": "secret", "name": "Secret", "aliases": ["former-secret"]}]),
        ),
        article("open").with(
            "tags",
            json!([{"slug": "child", "name": "Enfant", "parent": "secret"}]),
        ),
    ]);
    assert_eq!(app.json("/v1/tags/child")["parent"], json!(null));
    for path in ["/v1/tags/former-secret", "/v1/tags/former-secret/related"] {
        let reply = app.get(path);
        assert_eq!(
            (reply.status, reply.header("location")),
            (404, ""),
            "{path}"
        );
        assert!(
            !reply.text().replace("former-secret", "").contains("secret"),
            "{path}"
        );
    }
    let told = |tag: &str| {
        let by_list = app.get(&format!("/v1/articles?tag=-{tag}")).text();
        let by_related = app
            .get(&format!("/v1/articles/open/related?tag={tag}"))
            .text();
        (by_list.replace(tag, "TAG"), by_related.replace(tag, "TAG"))
    };
    assert_eq!(told("former-secret"), told("unheard-of"));
    app.import(&[article("now").with("tags", json!(["Secret"]))]);
    assert_eq!(app.json("/v1/tags/child")["parent"], "secret");
    assert_eq!(
        app.get("/v1/tags/former-secret").header("location"),
        "/v1/tags/secret"
    );
}

#[test]
fn an_alias_in_a_filter_counts_as_its_tag() {
    let eau = json!({"slug": "eau", "name": "Eau", "aliases": ["ressources-en-eau"]});
    let app = App::with(&[
        article("a").with("tags", json!([eau])),
        article("b").with(
            "tags",
            json!([{"slug": "ressources-en-eau", "name": "Ressources"}]),
        ),
        article("c"),
    ]);
    for tag in ["eau", "ressources-en-eau"] {
        for words in ["", "&q=texte&order_by=newest"] {
            assert_eq!(
                app.get(&format!("/v1/articles?tag={tag}{words}")).slugs(),
                ["b", "a"],
                "{tag}"
            );
            assert_eq!(
                app.get(&format!("/v1/articles?tag=-{tag}{words}")).slugs(),
                ["c"],
                "{tag}"
            );
        }
    }
    assert_eq!(app.json("/v1/tags/eau")["article_count"], 2);
    let query = app.get("/v1/tags/ressources-en-eau/related?limit=3");
    assert_eq!(
        (query.status, query.header("location")),
        (301, "/v1/tags/eau/related?limit=3")
    );
}

#[test]
fn the_newsroom_finds_tags_that_no_public_article_bears_and_others_see_no_difference() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[
            article("open").tagged("known"),
            article("draft")
                .tagged("secret")
                .tagged("known")
                .status("draft"),
        ]);
        let (author, reader) = (app.key("author"), app.key("reader"));
        let as_one = |key: &str, path: &str| app.get_with(path, &[("authorization", key)]);
        for query in ["", "?order_by=count", "?count=exact", "?limit=1"] {
            let path = format!("/v1/tags{query}");
            let (public, read) = (app.get(&path), as_one(&reader, &path));
            assert_eq!(
                (public.bytes, public.headers["etag"].clone()),
                (read.bytes, read.headers["etag"].clone()),
                "{name}"
            );
        }
        assert_eq!(
            as_one(&author, "/v1/tags").slugs(),
            ["known", "secret"],
            "{name}"
        );
        let reply = as_one(&author, "/v1/tags?order_by=count&count=exact&limit=1");
        assert_eq!(
            (reply.slugs(), reply.json()["page"]["count"].clone()),
            (vec!["known".to_owned()], json!(2)),
            "{name}"
        );
        assert_eq!(reply.header("cache-control"), "private, no-store", "{name}");
        let next = reply.json()["page"]["next"].as_str().unwrap().to_owned();
        let rest = format!("/v1/tags?order_by=count&limit=1&cursor={next}");
        assert_eq!(as_one(&author, &rest).slugs(), ["secret"], "{name}");
        assert_eq!(app.get(&rest).status, 400, "{name}");
        let secret = as_one(&author, "/v1/tags/secret").json();
        assert_eq!(
            (
                &secret["article_count"],
                &secret["editing"]["article_count"]
            ),
            (&json!(0), &json!(1)),
            "{name}"
        );
        assert_eq!(as_one(&reader, "/v1/tags/secret").status, 404, "{name}");
        // The same state, and another form of it.
        let (public, own) = (app.get("/v1/tags/known"), as_one(&author, "/v1/tags/known"));
        assert!(!public.text().contains("editing"), "{name}");
        let state = |etag: &str| etag.split('.').next().unwrap().to_owned();
        assert_eq!(
            state(public.header("etag")),
            state(own.header("etag")),
            "{name}"
        );
        assert_ne!(public.header("etag"), own.header("etag"), "{name}");
    }
}
