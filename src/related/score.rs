//! One article against another in full: words both ways, tags, time, headlines.

use super::engine::Engine;
use super::profile::{Profile, Term};
use super::weights::{Formula, idf};

/// An article with the weights its terms have today.
pub(super) struct Weighed<'a> {
    pub profile: &'a Profile,
    /// Sorted by hash.
    pub stems: Vec<WeighedTerm>,
    pub bigrams: Vec<WeighedTerm>,
    /// What the article scores as a query against itself.
    pub itself: f32,
    pub title_mass: f32,
}

#[derive(Clone, Copy)]
pub(super) struct WeighedTerm {
    pub hash: u32,
    pub idf: f32,
    pub in_title: bool,
    /// What it adds to the score of an article when this one asks, per unit of document weight.
    pub query: f32,
    /// Its weight in this article when another asks.
    pub document: f32,
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
    /// Shares of either headline found in the other article.
    pub title: f32,
    pub title_back: f32,
}

impl Evidence {
    pub fn words(&self, formula: &Formula) -> f32 {
        self.forward + formula.backward * self.backward
    }

    /// What time and headlines multiply the rest by.
    pub fn factor(&self, formula: &Formula) -> f32 {
        let cube = |share: f32| share * share * share;
        (1.0 + formula.time * self.time)
            * (1.0 + formula.coverage * (cube(self.title) + cube(self.title_back)))
    }
}

impl Engine {
    /// `stored`: whether the counts already include the article; if not they are raised by it, so
    /// that a draft is answered as if it had just been put in.
    pub(super) fn weigh<'a>(&self, profile: &'a Profile, stored: bool) -> Weighed<'a> {
        let formula = &self.settings.formula;
        let more = u32::from(!stored);
        let mut totals = self.index.totals(profile.language);
        if !stored {
            totals = totals.with(profile.words());
        }
        let length = profile.words() as f32 / totals.mean_length();
        let weigh = |term: &Term, df: u32, scale: f32| {
            let tf = formula.frequency(term);
            let idf = idf(totals.articles, df);
            WeighedTerm {
                hash: term.hash,
                idf,
                in_title: term.title > 0,
                query: tf * idf.powf(formula.idf_power),
                document: scale * idf * formula.saturated(tf, length),
            }
        };
        let stems: Vec<_> = profile
            .stems
            .iter()
            .map(|term| weigh(term, self.index.stem_df(term.hash) + more, 1.0))
            .collect();
        let bigrams: Vec<_> = profile
            .bigrams
            .iter()
            .map(|term| (term, self.index.bigram_df(term.hash) + more))
            .filter(|(_, df)| *df > 1)
            .map(|(term, df)| weigh(term, df, formula.bigram))
            .collect();
        let itself = stems
            .iter()
            .chain(&bigrams)
            .map(|term| term.query * term.document)
            .sum();
        let title_mass = stems
            .iter()
            .filter(|term| term.in_title)
            .map(|term| term.idf)
            .sum();
        Weighed {
            profile,
            stems,
            bigrams,
            itself,
            title_mass,
        }
    }

    pub(super) fn compare(&self, a: &Weighed, d: &Weighed) -> Evidence {
        let mut evidence = Evidence::default();
        let (mut forward, mut backward) = (0.0, 0.0);
        let (mut title, mut title_back) = (0.0, 0.0);
        for (x, y) in shared(&a.stems, &d.stems) {
            forward += x.query * y.document;
            backward += y.query * x.document;
            title += if y.in_title { y.idf } else { 0.0 };
            title_back += if x.in_title { x.idf } else { 0.0 };
        }
        for (x, y) in shared(&a.bigrams, &d.bigrams) {
            forward += x.query * y.document;
            backward += y.query * x.document;
        }
        evidence.forward = share(forward, a.itself);
        evidence.backward = share(backward, d.itself);
        evidence.title = share(title, d.title_mass);
        evidence.title_back = share(title_back, a.title_mass);
        evidence.tags = self.tag_overlap(a.profile, d.profile);
        let days = a.profile.published_at.abs_diff(d.profile.published_at) as f32 / 86_400.0;
        evidence.time = (-days / self.settings.formula.time_days).exp();
        evidence
    }

    fn tag_overlap(&self, a: &Profile, d: &Profile) -> f32 {
        let mass = |tag: &i64| self.tag_idf(*tag);
        let common: f32 = a
            .tags
            .iter()
            .filter(|tag| d.tags.contains(tag))
            .map(mass)
            .sum();
        let all: f32 = a.tags.iter().chain(d.tags.iter()).map(mass).sum();
        share(common, all - common)
    }

    pub(super) fn tag_idf(&self, tag: i64) -> f32 {
        let bearers = self.index.bearers(tag).len().max(1) as f32;
        ((self.len() as f32 + 1.0) / bearers).ln().max(0.0)
    }
}

pub(super) fn share(part: f32, whole: f32) -> f32 {
    if whole > 0.0 {
        (part / whole).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

/// Pairs of the same term, from two lists sorted by hash.
pub(super) fn shared<'t>(
    mut a: &'t [WeighedTerm],
    mut b: &'t [WeighedTerm],
) -> impl Iterator<Item = (&'t WeighedTerm, &'t WeighedTerm)> {
    std::iter::from_fn(move || {
        loop {
            let ((x, after_x), (y, after_y)) = (a.split_first()?, b.split_first()?);
            match x.hash.cmp(&y.hash) {
                std::cmp::Ordering::Less => a = after_x,
                std::cmp::Ordering::Greater => b = after_y,
                std::cmp::Ordering::Equal => {
                    (a, b) = (after_x, after_y);
                    return Some((x, y));
                }
            }
        }
    })
}
