//! Why two articles are related, in words that a reader understands.

use super::engine::Engine;
use super::score::{Weighed, WeighedTerm, shared};
use super::select::Chosen;
use super::weights::idf;
use super::{Neighbour, Reason};

/// Named at most.
const TAGS: usize = 4;
const TERMS: usize = 5;

/// A term in more than this share of the articles says nothing to a reader.
const COMMON: f32 = 0.2;

/// The entry as shown: weights add up to its score.
pub(super) fn neighbour(engine: &Engine, source: &Weighed, chosen: Chosen) -> Neighbour {
    let other = &chosen.candidate.weighed;
    let mut reasons = named(engine, source, other);
    let words = chosen.candidate.evidence.words(&engine.settings.formula);
    let rest = words - terms_weight(&reasons);
    if rest > 0.0 {
        reasons.push(Reason::Wording { weight: rest });
    }
    scale(&mut reasons, chosen.score);
    if chosen.pinned {
        reasons.insert(0, Reason::Pin);
    }
    Neighbour {
        num: other.profile.num,
        score: chosen.score,
        reasons,
        copies: chosen.copies,
    }
}

fn named(engine: &Engine, source: &Weighed, other: &Weighed) -> Vec<Reason> {
    let mut reasons = tags(engine, source, other);
    reasons.extend(terms(engine, source, other));
    reasons
}

fn tags(engine: &Engine, source: &Weighed, other: &Weighed) -> Vec<Reason> {
    let (a, d) = (source.profile, other.profile);
    let mass = |tag: &i64| engine.tag_idf(*tag);
    let common: Vec<i64> = a
        .tags
        .iter()
        .copied()
        .filter(|tag| d.tags.contains(tag))
        .collect();
    let all = a.tags.iter().chain(d.tags.iter()).map(mass).sum::<f32>()
        - common.iter().map(mass).sum::<f32>();
    let mut reasons: Vec<(i64, f32)> = common
        .iter()
        .map(|tag| {
            (
                *tag,
                if all > 0.0 {
                    engine.settings.tags * mass(tag) / all
                } else {
                    0.0
                },
            )
        })
        .filter(|(_, weight)| *weight > 0.0)
        .collect();
    reasons.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    reasons.truncate(TAGS);
    reasons
        .into_iter()
        .map(|(tag, weight)| Reason::Tag { tag, weight })
        .collect()
}

fn terms(engine: &Engine, source: &Weighed, other: &Weighed) -> Vec<Reason> {
    let backward = engine.settings.formula.backward;
    let articles = engine.index.totals(source.profile.language).articles;
    let telling = idf(articles, (COMMON * articles as f32).max(3.0) as u32);
    let weight = |(x, y): (&WeighedTerm, &WeighedTerm)| {
        let weight = x.query * y.document / source.itself.max(f32::MIN_POSITIVE)
            + backward * y.query * x.document / other.itself.max(f32::MIN_POSITIVE);
        (weight, x.hash, x.idf)
    };
    let mut found: Vec<(f32, u32, &str)> = shared(&source.stems, &other.stems)
        .chain(shared(&source.bigrams, &other.bigrams))
        .map(weight)
        .filter(|(_, _, idf)| *idf >= telling)
        .filter_map(|(weight, hash, _)| Some((weight, hash, source.profile.name(hash)?)))
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    found.truncate(TERMS);
    found
        .into_iter()
        .map(|(weight, _, name)| Reason::Term {
            term: name.to_owned(),
            weight,
        })
        .collect()
}

fn terms_weight(reasons: &[Reason]) -> f32 {
    reasons
        .iter()
        .map(|reason| match reason {
            Reason::Term { weight, .. } => *weight,
            _ => 0.0,
        })
        .sum()
}

fn scale(reasons: &mut [Reason], score: f32) {
    let total: f32 = reasons
        .iter_mut()
        .filter_map(weight_mut)
        .map(|weight| *weight)
        .sum();
    let factor = if total > 0.0 { score / total } else { 0.0 };
    reasons
        .iter_mut()
        .filter_map(weight_mut)
        .for_each(|weight| *weight *= factor);
}

fn weight_mut(reason: &mut Reason) -> Option<&mut f32> {
    match reason {
        Reason::Pin => None,
        Reason::Tag { weight, .. } | Reason::Term { weight, .. } | Reason::Wording { weight } => {
            Some(weight)
        }
    }
}
