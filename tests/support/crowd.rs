//! Many clients at once, who find what is stale, torn or another's.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::app::App;
use super::builders::article;
use super::client::{self, Reply};
use super::varnish;
use super::writer::{Random, TAGS};

/// Many who write and read at once. Each article's headline and standfirst say the same word, in which its number is;
/// the last articles have an owner each, who alone takes them from the public and gives them back.
pub struct Crowd {
    app: App,
    /// Where they read, if it is not the server itself: time is then as it is, for what stands there has no other.
    through: Option<String>,
    editor: String,
    /// The version of each shared article that was acknowledged.
    acknowledged: Vec<AtomicI64>,
    writes: AtomicUsize,
    reads: AtomicUsize,
    hits: AtomicUsize,
}

/// Articles that all change.
const SHARED: usize = 30;

impl Crowd {
    pub fn new(app: App) -> Self {
        let editor = app.key("editor");
        Self {
            app,
            through: None,
            editor,
            acknowledged: (0..SHARED).map(|_| AtomicI64::new(1)).collect(),
            writes: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
            hits: AtomicUsize::new(0),
        }
    }

    pub fn reading(mut self, base: &str) -> Self {
        self.through = Some(base.to_owned());
        self
    }

    pub fn work(self, clients: usize, time: Duration) {
        let word = |n: usize, client: usize| format!("w{n}x{client}x0");
        let articles: Vec<_> = (0..SHARED + clients)
            .map(|n| {
                article(&format!("a-{n}"))
                    .headed(&word(n, 0))
                    .with("standfirst", word(n, 0))
                    .saying("le barrage et l'oued, la crue et la source")
                    .tagged(TAGS[n % TAGS.len()])
            })
            .collect();
        self.app.import(&articles);
        let over = AtomicBool::new(false);
        let deadline = Instant::now() + time;
        thread::scope(|scope| {
            let clients: Vec<_> = (0..clients)
                .map(|client| {
                    let crowd = &self;
                    scope.spawn(move || crowd.live(client, deadline))
                })
                .collect();
            // Time passes, a little faster than it does.
            let clock = scope.spawn(|| {
                while self.through.is_none() && !over.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_millis(5));
                    self.app
                        .clock
                        .set(self.app.clock.now() + TimeDelta::milliseconds(20));
                }
            });
            let failed = clients
                .into_iter()
                .filter_map(|one| one.join().err())
                .count();
            over.store(true, Ordering::Relaxed);
            clock.join().expect("time passes");
            assert_eq!(failed, 0, "of the clients, so many found something wrong");
        });
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        eprintln!(
            "{}: {} writes, {} reads, of them {} from the cache",
            self.app.place.name,
            count(&self.writes),
            count(&self.reads),
            count(&self.hits)
        );
        assert!(count(&self.hits) > 0 && count(&self.writes) > 0);
    }

    fn live(&self, client: usize, deadline: Instant) {
        let mut random = Random(client as u64 + 1);
        for turn in 1.. {
            if Instant::now() > deadline {
                return;
            }
            match random.below(9) {
                0 => self.change(random.below(SHARED), client, turn),
                1 => self.take_and_give(client),
                2 if self.through.is_none() => self.let_expire(client),
                3 => self.read_list(),
                8 => self.read_feed(),
                4 => self.read_related(random.below(SHARED)),
                _ => self.read(random.below(SHARED)),
            }
        }
    }

    fn change(&self, n: usize, client: usize, turn: usize) {
        let word = format!("w{n}x{client}x{turn}");
        let body = json!({"headline": word, "standfirst": word});
        let reply = self.write("PATCH", &format!("/v1/articles/a-{n}"), Some(body));
        if reply.status == 200 {
            let version = reply.json()["version"].as_i64().expect("a version");
            self.acknowledged[n].fetch_max(version, Ordering::SeqCst);
            self.read(n);
        }
    }

    /// From the public and back.
    fn take_and_give(&self, client: usize) {
        let slug = format!("a-{}", SHARED + client);
        let (path, list) = (
            format!("/v1/articles/{slug}"),
            "/v1/articles?limit=100&fields=slug",
        );
        let listed = || self.get(list).slugs().contains(&slug);
        let publication = format!("{path}/publication");
        assert_eq!(self.write("DELETE", &publication, None).status, 204);
        assert_eq!(self.get(&path).status, 410, "{slug} was withdrawn");
        assert!(!listed(), "{slug} was withdrawn");
        self.publish(client, None);
        assert_eq!(self.get(&path).status, 200, "{slug} was published");
        assert!(listed(), "{slug} was published");
    }

    /// It disappears at its moment, neither earlier nor later.
    fn let_expire(&self, client: usize) {
        let path = format!("/v1/articles/a-{}", SHARED + client);
        let end = self.app.clock.now() + TimeDelta::seconds(2);
        if !self.publish(client, Some(end)) {
            return;
        }
        loop {
            let before = self.app.clock.now();
            let status = self.get(&path).status;
            if before >= end {
                assert_eq!(status, 410, "{path} at {before}, to expire at {end}");
                break;
            }
            if self.app.clock.now() < end {
                assert_eq!(status, 200, "{path} before {end}");
            }
        }
        self.publish(client, None);
        assert_eq!(self.get(&path).status, 200, "{path} is back");
    }

    /// False when it came too late, on a slow machine.
    fn publish(&self, client: usize, expires_at: Option<DateTime<Utc>>) -> bool {
        let path = format!("/v1/articles/a-{}/publication", SHARED + client);
        let body = json!({"expires_at": expires_at.map(|end| end.to_rfc3339())});
        let reply = self.write("PUT", &path, Some(body));
        if reply.status == 422 && reply.text().contains("is past already") {
            return false;
        }
        assert_eq!(reply.status, 200, "{}", reply.text());
        true
    }

    fn read(&self, n: usize) {
        let known = self.acknowledged[n].load(Ordering::SeqCst);
        let reply = self.get(&format!("/v1/articles/a-{n}"));
        assert_eq!(reply.status, 200);
        let article = reply.json();
        assert_eq!(article["slug"], format!("a-{n}"), "another's answer");
        assert!(
            check(&article) >= Some(known),
            "stale: {article}, {known} was acknowledged"
        );
    }

    fn read_list(&self) {
        let known: Vec<i64> = self.versions();
        let list = self.get("/v1/articles?limit=100&include=body");
        self.check_all(list.json()["data"].as_array().expect("a list"), &known);
    }

    fn read_feed(&self) {
        let known: Vec<i64> = self.versions();
        let feed = self.get("/v1/feeds/json?limit=100").json();
        let items = feed["items"].as_array().expect("a feed").iter();
        let article = |item: &Value| {
            let more = &item["_kiosque"];
            json!({"headline": item["title"], "standfirst": more["standfirst"], "slug": more["slug"],
                   "version": more["version"]})
        };
        let articles: Vec<Value> = items.map(article).collect();
        self.check_all(&articles, &known);
    }

    fn read_related(&self, n: usize) {
        let known: Vec<i64> = self.versions();
        let list = self
            .get(&format!("/v1/articles/a-{n}/related?limit=50"))
            .json();
        let related = list["data"].as_array().expect("a list").iter();
        let articles: Vec<Value> = related.map(|one| one["article"].clone()).collect();
        self.check_all(&articles, &known);
    }

    fn versions(&self) -> Vec<i64> {
        let versions = self.acknowledged.iter();
        versions
            .map(|version| version.load(Ordering::SeqCst))
            .collect()
    }

    fn check_all(&self, articles: &[Value], known: &[i64]) {
        for article in articles {
            let version = check(article);
            let slug = article["slug"].as_str().expect("a slug");
            let n: usize = slug[2..].parse().expect("a number");
            if let Some(known) = known.get(n) {
                assert!(
                    version >= Some(*known),
                    "stale: {article}, {known} was acknowledged"
                );
            }
        }
    }

    fn get(&self, path: &str) -> Reply {
        let base = self.through.as_ref().unwrap_or(&self.app.base);
        let reply = client::send("GET", &format!("{base}{path}"), &[], None);
        self.reads.fetch_add(1, Ordering::Relaxed);
        let is_hit = match self.through {
            Some(_) => varnish::is_hit(&reply),
            None => reply.header("server-timing").starts_with("cache"),
        };
        if is_hit {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        reply
    }

    /// On the present version of the article.
    fn write(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let thing: Vec<&str> = path.split('/').take(4).collect();
        let headers = [("authorization", self.editor.as_str())];
        let read = self.app.get_with(&thing.join("/"), &headers);
        let headers = [("if-match", read.header("etag"))];
        let reply = self.app.write(method, path, &self.editor, &headers, body);
        assert!(reply.status < 500, "{}", reply.text());
        reply
    }
}

/// The version of an article that is all of one piece, and that article's own.
fn check(article: &Value) -> Option<i64> {
    assert_eq!(
        article["headline"], article["standfirst"],
        "torn: {article}"
    );
    let slug = article["slug"].as_str().expect("a slug").replace("a-", "w") + "x";
    let headline = article["headline"].as_str().expect("a headline");
    assert!(headline.starts_with(&slug), "another's text: {article}");
    article["version"].as_i64()
}
