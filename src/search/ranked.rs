//! The best by relevance without a look at all that match: a word's postings say, for each 128 of its articles, which of
//! them the word scores most (block-max indexes, Ding and Suel 2011), so that those are passed over which cannot come among
//! the best so far.

use std::sync::atomic::{AtomicU32, Ordering};

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::query::{Scorer, Weight};
use tantivy::schema::Field;
use tantivy::{DocId, Score, Searcher, SegmentOrdinal, SegmentReader};

use super::filter::Condition;
use super::matching::{Even, SCORE_OF_ALL};
use super::walk::{Gathered, SegmentWalk, Walk};

/// A little less: sums in another order differ in their last bits.
const ALMOST: Score = 1.0 - 1e-6;

/// Gathers what a [`Walk`] by relevance does, without its count.
pub struct Ranked<'a> {
    walk: Walk,
    /// What else an article must be. Asked about the few that come among the best, not searched for.
    conditions: Vec<Box<dyn Weight>>,
    words: Field,
    even: &'a Even,
    floor: &'a Floor,
}

/// A score that enough are known to have, of several segments and families that are looked through one after the other.
pub struct Floor(AtomicU32);

impl Default for Floor {
    fn default() -> Self {
        Self(Score::MIN.to_bits().into())
    }
}

impl Floor {
    fn get(&self) -> Score {
        Score::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// By one at a time. Of two the lower might remain, which is a floor, too.
    fn set(&self, score: Score) {
        self.0.store(score.to_bits(), Ordering::Relaxed);
    }
}

impl<'a> Ranked<'a> {
    /// # Errors
    /// When the index cannot be read.
    pub fn new(
        walk: &Walk,
        searcher: &Searcher,
        conditions: &[Condition],
        words: Field,
        even: &'a Even,
        floor: &'a Floor,
    ) -> tantivy::Result<Self> {
        let conditions = conditions.iter();
        let weights = conditions.map(|condition| condition.weight(searcher));
        Ok(Self {
            walk: Walk {
                count: false,
                ..walk.clone()
            },
            conditions: weights.collect::<tantivy::Result<_>>()?,
            words,
            even,
            floor,
        })
    }
}

impl Collector for Ranked<'_> {
    type Fruit = Gathered;
    type Child = SegmentWalk;

    fn for_segment(
        &self,
        ordinal: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<SegmentWalk> {
        let mut walk = self.walk.for_segment(ordinal, segment)?;
        walk.raise_floor(self.floor.get());
        Ok(walk)
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, gathered: Vec<Gathered>) -> tantivy::Result<Gathered> {
        self.walk.merge_fruits(gathered)
    }

    fn collect_segment(
        &self,
        weight: &dyn Weight,
        ordinal: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<Gathered> {
        let mut walk = self.for_segment(ordinal, segment)?;
        let tokens = segment.inverted_index(self.words)?.total_num_tokens();
        let length = tokens as f32 / segment.max_doc() as f32;
        let bounds = Bounds::new(self.even.usual_length(), length);
        let conditions = self.conditions.iter();
        let mut conditions: Vec<Box<dyn Scorer>> = conditions
            .map(|condition| condition.scorer(segment, 1.0))
            .collect::<tantivy::Result<_>>()?;
        let alive = segment.alive_bitset();
        let first = bounds.below(walk.floor());
        weight.for_each_pruning(first, segment, &mut |doc, score| {
            let is_in = walk.is_wanted(score)
                && alive.is_none_or(|alive| alive.is_alive(doc))
                && conditions
                    .iter_mut()
                    .all(|those| holds(those.as_mut(), doc));
            if is_in {
                walk.collect(doc, score);
            }
            bounds.below(walk.floor())
        })?;
        self.floor.set(walk.floor());
        Ok(walk.harvest())
    }
}

/// Whether an article is among those; to be asked in rising order.
fn holds(those: &mut dyn Scorer, doc: DocId) -> bool {
    let next = match those.doc() {
        next if next < doc => those.seek(doc),
        next => next,
    };
    next == doc
}

/// What the scores of blocks say though they were looked for with another length for a usual one. BM25 gives a word that
/// occurs `f` times in a text of length `l` a share `f / (f + 1.2 (0.25 + 0.75 l / usual))` of what it may score. Under one
/// usual length the best of a block had the greatest share. Under another, odds of shares (`share / (1 - share)`) have
/// changed by between nothing and the quotient of the lengths, `stretch`, so that another of the block may have, of a share
/// `s` of the best, up to `stretch s / (1 + (stretch - 1) s)`. That is concave, and holds for sums of words' scores, too.
struct Bounds {
    /// At least one.
    stretch: f32,
    /// Less than the engine takes a word to score at the most where it has not looked. Its lengths are rounded, so an
    /// article that is all one word may score more.
    most: Score,
}

impl Bounds {
    /// For scores that go by one usual length, in a segment that was written by another.
    fn new(asked: f32, written: f32) -> Self {
        Self {
            stretch: (asked / written).max(written / asked),
            most: SCORE_OF_ALL / (1.0 + 0.9 / asked) * ALMOST,
        }
    }

    /// No article scores `floor` or more whose bound, as its blocks tell it, is this or less.
    fn below(&self, floor: Score) -> Score {
        if floor <= 0.0 || !self.stretch.is_finite() {
            return Score::MIN;
        }
        let share = (floor / SCORE_OF_ALL).min(1.0);
        let told = share / (self.stretch - (self.stretch - 1.0) * share);
        (told * SCORE_OF_ALL * ALMOST).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Random, article, index_of, query};
    use super::*;
    use crate::content::listing::Order;
    use crate::content::tag_filter::TagFilter;

    #[test]
    fn the_best_are_those_that_a_look_at_all_finds() {
        const WORDS: [&str; 6] = ["eau", "rose", "sel", "dune", "puits", "laine"];
        let mut random = Random(11);
        let (index, mut writer) = index_of(&[]);
        // Segments whose usual lengths are far apart, each with many blocks of a common word.
        for (part, most) in [(0, 6), (1, 40), (2, 160)] {
            for num in 0..900 {
                let words = 1 + random.below(most);
                let words =
                    (0..words).map(|_| WORDS[(random.below(6) * random.below(6) / 5) as usize]);
                let body: Vec<&str> = words.collect();
                let language = ["fr", "fr", "fr", "de"][random.below(4) as usize];
                let mut made = article(part * 1_000 + num, language, "Titre").body(&body.join(" "));
                made.visible = (random.below(5) > 0).then_some((0, 10));
                made.source = Some(["MAP", "AFP", "MAP"][random.below(3) as usize]);
                if random.below(12) == 0 {
                    made.source = Some("Portail");
                }
                if random.below(2) == 0 {
                    made = made.tagged(1, "mot");
                }
                made.put(&mut writer);
            }
            writer.commit(part + 2).unwrap();
        }
        for num in (0..3_000).step_by(11) {
            writer.delete(num).unwrap();
        }
        writer.commit(9).unwrap();

        let searcher = index.reader().unwrap().searcher();
        let mut full = 0;
        for _ in 0..400 {
            let word = |random: &mut Random| WORDS[random.below(6) as usize];
            let mut text = word(&mut random).to_owned();
            // Not more than three: of four the sums would differ in their last bits.
            for _ in 0..random.below(3) {
                let mark = ["", "", "", "-", "\""][random.below(5) as usize];
                let other = word(&mut random);
                text += &match mark {
                    "\"" => format!(" \"{other} {}\"", word(&mut random)),
                    mark => format!(" {mark}{other}"),
                };
            }
            let mut asked = query(&text);
            asked.order = Order::Relevance;
            asked.limit = 1 + (random.below(5) * random.below(5)) as usize;
            asked.count = random.below(2) == 0;
            let often = random.below(2);
            let source = ["MAP", "AFP", "Portail"][random.below(3) as usize];
            asked.language = (random.below(3) < often).then(|| "fr".to_owned());
            asked.source = (random.below(3) < often).then(|| source.to_owned());
            asked.visible_at = (random.below(3) < often).then_some(5);
            asked.tags = (random.below(3) < often).then_some(TagFilter::Is(1));
            for _ in 0..3 {
                let found = |skips| index.found(&searcher, &asked, skips).unwrap();
                let hits = found(true);
                assert_eq!(hits, found(false), "{asked:?}");
                full += usize::from(hits.hits.len() == asked.limit);
                asked.after = hits.hits.last().map(|hit| hit.key);
            }
        }
        assert!(full > 900, "{full}");
    }

    #[test]
    fn a_count_leaves_the_list_as_it_is() {
        let (index, mut writer) = index_of(&[]);
        let words = ["eau", "rose", "sel", "dune", "puits"];
        for num in 0..400 {
            let body: Vec<String> = (words.iter().zip(1..))
                .map(|(word, at)| format!("{word} ").repeat(1 + (num * at % 7) as usize))
                .collect();
            article(num, "fr", "Titre")
                .body(&body.concat())
                .put(&mut writer);
        }
        writer.commit(2).unwrap();
        let mut asked = query(&words.join(" "));
        asked.order = Order::Relevance;
        let hits = index.search(&asked).unwrap().hits;
        asked.count = true;
        let counted = index.search(&asked).unwrap();
        assert_eq!((counted.hits, counted.count), (hits, Some(400)));
    }

    /// The share that a word has of what it may score, in a text of this length with it so often.
    fn share((count, length): (f32, f32), usual: f32) -> f32 {
        count / (count + 1.2 * (0.25 + 0.75 * length / usual))
    }

    #[test]
    fn no_block_is_passed_over_that_holds_one_of_the_best() {
        let mut random = Random(5);
        let mut passed = 0;
        for _ in 0..20_000 {
            let mut any = |most: u64| 1.0 + random.below(most) as f32;
            let (asked, written) = (any(1_000), any(1_000));
            let bounds = Bounds::new(asked, written);
            let weights = [0.3 * SCORE_OF_ALL, 0.7 * SCORE_OF_ALL];
            let (mut told, mut most) = (0.0, 0.0);
            for weight in weights {
                let block: Vec<(f32, f32)> = (0..8).map(|_| (any(12), any(2_000))).collect();
                let by = |usual| {
                    let order = move |one: &&(f32, f32), other: &&(f32, f32)| {
                        share(**one, usual).total_cmp(&share(**other, usual))
                    };
                    *block.iter().max_by(order).unwrap()
                };
                told += weight * share(by(written), asked);
                most += weight * share(by(asked), asked);
            }
            let floor = SCORE_OF_ALL * any(1_000) / 1_000.0;
            if told <= bounds.below(floor) {
                assert!(most < floor, "{asked} {written}: {told} {most} {floor}");
                passed += 1;
            }
        }
        assert!(passed > 1_000, "{passed}");
        assert_eq!(Bounds::new(8.0, 0.0).below(1.0), Score::MIN);
    }

    /// Of two texts of one share by the usual length of the writing, the one that the engine did not note may be the
    /// better one by as much as is allowed for, and not by more.
    #[test]
    fn the_bounds_are_as_wide_as_they_must_be() {
        for (asked, written) in [(32.0, 9.0), (32.0, 90.0), (256.0, 255.0), (64.0, 1.5)] {
            let bounds = Bounds::new(asked, written);
            // A text without length against one of which length is all.
            for count in [0.01, 0.1, 0.3, 1.0, 5.0_f32] {
                let (short, long) = (0.0, 1e7);
                let as_good =
                    count / (0.25 + 0.75 * short / written) * (0.25 + 0.75 * long / written);
                let texts = [(count, short), (as_good, long)];
                let [one, other] = texts.map(|text| share(text, asked) * SCORE_OF_ALL);
                let (told, best) = (one.min(other), one.max(other));
                assert!(bounds.below(best) < told, "{asked} {written} {count}");
                let above = bounds.below(best * 1.001);
                assert!(
                    told < above || above >= bounds.most,
                    "{asked} {written} {count}"
                );
            }
        }
    }
}
