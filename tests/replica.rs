//! What another store has is written as it is there: ids, versions, dates, former names and all.

mod support;

use chrono::{DateTime, Utc};
use kiosque::content::article::{Draft, Reference};
use kiosque::content::line;
use kiosque::content::slug::Slug;
use kiosque::content::tag::TagKind;
use kiosque::db::Conn;
use kiosque::error::{Error, Result};
use kiosque::store::changes;
use kiosque::store::replica::{Inside, Precedence, ReplicaArticle, ReplicaGone, Replicas};
use kiosque::store::replica_groups::ReplicaGroup;
use kiosque::store::replica_tags::{ReplicaAlias, ReplicaMerger, ReplicaTag};
use kiosque::store::save::Outcome;
use serde_json::{Value, json};
use support::app::noon;
use support::{App, Place, at, dump, places};
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x0197_2a3f_0000_7000_8000_0000_0000_0001);
const OTHER: Uuid = Uuid::from_u128(0x0197_2a3f_0000_7000_8000_0000_0000_0002);
const TAG: Uuid = Uuid::from_u128(0x0197_2a3f_0000_7000_8000_0000_0000_0011);
const TAG_TOO: Uuid = Uuid::from_u128(0x0197_2a3f_0000_7000_8000_0000_0000_0012);

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

fn draft(name: &str, tags: Value) -> Draft {
    let line = json!({
        "headline": name, "language": "fr", "body": "<p>La crue du Ziz.", "tags": tags, "external_id": format!("x-{name}"),
        "published_at": "2025-03-01T08:00:00.123456Z", "first_published_at": "2025-02-01T08:00:00Z",
    });
    line::parse(line.to_string().as_bytes()).unwrap()
}

fn replica(id: Uuid, name: &str) -> ReplicaArticle {
    ReplicaArticle {
        id,
        slug: slug(name),
        version: 7,
        updated_at: at("2025-04-01T08:00:00Z"),
        content: draft(name, json!([])),
        group: ReplicaGroup::Unknown,
        former_slugs: Some(vec![slug(&format!("{name}-ancien"))]),
        hidden_slugs: Vec::new(),
        told_slug: None,
        inside: None,
        deleted_at: None,
    }
}

fn tag(id: Uuid, name: &str) -> ReplicaTag {
    ReplicaTag {
        id,
        slug: slug(name),
        name: name.to_uppercase(),
        kind: TagKind::Place,
        description: Some("Une ville".to_owned()),
        parent: None,
        listed: true,
        aliases: Some(vec![ReplicaAlias {
            slug: format!("{name}-ancien"),
            public: true,
        }]),
        version: 3,
        dates: Some((at("2024-01-01T00:00:00Z"), at("2024-02-01T00:00:00Z"))),
    }
}

/// What a mirror does, at noon.
fn other<T>(app: &App, work: impl FnOnce(&mut Replicas, &mut Conn) -> Result<T>) -> T {
    attempt(app, Precedence::Other, work).unwrap()
}

fn attempt<T>(
    app: &App,
    precedence: Precedence,
    work: impl FnOnce(&mut Replicas, &mut Conn) -> Result<T>,
) -> Result<T> {
    let written = app
        .database
        .write(|conn| work(&mut Replicas::new(precedence, app.clock.now()), conn));
    app.wait();
    written
}

fn last_actions(app: &App, after: i64) -> Vec<String> {
    let lines = app.database.read(|conn| changes::after(conn, after, 100));
    lines.unwrap().into_iter().map(|line| line.action).collect()
}

fn each(test: impl Fn(App)) {
    places().into_iter().map(App::on).for_each(test);
}

#[test]
fn an_article_is_what_it_is_elsewhere_and_the_same_again_writes_nothing() {
    each(|app| {
        let article = replica(ID, "crue");
        let saved = other(&app, |replicas, conn| replicas.article(conn, &article));
        assert_eq!(saved.outcome, Outcome::Created);
        let json = app.json("/v1/articles/crue");
        assert_eq!(json["id"], ID.to_string());
        assert_eq!(json["version"], 7);
        assert_eq!(json["published_at"], "2025-03-01T08:00:00.123456Z");
        assert_eq!(json["first_published_at"], "2025-02-01T08:00:00Z");
        assert_eq!(json["updated_at"], "2025-04-01T08:00:00Z");
        assert_eq!(app.get("/v1/articles/crue-ancien").status, 301);
        assert_eq!(last_actions(&app, 0), ["published"]);
        assert_eq!(saved.row.external_id, None, "a reader does not know it");

        let before = dump(&app.database);
        let saved = other(&app, |replicas, conn| replicas.article(conn, &article));
        assert_eq!(saved.outcome, Outcome::Unchanged);
        assert_eq!(dump(&app.database), before);
    });
}

#[test]
fn what_the_caller_does_not_know_stays() {
    each(|app| {
        let inside = Inside {
            created_at: at("2025-01-01T00:00:00Z"),
            created_by: Some("amina".to_owned()),
            saved_at: Some(at("2025-04-02T00:00:00Z")),
            saved_by: Some("driss".to_owned()),
            past: Vec::new(),
        };
        let whole = ReplicaArticle {
            inside: Some(inside),
            ..replica(ID, "crue")
        };
        other(&app, |replicas, conn| replicas.article(conn, &whole));
        let less = ReplicaArticle {
            slug: slug("crue-du-ziz"),
            former_slugs: None,
            version: 8,
            ..replica(ID, "crue")
        };
        let row = other(&app, |replicas, conn| replicas.article(conn, &less)).row;
        assert_eq!(row.external_id.as_deref(), Some("x-crue"));
        assert_eq!(row.created_by.as_deref(), Some("amina"));
        assert_eq!(row.saved_by, None);
        for former in ["crue", "crue-ancien"] {
            let reply = app.get(&format!("/v1/articles/{former}"));
            assert_eq!(reply.header("location"), "/v1/articles/crue-du-ziz");
        }
        assert_eq!(last_actions(&app, 0), ["published", "updated"]);
    });
}

#[test]
fn the_log_says_what_the_public_sees_of_it() {
    each(|app| {
        let gone = |deleted| ReplicaGone {
            id: ID,
            slug: slug("crue"),
            version: 8,
            at: noon(),
            deleted,
        };
        other(&app, |replicas, conn| {
            replicas.article(conn, &replica(ID, "crue"))
        });
        other(&app, |replicas, conn| replicas.gone(conn, &gone(false)));
        assert_eq!(app.get("/v1/articles/crue").status, 410);
        other(&app, |replicas, conn| {
            replicas.article(conn, &replica(ID, "crue"))
        });
        assert_eq!(app.get("/v1/articles/crue").status, 200);
        other(&app, |replicas, conn| replicas.gone(conn, &gone(true)));
        let again = other(&app, |replicas, conn| replicas.gone(conn, &gone(true)));
        assert_eq!(again, Outcome::Unchanged);
        assert_eq!(app.get("/v1/articles/crue").status, 410);
        assert_eq!(app.get("/v1/articles/crue-ancien").status, 410);
        let told = last_actions(&app, 0);
        assert_eq!(told, ["published", "withdrawn", "published", "deleted"]);

        let never_here = ReplicaGone {
            id: OTHER,
            slug: slug("jamais"),
            ..gone(true)
        };
        other(&app, |replicas, conn| replicas.gone(conn, &never_here));
        assert_eq!(app.get("/v1/articles/jamais").status, 410);
        let scheduled = ReplicaArticle {
            content: Draft {
                published_at: Some(at("2025-06-02T00:00:00Z")),
                ..draft("demain", json!([]))
            },
            ..replica(Uuid::from_u128(9), "demain")
        };
        other(&app, |replicas, conn| replicas.article(conn, &scheduled));
        app.clock.set(at("2025-06-03T00:00:00Z"));
        assert_eq!(app.get("/v1/articles/demain").status, 200);
    });
}

#[test]
fn a_name_of_another_article_is_refused_and_nothing_is_written() {
    each(|app| {
        other(&app, |replicas, conn| {
            replicas.article(conn, &replica(ID, "crue"))
        });
        let before = dump(&app.database);
        for name in ["crue", "crue-ancien"] {
            let thief = replica(OTHER, name);
            let error = attempt(&app, Precedence::Other, |replicas, conn| {
                replicas.article(conn, &thief)
            });
            assert!(matches!(error, Err(Error::Conflict(_))), "{name}");
            assert_eq!(dump(&app.database), before);
        }
    });
}

#[test]
fn what_was_written_here_is_not_overwritten_unless_it_is_a_past_state() {
    each(|app| {
        let version = |version, saved: &str, past: Vec<(i64, DateTime<Utc>)>| ReplicaArticle {
            version,
            inside: Some(Inside {
                created_at: at("2025-01-01T00:00:00Z"),
                saved_at: Some(at(saved)),
                past,
                ..Inside::default()
            }),
            ..replica(ID, "crue")
        };
        let stored = |article: &ReplicaArticle| {
            attempt(&app, Precedence::Stored, |replicas, conn| {
                replicas.article(conn, article).map(|saved| saved.outcome)
            })
        };
        let (one, two) = ("2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z");
        let first = version(1, one, Vec::new());
        let second = version(2, two, vec![(1, at(one))]);
        assert_eq!(stored(&first).unwrap(), Outcome::Created);
        assert_eq!(stored(&second).unwrap(), Outcome::Updated);
        assert_eq!(stored(&second).unwrap(), Outcome::Unchanged);
        let past = stored(&first).unwrap_err().detail();
        assert_eq!(
            past,
            "/version: is in version 2 here, and comes in version 1"
        );
        let strange = version(3, "2025-03-01T00:00:00Z", vec![(2, at(one))]);
        let strange = stored(&strange).unwrap_err().detail();
        assert!(strange.contains("is not the version 2 that"), "{strange}");
    });
}

#[test]
fn a_tag_named_before_it_came_becomes_the_one_that_comes() {
    each(|app| {
        let article = ReplicaArticle {
            content: draft("crue", json!([{"slug": "erfoud", "name": "Erfoud"}])),
            ..replica(ID, "crue")
        };
        other(&app, |replicas, conn| replicas.article(conn, &article));
        assert_eq!(app.json("/v1/tags/erfoud")["name"], "Erfoud");
        let saved = other(&app, |replicas, conn| {
            replicas.tag(conn, &tag(TAG, "erfoud"))
        });
        assert_eq!(saved.outcome, Outcome::Updated);
        let json = app.json("/v1/tags/erfoud");
        assert_eq!(json["name"], "ERFOUD");
        assert_eq!(json["article_count"], 1);
        assert_eq!(app.get("/v1/tags/erfoud-ancien").status, 301);
        assert_eq!(app.json("/v1/articles/crue")["tags"][0]["kind"], "place");
        let before = dump(&app.database);
        let again = other(&app, |replicas, conn| {
            replicas.tag(conn, &tag(TAG, "erfoud"))
        });
        assert_eq!(again.outcome, Outcome::Unchanged);
        assert_eq!(dump(&app.database), before);
    });
}

#[test]
fn tags_are_nested_renamed_and_merged_as_elsewhere() {
    each(|app| {
        let child = ReplicaTag {
            parent: Some(slug("tafilalet")),
            ..tag(TAG, "erfoud")
        };
        let saved = other(&app, |replicas, conn| replicas.tag(conn, &child));
        assert!(saved.missing_parent);
        other(&app, |replicas, conn| {
            replicas.tag(conn, &tag(TAG_TOO, "tafilalet"))
        });
        let saved = other(&app, |replicas, conn| replicas.tag(conn, &child));
        assert!(!saved.missing_parent);
        assert_eq!(app.json("/v1/tags/erfoud")["parent"], "tafilalet");

        // Upside down, told of before the other end of it.
        let above = ReplicaTag {
            parent: Some(slug("erfoud")),
            version: 4,
            ..tag(TAG_TOO, "tafilalet")
        };
        let refused = attempt(&app, Precedence::Stored, |replicas, conn| {
            replicas.tag(conn, &above).map(|saved| saved.outcome)
        });
        assert!(refused.unwrap_err().detail().starts_with("/parent"));
        other(&app, |replicas, conn| replicas.tag(conn, &above));
        assert_eq!(app.json("/v1/tags/tafilalet")["parent"], "erfoud");

        // Its former name is another's before it is told that it no longer is this one's.
        let thief = tag(Uuid::from_u128(5), "erfoud-ancien");
        let refused = attempt(&app, Precedence::Stored, |replicas, conn| {
            replicas.tag(conn, &thief).map(|saved| saved.outcome)
        });
        assert!(refused.is_err());
        other(&app, |replicas, conn| replicas.tag(conn, &thief));
        assert_eq!(app.json("/v1/tags/erfoud-ancien")["name"], "ERFOUD-ANCIEN");

        let article = ReplicaArticle {
            content: draft("crue", json!([{"slug": "erfoud"}])),
            ..replica(ID, "crue")
        };
        other(&app, |replicas, conn| replicas.article(conn, &article));
        let merger = ReplicaMerger {
            id: TAG,
            slug: slug("erfoud"),
            version: 5,
            into: slug("tafilalet"),
            at: noon(),
        };
        other(&app, |replicas, conn| replicas.merger(conn, &merger));
        let again = other(&app, |replicas, conn| replicas.merger(conn, &merger));
        assert_eq!(again, Outcome::Unchanged);
        let moved = app.get("/v1/tags/erfoud");
        assert_eq!(moved.header("location"), "/v1/tags/tafilalet");
        assert_eq!(
            app.json("/v1/articles/crue")["tags"][0]["slug"],
            "tafilalet"
        );
        assert_eq!(app.json("/v1/tags/tafilalet")["parent"], Value::Null);
        let found = app.json("/v1/articles?tag=tafilalet");
        assert_eq!(found["data"].as_array().unwrap().len(), 1);

        other(&app, |replicas, conn| {
            replicas.tag_gone(conn, TAG_TOO, &slug("tafilalet"), 6)
        });
        assert_eq!(app.get("/v1/tags/tafilalet").status, 404);
        assert_eq!(app.json("/v1/articles/crue")["tags"], json!([]));
    });
}

#[test]
fn a_name_that_was_taken_anew_is_not_taken_back_by_a_merger() {
    each(|app| {
        // Where a mirror begins, the tag that was merged is gone, and its name is another's.
        let into = tag(TAG_TOO, "tafilalet");
        let heir = ReplicaTag {
            aliases: Some(Vec::new()),
            ..tag(Uuid::from_u128(5), "erfoud")
        };
        let merger = ReplicaMerger {
            id: TAG,
            slug: slug("erfoud"),
            version: 5,
            into: slug("tafilalet"),
            at: noon(),
        };
        other(&app, |replicas, conn| {
            replicas.tag(conn, &into)?;
            replicas.tag(conn, &heir)?;
            replicas.merger(conn, &merger)?;
            replicas.tag(conn, &into)
        });
        assert_eq!(app.json("/v1/tags/erfoud")["slug"], "erfoud");
        assert_eq!(app.json("/v1/tags/erfoud")["name"], "ERFOUD");
    });
}

#[test]
fn however_deep_tags_are_nested_there_is_no_circle() {
    each(|app| {
        let numbered = |n: usize, parent: Option<usize>| ReplicaTag {
            parent: parent.map(|parent| slug(&format!("t-{parent}"))),
            ..tag(Uuid::from_u128(100 + n as u128), &format!("t-{n}"))
        };
        other(&app, |replicas, conn| {
            for n in 0..40 {
                replicas.tag(conn, &numbered(n, n.checked_sub(1)))?;
            }
            // The uppermost below the lowest, once as its child and once as one of its children.
            replicas.tag(conn, &numbered(0, Some(39)))
        });
        let parents = || -> Vec<Value> {
            let parent = |n: usize| app.json(&format!("/v1/tags/t-{n}"))["parent"].clone();
            (0..40).map(parent).collect()
        };
        let found = parents();
        assert_eq!(found[0], "t-39");
        assert_eq!(found[1], Value::Null, "cut where it closed");
        let child = Uuid::from_u128(100 + 1);
        other(&app, |replicas, conn| {
            replicas.nest(conn, Uuid::from_u128(100), &[child])
        });
        let found = parents();
        assert_eq!(found.iter().filter(|parent| parent.is_null()).count(), 1);
        assert_eq!(found[1], "t-0");
    });
}

#[test]
fn translations_and_pins_find_each_other_in_whatever_order_they_come() {
    each(|app| {
        let of = |id, name: &str, language: &str, others: &[&str], pins: &[Uuid]| {
            let mut article = replica(id, name);
            article.content.language =
                kiosque::content::language::Language::parse(language).unwrap();
            let others = others.iter().map(|slug| Reference((*slug).to_owned()));
            article.group = ReplicaGroup::With(others.collect());
            article.content.pins = pins.iter().map(|id| Reference(id.to_string())).collect();
            article
        };
        let french = of(ID, "crue", "fr", &["flood"], &[OTHER]);
        let saved = other(&app, |replicas, conn| replicas.article(conn, &french));
        assert_eq!(saved.missing, [Reference(OTHER.to_string())]);
        let english = of(OTHER, "flood", "en", &["crue"], &[]);
        other(&app, |replicas, conn| replicas.article(conn, &english));
        let shown = app.json("/v1/articles/crue")["translations"].clone();
        assert_eq!(shown, json!([{"language": "en", "slug": "flood"}]));
        let saved = other(&app, |replicas, conn| replicas.article(conn, &french));
        assert_eq!(saved.outcome, Outcome::Updated);
        assert_eq!(saved.missing, []);
        let saved = other(&app, |replicas, conn| replicas.article(conn, &french));
        assert_eq!(saved.outcome, Outcome::Unchanged);

        let alone = of(ID, "crue", "fr", &[], &[OTHER]);
        other(&app, |replicas, conn| replicas.article(conn, &alone));
        for name in ["crue", "flood"] {
            let json = app.json(&format!("/v1/articles/{name}"));
            assert_eq!(json["translations"], json!([]), "{name}");
        }
    });
}

#[test]
fn a_preview_ends_with_what_it_shows() {
    let app = App::on(Place::sqlite());
    other(&app, |replicas, conn| {
        replicas.article(conn, &replica(ID, "crue"))
    });
    let editor = app.key("editor");
    let made = app.write(
        "POST",
        "/v1/articles/crue/previews",
        &editor,
        &[],
        Some(json!({})),
    );
    assert_eq!(made.status, 201, "{}", made.text());
    let url = made.json()["url"].as_str().unwrap().to_owned();
    let path = &url[url.find("/v1/").unwrap()..];
    assert_eq!(app.get(path).status, 200);
    let gone = ReplicaGone {
        id: ID,
        slug: slug("crue"),
        version: 8,
        at: noon(),
        deleted: true,
    };
    other(&app, |replicas, conn| replicas.gone(conn, &gone));
    assert_ne!(app.get(path).status, 200);
}
