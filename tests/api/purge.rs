//! What a cache outside is told of changes.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use kiosque::config::{Hidden, PurgeConfig};
use serde_json::{Value, json};

use crate::support::app::import_into;
use crate::support::{App, Article, Place, article, at};

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_write_is_acknowledged_when_the_tags_of_what_it_changed_are_purged() {
    let cache = Outside::new();
    let app = cache.before(Place::sqlite());
    app.import(&[article("a").tagged("t"), article("b")]);
    cache.until("told twice of the import", |all| all.len() == 2);
    cache.forget();
    headline(&app, "a", "Autrement");
    let id = app.json("/v1/articles/a")["id"].clone();
    let expected = [
        "articles",
        "related",
        &format!("article-{}", id.as_str().unwrap()),
    ];
    assert_eq!(cache.tags(), BTreeSet::from(expected.map(str::to_owned)));
    let told = cache.told();
    for told in &told {
        let tags: Vec<&str> = told.body["tags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| tag.as_str().unwrap())
            .collect();
        assert_eq!(told.header("surrogate-key"), tags.join(" "));
        assert_eq!(told.header("cache-tag"), tags.join(","));
        assert_eq!(told.header("purge-key"), "a secret");
        assert_eq!(told.header("content-type"), "application/json");
    }
    // For an answer that was on its way when it was told first.
    cache.until("told again", |all| all.len() == 2 * told.len());
    assert!(
        app.get("/metrics")
            .text()
            .contains("kiosque_purges_total{result=\"done\"}")
    );
}

#[test]
fn what_nobody_saw_is_not_told() {
    let cache = Outside::new();
    let app = cache.before(Place::sqlite());
    app.import(&[article("a").status("draft")]);
    headline(&app, "a", "Autrement");
    assert_eq!(cache.tags(), BTreeSet::new());
}

#[test]
fn time_is_told_too() {
    let cache = Outside::new();
    let app = cache.before(Place::sqlite());
    app.import(&[article("a").with("expires_at", "2025-06-01T12:00:30Z")]);
    let id = app.json("/v1/articles/a")["id"].clone();
    let tag = format!("article-{}", id.as_str().unwrap());
    cache.until("told twice of the new article", |all| all.len() == 2);
    cache.forget();
    app.clock.set(at("2025-06-01T12:00:30Z"));
    cache.until("told of the end", |all| names(all).contains(&tag));
}

#[test]
fn while_a_cache_does_not_answer_writes_go_on_and_nothing_is_lost() {
    let cache = Outside::new();
    let app = cache.before(Place::sqlite());
    app.import(&[article("a"), article("b"), article("c")]);
    cache.until("told twice of the import", |all| all.len() == 2);
    cache.answer(503);
    let started = Instant::now();
    for slug in ["a", "b", "c"] {
        headline(&app, slug, "Autrement");
    }
    assert!(started.elapsed() < PATIENCE / 2, "{:?}", started.elapsed());
    cache.forget();
    cache.answer(204);
    let tags = ["a", "b", "c"].map(|slug| {
        let id = app.json(&format!("/v1/articles/{slug}"))["id"].clone();
        format!("article-{}", id.as_str().unwrap())
    });
    cache.until("told of all three", |all| {
        tags.iter().all(|tag| names(all).contains(tag))
    });
    let metrics = app.get("/metrics").text();
    assert!(metrics.contains("kiosque_purges_total{result=\"failed\"}"));
}

#[test]
fn what_was_written_while_the_server_was_down_is_told_when_it_is_up() {
    let cache = Outside::new();
    let place = Place::sqlite();
    let folder = tempfile::tempdir().unwrap();
    let start = || cache.keeping(place.shared(), folder.path());
    let app = start();
    app.import(&[article("a")]);
    let id = app.json("/v1/articles/a")["id"].clone();
    let tag = format!("article-{}", id.as_str().unwrap());
    headline(&app, "a", "Une fois");
    drop(app);
    // A new process knows nothing but the file: what was told once only is told again.
    cache.forget();
    let app = start();
    cache.until("told again", |all| names(all).contains(&tag));
    cache.until("told twice", |all| all.len() >= 2);
    // The file is written after the second time.
    thread::sleep(Duration::from_millis(300));
    let (database, now) = (app.database.clone(), app.clock.now());
    drop(app);
    cache.forget();
    drop(start());
    assert_eq!(cache.tags(), BTreeSet::new());
    let line = format!("{}\n", article("a").headed("Encore").0);
    import_into(&database, &line, false, now);
    let _app = start();
    cache.until("told of what it missed", |all| names(all).contains(&tag));
}

#[test]
fn an_import_becomes_the_one_tag_that_every_answer_bears() {
    let cache = Outside::new();
    let app = cache.before(Place::sqlite());
    let articles: Vec<Article> = (0..1_000).map(|n| article(&format!("a-{n}"))).collect();
    app.import(&articles);
    cache.until("told of everything", |all| names(all).contains("kiosque"));
    for path in [
        "/v1/articles/a-1",
        "/v1/articles",
        "/v1/tags",
        "/v1/articles/a-1/related",
    ] {
        let reply = app.get(path);
        let mut tags = reply.header("surrogate-key").split(' ');
        assert!(tags.any(|tag| tag == "kiosque"), "{path}");
    }
}

#[test]
fn an_answer_with_too_many_names_and_a_redirect_have_those_that_cover_all() {
    let app = App::new();
    let with_tags = |n: usize| {
        let tagged = |article: Article, t: usize| article.tagged(&format!("t-{n}-{t}"));
        (0..10).fold(article(&format!("a-{n}")), tagged)
    };
    let articles: Vec<Article> = (0..30).map(with_tags).collect();
    app.import(&articles);
    let tags = |path: &str| app.get(path).header("surrogate-key").to_owned();
    assert_eq!(tags("/v1/articles?limit=30"), "articles tags kiosque");
    let few = tags("/v1/articles?limit=2");
    assert!(
        few.split(' ').count() > 20 && few.ends_with(" kiosque"),
        "{few}"
    );
    let several = tags("/v1/articles/a-1?include=related,related_tags");
    assert!(several.starts_with("article-"), "{several}");
    let editor = app.key("editor");
    let path = "/v1/articles/a-1";
    let read = app.get_with(path, &[("authorization", &editor)]);
    let headers = [("if-match", read.header("etag"))];
    let body = json!({"slug": "autre"});
    app.write("PATCH", path, &editor, &headers, Some(body));
    let moved = app.get(path);
    assert_eq!(moved.status, 301);
    assert_eq!(moved.header("cache-tag"), "articles,tags,kiosque");
}

fn headline(app: &App, slug: &str, text: &str) {
    let editor = app.key("editor");
    let path = format!("/v1/articles/{slug}");
    let read = app.get_with(&path, &[("authorization", &editor)]);
    let body = json!({"headline": text});
    let headers = [("if-match", read.header("etag"))];
    let reply = app.write("PATCH", &path, &editor, &headers, Some(body));
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// A cache outside that notes what it is told.
struct Outside {
    url: String,
    status: Arc<AtomicU16>,
    told: Arc<Mutex<Vec<Told>>>,
}

#[derive(Clone)]
struct Told {
    headers: Vec<(String, String)>,
    body: Value,
}

impl Told {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

fn names(all: &[Told]) -> BTreeSet<String> {
    let tags = all.iter().flat_map(|told| told.body["tags"].as_array());
    tags.flatten()
        .map(|tag| tag.as_str().unwrap().to_owned())
        .collect()
}

impl Outside {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let outside = Self {
            url: format!("http://{}/purge", listener.local_addr().unwrap()),
            status: Arc::new(AtomicU16::new(200)),
            told: Arc::default(),
        };
        let (status, told) = (Arc::clone(&outside.status), Arc::clone(&outside.told));
        thread::spawn(move || {
            for stream in listener.incoming() {
                listen(stream.unwrap(), status.load(Ordering::SeqCst), &told);
            }
        });
        outside
    }

    fn before(&self, place: Place) -> App {
        App::configured(place, |config| config.purge = self.config())
    }

    /// A server whose files stay when it ends.
    fn keeping(&self, place: Place, folder: &Path) -> App {
        App::configured(place, |config| {
            config.purge = self.config();
            config.search_dir = folder.join("search");
        })
    }

    fn config(&self) -> Option<PurgeConfig> {
        Some(PurgeConfig {
            url: self.url.clone(),
            header: Some(("Purge-Key".to_owned(), Hidden::new("a secret"))),
        })
    }

    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    fn tags(&self) -> BTreeSet<String> {
        names(&self.told())
    }

    fn forget(&self) {
        self.told.lock().unwrap().clear();
    }

    fn until(&self, what: &str, done: impl Fn(&[Told]) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(&self.told()) {
            assert!(Instant::now() < deadline, "not {what}: {:?}", self.tags());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Takes one request of a connection.
fn listen(mut stream: TcpStream, status: u16, all: &Mutex<Vec<Told>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers: Vec<(String, String)> = lines
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length?.1.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let told = Told {
        headers,
        body: serde_json::from_slice(&body).unwrap(),
    };
    // Before it is answered, as a cache has purged before it answers.
    if status < 300 {
        all.lock().unwrap().push(told);
    }
    stream.write_all(answer.as_bytes()).ok()
}
