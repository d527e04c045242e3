//! How the database finds what public pages show. SQLite keeps no statistics, so its plan for a handful of articles is
//! the one for a million: a plan that reads everything is found here rather than by readers.

mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};

use diesel::connection::{
    Instrumentation, InstrumentationEvent, SimpleConnection, set_default_instrumentation,
};
use diesel::prelude::*;
use diesel::sql_types::Text;
use kiosque::store::tags;
use serde_json::json;
use support::{App, Place, Reply, article, places};

/// The queries that the connections of this process have run since this was last emptied.
static QUERIES: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn queries() -> MutexGuard<'static, Vec<String>> {
    QUERIES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listener() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(|event: InstrumentationEvent<'_>| {
        // The thread that makes cards asks in its own time.
        let is_asked_for = std::thread::current().name() != Some("cards");
        if let InstrumentationEvent::StartQuery { query, .. } = event
            && is_asked_for
        {
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
    "/v1/feeds/rss",
    "/v1/feeds/json?language=fr&use_date=updated",
    "/v1/feeds/news-sitemap",
];

/// Lists of the newsroom, which must not walk past all that is out.
const NEWSROOM: &[&str] = &[
    "/v1/articles?status=draft",
    "/v1/articles?status=draft,withdrawn&use_date=updated",
    "/v1/articles?status=scheduled&order_by=oldest",
];

/// Pages that sort what one tag, or one word, has found.
const SORTED: &[&str] = &[
    "/v1/articles?tag=eau",
    "/v1/articles?tag=eau&use_date=updated",
    "/v1/articles?tag=eau&language=fr",
    "/v1/articles?q=barrage",
];

/// One test at a time listens.
static TURN: Mutex<()> = Mutex::new(());

/// A server that makes every answer anew.
fn making(place: Place) -> App {
    App::configured(place, |config| config.cache = 0)
}

#[test]
fn no_page_reads_or_sorts_all_articles() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    set_default_instrumentation(listener).expect("diesel takes the listener");
    let app = making(Place::sqlite());
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
    let (plain, scoped) = partners(&app);
    for (caller, paths, may_sort) in [
        ("", WALKED, false),
        ("", SORTED, true),
        (plain.as_str(), WALKED, false),
        (plain.as_str(), SORTED, true),
        (scoped.as_str(), WALKED, false),
        (scoped.as_str(), SORTED, true),
    ] {
        for path in paths {
            for page in pages(&app, path, caller) {
                refuse_scans(&app, &page, caller, may_sort);
            }
        }
    }
    refuse_sorting_bearers(&app);
    refuse_rows_of_bearers(&app);
    refuse_counting_rows(&app);
    refuse_walking_past_what_is_out(&app);
}

/// The keys of two partners: one that may read all, and one with a scope and a lead.
fn partners(app: &App) -> (String, String) {
    let admin = app.key("admin");
    let made = |name: &str, rights: serde_json::Value| {
        let mut body = json!({"name": name, "role": "partner"});
        body.as_object_mut()
            .expect("an object")
            .extend(rights.as_object().expect("an object").clone());
        let made = app.write("POST", "/v1/keys", &admin, &[], Some(body));
        assert_eq!(made.status, 201, "{}", made.text());
        format!("Bearer {}", made.json()["key"].as_str().expect("a key"))
    };
    let scope =
        json!({"scope": {"languages": ["fr", "en"], "sources": ["Portail"]}, "lead_minutes": 10});
    (made("plain", json!({})), made("scoped", scope))
}

fn get(app: &App, path: &str, caller: &str) -> Reply {
    match caller {
        "" => app.get(path),
        caller => app.get_with(path, &[("authorization", caller)]),
    }
}

/// A count reads an index.
fn refuse_counting_rows(app: &App) {
    for path in [
        "/v1/articles?count=exact",
        "/v1/articles?count=exact&language=fr",
    ] {
        let seen = seen_during(|| assert_eq!(app.get(path).status, 200, "{path}"));
        let count = seen.iter().find(|query| query.contains("COUNT("));
        let steps = plan(app, count.expect("something is counted"));
        let covered = steps
            .iter()
            .all(|step| step.contains("USING COVERING INDEX"));
        assert!(covered, "{path}\n{steps:#?}");
    }
}

fn refuse_walking_past_what_is_out(app: &App) {
    let editor = app.key("editor");
    let headers = [("authorization", editor.as_str())];
    for path in NEWSROOM {
        let seen = seen_during(|| assert_eq!(app.get_with(path, &headers).status, 200, "{path}"));
        let list = seen.iter().find(|query| query.contains("ORDER BY"));
        let steps = plan(app, list.expect("something is listed"));
        let narrow = steps
            .iter()
            .all(|step| step.contains("USING INDEX articles_unpublished"));
        assert!(narrow, "{path}\n{steps:#?}");
    }
}

/// Many articles by plain SQL: PostgreSQL plans by what is there.
const MANY: &str = "
    INSERT INTO articles (id, slug, language, headline, excerpt, syndicatable, sponsors, status, published_at,
        first_published_at, updated_at, related, created_at, version, source_name)
    SELECT gen_random_uuid()::text, 'made-' || n, (ARRAY['fr', 'en', 'ar'])[1 + n % 3], 'Made', 'Made', TRUE, '[]',
        'published', day, day, day, 'auto', day, 1, 'Source ' || n % 50
    FROM generate_series(1, 20000) n, LATERAL (SELECT timestamp '2022-01-01' + n * interval '1 hour') days (day);
    INSERT INTO bodies (article_num, format, source, html, text, word_count)
    SELECT num, 'text', 'Made.', '<p>Made.</p>', 'Made.', 1 FROM articles WHERE slug LIKE 'made-%';
    INSERT INTO tags (id, slug, name, folded_name, kind, listed, created_at, updated_at, version)
    SELECT gen_random_uuid()::text, 'made-' || n, 'Made', 'made', 'keyword', FALSE, now(), now(), 1
    FROM generate_series(1, 400) n;
    INSERT INTO article_tags (article_num, tag_num, position, published_at)
    SELECT articles.num, tags.num, tags.num, published_at FROM articles JOIN tags ON (articles.num + tags.num) % 100 = 0
    WHERE articles.slug LIKE 'made-%';
    ANALYZE";

#[test]
fn postgres_reads_and_sorts_no_more() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(place) = Place::postgres() else {
        return;
    };
    set_default_instrumentation(listener).expect("diesel takes the listener");
    let app = making(place);
    app.import(&[
        article("neuve")
            .tagged("eau")
            .with("source", json!({"name": "Portail"})),
        article("vieille").tagged("eau"),
    ]);
    let many = app.database.write(|conn| Ok(conn.batch_execute(MANY)?));
    many.expect("many articles are made");
    for path in WALKED {
        for page in pages(&app, path, "") {
            let seen = seen_during(|| assert_eq!(app.get(&page).status, 200, "{page}"));
            for query in &seen {
                let plan = postgres_plan(&app, query);
                let scan = ["articles", "bodies", "article_tags"]
                    .iter()
                    .any(|table| plan.contains(&format!("Seq Scan on {table}")));
                let sort = plan.contains("Sort Key") && query.contains("LIMIT");
                assert!(!scan && !sort, "{page}: {query}\n{plan}");
            }
        }
    }
}

#[test]
fn what_partners_may_read_is_asked_for_once_in_a_batch_of_saves() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    set_default_instrumentation(listener).expect("diesel takes the listener");
    for place in places() {
        let app = making(place);
        let tagged = |tag: &str| -> Vec<_> {
            let one = |n| article(&format!("a{n}")).tagged("eau").tagged(tag);
            (0..30).map(one).collect()
        };
        app.import(&tagged("mer"));
        let admin = app.key("admin");
        for name in ["un", "deux", "trois"] {
            let scope = json!({"name": name, "role": "partner", "scope": {"tags": "eau,-mer"}});
            let made = app.write("POST", "/v1/keys", &admin, &[], Some(scope));
            assert_eq!(made.status, 201, "{}", made.text());
        }
        queries().clear();
        assert_eq!(app.import(&tagged("sport")).updated, 30);
        let seen = queries().clone();
        let reads = |query: &&String| query.contains("SELECT") && query.contains("key_rights");
        let rights: Vec<&String> = seen.iter().filter(reads).collect();
        assert_eq!(rights.len(), 1, "{}: {rights:#?}", app.place.name);
    }
}

#[test]
fn an_edit_names_no_column_that_it_leaves_as_it_is() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    set_default_instrumentation(listener).expect("diesel takes the listener");
    for place in places() {
        let app = making(place);
        app.import(&[article("a")]);
        let editor = app.key("editor");
        queries().clear();
        let change = Some(json!({"standfirst": "Autrement."}));
        let headers = [("if-match", "*")];
        let reply = app.write("PATCH", "/v1/articles/a", &editor, &headers, change);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let seen = queries().clone();
        let mut updates = seen.iter().filter_map(|query| {
            let query = query.replace(['`', '"'], "");
            let set = query.strip_prefix("UPDATE articles SET ")?;
            Some(set.split(" WHERE ").next()?.to_owned())
        });
        let set = updates.next().expect("the row is written");
        assert_eq!(updates.next(), None, "{}", app.place.name);
        let mut named: Vec<&str> = set
            .split(", ")
            .filter_map(|part| part.split(" = ").next())
            .collect();
        named.sort_unstable();
        let expected = ["excerpt", "saved_by", "standfirst", "updated_at", "version"];
        assert_eq!(named, expected, "{}", app.place.name);
    }
}

/// What PostgreSQL means to do for a query with the values that it was run with.
fn postgres_plan(app: &App, query: &str) -> String {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
        line: String,
    }
    let (statement, binds) = query.split_once(" -- binds: ").unwrap_or((query, "[]"));
    let binds: Vec<String> = split(binds).iter().map(|bind| literal(bind)).collect();
    let values = match binds.is_empty() {
        true => String::new(),
        false => format!("({})", binds.join(", ")),
    };
    let lines = app.database.read(|conn| {
        conn.batch_execute("SET LOCAL plan_cache_mode = force_custom_plan")?;
        conn.batch_execute(&format!("PREPARE explained AS {statement}"))?;
        let explain = format!("EXPLAIN EXECUTE explained{values}");
        let lines = diesel::sql_query(explain).load::<Line>(conn)?;
        conn.batch_execute("DEALLOCATE explained")?;
        Ok(lines)
    });
    let lines = lines.unwrap_or_else(|error| panic!("{query}: {error:?}"));
    let lines: Vec<String> = lines.into_iter().map(|line| line.line).collect();
    lines.join("\n")
}

/// The values of a list as Rust shows it, lists inside left whole.
fn split(list: &str) -> Vec<String> {
    let inside = list.trim();
    let inside = inside.strip_prefix('[').unwrap_or(inside);
    let inside = inside.strip_suffix(']').unwrap_or(inside);
    let (mut values, mut depth) = (vec![String::new()], 0);
    for letter in inside.chars() {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        match (letter, values.last_mut()) {
            (',', _) if depth == 0 => values.push(String::new()),
            (_, Some(value)) => value.push(letter),
            (_, None) => {}
        }
    }
    let trimmed = values.iter().map(|value| value.trim().to_owned());
    trimmed.filter(|value| !value.is_empty()).collect()
}

fn literal(bind: &str) -> String {
    match bind {
        "None" => "NULL".to_owned(),
        _ => {
            let bare = bind.trim_start_matches("Some(").trim_end_matches(')');
            let bare = bare.trim_matches('"').replace('[', "{").replace(']', "}");
            format!("'{bare}'")
        }
    }
}

/// The first bearers of a tag are found in an index that has the order already.
fn refuse_sorting_bearers(app: &App) {
    for path in [
        "/v1/articles?tag=eau",
        "/v1/articles?tag=eau&order_by=oldest",
    ] {
        let seen = seen_during(|| assert_eq!(app.get(path).status, 200, "{path}"));
        let bearers = |query: &&String| query.contains("ORDER BY `article_tags`.`published_at`");
        let bearers = seen.iter().find(bearers);
        let steps = plan(app, bearers.expect("bearers are looked for"));
        let walked = "SEARCH article_tags USING COVERING INDEX article_tags_by_date";
        let in_order = steps.iter().all(|step| step.starts_with(walked));
        assert!(in_order, "{path}\n{steps:#?}");
    }
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
fn pages(app: &App, path: &str, caller: &str) -> Vec<String> {
    if !path.starts_with("/v1/articles?") && path != "/v1/articles" {
        return vec![path.to_owned()];
    }
    let joint = if path.contains('?') { '&' } else { '?' };
    let first = format!("{path}{joint}limit=1");
    let cursor = get(app, &first, caller).json()["page"]["next"].clone();
    let next = cursor
        .as_str()
        .map(|cursor| format!("{first}&cursor={cursor}"));
    std::iter::once(first).chain(next).collect()
}

fn refuse_scans(app: &App, path: &str, caller: &str, may_sort: bool) {
    let seen = seen_during(|| assert_eq!(get(app, path, caller).status, 200, "{path}"));
    assert_ne!(seen.len(), 0, "{path} asks for no article");
    for query in &seen {
        let steps = plan(app, query);
        for step in &steps {
            let in_order = step.contains(" USING INDEX articles_updated");
            // The numbers asked for, and tables of one row.
            let asked = ["json_each", "wanted", "CONSTANT ROW", "tag_generation"];
            let list = (asked.iter()).any(|table| step.starts_with(&format!("SCAN {table}")));
            // Of the few that no partner gets.
            let few = step.contains("INDEX articles_withheld");
            let scan = step.starts_with("SCAN ") && !in_order && !list && !few;
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
    seen.retain(|query| query.contains("article") || query.contains("tag_generation"));
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
