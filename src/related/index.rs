//! The inverted index and the counts that weights are made of.

use std::collections::HashMap;
use std::thread;

use super::hashing::{ByHash, hash};
use super::postings::{LEVEL_BITS, LEVELS, Postings, Slot};
use super::record::{Record, Terms};
use super::weights::{Formula, Powers, Saturation, idf, step, value};

/// The vocabulary is cut by the upper bits of the hash, so that several threads can fill it.
const SHARDS: usize = 16;

/// Impact is told against this length, whatever the mean is today: it only finds candidates.
const USUAL_LENGTH: f32 = 400.0;

/// What each level of impact stands for: saturated term frequency.
const IMPACT: [f32; LEVELS] = [0.25, 0.45, 0.65, 0.9, 1.15, 1.45, 1.75, 2.1];

/// Tags share the vocabulary with stems.
const TAG_SEED: u64 = 0x0074_6167;

/// Counts only, never weights: weights move with every article, so they are made when asked for, and
/// an answer does not depend on the order of arrival.
pub(super) struct Index {
    shards: Vec<ByHash<Postings>>,
    languages: ByHash<Totals>,
    all: Totals,
    weights: Powers,
}

/// Of one language, or of all.
#[derive(Clone, Copy, Default)]
pub(super) struct Totals {
    pub articles: u32,
    /// Words, headline and body alike.
    words: u64,
}

impl Totals {
    /// ln N in steps.
    pub fn step(&self) -> i32 {
        step(self.articles)
    }

    pub fn mean_length(&self) -> f32 {
        value(self.length_step()).max(1.0)
    }

    fn length_step(&self) -> i32 {
        let mean = self.words / u64::from(self.articles.max(1));
        step(u32::try_from(mean).unwrap_or(u32::MAX))
    }

    fn add(&mut self, words: u32) {
        self.articles += 1;
        self.words += u64::from(words);
    }

    fn remove(&mut self, words: u32) {
        self.articles = self.articles.saturating_sub(1);
        self.words = self.words.saturating_sub(u64::from(words));
    }

    fn weighs_as(&self, other: &Self) -> bool {
        self.step() == other.step() && self.length_step() == other.length_step()
    }
}

/// What a change of the counts made stale.
pub(super) enum Stale<'a> {
    /// Weights of these articles.
    Bearers(&'a Postings),
    /// Weights of every article of the language.
    Language(u32),
    /// Weights of every article.
    All,
}

impl Index {
    pub fn new(formula: &Formula) -> Self {
        Self {
            weights: Powers::new(1.0 + formula.idf_power),
            shards: (0..SHARDS).map(|_| HashMap::default()).collect(),
            languages: HashMap::default(),
            all: Totals::default(),
        }
    }

    /// Takes an article in; `slot` is above every slot that was ever used.
    pub fn add(
        &mut self,
        slot: Slot,
        record: &Record,
        formula: &Formula,
        stale: &mut dyn FnMut(Stale),
    ) {
        self.count(record.language(), stale, |totals| {
            totals.add(record.words())
        });
        self.put(slot, record, formula, &|_| true, stale);
    }

    /// Takes an article out; `alive` no longer knows its slot.
    pub fn remove(
        &mut self,
        record: &Record,
        formula: &Formula,
        alive: &dyn Fn(Slot) -> bool,
        stale: &mut dyn FnMut(Stale),
    ) {
        self.count(record.language(), stale, |totals| {
            totals.remove(record.words());
        });
        self.take(record, formula, alive, &|_| true, stale);
    }

    /// Takes an article in, at `slot`, in the place of what it was, in the same language. Weights of terms that it keeps
    /// stay: one less and one more is nothing.
    pub fn replace(
        &mut self,
        (before, alive): (&Record, &dyn Fn(Slot) -> bool),
        (slot, record): (Slot, &Record),
        formula: &Formula,
        stale: &mut dyn FnMut(Stale),
    ) {
        self.count(record.language(), stale, |totals| {
            totals.remove(before.words());
            totals.add(record.words());
        });
        let (had, has) = (terms(before, formula), terms(record, formula));
        let is_lost = |term| has.binary_search(&term).is_err();
        self.take(before, formula, alive, &is_lost, stale);
        let is_new = |term| had.binary_search(&term).is_err();
        self.put(slot, record, formula, &is_new, stale);
    }

    fn put(
        &mut self,
        slot: Slot,
        record: &Record,
        formula: &Formula,
        counts: &dyn Fn(u32) -> bool,
        stale: &mut dyn FnMut(Stale),
    ) {
        for (hash, level) in entries(record, formula) {
            let shard = &mut self.shards[shard_of(hash)];
            let postings = shard
                .entry(hash)
                .and_modify(|postings| postings.push(slot, level))
                .or_insert_with(|| Postings::of(slot, level));
            let df = postings.len();
            if step(df) != step(df - 1) && counts(hash) {
                stale(Stale::Bearers(postings));
            }
        }
    }

    fn take(
        &mut self,
        record: &Record,
        formula: &Formula,
        alive: &dyn Fn(Slot) -> bool,
        counts: &dyn Fn(u32) -> bool,
        stale: &mut dyn FnMut(Stale),
    ) {
        for (hash, _) in entries(record, formula) {
            let shard = &mut self.shards[shard_of(hash)];
            let Some(postings) = shard.get_mut(&hash) else {
                continue;
            };
            let df = postings.len();
            if postings.forget(alive) {
                shard.remove(&hash);
            } else if step(df) != step(df - 1) && counts(hash) {
                stale(Stale::Bearers(postings));
            }
        }
    }

    /// Takes many articles in, in rising order of slots, before any weight was computed.
    pub fn add_all(&mut self, articles: &[(Slot, Record)], formula: &Formula, threads: usize) {
        for (_, record) in articles {
            let totals = self.languages.entry(record.language()).or_default();
            totals.add(record.words());
            self.all.add(record.words());
        }
        let share = SHARDS.div_ceil(threads.max(1));
        thread::scope(|scope| {
            for (i, shards) in self.shards.chunks_mut(share).enumerate() {
                scope.spawn(move || fill(shards, i * share, articles, formula));
            }
        });
    }

    /// Gives back the room that was kept for growth: once all is in, little comes.
    pub fn shrink(&mut self) {
        let lists = self.shards.iter_mut().flat_map(ByHash::values_mut);
        lists.for_each(Postings::shrink);
    }

    fn count(&mut self, language: u32, stale: &mut dyn FnMut(Stale), change: impl Fn(&mut Totals)) {
        let totals = self.languages.entry(language).or_default();
        let before = *totals;
        change(totals);
        if !totals.weighs_as(&before) {
            stale(Stale::Language(language));
        }
        let before = self.all.step();
        change(&mut self.all);
        if self.all.step() != before {
            stale(Stale::All);
        }
    }

    pub fn totals(&self, language: u32) -> Totals {
        self.languages.get(&language).copied().unwrap_or_default()
    }

    /// Of all languages.
    pub fn all(&self) -> Totals {
        self.all
    }

    /// How many articles bear the tag.
    pub fn bearers(&self, tag: i64) -> u32 {
        self.df(tag_term(tag))
    }

    pub fn tag_idf(&self, tag: i64) -> f32 {
        self.idf(self.all.step(), tag_term(tag))
    }

    /// Among articles of which there are so many steps.
    pub fn idf(&self, articles: i32, term: u32) -> f32 {
        idf(articles, self.step(term))
    }

    /// ln of how many articles have the term, in steps; one that nobody has counts as one that one has.
    pub fn step(&self, term: u32) -> i32 {
        step(self.df(term).max(1))
    }

    /// As long as the mean of its language is what it is today.
    pub fn saturation(&self, record: &Record, formula: &Formula) -> Saturation {
        let mean = self.totals(record.language()).mean_length();
        formula.saturation(record.words() as f32 / mean)
    }

    /// idf as query weight times idf as document weight.
    pub fn weight(&self, idf: f32) -> f32 {
        self.weights.of(idf)
    }

    pub fn postings(&self, term: u32) -> Option<&Postings> {
        self.shards[shard_of(term)].get(&term)
    }

    /// How many articles have the term.
    pub fn df(&self, term: u32) -> u32 {
        self.postings(term).map_or(0, Postings::len)
    }

    pub fn heap_bytes(&self) -> usize {
        let entry = size_of::<(u32, Postings)>() + 1;
        let table = |shard: &ByHash<Postings>| {
            let lists: usize = shard.values().map(Postings::heap_bytes).sum();
            // The table of the standard library is at most 7/8 full, and a power of two.
            (shard.capacity() * 8 / 7).next_power_of_two() * entry + lists
        };
        self.shards.iter().map(table).sum()
    }
}

/// The term that stands for a tag.
pub(super) fn tag_term(tag: i64) -> u32 {
    hash(TAG_SEED, &tag.to_le_bytes()) as u32
}

/// What each level adds to a score, for a term that adds `weight` per unit of saturated frequency.
pub(super) fn worth(weight: f32) -> [i16; LEVELS] {
    IMPACT.map(|impact| (impact * weight).round().clamp(0.0, f32::from(i16::MAX)) as i16)
}

fn shard_of(hash: u32) -> usize {
    (hash >> 28) as usize % SHARDS
}

/// Everything an article is found by, with its level of impact.
fn entries<'a>(
    record: &'a Record,
    formula: &'a Formula,
) -> impl Iterator<Item = (u32, u8)> + use<'a> {
    of_terms(record.stems(), record, formula)
        .chain(of_terms(record.marks(), record, formula))
        .chain(record.tags().map(|tag| (tag_term(tag), 0)))
}

/// The same without the levels, in order.
fn terms(record: &Record, formula: &Formula) -> Vec<u32> {
    let mut terms: Vec<u32> = entries(record, formula).map(|(hash, _)| hash).collect();
    terms.sort_unstable();
    terms
}

fn of_terms<'a>(
    terms: Terms<'a>,
    record: &Record,
    formula: &'a Formula,
) -> impl Iterator<Item = (u32, u8)> + use<'a> {
    let saturation = formula.saturation(record.words() as f32 / USUAL_LENGTH);
    terms
        .iter()
        .map(move |(hash, code)| (hash, level(saturation.of(code.tf()))))
}

fn level(saturated: f32) -> u8 {
    let above = |pair: &&[f32]| saturated >= (pair[0] + pair[1]) / 2.0;
    IMPACT.windows(2).take_while(above).count() as u8
}

/// Puts the terms of many articles into some of the shards, term by term: to come to the postings of one is to wait for
/// memory, and most terms are in many of the articles.
fn fill(
    shards: &mut [ByHash<Postings>],
    first: usize,
    articles: &[(Slot, Record)],
    formula: &Formula,
) {
    let last = first + shards.len().max(1) - 1;
    // Hash, place among the articles and level in one word, by which they are sorted.
    let terms = articles.iter().map(|(_, record)| record.stems().len());
    let mut found: Vec<u64> = Vec::with_capacity(terms.sum::<usize>() * shards.len() / SHARDS);
    let mut put = |at: usize, hash: u32, level: u8| {
        if (first..=last).contains(&shard_of(hash)) {
            let posting = (at as u64) << LEVEL_BITS | u64::from(level);
            found.push(u64::from(hash) << 32 | posting);
        }
    };
    let (from, until) = ((first as u32) << 28, ((last as u32) << 28) | 0x0fff_ffff);
    for (at, (_, record)) in articles.iter().enumerate() {
        for terms in [record.stems(), record.marks()] {
            for (hash, level) in of_terms(terms.between(from, until), record, formula) {
                put(at, hash, level);
            }
        }
        for tag in record.tags() {
            put(at, tag_term(tag), 0);
        }
    }
    found.sort_unstable();
    for of_term in found.chunk_by(|one, next| one >> 32 == next >> 32) {
        let mut postings = of_term.iter().map(|word| {
            let (at, level) = (*word as u32 >> LEVEL_BITS, *word as u8 % LEVELS as u8);
            (articles[at as usize].0, level)
        });
        let (Some(word), Some((slot, level))) = (of_term.first(), postings.next()) else {
            continue;
        };
        let hash = (word >> 32) as u32;
        let known = shards[shard_of(hash) - first]
            .entry(hash)
            .and_modify(|known| known.push(slot, level))
            .or_insert_with(|| Postings::of(slot, level));
        postings.for_each(|(slot, level)| known.push(slot, level));
    }
}
