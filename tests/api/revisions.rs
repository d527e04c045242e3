//! `/v1/articles/{slug}/revisions`: list, read, compare, restore.

use kiosque::content::line;
use kiosque::content::sight::Sight;
use kiosque::store::articles;
use kiosque::store::save::{Manner, Save};
use kiosque::store::tagging::Tagger;
use serde_json::{Value, json};

use crate::support::app::noon;
use crate::support::{App, Article, Reply, article, at, places};

/// Saves an article as someone who edits it.
pub fn save(app: &App, by: &str, article: &Article) {
    let draft = line::parse(article.0.to_string().as_bytes()).expect("a line");
    let save = Save {
        now: app.clock.now(),
        by: Some(by),
        manner: Manner::Edit,
        sight: Sight::All,
    };
    let saved = app
        .database
        .write(|conn| save.article(conn, &draft, &mut Tagger::default()));
    saved.expect("it is saved");
    app.wait();
}

/// Deletes an article as someone who edits it.
pub fn delete(app: &App, by: &str, slug: &str) {
    let save = Save {
        now: app.clock.now(),
        by: Some(by),
        manner: Manner::Edit,
        sight: Sight::All,
    };
    let deleted = app.database.write(|conn| {
        let row = articles::find(conn, slug)?.expect("it is there");
        save.delete(conn, row)
    });
    deleted.expect("it is deleted");
    app.wait();
}

/// The name under which the holder of a key writes.
pub fn name_of(app: &App, authorization: &str) -> String {
    let hash = kiosque::identity::secret::digest(authorization.trim_start_matches("Bearer "));
    let key = app
        .database
        .read(|conn| kiosque::store::keys::by_hash(conn, &hash));
    format!("key:{}", key.unwrap().expect("the key").name)
}

pub fn get(app: &App, path: &str, authorization: &str) -> Reply {
    match authorization {
        "" => app.get(path),
        authorization => app.get_with(path, &[("authorization", authorization)]),
    }
}

/// What the database holds, to be compared before and after a refusal.
pub fn fingerprint(app: &App) -> String {
    app.database
        .read(|conn| {
            let rows = articles::by_nums(conn, &(1..50).collect::<Vec<_>>())?;
            let last = kiosque::store::changes::last(conn)?;
            Ok(format!("{rows:?} {last}"))
        })
        .unwrap()
}

fn crue() -> Article {
    article("crue")
        .headed("La crue du Ziz")
        .saying("L’eau monte à Erfoud. La route est coupée.")
        .tagged("eau")
}

#[test]
fn every_save_is_listed_with_who_and_when_newest_first() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let editor = app.key("editor");
        // What comes from an archive was saved when it came, whatever it says of itself.
        app.import(&[crue().with("updated_at", "2020-01-01T00:00:00Z")]);
        for (hour, headline) in [(13, "Deux"), (14, "Trois")] {
            app.clock.set(at(&format!("2025-06-01T{hour}:00:00Z")));
            save(&app, "amina", &crue().headed(headline));
        }
        let path = "/v1/articles/crue/revisions";
        let reply = get(&app, path, &editor);
        assert_eq!(reply.header("cache-control"), "private, no-store");
        let json = reply.json();
        let expected = json!([
            {"version": 3, "saved_at": "2025-06-01T14:00:00Z", "saved_by": "amina"},
            {"version": 2, "saved_at": "2025-06-01T13:00:00Z", "saved_by": "amina"},
            {"version": 1, "saved_at": "2025-06-01T12:00:00Z", "saved_by": null},
        ]);
        assert_eq!(json["data"], expected, "{name}");
        assert_eq!(json["page"], json!({"limit": 20, "next": null}));
        assert_eq!(json["deleted_at"], Value::Null);
        assert_eq!(
            get(&app, &format!("{path}/1"), &editor).json()["state"]["updated_at"],
            "2020-01-01T00:00:00Z"
        );
        // The same walked page by page.
        let mut walked = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = get(&app, &format!("{path}?limit=1{cursor}"), &editor).json();
            walked.extend(page["data"].as_array().unwrap().clone());
            match page["page"]["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(json!(walked), expected, "{name}");
        for query in ["limit=0", "limit=101", "cursor=AAAA", "page=2"] {
            let reply = get(&app, &format!("{path}?{query}"), &editor);
            assert_eq!(reply.status, 400, "{query}");
        }
    }
}

#[test]
fn a_version_is_read_as_it_was_and_by_those_who_may() {
    for place in places() {
        let app = App::on(place);
        let (editor, author) = (app.key("editor"), app.key("author"));
        let (other, reader) = (app.key_of("other", "author"), app.key("reader"));
        let own = name_of(&app, &author);
        save(&app, &own, &crue().status("draft"));
        save(&app, &own, &crue().status("draft").headed("Deux"));
        let path = "/v1/articles/crue/revisions";
        for caller in [&editor, &author] {
            let first = get(&app, &format!("{path}/1"), caller).json();
            assert_eq!(
                (&first["version"], &first["saved_by"]),
                (&json!(1), &json!(own))
            );
            assert_eq!(first["state"]["headline"], "La crue du Ziz");
            let second = get(&app, &format!("{path}/2"), caller).json();
            assert_eq!(second["state"]["headline"], "Deux");
            for missing in ["3", "0", "-1", "x", "99999999999999999999"] {
                let reply = get(&app, &format!("{path}/{missing}"), caller);
                assert_eq!(reply.status, 404, "{missing}");
            }
        }
        for tail in ["", "/1", "/2/diff"] {
            let path = format!("{path}{tail}");
            assert_eq!(get(&app, &path, "").status, 401);
            assert_eq!(get(&app, &path, &reader).status, 403);
            // A draft of another is not there.
            assert_eq!(get(&app, &path, &other).status, 404);
        }
        save(&app, &own, &crue());
        for tail in ["", "/1", "/2/diff"] {
            let path = format!("{path}{tail}");
            assert_eq!(get(&app, &path, &author).status, 200);
            assert_eq!(get(&app, &path, &other).status, 403);
        }
        assert_eq!(
            get(&app, "/v1/articles/none/revisions", &editor).status,
            404
        );
        assert_eq!(
            get(&app, "/v1/articles/a%00b/revisions", &editor).status,
            404
        );
    }
}

#[test]
fn two_versions_are_compared_member_by_member_and_word_by_word() {
    let app = App::new();
    let editor = app.key("editor");
    save(&app, "amina", &crue());
    save(&app, "amina", &crue().headed("La crue").tagged("ziz"));
    let body = "L’eau baisse à Erfoud.\n\nLa route est rouverte.";
    save(&app, "amina", &crue().headed("La crue").saying(body));
    let path = "/v1/articles/crue/revisions/3/diff";
    let json = get(&app, path, &editor).json();
    assert_eq!((&json["from"], &json["to"]), (&json!(2), &json!(3)));
    let members: Vec<&str> = json["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["member"].as_str().unwrap())
        .collect();
    assert_eq!(members, ["tags"]);
    let text = |left_out: &str| -> String {
        let pieces = json["text"].as_array().unwrap().iter();
        pieces
            .filter(|piece| piece["op"] != left_out)
            .map(|piece| piece["text"].as_str().unwrap())
            .collect()
    };
    assert_eq!(text("insert"), "L’eau monte à Erfoud. La route est coupée.");
    assert_eq!(text("delete"), body);
    assert!(json["text"].as_array().unwrap().len() > 3);

    let all = get(&app, &format!("{path}?with=1"), &editor).json();
    assert_eq!(all["from"], 1);
    assert_eq!(
        all["members"],
        json!([{"member": "headline", "from": "La crue du Ziz", "to": "La crue"}])
    );
    // Backwards, too, and with itself.
    let back = get(&app, "/v1/articles/crue/revisions/1/diff?with=3", &editor).json();
    assert_eq!(back["members"][0]["to"], "La crue du Ziz");
    let same = get(&app, &format!("{path}?with=3"), &editor).json();
    assert_eq!(same["members"], json!([]));
    for (path, status) in [
        ("/v1/articles/crue/revisions/1/diff", 400),
        ("/v1/articles/crue/revisions/3/diff?with=0", 400),
        ("/v1/articles/crue/revisions/3/diff?with=9", 404),
        ("/v1/articles/crue/revisions/9/diff?with=1", 404),
    ] {
        assert_eq!(get(&app, path, &editor).status, status, "{path}");
    }
}

#[test]
fn a_restoration_brings_back_what_was_said_and_leaves_names_and_publication() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let editor = app.key("editor");
        let by = name_of(&app, &editor);
        app.import(&[article("barrage"), article("palmeraie")]);
        let first = crue()
            .status("draft")
            .without("published_at")
            .with("pins", json!(["barrage"]))
            .with("bans", json!(["palmeraie"]));
        save(&app, "amina", &first);
        let id = get(&app, "/v1/articles/crue", &editor).json()["id"].clone();
        let second = article("ziz")
            .with("id", id)
            .headed("Autre chose")
            .saying("Rien de cela.")
            .published(noon());
        save(&app, "amina", &second);
        // The tag goes by another name meanwhile.
        app.database
            .write(|conn| {
                use diesel::prelude::*;
                diesel::sql_query("INSERT INTO tag_aliases (slug, tag_num) SELECT slug, num FROM tags WHERE slug = 'eau'")
                    .execute(conn)?;
                diesel::sql_query("UPDATE tags SET slug = 'water' WHERE slug = 'eau'").execute(conn)?;
                Ok(())
            })
            .unwrap();
        app.clock.set(at("2025-06-01T13:00:00Z"));

        let path = "/v1/articles/ziz/revisions/1/restoration";
        let etag = get(&app, "/v1/articles/ziz/revisions", &editor)
            .header("etag")
            .to_owned();
        let before = fingerprint(&app);
        assert_eq!(app.write("PUT", path, &editor, &[], None).status, 428);
        let stale = [("if-match", "\"AAAA.b\"")];
        assert_eq!(app.write("PUT", path, &editor, &stale, None).status, 412);
        let fresh = [("if-match", etag.as_str())];
        for (caller, status) in [
            ("", 401),
            (&app.key("reader"), 403),
            (&app.key("author"), 403),
        ] {
            assert_eq!(app.write("PUT", path, caller, &fresh, None).status, status);
        }
        assert_eq!(
            before,
            fingerprint(&app),
            "{name}: a refusal changed something"
        );

        let reply = app.write("PUT", path, &editor, &fresh, None);
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        let json = reply.json();
        assert_eq!(
            (&json["headline"], &json["slug"], &json["version"]),
            (&json!("La crue du Ziz"), &json!("ziz"), &json!(3))
        );
        assert_eq!(
            (
                &json["status"],
                &json["published_at"],
                &json["tags"][0]["slug"]
            ),
            (
                &json!("published"),
                &json!("2025-06-01T12:00:00Z"),
                &json!("water")
            )
        );
        assert_eq!(json["editing"]["pins"].as_array().unwrap().len(), 1);
        assert_eq!(json["editing"]["bans"].as_array().unwrap().len(), 1);
        assert_eq!(json["editing"]["saved_by"], json!(by));
        assert_eq!(app.json("/v1/articles/ziz")["body_text"], crue().0["body"]);
        let list = get(&app, "/v1/articles/ziz/revisions", &editor).json();
        assert_eq!(
            list["data"][0],
            json!({"version": 3, "saved_at": "2025-06-01T13:00:00Z", "saved_by": by})
        );
        // Once more changes nothing.
        let etag = reply.header("etag").to_owned();
        let again = app.write("PUT", path, &editor, &[("if-match", &etag)], None);
        assert_eq!((again.status, &again.json()["version"]), (200, &json!(3)));
        assert_eq!(again.header("etag"), etag);
    }
}

#[test]
fn a_deleted_article_is_brought_back_by_an_editor() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let (editor, author) = (app.key("editor"), app.key("author"));
        let own = name_of(&app, &author);
        save(&app, &own, &crue());
        app.clock.set(at("2025-06-01T13:00:00Z"));
        delete(&app, "amina", "crue");
        assert_eq!(app.get("/v1/articles/crue").status, 410);
        let list = get(&app, "/v1/articles/crue/revisions", &editor);
        let json = list.json();
        assert_eq!(json["deleted_at"], "2025-06-01T13:00:00Z");
        assert_eq!(
            json["data"][0],
            json!({"version": 2, "saved_at": "2025-06-01T13:00:00Z", "saved_by": "amina"})
        );
        assert_eq!(
            get(&app, "/v1/articles/crue/revisions", &author).status,
            410
        );
        let path = "/v1/articles/crue/revisions/1/restoration";
        let headers = [("if-match", list.header("etag"))];
        assert_eq!(app.write("PUT", path, &author, &headers, None).status, 410);
        let reply = app.write("PUT", path, &editor, &headers, None);
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        assert_eq!(app.json("/v1/articles/crue")["version"], 3);
        assert_eq!(app.get("/v1/articles?q=crue").slugs(), ["crue"], "{name}");
        let list = get(&app, "/v1/articles/crue/revisions", &editor).json();
        assert_eq!(list["data"].as_array().unwrap().len(), 3);
        assert_eq!(list["deleted_at"], Value::Null);
        // Its former state is history now.
        assert_eq!(app.write("PUT", path, &editor, &headers, None).status, 412);
    }
}

#[test]
fn an_author_restores_drafts_of_their_own_only() {
    let app = App::new();
    let author = app.key("author");
    let own = name_of(&app, &author);
    save(&app, &own, &crue().status("draft"));
    save(&app, &own, &crue().status("draft").headed("Deux"));
    let path = "/v1/articles/crue/revisions/1/restoration";
    let etag = |app: &App| {
        get(app, "/v1/articles/crue/revisions", &author)
            .header("etag")
            .to_owned()
    };
    let stranger = app.key_of("other", "author");
    let tag = etag(&app);
    let headers = [("if-match", tag.as_str())];
    assert_eq!(
        app.write("PUT", path, &stranger, &headers, None).status,
        404
    );
    let reply = app.write("PUT", path, &author, &headers, None);
    assert_eq!(
        (reply.status, &reply.json()["status"]),
        (200, &json!("draft"))
    );
    save(&app, "amina", &crue().headed("Publié"));
    let tag = etag(&app);
    let headers = [("if-match", tag.as_str())];
    assert_eq!(app.write("PUT", path, &author, &headers, None).status, 403);
    assert_eq!(app.json("/v1/articles/crue")["headline"], "Publié");
}
