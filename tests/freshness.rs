//! What is kept is never stale: a server that keeps its answers says, after each of many random writes and moves of the
//! clock, exactly what one on the same database says that makes every answer anew.

mod support;

use std::thread;
use std::time::Duration;

use support::crowd::Crowd;
use support::writer::{Writer, paths, shown};
use support::{App, Place, places};

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
        Crowd::new(App::on(place)).work(16, Duration::from_secs(3));
    }
}

#[test]
#[ignore = "takes ten minutes"]
fn no_reader_is_given_less_than_was_acknowledged_in_ten_minutes() {
    thread::scope(|scope| {
        for place in places() {
            scope.spawn(|| Crowd::new(App::on(place)).work(32, Duration::from_secs(600)));
        }
    });
}

/// Two servers on one database, and someone who writes.
struct Newsroom {
    keeping: App,
    making: App,
    writer: Writer,
}

impl Newsroom {
    fn new(place: Place, seed: u64) -> Self {
        let other = place.shared();
        let keeping = App::on(place);
        let making = App::configured(other, |config| config.cache = 0);
        let writer = Writer::new(seed, &[&keeping, &making]);
        Self {
            keeping,
            making,
            writer,
        }
    }

    fn work(mut self, turns: usize) {
        let mut done = std::collections::BTreeMap::<&str, usize>::new();
        self.compare("at the start");
        for turn in 0..turns {
            let what = self.writer.change(&self.keeping);
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
}
