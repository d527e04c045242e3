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
