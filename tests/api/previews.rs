//! `/v1/articles/{slug}/previews` and `/v1/previews/{token}`.

use serde_json::{Value, json};

use super::revisions::{delete, fingerprint, get, name_of, save};
use crate::support::{App, Article, Reply, article, at, places};

const PATH: &str = "/v1/articles/crue/previews";

fn crue() -> Article {
    article("crue").headed("La crue du Ziz").tagged("eau")
}

fn make(app: &App, caller: &str, body: Value) -> Reply {
    app.write("POST", PATH, caller, &[], Some(body))
}

fn url(reply: &Reply) -> String {
    reply.json()["url"].as_str().expect("an address").to_owned()
}

#[test]
fn a_preview_shows_one_version_in_the_shape_of_an_article_whatever_comes_later() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let editor = app.key("editor");
        app.import(&[crue()]);
        let published = app.json("/v1/articles/crue");
        save(&app, "amina", &crue().status("draft").headed("Brouillon"));
        let made = make(&app, &editor, json!({}));
        assert_eq!(made.status, 201, "{name}: {}", made.text());
        let json = made.json();
        assert_eq!(
            (&json["version"], &json["expires_at"], &json["created_by"]),
            (
                &json!(2),
                &json!("2025-06-02T12:00:00Z"),
                &json!(name_of(&app, &editor))
            )
        );
        assert_eq!(made.header("location"), url(&made));
        let first = url(&make(
            &app,
            &editor,
            json!({"version": 1, "expires_in": 60}),
        ));
        let second = url(&made);
        save(
            &app,
            "amina",
            &crue().status("draft").headed("Plus tard").tagged("ziz"),
        );

        let reply = app.get(&second);
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        assert_eq!(reply.header("cache-control"), "private, no-store");
        assert_eq!(reply.header("x-robots-tag"), "noindex");
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
        assert_eq!(reply.header("cache-tag"), "");
        let json = reply.json();
        assert_eq!(
            (&json["headline"], &json["status"], &json["version"]),
            (&json!("Brouillon"), &json!("draft"), &json!(2))
        );
        assert_eq!(json.get("editing"), None);
        // To the letter what readers had of the version that was public.
        assert_eq!(app.get(&first).json(), published, "{name}");
        // The article itself stays hidden.
        assert_eq!(app.get("/v1/articles/crue").status, 404);
        assert_eq!(app.get(&format!("{second}?fields=slug")).status, 400);
    }
}

#[test]
fn it_ends_at_its_second_by_revocation_and_with_its_article() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let editor = app.key("editor");
        app.import(&[crue().status("draft")]);
        let short = url(&make(&app, &editor, json!({"expires_in": 60})));
        let revoked = make(&app, &editor, json!({}));
        let long = make(&app, &editor, json!({"expires_in": 2_592_000}));
        let ids = |app: &App| {
            get(app, PATH, &editor).json()["data"]
                .as_array()
                .unwrap()
                .len()
        };
        assert_eq!(ids(&app), 3);
        app.clock.set(at("2025-06-01T12:00:59Z"));
        assert_eq!(app.get(&short).status, 200);
        app.clock.set(at("2025-06-01T12:01:00Z"));
        let expired = app.get(&short);
        assert_eq!(expired.status, 404, "{name}");
        let id = revoked.json()["id"].as_str().unwrap().to_owned();
        let one = format!("{PATH}/{id}");
        assert_eq!(app.write("DELETE", &one, &editor, &[], None).status, 204);
        assert_eq!(app.write("DELETE", &one, &editor, &[], None).status, 404);
        let gone = app.get(&url(&revoked));
        assert_eq!(gone.status, 404, "{name}");
        let listed = get(&app, PATH, &editor).json();
        assert_eq!(listed["data"], json!([long.json()]), "{name}");

        // No one can tell one refusal from another.
        let mut forged = url(&long);
        let last = if forged.ends_with('A') { "E" } else { "A" };
        forged.replace_range(forged.len() - 1.., last);
        let told = |reply: &Reply| {
            let json = reply.json();
            (reply.status, json["code"].clone(), json["detail"].clone())
        };
        for other in [
            app.get(&forged),
            app.get("/v1/previews/x"),
            app.get("/v1/previews/%00"),
            expired,
        ] {
            assert_eq!(told(&other), told(&gone), "{name}");
        }
        delete(&app, "amina", "crue");
        assert_eq!(app.get(&url(&long)).status, 410, "{name}");
        assert_eq!(get(&app, PATH, &editor).status, 410);
        assert_eq!(make(&app, &editor, json!({})).status, 410);
    }
}

#[test]
fn previews_are_made_by_those_who_may_look_at_all_versions() {
    for place in places() {
        let app = App::on(place);
        let (author, other) = (app.key("author"), app.key_of("other", "author"));
        let editor = app.key("editor");
        save(&app, &name_of(&app, &author), &crue().status("draft"));
        let made = make(&app, &author, json!({}));
        assert_eq!(made.status, 201);
        let one = format!("{PATH}/{}", made.json()["id"].as_str().unwrap());
        let before = fingerprint(&app);
        for (caller, status) in [("", 401), (&app.key("reader"), 403), (&other, 404)] {
            assert_eq!(make(&app, caller, json!({})).status, status);
            assert_eq!(get(&app, PATH, caller).status, status);
            assert_eq!(app.write("DELETE", &one, caller, &[], None).status, status);
        }
        for (body, pointer) in [
            (json!({"expires_in": 0}), "/expires_in"),
            (json!({"expires_in": 2_592_001}), "/expires_in"),
            (json!({"expires_in": "1"}), "/expires_in"),
            (json!({"version": 9}), "/version"),
            (json!({"version": -1}), "/version"),
        ] {
            let reply = make(&app, &editor, body);
            assert_eq!(
                (reply.status, &reply.json()["errors"][0]["pointer"]),
                (422, &json!(pointer))
            );
        }
        assert_eq!(make(&app, &editor, json!({"until": 9})).status, 422);
        assert_eq!(before, fingerprint(&app));
        assert_eq!(app.get(&url(&made)).status, 200);
        assert_eq!(
            get(&app, PATH, &editor).json()["data"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        // A preview of another article is not found at this one.
        app.import(&[article("autre")]);
        let elsewhere = one.replace("/crue/", "/autre/");
        assert_eq!(
            app.write("DELETE", &elsewhere, &editor, &[], None).status,
            404
        );
        save(&app, "amina", &crue());
        assert_eq!(make(&app, &other, json!({})).status, 403);
    }
}

#[test]
fn a_request_that_is_sent_again_makes_no_second_preview() {
    let app = App::new();
    let editor = app.key("editor");
    app.import(&[crue()]);
    let headers = [("idempotency-key", "p-1")];
    let first = app.write("POST", PATH, &editor, &headers, Some(json!({})));
    let again = app.write("POST", PATH, &editor, &headers, Some(json!({})));
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.json(), again.json());
    assert_eq!(
        get(&app, PATH, &editor).json()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn withdrawing_an_article_or_its_showers_account_shuts_its_previews() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let (editor, admin) = (app.key("editor"), app.key("admin"));
        let (off, gone) = (app.login("off", "editor"), app.login("gone", "editor"));
        app.import(&[crue()]);
        let change = |method: &str, path: &str, caller: &str, body: Option<Value>| {
            let read = path.trim_end_matches("/publication");
            let etag = get(&app, read, caller).header("etag").to_owned();
            let reply = app.write(method, path, caller, &[("if-match", &etag)], body);
            assert!(reply.status < 300, "{name}: {}", reply.text());
        };
        let publication = "/v1/articles/crue/publication";
        let withdrawn = json!({"status": "withdrawn"});
        for (method, path, body) in [
            ("DELETE", publication, None),
            ("PATCH", "/v1/articles/crue", Some(withdrawn)),
        ] {
            let made = make(&app, &editor, json!({}));
            assert_eq!(app.get(&url(&made)).status, 200, "{name}");
            change(method, path, &editor, body);
            assert_eq!(app.get(&url(&made)).status, 404, "{name} {method}");
            change("PUT", publication, &editor, Some(json!({})));
            assert_eq!(app.get(&url(&made)).status, 404, "{name} {method}");
        }
        let previews = [&off, &gone, &editor].map(|caller| make(&app, caller, json!({})));
        let statuses = || [0, 1, 2].map(|at| app.get(&url(&previews[at])).status);
        assert_eq!(statuses(), [200, 200, 200], "{name}");
        let disabled = json!({"disabled": true});
        change("PATCH", "/v1/users/off", &admin, Some(disabled));
        change("DELETE", "/v1/users/gone", &admin, None);
        assert_eq!(statuses(), [404, 404, 200], "{name}");
        // A deleted article that is brought back does not open them again.
        delete(&app, "amina", "crue");
        let list = get(&app, "/v1/articles/crue/revisions", &editor);
        let path = "/v1/articles/crue/revisions/1/restoration";
        let headers = [("if-match", list.header("etag"))];
        let back = app.write("PUT", path, &editor, &headers, None);
        assert_eq!(back.status, 200, "{name}: {}", back.text());
        assert_eq!(statuses(), [404, 404, 404], "{name}");
    }
}

#[test]
fn an_author_shows_drafts_only() {
    for place in places() {
        let app = App::on(place);
        let author = app.key("author");
        save(&app, &name_of(&app, &author), &crue());
        let before = fingerprint(&app);
        assert_eq!(make(&app, &author, json!({})).status, 403);
        assert_eq!(before, fingerprint(&app));
    }
}
