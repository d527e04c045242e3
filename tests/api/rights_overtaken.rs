//! Rights that a merger of tags overtakes after a key was looked at, and before what is read with it.

use std::time::Duration;

use actix_http::Request;
use actix_web::HttpMessage;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::Data;
use kiosque::api::auth::{Identity, Shown};
use kiosque::api::openapi;
use kiosque::cli::serve::assemble;
use kiosque::config::{Config, Hidden, SigningKeys};
use kiosque::content::rights::Rights;
use kiosque::content::role::Role;
use kiosque::store::{changes, rights};
use serde_json::json;
use utoipa_actix_web::AppExt;

use crate::rights::{id, partner};
use crate::support::app::SECRET;
use crate::support::{App, article, places};

const WORDS: &str = "Le barrage du Ziz se remplit apres les pluies sur le Tafilalet.";

/// Every read that goes by a scope.
const PATHS: [&str; 22] = [
    "/v1/articles",
    "/v1/articles?count=exact&order_by=oldest",
    "/v1/articles?include=related,related_tags,body",
    "/v1/articles?q=barrage&count=exact",
    "/v1/articles/secret",
    "/v1/articles/secret?include=related",
    "/v1/articles/libre",
    "/v1/articles/libre?include=related,related_tags",
    "/v1/articles/libre/related",
    "/v1/articles/secret/related",
    "/v1/articles/libre/related-tags",
    "/v1/related?ids=libre",
    "/v1/tags",
    "/v1/tags?order_by=count&count=exact",
    "/v1/tags/mer",
    "/v1/tags/eau",
    "/v1/tags/eau/related",
    "/v1/feeds/rss",
    "/v1/feeds/json",
    "/v1/feeds/sitemap",
    "/v1/feeds/news-sitemap",
    "/v1/changes?include=articles",
];

fn by(request: TestRequest, key: &str, rights: &Rights) -> Request {
    let request = request.to_request();
    request.extensions_mut().insert(Identity {
        name: "key:agence".to_owned(),
        role: Role::Partner,
        shown: Shown::Key {
            id: key.to_owned(),
            rights: rights.clone().into(),
        },
    });
    request
}

#[actix_web::test]
async fn nothing_is_read_by_rights_that_are_older_than_it() {
    for place in places() {
        let name = place.name;
        let app = App::on(place.shared());
        let admin = app.key("admin");
        let said = |slug: &str, number| article(slug).with("id", id(number)).saying(WORDS);
        app.import(&[
            said("secret", 1).tagged("interdit").tagged("eau"),
            said("libre", 2).tagged("eau").tagged("oasis"),
            said("autre", 3).tagged("eau"),
            said("large", 4).tagged("mer"),
        ]);
        let scope = json!({"scope": {"tags": "-interdit"}});
        let (key, _) = partner(&app, &admin, "agence", scope);
        let granted = || {
            let found = app.database.read(|conn| {
                let row = rights::of_key(conn, &key)?.unwrap();
                row.rights(conn)
            });
            found.unwrap()
        };
        let before = granted();
        let into = Some(json!({"into": "mer"}));
        let path = "/v1/tags/interdit/merger";
        let merged = app.write("PUT", path, &admin, &[("if-match", "*")], into);
        assert!(merged.status < 300, "{}", merged.text());
        let now = granted();
        assert_ne!(before, now);

        let mut config = Config::from_variables(&Default::default()).unwrap();
        config.search_dir = place.folder.path().join("other");
        config.identity.signing = SigningKeys::Secret(Hidden::new(SECRET));
        let (state, services) = assemble(&config, place.open(), app.clock.clone()).unwrap();
        let last = app.database.read(changes::last).unwrap();
        state.wait_until_visible(last, Duration::from_secs(30));
        let server = actix_web::App::new()
            .into_utoipa_app()
            .app_data(Data::new(state.clone()))
            .configure(openapi::operations)
            .into_app();
        let server = init_service(server).await;
        let text = json!({"headline": "Le barrage", "body": WORDS, "language": "fr"});
        let ask = async |which: Option<&str>, rights: &Rights| {
            let request = match which {
                Some(path) => TestRequest::get().uri(path),
                None => TestRequest::post().uri("/v1/related").set_json(&text),
            };
            let response = call_service(&server, by(request, &key, rights)).await;
            let status = response.status().as_u16();
            let body = read_body(response).await;
            (status, String::from_utf8(body.to_vec()).unwrap())
        };
        for which in PATHS.iter().copied().map(Some).chain([None]) {
            let late = ask(which, &before).await;
            let asked = ask(which, &now).await;
            assert_eq!(late, asked, "{name} {which:?}");
            let is_about = which.is_some_and(|path| path.contains("secret"));
            assert!(is_about || !asked.1.contains("secret"), "{name} {which:?}");
            assert_eq!(
                asked.0 == 404,
                which.is_some_and(|path| path.contains("secret") || path == "/v1/tags/mer"),
                "{name} {which:?}: {}",
                asked.1
            );
        }
        drop(server);
        drop(state);
        services.stop();
    }
}
