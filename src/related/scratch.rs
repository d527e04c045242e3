//! Room for a lookup to work in.

use super::places::Match;

/// What a lookup writes on, kept for the next one.
#[derive(Default)]
pub(super) struct Scratch {
    pub scores: Vec<i16>,
    pub stems: Vec<Match>,
    pub pairs: Vec<Match>,
}
