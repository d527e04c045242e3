//! The import format and its rules.

use diesel::prelude::*;
use serde_json::json;

use crate::support::app::{import_into, noon};
use crate::support::{App, article, at, places};

#[test]
fn importing_the_same_again_changes_nothing() {
    let samples = include_str!("../../samples/portail.ndjson");
    let nameless = r#"{"headline":"Sans nom","body":"x","language":"fr"}
{"headline":"Sans nom","body":"y","language":"fr"}"#;
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let lines = format!("{samples}\n{nameless}\n");
        let count = lines.lines().filter(|line| !line.trim().is_empty()).count() as u64;
        let (first, complaints) = app.import_text(&lines);
        assert_eq!((first.created, complaints.len()), (count, 0), "{name}");
        let before = app.get("/v1/articles?limit=100&include=body").bytes;
        let position = app.get("/readyz").json()["indexes"].clone();
        let (second, _) = app.import_text(&lines);
        assert_eq!(
            (second.unchanged, second.created, second.updated),
            (count, 0, 0),
            "{name}"
        );
        assert!(
            app.get("/v1/articles?limit=100&include=body").bytes == before,
            "{name}"
        );
        assert_eq!(app.get("/readyz").json()["indexes"], position, "{name}");
    }
}

#[test]
fn a_bad_line_is_told_by_number_and_the_others_go_in() {
    let app = App::new();
    let lines = "\u{20}\n{\"headline\":\"a\",\"body\":\"\",\"language\":\"fr\"}\r\n\
        not json\n\
        {\"headline\":\"b\",\"language\":\"fr\"}\n\
        {\"headline\":\"c\",\"body\":\"\",\"language\":\"fr\",\"published_at\":\"hier\",\"titre\":1}\n\
        {\"headline\":\"d\",\"body\":\"\",\"language\":\"klingon\"}\n\
        {\"headline\":\"e\",\"body\":\"\",\"language\":\"fr\",\"pins\":[\"nobody\"]}\n\
        {\"headline\":\"f\",\"body\":\"\",\"language\":\"fr\"}";
    let (summary, complaints) = app.import_text(lines);
    assert_eq!(
        (summary.created, summary.failed, summary.dangling),
        (3, 4, 1)
    );
    let told: Vec<(u64, bool)> = complaints
        .iter()
        .map(|complaint| {
            let word = match complaint.line {
                3 => "expected",
                4 => "body",
                5 => "titre",
                6 => "language",
                _ => "nobody",
            };
            (complaint.line, complaint.reason.contains(word))
        })
        .collect();
    assert_eq!(
        told,
        [(3, true), (4, true), (5, true), (6, true), (7, true)],
        "{complaints:?}"
    );
    assert_eq!(app.get("/v1/articles").slugs().len(), 3);
}

#[test]
fn an_article_is_known_by_its_id_its_external_id_or_its_slug() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[article("one").with("external_id", "x-1")]);
        let id = app.get("/v1/articles/one").json()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let headline = || {
            app.get(&format!("/v1/articles/{id}")).json()["headline"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        for (known, headed) in [
            (article("one").headed("par le slug"), "par le slug"),
            (
                article("one")
                    .with("external_id", "x-1")
                    .headed("par l’autre nom"),
                "par l’autre nom",
            ),
            (
                article("one")
                    .without("slug")
                    .with("external_id", "x-1")
                    .headed("sans slug"),
                "sans slug",
            ),
            (
                article("one").with("id", id.as_str()).headed("par l’id"),
                "par l’id",
            ),
        ] {
            assert_eq!(app.import(&[known]).updated, 1, "{name} {headed}");
            assert_eq!(headline(), headed, "{name}");
        }
        // The same slug under another external id is another article.
        assert_eq!(
            app.import(&[article("one").with("external_id", "x-2").headed("un autre")])
                .created,
            1,
            "{name}"
        );
        assert_eq!(
            app.get("/v1/articles/one-2").json()["headline"],
            "un autre",
            "{name}"
        );
        assert_eq!(headline(), "par l’id", "{name}");
    }
}

#[test]
fn a_missing_slug_is_made_from_the_headline_and_a_taken_one_gets_a_suffix() {
    let app = App::new();
    let lines: String = (0..15)
        .map(|n| {
            json!({"headline": "L’été à Fès", "body": format!("{n}"), "language": "fr"}).to_string()
                + "\n"
        })
        .collect();
    assert_eq!(app.import_text(&lines).0.created, 15);
    let slugs = app.walk("/v1/articles?limit=100");
    let different: std::collections::BTreeSet<_> = slugs.iter().collect();
    assert_eq!(different.len(), 15);
    assert!(
        slugs.contains(&"l-ete-a-fes".to_owned()) && slugs.contains(&"l-ete-a-fes-2".to_owned())
    );
}

#[test]
fn a_dry_run_tells_the_same_and_writes_nothing() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[article("kept")]);
        let position = app.get("/readyz").json()["indexes"].clone();
        let lines = format!(
            "{}\n{}\nbroken\n{}\n",
            article("kept").headed("changed").0,
            article("new")
                .tagged("fresh")
                .with("pins", json!(["later"]))
                .0,
            article("later").0
        );
        let (summary, complaints) = import_into(&app.database, &lines, true, noon());
        assert_eq!(
            (
                summary.created,
                summary.updated,
                summary.failed,
                summary.dangling
            ),
            (2, 1, 1, 0),
            "{name}"
        );
        assert_eq!(complaints.len(), 1, "{name}: {complaints:?}");
        app.wait();
        assert_eq!(app.get("/v1/articles").slugs(), ["kept"], "{name}");
        assert_eq!(app.get("/v1/tags").slugs().len(), 0, "{name}");
        assert_eq!(app.get("/readyz").json()["indexes"], position, "{name}");
    }
}

#[test]
fn a_tag_is_one_whatever_its_accents() {
    let app = App::new();
    app.import(&[
        article("a").with(
            "tags",
            json!(["Sécheresse", {"slug": "fes", "name": "Fès", "kind": "place"}]),
        ),
        article("b").with("tags", json!(["secheresse", "FÈS"])),
        article("c").with("tags", json!(["C", "C++"])),
    ]);
    assert_eq!(
        app.get("/v1/tags").slugs(),
        ["c", "c-2", "fes", "secheresse"]
    );
    assert_eq!(app.get("/v1/tags/fes").json()["article_count"], 2);
    assert_eq!(app.get("/v1/tags/secheresse").json()["name"], "Sécheresse");
}

#[test]
fn hostile_lines_harm_nobody() {
    let app = App::new();
    let huge = json!({"headline": "h", "body": "x".repeat(9_000_000), "language": "fr"});
    let deep = format!(
        "{{\"headline\":\"h\",\"language\":\"fr\",\"body\":{}}}",
        "[".repeat(500)
    );
    let nul = json!({"headline": "a\u{0}b", "body": "", "language": "fr"});
    let twice = r#"{"headline":"h","headline":"h","body":"","language":"fr"}"#;
    let lines = format!("{huge}\n{deep}\n{nul}\n{twice}\n{}\n", article("fine").0);
    let (summary, complaints) = app.import_text(&lines);
    assert_eq!((summary.created, summary.failed), (1, 4), "{complaints:?}");
    assert_eq!(app.get("/v1/articles").slugs(), ["fine"]);
}

#[test]
fn time_passing_changes_nothing_for_what_brings_no_dates() {
    let lines = "{\"headline\":\"Sans date\",\"body\":\"x\",\"language\":\"fr\",\"tags\":[\"Eau\"]}\n\
        {\"slug\":\"nom\",\"headline\":\"Avec nom\",\"body\":\"x\",\"language\":\"fr\"}\n";
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        assert_eq!(app.import_text(lines).0.created, 2, "{name}");
        let before = app.get("/v1/articles?include=body").text();
        assert!(before.contains("2025-06-01T12:00:00Z"), "{name} {before}");
        app.clock.set(at("2025-07-01T00:00:00Z"));
        assert_eq!(app.import_text(lines).0.unchanged, 2, "{name}");
        assert_eq!(
            app.get("/v1/articles?include=body").text(),
            before,
            "{name}"
        );
    }
}

#[test]
fn bytes_that_are_no_text_cost_their_line_and_ends_of_line_do_not_matter() {
    let line = |slug: &str| article(slug).0.to_string();
    let mut bytes = format!("\r\n{}\r\n\t \r\n", line("crlf")).into_bytes();
    bytes.extend(b"{\"headline\":\"\xff\xfe\",\"body\":\"\",\"language\":\"fr\"}\n\n");
    bytes.extend(b"\xc3\x28\n");
    bytes.extend(format!("  {}  \n{}", line("spaced"), line("unended")).bytes());
    let app = App::new();
    let (summary, complaints) = app.import_bytes(&bytes);
    assert_eq!((summary.created, summary.failed), (3, 2), "{complaints:?}");
    let told: Vec<(u64, &str)> = complaints
        .iter()
        .map(|complaint| (complaint.line, complaint.reason.as_str()))
        .collect();
    assert_eq!(told, [(4, "is not UTF-8"), (6, "is not UTF-8")]);
    assert_eq!(app.get("/v1/articles").slugs().len(), 3);
}

#[test]
fn nothing_in_gives_nothing_out() {
    let app = App::new();
    for nothing in ["", "\n", "\n\n  \r\n\t\n"] {
        let (summary, complaints) = app.import_text(nothing);
        assert_eq!(
            (summary, complaints),
            (Default::default(), vec![]),
            "{nothing:?}"
        );
    }
    assert_eq!(
        app.get("/v1/articles?count=exact").json()["page"]["count"],
        0
    );
}

#[test]
fn a_line_may_be_as_long_as_the_limit_and_no_longer() {
    let padded = |slug: &str, length: usize| {
        let line = article(slug).0.to_string();
        format!("{line}{}\n", " ".repeat(length - line.len()))
    };
    let app = App::new();
    let limit = kiosque::content::line::MAX_LINE;
    let (summary, complaints) = app.import_text(&format!(
        "{}{}{}",
        padded("within", limit),
        padded("beyond", limit + 1),
        padded("after", 400)
    ));
    assert_eq!((summary.created, summary.failed), (2, 1));
    assert_eq!(complaints[0].line, 2);
    assert!(
        complaints[0].reason.contains("longer than"),
        "{complaints:?}"
    );
}

#[test]
fn contradicting_names_are_refused_and_what_is_stored_stays() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        app.import(&[
            article("one").with("external_id", "x-1"),
            article("two").with("external_id", "x-2"),
        ]);
        let before = app.get("/v1/articles?include=body").text();
        let id = app.json("/v1/articles/one")["id"].clone();
        let line = article("one")
            .with("id", id)
            .with("external_id", "x-2")
            .headed("Faux");
        let (summary, complaints) = app.import_text(&line.0.to_string());
        assert_eq!(summary.failed, 1, "{name}");
        assert!(
            complaints[0].reason.contains("/external_id"),
            "{name} {complaints:?}"
        );
        assert_eq!(
            app.get("/v1/articles?include=body").text(),
            before,
            "{name}"
        );
    }
}

#[test]
fn what_a_line_leaves_out_goes_and_what_it_repeats_counts_once() {
    let app = App::with(&[article("a")
        .with("byline", "Nadia")
        .with("tags", json!(["Eau", "eau", {"slug": "eau"}, "ÉAU", "Sel"]))]);
    let seen = app.json("/v1/articles/a");
    assert_eq!(
        (&seen["byline"], seen["tags"].as_array().unwrap().len()),
        (&json!("Nadia"), 2)
    );
    app.import(&[article("a")]);
    let seen = app.json("/v1/articles/a");
    assert_eq!((&seen["byline"], &seen["tags"]), (&json!(null), &json!([])));
    assert_eq!(seen["version"], 2);
    assert_eq!(app.get("/v1/tags").slugs().len(), 0);
}

#[test]
fn a_tag_of_a_line_that_was_refused_hands_its_parent_to_no_other() {
    let app = App::new();
    let editor = app.key("editor");
    let refuse = "CREATE TRIGGER bad BEFORE INSERT ON changes WHEN NEW.slug = 'bad'
        BEGIN SELECT RAISE(ABORT, 'no'); END";
    let made = app
        .database
        .write(|conn| Ok(diesel::sql_query(refuse).execute(conn)?));
    made.unwrap();
    let tagged = |name: &str, tag| article(name).with("tags", json!([tag])).0.to_string();
    let lines = [
        tagged(
            "bad",
            json!({"slug": "kid", "name": "kid", "parent": "late"}),
        ),
        tagged("ok", json!({"slug": "innocent", "name": "innocent"})),
        tagged("fine", json!({"slug": "late", "name": "late"})),
    ];
    let (summary, _) = app.import_text(&lines.join("\n"));
    assert_eq!((summary.created, summary.failed), (2, 1));
    let tag = app.get_with("/v1/tags/innocent", &[("authorization", &editor)]);
    assert_eq!(tag.json()["parent"], serde_json::Value::Null);
}
