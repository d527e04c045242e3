//! From ranked candidates to a list: copies collapsed, pins first, one story not twelve times.

use super::engine::Engine;
use super::index::Slot;
use super::score::{Evidence, Weighed, shared};
use super::weights::Settings;

pub(super) struct Candidate<'e> {
    pub slot: Slot,
    pub weighed: Weighed<'e>,
    pub evidence: Evidence,
    pub score: f32,
}

/// A candidate that is shown.
pub(super) struct Chosen<'e> {
    pub candidate: Candidate<'e>,
    pub pinned: bool,
    pub score: f32,
    pub copies: Vec<i64>,
}

/// How many candidates diversity looks at, and how many places it fills.
const DIVERSE_FROM: usize = 40;
const DIVERSE_PLACES: usize = 10;

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
    candidates.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then(b.weighed.profile.num.cmp(&a.weighed.profile.num))
    });
}

/// A resemblance that means the same for every article: no division by the best candidate.
fn absolute(settings: &Settings, evidence: &Evidence) -> f32 {
    let formula = &settings.formula;
    let parts = evidence.words(formula) + settings.tags * evidence.tags;
    1.0 - (-2.0 * parts * evidence.factor(formula)).exp()
}

/// The candidates that are the article's own text again.
pub(super) fn copies(source: &Weighed, ranked: &[Candidate]) -> Vec<i64> {
    ranked
        .iter()
        .filter(|found| is_copy(source, found))
        .map(|found| found.weighed.profile.num)
        .collect()
}

fn is_copy(source: &Weighed, found: &Candidate) -> bool {
    let sketch = &found.weighed.profile.sketch;
    sketch.is_copy_of(&source.profile.sketch)
}

/// The first `limit` of pins and candidates, with scores falling.
pub(super) fn choose<'e>(
    engine: &Engine,
    source: &Weighed,
    pins: Vec<Candidate<'e>>,
    ranked: Vec<Candidate<'e>>,
    limit: usize,
) -> Vec<Chosen<'e>> {
    let mut chosen: Vec<Chosen> = Vec::with_capacity(limit.min(64));
    for candidate in pins {
        take(&mut chosen, candidate, true, limit);
    }
    let ranked = ranked
        .into_iter()
        .filter(|found| !is_copy(source, found))
        .filter(|found| {
            absolute(&engine.settings, &found.evidence)
                >= engine.settings.floor.max(f32::MIN_POSITIVE)
        })
        .collect();
    for candidate in diversified(ranked, engine.settings.formula.diversity) {
        take(&mut chosen, candidate, false, limit);
    }
    let mut ceiling = 1.0;
    for entry in &mut chosen {
        let own = absolute(&engine.settings, &entry.candidate.evidence);
        entry.score = if entry.pinned { 1.0 } else { own.min(ceiling) };
        ceiling = entry.score;
    }
    chosen
}

/// Adds a candidate, to the copies of the entry it repeats if there is one.
fn take<'e>(chosen: &mut Vec<Chosen<'e>>, candidate: Candidate<'e>, pinned: bool, limit: usize) {
    let profile = candidate.weighed.profile;
    if chosen
        .iter()
        .any(|entry| entry.candidate.slot == candidate.slot)
    {
        return;
    }
    let same = |entry: &Chosen| {
        let other = entry.candidate.weighed.profile;
        other.sketch.is_copy_of(&profile.sketch)
            || (other.group != 0 && other.group == profile.group)
    };
    match chosen.iter().position(same) {
        Some(at) if !pinned => chosen[at].copies.push(profile.num),
        _ if chosen.len() < limit => {
            chosen.push(Chosen {
                candidate,
                pinned,
                score: 0.0,
                copies: Vec::new(),
            });
        }
        _ => {}
    }
}

/// Maximal marginal relevance over the head of the list.
/// Carbonell and Goldstein, "The use of MMR" (SIGIR 1998).
fn diversified<'e>(mut ranked: Vec<Candidate<'e>>, lambda: f32) -> Vec<Candidate<'e>> {
    let tail = ranked.split_off(ranked.len().min(DIVERSE_FROM));
    let best = ranked
        .first()
        .map_or(1.0, |found| found.score.max(f32::MIN_POSITIVE));
    let mut list: Vec<Candidate> = Vec::with_capacity(ranked.len() + tail.len());
    let mut nearest = vec![0f32; ranked.len()];
    while list.len() < DIVERSE_PLACES && !ranked.is_empty() {
        let value = |i: usize| lambda * ranked[i].score / best - (1.0 - lambda) * nearest[i];
        let next =
            (0..ranked.len()).fold(0, |next, i| if value(i) > value(next) { i } else { next });
        let taken = ranked.remove(next);
        nearest.remove(next);
        for (near, found) in nearest.iter_mut().zip(&ranked) {
            *near = near.max(cosine(&taken.weighed, &found.weighed));
        }
        list.push(taken);
    }
    list.extend(ranked);
    list.extend(tail);
    list
}

fn cosine(a: &Weighed, b: &Weighed) -> f32 {
    let norm = |weighed: &Weighed| {
        weighed
            .stems
            .iter()
            .chain(&weighed.bigrams)
            .map(|term| term.document * term.document)
            .sum::<f32>()
    };
    let stems = shared(&a.stems, &b.stems);
    let dot: f32 = stems
        .chain(shared(&a.bigrams, &b.bigrams))
        .map(|(x, y)| x.document * y.document)
        .sum();
    let norms = (norm(a) * norm(b)).sqrt();
    if norms > 0.0 { dot / norms } else { 0.0 }
}
