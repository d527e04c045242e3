//! An article reduced to what comparing needs: counted terms, names of the telling ones, a sketch.

use std::collections::HashMap;
use std::ops::Range;

use super::Article;
use super::duplicates::Sketch;
use super::hashing::{ByHash, hash};
use super::marks;
use super::record::{Record, Term, Writer};
use super::weights::Code;
use crate::content::analysis::{analyse, primary_subtag};

/// How many terms of an article can be named in reasons.
const NAMED: usize = 96;
/// Stems of a headline that count as its wording.
const TITLE: usize = 64;
/// Bytes of a text for whose words room is made before they are read.
const MOST_FORESEEN: usize = 64 << 10;

/// Everything the engine keeps of an article, as stored. Costly to make (it stems every word), so it is made
/// outside any lock.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    bytes: Vec<u8>,
}

impl Profile {
    pub fn of(article: &Article) -> Self {
        let language = language_hash(article.language);
        let mut counter = Counter::new(language, article.body.len());
        counter.read(article.headline, article.language, Field::Title);
        counter.read(
            article.standfirst.unwrap_or_default(),
            article.language,
            Field::Lead,
        );
        counter.read(article.body, article.language, Field::Body);
        let marks = counter.marks();
        let names = counter.names(&marks);
        let stems = sorted(&counter.stems);
        let (pairs, parts) = with_parts(counter.pairs, &stems);
        let bytes = Writer {
            num: article.num,
            published_at: article.published_at,
            visible: article.visible,
            group: article
                .translation_group
                .map_or(0, |group| hash(0, group.as_bytes()).max(1)),
            language,
            words: counter.sequence.len() as u32,
            sensitive: article.sensitive,
            withheld: !article.syndicatable,
            source: article.source.map_or(0, name_hash),
            exact_language: name_hash(article.language),
            tags: &without_repeats(article.tags),
            pins: &without_repeats(article.pins),
            bans: &without_repeats(article.bans),
            sketch: &Sketch::of(&counter.sequence),
            title: &counter.title,
            marks: &marks,
            stems: &stems,
            pairs: &pairs,
            parts: &parts,
            names: &names,
        }
        .to_bytes();
        Self { bytes }
    }

    /// Always there: the bytes were written by `of`.
    pub(super) fn record(&self) -> Option<Record<'_>> {
        Record::parse(&self.bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// By which sources and whole language tags are compared with a partner's scope; 0 is none's.
pub(super) fn name_hash(name: &str) -> u32 {
    (hash(0, name.as_bytes()) as u32).max(1)
}

#[derive(Clone, Copy, PartialEq)]
enum Field {
    Title,
    Lead,
    Body,
}

/// Occurrences by field.
#[derive(Clone, Copy, Default)]
struct Count {
    title: u32,
    lead: u32,
    body: u32,
}

impl Count {
    fn add(&mut self, field: Field) {
        match field {
            Field::Title => self.title += 1,
            Field::Lead => self.lead += 1,
            Field::Body => self.body += 1,
        }
    }

    fn code(&self) -> Code {
        Code::of(self.title, self.lead, self.body)
    }
}

/// Two stems side by side, and how often.
#[derive(Default)]
struct Pair {
    left: u32,
    right: u32,
    count: Count,
}

/// Counts stems and pairs, and remembers how each was written.
struct Counter<'a> {
    language: u32,
    stems: ByHash<Count>,
    pairs: ByHash<Pair>,
    marks: ByHash<Count>,
    /// Stems in reading order, for the sketch.
    sequence: Vec<u32>,
    title: Vec<u32>,
    /// There is no entry for terms that are always written at too great a length.
    forms: ByHash<Forms<'a>>,
}

/// The first few ways in which a term is written, at least one, each with its count, in order of first sight.
#[derive(Default)]
struct Forms<'a> {
    seen: [(&'a str, u32); 4],
}

impl<'a> Forms<'a> {
    fn add(&mut self, written: &'a str) {
        let place = self
            .seen
            .iter_mut()
            .find(|(form, count)| *count == 0 || *form == written);
        if let Some((form, count)) = place {
            *form = written;
            *count += 1;
        }
    }

    fn first(&self) -> &'a str {
        self.seen[0].0
    }

    fn commonest(&self) -> &'a str {
        // The last of equally common ones, so the first in order.
        let commonest = self.seen.iter().rev().max_by_key(|(_, count)| *count);
        commonest.map_or("", |(form, _)| form)
    }
}

impl<'a> Counter<'a> {
    /// For an article of about so many bytes.
    fn new(language: u32, length: usize) -> Self {
        // A word takes six bytes, and half of a text's words are new.
        let words = length.min(MOST_FORESEEN) / 6;
        Self {
            language,
            stems: sized(words / 2),
            pairs: sized(words),
            marks: HashMap::default(),
            sequence: Vec::with_capacity(words),
            title: Vec::new(),
            forms: sized(words / 2),
        }
    }

    fn read(&mut self, text: &'a str, language: &str, field: Field) {
        let mut before: Option<(u32, Range<usize>)> = None;
        analyse(text, language, &mut |stem, range| {
            let term = hash(u64::from(self.language), stem.as_bytes()) as u32;
            self.sequence.push(term);
            if field == Field::Title && self.title.len() < TITLE {
                self.title.push(term);
            }
            self.stems.entry(term).or_default().add(field);
            self.saw(term, &text[range.clone()]);
            if let Some(mark) = marks::of(text, range.clone()) {
                self.marks.entry(mark).or_default().add(field);
                self.saw(mark, &text[range.clone()]);
            }
            if let Some((left, at)) = before.take() {
                let pair = pair_hash(left, term);
                let entry = self.pairs.entry(pair).or_default();
                (entry.left, entry.right) = (left, term);
                entry.count.add(field);
                // Only words side by side make a name; "Rabat. Le" does not.
                // A pair met once gets no name.
                if entry.count.title + entry.count.lead + entry.count.body > 1
                    && text[at.end..range.start]
                        .chars()
                        .all(|c| c == ' ' || c == '\u{a0}')
                {
                    self.saw(pair, &text[at.start..range.end]);
                }
            }
            before = Some((term, range));
        });
    }

    fn saw(&mut self, term: u32, written: &'a str) {
        if written.len() <= usize::from(u8::MAX) {
            self.forms.entry(term).or_default().add(written);
        }
    }

    /// The commonest form of the terms that count most, and of the marks; a pair must occur twice to have one.
    fn names(&self, marks: &[Term]) -> Vec<(u32, &'a str)> {
        let weight = |count: &Count| 3 * count.title + count.lead + count.body;
        let stems = self
            .stems
            .iter()
            .map(|(hash, count)| (weight(count), *hash));
        let pairs = self
            .pairs
            .iter()
            .map(|(hash, pair)| (weight(&pair.count), *hash))
            .filter(|&(weight, _)| weight > 1);
        let mut ranked: Vec<(u32, usize, u32)> = stems
            .chain(pairs)
            .filter_map(|(weight, hash)| Some((weight, self.forms.get(&hash)?.first().len(), hash)))
            .collect();
        // Long words are rarer than short ones, which is all that one article can tell of rarity.
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        ranked.truncate(NAMED);
        let mut names: Vec<(u32, &str)> = ranked
            .into_iter()
            .map(|(_, _, hash)| hash)
            .chain(marks.iter().map(|mark| mark.hash))
            .filter_map(|hash| Some((hash, self.forms.get(&hash)?.commonest())))
            .collect();
        names.sort_unstable();
        names
    }

    /// The marks that occur most.
    fn marks(&self) -> Vec<Term> {
        let mut marks = sorted(&self.marks);
        // Of equal ones those first by hash: the sort keeps their order.
        marks.sort_by(|a, b| b.code.tf().total_cmp(&a.code.tf()));
        marks.truncate(marks::KEPT);
        marks.sort_unstable_by_key(|term| term.hash);
        marks
    }
}

fn sized<T>(terms: usize) -> ByHash<T> {
    HashMap::with_capacity_and_hasher(terms, Default::default())
}

/// Sorted by hash.
fn sorted(counts: &ByHash<Count>) -> Vec<Term> {
    let mut terms: Vec<Term> = counts
        .iter()
        .map(|(hash, count)| Term {
            hash: *hash,
            code: count.code(),
        })
        .collect();
    terms.sort_unstable_by_key(|term| term.hash);
    terms
}

/// The pairs, and the places of their halves among the stems. A text of more than 65,536 different stems loses
/// some of its pairs.
fn with_parts(pairs: ByHash<Pair>, stems: &[Term]) -> (Vec<Term>, Vec<(u16, u16)>) {
    let place = |hash: u32| {
        let at = stems.binary_search_by_key(&hash, |term| term.hash).ok()?;
        u16::try_from(at).ok()
    };
    let mut found: Vec<(Term, (u16, u16))> = pairs
        .into_iter()
        .filter_map(|(hash, pair)| {
            let code = pair.count.code();
            Some((Term { hash, code }, (place(pair.left)?, place(pair.right)?)))
        })
        .collect();
    found.sort_unstable_by_key(|(term, _)| term.hash);
    found.into_iter().unzip()
}

fn without_repeats<T: Copy + PartialEq>(nums: &[T]) -> Vec<T> {
    let mut kept: Vec<T> = Vec::with_capacity(nums.len());
    for num in nums {
        if !kept.contains(num) {
            kept.push(*num);
        }
    }
    kept
}

pub(super) fn language_hash(tag: &str) -> u32 {
    hash(1, primary_subtag(tag).as_bytes()) as u32
}

pub(super) fn pair_hash(left: u32, right: u32) -> u32 {
    hash(u64::from(left), &right.to_le_bytes()) as u32
}
