//! An article reduced to what comparing needs: counted terms, names of the telling ones, a sketch.

use std::collections::HashMap;
use std::hash::Hasher;
use std::ops::Range;

use super::duplicates::Sketch;
use super::{Article, Window};
use crate::content::analysis::{analyse, primary_subtag};

/// How many terms of an article can be named in reasons.
const NAMED: usize = 96;

/// Terms by hash, in the form in which a reader met them.
pub(super) type Names = Box<[(u32, Box<str>)]>;

/// Everything the engine keeps of an article. Costly to make (it stems every word), so it is made
/// outside any lock and stored beside the article.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub(super) num: i64,
    /// Hash of the primary language subtag.
    pub(super) language: u32,
    pub(super) published_at: i64,
    pub(super) visible: Window,
    /// Hash of the translation group; 0: none.
    pub(super) group: u64,
    pub(super) tags: Box<[i64]>,
    pub(super) pins: Box<[i64]>,
    pub(super) bans: Box<[i64]>,
    pub(super) sensitive: bool,
    pub(super) words: u32,
    /// Sorted by hash.
    pub(super) stems: Box<[Term]>,
    /// Sorted by hash: adjacent stems of one field.
    pub(super) bigrams: Box<[Term]>,
    pub(super) sketch: Sketch,
    /// Term hash to its form as written, sorted by hash: the terms that count most.
    pub(super) names: Names,
}

/// A term and how often each field of the article has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Term {
    pub hash: u32,
    pub title: u8,
    pub lead: u8,
    pub body: u16,
}

impl Profile {
    pub fn of(article: &Article) -> Self {
        let language = language_hash(article.language);
        let mut counter = Counter::new(language);
        counter.read(article.headline, article.language, Field::Title);
        counter.read(
            article.standfirst.unwrap_or_default(),
            article.language,
            Field::Lead,
        );
        counter.read(article.body, article.language, Field::Body);
        let names = counter.names();
        Self {
            num: article.num,
            language,
            published_at: article.published_at,
            visible: article.visible,
            group: article
                .translation_group
                .map_or(0, |group| hash(0, group.as_bytes()).max(1)),
            tags: without_repeats(article.tags),
            pins: without_repeats(article.pins),
            bans: without_repeats(article.bans),
            sensitive: article.sensitive,
            words: counter.sequence.len() as u32,
            sketch: Sketch::of(&counter.sequence),
            stems: sorted(counter.stems),
            bigrams: sorted(counter.bigrams),
            names,
        }
    }

    pub fn num(&self) -> i64 {
        self.num
    }

    pub(super) fn name(&self, term: u32) -> Option<&str> {
        let at = self
            .names
            .binary_search_by_key(&term, |(hash, _)| *hash)
            .ok()?;
        self.names.get(at).map(|(_, name)| name.as_ref())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Field {
    Title,
    Lead,
    Body,
}

/// Counts stems and bigrams, and remembers how each was written.
struct Counter {
    language: u32,
    stems: HashMap<u32, Term>,
    bigrams: HashMap<u32, Term>,
    /// Stems in reading order, for the sketch.
    sequence: Vec<u32>,
    /// By term, each written form with its count, in order of first sight.
    forms: HashMap<u32, Vec<(Box<str>, u32)>>,
}

impl Counter {
    fn new(language: u32) -> Self {
        Self {
            language,
            stems: HashMap::new(),
            bigrams: HashMap::new(),
            sequence: Vec::new(),
            forms: HashMap::new(),
        }
    }

    fn read(&mut self, text: &str, language: &str, field: Field) {
        let mut before: Option<(u32, Range<usize>)> = None;
        analyse(text, language, &mut |stem, range| {
            let term = hash(u64::from(self.language), stem.as_bytes()) as u32;
            self.sequence.push(term);
            count(&mut self.stems, term, field);
            self.saw(term, &text[range.clone()]);
            if let Some((left, at)) = before.take() {
                let pair = bigram(left, term);
                count(&mut self.bigrams, pair, field);
                // Only words side by side make a name; "Rabat. Le" does not.
                if text[at.end..range.start]
                    .chars()
                    .all(|c| c == ' ' || c == '\u{a0}')
                {
                    self.saw(pair, &text[at.start..range.end]);
                }
            }
            before = Some((term, range));
        });
    }

    fn saw(&mut self, term: u32, written: &str) {
        let forms = self.forms.entry(term).or_default();
        if let Some((_, seen)) = forms.iter_mut().find(|(form, _)| form.as_ref() == written) {
            *seen += 1;
        } else if forms.len() < 4 {
            forms.push((written.into(), 1));
        }
    }

    /// The commonest form of the terms that count most; a bigram must occur twice to have one.
    fn names(&mut self) -> Names {
        let weight =
            |term: &Term| 3 * u32::from(term.title) + u32::from(term.lead) + u32::from(term.body);
        let stems = self.stems.values().map(|term| (weight(term), term.hash));
        let pairs = self
            .bigrams
            .values()
            .map(|term| (weight(term), term.hash))
            .filter(|&(weight, _)| weight > 1);
        let mut ranked: Vec<(u32, usize, u32)> = stems
            .chain(pairs)
            .filter_map(|(weight, hash)| {
                Some((weight, self.forms.get(&hash)?.first()?.0.len(), hash))
            })
            .collect();
        // Long words are rarer than short ones, which is all that one article can tell of rarity.
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        ranked.truncate(NAMED);
        let mut names: Vec<(u32, Box<str>)> = ranked
            .into_iter()
            .filter_map(|(_, _, hash)| {
                let forms = self.forms.get(&hash)?;
                let most = forms.iter().map(|(_, seen)| *seen).max()?;
                let (form, _) = forms.iter().find(|(_, seen)| *seen == most)?;
                Some((hash, form.clone()))
            })
            .collect();
        names.sort_unstable();
        names.into()
    }
}

fn count(terms: &mut HashMap<u32, Term>, hash: u32, field: Field) {
    let term = terms.entry(hash).or_insert(Term {
        hash,
        ..Term::default()
    });
    match field {
        Field::Title => term.title = term.title.saturating_add(1),
        Field::Lead => term.lead = term.lead.saturating_add(1),
        Field::Body => term.body = term.body.saturating_add(1),
    }
}

fn sorted(terms: HashMap<u32, Term>) -> Box<[Term]> {
    let mut terms: Vec<Term> = terms.into_values().collect();
    terms.sort_unstable_by_key(|term| term.hash);
    terms.into()
}

fn without_repeats(nums: &[i64]) -> Box<[i64]> {
    let mut kept: Vec<i64> = Vec::with_capacity(nums.len());
    for num in nums {
        if !kept.contains(num) {
            kept.push(*num);
        }
    }
    kept.into()
}

pub(super) fn language_hash(tag: &str) -> u32 {
    hash(1, primary_subtag(tag).as_bytes()) as u32
}

fn bigram(left: u32, right: u32) -> u32 {
    hash(u64::from(left), &right.to_le_bytes()) as u32
}

/// 64-bit FNV-1a with a final mix: stored in profiles, so it must never change within a version.
/// <http://www.isthe.com/chongo/tech/comp/fnv/>
pub(super) fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ mix(seed);
    mix(bytes.iter().fold(start, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    }))
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
pub(super) fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// For tables keyed by hashes, which need no second hashing.
#[derive(Clone, Copy, Default)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash(self.0, bytes);
    }

    fn write_u32(&mut self, value: u32) {
        self.0 = u64::from(value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

pub(super) type ByHash<T> = HashMap<u32, T, std::hash::BuildHasherDefault<AsIs>>;

impl Profile {
    /// Its length in words, headline and body alike.
    pub(super) fn words(&self) -> u32 {
        self.words
    }

    pub(super) fn is_empty(&self) -> bool {
        self.stems.is_empty() && self.tags.is_empty()
    }
}
