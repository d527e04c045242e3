//! One article against another in full: words both ways, tags, time, headlines.

use super::engine::Engine;
use super::masses::Masses;
use super::places::{Match, Places};
use super::postings::Postings;
use super::record::{Record, Terms};
use super::weights::{Code, Formula, Saturation, idf, step};

/// An article that asks, with what its terms weigh today.
pub(super) struct Source<'a> {
    pub record: Record<'a>,
    /// In the order of the record.
    pub stems: Vec<Weighed>,
    /// Who has each stem.
    pub postings: Vec<Option<&'a Postings>>,
    pub pairs: Vec<Weighed>,
    pub marks: Vec<Weighed>,
    pub masses: Masses,
    /// idf² of all its marks.
    pub marks_mass: f32,
    pub tags: Vec<(i64, f32)>,
    /// Sorted by hash.
    names: Vec<(u32, &'a str)>,
    stem_places: Places,
    pair_places: Places,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Weighed {
    pub hash: u32,
    pub idf: f32,
    pub tf: f32,
    /// tf, saturated.
    pub saturated: f32,
    pub in_title: bool,
    /// What a term adds to a score per unit of the one's tf and the other's saturated tf.
    pub weight: f32,
}

impl<'a> Source<'a> {
    /// `masses`: where they are known already.
    pub fn of(record: Record<'a>, masses: Option<Masses>, engine: &'a Engine) -> Self {
        let (index, formula) = (&engine.index, &engine.settings.formula);
        let totals = index.totals(record.language());
        let (articles, all) = (totals.step(), index.all().step());
        let saturation = index.saturation(&record, formula);
        let weigh = |hash: u32, code: Code, idf: f32| Weighed {
            hash,
            idf,
            tf: code.tf(),
            saturated: saturation.of(code.tf()),
            in_title: code.in_title(),
            weight: index.weight(idf),
        };
        let weigh_all = |terms: Terms, articles: i32| -> Vec<Weighed> {
            terms
                .iter()
                .map(|(hash, code)| weigh(hash, code, index.idf(articles, hash)))
                .collect()
        };
        let (stems, postings) = record
            .stems()
            .iter()
            .map(|(hash, code)| {
                let postings = index.postings(hash);
                let df = postings.map_or(1, Postings::len);
                (weigh(hash, code, idf(articles, step(df))), postings)
            })
            .unzip();
        let marks = weigh_all(record.marks(), all);
        // How often a pair occurs in all articles is not kept; it is at least as rare as its rarer half.
        let stems: Vec<Weighed> = stems;
        let rarity = |at: usize| stems.get(at).map_or(0.0, |stem| stem.idf);
        let pairs = record
            .pairs()
            .iter()
            .zip(record.parts())
            .map(|((hash, code), (left, right))| weigh(hash, code, rarity(left).max(rarity(right))))
            .collect();
        Self {
            record,
            names: record.names().collect(),
            stem_places: Places::of(record.stems()),
            pair_places: Places::of(record.pairs()),
            masses: masses.unwrap_or_else(|| Masses::of(&record, index, formula)),
            postings,
            marks_mass: marks.iter().map(|mark| mark.idf * mark.idf).sum(),
            tags: record.tags().map(|tag| (tag, index.tag_idf(tag))).collect(),
            stems,
            pairs,
            marks,
        }
    }

    /// Adds the stems that `other` has, too. `maybe` is a scratch.
    pub fn meet_stems(
        &self,
        other: &Record,
        maybe: &mut Vec<(u32, u16)>,
        matches: &mut Vec<Match>,
    ) {
        self.stem_places.meet(other.stems(), maybe, matches);
    }

    /// Adds the pairs that `other` has, too.
    pub fn meet_pairs(
        &self,
        other: &Record,
        maybe: &mut Vec<(u32, u16)>,
        matches: &mut Vec<Match>,
    ) {
        self.pair_places.meet(other.pairs(), maybe, matches);
    }

    /// The term as the source writes it.
    pub fn name(&self, term: u32) -> Option<&'a str> {
        let at = self.names.binary_search_by_key(&term, |(hash, _)| *hash);
        self.names.get(at.ok()?).map(|(_, name)| *name)
    }
}

/// Two articles compared.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    /// F(a→d) / F(a→a) and F(d→a) / F(d→d): shares of what either asks for that the other has.
    pub forward: f32,
    pub backward: f32,
    /// idf of shared tags over idf of all tags of both.
    pub tags: f32,
    /// exp(-days apart / scale).
    pub time: f32,
    /// Shares of either headline's words and pairs found in the other article.
    pub title: f32,
    pub title_back: f32,
    pub phrase: f32,
    pub phrase_back: f32,
    /// idf of the words that the headlines share over idf of all their words.
    pub headline: f32,
}

impl Evidence {
    pub fn words(&self, formula: &Formula) -> f32 {
        self.forward + formula.backward * self.backward
    }

    /// What time and headlines multiply the rest by.
    pub fn factor(&self, formula: &Formula) -> f32 {
        let cube = |share: f32| share * share * share;
        let title = formula.coverage * (cube(self.title) + cube(self.title_back));
        let phrase = formula.phrase * (cube(self.phrase) + cube(self.phrase_back));
        (1.0 + formula.time * self.time) * (1.0 + title + phrase + formula.headline * self.headline)
    }
}

impl Formula {
    /// A pair's weight where `having` of `candidates` have it. Among articles that resemble the source at all, a
    /// pair that few have tells more than one that all have; pairs are the names and set phrases whose rarity the
    /// single words do not tell.
    pub(super) fn pair_weight(&self, idf: f32, candidates: usize, having: u32) -> f32 {
        let local = ((candidates as f32 + 1.0) / (having as f32 + 0.5)).ln();
        self.pair * (idf + self.local * local.max(0.0)).powf(1.0 + self.idf_power)
    }
}

/// What two articles share, added up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shared {
    forward: f32,
    backward: f32,
    title: f32,
    title_back: f32,
    phrase: f32,
    phrase_back: f32,
    headline: f32,
}

impl Shared {
    pub fn of_stems(source: &Source, matches: &[Match], theirs: &Saturation) -> Self {
        let mut sum = Self::default();
        for found in matches {
            let Some(term) = source.stems.get(found.place as usize) else {
                continue;
            };
            sum.add(term, term.weight, found.code.tf(), theirs);
            let there = found.code.in_title();
            sum.title += if there { term.idf } else { 0.0 };
            sum.title_back += if term.in_title { term.idf } else { 0.0 };
            sum.headline += if there && term.in_title {
                term.idf
            } else {
                0.0
            };
        }
        sum
    }

    /// `weights`: of the source's pairs, in their order.
    pub fn add_pairs(
        &mut self,
        source: &Source,
        weights: &[f32],
        matches: &[Match],
        theirs: &Saturation,
    ) {
        for found in matches {
            let at = found.place as usize;
            let (Some(term), Some(weight)) = (source.pairs.get(at), weights.get(at)) else {
                continue;
            };
            self.add(term, *weight, found.code.tf(), theirs);
            self.phrase += if found.code.in_title() { term.idf } else { 0.0 };
            self.phrase_back += if term.in_title { term.idf } else { 0.0 };
        }
    }

    fn add(&mut self, term: &Weighed, weight: f32, tf: f32, theirs: &Saturation) {
        self.forward += term.tf * weight * theirs.of(tf);
        self.backward += tf * weight * term.saturated;
    }
}

impl Engine {
    /// What the sums mean, as shares of what either article comes to by itself.
    pub(super) fn evidence(
        &self,
        source: &Source,
        shared: &Shared,
        other: &Record,
        masses: &Masses,
    ) -> Evidence {
        let mut evidence = match other.language() == source.record.language() {
            true => by_words(source, shared, masses),
            false => self.by_marks(source, other),
        };
        evidence.tags = tag_overlap(source, other, masses);
        let (a, d) = (source.record.published_at(), other.published_at());
        let days = a.abs_diff(d) as f32 / 86_400.0;
        evidence.time = (-days / self.settings.formula.time_days).exp();
        evidence
    }

    /// Articles in two languages: what they share of names and numbers.
    fn by_marks(&self, source: &Source, other: &Record) -> Evidence {
        let mut both = 0.0;
        let mut theirs = 0.0;
        let articles = self.index.all().step();
        for (hash, _) in other.marks().iter() {
            let idf = self.index.idf(articles, hash);
            theirs += idf * idf;
            if source
                .marks
                .binary_search_by_key(&hash, |mark| mark.hash)
                .is_ok()
            {
                both += idf * idf;
            }
        }
        let marks = self.settings.formula.marks;
        Evidence {
            forward: marks * share(both, source.marks_mass),
            backward: marks * share(both, theirs),
            ..Evidence::default()
        }
    }
}

fn by_words(source: &Source, shared: &Shared, theirs: &Masses) -> Evidence {
    let ours = &source.masses;
    let headlines = ours.title + theirs.title - shared.headline;
    Evidence {
        forward: share(shared.forward, ours.itself),
        backward: share(shared.backward, theirs.itself),
        title: share(shared.title, theirs.title),
        title_back: share(shared.title_back, ours.title),
        phrase: share(shared.phrase, theirs.phrase),
        phrase_back: share(shared.phrase_back, ours.phrase),
        headline: share(shared.headline, headlines),
        ..Evidence::default()
    }
}

/// idf of the tags that both bear over idf of all their tags.
fn tag_overlap(source: &Source, other: &Record, theirs: &Masses) -> f32 {
    let common: f32 = source
        .tags
        .iter()
        .filter(|(tag, _)| other.tags().any(|borne| borne == *tag))
        .map(|(_, idf)| idf)
        .sum();
    share(common, source.masses.tags + theirs.tags - common)
}

pub(super) fn share(part: f32, whole: f32) -> f32 {
    if whole > 0.0 {
        (part / whole).clamp(0.0, 1.0)
    } else {
        0.0
    }
}
