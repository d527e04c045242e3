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
    /// Of the stems.
    gains: Vec<Gain>,
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
    /// By stem and by pair, as the source writes it, where that is known.
    pub stem_names: Vec<Option<&'a str>>,
    pub pair_names: Vec<Option<&'a str>>,
    /// Of its language, in words.
    mean_length: f32,
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

/// What a term that both have adds to their resemblance, as far as the source alone tells.
#[derive(Clone, Copy)]
pub(super) struct Gain {
    /// Per unit of the other's saturated tf, and of its tf.
    forward: f32,
    backward: f32,
    idf: f32,
    in_title: bool,
}

impl Weighed {
    pub fn gain(&self, weight: f32) -> Gain {
        Gain {
            forward: self.tf * weight,
            backward: weight * self.saturated,
            idf: self.idf,
            in_title: self.in_title,
        }
    }
}

impl<'a> Source<'a> {
    /// `masses`: where they are known already.
    pub fn of(record: Record<'a>, masses: Option<Masses>, engine: &'a Engine) -> Self {
        let (index, formula) = (&engine.index, &engine.settings.formula);
        let totals = index.totals(record.language());
        let (articles, all) = (totals.step(), index.all().step());
        let mean_length = totals.mean_length();
        let saturation = formula.saturation(record.words() as f32 / mean_length);
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
        // In two goes: looking up waits for memory, and goes on to the next only where nothing hangs on what is found.
        let postings: Vec<Option<&Postings>> = record
            .stems()
            .hashes()
            .map(|hash| index.postings(hash))
            .collect();
        let stems: Vec<Weighed> = record
            .stems()
            .iter()
            .zip(&postings)
            .map(|((hash, code), postings)| {
                let df = postings.map_or(1, Postings::len);
                weigh(hash, code, idf(articles, step(df)))
            })
            .collect();
        let marks = weigh_all(record.marks(), all);
        // How often a pair occurs in all articles is not kept; it is at least as rare as its rarer half.
        let rarity = |at: usize| stems.get(at).map_or(0.0, |stem| stem.idf);
        let pairs = record
            .pairs()
            .iter()
            .zip(record.parts())
            .map(|((hash, code), (left, right))| weigh(hash, code, rarity(left).max(rarity(right))))
            .collect();
        let names: Vec<(u32, &str)> = record.names().collect();
        Self {
            record,
            mean_length,
            stem_names: named(&names, record.stems()),
            pair_names: named(&names, record.pairs()),
            gains: stems.iter().map(|stem| stem.gain(stem.weight)).collect(),
            names,
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

    /// How an article of the source's language saturates.
    pub fn saturation_of(&self, other: &Record, formula: &Formula) -> Saturation {
        formula.saturation(other.words() as f32 / self.mean_length)
    }

    /// Adds the stems that `other` has, too, and tells what they come to.
    pub fn meet_stems(
        &self,
        other: &Record,
        theirs: &Saturation,
        matches: &mut Vec<Match>,
    ) -> Shared {
        let mut sum = Shared::default();
        self.stem_places.meet(other.stems(), |found| {
            if let Some(gain) = self.gains.get(usize::from(found.place)) {
                sum.add_stem(gain, found.code, theirs);
                matches.push(found);
            }
        });
        sum
    }

    /// Adds the pairs that `other` has, too.
    pub fn meet_pairs(&self, other: &Record, matches: &mut Vec<Match>) {
        self.pair_places
            .meet(other.pairs(), |found| matches.push(found));
    }

    /// The term as the source writes it.
    pub fn name(&self, term: u32) -> Option<&'a str> {
        let at = self.names.binary_search_by_key(&term, |(hash, _)| *hash);
        self.names.get(at.ok()?).map(|(_, name)| *name)
    }
}

/// By term its name; both are sorted by hash.
fn named<'a>(names: &[(u32, &'a str)], terms: Terms) -> Vec<Option<&'a str>> {
    let mut names = names.iter().peekable();
    let name = |hash| {
        while names.next_if(|(before, _)| *before < hash).is_some() {}
        let (found, name) = names.peek()?;
        (*found == hash).then_some(*name)
    };
    terms.hashes().map(name).collect()
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
    #[inline]
    fn add_stem(&mut self, gain: &Gain, code: Code, theirs: &Saturation) {
        self.add(gain, code, theirs);
        let there = code.in_title();
        // Few words stand in a headline.
        if there || gain.in_title {
            self.title += if there { gain.idf } else { 0.0 };
            self.title_back += if gain.in_title { gain.idf } else { 0.0 };
            self.headline += if there && gain.in_title {
                gain.idf
            } else {
                0.0
            };
        }
    }

    /// `gains`: of the source's pairs, in their order.
    pub fn add_pairs(&mut self, gains: &[Gain], matches: &[Match], theirs: &Saturation) {
        for found in matches {
            if let Some(gain) = gains.get(usize::from(found.place)) {
                self.add(gain, found.code, theirs);
                self.phrase += if found.code.in_title() { gain.idf } else { 0.0 };
                self.phrase_back += if gain.in_title { gain.idf } else { 0.0 };
            }
        }
    }

    #[inline]
    fn add(&mut self, gain: &Gain, code: Code, theirs: &Saturation) {
        let tf = code.tf();
        self.forward += gain.forward * theirs.of(tf);
        self.backward += gain.backward * tf;
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
