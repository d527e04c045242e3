//! A tag that only hidden articles bear is, for the public, none at all.

use serde_json::json;

use crate::support::{App, article, places};

/// What the public is told, header by header, of everything it can ask about a tag.
fn everything_told(app: &App, tag: &str) -> Vec<(String, u16, String, String)> {
    let mut paths: Vec<String> = [
        "/v1/tags",
        "/v1/tags?count=exact",
        "/v1/tags?order_by=count&count=exact",
        "/v1/tags?limit=1",
        "/v1/tags?limit=1&order_by=count",
        "/v1/tags?kind=keyword",
        "/v1/tags?q=un",
        "/v1/tags?q=un&count=exact",
        "/v1/tags?kind=person&order_by=count",
        "/v1/tags/known",
        "/v1/tags/known/related",
        "/v1/articles?count=exact",
        "/v1/articles?q=unheard",
        "/v1/articles?tag=known&count=exact",
        "/v1/articles?include=related,related_tags",
        "/v1/articles/open?include=related,related_tags",
        "/v1/articles/open/related",
        "/v1/articles/open/related-tags",
        "/v1/related?ids=open",
    ]
    .map(str::to_owned)
    .into();
    for path in [
        "/v1/tags/TAG",
        "/v1/tags/TAG/related",
        "/v1/articles?tag=TAG",
        "/v1/articles?tag=-TAG",
        "/v1/articles?tag=known|TAG&count=exact",
        "/v1/articles?q=texte&tag=TAG",
        "/v1/articles/open/related?tag=TAG",
        "/v1/related?ids=open&tag=TAG",
    ] {
        paths.push(path.replace("TAG", tag));
    }
    let mut told: Vec<_> = paths
        .into_iter()
        .map(|path| {
            let reply = app.get(&path);
            let text = reply.text();
            (
                path,
                reply.status,
                text,
                format!("{} {}", reply.header("etag"), reply.header("location")),
            )
        })
        .collect();
    for tags in [json!([tag]), json!(["known", tag])] {
        let body = json!({"headline": "Texte", "body": "Texte.", "language": "fr", "tags": tags});
        let reply = app.post("/v1/related", &body.to_string());
        told.push((
            body.to_string(),
            reply.status,
            reply.text(),
            reply.header("etag").to_owned(),
        ));
    }
    told
}

#[test]
fn nothing_public_differs_for_a_tag_that_only_hidden_articles_bear() {
    let hidden = article("hidden")
        .with(
            "tags",
            json!([{"slug": "unheard-of", "name": "Unheard of", "aliases": ["unheard-before"], "parent": "known"},
                {"slug": "known", "name": "known"}, {"name": "Unheard Person", "kind": "person"}]),
        );
    let open = [
        article("open").tagged("known").tagged("other"),
        article("second").tagged("known").tagged("other"),
        article("third").tagged("other"),
    ];
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&open);
        let tags = ["unheard-of", "unheard-before", "unheard-person"];
        let told = |app: &App| tags.map(|tag| everything_told(app, tag));
        let without = told(&app);
        for (kind, article) in [
            ("draft", hidden.clone().status("draft")),
            (
                "embargoed",
                hidden
                    .clone()
                    .with("embargoed_until", "2025-06-01T13:00:00Z"),
            ),
            (
                "expired",
                hidden.clone().with("expires_at", "2025-06-01T11:00:00Z"),
            ),
            (
                "scheduled",
                hidden
                    .clone()
                    .status("scheduled")
                    .with("published_at", "2025-06-01T13:00:00Z"),
            ),
            ("withdrawn", hidden.clone().status("withdrawn")),
        ] {
            app.import(&[article]);
            let with = told(&app);
            for (before, after) in without.iter().flatten().zip(with.iter().flatten()) {
                assert_eq!(before, after, "{name}, {kind}");
            }
        }
        app.import(std::slice::from_ref(&hidden));
        assert_ne!(told(&app), without, "{name}");
    }
}
