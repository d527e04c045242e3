//! The related engine alone: `cargo bench --bench related -- [ARTICLES]` makes up a corpus, keeps it in a file, and
//! tells how long lookups, updates and loading take, on one core but for loading, and what memory that needs.
//!
//! The made-up articles have about 550 words: half from a vocabulary in which a word's frequency falls with its
//! rank (Zipf), and half from the few hundred words of one of many topics, so that each has neighbours.

#[path = "http/reference/random.rs"]
mod random;

use std::time::{Duration, Instant};

use kiosque::related::{Article, Ask, Engine, Home, Language, Profile, Settings, Window};
use random::Random;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WORDS: usize = 550;
const LOOKUPS: usize = 2_000;
const UPDATES: usize = 2_000;
const NOW: i64 = 1_700_000_000_000_000;

fn main() {
    let wanted = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let count: i64 = wanted.unwrap_or(100_000);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let folder = tempfile::tempdir().expect("a folder");
    let open = || {
        let settings = Settings::default();
        let home = Home {
            dir: folder.path().to_owned(),
            store: "bench".to_owned(),
            last: Some(1),
            lasts: 0,
        };
        Engine::open(settings, &home, NOW, threads).expect("the file opens")
    };
    println!("{count} made-up articles of {WORDS} words, {threads} cores");

    let (mut engine, _) = open();
    let started = Instant::now();
    for first in (1..=count).step_by(4_096) {
        for profile in profiles(first..(first + 4_096).min(count + 1), threads) {
            engine.upsert(&profile).expect("it is kept");
        }
    }
    engine.commit(1).expect("it is kept");
    tell_rate("analyse and take in", started.elapsed(), count);
    println!(
        "memory, without what is mapped: {:.0} bytes an article (resident {})",
        engine.heap_bytes() as f64 / count as f64,
        resident()
    );
    drop(engine);

    let started = Instant::now();
    let (mut engine, position) = open();
    assert_eq!((position, engine.len() as i64), (Some(1), count));
    tell_rate("load from the file", started.elapsed(), count);
    println!(
        "memory, without what is mapped: {:.0} bytes an article (resident {})",
        engine.heap_bytes() as f64 / count as f64,
        resident()
    );

    let mut random = Random(7);
    let mut some = || -> Vec<i64> {
        (0..LOOKUPS)
            .map(|_| 1 + random.below(count as usize) as i64)
            .collect()
    };
    let (early, nums) = (some(), some());
    let lookup = |engine: &Engine, num: i64| {
        // A rare topic may leave one without neighbours.
        std::hint::black_box(engine.related(num, &ask()).expect("it is known"));
    };
    tell_times(
        "lookup, right after loading",
        early.iter().map(|num| timed(|| lookup(&engine, *num))),
    );
    tell_refresh("compute the weights of all", &mut engine);
    tell_times(
        "lookup",
        nums.iter().map(|num| timed(|| lookup(&engine, *num))),
    );
    tell_times(
        "lookup again, of what is kept",
        nums.iter().map(|num| timed(|| lookup(&engine, *num))),
    );

    let edits = profiles(count + 1..count + 1 + UPDATES as i64, threads);
    let times = edits.iter().map(|profile| {
        timed(|| {
            engine.upsert(profile).expect("it is kept");
        })
    });
    tell_times(
        "take in a new article",
        times.collect::<Vec<_>>().into_iter(),
    );
    let edits: Vec<Profile> = nums
        .iter()
        .map(|num| profile(*num, *num as u64 + 17))
        .collect();
    let times = edits.iter().map(|profile| {
        timed(|| {
            engine.upsert(profile).expect("it is kept");
        })
    });
    tell_times("replace an article", times.collect::<Vec<_>>().into_iter());
    tell_refresh("compute what the edits made stale", &mut engine);
    tell_times(
        "lookup among edits",
        nums.iter().map(|num| timed(|| lookup(&engine, *num))),
    );
}

/// As the follower does when there is nothing to follow.
fn tell_refresh(what: &str, engine: &mut Engine) {
    const TURN: usize = 250;
    let mut moved = engine.take_moved();
    moved.sort_unstable();
    moved.dedup();
    let turns: Vec<Duration> = moved
        .chunks(TURN)
        .map(|slots| timed(|| engine.refresh(slots)))
        .collect();
    let seconds = turns.iter().sum::<Duration>().as_secs_f64();
    println!("{what}, of {} articles: {seconds:.2} s", moved.len());
    tell_times(&format!("{TURN} at a time"), turns.into_iter());
}

fn ask() -> Ask<'static> {
    Ask {
        limit: 12,
        exclude: &[],
        from: None,
        language: Language::Own,
        tag: None,
        now: NOW,
        rights: None,
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn tell_rate(what: &str, took: Duration, count: i64) {
    let seconds = took.as_secs_f64();
    println!(
        "{what}: {seconds:.1} s, {:.0} articles/s",
        count as f64 / seconds
    );
}

fn tell_times(what: &str, times: impl Iterator<Item = Duration>) {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{what}: p50 {:.3} ms, p90 {:.3} ms, p99 {:.3} ms, most {:.3} ms",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
}

/// What the system says this process holds: all, and the share that is mapped from files.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let megabytes = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        kilobytes.unwrap_or(0.0) / 1024.0
    };
    let (all, files) = (megabytes("VmRSS:"), megabytes("RssFile:"));
    format!("{all:.0} MB, of it {files:.0} MB mapped")
}

fn profiles(nums: std::ops::Range<i64>, threads: usize) -> Vec<Profile> {
    let nums: Vec<i64> = nums.collect();
    let share = nums.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let shares: Vec<_> = nums
            .chunks(share)
            .map(|nums| {
                scope.spawn(|| {
                    nums.iter()
                        .map(|num| profile(*num, *num as u64))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        shares
            .into_iter()
            .flat_map(|share| share.join().expect("it runs"))
            .collect()
    })
}

fn profile(num: i64, seed: u64) -> Profile {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1);
    let topic = random.below(4_000);
    let mut text = String::with_capacity(WORDS * 8);
    for i in 0..WORDS {
        let word = match random.below(2) {
            0 => random.zipf(400_000),
            _ => topic_word(topic, random.zipf(400)),
        };
        push_word(&mut text, word);
        text.push_str(if i % 17 == 16 { ". " } else { " " });
    }
    let mut headline = String::new();
    for _ in 0..9 {
        let word = topic_word(topic, random.zipf(100));
        push_word(&mut headline, word);
        headline.push(' ');
    }
    let tags: Vec<i64> = (0..4)
        .map(|i| match i {
            0 => 1 + (topic % 500) as i64,
            _ => 1_000 + random.zipf(20_000) as i64,
        })
        .collect();
    Profile::of(&Article {
        num,
        language: "fr",
        headline: &headline,
        standfirst: None,
        body: &text,
        tags: &tags,
        published_at: 1_500_000_000 + random.below(200_000_000) as i64,
        visible: Window::ALWAYS,
        translation_group: None,
        pins: &[],
        bans: &[],
        sensitive: false,
        source: None,
        syndicatable: true,
    })
}

/// The rank of a topic's word in the vocabulary.
fn topic_word(topic: usize, nth: usize) -> usize {
    let mut random = Random((topic * 1_000 + nth) as u64 ^ 0xa5a5);
    200 + random.zipf(300_000)
}

/// A word of three letters or more for each number, none of which stems to another.
fn push_word(text: &mut String, mut number: usize) {
    const SYLLABLES: [&str; 16] = [
        "bo", "ca", "du", "fo", "ga", "ho", "ju", "ka", "lo", "mu", "na", "po", "ru", "so", "tu",
        "vo",
    ];
    loop {
        text.push_str(SYLLABLES[number % 16]);
        number /= 16;
        if number == 0 {
            break;
        }
    }
    text.push('k');
}
