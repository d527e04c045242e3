//! The inner parts of a read, without the network: `cargo bench --bench read`, on the sample articles.

use std::hint::black_box;
use std::time::{Duration, Instant};

use actix_web::http::Method;
use actix_web::http::header::ACCEPT_ENCODING;
use actix_web::test::TestRequest;
use kiosque::api::article_views;
use kiosque::api::conditional::Answer;
use kiosque::api::inputs::{ListInput, Shape};
use kiosque::api::state::State;
use kiosque::api::views::ArticleView;
use kiosque::api::wish::Wish;
use kiosque::cache::{Depends, Ledger, Moves};
use kiosque::cli::serve::assemble;
use kiosque::config::Config;
use kiosque::content::sight::Sight;
use kiosque::content::time::Clock;
use kiosque::db::Database;
use kiosque::store::articles;
use kiosque::transfer::import::{self, Complaint, Options, Summary, Watcher};
use tempfile::TempDir;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SAMPLES: &[u8] = include_bytes!("../samples/portail.ndjson");
const SLUG: &str = "reunion-ministres-rabat-securite-france-maroc";
const QUERY: &str = "tag=(eau|secheresse),-tourisme&language=fr&from=2024-01-01&limit=20&include=body&fields=slug,headline";

/// How often each is run, and how long a run takes at the least: short, so that some are not interrupted.
const RUNS: usize = 300;
const RUN: Duration = Duration::from_millis(1);

fn main() {
    let site = Site::open();
    let whole = Shape::whole(Sight::Public);
    let with_related = Shape {
        related: true,
        ..whole.clone()
    };
    let article = site.article(&whole);
    let json = serde_json::to_vec(&article).expect("it is serialised");
    println!("an article of {} bytes of JSON", json.len());
    let now = site.clock.now();

    tell("parse the parameters of a list", || {
        ListInput::parse(black_box(QUERY))
    });
    tell_of_the_ledger();
    tell("article from the database", || site.article(&whole));
    tell("article with related ones from the database", || {
        site.article(&with_related)
    });
    tell("article as JSON", || serde_json::to_vec(&article));
    for coding in ["identity", "gzip", "zstd", "br"] {
        let request = TestRequest::default()
            .insert_header((ACCEPT_ENCODING, coding))
            .to_http_request();
        tell(&format!("entity tag, coding and headers, {coding}"), || {
            let wish = Wish::of(&Method::GET, &request);
            let finished = Answer::of_json(json.clone()).finish(10);
            finished.prepare(&wish);
            finished.respond(&wish, now)
        });
        let wish = Wish::of(&Method::GET, &request);
        let finished = Answer::of_json(json.clone()).finish(10);
        finished.prepare(&wish);
        tell(&format!("the same once it is kept, {coding}"), || {
            finished.respond(&Wish::of(&Method::GET, &request), now)
        });
    }
}

/// Each hit asks it after each write.
fn tell_of_the_ledger() {
    const GROUPS: usize = 60;
    let ledger = Ledger::at(0, 0);
    for line in 1..=5_000 {
        let groups = (0..8).map(|number| format!("article:{line}-{number}"));
        let moves = Moves {
            groups: groups.collect(),
            articles: Vec::new(),
        };
        ledger.record(line, &moves);
    }
    let names: Vec<String> = (0..GROUPS)
        .map(|at| format!("article:{}-1", at * 80))
        .collect();
    let depends = Depends::on(names.iter().map(String::as_str));
    for writes in [1, 4, 100] {
        let seen = ledger.position() - writes;
        tell(
            &format!("whether any of {GROUPS} groups moved with the last {writes} writes"),
            || ledger.look(&depends, black_box(seen), (0, 0)).is_some(),
        );
    }
}

fn tell<T>(what: &str, work: impl Fn() -> T) {
    let timed = |times: u32| {
        let started = Instant::now();
        for _ in 0..times {
            black_box(work());
        }
        started.elapsed()
    };
    let mut times = 1;
    while timed(times) < RUN {
        times *= 2;
    }
    let mut took: Vec<Duration> = (0..RUNS).map(|_| timed(times) / times).collect();
    took.sort_unstable();
    let [fastest, median] = [took[0], took[RUNS / 2]].map(|took| took.as_secs_f64() * 1e6);
    println!("{what}: {fastest:.2} µs at best, {median:.2} µs in the median");
}

/// The sample articles in a database, and what a server has around it.
struct Site {
    _folder: TempDir,
    database: Database,
    state: State,
    clock: Clock,
}

impl Site {
    fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("bench.db").display());
        let variables = [("DATABASE_URL".to_owned(), url)].into();
        let config = Config::from_variables(&variables).expect("it is valid");
        let clock = Clock::at("2026-11-01T12:00:00Z".parse().expect("a time"));
        let database =
            Database::open(&config.database_url, 1, config.db_timeout).expect("a database is made");
        let options = Options {
            dry_run: false,
            threads: 1,
            clock: clock.clone(),
            by: None,
            permit: None,
        };
        import::run(&database, SAMPLES, &options, &mut Strict).expect("they are imported");
        // Small as they are, the samples are indexed before this returns.
        let (state, services) =
            assemble(&config, database.clone(), clock.clone()).expect("it is put together");
        services.stop();
        Self {
            _folder: folder,
            database,
            state,
            clock,
        }
    }

    fn article(&self, shape: &Shape) -> ArticleView {
        let now = self.clock.now();
        let mut views = self
            .database
            .read(|conn| {
                let row = articles::find(conn, SLUG)?.into_iter().collect::<Vec<_>>();
                article_views::articles(conn, &self.state, &row, shape, now)
            })
            .expect("it is read");
        views.remove(0)
    }
}

struct Strict;

impl Watcher for Strict {
    fn progress(&mut self, _: u64, _: &Summary) {}
    fn complain(&mut self, complaint: &Complaint) {
        panic!("{complaint:?}");
    }
}
