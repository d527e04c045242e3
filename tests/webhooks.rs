//! Every event arrives at least once, in the order of its article, though the receiver fails, stalls and lies and two
//! servers are killed at random.
//!
//! The short runs are for every day. The long one takes `KIOSQUE_TEST_EVENTS` (100,000), `KIOSQUE_TEST_SEED`,
//! `KIOSQUE_TEST_DATABASE` (one of `SQLite` and `PostgreSQL`, or both) and `KIOSQUE_TEST_PROGRAM`:
//! `cargo test --test webhooks -- --ignored --nocapture`.

mod support;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use chrono::Utc;
use kiosque::config::DatabaseUrl;
use kiosque::content::time::to_stored;
use kiosque::db::Database;
use kiosque::store::changes;
use kiosque::store::webhook_filters::Filter;
use kiosque::store::webhooks::{self, WebhookRow};
use support::app::import_into;
use support::hook::{Heard, Hook, Manner, SECRET};
use support::{Place, article, places, program};
use uuid::Uuid;

/// Events of one article, on average: each waits for the one before.
const PER_ARTICLE: u64 = 25;

/// Numbers that look like chance and come again with the same seed.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % count
    }
}

/// A server in a process of its own, with a folder that it keeps over its restarts.
struct Server {
    folder: tempfile::TempDir,
    url: String,
    process: Option<Child>,
}

impl Server {
    fn new(place: &Place) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            url: match &place.url {
                DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
                DatabaseUrl::Postgres(url) => url.clone(),
            },
            process: None,
        }
    }

    fn start(&mut self) {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port.local_addr().unwrap().port();
        let process = Command::new(program())
            .arg("serve")
            .current_dir(self.folder.path())
            .env_clear()
            .env("DATABASE_URL", &self.url)
            .env("KIOSQUE_LISTEN", format!("127.0.0.1:{port}"))
            .env("KIOSQUE_SEARCH_DIR", self.folder.path().join("search"))
            .env("KIOSQUE_WORKERS", "1")
            .env("KIOSQUE_DB_CONNECTIONS", "4")
            .env("KIOSQUE_DB_TIMEOUT", "30")
            .env("KIOSQUE_FOLLOW_INTERVAL", "20")
            .env("KIOSQUE_WEBHOOK_ALLOW", "127.0.0.0/8")
            .env("KIOSQUE_WEBHOOK_HTTP", "true")
            .env("KIOSQUE_WEBHOOK_TIMEOUT", "1")
            .env("KIOSQUE_WEBHOOK_CONNECTIONS", "8")
            // Long enough that nothing is given up.
            .env(
                "KIOSQUE_WEBHOOK_RETRIES",
                format!("{},86400", ["1"; 29].join(",")),
            )
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.process = Some(process.unwrap());
    }

    /// As by `kill -9`.
    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn tell(database: &Database, hook: &Hook, position: i64) {
    let now = to_stored(Utc::now());
    let row = WebhookRow {
        id: Uuid::now_v7().to_string(),
        url: hook.url.clone(),
        description: None,
        filter: Filter::default().to_text().unwrap(),
        secret: SECRET.to_owned(),
        former_secret: None,
        former_until: None,
        position,
        failing_since: None,
        disabled_at: None,
        disabled_reason: None,
        lease_owner: None,
        lease_until: None,
        created_at: now,
        created_by: None,
        updated_at: now,
        deleted_at: None,
        version: 1,
    };
    database.write(|conn| webhooks::insert(conn, &row)).unwrap();
}

/// A line of the import for each of some articles, at random.
fn edits(dice: &mut Dice, articles: u64, count: u64, from: u64) -> String {
    let mut lines = String::new();
    for n in from..from + count {
        let name = format!("a-{}", dice.below(articles));
        let edited = article(&name).headed(&format!("Titre {n}"));
        let edited = match dice.below(12) {
            0 => edited.status("withdrawn"),
            1 => edited.tagged(&format!("t-{}", dice.below(5))),
            _ => edited,
        };
        lines.push_str(&format!("{}\n", edited.0));
    }
    lines
}

/// What the public may know of, in the order of the log: number and thing.
fn expected(database: &Database) -> Vec<(i64, String)> {
    let mut expected = Vec::new();
    let mut seq = 0;
    loop {
        let lines = database
            .read(|conn| changes::after(conn, seq, 1000))
            .unwrap();
        let Some(last) = lines.last() else {
            return expected;
        };
        seq = last.seq;
        let public = lines.iter().filter(|line| line.action != "saved");
        expected.extend(public.map(|line| (line.seq, format!("{}:{}", line.kind, line.id))));
    }
}

/// Before an event of a thing comes, the one before it has been taken.
fn check(heard: &[Heard], expected: &[(i64, String)]) {
    let mut before: HashMap<i64, Option<i64>> = HashMap::new();
    let mut last: HashMap<&str, i64> = HashMap::new();
    for (seq, thing) in expected {
        before.insert(*seq, last.insert(thing, *seq));
    }
    let mut taken = HashSet::new();
    let mut ids: HashMap<i64, &str> = HashMap::new();
    for one in heard {
        let seq = one.seq();
        assert!(one.is_signed_with(SECRET), "{seq}");
        let earlier = before
            .get(&seq)
            .unwrap_or_else(|| panic!("{seq} is no one's to know"));
        assert!(
            earlier.is_none_or(|earlier| taken.contains(&earlier)),
            "{seq} before {earlier:?}"
        );
        assert_eq!(
            *ids.entry(seq).or_insert(one.id()),
            one.id(),
            "one event has one id"
        );
        if one.is_taken {
            taken.insert(seq);
        }
    }
    let unique: HashSet<&str> = ids.values().copied().collect();
    assert_eq!(unique.len(), ids.len(), "an id is one event's");
}

fn missing(heard: &[Heard], expected: &[(i64, String)]) -> BTreeSet<i64> {
    let taken = heard.iter().filter(|one| one.is_taken).map(Heard::seq);
    let taken: HashSet<i64> = taken.collect();
    let seqs = expected.iter().map(|(seq, _)| *seq);
    seqs.filter(|seq| !taken.contains(seq)).collect()
}

/// A receiver that fails in every way, and takes two of three.
fn moody(hook: &Hook, seed: u64) {
    let mut dice = Dice(seed);
    hook.choose(move |_| match dice.below(1000) {
        0..=149 => Manner::Answer(500),
        150..=219 => Manner::Close,
        220..=259 => Manner::Noise,
        260..=279 => Manner::BreakOff,
        280..=281 => Manner::Stall,
        282..=283 => Manner::Drip,
        284 => Manner::Huge,
        285..=300 => Manner::With(503, "retry-after", "1".to_owned()),
        301..=320 => Manner::With(302, "location", "http://127.0.0.1:9/".to_owned()),
        _ => Manner::Answer(204),
    });
}

fn run(place: &Place, events: u64, seed: u64, between_kills: u64, within: Duration) {
    let name = place.name;
    let database = place.open();
    let (mut dice, hook) = (Dice(seed), Hook::new());
    moody(&hook, seed + 1);
    tell(&database, &hook, 0);
    let mut servers = [Server::new(place), Server::new(place)];
    servers.iter_mut().for_each(Server::start);
    let deadline = Instant::now() + within;
    let (mut written, mut kills) = (0, 0);
    let mut next_kill = Instant::now() + Duration::from_millis(between_kills);
    let mut all = Vec::new();
    loop {
        if written < events {
            // Small writes and large ones, so that the servers come and go while there is something to send.
            let part = (1 + dice.below(events.div_ceil(20))).min(events - written);
            let lines = edits(&mut dice, 1 + events / PER_ARTICLE, part, written);
            import_into(&database, &lines, false, Utc::now());
            written += part;
            all = expected(&database);
        }
        if Instant::now() >= next_kill {
            let which = dice.below(2) as usize;
            servers[which].kill();
            kills += 1;
            servers[which].start();
            let rest = between_kills / 2 + dice.below(between_kills);
            next_kill = Instant::now() + Duration::from_millis(rest);
        }
        let heard = hook.count();
        if written == events && heard >= all.len() {
            let left = hook.look(|heard| missing(heard, &all));
            if left.is_empty() {
                break;
            }
            let first: Vec<_> = left.iter().take(5).collect();
            assert!(
                Instant::now() < deadline,
                "{name}: {} missing, {first:?}",
                left.len()
            );
        }
        assert!(
            Instant::now() < deadline,
            "{name}: {heard} heard of {}",
            all.len()
        );
        std::thread::sleep(Duration::from_millis(50 + events / 200));
    }
    let heard = hook.heard();
    check(&heard, &all);
    // As the receiver itself would, while it is fresh.
    heard
        .iter()
        .rev()
        .take(5)
        .for_each(|one| one.verify(SECRET));
    println!(
        "{name}: {} events, {} requests, {kills} kills, seed {seed}",
        all.len(),
        heard.len()
    );
}

#[test]
fn every_event_arrives_whatever_is_killed() {
    std::thread::scope(|scope| {
        for place in places() {
            scope.spawn(move || run(&place, 200, 7, 3_000, Duration::from_secs(120)));
        }
    });
}

/// A setting of the runs that take long.
fn setting<T: FromStr>(name: &str, default: T) -> T {
    let Ok(text) = std::env::var(name) else {
        return default;
    };
    let value = text.parse();
    value.unwrap_or_else(|_| panic!("{name} cannot be {text:?}"))
}

/// The databases that are asked for.
fn chosen_places() -> Vec<Place> {
    let name = setting("KIOSQUE_TEST_DATABASE", String::new());
    let mut places = places();
    places.retain(|place| name.is_empty() || place.name == name);
    assert!(!places.is_empty(), "there is no database {name:?}");
    places
}

#[test]
#[ignore = "takes long"]
fn a_hundred_thousand_events_arrive_whatever_is_killed() {
    let events = setting("KIOSQUE_TEST_EVENTS", 100_000);
    let seed = setting("KIOSQUE_TEST_SEED", 1);
    for place in chosen_places() {
        run(&place, events, seed, 20_000, Duration::from_secs(4 * 3600));
    }
}

#[test]
#[ignore = "measures"]
fn events_a_second() {
    for place in chosen_places() {
        for (hooks, events) in [(1, 4_000), (20, 500)] {
            measure(&place, hooks, events);
        }
    }
}

fn measure(place: &Place, count: usize, events: u64) {
    let database = place.open();
    let hooks: Vec<Hook> = (0..count).map(|_| Hook::new()).collect();
    let lines: String = (0..events)
        .map(|n| {
            format!(
                "{}\n",
                article(&format!("m-{count}-{n}")).headed(&n.to_string()).0
            )
        })
        .collect();
    let before = database.read(changes::last).unwrap();
    import_into(&database, &lines, false, Utc::now());
    for hook in &hooks {
        tell(&database, hook, before);
    }
    let mut server = Server::new(place);
    server.start();
    let first = hooks[0].until(Duration::from_secs(120), "begun", |all| !all.is_empty());
    let began = first[0].at;
    let total = (database.read(changes::last).unwrap() - before) as usize;
    for hook in &hooks {
        hook.until(Duration::from_secs(600), "done", |all| all.len() >= total);
    }
    let took = began.elapsed();
    let rate = (total * hooks.len()) as f64 / took.as_secs_f64();
    println!(
        "{}: {} webhooks, {total} events each: {took:.1?}, {rate:.0} a second",
        place.name,
        hooks.len()
    );
    database
        .write(|conn| {
            for row in webhooks::page(conn, None, 100)? {
                webhooks::delete(conn, &row.id, Utc::now())?;
            }
            Ok(())
        })
        .unwrap();
}
