//! `q` of `/v1/articles`: full text.

use serde_json::json;

use crate::support::{App, Article, article, at, places};

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

#[test]
fn words_are_found_in_every_part_of_an_article_and_need_not_stand_in_one() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[
            article("plein")
                .headed("Vendanges")
                .with("standfirst", "Une saison précoce")
                .with("byline", "Leïla Bencherif")
                .with(
                    "body",
                    "<p>Les <b>coopératives</b> récoltent.</p><p>Fin.</p>",
                )
                .with("tags", json!([{"name": "Meknès", "kind": "place"}])),
            article("autre").saying("Les coopératives dorment."),
        ]);
        for (q, slugs) in [
            ("vendange", "plein"),
            ("saison", "plein"),
            ("bencherif", "plein"),
            ("meknes", "plein"),
            ("cooperative", "autre plein"),
            ("vendange+precoce+leila+cooperatives+meknes", "plein"),
            ("vendange+dorment", ""),
            // What is no word of the text is not found: neither its markup nor its names.
            ("strong", ""),
            ("place", ""),
        ] {
            let mut found = app.get(&format!("/v1/articles?q={q}")).slugs();
            found.sort_unstable();
            assert_eq!(found.join(" "), slugs, "{name} {q}");
        }
        // A correction is found at once by its new words and no more by the old.
        app.import(&[article("autre").saying("Les moulins dorment.")]);
        assert_eq!(
            app.get("/v1/articles?q=cooperative").slugs(),
            ["plein"],
            "{name}"
        );
        assert_eq!(
            app.get("/v1/articles?q=moulin").slugs(),
            ["autre"],
            "{name}"
        );
    }
}

#[test]
fn each_language_finds_its_own_forms() {
    let app = App::with(&[
        article("fr").saying("L’école a été rénovée ; les nouveaux chevaux galopaient."),
        article("fr-ma")
            .saying("Une école neuve.")
            .language("fr-MA"),
        article("en")
            .saying("The children’s stories were widely published.")
            .language("en"),
        article("ar")
            .saying("اِفتَتَحَ الوزيرُ المدارسَ والطُّرُق الجديدة")
            .language("ar"),
    ]);
    for (q, slugs) in [
        ("ecoles", "fr fr-ma"),
        ("l%27%C3%A9cole", "fr fr-ma"),
        ("L%E2%80%99ECOLE", "fr fr-ma"),
        ("renover", "fr"),
        ("story", "en"),
        ("PUBLISHING", "en"),
        // With and without vowel signs, article and hamza.
        ("%D8%A7%D9%84%D9%85%D8%AF%D8%A7%D8%B1%D8%B3", "ar"),
        ("%D9%85%D8%AF%D8%A7%D8%B1%D8%B3", "ar"),
        ("%D8%A5%D9%81%D8%AA%D8%AA%D8%AD", "ar"),
        ("%D8%A7%D9%84%D8%AC%D8%AF%D9%8A%D8%AF%D9%87", "ar"),
        ("ecole&language=fr", "fr"),
        ("ecole&language=FR-ma", "fr-ma"),
        ("ecole&language=en", ""),
    ] {
        let mut found = app.get(&format!("/v1/articles?q={q}")).slugs();
        found.sort_unstable();
        assert_eq!(found.join(" "), slugs, "{q}");
    }
}

#[test]
fn a_phrase_stands_together_and_what_is_excluded_is_out() {
    let app = App::with(&[
        article("un").saying("Le festival des roses ouvre à Kelâat M’Gouna."),
        article("deux").saying("Des roses, puis le festival. Le porte-parole se tait."),
        article("trois")
            .headed("Le festival")
            .saying("Des roses partout."),
    ]);
    for (q, slugs) in [
        ("festival+roses", "deux trois un"),
        ("%22festival+des+roses%22", "un"),
        ("%C2%AB+Festival+des+Ros%C3%A9s+%C2%BB", "un"),
        ("%22festival+des+roses", "un"),
        ("roses+-%22festival+des+roses%22", "deux trois"),
        ("roses+-porte-parole", "trois un"),
        ("porte-parole", "deux"),
        ("roses+-kelaat+-parole", "trois"),
        ("roses+-roses", ""),
        ("roses+-absent", "deux trois un"),
    ] {
        let mut found = app.get(&format!("/v1/articles?q={q}")).slugs();
        found.sort_unstable();
        assert_eq!(found.join(" "), slugs, "{q}");
    }
}

#[test]
fn a_search_has_its_limits_and_says_so() {
    let app = library();
    let words = |count: usize| {
        (0..count)
            .map(|n| format!("mot{n}"))
            .collect::<Vec<_>>()
            .join("+")
    };
    let status = |q: &str| app.get(&format!("/v1/articles?q={q}")).status;
    assert_eq!(status(&words(32)), 200);
    // Five hundred characters, however many bytes they are.
    let longest = vec!["%C3%A9".repeat(40); 12].join("+") + "+";
    assert_eq!(status(&format!("{longest}{}", "e".repeat(8))), 200);
    for q in [
        words(33),
        format!("{longest}{}", "e".repeat(9)),
        vec!["ab"; 33].join("-"),
        "-roses+-eau".to_owned(),
        "a+b+c".to_owned(),
        "%E2%80%A6+%C2%AB%C2%BB".to_owned(),
        "%F0%9F%8C%B9".to_owned(),
    ] {
        let reply = app.get(&format!("/v1/articles?q={q}"));
        assert_eq!(
            (reply.status, reply.named()),
            (400, vec!["q".to_owned()]),
            "{q}"
        );
    }
}

#[test]
fn a_walk_through_a_search_gives_each_match_once() {
    let articles: Vec<Article> = (0..45)
        .map(|n| {
            let more = "safran ".repeat(1 + n % 4);
            article(&format!("n{n:02}"))
                .saying(&format!("Récolte du {more}."))
                .language(if n % 3 == 0 { "en" } else { "fr" })
        })
        .collect();
    let app = App::with(&articles);
    for order in [
        "",
        "&order_by=relevance",
        "&order_by=newest",
        "&order_by=oldest",
    ] {
        let whole = app
            .get(&format!("/v1/articles?q=safran&limit=100{order}"))
            .slugs();
        assert_eq!(whole.len(), 45);
        assert_eq!(
            app.walk(&format!("/v1/articles?q=safran&limit=4{order}")),
            whole,
            "{order}"
        );
        assert_eq!(
            app.walk(&format!("/v1/articles?q=safran&limit=15{order}")),
            whole,
            "{order}"
        );
    }
}
