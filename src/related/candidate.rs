//! An article on its way to become a neighbour.

use super::masses::Masses;
use super::places::Match;
use super::postings::Slot;
use super::record::Record;
use super::score::{Evidence, Shared};
use super::scratch::Scratch;
use super::weights::Saturation;

/// An article that may become a neighbour.
pub(super) struct Candidate<'e> {
    pub slot: Slot,
    pub record: Record<'e>,
    /// Where in the scratch its matches are.
    pub stems: std::ops::Range<usize>,
    pub pairs: std::ops::Range<usize>,
    pub masses: Masses,
    pub saturation: Saturation,
    pub shared: Shared,
    pub evidence: Evidence,
    pub score: f32,
}

impl Candidate<'_> {
    /// The source's stems that it has, too.
    pub fn stems_in<'s>(&self, scratch: &'s Scratch) -> &'s [Match] {
        scratch.stems.get(self.stems.clone()).unwrap_or_default()
    }

    /// The source's pairs that it has, too.
    pub fn pairs_in<'s>(&self, scratch: &'s Scratch) -> &'s [Match] {
        scratch.pairs.get(self.pairs.clone()).unwrap_or_default()
    }
}

/// What a lookup has found before it chooses.
pub(super) struct Compared<'e> {
    /// By falling score.
    pub ranked: Vec<Candidate<'e>>,
    pub pinned: Vec<Candidate<'e>>,
    /// Of the source's pairs, in their order.
    pub pair_weights: Vec<f32>,
}
