//! What an article's own terms weigh.

use super::index::Index;
use super::profile::pair_hash;
use super::record::Record;
use super::weights::{Formula, idf};

/// What an article's own terms weigh: by these its resemblances are measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Masses {
    /// What it scores as a query against itself.
    pub itself: f32,
    /// The idf of its headline's stems, and of its headline's pairs.
    pub title: f32,
    pub phrase: f32,
    /// The idf of its tags.
    pub tags: f32,
}

impl Masses {
    pub fn of(record: &Record, index: &Index, formula: &Formula) -> Self {
        Self::by(record, index, formula, |term| index.step(term))
    }

    /// `step` tells in how many articles a term is, as [`Index::step`] does.
    pub fn by(
        record: &Record,
        index: &Index,
        formula: &Formula,
        mut step: impl FnMut(u32) -> i32,
    ) -> Self {
        let totals = index.totals(record.language());
        let (articles, saturation) = (totals.step(), index.saturation(record, formula));
        let mut rarity = |term: u32| idf(articles, step(term));
        let itself = record
            .stems()
            .iter()
            .map(|(hash, code)| {
                let tf = code.tf();
                tf * saturation.of(tf) * index.weight(rarity(hash))
            })
            .sum();
        let stems: Vec<u32> = record.title().collect();
        let rarities: Vec<f32> = stems.iter().map(|stem| rarity(*stem)).collect();
        let title = (0..stems.len())
            .filter(|at| !stems[..*at].contains(&stems[*at]))
            .map(|at| rarities[at])
            .sum();
        let pairs: Vec<u32> = stems
            .windows(2)
            .map(|pair| pair_hash(pair[0], pair[1]))
            .collect();
        let phrase = (0..pairs.len())
            .filter(|at| !pairs[..*at].contains(&pairs[*at]))
            .map(|at| rarities[at].max(rarities[at + 1]))
            .sum();
        let tags = record.tags().map(|tag| index.tag_idf(tag)).sum();
        Self {
            itself,
            title,
            phrase,
            tags,
        }
    }
}

/// What [`Index::step`] told lately. Looking a term up waits for memory twice, and few terms are most of all texts.
pub(super) struct Steps<'a> {
    index: &'a Index,
    /// By the lower bits of the term, which is kept with it.
    known: Vec<(u32, i32)>,
}

impl<'a> Steps<'a> {
    /// Half a megabyte: what a processor has near.
    const ROOM: u32 = 1 << 16;

    pub fn of(index: &'a Index) -> Self {
        // At first, each place has a term that belongs to another.
        let known = (0..Self::ROOM).map(|place| (!place, 0)).collect();
        Self { index, known }
    }

    pub fn step(&mut self, term: u32) -> i32 {
        let place = &mut self.known[(term % Self::ROOM) as usize];
        if place.0 != term {
            *place = (term, self.index.step(term));
        }
        place.1
    }
}
