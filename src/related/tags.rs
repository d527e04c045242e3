//! Tags near a tag, near an article, and for a text that has none.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::engine::Engine;
use super::hashing::mix;
use super::index::tag_term;
use super::postings::Slot;
use super::profile::Profile;
use super::record::Record;
use super::scope::Scope;
use super::{Ask, Neighbour, Related, TagNeighbour};
use crate::content::rights::Rights;

/// Two tags are seen together by chance; below this many articles nothing is claimed.
const SUPPORT: u32 = 2;

/// How many neighbours vote.
const VOTERS: usize = 20;

/// Articles read for a tag that very many bear.
const SAMPLE: u32 = 10_000;

/// Tags whose articles are counted for a partner, those first that occur most with the one that is asked for.
const COUNTED: usize = 100;

/// Articles that are read to count those of one of these.
const COUNTED_SAMPLE: u32 = 2_000;

impl Engine {
    /// Tags borne together with `tag` more often than chance, by normalised pointwise mutual
    /// information shrunk by support. Bouma, "Normalized (pointwise) mutual information" (2009).
    ///
    /// Of a tag on more than 10,000 articles a sample of these is read; which ones does not depend on
    /// the order of arrival.
    ///
    /// For a partner only articles in its scope are counted, be it together or by themselves: other counts would tell of
    /// what it may not read.
    pub fn related_tags(
        &self,
        tag: i64,
        limit: usize,
        now: i64,
        rights: Option<&Rights>,
    ) -> Vec<TagNeighbour> {
        let scope = Scope::of(rights, now);
        let public = self.index.bearers(tag);
        let every = public.div_ceil(SAMPLE).max(1);
        let (mut sample, mut seen) = (0u32, 0u32);
        let mut together: HashMap<i64, u32> = HashMap::new();
        self.each_bearer(tag, every, |record| {
            sample += u32::from(record.visible().contains(now));
            if scope.admits(record) {
                seen += 1;
                for other in record.tags().filter(|other| *other != tag) {
                    *together.entry(other).or_default() += 1;
                }
            }
        });
        let (bearers, scale, articles) = match rights {
            None => (public, public as f32 / sample.max(1) as f32, self.len()),
            Some(_) => (seen * every, every as f32, self.seen_by(&scope)),
        };
        let mut together: Vec<(i64, u32)> = together
            .into_iter()
            .filter(|(_, shared)| *shared >= SUPPORT)
            .collect();
        if rights.is_some() {
            together.sort_unstable_by_key(|(other, shared)| (Reverse(*shared), *other));
            together.truncate(COUNTED);
        }
        let found = together
            .into_iter()
            .filter_map(|(other, shared)| {
                let shared = match every {
                    1 => shared,
                    _ => (shared as f32 * scale).round() as u32,
                };
                let others = match rights {
                    None => self.index.bearers(other),
                    Some(_) => self.bearers_seen_by(&scope, other),
                };
                let shared = shared.min(bearers).min(others);
                let all = articles.max(bearers as usize).max(others as usize) as f32;
                let score = association(shared as f32, bearers as f32, others as f32, all);
                (score > 0.0).then_some(TagNeighbour {
                    tag: other,
                    score,
                    shared,
                })
            })
            .collect();
        best(found, limit)
    }

    /// How many articles that bear the tag are in the scope, by a part of them where they are very many.
    fn bearers_seen_by(&self, scope: &Scope, tag: i64) -> u32 {
        let every = self.index.bearers(tag).div_ceil(COUNTED_SAMPLE).max(1);
        let mut seen = 0;
        self.each_bearer(tag, every, |record| {
            let bears = record.tags().any(|borne| borne == tag);
            seen += u32::from(bears && scope.admits(record));
        });
        seen * every
    }

    /// How many articles are in the scope, by a part of them where they are very many.
    fn seen_by(&self, scope: &Scope) -> usize {
        let every = self.len().div_ceil(SAMPLE as usize).max(1);
        let seen = (0..self.slot_count() as Slot).filter(|slot| {
            self.article(*slot)
                .is_some_and(|article| mix(article.num as u64).is_multiple_of(every as u64))
                && self.record_at(*slot).is_some_and(|record| {
                    // What a partner reads before the public is in no count.
                    record.visible().contains(scope.now) && scope.admits(&record)
                })
        });
        seen.count() * every
    }

    /// One in `every` of the articles that bear the tag.
    fn each_bearer(&self, tag: i64, every: u32, mut each: impl FnMut(&Record)) {
        let Some(postings) = self.index.postings(tag_term(tag)) else {
            return;
        };
        postings.for_each(|slot, _| {
            let chosen = self
                .article(slot)
                .filter(|article| mix(article.num as u64).is_multiple_of(u64::from(every)));
            if chosen.is_some()
                && let Some(record) = self.record_at(slot)
            {
                each(&record);
            }
        });
    }

    /// Tags of the article's neighbourhood that it does not bear; `None` when it is unknown.
    pub fn neighbourhood_tags(
        &self,
        num: i64,
        limit: usize,
        now: i64,
        rights: Option<&Rights>,
    ) -> Option<Vec<TagNeighbour>> {
        let related = self.related(num, &voters(now, rights))?;
        let own: Vec<i64> = self.record(num)?.tags().collect();
        Some(best(self.votes(&related, &own), limit))
    }

    /// Tags for a text, by the votes of its neighbours, the nearer the weightier.
    pub fn suggest_tags(
        &self,
        article: &Profile,
        limit: usize,
        now: i64,
        rights: Option<&Rights>,
    ) -> Vec<TagNeighbour> {
        let related = self.related_to_text(article, &voters(now, rights));
        let own: Vec<i64> = article
            .record()
            .map(|record| record.tags().collect())
            .unwrap_or_default();
        best(self.votes(&related, &own), limit)
    }

    fn votes(&self, related: &Related, own: &[i64]) -> Vec<TagNeighbour> {
        let total: f32 = related.neighbours.iter().map(vote).sum();
        let mut votes: HashMap<i64, (f32, u32)> = HashMap::new();
        for neighbour in &related.neighbours {
            let Some(record) = self.record(neighbour.num) else {
                continue;
            };
            for tag in record.tags().filter(|tag| !own.contains(tag)) {
                let votes = votes.entry(tag).or_default();
                votes.0 += vote(neighbour) / total.max(f32::MIN_POSITIVE);
                votes.1 += 1;
            }
        }
        votes
            .into_iter()
            .map(|(tag, (score, shared))| TagNeighbour {
                tag,
                score: score.min(1.0),
                shared,
            })
            .collect()
    }
}

/// What a neighbour's vote counts: the nearest few decide (measured on tags held out).
fn vote(neighbour: &Neighbour) -> f32 {
    neighbour.score.powi(3)
}

/// The neighbours that vote on tags.
fn voters(now: i64, rights: Option<&Rights>) -> Ask<'_> {
    Ask {
        rights,
        ..Ask::nearest(VOTERS, now)
    }
}

/// In (0, 1] when two tags meet more often than chance, else 0 or less.
fn association(both: f32, a: f32, b: f32, all: f32) -> f32 {
    if both >= all {
        return 0.0;
    }
    let pmi = (both * all / (a * b)).ln();
    let normalised = pmi / (all / both).ln();
    // Shrunk towards nothing while support is small (Pantel and Lin 2002).
    normalised * both / (both + 1.0)
}

fn best(mut found: Vec<TagNeighbour>, limit: usize) -> Vec<TagNeighbour> {
    found.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then(b.shared.cmp(&a.shared))
            .then(a.tag.cmp(&b.tag))
    });
    found.truncate(limit);
    found
}
