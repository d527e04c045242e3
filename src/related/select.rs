//! From ranked candidates to a list: copies collapsed, pins first, one story not twelve times.

use std::cmp::Reverse;

use super::candidate::{Candidate, Compared};
use super::diversity::diversified;
use super::duplicates::Sketch;
use super::engine::Engine;
use super::postings::Slot;
use super::score::{Evidence, Source};
use super::scratch::Scratch;
use super::weights::Settings;

/// A candidate that is shown.
pub(super) struct Chosen<'c, 'e> {
    pub candidate: &'c Candidate<'e>,
    sketch: Sketch,
    pub pinned: bool,
    pub score: f32,
    pub copies: Vec<i64>,
}

/// A list, and what was left out of it.
pub(super) struct Shown<'c, 'e> {
    pub chosen: Vec<Chosen<'c, 'e>>,
    /// Copies of the source.
    pub copies: Vec<i64>,
}

/// A copy of an entry scores about as it does: none is looked for further down.
const COPIES_WITHIN: usize = 40;

/// Scores the candidates and puts the best first.
pub(super) fn rank(settings: &Settings, candidates: &mut [Candidate]) {
    let formula = &settings.formula;
    let best = candidates
        .iter()
        .map(|found| found.evidence.words(formula))
        .fold(0.0, f32::max)
        .max(f32::MIN_POSITIVE);
    for found in candidates.iter_mut() {
        let words = found.evidence.words(formula) / best;
        found.score =
            (words + settings.tags * found.evidence.tags) * found.evidence.factor(formula);
    }
    candidates.sort_by_cached_key(|found| order(found.score, found));
}

/// By falling score. No score is below nothing, so its bits are in its order.
pub(super) fn order(score: f32, candidate: &Candidate) -> (Reverse<u32>, Reverse<i64>) {
    (Reverse(score.to_bits()), Reverse(candidate.record.num()))
}

/// A resemblance that means the same for every article: no division by the best candidate.
fn absolute(settings: &Settings, evidence: &Evidence) -> f32 {
    let formula = &settings.formula;
    let parts = evidence.words(formula) + settings.tags * evidence.tags;
    let nearness = parts * evidence.factor(formula);
    nearness / (nearness + formula.half)
}

/// The first `limit` of pins and candidates, with scores falling.
pub(super) fn choose<'c, 'e>(
    engine: &Engine,
    source: &Source,
    compared: &'c Compared<'e>,
    scratch: &Scratch,
    limit: usize,
) -> Shown<'c, 'e> {
    let mut chosen: Vec<Chosen> = Vec::with_capacity(limit.min(64));
    for candidate in &compared.pinned {
        take(&mut chosen, candidate, true, limit);
    }
    let sketch = source.record.sketch();
    let (copies, others): (Vec<&Candidate>, Vec<&Candidate>) = compared
        .ranked
        .iter()
        .partition(|found| found.record.sketch().is_copy_of(&sketch));
    let floor = engine.settings.floor.max(f32::MIN_POSITIVE);
    let (near, far): (Vec<&Candidate>, Vec<&Candidate>) = others
        .into_iter()
        .partition(|found| absolute(&engine.settings, &found.evidence) >= floor);
    let diverse = diversified(&near, source, scratch, &engine.settings.formula);
    for candidate in diverse.into_iter().take(limit + COPIES_WITHIN) {
        take(&mut chosen, candidate, false, limit);
    }
    // A copy may be a little further than its original.
    for candidate in far {
        if let Some(entry) = repeated(&mut chosen, candidate, &candidate.record.sketch()) {
            entry.copies.push(candidate.record.num());
        }
    }
    let mut ceiling = 1.0;
    for entry in &mut chosen {
        let own = absolute(&engine.settings, &entry.candidate.evidence);
        entry.score = if entry.pinned { 1.0 } else { own.min(ceiling) };
        ceiling = entry.score;
    }
    Shown {
        copies: copies
            .iter()
            .filter(|copy| !chosen.iter().any(|entry| entry.candidate.slot == copy.slot))
            .map(|copy| copy.record.num())
            .collect(),
        chosen,
    }
}

/// Adds a candidate, to the copies of the entry it repeats if there is one.
fn take<'c, 'e>(
    chosen: &mut Vec<Chosen<'c, 'e>>,
    candidate: &'c Candidate<'e>,
    pinned: bool,
    limit: usize,
) {
    let (slot, group): (Slot, _) = (candidate.slot, candidate.record.group());
    if chosen.iter().any(|entry| entry.candidate.slot == slot) {
        return;
    }
    let room = chosen.len() < limit;
    let sketch = candidate.record.sketch();
    match repeated(chosen, candidate, &sketch) {
        // Of copies an editor may have meant each; of translations, the first.
        Some(entry) if !pinned || (group != 0 && entry.candidate.record.group() == group) => {
            entry.copies.push(candidate.record.num());
        }
        _ if room => {
            chosen.push(Chosen {
                candidate,
                sketch,
                pinned,
                score: 0.0,
                copies: Vec::new(),
            });
        }
        _ => {}
    }
}

/// The entry with the same text, or of which this is a translation.
fn repeated<'l, 'c, 'e>(
    chosen: &'l mut [Chosen<'c, 'e>],
    candidate: &Candidate,
    sketch: &Sketch,
) -> Option<&'l mut Chosen<'c, 'e>> {
    let group = candidate.record.group();
    chosen.iter_mut().find(|entry| {
        entry.sketch.is_copy_of(sketch) || (group != 0 && entry.candidate.record.group() == group)
    })
}
