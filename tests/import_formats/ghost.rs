//! Ghost exports.

use super::*;

#[test]
fn an_export_comes_in_whole_and_a_second_time_changes_nothing() {
    for place in places() {
        let imported = Imported::into(place);
        let arguments = [
            &fixture("ghost.json"),
            "--site-url",
            "https://palmier.example",
        ];
        let said = imported.run(&arguments);
        assert_eq!(said.code, Some(1), "{}", said.text);
        said.says(&[
            "3 created, 0 updated, 0 unchanged, 1 failed",
            "post 5 of the file: is not as Ghost writes it",
            "left out: 1 articles without HTML (their text is only in the editor's own format): sans-html",
            "left out: 1 items of type \"page\" (see --post-types): a-propos",
            "left out: 1 tags for editors only (#…)",
            "changed: 1 articles for \"paid\" only taken as drafts: abonnes",
        ]);
        imported.again(&arguments);
        let app = imported.serve();
        let article = app.get("/v1/articles/marche-erfoud").json();
        for (member, expected) in [
            ("headline", json!("Le marché d’Erfoud")),
            ("standfirst", json!("Où l’on achète.")),
            ("byline", json!("Nadia Amrani, Hassan B.")),
            ("language", json!("fr")),
            ("published_at", json!("2024-02-02T08:30:00Z")),
            ("updated_at", json!("2024-02-03T09:00:00Z")),
            (
                "canonical_url",
                json!("https://palmier.example/marche-erfoud/"),
            ),
        ] {
            assert_eq!(article[member], expected, "{member}: {article}");
        }
        let image = &article["image"];
        assert_eq!(
            image["url"],
            "https://palmier.example/content/images/marche.jpg"
        );
        assert_eq!(
            (&image["alt"], &image["caption"]),
            (&json!("Le marché"), &json!("Photo X"))
        );
        assert_eq!(
            tags(&article),
            [
                ("economie", "keyword"),
                ("dattes", "keyword"),
                ("nadia-amrani", "contributor"),
                ("hassan-b", "contributor")
            ]
        );
        let text = body(&app, "marche-erfoud");
        assert!(
            text.contains("https://palmier.example/content/images/dattes.jpg")
                && text.contains("href=\"https://video.example/3\""),
            "{text}"
        );
        let old = app.get("/v1/articles/ancien").json();
        assert_eq!(old["published_at"], "2014-05-13T16:53:20Z");
        assert_eq!(old["byline"], "Premier");
        assert_eq!(app.get("/v1/articles/abonnes").status, 404);
    }
}

#[test]
fn without_the_sites_address_its_pictures_are_left_out() {
    let imported = Imported::into(Place::sqlite());
    let said = imported.run(&[&fixture("ghost.json")]);
    said.says(&[
        "left out: 1 pictures whose address lacks the site's (see --site-url): marche-erfoud",
        "changed: 1 addresses that lack the site's (see --site-url): marche-erfoud",
    ]);
}

#[test]
fn what_is_no_export_is_told_of() {
    let imported = Imported::into(Place::sqlite());
    for (text, says) in [
        ("{\"db\":[{\"data\":{\"posts\":[{\"id\":", "EOF"),
        ("{\"db\":[{\"data\":{\"posts\":7}}]}", "invalid type"),
    ] {
        let file = written(&imported.place, "bad.json", text);
        let said = imported.run(&[&file]);
        assert_eq!(said.code, Some(1));
        said.says(&["bad.json: ", says]);
    }
    let deep = format!(
        "{{\"db\":[{{\"data\":{{\"posts\":[{}",
        "[".repeat(1_000_000)
    );
    let file = written(&imported.place, "deep.json", deep);
    imported.run(&[&file]).says(&["EOF while parsing"]);
    let large = format!(
        "{{\"db\":[{{\"data\":{{\"posts\":[{{\"html\":\"{}\"}}]}}}}]}}",
        "x".repeat(17 << 20)
    );
    let file = written(&imported.place, "large.json", large);
    imported
        .run(&[&file])
        .says(&["a part of it is larger than"]);
}

#[test]
fn what_is_for_members_does_not_become_public() {
    let post = |slug: &str, html: &str| {
        json!({"id": slug, "title": slug, "slug": slug, "html": html, "status": "published",
            "visibility": "public", "published_at": "2024-01-01T00:00:00.000Z"})
    };
    let gated = "<p>Free</p><!--kg-gated-block:begin nonMember:false memberSegment:\"status:-free\" --><p>Paid</p>\
                 <!--kg-gated-block:end--><p>End</p>";
    let long = "c".repeat(100_000);
    let export = json!({"db": [{"data": {
        "posts": [post("gated", gated), post("mailed", "<p>Mail</p>"), post("plain", "<p>x</p>")],
        "posts_meta": [{"post_id": "mailed", "email_only": 1},
            {"post_id": "plain", "email_only": false, "feature_image_caption": long}],
        "settings": [{"key": "locale", "value": "en"}]
    }}]});
    for place in places() {
        let imported = Imported::into(place);
        let file = written(&imported.place, "members.json", export.to_string());
        let said = imported.run(&[&file]);
        assert_eq!(said.code, Some(0), "{}", said.text);
        said.says(&[
            "3 created",
            "left out: 1 parts for members of public articles: gated (gated)",
            "changed: 1 articles that were only sent by mail taken as drafts: mailed (mailed)",
        ]);
        imported.again(&[&file]);
        let app = imported.serve();
        assert_eq!(body(&app, "gated"), "<p>Free</p><p>End</p>");
        assert_eq!(app.get("/v1/articles/mailed").status, 404);
        assert_eq!(app.get("/v1/articles/plain").status, 200);
    }
}
