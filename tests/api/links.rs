//! Whom an article may name: other articles and tags, as the one who writes it may know and say.

use serde_json::{Value, json};

use super::revisions::{delete, fingerprint, get, name_of, save};
use crate::support::{App, Place, Reply, article, places};

/// Public articles, and what others keep to themselves.
fn world(place: Place) -> App {
    let app = App::on(place);
    app.import(&[
        article("crue"),
        article("barrage"),
        article("secret")
            .with("external_id", "x-secret")
            .status("draft"),
        article("parti"),
    ]);
    delete(&app, "amina", "parti");
    app
}

fn post(app: &App, caller: &str, extra: Value) -> Reply {
    let mut body = json!({"headline": "Titre", "language": "en", "body": "<p>Texte.</p>"});
    let members = body.as_object_mut().unwrap();
    members.extend(extra.as_object().unwrap().clone());
    app.write("POST", "/v1/articles", caller, &[], Some(body))
}

fn patch(app: &App, caller: &str, slug: &str, body: Value) -> Reply {
    let path = format!("/v1/articles/{slug}");
    let etag = get(app, &path, caller).header("etag").to_owned();
    app.write("PATCH", &path, caller, &[("if-match", &etag)], Some(body))
}

#[test]
fn what_the_caller_cannot_see_does_not_exist() {
    for place in places() {
        let name = place.name;
        let app = world(place);
        let (author, editor) = (app.key("author"), app.key("editor"));
        let before = fingerprint(&app);
        for (body, pointer) in [
            (json!({"translation_of": "NAME"}), "/translation_of"),
            (json!({"pins": ["NAME"]}), "/pins/0"),
            (json!({"bans": ["NAME"]}), "/bans/0"),
        ] {
            let told = |caller: &str, named: &str| {
                let body = body.to_string().replace("NAME", named);
                let reply = post(&app, caller, body.parse().unwrap());
                let errors = reply.json()["errors"].to_string();
                (reply.status, errors.replace(named, "NAME"))
            };
            let nothing = told(&author, "nowhere");
            assert!(nothing.0 == 422 && nothing.1.contains(pointer), "{name}");
            for hidden in ["secret", "x-secret", "parti"] {
                assert_eq!(told(&author, hidden), nothing, "{name} {hidden}");
            }
            assert_eq!(told(&editor, "parti"), nothing, "{name}");
        }
        let id = get(&app, "/v1/articles/secret", &editor).json()["id"].clone();
        let id = id.as_str().unwrap();
        let taken = |caller: &str| post(&app, caller, json!({"external_id": "x-secret"}));
        // An external id of one's own choice is the editors'.
        assert_eq!((taken(&author).status, taken(&editor).status), (403, 409));
        assert!(!taken(&author).text().contains(id), "{name}");
        assert!(taken(&editor).text().contains(id), "{name}");
        assert_eq!(before, fingerprint(&app), "{name}");
    }
}

#[test]
fn what_stands_beside_an_article_is_for_editors_to_say() {
    for place in places() {
        let name = place.name;
        let app = world(place);
        let (author, editor) = (app.key("author"), app.key("editor"));
        save(
            &app,
            &name_of(&app, &author),
            &article("mien").status("draft"),
        );
        let before = fingerprint(&app);
        for (body, member) in [
            (json!({"pins": ["barrage"]}), "/pins"),
            (json!({"bans": ["barrage"]}), "/bans"),
            (json!({"related": "never"}), "/related"),
            (json!({"translation_of": "crue"}), "/translation_of"),
        ] {
            for reply in [
                post(&app, &author, body.clone()),
                patch(&app, &author, "mien", body),
            ] {
                assert_eq!(reply.status, 403, "{name}: {}", reply.text());
                let detail = reply.json()["detail"].as_str().unwrap().to_owned();
                assert!(detail.starts_with(member), "{name}: {detail}");
            }
        }
        assert_eq!(before, fingerprint(&app), "{name}");
        // Among drafts of one's own, translations are the author's to make.
        let own = json!({"slug": "mine", "translation_of": "mien"});
        let made = post(&app, &author, own);
        assert_eq!(made.status, 201, "{name}: {}", made.text());
        // What editors have set stays while its author writes on, also when a neighbour is gone.
        let curated = json!({"pins": ["barrage", "secret"], "related": "never"});
        assert_eq!(patch(&app, &editor, "mien", curated).status, 200, "{name}");
        delete(&app, "amina", "barrage");
        let written = patch(&app, &author, "mien", json!({"headline": "Plus loin"}));
        assert_eq!(written.status, 200, "{name}: {}", written.text());
        let less = patch(&app, &author, "mien", json!({"pins": []}));
        assert_eq!(less.status, 403, "{name}");
        // It does not keep an editor's translation out without saying what stands there.
        let second = json!({"slug": "second", "translation_of": "mien"});
        let refused = post(&app, &editor, second);
        assert_eq!(refused.status, 409, "{name}");
        assert!(
            refused.text().contains("mine"),
            "{name}: {}",
            refused.text()
        );
    }
}

#[test]
fn an_authors_tags_take_no_names() {
    for place in places() {
        let name = place.name;
        let app = world(place);
        let (author, editor) = (app.key("author"), app.key("editor"));
        let tag = json!([{"slug": "eau", "name": "Eau"}, {"slug": "neuf", "name": "Neuf",
            "aliases": ["election-2027"], "parent": "eau", "description": "Tout"}]);
        let refused = post(&app, &author, json!({"tags": tag}));
        let errors = refused.json()["errors"].clone();
        let pointers: Vec<&str> = errors
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(
            (refused.status, pointers),
            (
                422,
                vec!["/tags/1/aliases", "/tags/1/parent", "/tags/1/description"]
            ),
            "{name}"
        );
        assert_eq!(
            post(&app, &editor, json!({"tags": tag})).status,
            201,
            "{name}"
        );
        let many = |from: usize| -> Vec<String> {
            (from..from + 150).map(|n| format!("alias-{n}")).collect()
        };
        let tags = json!([{"name": "A", "aliases": many(0)}, {"name": "B", "aliases": many(150)}]);
        let refused = post(&app, &editor, json!({"tags": tags}));
        assert_eq!(refused.status, 422, "{name}");
        assert_eq!(refused.json()["errors"][0]["pointer"], "/tags", "{name}");
        // After a few numbers the new tag's id makes its slug.
        let alike: Vec<String> = (1..13).map(|n| format!("Mot{}", "!".repeat(n))).collect();
        let made = post(&app, &author, json!({"tags": alike}));
        let slugs = made.json()["tags"].clone();
        let slugs: Vec<&str> = slugs
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| tag["slug"].as_str().unwrap())
            .collect();
        assert_eq!(slugs.len(), 12, "{name}: {}", made.text());
        assert_eq!((slugs[0], slugs[8]), ("mot", "mot-9"), "{name}");
        assert!(slugs[9..].iter().all(|slug| slug.len() > 10), "{slugs:?}");
    }
}

#[test]
fn a_past_state_comes_back_without_what_is_not_its_callers_to_say_and_what_is_gone() {
    for place in places() {
        let name = place.name;
        let app = world(place);
        let (author, editor) = (app.key("author"), app.key("editor"));
        let own = name_of(&app, &author);
        save(&app, &own, &article("mien").status("draft"));
        let curated = |body: Value| assert_eq!(patch(&app, &editor, "mien", body).status, 200);
        let restore = |caller: &str, version: i64| {
            let path = format!("/v1/articles/mien/revisions/{version}/restoration");
            let etag = get(&app, "/v1/articles/mien", caller);
            let headers = [("if-match", etag.header("etag"))];
            let reply = app.write("PUT", &path, caller, &headers, None);
            assert_eq!(reply.status, 200, "{name}: {}", reply.text());
            let curation = get(&app, "/v1/articles/mien/curation", &editor).json();
            curation["pins"].as_array().unwrap().len()
        };
        curated(json!({"pins": ["barrage", "crue"], "headline": "Autre"}));
        assert_eq!(restore(&author, 1), 2, "{name}");
        curated(json!({"pins": []}));
        delete(&app, "amina", "barrage");
        assert_eq!(restore(&editor, 2), 1, "{name}");
    }
}
