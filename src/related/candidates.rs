//! Likely neighbours: the articles that score best when the source's strongest terms are the query.

use super::engine::Engine;
use super::index::{Slot, tag_term, worth};
use super::lookup::Filter;
use super::score::Source;

/// Scores are 16 bits wide; this is what a perfect one comes to.
const FULL: f32 = 50_000.0;
/// The most that a term's saturated frequency comes to, and the impact of a tag.
const MOST: f32 = 2.1;
const TAG_IMPACT: f32 = 0.25;
/// What a tag overlap of one is worth here, as a share of what the source scores against itself: the ranking takes
/// tags against the best candidate, which reaches about a third of that.
const BEST: f32 = 0.3;

/// Scores are looked through in blocks.
const BLOCK: usize = 64;

/// A term to look for candidates with.
struct Query {
    term: u32,
    /// Per unit of impact.
    weight: f32,
}

impl Engine {
    /// At most `wanted` articles that `filter` lets through, best first. `scores` is a scratch.
    pub(super) fn candidates(
        &self,
        source: &Source,
        filter: &Filter,
        wanted: usize,
        scores: &mut Vec<u16>,
    ) -> Vec<Slot> {
        scores.clear();
        scores.resize(self.capacity(), 0);
        self.score_postings(source, filter, scores);
        let tops: Vec<u16> = scores
            .chunks(BLOCK)
            .map(|block| block.iter().fold(0, |most, score| most.max(*score)))
            .collect();
        let mut looked_at = wanted + wanted / 4 + 8;
        loop {
            let threshold = nth_greatest(&tops, looked_at);
            let best = self.above(threshold, &tops, scores, filter, wanted);
            if best.len() >= wanted || threshold <= 1 {
                return best;
            }
            looked_at *= 4;
        }
    }

    /// Reads the postings of the strongest terms, as many as there is time for.
    fn score_postings(&self, source: &Source, filter: &Filter, scores: &mut [u16]) {
        let formula = &self.settings.formula;
        let queries = self.queries(source, filter);
        let most: f32 = queries.iter().map(|query| query.weight * MOST).sum();
        let scale = FULL / most.max(f32::MIN_POSITIVE);
        let share = formula.postings_share * self.capacity() as f32;
        let mut left = formula.postings + share as usize;
        for query in queries {
            let Some(postings) = self.index.postings(query.term) else {
                continue;
            };
            // A term too common for what is left is passed over; rarer ones behind it may still fit.
            let Some(after) = left.checked_sub(postings.len() as usize) else {
                continue;
            };
            left = after;
            postings.score(&worth(query.weight * scale), scores);
        }
    }

    /// The strongest first.
    fn queries(&self, source: &Source, filter: &Filter) -> Vec<Query> {
        let formula = &self.settings.formula;
        let mut queries: Vec<Query> = source
            .stems
            .iter()
            .map(|stem| Query {
                term: stem.hash,
                weight: stem.tf * stem.weight,
            })
            .collect();
        queries.sort_unstable_by(|a, b| b.weight.total_cmp(&a.weight).then(a.term.cmp(&b.term)));
        queries.truncate(formula.query_terms);
        let itself = source.masses.itself.max(1.0);
        if filter.crosses_languages() && source.marks_mass > 0.0 {
            let unit = formula.marks * itself / source.marks_mass;
            queries.extend(source.marks.iter().map(|mark| Query {
                term: mark.hash,
                weight: unit * mark.idf * mark.idf,
            }));
        }
        let mass: f32 = source.tags.iter().map(|(_, idf)| idf).sum();
        let unit = BEST * self.settings.tags * itself / (TAG_IMPACT * mass.max(f32::MIN_POSITIVE));
        queries.extend(source.tags.iter().map(|(tag, idf)| Query {
            term: tag_term(*tag),
            weight: unit * idf,
        }));
        queries.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.term.cmp(&b.term)));
        queries
    }

    /// Those with at least the threshold that the filter lets through.
    fn above(
        &self,
        threshold: u16,
        tops: &[u16],
        scores: &[u16],
        filter: &Filter,
        wanted: usize,
    ) -> Vec<Slot> {
        let threshold = threshold.max(1);
        let mut found: Vec<(u16, i64, Slot)> = Vec::with_capacity(wanted * 2);
        for (block, _) in tops
            .iter()
            .enumerate()
            .filter(|(_, top)| **top >= threshold)
        {
            let first = block * BLOCK;
            let scores = scores.iter().enumerate().skip(first).take(BLOCK);
            for (slot, score) in scores.filter(|(_, score)| **score >= threshold) {
                let slot = slot as Slot;
                if let Some(article) = self.article(slot).filter(|one| filter.may_pass(one)) {
                    found.push((*score, article.num, slot));
                }
            }
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        let passing = found.into_iter().map(|(_, _, slot)| slot).filter(|slot| {
            self.record_at(*slot)
                .is_some_and(|record| filter.lets_through(&record))
        });
        passing.take(wanted).collect()
    }
}

/// The nth greatest value; 0 where there are not so many.
fn nth_greatest(values: &[u16], n: usize) -> u16 {
    if n >= values.len() {
        return 0;
    }
    let mut values = values.to_vec();
    let (_, nth, _) = values.select_nth_unstable_by(n, |a, b| b.cmp(a));
    *nth
}
