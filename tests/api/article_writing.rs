//! Making, changing and deleting articles over HTTP.

use serde_json::{Value, json};

use crate::support::{App, Reply, article, at, places};

fn draft(headline: &str) -> Value {
    json!({"headline": headline, "body": format!("<p>Texte de {headline}.</p>"), "language": "fr"})
}

/// The stored state as far as a refusal could touch it: every row of what an article consists of, and the log.
fn stored(app: &App) -> Value {
    let everything = app.key("admin");
    let list = app.write(
        "GET",
        "/v1/articles?status=any&limit=100&include=body",
        &everything,
        &[],
        None,
    );
    let last = app.database.read(kiosque::store::changes::last).unwrap();
    json!({"articles": list.json()["data"], "last": last})
}

#[track_caller]
fn assert_problem(reply: &Reply, status: u16, pointer: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let problem = reply.json();
    let named = problem["errors"].as_array().into_iter().flatten();
    let pointers: Vec<&str> = named
        .filter_map(|error| error["pointer"].as_str())
        .collect();
    assert!(
        pointer.is_empty() || pointers.contains(&pointer),
        "{problem}"
    );
}

#[test]
fn an_article_is_made_changed_published_and_deleted() {
    for place in places() {
        let app = App::on(place);
        let (author, editor) = (app.key("author"), app.key("editor"));
        let made = app.write(
            "POST",
            "/v1/articles",
            &author,
            &[],
            Some(draft("La crue du Ziz")),
        );
        assert_eq!(made.status, 201, "{}", made.text());
        assert_eq!(made.header("location"), "/v1/articles/la-crue-du-ziz");
        assert_eq!(made.header("cache-control"), "private, no-store");
        assert_eq!(
            (
                made.json()["status"].clone(),
                made.json()["version"].clone()
            ),
            (json!("draft"), json!(1))
        );
        assert_eq!(app.get("/v1/articles/la-crue-du-ziz").status, 404);

        // What its author reads has the very tag that the write was answered with.
        let read = app.get_with("/v1/articles/la-crue-du-ziz", &[("authorization", &author)]);
        assert_eq!(
            (read.status, read.header("etag")),
            (200, made.header("etag"))
        );
        assert_eq!(
            read.json()["editing"]["body"],
            "<p>Texte de La crue du Ziz.</p>"
        );

        let patch = json!({"standfirst": "Route coupée", "tags": ["Ziz"]});
        let changed = app.write(
            "PATCH",
            "/v1/articles/la-crue-du-ziz",
            &author,
            &[("if-match", made.header("etag"))],
            Some(patch),
        );
        assert_eq!(changed.status, 200, "{}", changed.text());
        assert_eq!(
            (
                changed.json()["version"].clone(),
                changed.json()["tags"][0]["slug"].clone()
            ),
            (json!(2), json!("ziz"))
        );
        assert_eq!(changed.json()["headline"], "La crue du Ziz");

        let path = "/v1/articles/la-crue-du-ziz/publication";
        let stale = app.write(
            "PUT",
            path,
            &editor,
            &[("if-match", made.header("etag"))],
            Some(json!({})),
        );
        assert_problem(&stale, 412, "");
        let published = app.write(
            "PUT",
            path,
            &editor,
            &[("if-match", changed.header("etag"))],
            Some(json!({})),
        );
        assert_eq!(published.status, 200, "{}", published.text());
        assert_eq!(published.json()["published_at"], "2025-06-01T12:00:00Z");
        // The answer came after the indexes had it.
        let public = app.get("/v1/articles/la-crue-du-ziz");
        assert_eq!(
            (public.status, public.json()["status"].clone()),
            (200, json!("published"))
        );
        assert_eq!(public.json().get("editing"), None);
        assert_eq!(app.get("/v1/articles?q=crue").slugs(), ["la-crue-du-ziz"]);

        // The tag of a public read guards a write just as well, in whatever form it was read.
        let zipped = app.get_with(
            "/v1/articles/la-crue-du-ziz?fields=slug&include=related",
            &[("accept-encoding", "gzip")],
        );
        let renamed = app.write(
            "PATCH",
            "/v1/articles/la-crue-du-ziz",
            &editor,
            &[("if-match", zipped.header("etag"))],
            Some(json!({"slug": "crue-ziz"})),
        );
        assert_eq!(renamed.status, 200, "{}", renamed.text());
        let moved = app.get("/v1/articles/la-crue-du-ziz");
        assert_eq!(
            (moved.status, moved.header("location")),
            (301, "/v1/articles/crue-ziz")
        );

        let gone = app.write(
            "DELETE",
            "/v1/articles/crue-ziz",
            &editor,
            &[("if-match", renamed.header("etag"))],
            None,
        );
        assert_eq!((gone.status, gone.bytes.len()), (204, 0));
        for path in ["/v1/articles/crue-ziz", "/v1/articles/la-crue-du-ziz"] {
            assert_eq!(app.get(path).status, 410);
            assert_eq!(
                app.get_with(path, &[("authorization", &editor)]).status,
                410
            );
        }
        assert_eq!(app.get("/v1/articles?q=crue").slugs(), Vec::<String>::new());
        let again = app.write(
            "POST",
            "/v1/articles",
            &editor,
            &[],
            Some(json!({"slug": "crue-ziz", "headline": "x", "body": "y", "language": "fr"})),
        );
        assert_problem(&again, 409, "/slug");
    }
}

#[test]
fn a_write_says_which_state_it_is_meant_for() {
    let app = App::with(&[article("a"), article("b")]);
    let editor = app.key("editor");
    let etag = app.get("/v1/articles/a").header("etag").to_owned();
    let before = stored(&app);
    let other = app.get("/v1/articles/b").header("etag").to_owned();
    let weak = format!("W/{etag}");
    let body = Some(json!({"headline": "Neu"}));
    for (condition, status) in [
        (vec![], 428),
        (vec![("if-match", other.as_str())], 412),
        (vec![("if-match", weak.as_str())], 412),
        (vec![("if-match", "\"1\"")], 412),
        (vec![("if-match", "nonsense")], 412),
        (vec![("if-match", "\"\"")], 412),
    ] {
        assert_problem(
            &app.write("PATCH", "/v1/articles/a", &editor, &condition, body.clone()),
            status,
            "",
        );
        assert_problem(
            &app.write("DELETE", "/v1/articles/a", &editor, &condition, None),
            status,
            "",
        );
        assert_problem(
            &app.write(
                "PUT",
                "/v1/articles/a",
                &editor,
                &condition,
                Some(draft("Neu")),
            ),
            status,
            "",
        );
        assert_problem(
            &app.write(
                "DELETE",
                "/v1/articles/a/publication",
                &editor,
                &condition,
                None,
            ),
            status,
            "",
        );
    }
    let none = [("if-none-match", "*")];
    assert_problem(
        &app.write("PUT", "/v1/articles/a", &editor, &none, Some(draft("Neu"))),
        412,
        "",
    );
    assert_eq!(stored(&app), before);
    let several = format!("\"x\", {etag}");
    let fine = app.write(
        "PATCH",
        "/v1/articles/a",
        &editor,
        &[("if-match", &several)],
        body.clone(),
    );
    assert_eq!(fine.status, 200);
    assert_problem(
        &app.write(
            "PATCH",
            "/v1/articles/a",
            &editor,
            &[("if-match", &several)],
            body,
        ),
        412,
        "",
    );
    let any = app.write(
        "PATCH",
        "/v1/articles/a",
        &editor,
        &[("if-match", "*")],
        Some(json!({"byline": "X"})),
    );
    assert_eq!((any.status, any.json()["version"].clone()), (200, json!(3)));
}

#[test]
fn put_creates_or_replaces() {
    for place in places() {
        let app = App::on(place);
        let editor = app.key("editor");
        let wanted = json!({"headline": "Neuf", "body": "Texte", "language": "fr", "byline": "Salma", "tags": ["Eau"]});
        let condition = [("if-match", "*")];
        assert_problem(
            &app.write(
                "PUT",
                "/v1/articles/neuf",
                &editor,
                &condition,
                Some(wanted.clone()),
            ),
            412,
            "",
        );
        let made = app.write(
            "PUT",
            "/v1/articles/neuf",
            &editor,
            &[("if-none-match", "*")],
            Some(wanted),
        );
        assert_eq!(
            (made.status, made.json()["slug"].clone()),
            (201, json!("neuf"))
        );
        let tag = [("if-match", made.header("etag"))];
        let published = app.write(
            "PUT",
            "/v1/articles/neuf/publication",
            &editor,
            &tag,
            Some(json!({"expires_at": "2025-06-02T00:00:00Z"})),
        );
        let tag = [("if-match", published.header("etag"))];
        let replaced = app.write(
            "PUT",
            "/v1/articles/neuf",
            &editor,
            &tag,
            Some(json!({"headline": "Neuf", "body": "Autre", "language": "fr"})),
        );
        assert_eq!(replaced.status, 200, "{}", replaced.text());
        let json = replaced.json();
        // What is left out is empty, but the publication is not taken back by silence.
        assert_eq!(
            (json["byline"].clone(), json["tags"].clone()),
            (Value::Null, json!([]))
        );
        assert_eq!(
            (
                json["status"].clone(),
                json["editing"]["expires_at"].clone()
            ),
            (json!("published"), json!("2025-06-02T00:00:00Z"))
        );
        assert_eq!(
            (json["published_at"].clone(), json["body_text"].clone()),
            (json!("2025-06-01T12:00:00Z"), json!("Autre"))
        );

        let id = "0190b0a0-0000-7000-8000-000000000001";
        let by_id = app.write(
            "PUT",
            &format!("/v1/articles/{id}"),
            &editor,
            &[],
            Some(draft("Par son id")),
        );
        assert_eq!((by_id.status, by_id.json()["id"].clone()), (201, json!(id)));
        let mut wrong = draft("x");
        wrong["slug"] = json!("autre");
        assert_problem(
            &app.write("PUT", "/v1/articles/nouveau", &editor, &[], Some(wrong)),
            422,
            "/slug",
        );
        assert_problem(
            &app.write("PUT", "/v1/articles/a%20b", &editor, &[], Some(draft("x"))),
            422,
            "",
        );
    }
}

#[test]
fn names_that_are_taken_are_told_and_headlines_may_repeat() {
    for place in places() {
        let app = App::on(place);
        app.import(&[
            article("a").with("external_id", "x1"),
            article("b"),
            article("c").status("draft"),
        ]);
        let editor = app.key("editor");
        let post = |extra: Value| {
            let mut body = draft("Titre");
            body.as_object_mut()
                .unwrap()
                .extend(extra.as_object().unwrap().clone());
            app.write("POST", "/v1/articles", &editor, &[], Some(body))
        };
        let before = stored(&app);
        assert_problem(&post(json!({"slug": "a"})), 409, "/slug");
        assert_problem(&post(json!({"slug": "c"})), 409, "/slug");
        assert_problem(&post(json!({"external_id": "x1"})), 409, "/external_id");
        let id = app.json("/v1/articles/b")["id"].clone();
        assert_problem(&post(json!({"id": id})), 409, "/id");
        assert_problem(&post(json!({"pins": ["a", "nowhere"]})), 422, "/pins/1");
        assert_problem(
            &post(json!({"translation_of": "nowhere"})),
            422,
            "/translation_of",
        );
        let etag = app.get("/v1/articles/b").header("etag").to_owned();
        let tag = [("if-match", etag.as_str())];
        let patch = |body: Value| app.write("PATCH", "/v1/articles/b", &editor, &tag, Some(body));
        assert_problem(&patch(json!({"slug": "a"})), 409, "/slug");
        assert_problem(&patch(json!({"external_id": "x1"})), 409, "/external_id");
        assert_eq!(stored(&app), before);
        let slugs: Vec<Value> = (0..3)
            .map(|_| post(json!({})).json()["slug"].clone())
            .collect();
        assert_eq!(slugs, [json!("titre"), json!("titre-2"), json!("titre-3")]);
    }
}

#[test]
fn a_body_that_is_not_as_documented_is_refused_and_pointed_at() {
    let app = App::with(&[article("a")]);
    let editor = app.key("editor");
    let before = stored(&app);
    let etag = app.get("/v1/articles/a").header("etag").to_owned();
    let json_headers = [
        ("authorization", editor.as_str()),
        ("content-type", "application/json"),
    ];
    let post = |text: &str| app.post_with("/v1/articles", &json_headers, text);
    let whole = r#""headline":"T","body":"B","language":"fr""#;
    for (text, status, pointer) in [
        (format!("{{{whole},\"titre\":1}}"), 422, "/titre"),
        (format!("{{{whole},\"headline\":\"U\"}}"), 422, "/headline"),
        (
            r#"{"headline":7,"body":"B","language":"fr"}"#.to_owned(),
            422,
            "/headline",
        ),
        (
            r#"{"headline":" ","body":"B","language":"fr"}"#.to_owned(),
            422,
            "/headline",
        ),
        (
            r#"{"headline":"T","body":"B","language":"klingonese!"}"#.to_owned(),
            422,
            "/language",
        ),
        (
            r#"{"headline":"T","language":"fr"}"#.to_owned(),
            422,
            "/body",
        ),
        (format!("{{{whole},\"tags\":[\"a\",7]}}"), 422, "/tags/1"),
        (
            format!("{{{whole},\"image\":{{\"url\":\"javascript:x\"}}}}"),
            422,
            "/image/url",
        ),
        (
            format!("{{{whole},\"image\":{{\"url\":\"https://x.example/\",\"w\":1}}}}"),
            422,
            "/image/w",
        ),
        (format!("{{{whole},\"status\":\"live\"}}"), 422, "/status"),
        (
            format!("{{{whole},\"status\":\"scheduled\"}}"),
            422,
            "/published_at",
        ),
        (
            format!("{{{whole},\"published_at\":\"hier\"}}"),
            422,
            "/published_at",
        ),
        (
            format!("{{{whole},\"rights\":{{\"syndicatable\":\"yes\"}}}}"),
            422,
            "/rights/syndicatable",
        ),
        (
            format!("{{{whole},\"sponsors\":[{{\"url\":null}}]}}"),
            422,
            "/sponsors/0/name",
        ),
        (format!("[{{{whole}}}]"), 422, ""),
        (
            format!(
                "{{{whole},\"image\":{}1{}}}",
                "{\"url\":".repeat(200),
                "}".repeat(200)
            ),
            422,
            "",
        ),
        (format!("{{{whole},"), 400, ""),
        (String::new(), 400, ""),
        (
            format!("{{{whole},\"standfirst\":\"{}\"}}", "a".repeat(20_001)),
            422,
            "/standfirst",
        ),
    ] {
        let reply = post(&text);
        let short: String = text.chars().take(80).collect();
        assert_eq!(reply.status, status, "{short}: {}", reply.text());
        assert_problem(&reply, status, pointer);
    }
    let deep = format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200));
    assert_problem(&post(&deep), 422, "");
    let huge = format!("{{{whole},\"standfirst\":\"{}\"}}", "a".repeat(10 << 20));
    assert_problem(&post(&huge), 413, "");

    let patch = |text: &str, media_type: &str| {
        let headers = [
            ("authorization", editor.as_str()),
            ("content-type", media_type),
            ("if-match", &etag),
        ];
        app.send_with("PATCH", "/v1/articles/a", &headers, text.as_bytes())
    };
    for (text, status, pointer) in [
        (r#"{"headline":null}"#, 422, "/headline"),
        (r#"{"headline":["x"]}"#, 422, "/headline"),
        (r#"{"titre":"x"}"#, 422, "/titre"),
        (r#"{"version":7}"#, 422, "/version"),
        (
            r#"{"rights":{"syndicatable":3}}"#,
            422,
            "/rights/syndicatable",
        ),
        (r#"{"byline":"a","byline":"b"}"#, 422, "/byline"),
        (
            r#"{"id":"0190b0a0-0000-7000-8000-000000000001"}"#,
            422,
            "/id",
        ),
        (r#"{"status":"draft"}"#, 422, "/status"),
        (r#"[]"#, 422, ""),
        (r#"7"#, 422, ""),
        (&deep, 400, ""),
        (r#"{"#, 400, ""),
    ] {
        assert_problem(
            &patch(text, "application/merge-patch+json"),
            status,
            pointer,
        );
    }
    assert_problem(&patch("{}", "application/json"), 415, "");
    assert_problem(&patch("{}", ""), 415, "");
    let coded = [
        ("authorization", editor.as_str()),
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    assert_problem(&app.post_with("/v1/articles", &coded, "{}"), 415, "");
    assert_problem(
        &app.post_with("/v1/articles?x=1", &json_headers, "{}"),
        400,
        "",
    );
    assert_eq!(stored(&app), before);
}

#[test]
fn authors_write_their_own_drafts_and_nothing_else() {
    for place in places() {
        let app = App::on(place);
        app.import(&[article("public"), article("other-draft").status("draft")]);
        let (author, other, editor, reader) = (
            app.key("author"),
            app.key("author"),
            app.key("editor"),
            app.key("reader"),
        );
        let made = app.write("POST", "/v1/articles", &author, &[], Some(draft("Mien")));
        let tag = [("if-match", made.header("etag"))];
        let before = stored(&app);

        assert_eq!(
            app.get_with("/v1/articles/mien", &[("authorization", &other)])
                .status,
            404
        );
        assert_eq!(
            app.get_with("/v1/articles/mien", &[("authorization", &reader)])
                .status,
            404
        );
        for (caller, status) in [(&other, 404), (&reader, 403), (&String::new(), 401)] {
            assert_problem(
                &app.write(
                    "PATCH",
                    "/v1/articles/mien",
                    caller,
                    &tag,
                    Some(json!({"byline": "x"})),
                ),
                status,
                "",
            );
            assert_problem(
                &app.write("DELETE", "/v1/articles/mien", caller, &tag, None),
                status,
                "",
            );
        }
        let any = [("if-match", "*")];
        assert_problem(
            &app.write(
                "PATCH",
                "/v1/articles/public",
                &author,
                &any,
                Some(json!({"byline": "x"})),
            ),
            403,
            "",
        );
        assert_problem(
            &app.write(
                "PATCH",
                "/v1/articles/other-draft",
                &author,
                &any,
                Some(json!({"byline": "x"})),
            ),
            404,
            "",
        );
        assert_problem(
            &app.write(
                "PUT",
                "/v1/articles/mien/publication",
                &author,
                &tag,
                Some(json!({})),
            ),
            403,
            "",
        );
        for status in ["published", "scheduled", "withdrawn"] {
            let mut body = draft("Neuf");
            body["status"] = json!(status);
            body["published_at"] = json!("2025-07-01T00:00:00Z");
            assert_problem(
                &app.write("POST", "/v1/articles", &author, &[], Some(body.clone())),
                403,
                "",
            );
            assert_problem(
                &app.write("PUT", "/v1/articles/mien", &author, &tag, Some(body)),
                403,
                "",
            );
            let patch = json!({"status": status, "published_at": "2025-07-01T00:00:00Z"});
            assert_problem(
                &app.write("PATCH", "/v1/articles/mien", &author, &tag, Some(patch)),
                403,
                "",
            );
        }
        assert_eq!(stored(&app), before);

        // Lists: the author's own and what is public; editors see everything; others nothing of it.
        let drafts =
            |caller: &str| app.get_with("/v1/articles?status=draft", &[("authorization", caller)]);
        assert_eq!(drafts(&author).slugs(), ["mien"]);
        assert_eq!(drafts(&other).slugs(), Vec::<String>::new());
        let mut all = drafts(&editor).slugs();
        all.sort();
        assert_eq!(all, ["mien", "other-draft"]);
        assert_problem(&drafts(&reader), 403, "");
        assert_problem(&app.get("/v1/articles?status=draft"), 401, "");
        assert_eq!(
            app.get_with(
                "/v1/articles?status=any&count=exact",
                &[("authorization", &author)]
            )
            .json()["page"]["count"],
            2
        );

        // Once an editor has published it, it is no longer the author's to change.
        app.write(
            "PUT",
            "/v1/articles/mien/publication",
            &editor,
            &tag,
            Some(json!({})),
        );
        assert_problem(
            &app.write(
                "PATCH",
                "/v1/articles/mien",
                &author,
                &any,
                Some(json!({"byline": "x"})),
            ),
            403,
            "",
        );
    }
}

#[test]
fn a_repeated_request_is_carried_out_once() {
    for place in places() {
        let app = App::on(place);
        let editor = app.key("editor");
        let post = |key: &str, body: &Value| {
            app.write(
                "POST",
                "/v1/articles",
                &editor,
                &[("idempotency-key", key)],
                Some(body.clone()),
            )
        };
        let first = post("k1", &draft("Une fois"));
        let again = post("k1", &draft("Une fois"));
        assert_eq!((first.status, again.status), (201, 201));
        assert_eq!(first.bytes, again.bytes);
        for header in ["etag", "location", "last-modified"] {
            assert_eq!(first.header(header), again.header(header));
        }
        assert_eq!(
            (
                first.header("idempotency-replayed"),
                again.header("idempotency-replayed")
            ),
            ("", "true")
        );
        assert_problem(&post("k1", &draft("Autre chose")), 422, "");
        assert_eq!(post("k2", &draft("Une fois")).json()["slug"], "une-fois-2");
        // Another caller's keys are its own.
        let other = app.key("editor");
        let theirs = app.write(
            "POST",
            "/v1/articles",
            &other,
            &[("idempotency-key", "k1")],
            Some(draft("Une fois")),
        );
        assert_eq!(theirs.json()["slug"], "une-fois-3");
        // What was refused may be corrected under the same key.
        let mut wrong = draft("Faux");
        wrong["pins"] = json!(["nowhere"]);
        assert_problem(&post("k3", &wrong), 422, "/pins/0");
        assert_eq!(post("k3", &draft("Juste")).status, 201);
        for key in ["", "é", &"x".repeat(256)] {
            assert_problem(&post(key, &draft("x")), 400, "");
        }
        // A day later the key is free again.
        app.clock.set(at("2025-06-02T12:00:01Z"));
        assert_eq!(post("k1", &draft("Une fois")).json()["slug"], "une-fois-4");
    }
}

#[test]
fn many_at_once_under_one_key_make_one_article() {
    for place in places() {
        let app = App::on(place);
        let editor = app.key("editor");
        let replies: Vec<Reply> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        app.write(
                            "POST",
                            "/v1/articles",
                            &editor,
                            &[("idempotency-key", "k")],
                            Some(draft("Unique")),
                        )
                    })
                })
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        for reply in &replies {
            match reply.status {
                201 => assert_eq!(reply.json()["slug"], "unique"),
                _ => {
                    assert_problem(reply, 409, "");
                    assert_eq!(
                        (reply.json()["code"].clone(), reply.header("retry-after")),
                        (json!("in_progress"), "2")
                    );
                }
            }
        }
        assert!(replies.iter().any(|reply| reply.status == 201));
        let list = app.write(
            "GET",
            "/v1/articles?status=any&count=exact",
            &editor,
            &[],
            None,
        );
        assert_eq!(list.json()["page"]["count"], 1);
    }
}

#[test]
fn markup_that_is_made_to_be_hard_is_refused_before_anyone_waits_for_it() {
    let app = App::with(&[article("a")]);
    let author = app.key("author");
    let hard = "<div>".repeat(20_000);
    let post = app.write(
        "POST",
        "/v1/articles",
        &author,
        &[],
        Some(json!({"headline": "x", "body": hard, "language": "fr"})),
    );
    assert_problem(&post, 422, "/body");
    let patch = app.write(
        "PATCH",
        "/v1/articles/a",
        &app.key("editor"),
        &[("if-match", "*")],
        Some(json!({"body": hard})),
    );
    assert_problem(&patch, 422, "/body");
    let text = json!({"headline": "x", "body": hard, "language": "fr"}).to_string();
    assert_problem(&app.post("/v1/related", &text), 422, "/body");
    let line = article("b").with("body", hard).0.to_string();
    let (summary, complaints) = app.import_text(&line);
    assert_eq!(summary.failed, 1);
    assert!(
        complaints[0].reason.starts_with("/body: "),
        "{complaints:?}"
    );
}

#[test]
fn an_author_does_not_come_to_own_what_an_import_brings() {
    for place in places() {
        let app = App::on(place);
        let author = app.key("author");
        for name in ["external_id", "id"] {
            let mut body = draft("x");
            body[name] = json!("0190b0a0-0000-7000-8000-000000000001");
            assert_problem(
                &app.write("POST", "/v1/articles", &author, &[], Some(body)),
                403,
                "",
            );
        }
        let mut body = draft("Plan");
        body["slug"] = json!("budget");
        let made = app.write("POST", "/v1/articles", &author, &[], Some(body.clone()));
        app.import(&[article("budget")
            .with("embargoed_until", "2025-09-01T00:00:00Z")
            .saying("Secret")]);
        let read = app.get_with("/v1/articles/budget", &[("authorization", &author)]);
        assert_eq!(read.status, 404, "{}", read.text());
        let etag = [("if-match", made.header("etag"))];
        assert_problem(
            &app.write("DELETE", "/v1/articles/budget", &author, &etag, None),
            404,
            "",
        );

        // Nor does a draft that was deleted keep an import out.
        body["slug"] = json!("autre");
        let made = app.write("POST", "/v1/articles", &author, &[], Some(body));
        app.write(
            "DELETE",
            "/v1/articles/autre",
            &author,
            &[("if-match", made.header("etag"))],
            None,
        );
        app.import(&[article("autre")]);
        assert_eq!(app.get("/v1/articles/autre").status, 200);
        app.write(
            "DELETE",
            "/v1/articles/autre",
            &app.key("editor"),
            &[("if-match", "*")],
            None,
        );
        let (summary, _) = app.import_text(&article("autre").0.to_string());
        assert_eq!(
            (summary.failed, app.get("/v1/articles/autre").status),
            (1, 410)
        );
    }
}

#[test]
fn a_replacement_leaves_the_publication_that_it_does_not_mention() {
    for place in places() {
        let app = App::on(place);
        let editor = app.key("editor");
        app.import(&[article("a")
            .with("embargoed_until", "2025-09-01T00:00:00Z")
            .with("expires_at", "2025-10-01T00:00:00Z")]);
        let mut body = draft("Corrigé");
        body["status"] = json!("published");
        let replaced = app.write(
            "PUT",
            "/v1/articles/a",
            &editor,
            &[("if-match", "*")],
            Some(body.clone()),
        );
        assert_eq!(
            replaced.json()["editing"]["embargoed_until"],
            "2025-09-01T00:00:00Z"
        );
        assert_eq!(app.get("/v1/articles/a").status, 404);
        body["embargoed_until"] = Value::Null;
        let replaced = app.write(
            "PUT",
            "/v1/articles/a",
            &editor,
            &[("if-match", "*")],
            Some(body),
        );
        assert_eq!(replaced.status, 200, "{}", replaced.text());
        assert_eq!(app.get("/v1/articles/a").status, 200);
        assert_eq!(
            replaced.json()["editing"]["expires_at"],
            "2025-10-01T00:00:00Z"
        );
    }
}

#[test]
fn null_in_a_patch_empties_or_is_refused() {
    for place in places() {
        let app = App::on(place);
        let editor = app.key("editor");
        let plan = "2030-01-01T00:00:00Z";
        app.import(&[
            article("draft")
                .status("draft")
                .with("published_at", plan)
                .with("external_id", "x1")
                .with("first_published_at", "2010-01-01T00:00:00Z"),
            article("out"),
        ]);
        let patch = |slug: &str, body: Value| {
            app.write(
                "PATCH",
                &format!("/v1/articles/{slug}"),
                &editor,
                &[("if-match", "*")],
                Some(body),
            )
        };
        let emptied = patch("draft", json!({"external_id": null, "published_at": null}));
        assert_eq!(
            (
                &emptied.json()["published_at"],
                &emptied.json()["editing"]["external_id"]
            ),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(emptied.json()["first_published_at"], "2010-01-01T00:00:00Z");
        assert_problem(&patch("draft", json!({"headlin": null})), 422, "/headlin");
        assert_problem(
            &patch("out", json!({"translation_of": null})),
            422,
            "/translation_of",
        );
        assert_problem(
            &patch("out", json!({"published_at": null})),
            422,
            "/published_at",
        );
        assert_problem(
            &patch("out", json!({"expires_at": "2024-01-01T00:00:00Z"})),
            422,
            "/expires_at",
        );
        let now = patch("draft", json!({"status": "published"}));
        assert_eq!(
            now.json()["published_at"],
            "2025-06-01T12:00:00Z",
            "{}",
            now.text()
        );
        assert_eq!(app.get("/v1/articles/draft").status, 200);
    }
}
