//! Likely neighbours: the articles that score best when the source's strongest terms are the query.

use super::engine::Engine;
use super::index::{tag_term, worth};
use super::lookup::Filter;
use super::postings::{CHUNK, Postings, Slot};
use super::score::Source;

/// Scores are 16 bits wide, with a sign, of which the processor finds the greatest several at a time; this is what
/// a perfect one comes to.
const FULL: f32 = 30_000.0;
/// The most that a term's saturated frequency comes to, and the impact of a tag.
const MOST: f32 = 2.1;
const TAG_IMPACT: f32 = 0.25;
/// What a tag overlap of one is worth here, as a share of what the source scores against itself: the ranking takes
/// tags against the best candidate, which reaches about a third of that.
const BEST: f32 = 0.3;

/// Candidates looked at for the sake of a filter that turns most away.
const MOST_LOOKED_AT: usize = 20_000;

/// Scores are looked through in blocks, in a small corpus in narrow ones: there need to be many more blocks than
/// candidates.
const BLOCK: usize = 64;
const NARROW: usize = 8;
const SMALL: usize = 40_000;

/// A term to look for candidates with.
struct Query<'a> {
    term: u32,
    postings: Option<&'a Postings>,
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
        scores: &mut Vec<i16>,
    ) -> Vec<Slot> {
        scores.clear();
        scores.resize(self.slot_count().next_multiple_of(CHUNK), 0);
        self.score_postings(source, filter, scores);
        if let Some(bearers) = self.needed_bearers(filter) {
            let scored = bearers.into_iter().map(|slot| {
                let score = scores.get(slot as usize).copied();
                (score.unwrap_or_default(), slot)
            });
            return self.best(scored, filter, wanted);
        }
        if self.slot_count() < SMALL {
            self.likely::<NARROW>(scores, filter, wanted)
        } else {
            self.likely::<BLOCK>(scores, filter, wanted)
        }
    }

    /// The best by their scores, which are looked at only in the blocks with the greatest.
    fn likely<const BLOCK: usize>(
        &self,
        scores: &[i16],
        filter: &Filter,
        wanted: usize,
    ) -> Vec<Slot> {
        let (blocks, _) = scores.as_chunks::<BLOCK>();
        let tops: Vec<i16> = blocks.iter().map(greatest).collect();
        let mut looked_at = with_some_to_spare(wanted);
        loop {
            let threshold = nth_greatest(&tops, looked_at).max(1);
            let found = blocks.iter().zip(&tops).enumerate();
            let found = found.filter(|(_, (_, top))| **top >= threshold);
            let scored = found.flat_map(|(block, (scores, _))| {
                let slots = (block * BLOCK) as Slot..;
                let scored = scores.iter().copied().zip(slots);
                scored.filter(|(score, _)| *score >= threshold)
            });
            let best = self.best(scored, filter, wanted);
            if best.len() >= wanted || threshold <= 1 || looked_at > MOST_LOOKED_AT / BLOCK {
                return best;
            }
            looked_at *= 4;
        }
    }

    /// Reads the postings of the strongest terms, as many as there is time for.
    fn score_postings(&self, source: &Source, filter: &Filter, scores: &mut [i16]) {
        let formula = &self.settings.formula;
        let queries = self.queries(source, filter);
        let most: f32 = queries.iter().map(|query| query.weight * MOST).sum();
        let scale = FULL / most.max(f32::MIN_POSITIVE);
        let share = formula.postings_share * self.len() as f32;
        let mut left = formula.postings + share as usize;
        for query in queries {
            let Some(postings) = query.postings else {
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
    fn queries<'a>(&'a self, source: &Source<'a>, filter: &Filter) -> Vec<Query<'a>> {
        let formula = &self.settings.formula;
        let mut queries: Vec<Query> = source
            .stems
            .iter()
            .zip(&source.postings)
            .map(|(stem, postings)| Query {
                term: stem.hash,
                postings: *postings,
                weight: stem.tf * stem.weight,
            })
            .collect();
        queries.sort_unstable_by(|a, b| b.weight.total_cmp(&a.weight).then(a.term.cmp(&b.term)));
        // Words find articles of the same language only.
        let words = if filter.keeps_language() {
            formula.query_terms
        } else {
            0
        };
        queries.truncate(words);
        let itself = source.masses.itself.max(1.0);
        if filter.crosses_languages() && source.marks_mass > 0.0 {
            let unit = formula.marks * itself / source.marks_mass;
            queries.extend(source.marks.iter().map(|mark| Query {
                term: mark.hash,
                postings: self.index.postings(mark.hash),
                weight: unit * mark.idf * mark.idf,
            }));
        }
        let mass: f32 = source.tags.iter().map(|(_, idf)| idf).sum();
        let unit = BEST * self.settings.tags * itself / (TAG_IMPACT * mass.max(f32::MIN_POSITIVE));
        queries.extend(source.tags.iter().map(|(tag, idf)| {
            let term = tag_term(*tag);
            Query {
                term,
                postings: self.index.postings(term),
                weight: unit * idf,
            }
        }));
        queries.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.term.cmp(&b.term)));
        queries
    }

    /// The best of those that the filter lets through.
    fn best(
        &self,
        scored: impl Iterator<Item = (i16, Slot)>,
        filter: &Filter,
        wanted: usize,
    ) -> Vec<Slot> {
        let mut found: Vec<(i16, i64, Slot)> = scored
            .filter_map(|(score, slot)| {
                let article = self.article(slot).filter(|one| filter.may_pass(one))?;
                Some((score, article.num, slot))
            })
            .collect();
        let mut best = Vec::with_capacity(wanted);
        let (mut rest, mut share) = (found.as_mut_slice(), with_some_to_spare(wanted));
        let mut looked_at = 0;
        // Put in order only as far as they are looked at.
        while best.len() < wanted && looked_at < MOST_LOOKED_AT && !rest.is_empty() {
            let (head, tail) = first_in_order(rest, share.min(MOST_LOOKED_AT - looked_at));
            self.approach(head.iter().map(|(_, _, slot)| *slot));
            let passing = head.iter().map(|(_, _, slot)| *slot).filter(|slot| {
                let record = self.record_at(*slot);
                record.is_some_and(|record| filter.lets_through(&record))
            });
            best.extend(passing.take(wanted - best.len()));
            looked_at += head.len();
            share *= 4;
            rest = tail;
        }
        best
    }

    /// Everyone that bears a tag which the filter asks for, where these are few enough to look at each.
    fn needed_bearers(&self, filter: &Filter) -> Option<Vec<Slot>> {
        let bearers = |tag: &i64| self.index.bearers(*tag);
        let tags = filter.tags()?.needed(&bearers)?;
        let count: usize = tags.iter().map(|tag| bearers(tag) as usize).sum();
        if count > MOST_LOOKED_AT {
            return None;
        }
        let mut slots = Vec::with_capacity(count);
        for postings in tags
            .into_iter()
            .filter_map(|tag| self.index.postings(tag_term(*tag)))
        {
            postings.for_each(|slot, _| slots.push(slot));
        }
        slots.sort_unstable();
        slots.dedup();
        Some(slots)
    }
}

/// Filters turn some away.
fn with_some_to_spare(wanted: usize) -> usize {
    wanted + wanted / 4 + 8
}

/// The greatest `count` in falling order, and the rest in none.
fn first_in_order<T: Ord>(values: &mut [T], count: usize) -> (&mut [T], &mut [T]) {
    let count = count.min(values.len());
    if count < values.len() {
        values.select_nth_unstable_by(count, |a, b| b.cmp(a));
    }
    let (head, tail) = values.split_at_mut(count);
    head.sort_unstable_by(|a, b| b.cmp(a));
    (head, tail)
}

fn greatest<const BLOCK: usize>(block: &[i16; BLOCK]) -> i16 {
    // In lanes side by side, which the compiler keeps in one register.
    let mut lanes = [0i16; NARROW];
    for scores in block.as_chunks::<NARROW>().0 {
        for (lane, score) in lanes.iter_mut().zip(scores) {
            *lane = (*lane).max(*score);
        }
    }
    lanes.into_iter().fold(0, i16::max)
}

/// The nth greatest value; 0 where there are not so many.
fn nth_greatest(values: &[i16], n: usize) -> i16 {
    if n >= values.len() {
        return 0;
    }
    let mut values = values.to_vec();
    let (_, nth, _) = values.select_nth_unstable_by(n, |a, b| b.cmp(a));
    *nth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_are_asked_for_come_first_and_in_order() {
        let values: Vec<u32> = (0..100).map(|i| i * 37 % 101).collect();
        for count in [0, 1, 40, 99, 100, 101] {
            let mut left = values.clone();
            let (head, tail) = first_in_order(&mut left, count);
            assert_eq!(
                (head.len(), tail.len()),
                (count.min(100), 100 - count.min(100))
            );
            assert!(head.is_sorted_by(|a, b| a > b));
            assert!(head.iter().all(|high| tail.iter().all(|low| high > low)));
        }
    }

    #[test]
    fn the_greatest_of_a_block_is_found_wherever_it_stands() {
        for at in 0..BLOCK {
            let mut wide = [3; BLOCK];
            wide[at] = 9;
            assert_eq!(greatest(&wide), 9);
            let mut narrow = [3; NARROW];
            narrow[at % NARROW] = 9;
            assert_eq!(greatest(&narrow), 9);
        }
    }
}
