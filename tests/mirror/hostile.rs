//! What another server may send that no Kiosque would: it is refused with its line, or does no harm.

use std::process::Stdio;

use serde_json::{Value, json};

use super::support::{App, article, places};
use super::{front, kiosque, must_catch_up};

/// A page as a Kiosque gives it: an article with a tag, and a tag below another.
fn sound() -> Value {
    let source = App::with(&[article("one").tagged("eau"), article("two")]);
    let editor = source.key("editor");
    for body in [
        json!({"slug": "climat", "name": "Climat"}),
        json!({"slug": "oasis", "name": "Oasis", "parent": "climat"}),
    ] {
        let reply = source.write("POST", "/v1/tags", &editor, &[], Some(body));
        assert_eq!(reply.status, 201, "{}", reply.text());
    }
    source.wait();
    source.json("/v1/changes?after=0&limit=500&include=articles")
}

fn line(page: &Value, slug: &str) -> usize {
    let lines = page["data"].as_array().expect("lines");
    let found = lines.iter().position(|line| line["slug"] == slug);
    found.expect("it is there")
}

/// Gives this page to a mirror; the status it ends with, and what it said.
fn give(mirror: &App, page: String) -> (Option<i32>, String) {
    let base = front("http://nowhere.example", move |_, _| {
        Some((200, page.clone()))
    });
    let arguments = ["mirror", &base, "--once"];
    let mut command = kiosque(&mirror.place, mirror.place.folder.path(), &arguments);
    let output = command.stderr(Stdio::piped()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    (output.status.code(), said)
}

#[test]
fn what_no_kiosque_would_send_is_refused_with_its_line() {
    let page = sound();
    let (one, oasis) = (line(&page, "one"), line(&page, "oasis"));
    let nul = "a\u{0}b";
    let long = |count: usize| "x".repeat(count);
    let many = |count: usize| vec![page["data"][one]["id"].clone(); count];
    let cases = [
        (one, "/slug", json!("a b"), "slug has the character"),
        (one, "/id", json!("one"), "is not an id"),
        (one, "/action", json!(nul), "is no action"),
        (one, "/seq", json!(0), "comes after line 0"),
        (one, "/seq", json!(i64::MAX), "on a page that ends with"),
        (one, "/version", json!(-1), "no version -1"),
        (one, "/version", json!(i64::MAX), "no version"),
        (one, "/version", json!(1.5), "invalid type"),
        (one, "/at", json!("hier"), "invalid characters"),
        (
            one,
            "/at",
            json!("+12025-01-01T00:00:00Z"),
            "years 1 to 9999",
        ),
        (one, "/now", json!("perhaps"), "unknown variant"),
        (one, "/article", Value::Null, "a public article is missing"),
        (one, "/article/slug", json!(".."), "consists of dots"),
        (one, "/article/version", json!(1_i64 << 60), "no version"),
        (
            one,
            "/article/updated_at",
            json!("-0001-01-01T00:00:00Z"),
            "years 1 to 9999",
        ),
        (
            one,
            "/article/published_at",
            json!("9999-12-31T23:59:60Z"),
            "years 1 to 9999",
        ),
        (one, "/article/headline", json!(long(1_001)), "/headline"),
        (
            one,
            "/article/trail_text",
            json!(nul),
            "/trail_text contains a NUL",
        ),
        (
            one,
            "/article/body_html",
            json!(nul),
            "/body_html contains a NUL",
        ),
        (one, "/article/language", json!("fr_FR"), "/language"),
        (
            one,
            "/article/canonical_url",
            json!("javascript:x"),
            "/canonical_url",
        ),
        (
            one,
            "/replica/translation_group",
            json!(nul),
            "/replica/translation_group",
        ),
        (
            one,
            "/replica/translation_group",
            json!(long(501)),
            "/replica/translation_group",
        ),
        (
            one,
            "/replica/former_slugs",
            json!([nul]),
            "a former slug has the character",
        ),
        (one, "/replica/related", json!("often"), "/related"),
        (
            one,
            "/replica/pins",
            json!(vec!["x"; 201]),
            "/pins has more than 200",
        ),
        (
            one,
            "/replica/pinned_by",
            json!([{"id": many(1)[0], "pins": many(201)}]),
            "more than 200",
        ),
        (
            one,
            "/replica/pinned_by",
            json!([{"id": "x", "pins": []}]),
            "is not an id",
        ),
        (
            one,
            "/replica/tags/0/name",
            json!(long(501)),
            "the tag \"eau\": /name is longer",
        ),
        (one, "/replica/tags/0/name", json!(" "), "/name is empty"),
        (
            one,
            "/replica/tags/0/name",
            json!(nul),
            "/name contains a NUL",
        ),
        (one, "/replica/tags/0/kind", json!("colour"), "/kind"),
        (oasis, "/tag/slug", json!("a/b"), "/slug has the character"),
        (
            oasis,
            "/tag/aliases",
            json!([nul]),
            "/aliases/0 has the character",
        ),
        (
            oasis,
            "/tag/description",
            json!(long(20_001)),
            "/description is longer",
        ),
        (oasis, "/tag/parent", json!(""), "/parent is empty"),
        (oasis, "/tag/children", json!(["x"]), "is not an id"),
        (
            oasis,
            "/tag/updated_at",
            json!("0000-01-01T00:00:00Z"),
            "years 1 to 9999",
        ),
        (oasis, "/tag/version", json!(-7), "no version -7"),
    ];
    for place in places() {
        let mirror = App::on(place);
        for (at, member, value, says) in &cases {
            let mut page = page.clone();
            *page["data"][*at].pointer_mut(member).expect(member) = value.clone();
            let seq = page["data"][*at]["seq"].clone();
            let (status, said) = give(&mirror, page.to_string());
            assert_eq!(status, Some(1), "{member} {value}: {said}");
            assert!(
                said.contains(&format!("line {seq} of the feed")),
                "{member}: {said}"
            );
            assert!(said.contains(says), "{member}: {said}");
        }
        // A number that is none, and a page that belongs nowhere.
        let text = page.to_string();
        let (status, said) = give(
            &mirror,
            text.replacen("\"version\":1", "\"version\":1e999", 1),
        );
        assert!(
            status == Some(1) && said.contains("number out of range"),
            "{said}"
        );
        let mut nowhere = page.clone();
        nowhere["page"]["store"] = json!(nul);
        let (status, said) = give(&mirror, nowhere.to_string());
        assert!(
            status == Some(1) && said.contains("no identity of a store"),
            "{said}"
        );
        // Nothing of all that was written, and what is sound is taken in.
        assert_eq!(mirror.json("/v1/changes")["data"], json!([]));
        let (status, said) = give(&mirror, text);
        assert_eq!(status, Some(0), "{said}");
        mirror.wait();
        assert_eq!(mirror.json("/v1/tags/oasis")["parent"], "climat");
        assert_eq!(mirror.get("/v1/articles/one").status, 200);
    }
}

#[test]
fn what_contradicts_itself_does_no_harm() {
    let page = sound();
    let (one, oasis, climat) = (
        line(&page, "one"),
        line(&page, "oasis"),
        line(&page, "climat"),
    );
    for place in places() {
        let mirror = App::on(place);
        let mut page = page.clone();
        let id = |at: usize, page: &Value| page["data"][at]["id"].clone();
        let (oasis_id, climat_id) = (id(oasis, &page), id(climat, &page));
        // Each above the other, and above itself.
        page["data"][climat]["tag"]["parent"] = json!("oasis");
        page["data"][climat]["tag"]["children"] = json!([oasis_id, climat_id]);
        page["data"][oasis]["tag"]["children"] = json!([climat_id, climat_id]);
        // Two of one name, one of which says that it is called as the other is.
        page["data"][oasis]["tag"]["name"] = json!("  Eau \n potable ");
        page["data"][climat]["tag"]["name"] = json!("Eau potable");
        page["data"][climat]["tag"]["aliases"] = json!(["oasis", "climat", "oasis"]);
        // An article that pins itself twice, told by two.
        let one_id = id(one, &page);
        let braced = format!("{{{}}}", one_id.as_str().expect("an id").to_uppercase());
        let pinning = json!({"id": braced, "pins": [one_id, one_id]});
        page["data"][one]["replica"]["pinned_by"] = json!([pinning, pinning]);
        page["data"][one]["replica"]["pins"] = json!([one_id, one_id, "nowhere"]);
        // A later version tells more.
        page["data"][one]["article"]["image"] = json!({"url": "https://img.example/a.jpg", "alt": "A", "caption": null, "credit": null,
                   "width": 7, "height": 7, "focus": [1, 2]});
        page["data"][one]["mood"] = json!("good");
        let later = json!({"seq": page["page"]["next"], "kind": "poll", "question": "?"});
        page["data"].as_array_mut().expect("lines").push(later);
        page["page"]["next"] = json!(page["page"]["next"].as_i64().expect("a number") + 1);
        page["data"]
            .as_array_mut()
            .expect("lines")
            .last_mut()
            .expect("one")["seq"] = page["page"]["next"].clone();
        page["page"]["latest"] = page["page"]["next"].clone();
        let (status, said) = give(&mirror, page.to_string());
        assert_eq!(status, Some(0), "{said}");
        assert!(said.contains("not known here: \"poll\""), "{said}");
        mirror.wait();
        let tags = mirror.json("/v1/tags?limit=100")["data"].clone();
        let tags: Vec<Value> = tags.as_array().expect("tags").clone();
        assert_eq!(tags.len(), 3, "{tags:#?}");
        let above = |tag: &Value| tags.iter().find(|other| other["slug"] == tag["parent"]);
        for tag in &tags {
            let way = std::iter::successors(Some(tag), |tag| above(tag));
            assert!(way.take(9).count() < 9, "a circle: {tags:#?}");
        }
        let image = mirror.json("/v1/articles/one")["image"].clone();
        assert_eq!(image["width"], 7);
    }
}

#[test]
fn a_name_that_is_anothers_ends_the_mirror_with_its_line() {
    let page = sound();
    let (one, two) = (line(&page, "one"), line(&page, "two"));
    for place in places() {
        let mirror = App::on(place);
        let mut page = page.clone();
        page["data"][two]["slug"] = json!("one");
        page["data"][two]["article"]["slug"] = json!("one");
        let seq = page["data"][two.max(one)]["seq"].clone();
        let (status, said) = give(&mirror, page.to_string());
        assert_eq!(status, Some(1), "{said}");
        assert!(
            said.contains(&format!("line {seq} of the feed: /slug")),
            "{said}"
        );
        assert!(said.contains("the slug of another article"), "{said}");
    }
}

#[test]
fn a_mirror_that_begins_late_gives_each_tag_its_name() {
    for (source, target) in places().into_iter().zip(places().into_iter().rev()) {
        let (source, mirror) = (App::on(source), App::on(target));
        let editor = source.key("editor");
        let write = |method: &str, path: &str, body: Value| {
            let headers = [("if-match", "*")];
            let reply = source.write(method, path, &editor, &headers, Some(body));
            assert!(reply.status < 300, "{method} {path}: {}", reply.text());
        };
        for slug in ["one", "two", "three"] {
            write(
                "POST",
                "/v1/tags",
                json!({"slug": slug, "name": format!("The {slug}")}),
            );
        }
        write("PUT", "/v1/tags/one/merger", json!({"into": "two"}));
        write("PUT", "/v1/tags/two/merger", json!({"into": "three"}));
        write("PATCH", "/v1/tags/three", json!({"aliases": []}));
        for slug in ["one", "two"] {
            write(
                "POST",
                "/v1/tags",
                json!({"slug": slug, "name": format!("Another {slug}")}),
            );
        }
        source.wait();
        must_catch_up(&mirror.place, &source);
        mirror.wait();
        for slug in ["one", "two", "three"] {
            let [there, here] = [&source, &mirror].map(|app| app.json(&format!("/v1/tags/{slug}")));
            assert_eq!(there, here, "{slug} {}", mirror.place.name);
        }
    }
}
