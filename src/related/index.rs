//! The inverted index and the counts that weights are made of.

use std::collections::HashMap;

use super::profile::{ByHash, Profile, Term};
use super::weights::Formula;

/// A place in the engine's table of entries.
pub(super) type Slot = u32;

/// Counts only, never weights: weights move with every article, so they are made when asked for, and
/// an answer does not depend on the order of arrival.
#[derive(Default)]
pub(super) struct Index {
    stems: ByHash<Vec<Posting>>,
    bigrams: ByHash<u32>,
    languages: ByHash<Totals>,
    tags: HashMap<i64, Vec<Slot>>,
}

#[derive(Clone, Copy)]
pub(super) struct Posting {
    pub slot: Slot,
    pub tf: f32,
}

/// Of one language.
#[derive(Clone, Copy, Default)]
pub(super) struct Totals {
    pub articles: u32,
    /// Words, headline and body alike.
    pub words: u64,
}

impl Totals {
    pub fn with(self, words: u32) -> Self {
        Self {
            articles: self.articles + 1,
            words: self.words + u64::from(words),
        }
    }

    pub fn mean_length(&self) -> f32 {
        (self.words as f32 / self.articles.max(1) as f32).max(1.0)
    }
}

impl Index {
    pub fn add(&mut self, slot: Slot, profile: &Profile, formula: &Formula) {
        let totals = self.languages.entry(profile.language).or_default();
        *totals = totals.with(profile.words());
        for term in &profile.stems {
            let tf = formula.frequency(term);
            self.stems
                .entry(term.hash)
                .or_default()
                .push(Posting { slot, tf });
        }
        for term in &profile.bigrams {
            *self.bigrams.entry(term.hash).or_default() += 1;
        }
        for tag in &profile.tags {
            self.tags.entry(*tag).or_default().push(slot);
        }
    }

    pub fn remove(&mut self, slot: Slot, profile: &Profile) {
        if let Some(totals) = self.languages.get_mut(&profile.language) {
            totals.articles -= 1;
            totals.words -= u64::from(profile.words());
        }
        for term in &profile.stems {
            if let Some(list) = self.stems.get_mut(&term.hash) {
                list.retain(|posting| posting.slot != slot);
                if list.is_empty() {
                    self.stems.remove(&term.hash);
                }
            }
        }
        for term in &profile.bigrams {
            if let Some(df) = self.bigrams.get_mut(&term.hash) {
                *df -= 1;
                if *df == 0 {
                    self.bigrams.remove(&term.hash);
                }
            }
        }
        for tag in &profile.tags {
            if let Some(bearers) = self.tags.get_mut(tag) {
                bearers.retain(|bearer| *bearer != slot);
                if bearers.is_empty() {
                    self.tags.remove(tag);
                }
            }
        }
    }

    pub fn totals(&self, language: u32) -> Totals {
        self.languages.get(&language).copied().unwrap_or_default()
    }

    pub fn postings(&self, stem: u32) -> &[Posting] {
        self.stems.get(&stem).map_or(&[], Vec::as_slice)
    }

    pub fn stem_df(&self, stem: u32) -> u32 {
        self.postings(stem).len() as u32
    }

    pub fn bigram_df(&self, bigram: u32) -> u32 {
        self.bigrams.get(&bigram).copied().unwrap_or_default()
    }

    pub fn bearers(&self, tag: i64) -> &[Slot] {
        self.tags.get(&tag).map_or(&[], Vec::as_slice)
    }
}

impl Formula {
    pub(super) fn frequency(&self, term: &Term) -> f32 {
        self.title * f32::from(term.title) + self.lead * f32::from(term.lead) + f32::from(term.body)
    }

    pub(super) fn saturated(&self, tf: f32, length: f32) -> f32 {
        tf * (self.k1 + 1.0) / (tf + self.k1 * (1.0 - self.b + self.b * length))
    }
}
