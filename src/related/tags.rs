//! Tags near a tag, near an article, and for a text that has none.

use std::collections::HashMap;

use super::engine::Engine;
use super::profile::Profile;
use super::{Ask, Language, TagNeighbour};

/// Two tags are seen together by chance; below this many articles nothing is claimed.
const SUPPORT: u32 = 2;

/// How many neighbours vote.
const VOTERS: usize = 20;

impl Engine {
    /// Tags borne together with `tag` more often than chance, by normalised pointwise mutual
    /// information shrunk by support. Bouma, "Normalized (pointwise) mutual information" (2009).
    pub fn related_tags(&self, tag: i64, limit: usize, now: i64) -> Vec<TagNeighbour> {
        let bearers: Vec<&Profile> = self.visible_bearers(tag, now).collect();
        let mut together: HashMap<i64, u32> = HashMap::new();
        for other in bearers
            .iter()
            .flat_map(|profile| profile.tags.iter())
            .filter(|other| **other != tag)
        {
            *together.entry(*other).or_default() += 1;
        }
        let articles = self.visible(now) as f32;
        let found = together
            .into_iter()
            .filter(|(_, shared)| *shared >= SUPPORT)
            .filter_map(|(other, shared)| {
                let others = self.visible_bearers(other, now).count() as f32;
                let score = association(shared as f32, bearers.len() as f32, others, articles);
                (score > 0.0).then_some(TagNeighbour {
                    tag: other,
                    score,
                    shared,
                })
            })
            .collect();
        best(found, limit)
    }

    /// Tags of the article's neighbourhood that it does not bear; `None` when it is unknown.
    pub fn neighbourhood_tags(
        &self,
        num: i64,
        limit: usize,
        now: i64,
    ) -> Option<Vec<TagNeighbour>> {
        let article = self.article(num)?;
        Some(best(self.votes(article, now), limit))
    }

    /// Tags for a text, by the votes of its neighbours, weighed by score and by rarity.
    pub fn suggest_tags(&self, article: &Profile, limit: usize, now: i64) -> Vec<TagNeighbour> {
        best(self.votes(article, now), limit)
    }

    fn votes(&self, article: &Profile, now: i64) -> Vec<TagNeighbour> {
        let ask = Ask {
            limit: VOTERS,
            exclude: &[],
            from: None,
            language: Language::Own,
            tag: None,
            now,
        };
        let related = self.related_to_text(article, &ask);
        let total: f32 = related
            .neighbours
            .iter()
            .map(|neighbour| neighbour.score)
            .sum();
        let mut votes: HashMap<i64, (f32, u32)> = HashMap::new();
        for neighbour in &related.neighbours {
            let Some(profile) = self.article(neighbour.num) else {
                continue;
            };
            for tag in profile
                .tags
                .iter()
                .filter(|tag| !article.tags.contains(tag))
            {
                let vote = votes.entry(*tag).or_default();
                vote.0 += neighbour.score / total.max(f32::MIN_POSITIVE);
                vote.1 += 1;
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

    fn visible_bearers(&self, tag: i64, now: i64) -> impl Iterator<Item = &Profile> {
        let bearers = self
            .index
            .bearers(tag)
            .iter()
            .filter_map(|slot| self.entry(*slot));
        bearers.filter(move |profile| profile.visible.contains(now))
    }

    fn visible(&self, now: i64) -> usize {
        let entries = (0..self.capacity()).filter_map(|slot| self.entry(slot as u32));
        entries
            .filter(|profile| profile.visible.contains(now))
            .count()
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
