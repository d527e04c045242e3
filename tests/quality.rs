//! How well the related engine does on real articles: against the links that their editors made, and on tags held out.
//!
//! The figures are exact and the engine is deterministic, so a change of either is seen. One that is meant changes the
//! figures here with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use kiosque::cli::related_run::{Corpus, profile};
use kiosque::content::article::Draft;
use kiosque::content::line;
use kiosque::related::{Ask, Engine, Home, Round, Settings, Step};

#[path = "support/requirements.rs"]
mod requirements;

use requirements::real_articles;

/// What rounding on another processor may change.
const ROUNDING: f64 = 0.0005;

/// Articles with more links than this are round-ups, whose links say nothing of nearness.
const ROUND_UP: usize = 15;

// Several tests and not one, so that they can run side by side.

#[test]
fn links_of_small_sites() {
    links("cds-fr", 0.6477);
    links("cds-en", 0.7143);
    links("putaindecode-fr", 0.7489);
}

#[test]
fn links_of_a_project() {
    links("rustblog-en", 0.5733);
}

#[test]
fn links_of_an_agency() {
    links("18f-en", 0.6181);
}

#[test]
fn links_of_a_government() {
    links("servicepublic-fr", 0.5700);
}

#[test]
fn links_of_many_authors() {
    links("digitalgov-en", 0.5190);
}

#[test]
fn tags_of_an_agency() {
    tags(
        "18f-en",
        Tags {
            suggested: 0.5359,
            most_frequent: 0.2157,
            of_the_nearest: 0.4608,
        },
    );
}

#[test]
fn tags_of_a_government() {
    tags(
        "servicepublic-fr",
        Tags {
            suggested: 0.8055,
            most_frequent: 0.1658,
            of_the_nearest: 0.7680,
        },
    );
}

#[test]
fn who_has_an_article_for_a_neighbour_is_near_to_it() {
    near("putaindecode-fr", 0.9778);
    near("rustblog-en", 0.9241);
}

#[test]
fn a_list_that_is_kept_is_nearly_what_it_would_be() {
    drift("digitalgov-en", 0.9962);
}

fn drafts(folder: &Path, name: &str) -> Vec<Draft> {
    let text = fs::read_to_string(folder.join(format!("{name}.ndjson"))).unwrap();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|text| line::parse(text.as_bytes()).unwrap())
        .collect()
}

/// A site's articles, and the engine that has them all.
fn corpus(folder: &Path, name: &str) -> (Vec<Draft>, Corpus) {
    let drafts = drafts(folder, name);
    let mut corpus = Corpus::default();
    for draft in &drafts {
        corpus.add(draft).unwrap();
    }
    (drafts, corpus)
}

/// Mean nDCG@10 over all articles that link or are linked to; a link counts in both directions.
fn links(name: &str, expected: f64) {
    let Some(folder) = real_articles() else {
        return;
    };
    let (drafts, corpus) = corpus(&folder, name);
    let judged = judged(&folder, name, &drafts);
    let mut sum = 0.0;
    for (num, draft) in (1..).zip(&drafts) {
        if let Some(relevant) = judged.get(draft.external_id.as_deref().unwrap()) {
            let found = corpus.related(num, 10);
            sum += ndcg(
                found.iter().map(|(other, _)| relevant.contains(*other)),
                relevant.len(),
            );
        }
    }
    check(
        &format!("{name}, links, nDCG@10"),
        sum / judged.len() as f64,
        expected,
    );
}

/// The share of the articles in whose list of twelve another stands that are among the fifty that it is near to.
fn near(name: &str, expected: f64) {
    let Some(folder) = real_articles() else {
        return;
    };
    let (drafts, corpus) = corpus(&folder, name);
    let nums = 1..=drafts.len() as i64;
    let near: HashMap<i64, BTreeSet<i64>> = nums
        .clone()
        .map(|num| (num, corpus.engine.near(num, 50, 0).into_iter().collect()))
        .collect();
    let (mut told, mut all) = (0.0, 0.0);
    for num in nums {
        let found = corpus.engine.related(num, &Ask::nearest(12, 0)).unwrap();
        for neighbour in found.neighbours {
            all += 1.0;
            told += f64::from(u8::from(near[&neighbour.num].contains(&num)));
        }
    }
    check(&format!("{name}, near both ways"), told / all, expected);
}

/// The share of the neighbours that are the same in lists made before as many articles came as a list may outlast, and
/// in those made afterwards.
fn drift(name: &str, expected: f64) {
    let Some(folder) = real_articles() else {
        return;
    };
    let drafts = drafts(&folder, name);
    let dir = tempfile::tempdir().unwrap();
    let home = Home {
        dir: dir.path().to_owned(),
        store: name.to_owned(),
        last: Some(i64::MAX),
        lasts: 1,
    };
    let mut kept = Corpus::default();
    (kept.engine, _) = Engine::open(Settings::default(), &home, 0, 1).unwrap();
    for draft in &drafts {
        kept.add(draft).unwrap();
    }
    let nums = 1..=drafts.len() as i64;
    let count = drafts.len() / 256;
    let late: Vec<i64> = nums.clone().skip(128).step_by(256).take(count).collect();
    for num in &late {
        kept.engine.remove(*num).unwrap();
    }
    kept.engine.told(usize::MAX);
    kept.engine.commit(1).unwrap();
    let mut round = Round::default();
    while kept.engine.rank_next(&mut round, 0) != Step::Nothing {}
    for num in &late {
        let draft = &drafts[*num as usize - 1];
        let tags = kept.tags(draft);
        kept.engine.upsert(&profile(*num, draft, &tags)).unwrap();
    }
    kept.engine.commit(1 + count as i64).unwrap();
    for num in &late {
        kept.engine.forget_rankings(&kept.engine.near(*num, 50, 0));
    }
    kept.engine.told(count);
    let outlast = kept.engine.ranked() as f64 / drafts.len() as f64;
    println!("{name}: {outlast:.3} of the lists outlast {count} articles that come");
    let exact = corpus(&folder, name);
    let (mut same, mut all) = (0.0, 0.0);
    for num in nums {
        let found = |corpus: &Corpus| corpus.engine.related(num, &Ask::nearest(12, 0)).unwrap();
        let found = [found(&kept), found(&exact.1)].map(|related| related.neighbours);
        for neighbour in &found[1] {
            all += 1.0;
            let is_there = found[0].iter().any(|other| other.num == neighbour.num);
            same += f64::from(u8::from(is_there));
        }
    }
    check(&format!("{name}, kept"), same / all, expected);
}

fn judged(folder: &Path, name: &str, drafts: &[Draft]) -> BTreeMap<String, BTreeSet<String>> {
    let known: BTreeSet<&str> = drafts
        .iter()
        .filter_map(|draft| draft.external_id.as_deref())
        .collect();
    let text = fs::read_to_string(folder.join(format!("{name}.links.tsv"))).unwrap();
    let mut out: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in text.lines().filter_map(|line| line.split_once('\t')) {
        if from != to && known.contains(from) && known.contains(to) {
            out.entry(from).or_default().insert(to);
        }
    }
    let round_up = |from: &str| out.get(from).is_some_and(|to| to.len() > ROUND_UP);
    let mut judged: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, to) in out.iter().filter(|(from, _)| !round_up(from)) {
        for to in to {
            judged
                .entry((*from).to_owned())
                .or_default()
                .insert((*to).to_owned());
            if !round_up(to) {
                judged
                    .entry((*to).to_owned())
                    .or_default()
                    .insert((*from).to_owned());
            }
        }
    }
    judged
}

fn ndcg(hits: impl Iterator<Item = bool>, relevant: usize) -> f64 {
    let discount = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    let gained: f64 = hits
        .enumerate()
        .filter(|(_, hit)| *hit)
        .map(|(rank, _)| discount(rank))
        .sum();
    gained / (0..relevant.min(10)).map(discount).sum::<f64>()
}

/// Mean precision of three tags, and of the two simplest ways to choose them.
#[derive(Default)]
struct Tags {
    suggested: f64,
    most_frequent: f64,
    of_the_nearest: f64,
}

/// Each fifth article is asked about without its tags, among the others with theirs.
fn tags(name: &str, expected: Tags) {
    let Some(folder) = real_articles() else {
        return;
    };
    let mut corpus = Corpus::default();
    let drafts = drafts(&folder, name);
    let borne: Vec<Vec<i64>> = drafts.iter().map(|draft| corpus.tags(draft)).collect();
    for draft in &drafts {
        corpus.add(draft).unwrap();
    }
    let mut bearers: HashMap<i64, usize> = HashMap::new();
    for tag in borne.iter().flatten() {
        *bearers.entry(*tag).or_default() += 1;
    }
    let mut frequent: Vec<i64> = bearers.keys().copied().collect();
    frequent.sort_unstable_by_key(|tag| (std::cmp::Reverse(bearers[tag]), *tag));
    let mut seen = Tags::default();
    let mut count = 0.0;
    for (at, draft) in drafts.iter().enumerate().step_by(5) {
        // A tag that no other article bears cannot be guessed.
        let wanted: Vec<i64> = borne[at]
            .iter()
            .copied()
            .filter(|tag| bearers[tag] > 1)
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let hits = |tags: &mut dyn Iterator<Item = i64>| {
            tags.take(3).filter(|tag| wanted.contains(tag)).count() as f64 / 3.0
        };
        let num = at as i64 + 1;
        let untagged = profile(num, draft, &[]);
        let suggested = corpus.engine.suggest_tags(&untagged, 3, 0, None);
        seen.suggested += hits(&mut suggested.iter().map(|found| found.tag));
        seen.most_frequent += hits(&mut frequent.iter().copied());
        let nearest = corpus
            .engine
            .related_to_text(&untagged, &Ask::nearest(1, 0));
        if let Some(neighbour) = nearest.neighbours.first() {
            seen.of_the_nearest += hits(&mut borne[neighbour.num as usize - 1].iter().copied());
        }
        count += 1.0;
    }
    check(
        &format!("{name}, suggested tags, P@3"),
        seen.suggested / count,
        expected.suggested,
    );
    check(
        &format!("{name}, most frequent tags, P@3"),
        seen.most_frequent / count,
        expected.most_frequent,
    );
    check(
        &format!("{name}, tags of the nearest, P@3"),
        seen.of_the_nearest / count,
        expected.of_the_nearest,
    );
}

fn check(what: &str, seen: f64, expected: f64) {
    println!("{what}: {seen:.4}");
    assert!(
        (seen - expected).abs() <= ROUNDING,
        "{what}: {seen:.4}, not {expected:.4}"
    );
}
