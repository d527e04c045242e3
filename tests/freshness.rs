//! What is kept is never stale: a server that keeps its answers says, after each of many random writes and moves of the
//! clock, exactly what one on the same database says that makes every answer anew.

mod support;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::{Value, json};
use support::{App, Place, Reply, article, at, places};

const ARTICLES: usize = 24;
const TAGS: [&str; 5] = ["eau", "oasis", "mer", "sport", "budget"];
const WORDS: [&str; 8] = [
    "barrage", "oued", "source", "canal", "pluie", "crue", "puits", "nappe",
];

#[test]
fn what_is_kept_is_what_would_be_made_anew() {
    for (place, seed) in places().into_iter().zip([11, 12]) {
        Newsroom::new(place, seed).work(40);
    }
}

#[test]
#[ignore = "takes some minutes; KIOSQUE_TEST_SEED chooses another run"]
fn what_is_kept_is_what_would_be_made_anew_for_long() {
    let seed = std::env::var("KIOSQUE_TEST_SEED").map_or(Ok(1), |seed| seed.parse());
    for place in places() {
        Newsroom::new(place, seed.clone().expect("a number")).work(2_000);
    }
}

#[test]
fn no_reader_is_given_less_than_was_acknowledged() {
    for place in places() {
        Crowd::new(place).work(16, Duration::from_secs(3));
    }
}

#[test]
#[ignore = "takes twenty minutes"]
fn no_reader_is_given_less_than_was_acknowledged_in_ten_minutes() {
    for place in places() {
        Crowd::new(place).work(32, Duration::from_secs(600));
    }
}

/// Many who write and read at once. Each article's headline and standfirst say the same word, in which its number is;
/// the last articles have an owner each, who alone takes them from the public and gives them back.
struct Crowd {
    app: App,
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
    fn new(place: Place) -> Self {
        let app = App::on(place);
        let editor = app.key("editor");
        Self {
            app,
            editor,
            acknowledged: (0..SHARED).map(|_| AtomicI64::new(1)).collect(),
            writes: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
            hits: AtomicUsize::new(0),
        }
    }

    fn work(self, clients: usize, time: Duration) {
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
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..clients)
                .map(|client| {
                    let crowd = &self;
                    scope.spawn(move || crowd.live(client, deadline))
                })
                .collect();
            // Time passes, a little faster than it does.
            let clock = scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(5));
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
            match random.below(8) {
                0 => self.change(random.below(SHARED), client, turn),
                1 => self.take_and_give(client),
                2 => self.let_expire(client),
                3 => self.read_list(),
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
    fn publish(&self, client: usize, expires_at: Option<chrono::DateTime<chrono::Utc>>) -> bool {
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
        let reply = self.app.get(path);
        self.reads.fetch_add(1, Ordering::Relaxed);
        if reply.header("server-timing").starts_with("cache") {
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

/// Two servers on one database, and someone who writes.
struct Newsroom {
    keeping: App,
    making: App,
    editor: String,
    random: Random,
    now: chrono::DateTime<chrono::Utc>,
}

impl Newsroom {
    fn new(place: Place, seed: u64) -> Self {
        let other = place.shared();
        let keeping = App::on(place);
        let making = App::configured(other, |config| config.cache = 0);
        let editor = keeping.key("editor");
        let mut newsroom = Self {
            keeping,
            making,
            editor,
            random: Random(seed),
            now: support::app::noon(),
        };
        let articles: Vec<_> = (0..ARTICLES).map(|n| newsroom.draft(n)).collect();
        newsroom.keeping.import(&articles);
        newsroom
    }

    fn draft(&mut self, n: usize) -> support::Article {
        let hour = self.random.below(24 * 30);
        let time = at("2025-05-01T00:00:00Z") + chrono::TimeDelta::hours(hour as i64);
        let language = ["fr", "fr", "ar"][self.random.below(3)];
        let mut draft = article(&format!("a-{n}"))
            .headed(&self.phrase(4))
            .saying(&self.phrase(40))
            .published(time)
            .language(language);
        for _ in 0..self.random.below(3) {
            draft = draft.tagged(TAGS[self.random.below(TAGS.len())]);
        }
        draft
    }

    fn phrase(&mut self, words: usize) -> String {
        let words: Vec<&str> = (0..words)
            .map(|_| WORDS[self.random.below(WORDS.len())])
            .collect();
        words.join(" ")
    }

    fn work(mut self, turns: usize) {
        let mut done = std::collections::BTreeMap::<&str, usize>::new();
        self.compare("at the start");
        for turn in 0..turns {
            let what = self.change();
            *done.entry(what).or_default() += 1;
            self.compare(&format!("{}, turn {turn}: {what}", self.keeping.place.name));
        }
        let metrics = self.keeping.get("/metrics").text();
        let count = |result: &str| -> f64 {
            let start = format!("kiosque_cache_requests_total{{result=\"{result}\"}} ");
            let line = metrics.lines().find_map(|line| line.strip_prefix(&start));
            line.map_or(0.0, |count| count.parse().expect("a number"))
        };
        let (hits, misses) = (count("hit"), count("miss"));
        eprintln!(
            "{}: {hits} hits, {misses} misses, {done:?}",
            self.keeping.place.name
        );
        // Not a test of the other thing: that nothing is kept.
        assert!(hits > misses / 4.0, "{hits} hits, {misses} misses");
    }

    /// Asks both servers everything, the one that keeps twice.
    fn compare(&self, when: &str) {
        self.making.wait();
        for path in paths() {
            let expected = shown(&self.making.get(&path));
            for _ in 0..2 {
                assert_eq!(shown(&self.keeping.get(&path)), expected, "{when}: {path}");
            }
        }
    }

    /// One random change; what it was. Refusals are as good as any.
    fn change(&mut self) -> &'static str {
        let slug = self.random.below(ARTICLES + 6);
        let slug = format!("a-{slug}");
        let other = format!("a-{}", self.random.below(ARTICLES));
        let tag = TAGS[self.random.below(TAGS.len())];
        let soon =
            |minutes: usize| (self.now + chrono::TimeDelta::minutes(minutes as i64)).to_rfc3339();
        let minutes = 1 + self.random.below(90);
        match self.random.below(20) {
            0..=2 => {
                let headline = self.phrase(4);
                self.patch(&slug, json!({"headline": headline}));
                "headline"
            }
            3 => {
                let body = self.phrase(40);
                self.patch(&slug, json!({"body": body}));
                "body"
            }
            4 => {
                self.patch(&slug, json!({"tags": [tag, TAGS[minutes % TAGS.len()]]}));
                "tags"
            }
            5 => {
                self.patch(&slug, json!({"tags": []}));
                "no tags"
            }
            6 => {
                let time =
                    at("2025-05-01T00:00:00Z") + chrono::TimeDelta::hours(7 * minutes as i64);
                self.patch(&slug, json!({"published_at": time.to_rfc3339()}));
                "date"
            }
            7 => {
                let language = ["fr", "ar", "en"][minutes % 3];
                self.patch(&slug, json!({"language": language}));
                "language"
            }
            8 => {
                let slug_after = format!("a-{}", self.random.below(ARTICLES + 6));
                self.patch(&slug, json!({"slug": slug_after}));
                "slug"
            }
            9 => {
                self.write("DELETE", &format!("/v1/articles/{slug}/publication"), None);
                "withdrawn"
            }
            10 => {
                let body = json!({"published_at": soon(minutes)});
                self.write(
                    "PUT",
                    &format!("/v1/articles/{slug}/publication"),
                    Some(body),
                );
                "scheduled"
            }
            11 => {
                let body = json!({"expires_at": soon(minutes)});
                self.write(
                    "PUT",
                    &format!("/v1/articles/{slug}/publication"),
                    Some(body),
                );
                "to expire"
            }
            12 => {
                let body = json!({});
                self.write(
                    "PUT",
                    &format!("/v1/articles/{slug}/publication"),
                    Some(body),
                );
                "published"
            }
            13 => {
                let path = format!("/v1/articles/{slug}/translations/{other}");
                let method = ["PUT", "PUT", "DELETE"][minutes % 3];
                self.write(method, &path, None);
                "translation"
            }
            14 => {
                let body = match minutes % 3 {
                    0 => json!({"pins": [], "bans": [other]}),
                    1 => json!({"pins": [other], "bans": []}),
                    _ => json!({"pins": [], "bans": []}),
                };
                self.write("PUT", &format!("/v1/articles/{slug}/curation"), Some(body));
                "curation"
            }
            15 => {
                let body = json!({"name": self.phrase(1)});
                self.write("PATCH", &format!("/v1/tags/{tag}"), Some(body));
                "tag's name"
            }
            16 if minutes.is_multiple_of(4) => {
                let body = json!({"into": TAGS[minutes % TAGS.len()]});
                self.write("PUT", &format!("/v1/tags/{tag}/merger"), Some(body));
                "merger"
            }
            17 if minutes.is_multiple_of(3) => {
                self.write("DELETE", &format!("/v1/articles/{slug}"), None);
                "deleted"
            }
            18 => {
                let status = ["draft", "published"][minutes % 2];
                let body = json!({
                    "slug": slug, "headline": self.phrase(4), "body": self.phrase(40), "language": "fr",
                    "tags": [tag], "status": status,
                });
                self.send("POST", "/v1/articles", &[], Some(body));
                "created"
            }
            _ => {
                self.now += chrono::TimeDelta::minutes(minutes as i64);
                self.keeping.clock.set(self.now);
                self.making.clock.set(self.now);
                "time"
            }
        }
    }

    fn patch(&self, slug: &str, body: Value) {
        self.write("PATCH", &format!("/v1/articles/{slug}"), Some(body));
    }

    /// On the present version of the thing that the path begins with.
    fn write(&self, method: &str, path: &str, body: Option<Value>) {
        let thing: Vec<&str> = path.split('/').take(4).collect();
        let headers = [("authorization", self.editor.as_str())];
        let read = self.keeping.get_with(&thing.join("/"), &headers);
        self.send(method, path, &[("if-match", read.header("etag"))], body);
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) {
        let reply = self
            .keeping
            .write(method, path, &self.editor, headers, body);
        assert!(reply.status < 500, "{method} {path}: {}", reply.text());
    }
}

/// What a reader sees.
fn shown(reply: &Reply) -> (u16, String, String) {
    let tag = reply.header("etag").to_owned();
    (reply.status, tag, reply.text())
}

fn paths() -> Vec<String> {
    let mut paths: Vec<String> = (0..ARTICLES + 6)
        .map(|n| format!("/v1/articles/a-{n}"))
        .collect();
    for n in [0, 3, 7, 11] {
        paths.push(format!("/v1/articles/a-{n}/related?limit=5"));
        paths.push(format!("/v1/articles/a-{n}?include=related,related_tags"));
        paths.push(format!("/v1/articles/a-{n}/related-tags"));
    }
    for tag in TAGS {
        paths.push(format!("/v1/tags/{tag}"));
        paths.push(format!("/v1/articles?tag={tag}&limit=3"));
    }
    let others = [
        "/v1/articles",
        "/v1/articles?limit=5",
        "/v1/articles?limit=5&fields=slug,headline&order_by=oldest",
        "/v1/articles?language=ar&limit=4&include=body",
        "/v1/articles?use_date=updated&limit=4",
        "/v1/articles?use_date=first_published&order_by=oldest&limit=3",
        "/v1/articles?from=2025-05-10&to=2025-05-20&limit=6",
        "/v1/articles?tag=eau|mer,-sport&count=exact&limit=2",
        "/v1/articles?q=barrage&limit=4",
        "/v1/articles?q=oued+crue&order_by=newest&count=exact",
        "/v1/articles?limit=3&include=related",
        "/v1/articles?limit=8&include=translations&fields=slug",
        "/v1/tags",
        "/v1/tags?order_by=count&limit=3&count=exact",
        "/v1/tags/eau/related",
        "/v1/related?ids=a-1,a-2",
    ];
    paths.extend(others.map(str::to_owned));
    paths
}

/// A sequence that looks random and is the same each time (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
