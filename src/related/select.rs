//! From ranked candidates to a list: copies collapsed, pins first, one story not twelve times.

use super::candidate::{Candidate, Compared};
use super::engine::Engine;
use super::postings::Slot;
use super::score::{Evidence, Source};
use super::scratch::Scratch;
use super::weights::{Formula, Settings};

/// A candidate that is shown.
pub(super) struct Chosen<'e> {
    pub candidate: Candidate<'e>,
    pub pinned: bool,
    pub score: f32,
    pub copies: Vec<i64>,
}

/// A list, and what was left out of it.
pub(super) struct Shown<'e> {
    pub chosen: Vec<Chosen<'e>>,
    /// Copies of the source.
    pub copies: Vec<i64>,
    pub pair_weights: Vec<f32>,
}

/// How many candidates diversity looks at, and how many places it fills.
const DIVERSE_FROM: usize = 40;
const DIVERSE_PLACES: usize = 10;
/// A copy of an entry scores about as it does: none is looked for further down.
const COPIES_WITHIN: usize = 40;
/// The source's strongest stems, by which candidates are told from each other.
const ASPECTS: usize = 128;

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
    candidates.sort_by(by_score);
}

fn by_score(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    b.score
        .total_cmp(&a.score)
        .then(b.record.num().cmp(&a.record.num()))
}

/// A resemblance that means the same for every article: no division by the best candidate.
fn absolute(settings: &Settings, evidence: &Evidence) -> f32 {
    let formula = &settings.formula;
    let parts = evidence.words(formula) + settings.tags * evidence.tags;
    let nearness = parts * evidence.factor(formula);
    nearness / (nearness + formula.half)
}

/// The first `limit` of pins and candidates, with scores falling.
pub(super) fn choose<'e>(
    engine: &Engine,
    source: &Source,
    compared: Compared<'e>,
    scratch: &Scratch,
    limit: usize,
) -> Shown<'e> {
    let mut chosen: Vec<Chosen> = Vec::with_capacity(limit.min(64));
    for candidate in compared.pinned {
        take(&mut chosen, candidate, true, limit);
    }
    let sketch = source.record.sketch();
    let (copies, others): (Vec<Candidate>, Vec<Candidate>) = compared
        .ranked
        .into_iter()
        .partition(|found| found.record.sketch().is_copy_of(&sketch));
    let floor = engine.settings.floor.max(f32::MIN_POSITIVE);
    let (near, far): (Vec<Candidate>, Vec<Candidate>) = others
        .into_iter()
        .partition(|found| absolute(&engine.settings, &found.evidence) >= floor);
    let diverse = diversified(near, source, scratch, &engine.settings.formula);
    for candidate in diverse.into_iter().take(limit + COPIES_WITHIN) {
        take(&mut chosen, candidate, false, limit);
    }
    // A copy may be a little further than its original.
    for candidate in far {
        if let Some(entry) = repeated(&mut chosen, &candidate) {
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
        pair_weights: compared.pair_weights,
    }
}

/// Adds a candidate, to the copies of the entry it repeats if there is one.
fn take<'e>(chosen: &mut Vec<Chosen<'e>>, candidate: Candidate<'e>, pinned: bool, limit: usize) {
    let (slot, group): (Slot, _) = (candidate.slot, candidate.record.group());
    if chosen.iter().any(|entry| entry.candidate.slot == slot) {
        return;
    }
    let room = chosen.len() < limit;
    match repeated(chosen, &candidate) {
        // Of copies an editor may have meant each; of translations, the first.
        Some(entry) if !pinned || (group != 0 && entry.candidate.record.group() == group) => {
            entry.copies.push(candidate.record.num());
        }
        _ if room => {
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

/// The entry with the same text, or of which this is a translation.
fn repeated<'c, 'e>(
    chosen: &'c mut [Chosen<'e>],
    candidate: &Candidate,
) -> Option<&'c mut Chosen<'e>> {
    let (sketch, group) = (candidate.record.sketch(), candidate.record.group());
    chosen.iter_mut().find(|entry| {
        let other = &entry.candidate.record;
        other.sketch().is_copy_of(&sketch) || (group != 0 && other.group() == group)
    })
}

/// Maximal marginal relevance over the head of the list, where two candidates are alike when they share the
/// same words with the source. Carbonell and Goldstein, "The use of MMR" (SIGIR 1998).
fn diversified<'e>(
    mut ranked: Vec<Candidate<'e>>,
    source: &Source,
    scratch: &Scratch,
    formula: &Formula,
) -> Vec<Candidate<'e>> {
    let tail = ranked.split_off(ranked.len().min(DIVERSE_FROM));
    let mut aspects = aspects(&ranked, source, scratch);
    if source.tags.is_empty() {
        (ranked, aspects) = agreeing(ranked, aspects, formula.agreement);
    }
    let best = ranked
        .first()
        .map_or(1.0, |found| found.score.max(f32::MIN_POSITIVE));
    let lambda = formula.diversity;
    let mut list: Vec<Candidate> = Vec::with_capacity(ranked.len() + tail.len());
    let mut nearest = vec![0f32; ranked.len()];
    while list.len() < DIVERSE_PLACES && !ranked.is_empty() {
        let value = |i: usize| lambda * ranked[i].score / best - (1.0 - lambda) * nearest[i];
        let next =
            (0..ranked.len()).fold(0, |next, i| if value(i) > value(next) { i } else { next });
        let taken = aspects.remove(next);
        nearest.remove(next);
        list.push(ranked.remove(next));
        for (near, other) in nearest.iter_mut().zip(&aspects) {
            *near = near.max(dot(&taken, other));
        }
    }
    list.extend(ranked);
    list.extend(tail);
    list
}

/// Where an article has no tags to say what it is about, what its likeliest neighbours share with it says so:
/// those that are like the middle of them come forward.
fn agreeing<'e>(
    ranked: Vec<Candidate<'e>>,
    aspects: Vec<Aspects>,
    agreement: f32,
) -> (Vec<Candidate<'e>>, Vec<Aspects>) {
    let mut middle = [0.0; ASPECTS];
    for (candidate, aspects) in ranked.iter().zip(&aspects).take(DIVERSE_PLACES) {
        for (sum, aspect) in middle.iter_mut().zip(aspects.iter()) {
            *sum += candidate.score * aspect;
        }
    }
    let length = dot(&middle, &middle).sqrt().max(f32::MIN_POSITIVE);
    let mut both: Vec<(Candidate, Aspects)> = ranked.into_iter().zip(aspects).collect();
    for (candidate, aspects) in &mut both {
        candidate.score *= 1.0 + agreement * dot(aspects, &middle) / length;
    }
    both.sort_by(|(a, _), (b, _)| by_score(a, b));
    both.into_iter().unzip()
}

fn dot(a: &[f32; ASPECTS], b: &[f32; ASPECTS]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

type Aspects = Box<[f32; ASPECTS]>;

/// By candidate, how much of each of the source's strongest stems it has, as a vector of length one.
fn aspects(candidates: &[Candidate], source: &Source, scratch: &Scratch) -> Vec<Aspects> {
    let mut strongest: Vec<u32> = (0..source.stems.len() as u32).collect();
    let strength = |place: u32| {
        source
            .stems
            .get(place as usize)
            .map_or(0.0, |stem| stem.tf * stem.weight)
    };
    strongest.sort_unstable_by(|a, b| strength(*b).total_cmp(&strength(*a)).then(a.cmp(b)));
    let mut dimension = vec![ASPECTS; source.stems.len()];
    for (at, place) in strongest.into_iter().take(ASPECTS).enumerate() {
        dimension[place as usize] = at;
    }
    let of = |candidate: &Candidate| {
        let mut aspects: Aspects = Box::new([0.0; ASPECTS]);
        for found in candidate.stems_in(scratch) {
            let place = found.place as usize;
            if let (Some(at), Some(stem)) = (dimension.get(place), source.stems.get(place))
                && let Some(aspect) = aspects.get_mut(*at)
            {
                let tf = found.code.tf();
                *aspect = stem.idf * tf / (tf + 1.5);
            }
        }
        let length = aspects.iter().map(|x| x * x).sum::<f32>().sqrt();
        if length > 0.0 {
            aspects.iter_mut().for_each(|x| *x /= length);
        }
        aspects
    };
    candidates.iter().map(of).collect()
}
