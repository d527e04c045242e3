//! Many editors change few articles at once: no acknowledged write is lost, and each has its line in the log.
//!
//! `cargo test --release --test concurrent_edits -- --ignored --nocapture` does it for a minute with 64 editors.

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kiosque::store::{articles, changes, revisions};
use serde_json::{Value, json};
use support::{App, Place, article, places};

const ARTICLES: usize = 20;

/// A write that the server has acknowledged.
struct Acknowledged {
    slug: String,
    version: i64,
    headline: String,
}

#[test]
fn no_acknowledged_write_is_lost() {
    for place in places() {
        edit(place, 16, Duration::from_secs(3));
    }
}

#[test]
#[ignore = "takes two minutes"]
fn no_acknowledged_write_is_lost_in_a_minute_of_64_editors() {
    for place in places() {
        edit(place, 64, Duration::from_secs(60));
    }
}

fn edit(place: Place, editors: usize, time: Duration) {
    let name = place.name;
    let app = App::on(place);
    let slugs: Vec<String> = (0..ARTICLES).map(|n| format!("a-{n}")).collect();
    let drafts: Vec<_> = slugs.iter().map(|slug| article(slug)).collect();
    app.import(&drafts);
    let keys: Vec<String> = (0..editors).map(|_| app.key("editor")).collect();
    let conflicts = AtomicU64::new(0);
    let deadline = Instant::now() + time;
    let acknowledged: Vec<Acknowledged> = std::thread::scope(|scope| {
        let threads: Vec<_> = keys
            .iter()
            .enumerate()
            .map(|(editor, key)| {
                let (base, slugs, conflicts) = (&app.base, &slugs, &conflicts);
                scope.spawn(move || write(base, key, editor, slugs, deadline, conflicts))
            })
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join().unwrap());
        joined.flatten().collect()
    });
    check(&app, name, &slugs, &acknowledged);
    eprintln!(
        "{name}: {editors} editors, {} s: {:.0} writes/s, {} conflicts on {} writes",
        time.as_secs(),
        acknowledged.len() as f64 / time.as_secs_f64(),
        conflicts.load(Ordering::Relaxed),
        acknowledged.len(),
    );
}

/// One editor: reads an article, changes its headline, takes the next.
fn write(
    base: &str,
    key: &str,
    editor: usize,
    slugs: &[String],
    deadline: Instant,
    conflicts: &AtomicU64,
) -> Vec<Acknowledged> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let mut acknowledged = Vec::new();
    for turn in 0.. {
        if Instant::now() > deadline {
            break;
        }
        // Each editor in an order of its own.
        let slug = &slugs[(editor * 7 + turn * (2 * editor + 1)) % slugs.len()];
        let url = format!("{base}/v1/articles/{slug}");
        let mut read = agent.get(&url).header("authorization", key).call().unwrap();
        assert_eq!(read.status(), 200);
        let tag = read.headers()["etag"].to_str().unwrap().to_owned();
        read.body_mut().read_to_vec().unwrap();
        let headline = format!("{editor}-{turn}");
        let mut reply = agent
            .patch(&url)
            .header("authorization", key)
            .header("if-match", tag)
            .header("content-type", "application/merge-patch+json")
            .send(json!({"headline": headline}).to_string())
            .unwrap();
        let body = reply.body_mut().read_to_vec().unwrap();
        match reply.status().as_u16() {
            200 => {
                let article: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(article["headline"], *headline);
                acknowledged.push(Acknowledged {
                    slug: slug.clone(),
                    version: article["version"].as_i64().unwrap(),
                    headline,
                });
            }
            412 => {
                conflicts.fetch_add(1, Ordering::Relaxed);
            }
            status => panic!("{status}: {}", String::from_utf8_lossy(&body)),
        }
    }
    acknowledged
}

fn check(app: &App, name: &str, slugs: &[String], acknowledged: &[Acknowledged]) {
    assert!(acknowledged.len() > ARTICLES, "{name}");
    let log = app
        .database
        .read(|conn| changes::after(conn, 0, i64::MAX))
        .unwrap();
    assert_eq!(log.len(), ARTICLES + acknowledged.len(), "{name}");
    for slug in slugs {
        let mut expected: BTreeMap<i64, &str> = BTreeMap::new();
        for write in acknowledged.iter().filter(|write| write.slug == *slug) {
            let other = expected.insert(write.version, &write.headline);
            assert_eq!(other, None, "{name} {slug}: two writes of one version");
        }
        let row = app.database.read(|conn| articles::find(conn, slug));
        let row = row.unwrap().unwrap();
        let versions: Vec<i64> = expected.keys().copied().collect();
        let all: Vec<i64> = (2..=row.version).collect();
        assert_eq!(versions, all, "{name} {slug}");
        for (version, headline) in expected {
            if version == row.version {
                assert_eq!(row.headline, headline, "{name} {slug}");
                continue;
            }
            let kept = app
                .database
                .read(|conn| revisions::find(conn, row.num, version));
            let state: Value = serde_json::from_str(&kept.unwrap().unwrap().state).unwrap();
            assert_eq!(state["headline"], headline, "{name} {slug} {version}");
        }
        let lines = log.iter().filter(|line| line.num == row.num);
        let lines: Vec<i64> = lines.map(|line| line.version).collect();
        let all: Vec<i64> = (1..=row.version).collect();
        assert_eq!(lines, all, "{name} {slug}");
    }
}
