//! `q` of `/v1/articles`: full text.

use crate::support::{App, article, at};

fn library() -> App {
    App::with(&[
        article("securite")
            .headed("Sécurité : les écoles protégées")
            .saying("Le ministère renforce les équipes."),
        article("roses")
            .headed("Le festival ouvre")
            .saying("Kelâat M’Gouna fête ses roses cette semaine."),
        article("rose-garden")
            .headed("The garden")
            .saying("Growing roses and watering them.")
            .language("en"),
        article("oasis")
            .headed("واحات تافيلالت")
            .saying("الماءُ في الواحات قليل")
            .language("ar"),
        article("signed")
            .headed("Chronique")
            .saying("Rien.")
            .with("byline", "Leïla Bencherif")
            .tagged("barrages"),
    ])
}

#[test]
fn accents_case_and_inflection_do_not_matter() {
    let app = library();
    for (q, slugs) in [
        ("securite", "securite"),
        ("S%C3%89CURIT%C3%89", "securite"),
        ("ecole", "securite"),
        ("rose", "rose-garden roses"),
        ("water", "rose-garden"),
        ("%D9%88%D8%A7%D8%AD%D8%A9", "oasis"),
        ("leila", "signed"),
        ("barrage", "signed"),
        ("festival+roses", "roses"),
        ("festival+securite", ""),
        ("%22festival+ouvre%22", "roses"),
        ("%22ouvre+festival%22", ""),
        ("roses+-festival", "rose-garden"),
    ] {
        let mut found = app.get(&format!("/v1/articles?q={q}")).slugs();
        found.sort_unstable();
        assert_eq!(found.join(" "), slugs, "{q}");
    }
}

#[test]
fn a_search_takes_every_filter_and_order() {
    let app = library();
    for (query, slugs) in [
        ("q=roses&language=en", vec!["rose-garden"]),
        ("q=rien&tag=barrages", vec!["signed"]),
        ("q=rien&tag=-barrages", vec![]),
        ("q=roses&to=2024-02-01", vec![]),
    ] {
        assert_eq!(
            app.get(&format!("/v1/articles?{query}")).slugs(),
            slugs,
            "{query}"
        );
    }
    let walked = app.walk("/v1/articles?q=rose&limit=1&order_by=newest");
    assert_eq!(walked.len(), 2);
    assert_eq!(
        app.get("/v1/articles?q=rose&count=exact&limit=1").json()["page"]["count"],
        2
    );
}

#[test]
fn a_search_sees_what_is_public_at_this_second_and_nothing_else() {
    let app = App::with(&[
        article("later")
            .saying("zanzibar")
            .with("embargoed_until", "2025-06-01T13:00:00Z"),
        article("ends")
            .saying("zanzibar")
            .with("expires_at", "2025-06-01T13:00:00Z"),
        article("draft").saying("zanzibar").status("draft"),
    ]);
    assert_eq!(
        app.get("/v1/articles?q=zanzibar&count=exact").slugs(),
        ["ends"]
    );
    assert_eq!(
        app.get("/v1/articles?q=zanzibar&count=exact").json()["page"]["count"],
        1
    );
    app.clock.set(at("2025-06-01T13:00:00Z"));
    assert_eq!(app.get("/v1/articles?q=zanzibar").slugs(), ["later"]);
}

#[test]
fn operators_of_other_engines_are_plain_text() {
    let app = library();
    for q in [
        "AND",
        "OR+NOT",
        "ab%3Acd",
        "%28%29+rose",
        "%5Brose+TO+%5D",
        "rose%5E2",
        "rose~",
        "*rose",
        "r%22ose",
        "%F0%9F%8C%B9+rose",
    ] {
        let reply = app.get(&format!("/v1/articles?q={q}"));
        assert_eq!(reply.status, 200, "{q}: {:?}", reply.json());
    }
    for q in [
        "%3F%21",
        "-rose",
        "%22%22",
        "...",
        "",
        "%20",
        &"x".repeat(10_000),
        &"a+".repeat(60),
    ] {
        let reply = app.get(&format!("/v1/articles?q={q}"));
        assert_eq!(
            (reply.status, reply.named()),
            (400, vec!["q".to_owned()]),
            "{q}"
        );
    }
}
