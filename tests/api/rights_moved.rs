//! What moves into a partner's scope and out of it, without a version of any article or before the public reads it.

use chrono::TimeDelta;
use diesel::prelude::*;
use kiosque::db::schema::{changes, partner_lines};
use kiosque::identity::secret;
use kiosque::store::{expiry, keys, partner_moves, tags};
use serde_json::{Value, json};

use crate::rights::{get, partner};
use crate::support::app::noon;
use crate::support::{App, article, at, places};

/// Action and slug of each line about an article after `after`, with what a read answers now; and where to go on.
fn told(app: &App, bearer: &str, after: i64) -> (Vec<String>, i64) {
    let path = format!("/v1/changes?after={after}&kind=article&include=articles&limit=1000");
    let headers: &[(&str, &str)] = match bearer {
        "" => &[],
        bearer => &[("authorization", bearer)],
    };
    let reply = app.get_with(&path, headers);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let page = reply.json();
    let lines = page["data"].as_array().unwrap().iter().map(|line| {
        let word = |name: &str| line[name].as_str().unwrap_or_default();
        let now = format!("{} {} {}", word("action"), word("slug"), word("now"));
        now.trim_end().to_owned()
    });
    (lines.collect(), page["page"]["next"].as_i64().unwrap())
}

fn write(app: &App, admin: &str, method: &str, path: &str, body: Value) {
    let body = (!body.is_null()).then_some(body);
    let reply = app.write(method, path, admin, &[("if-match", "*")], body);
    assert!(reply.status < 300, "{method} {path}: {}", reply.text());
    app.wait();
}

#[test]
fn a_merger_tells_each_partner_what_its_scope_wins_and_loses() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let admin = app.key("admin");
        app.import(&[
            article("eau").tagged("eau"),
            article("mer").tagged("mer"),
            article("deux").tagged("mer").tagged("eau"),
            article("ailleurs").tagged("sport"),
            article("brouillon").tagged("mer").status("draft"),
            article("reserve")
                .tagged("mer")
                .with("rights", json!({"syndicatable": false})),
            article("retire").tagged("mer").status("withdrawn"),
        ]);
        let of = |name: &str, tags: &str| {
            partner(&app, &admin, name, json!({"scope": {"tags": tags}})).1
        };
        let into = of("into", "eau");
        let from = of("from", "mer");
        let without = of("without", "-eau");
        let both = of("both", "mer,-eau");
        let other = of("other", "sport");
        let (_, plain) = partner(&app, &admin, "plain", json!({}));
        let partners = [&into, &from, &without, &both, &other, &plain];
        let before = partners.map(|bearer| told(&app, bearer, 0).1);
        let public = told(&app, "", 0).1;
        write(
            &app,
            &admin,
            "PUT",
            "/v1/tags/mer/merger",
            json!({"into": "eau"}),
        );
        let since = |which: usize| {
            let mut lines = told(&app, partners[which], before[which]).0;
            lines.sort();
            lines
        };
        assert_eq!(since(0), ["updated mer public"], "{name}");
        assert_eq!(since(1), ["updated eau public"], "{name}");
        // What was withdrawn is told, too: who is behind has it still.
        let gone = ["withdrawn mer gone", "withdrawn retire gone"];
        assert_eq!(since(2), gone, "{name}");
        assert_eq!(since(3), gone, "{name}");
        assert_eq!(since(4), [""; 0], "{name}");
        assert_eq!(since(5), [""; 0], "{name}");
        assert_eq!(told(&app, "", public).0, [""; 0], "{name}");
        // Whoever begins anew ends with the same.
        let all = |bearer: &str| told(&app, bearer, 0).0;
        assert!(all(&without).contains(&"withdrawn mer gone".to_owned()));
        assert!(!all(&without).iter().any(|line| line.contains("brouillon")));
        assert!(!all(&without).iter().any(|line| line.contains("reserve")));
        // What becomes of it afterwards is not for those who have lost it.
        let (_, end) = told(&app, &without, before[2]);
        let edit = json!({"headline": "Autrement"});
        write(&app, &admin, "PATCH", "/v1/articles/mer", edit);
        assert_eq!(told(&app, &without, end).0, [""; 0], "{name}");
        // The line is the partner's by the stream, too, and reads go by the same.
        assert_eq!(get(&app, "/v1/articles/mer", &without).status, 404);
        assert_eq!(get(&app, "/v1/articles/mer", &into).status, 200);
    }
}

#[test]
fn a_merger_of_a_tag_that_no_scope_names_writes_no_line_for_its_articles() {
    for place in places() {
        let app = App::on(place);
        let admin = app.key("admin");
        let mut all: Vec<_> = (0..1_200)
            .map(|number| article(&format!("a{number}")).tagged("mer"))
            .collect();
        all.push(article("eau").tagged("eau"));
        app.import(&all);
        write(
            &app,
            &admin,
            "POST",
            "/v1/tags",
            json!({"name": "tiers", "slug": "tiers"}),
        );
        let lines = || -> i64 {
            let count = changes::table.count();
            app.database
                .read(|conn| Ok(count.get_result(conn)?))
                .unwrap()
        };
        let before = lines();
        write(
            &app,
            &admin,
            "PUT",
            "/v1/tags/mer/merger",
            json!({"into": "eau"}),
        );
        assert_eq!(lines() - before, 1, "{}", app.place.name);
        // More than are looked at together.
        let (_, bearer) = partner(&app, &admin, "tiers", json!({"scope": {"tags": "tiers"}}));
        let before = lines();
        write(
            &app,
            &admin,
            "PUT",
            "/v1/tags/eau/merger",
            json!({"into": "tiers"}),
        );
        assert_eq!(lines() - before, 1_202, "{}", app.place.name);
        let mut after = 0;
        let mut found = 0;
        loop {
            let (lines, next) = told(&app, &bearer, after);
            found += lines.len();
            if next == after {
                break;
            }
            after = next;
        }
        // Each by its own line, and by that of its coming out.
        assert_eq!(found, 2 * 1_201, "{}", app.place.name);
    }
}

#[test]
fn a_partner_that_is_early_is_told_when_an_early_article_is_pulled() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let admin = app.key("admin");
        let (_, early) = partner(&app, &admin, "tot", json!({"lead_minutes": 60}));
        let (_, plain) = partner(&app, &admin, "tout", json!({}));
        let soon = at("2025-06-01T12:30:00Z");
        let later = at("2025-06-01T18:00:00Z");
        let scheduled = |slug: &str| article(slug).status("scheduled").published(soon);
        app.import(&[
            scheduled("retire"),
            scheduled("remis"),
            scheduled("supprime"),
            scheduled("reserve"),
            scheduled("reste"),
            article("trop-tot").status("scheduled").published(later),
        ]);
        let start = told(&app, &early, 0).1;
        assert_eq!(get(&app, "/v1/articles/retire", &early).status, 200);
        write(
            &app,
            &admin,
            "DELETE",
            "/v1/articles/retire/publication",
            Value::Null,
        );
        write(
            &app,
            &admin,
            "PUT",
            "/v1/articles/remis/publication",
            json!({"published_at": "2025-06-01T20:00:00Z"}),
        );
        write(&app, &admin, "DELETE", "/v1/articles/supprime", Value::Null);
        let reserved = json!({"rights": {"syndicatable": false}});
        write(&app, &admin, "PATCH", "/v1/articles/reserve", reserved);
        write(
            &app,
            &admin,
            "PATCH",
            "/v1/articles/reste",
            json!({"headline": "Autre"}),
        );
        write(
            &app,
            &admin,
            "PATCH",
            "/v1/articles/trop-tot",
            json!({"status": "draft"}),
        );
        let gone = [
            "withdrawn retire gone",
            "withdrawn remis gone",
            "withdrawn supprime gone",
            "withdrawn reserve gone",
        ];
        assert_eq!(told(&app, &early, start).0, gone, "{name}");
        assert_eq!(told(&app, &plain, 0).0, [""; 0], "{name}");
        assert_eq!(told(&app, "", 0).0, [""; 0], "{name}");
        // What becomes of it afterwards is nobody's business.
        let (_, next) = told(&app, &early, start);
        write(
            &app,
            &admin,
            "PATCH",
            "/v1/articles/retire",
            json!({"slug": "secret"}),
        );
        assert_eq!(told(&app, &early, next).0, [""; 0], "{name}");
        let all = get(&app, "/v1/changes?limit=1000&include=articles", &early).text();
        assert!(!all.contains("secret"), "{name}: {all}");
    }
}

#[test]
fn a_later_edit_of_what_was_withdrawn_before_its_turn_does_not_make_it_known() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let admin = app.key("admin");
        let (_, late) = partner(&app, &admin, "tard", json!({"delay_minutes": 60}));
        app.import(&[
            article("jamais").published(noon()),
            article("vu").published(noon()),
        ]);
        app.clock.set(noon() + TimeDelta::minutes(30));
        write(
            &app,
            &admin,
            "DELETE",
            "/v1/articles/jamais/publication",
            Value::Null,
        );
        app.clock.set(noon() + TimeDelta::minutes(90));
        assert_eq!(get(&app, "/v1/articles/vu", &late).status, 200, "{name}");
        write(
            &app,
            &admin,
            "DELETE",
            "/v1/articles/vu/publication",
            Value::Null,
        );
        for slug in ["jamais", "vu"] {
            let path = format!("/v1/articles/{slug}");
            write(&app, &admin, "PATCH", &path, json!({"headline": "Après"}));
        }
        app.clock.set(noon() + TimeDelta::minutes(240));
        let status = |slug: &str| get(&app, &format!("/v1/articles/{slug}"), &late).status;
        assert_eq!((status("jamais"), status("vu")), (404, 410), "{name}");
        let lines = told(&app, &late, 0).0;
        assert!(
            lines.iter().all(|line| line.starts_with("withdrawn vu")),
            "{name}: {lines:?}"
        );
        assert!(!lines.is_empty(), "{name}");
        assert_eq!(app.get("/v1/articles/jamais").status, 410);
    }
}

#[test]
fn an_article_that_goes_in_and_out_is_noted_once_for_each_key() {
    for place in places() {
        let app = App::on(place);
        let admin = app.key("admin");
        app.import(&[article("un").tagged("eau").tagged("sport")]);
        let (_, bearer) = partner(&app, &admin, "eau", json!({"scope": {"tags": "eau"}}));
        let mut after = told(&app, &bearer, 0).1;
        for _ in 0..5 {
            let edits = [
                (json!(["sport"]), "withdrawn un gone"),
                (json!(["eau"]), "updated un public"),
            ];
            for (tags, line) in edits {
                write(
                    &app,
                    &admin,
                    "PATCH",
                    "/v1/articles/un",
                    json!({ "tags": tags }),
                );
                let (lines, next) = told(&app, &bearer, after);
                assert_eq!(lines, [line], "{}", app.place.name);
                after = next;
            }
        }
        assert_eq!(noted(&app), 1, "{}", app.place.name);
    }
}

fn noted(app: &App) -> i64 {
    let count = partner_lines::table.count();
    let noted = app.database.read(|conn| Ok(count.get_result::<i64>(conn)?));
    noted.unwrap()
}

#[test]
fn what_was_noted_goes_with_the_rights_and_the_key_it_was_noted_for() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let admin = app.key("admin");
        app.import(&[article("un").tagged("eau").tagged("mer")]);
        let scope = json!({"scope": {"tags": "eau"}});
        let (id, bearer) = partner(&app, &admin, "eau", scope);
        let start = told(&app, &bearer, 0).1;
        let tag = |tags: Value| {
            let path = "/v1/articles/un";
            write(&app, &admin, "PATCH", path, json!({ "tags": tags }));
        };
        let key = format!("/v1/keys/{id}");
        let change = |rights: Value| write(&app, &admin, "PATCH", &key, rights);
        let clear = |days: i64| {
            let now = noon() + TimeDelta::days(days);
            app.database.write(|conn| expiry::clear(conn, now)).unwrap();
        };
        tag(json!(["mer"]));
        assert_eq!(noted(&app), 1, "{name}");
        // Its copy is right still, and it may be behind.
        change(json!({"daily_quota": 1_000, "text": "excerpt"}));
        clear(300);
        assert_eq!(
            told(&app, &bearer, start).0,
            ["withdrawn un gone"],
            "{name}"
        );
        // From here on it begins anew.
        change(json!({"scope": {"tags": "mer"}}));
        assert_eq!(noted(&app), 0, "{name}");
        let (lines, next) = told(&app, &bearer, 0);
        assert_eq!(lines.last().unwrap(), "updated un public", "{name}");
        tag(json!(["eau"]));
        assert_eq!(told(&app, &bearer, next).0, ["withdrawn un gone"], "{name}");
        assert_eq!(noted(&app), 1, "{name}");
        write(&app, &admin, "DELETE", &key, Value::Null);
        clear(0);
        assert_eq!(noted(&app), 0, "{name}");

        let ends = json!({"scope": {"tags": "eau"}, "expires_at": "2025-06-11T12:00:00Z"});
        partner(&app, &admin, "dix-jours", ends);
        tag(json!(["mer"]));
        // Another server's clock may be behind.
        clear(11);
        assert_eq!(noted(&app), 1, "{name}");
        clear(30);
        assert_eq!(noted(&app), 0, "{name}");
    }
}

#[test]
fn a_tag_that_is_lost_takes_from_each_scope_what_was_in_it() {
    for place in places() {
        let name = place.name;
        let app = App::on(place);
        let admin = app.key("admin");
        app.import(&[
            article("eau").tagged("eau"),
            article("deux").tagged("eau").tagged("mer"),
            article("mer").tagged("mer"),
            article("sport").tagged("sport"),
        ]);
        let of = |name: &str, tags: &str| {
            partner(&app, &admin, name, json!({"scope": {"tags": tags}})).1
        };
        let either = of("either", "eau|mer");
        let lose = |slug: &str| {
            let lost = app.database.write(|conn| {
                let tag = tags::find(conn, slug)?.unwrap().into_row();
                partner_moves::of_lost_tag(conn, &tag, noon())?;
                Ok(changes::table.count().get_result::<i64>(conn)?)
            });
            lost.unwrap()
        };
        let told_of = |bearer: &str| -> Vec<String> {
            let lost = app.database.read(|conn| {
                let key = bearer_id(&app, bearer);
                let rows = partner_lines::table.filter(partner_lines::key_id.eq(key));
                let slugs = rows.select(partner_lines::lost_slug);
                Ok(slugs.load::<Option<String>>(conn)?)
            });
            let mut lost: Vec<String> = lost.unwrap().into_iter().flatten().collect();
            lost.sort();
            lost
        };
        let before = lose("sport");
        // Each by one line, though one bears both.
        assert_eq!(lose("eau") - before, 3, "{name}");
        assert_eq!(told_of(&either), ["deux", "eau", "mer"], "{name}");
        let without = of("without", "-eau");
        lose("eau");
        assert_eq!(told_of(&without), ["mer", "sport"], "{name}");
    }
}

fn bearer_id(app: &App, bearer: &str) -> String {
    let hash = secret::digest(bearer.strip_prefix("Bearer ").unwrap());
    let found = app.database.read(|conn| keys::by_hash(conn, &hash));
    found.unwrap().unwrap().id
}
