//! The change feed: everything the public can know, in order, and nothing else.

use chrono::TimeDelta;
use kiosque::content::tag_input::TagInput;
use kiosque::store::tag_saving;
use serde_json::{Value, json};

use crate::support::app::noon;
use crate::support::{App, article, places};

fn lines(app: &App, query: &str) -> Vec<Value> {
    let page = app.json(&format!("/v1/changes?{query}"));
    page["data"].as_array().unwrap().clone()
}

/// Each line in short: what happened to what.
fn told(app: &App) -> Vec<String> {
    lines(app, "limit=1000")
        .iter()
        .map(|line| {
            let word = |name: &str| line[name].as_str().unwrap_or_default();
            format!("{} {} {}", word("action"), word("kind"), word("slug"))
        })
        .collect()
}

fn write(app: &App, editor: &str, method: &str, path: &str, body: Option<Value>) -> Value {
    let reply = app.write(method, path, editor, &[("if-match", "*")], body);
    assert!(reply.status < 300, "{method} {path}: {}", reply.text());
    app.wait();
    match reply.bytes.is_empty() {
        true => Value::Null,
        false => reply.json(),
    }
}

#[test]
fn an_articles_life_is_told_line_by_line() {
    for place in places() {
        let app = App::on(place);
        let editor = app.key("editor");
        let write = |method: &str, path: &str, body| write(&app, &editor, method, path, body);
        write(
            "POST",
            "/v1/articles",
            Some(
                json!({"slug": "first", "headline": "F", "body": "x", "language": "fr", "tags": ["Eau"]}),
            ),
        );
        assert_eq!(
            told(&app),
            Vec::<String>::new(),
            "a draft is nobody's business"
        );
        write("PUT", "/v1/articles/first/publication", Some(json!({})));
        write(
            "PATCH",
            "/v1/articles/first",
            Some(json!({"headline": "G"})),
        );
        write(
            "PATCH",
            "/v1/articles/first",
            Some(json!({"slug": "second"})),
        );
        write("DELETE", "/v1/articles/second/publication", None);
        write("PUT", "/v1/articles/second/publication", Some(json!({})));
        write("DELETE", "/v1/articles/second", None);
        assert_eq!(
            told(&app),
            [
                "published article first",
                "updated article first",
                "updated article second",
                "withdrawn article second",
                "published article second",
                "deleted article second",
            ],
            "{}",
            app.place.name
        );
        let seqs: Vec<i64> = lines(&app, "")
            .iter()
            .map(|line| line["seq"].as_i64().unwrap())
            .collect();
        assert!(seqs.is_sorted());
        let embedded = lines(&app, "include=articles");
        let (last, before) = embedded.split_last().unwrap();
        assert_eq!(last["article"], Value::Null);
        assert_eq!(last["now"], "gone");
        assert_eq!(last["replica"]["former_slugs"], json!(["first"]));
        for line in before {
            assert!(
                line.get("article").is_none(),
                "once, in its last line: {line}"
            );
        }
    }
}

#[test]
fn pages_follow_each_other_and_pass_by_what_is_hidden() {
    for place in places() {
        let app = App::on(place);
        let drafts = (0..30).map(|n| article(&format!("draft-{n}")).status("draft"));
        let mut all: Vec<_> = drafts.collect();
        all.extend((0..7).map(|n| article(&format!("open-{n}"))));
        app.import(&all);
        let (mut after, mut slugs, mut pages) = (0, Vec::new(), 0);
        loop {
            let page = app.json(&format!("/v1/changes?after={after}&limit=3"));
            let next = page["page"]["next"].as_i64().unwrap();
            let data = page["data"].as_array().unwrap();
            assert!(data.len() <= 3);
            slugs.extend(
                data.iter()
                    .map(|line| line["slug"].as_str().unwrap().to_owned()),
            );
            pages += 1;
            if next == page["page"]["latest"] {
                break;
            }
            assert!(next > after, "it makes progress");
            after = next;
        }
        let expected: Vec<String> = (0..7).map(|n| format!("open-{n}")).collect();
        assert_eq!(slugs, expected);
        assert!(pages <= 4);
        // Nothing but drafts after the end: the place to go on from moves all the same.
        let end = app.json("/v1/changes?limit=1000")["page"]["next"].clone();
        app.import(&[article("draft-more").status("draft")]);
        let page = app.json(&format!("/v1/changes?after={end}"));
        assert_eq!(page["data"], json!([]));
        assert!(page["page"]["next"].as_i64() > end.as_i64());
    }
}

#[test]
fn what_was_only_ever_seen_by_the_newsroom_is_in_no_line() {
    for place in places() {
        let app = App::on(place);
        let editor = app.key("editor");
        let write = |method: &str, path: &str, body| write(&app, &editor, method, path, body);
        let draft = json!({"slug": "secret-one", "headline": "S", "body": "x", "language": "fr",
            "tags": [{"slug": "secret-tag", "name": "Secret"}]});
        write("POST", "/v1/articles", Some(draft));
        write(
            "PATCH",
            "/v1/articles/secret-one",
            Some(json!({"slug": "open"})),
        );
        write(
            "PATCH",
            "/v1/tags/secret-tag",
            Some(json!({"name": "Secret still"})),
        );
        write(
            "PATCH",
            "/v1/articles/open",
            Some(json!({"tags": [{"slug": "eau", "name": "Eau"}]})),
        );
        write("PUT", "/v1/articles/open/publication", Some(json!({})));
        // Out, then in again, under a name that is to come.
        write(
            "PATCH",
            "/v1/articles/open",
            Some(json!({"status": "withdrawn", "slug": "secret-two"})),
        );
        write(
            "PATCH",
            "/v1/articles/secret-two",
            Some(json!({"slug": "secret-three"})),
        );
        let draft = json!({"slug": "secret-four", "headline": "S", "body": "x", "language": "fr",
            "tags": [{"slug": "secret-other", "name": "Other"}]});
        write("POST", "/v1/articles", Some(draft));
        write(
            "PUT",
            "/v1/tags/secret-other/merger",
            Some(json!({"into": "secret-tag"})),
        );
        for query in ["limit=1000", "limit=1000&include=articles"] {
            let text = app.get(&format!("/v1/changes?{query}")).text();
            assert!(!text.contains("secret"), "{text}");
            assert!(text.contains("withdrawn"), "{text}");
        }
        for name in ["secret-one", "secret-two", "secret-three", "secret-four"] {
            let reply = app.get(&format!("/v1/articles/{name}"));
            assert_eq!(reply.status, 404, "{name}: {}", app.place.name);
        }
        assert_eq!(app.get("/v1/articles/open").status, 410);
    }
}

#[test]
fn a_name_of_a_draft_leads_the_newsroom_and_not_the_public() {
    let app = App::new();
    let editor = app.key("editor");
    let write = |method: &str, path: &str, body| write(&app, &editor, method, path, body);
    let draft = json!({"slug": "working-title", "headline": "S", "body": "x", "language": "fr"});
    write("POST", "/v1/articles", Some(draft));
    write(
        "PATCH",
        "/v1/articles/working-title",
        Some(json!({"slug": "title"})),
    );
    write("PUT", "/v1/articles/title/publication", Some(json!({})));
    assert_eq!(app.get("/v1/articles/working-title").status, 404);
    let known = app.get_with("/v1/articles/working-title", &[("authorization", &editor)]);
    assert_eq!(known.status, 301);
    write(
        "PATCH",
        "/v1/articles/title",
        Some(json!({"slug": "better-title"})),
    );
    assert_eq!(app.get("/v1/articles/title").status, 301);
    let line = lines(&app, "include=articles").pop().unwrap();
    assert_eq!(line["replica"]["former_slugs"], json!(["title"]));
}

#[test]
fn what_time_does_is_told() {
    for place in places() {
        let app = App::on(place);
        let hour = |n: i64| noon() + TimeDelta::hours(n);
        app.import(&[article("later")
            .published(hour(1))
            .status("scheduled")
            .with("expires_at", hour(2).to_rfc3339())]);
        assert_eq!(told(&app), Vec::<String>::new());
        for (now, expected) in [
            (1, vec!["published article later"]),
            (
                2,
                vec!["published article later", "withdrawn article later"],
            ),
        ] {
            app.clock.set(hour(now));
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
            while told(&app) != expected {
                assert!(std::time::Instant::now() < deadline, "{:?}", told(&app));
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        }
    }
}

#[test]
fn what_never_came_out_is_unknown_after_its_hour_too() {
    let app = App::new();
    let hour = |n: i64| noon() + TimeDelta::hours(n);
    app.import(&[
        article("cancelled").published(hour(1)).status("withdrawn"),
        article("withdrawn").status("withdrawn"),
    ]);
    assert_eq!(app.get("/v1/articles/cancelled").status, 404);
    assert_eq!(app.get("/v1/articles/withdrawn").status, 410);
    app.clock.set(hour(2));
    app.wait();
    assert_eq!(app.get("/v1/articles/cancelled").status, 404);
    assert_eq!(told(&app), ["withdrawn article withdrawn"]);
}

#[test]
fn a_back_to_draft_is_told_since_its_address_answers_otherwise() {
    let app = App::with(&[article("a")]);
    let editor = app.key("editor");
    let write = |method: &str, path: &str, body| write(&app, &editor, method, path, body);
    write("DELETE", "/v1/articles/a/publication", None);
    assert_eq!(
        lines(&app, "include=articles").pop().unwrap()["now"],
        "gone"
    );
    app.import(&[article("a").status("draft")]);
    assert_eq!(app.get("/v1/articles/a").status, 404);
    let last = lines(&app, "include=articles").pop().unwrap();
    assert_eq!(
        (&last["action"], &last["now"]),
        (&json!("withdrawn"), &json!("unknown"))
    );
    assert!(last.get("replica").is_none());
}

#[test]
fn an_embedded_article_is_what_a_read_of_it_answers() {
    for place in places() {
        let app = App::on(place);
        app.import(&[
            article("original").tagged("eau"),
            article("autre")
                .tagged("eau")
                .tagged("oasis")
                .with("pins", json!(["original", "draft"]))
                .with("related", "never")
                .with("language", "ar")
                .with("translation_of", "original"),
            article("draft").status("draft"),
        ]);
        let all = lines(&app, "include=articles&limit=1000");
        let last = |slug: &str| all.iter().rfind(|line| line["slug"] == slug).unwrap();
        for slug in ["original", "autre"] {
            assert_eq!(
                last(slug)["article"],
                app.json(&format!("/v1/articles/{slug}")),
                "{slug}"
            );
            assert_eq!(last(slug)["now"], "public");
        }
        let replica = &last("autre")["replica"];
        let original = app.json("/v1/articles/original")["id"].clone();
        assert_eq!(replica["pins"], json!([original]), "a draft is not told");
        assert_eq!(replica["related"], "never");
        assert_eq!(
            replica["translation_group"],
            last("original")["replica"]["translation_group"]
        );
        assert!(replica["translation_group"].is_string());
        let tags: Vec<&str> = replica["tags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| tag["slug"].as_str().unwrap())
            .collect();
        assert_eq!(tags, ["eau", "oasis"]);
    }
}

#[test]
fn tags_tell_where_they_have_gone() {
    for place in places() {
        let app = App::on(place);
        let editor = app.key("editor");
        let write = |method: &str, path: &str, body| write(&app, &editor, method, path, body);
        for (slug, name) in [
            ("eau", "Eau"),
            ("eaux", "Eaux"),
            ("climat", "Climat"),
            ("vieux", "Vieux"),
        ] {
            write(
                "POST",
                "/v1/tags",
                Some(json!({"slug": slug, "name": name})),
            );
        }
        write(
            "PATCH",
            "/v1/tags/eau",
            Some(json!({"parent": "climat", "description": "D", "aliases": ["aigue"]})),
        );
        write("PUT", "/v1/tags/eaux/merger", Some(json!({"into": "eau"})));
        write("DELETE", "/v1/tags/vieux", None);
        let all = lines(&app, "include=articles&kind=tag");
        let last = |slug: &str| all.iter().rfind(|line| line["slug"] == slug).unwrap();
        let merged = last("eaux");
        assert_eq!(
            (&merged["action"], &merged["into"]),
            (&json!("merged"), &json!("eau"))
        );
        assert_eq!(merged["tag"]["aliases"], json!(["aigue", "eaux"]));
        assert_eq!(merged["tag"]["parent"], "climat");
        assert_eq!(
            last("climat")["tag"]["children"],
            json!([merged["tag"]["id"]])
        );
        assert_eq!(
            (&last("vieux")["action"], &last("vieux")["tag"]),
            (&json!("deleted"), &Value::Null)
        );
        // And on from there.
        write(
            "PUT",
            "/v1/tags/eau/merger",
            Some(json!({"into": "climat"})),
        );
        let all = lines(&app, "kind=tag");
        for slug in ["eaux", "eau"] {
            let merged = all.iter().rfind(|line| line["slug"] == slug).unwrap();
            assert_eq!(merged["into"], "climat", "{slug}");
        }
        assert_eq!(lines(&app, "kind=article"), Vec::<Value>::new());
    }
}

#[test]
fn a_merged_tag_is_followed_by_the_log_where_its_name_is_anothers_by_now() {
    for place in places() {
        let app = App::on(place);
        let editor = app.key("editor");
        let write = |method: &str, path: &str, body| write(&app, &editor, method, path, body);
        let make = |slug: &str, name: &str| {
            let body = json!({"slug": slug, "name": name});
            write("POST", "/v1/tags", Some(body))
        };
        let merge = |from: &str, into: &str| {
            let path = format!("/v1/tags/{from}/merger");
            write("PUT", &path, Some(json!({"into": into})))
        };
        for slug in ["one", "two", "three", "four", "last", "lost", "gone"] {
            make(slug, &format!("The {slug}"));
        }
        merge("one", "two");
        // The public is not told of this one, and the way leads over it.
        write("PATCH", "/v1/tags/two", Some(json!({"listed": false})));
        merge("four", "three");
        merge("two", "three");
        merge("three", "last");
        merge("lost", "gone");
        // All the names are freed, and some taken anew.
        for slug in ["last", "gone"] {
            let path = format!("/v1/tags/{slug}");
            write("PATCH", &path, Some(json!({"aliases": []})));
        }
        write("DELETE", "/v1/tags/gone", None);
        for slug in ["one", "two", "three", "lost"] {
            make(slug, &format!("Another {slug}"));
        }
        for query in ["kind=tag", "kind=tag&include=articles"] {
            let all = lines(&app, query);
            let into = |slug: &str| {
                let is_its = |line: &&Value| line["slug"] == slug && line["action"] == "merged";
                let line = all.iter().find(is_its).unwrap();
                (line["into"].clone(), line["tag"]["slug"].clone())
            };
            let embeds = query.contains("include");
            for slug in ["one", "four", "three"] {
                let expected = match embeds {
                    true => json!("last"),
                    false => Value::Null,
                };
                assert_eq!(into(slug), (json!("last"), expected), "{slug} {query}");
            }
            assert_eq!(into("lost"), (Value::Null, Value::Null));
        }
    }
}

/// What a page weighs, and how many lines it has.
fn weight(app: &App, query: &str) -> (usize, usize) {
    let reply = app.get(&format!("/v1/changes?{query}"));
    let lines = reply.json()["data"].as_array().unwrap().len();
    (reply.bytes.len(), lines)
}

#[test]
fn a_page_is_bounded_by_all_that_is_in_it() {
    const MIB: usize = 1 << 20;
    for place in places() {
        let app = App::on(place);
        // Small articles with tags that have a lot to say.
        let described: Vec<Value> = (0..30)
            .map(|n| {
                json!({"slug": format!("tag-{n}"), "name": format!("Tag {n}"), "description": "d".repeat(20_000)})
            })
            .collect();
        app.import(&[article("first").with("tags", json!(described))]);
        let named: Vec<Value> = (0..30)
            .map(|n| json!({"slug": format!("tag-{n}")}))
            .collect();
        let borne = (0..40).map(|n| article(&format!("borne-{n}")).with("tags", json!(named)));
        app.import(&borne.collect::<Vec<_>>());
        let (bytes, lines) = weight(&app, "limit=1000&include=articles");
        assert!(
            bytes < 9 * MIB && bytes > 4 * MIB,
            "{bytes} in {lines} lines"
        );
        assert!((7..41).contains(&lines), "{lines}");
        assert_eq!(weight(&app, "limit=1000").1, 41);
        // And so tags by themselves.
        let made = app.database.write(|conn| {
            for n in 0..450 {
                let input = TagInput {
                    name: format!("Made {n}"),
                    slug: None,
                    kind: None,
                    description: Some("d".repeat(20_000)),
                    parent: None,
                    aliases: None,
                };
                let draft = input.check().expect("it is sound");
                tag_saving::create(conn, &draft, noon())?;
            }
            Ok(())
        });
        made.expect("they are made");
        app.wait();
        let (bytes, lines) = weight(&app, "limit=1000&include=articles&kind=tag");
        assert!(
            bytes < 9 * MIB && bytes > 7 * MIB,
            "{bytes} in {lines} lines"
        );
        assert_eq!(weight(&app, "limit=1000&kind=tag").1, 450);

        // Articles that pin each other.
        let end = app.json("/v1/changes?limit=1000")["page"]["next"].clone();
        let slugs: Vec<String> = (0..90).map(|n| format!("pin-{n}")).collect();
        let all: Vec<_> = slugs.iter().map(|slug| article(slug)).collect();
        app.import(&all);
        let pinning = all.into_iter().enumerate().map(|(n, article)| {
            let mut others = slugs.clone();
            others.remove(n);
            article.with("pins", json!(others))
        });
        app.import(&pinning.collect::<Vec<_>>());
        let (bytes, lines) = weight(&app, &format!("limit=1000&include=articles&after={end}"));
        assert!(
            bytes < 9 * MIB && bytes > 4 * MIB,
            "{bytes} in {lines} lines"
        );
    }
}

#[test]
fn the_newest_that_pin_an_article_are_told_and_no_more() {
    for place in places() {
        let app = App::on(place);
        let pinning = (0..203).map(|n| article(&format!("by-{n}")).with("pins", json!(["pinned"])));
        app.import(&[article("pinned").status("draft"), article("other")]);
        app.import(&pinning.collect::<Vec<_>>());
        app.import(&[article("also").with("pins", json!(["other"]))]);
        app.import(&[article("pinned"), article("other").saying("x")]);
        let all = lines(&app, "limit=1000&include=articles");
        let by = |slug: &str| {
            let line = all.iter().rfind(|line| line["slug"] == slug).unwrap();
            let by = line["replica"]["pinned_by"].as_array().unwrap();
            by.iter().map(|by| by["id"].clone()).collect::<Vec<_>>()
        };
        let id = |slug: &str| app.json(&format!("/v1/articles/{slug}"))["id"].clone();
        let told = by("pinned");
        assert_eq!(told.len(), 200, "{}", app.place.name);
        assert!(told.contains(&id("by-202")) && !told.contains(&id("by-0")));
        assert_eq!(by("other"), [id("also")]);
    }
}

#[test]
fn a_page_ends_where_its_bodies_are_too_long_together() {
    let app = App::new();
    // Few words, for the indexes are not what this is about.
    let long = format!("{} ", "x".repeat(200)).repeat(6_000);
    let all: Vec<_> = (0..6)
        .map(|n| article(&format!("a-{n}")).saying(&long))
        .collect();
    app.import(&all);
    let page = app.json("/v1/changes?include=articles&limit=1000");
    let count = page["data"].as_array().unwrap().len();
    assert!((1..6).contains(&count), "{count}");
    let next = page["page"]["next"].as_i64().unwrap();
    let rest = app.json(&format!(
        "/v1/changes?include=articles&limit=1000&after={next}"
    ));
    assert_eq!(rest["data"].as_array().unwrap().len(), 6 - count);
    assert_eq!(app.json("/v1/changes")["data"].as_array().unwrap().len(), 6);
}

#[test]
fn faults_are_named_and_another_store_is_told() {
    let app = App::with(&[article("a")]);
    for (query, named) in [
        ("after=-1", "after"),
        ("after=x", "after"),
        ("after=99999999999999999999", "after"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("wait=0", "wait"),
        ("wait=61", "wait"),
        ("kind=user", "kind"),
        ("include=body", "include"),
        ("since=1", "since"),
        ("after=1&after=2", "after"),
    ] {
        let reply = app.get(&format!("/v1/changes?{query}"));
        assert_eq!(reply.status, 400, "{query}");
        assert_eq!(reply.named(), [named], "{query}");
    }
    let reply = app.get("/v1/changes?after=5000&wait=60");
    assert_eq!(
        (reply.status, reply.named()),
        (400, vec!["after".to_owned()])
    );
    assert!(
        reply.text().contains("the log ends with"),
        "{}",
        reply.text()
    );
    let other = App::with(&[article("a")]);
    let store = |app: &App| app.json("/v1/changes")["page"]["store"].clone();
    assert_eq!(store(&app), store(&app));
    assert_ne!(store(&app), store(&other));
}

#[test]
fn no_cache_keeps_a_page_and_its_tag_says_whether_it_moved() {
    let app = App::with(&[article("a")]);
    let first = app.get("/v1/changes");
    assert_eq!(first.header("cache-control"), "no-store");
    let tag = first.header("etag");
    assert_eq!(
        app.get_with("/v1/changes", &[("if-none-match", tag)])
            .status,
        304
    );
    app.import(&[article("b")]);
    let second = app.get_with("/v1/changes", &[("if-none-match", tag)]);
    assert_eq!(second.status, 200);
    assert_eq!(second.json()["data"].as_array().unwrap().len(), 2);
}

#[test]
fn what_a_server_with_a_clock_ahead_has_told_is_embedded() {
    for place in places() {
        let app = App::on(place);
        app.import(&[article("soon").published(noon() + TimeDelta::minutes(30))]);
        let soon = noon() + TimeDelta::hours(1);
        app.clock.set(soon);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while app.clock.now() == soon && told(&app).is_empty() {
            assert!(std::time::Instant::now() < deadline, "no line comes");
            std::thread::sleep(std::time::Duration::from_millis(20));
            app.wait();
        }
        // This server's clock has not come there yet, and no further line will come.
        app.clock.set(noon());
        let lines = lines(&app, "include=articles");
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["now"], "public", "{}", app.place.name);
        assert_eq!(lines[0]["article"]["slug"], "soon");
    }
}
