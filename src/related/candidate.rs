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
    pub stems: (u32, u32),
    pub pairs: (u32, u32),
    pub masses: Masses,
    pub saturation: Saturation,
    pub shared: Shared,
    pub evidence: Evidence,
    pub score: f32,
}

impl Candidate<'_> {
    /// The source's stems that it has, too.
    pub fn stems_in<'s>(&self, scratch: &'s Scratch) -> &'s [Match] {
        within(&scratch.stems, self.stems)
    }

    /// The source's pairs that it has, too.
    pub fn pairs_in<'s>(&self, scratch: &'s Scratch) -> &'s [Match] {
        within(&scratch.pairs, self.pairs)
    }
}

fn within(matches: &[Match], (from, until): (u32, u32)) -> &[Match] {
    matches
        .get(from as usize..until as usize)
        .unwrap_or_default()
}

/// What a lookup has found before it chooses.
pub(super) struct Compared<'e> {
    /// By falling score.
    pub ranked: Vec<Candidate<'e>>,
    pub pinned: Vec<Candidate<'e>>,
    /// Of the source's pairs, in their order.
    pub pair_weights: Vec<f32>,
}
