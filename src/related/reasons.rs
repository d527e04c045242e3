//! Why two articles are related, in words that a reader understands.

use super::engine::Engine;
use super::score::{Source, Weighed, share};
use super::scratch::Scratch;
use super::select::Chosen;
use super::weights::{idf, step};
use super::{Neighbour, Reason};

/// Named at most.
const TAGS: usize = 4;
const TERMS: usize = 5;

/// A term in more than this share of the articles says nothing to a reader.
const COMMON: f32 = 0.2;

/// The entry as shown: weights add up to its score.
pub(super) fn neighbour(
    engine: &Engine,
    source: &Source,
    chosen: &Chosen,
    pair_weights: &[f32],
    scratch: &Scratch,
) -> Neighbour {
    let evidence = &chosen.candidate.evidence;
    let mut reasons = tags(engine, source, chosen);
    let terms = match chosen.candidate.record.language() == source.record.language() {
        true => words(engine, source, chosen, pair_weights, scratch),
        false => marks(engine, source, chosen),
    };
    let named: f32 = terms.iter().map(|(weight, _)| weight).sum();
    reasons.extend(terms.into_iter().map(|(weight, term)| Reason::Term {
        term: term.to_owned(),
        weight,
    }));
    let rest = evidence.words(&engine.settings.formula) - named;
    if rest > 0.0 {
        reasons.push(Reason::Wording { weight: rest });
    }
    scale(&mut reasons, chosen.score);
    if chosen.pinned {
        reasons.insert(0, Reason::Pin);
    }
    Neighbour {
        num: chosen.candidate.record.num(),
        score: chosen.score,
        reasons,
        copies: chosen.copies.clone(),
    }
}

fn tags(engine: &Engine, source: &Source, chosen: &Chosen) -> Vec<Reason> {
    let other = &chosen.candidate.record;
    let mut common: Vec<(i64, f32)> = source
        .tags
        .iter()
        .copied()
        .filter(|(tag, _)| other.tags().any(|theirs| theirs == *tag))
        .collect();
    let shared: f32 = common.iter().map(|(_, idf)| idf).sum();
    let weight = engine.settings.tags * chosen.candidate.evidence.tags;
    common.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    common.truncate(TAGS);
    common
        .into_iter()
        .map(|(tag, idf)| Reason::Tag {
            tag,
            weight: weight * share(idf, shared),
        })
        .filter(|reason| !matches!(reason, Reason::Tag { weight, .. } if *weight <= 0.0))
        .collect()
}

/// The words that gave most, as the source writes them.
fn words<'s>(
    engine: &Engine,
    source: &'s Source,
    chosen: &Chosen,
    pair_weights: &[f32],
    scratch: &Scratch,
) -> Vec<(f32, &'s str)> {
    let formula = &engine.settings.formula;
    let candidate = &chosen.candidate;
    let totals = engine.index.totals(source.record.language());
    let most = (COMMON * totals.articles as f32).max(3.0) as u32;
    let telling = idf(totals.step(), step(most));
    let gave = |term: &Weighed, weight: f32, tf: f32| {
        let forward = share(
            term.tf * weight * candidate.saturation.of(tf),
            source.masses.itself,
        );
        let backward = share(tf * weight * term.saturated, candidate.masses.itself);
        forward + formula.backward * backward
    };
    let mut words = Words {
        stems: vec![None; source.stems.len()],
        pairs: Vec::new(),
    };
    for found in candidate.stems_in(scratch) {
        let place = usize::from(found.place);
        if let Some(stem) = source.stems.get(place).filter(|stem| stem.idf >= telling) {
            let weight = gave(stem, stem.weight, found.code.tf());
            words.stems[place] = Some(weight);
        }
    }
    for found in candidate.pairs_in(scratch) {
        let place = usize::from(found.place);
        if let (Some(pair), Some(weight)) = (source.pairs.get(place), pair_weights.get(place)) {
            words.add_pair(source, place, gave(pair, *weight, found.code.tf()));
        }
    }
    words.named(source)
}

/// What the telling words gave.
struct Words {
    /// By their places among the source's stems; of others nothing.
    stems: Vec<Option<f32>>,
    /// Pairs of two telling words that have a name.
    pairs: Vec<(f32, usize)>,
}

impl Words {
    /// "le Maroc" says no more than "Maroc"; "Abdelouafi Laftit" does.
    fn add_pair(&mut self, source: &Source, pair: usize, weight: f32) {
        let Some((left, right)) = source.record.halves(pair) else {
            return;
        };
        let both = [left, right].map(|half| self.stem(half).is_some());
        let name = source.pair_names.get(pair).copied().flatten();
        if both == [true, true] && name.is_some() {
            return self.pairs.push((weight, pair));
        }
        let telling = both.into_iter().filter(|telling| *telling).count() as f32;
        for half in [left, right] {
            if let Some(sum) = self.stem(half) {
                *sum += weight / telling;
            }
        }
    }

    /// What the word at this place gave.
    fn stem(&mut self, place: usize) -> Option<&mut f32> {
        self.stems.get_mut(place)?.as_mut()
    }

    /// The strongest, a pair in the place of its halves.
    fn named<'s>(mut self, source: &'s Source) -> Vec<(f32, &'s str)> {
        self.pairs
            .sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut named: Vec<(f32, &str)> = Vec::new();
        for (weight, pair) in std::mem::take(&mut self.pairs) {
            let halves = source.record.halves(pair).unwrap_or_default();
            let parts = [halves.0, halves.1].map(|half| self.stem(half).map(std::mem::take));
            let sum = weight + parts.into_iter().flatten().sum::<f32>();
            let name = source.pair_names.get(pair).copied().flatten();
            named.extend(name.map(|name| (sum, name)));
        }
        let left = self.stems.iter().zip(&source.stem_names);
        named.extend(left.filter_map(|(weight, name)| {
            let weight = weight.filter(|weight| *weight > 0.0)?;
            Some((weight, (*name)?))
        }));
        let stronger = |a: &(f32, &str), b: &(f32, &str)| b.0.total_cmp(&a.0).then(a.1.cmp(b.1));
        if named.len() > TERMS {
            named.select_nth_unstable_by(TERMS, stronger);
            named.truncate(TERMS);
        }
        named.sort_unstable_by(stronger);
        named
    }
}

/// The names and numbers that articles in two languages share.
fn marks<'s>(engine: &Engine, source: &'s Source, chosen: &Chosen) -> Vec<(f32, &'s str)> {
    let formula = &engine.settings.formula;
    let shared: Vec<_> = source
        .marks
        .iter()
        .filter(|mark| {
            let mut theirs = chosen.candidate.record.marks().iter();
            theirs.any(|(hash, _)| hash == mark.hash)
        })
        .collect();
    let mass: f32 = shared.iter().map(|mark| mark.idf * mark.idf).sum();
    let words = chosen.candidate.evidence.words(formula);
    let mut found: Vec<(f32, u32)> = shared
        .into_iter()
        .map(|mark| (words * share(mark.idf * mark.idf, mass), mark.hash))
        .collect();
    found.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let named = found
        .into_iter()
        .filter_map(|(weight, hash)| Some((weight, source.name(hash)?)));
    named.take(TERMS).collect()
}

/// Puts merged reasons in order, tags and terms by falling weight and no more of them than usual, and makes them
/// add up to the score.
pub(super) fn tidy(reasons: &mut Vec<Reason>, score: f32) {
    reasons.sort_by(|a, b| {
        let weight = |reason: &Reason| reason.weight().unwrap_or(0.0);
        rank(a).cmp(&rank(b)).then(weight(b).total_cmp(&weight(a)))
    });
    let (mut tags, mut terms, mut rest) = (0, 0, 0.0);
    reasons.retain(|reason| {
        let within = match reason {
            Reason::Pin => true,
            Reason::Tag { .. } => {
                tags += 1;
                tags <= TAGS
            }
            Reason::Term { .. } => {
                terms += 1;
                terms <= TERMS
            }
            Reason::Wording { .. } => false,
        };
        rest += if within {
            0.0
        } else {
            reason.weight().unwrap_or(0.0)
        };
        within
    });
    if rest > 0.0 {
        reasons.push(Reason::Wording { weight: rest });
    }
    scale(reasons, score);
}

fn rank(reason: &Reason) -> u8 {
    match reason {
        Reason::Pin => 0,
        Reason::Tag { .. } => 1,
        Reason::Term { .. } => 2,
        Reason::Wording { .. } => 3,
    }
}

fn scale(reasons: &mut [Reason], score: f32) {
    let total: f32 = reasons.iter().filter_map(Reason::weight).sum();
    let factor = if total > 0.0 { score / total } else { 0.0 };
    reasons
        .iter_mut()
        .filter_map(Reason::weight_mut)
        .for_each(|weight| *weight *= factor);
}

impl Reason {
    /// A pin has none.
    pub fn weight(&self) -> Option<f32> {
        match self {
            Self::Pin => None,
            Self::Tag { weight, .. } | Self::Term { weight, .. } | Self::Wording { weight } => {
                Some(*weight)
            }
        }
    }

    pub(super) fn weight_mut(&mut self) -> Option<&mut f32> {
        match self {
            Self::Pin => None,
            Self::Tag { weight, .. } | Self::Term { weight, .. } | Self::Wording { weight } => {
                Some(weight)
            }
        }
    }
}
