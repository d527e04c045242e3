//! How the database finds what public pages show. SQLite keeps no statistics, so its plan for a handful of articles is
//! the one for a million: a plan that reads everything is found here rather than by readers.

mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use diesel::prelude::*;
use diesel::sql_types::Text;
use kiosque::store::tags;
use serde_json::json;
use support::{App, Place, article};

/// The queries that the connections of this process have run since this was last emptied.
static QUERIES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn queries() -> MutexGuard<'static, Vec<String>> {
    QUERIES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listener() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(|event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            queries().push(query.to_string());
        }
    }))
}

/// Pages whose every article is found by an index that has the order already.
const WALKED: &[&str] = &[
    "/v1/articles",
    "/v1/articles?order_by=oldest",
    "/v1/articles?use_date=updated",
    "/v1/articles?use_date=updated&order_by=oldest",
    "/v1/articles?use_date=first_published",
    "/v1/articles?use_date=first_published&order_by=oldest",
    "/v1/articles?from=2020-01-01&to=2026-01-01",
    "/v1/articles?use_date=updated&from=2020-01-01",
    "/v1/articles?use_date=first_published&to=2026-01-01",
    "/v1/articles?language=fr",
    "/v1/articles?language=fr&order_by=oldest",
    "/v1/articles?language=fr&use_date=updated",
    "/v1/articles?language=fr&use_date=updated&from=2020-01-01",
    "/v1/articles?source=Portail",
    "/v1/articles?tag=-eau",
    "/v1/articles/neuve",
    "/v1/articles/neuve?include=related",
    "/v1/articles/neuve/related",
    "/v1/tags/eau",
];

/// Pages that sort what one tag, or one word, has found.
const SORTED: &[&str] = &[
    "/v1/articles?tag=eau",
    "/v1/articles?tag=eau&use_date=updated",
    "/v1/articles?tag=eau&language=fr",
    "/v1/articles?q=barrage",
];

#[test]
fn no_public_page_reads_or_sorts_all_articles() {
    set_default_instrumentation(listener).expect("diesel takes the listener");
    let app = App::on(Place::sqlite());
    app.import(&[
        article("neuve")
            .tagged("eau")
            .with("source", json!({"name": "Portail"}))
            .saying("Le barrage se remplit."),
        article("vieille")
            .tagged("eau")
            .saying("Le barrage est vide."),
        article("new")
            .language("en")
            .with("translation_of", "neuve"),
    ]);
    // The counting of all tags, which is done once, and not for one page.
    app.json("/v1/tags");
    for (paths, may_sort) in [(WALKED, false), (SORTED, true)] {
        for path in paths {
            for page in pages(&app, path) {
                refuse_scans(&app, &page, may_sort);
            }
        }
    }
    refuse_rows_of_bearers(&app);
}

/// A frequent tag is counted in indexes: the row of each article that bears it would be read for a number.
fn refuse_rows_of_bearers(app: &App) {
    let seen = seen_during(|| {
        let counts = app.database.read(|conn| tags::bearer_counts(conn, &[1, 2]));
        assert_eq!(counts.expect("tags are counted")[&1], 2);
    });
    assert_ne!(seen.len(), 0);
    for query in &seen {
        let steps = plan(app, query);
        let in_indexes = |step: &String| !step.contains("SEARCH") || step.contains("COVERING");
        assert!(steps.iter().all(in_indexes), "{query}\n{steps:#?}");
    }
}

/// The page, and the one after the first article.
fn pages(app: &App, path: &str) -> Vec<String> {
    if !path.starts_with("/v1/articles?") && path != "/v1/articles" {
        return vec![path.to_owned()];
    }
    let joint = if path.contains('?') { '&' } else { '?' };
    let first = format!("{path}{joint}limit=1");
    let cursor = app.json(&first)["page"]["next"].clone();
    let next = cursor
        .as_str()
        .map(|cursor| format!("{first}&cursor={cursor}"));
    std::iter::once(first).chain(next).collect()
}

fn refuse_scans(app: &App, path: &str, may_sort: bool) {
    let seen = seen_during(|| assert_eq!(app.get(path).status, 200, "{path}"));
    assert_ne!(seen.len(), 0, "{path} asks for no article");
    for query in &seen {
        let steps = plan(app, query);
        for step in &steps {
            let in_order = step.contains(" USING INDEX articles_updated");
            let scan = step.starts_with("SCAN ") && !in_order;
            let sort = step.contains("TEMP B-TREE") && !may_sort && query.contains("LIMIT");
            let windows = step.contains("articles_windows");
            assert!(!scan && !sort && !windows, "{path}: {query}\n{steps:#?}");
        }
    }
}

/// The queries about articles that are run meanwhile.
fn seen_during(work: impl FnOnce()) -> Vec<String> {
    queries().clear();
    work();
    let mut seen = queries().clone();
    seen.retain(|query| query.contains("article"));
    seen
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// What SQLite means to do for a query; the values asked for do not matter to it.
fn plan(app: &App, query: &str) -> Vec<String> {
    let statement = query.split(" -- binds").next().unwrap_or(query);
    let explain = format!("EXPLAIN QUERY PLAN {statement}");
    let steps: Vec<Step> = app
        .database
        .read(|conn| Ok(diesel::sql_query(&explain).load(conn)?))
        .expect("SQLite explains its plan");
    steps.into_iter().map(|step| step.detail).collect()
}
