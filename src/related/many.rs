//! Neighbours of several articles at once: "because you read".

use std::collections::{HashMap, HashSet};

use super::engine::Engine;
use super::reasons;
use super::{Ask, Hidden, Neighbour, Reason, Related};

/// Looked up for each article: more than asked, so that what all of them bring can rise.
const DEPTH: usize = 50;

impl Engine {
    /// Nearest articles of several, none of which is in the list, nor a copy or a translation of one. An article
    /// near to two of them comes before one as near to a single one: 1 - Π(1 - score), the noisy or
    /// (Pearl 1988).
    pub fn related_to_many(&self, nums: &[i64], ask: &Ask) -> Related {
        let exclude: Vec<i64> = nums.iter().chain(ask.exclude).copied().collect();
        let each = Ask {
            limit: ask.limit.max(DEPTH),
            exclude: &exclude,
            ..ask.clone()
        };
        let lists: Vec<Related> = nums
            .iter()
            .filter_map(|num| self.related(*num, &each))
            .collect();
        let hidden = lists.iter().find_map(|list| list.hidden);
        let lists_are_empty = lists.is_empty();
        let own = Own::new(self, nums, &lists);
        let mut neighbours = fused(lists.into_iter().flat_map(|list| list.neighbours));
        neighbours.retain(|neighbour| !own.includes(self, neighbour));
        neighbours.truncate(ask.limit);
        // Where nothing was held back from any of them, what there was are the articles themselves.
        let held_back = match lists_are_empty {
            true => Hidden::Empty,
            false => Hidden::BelowFloor,
        };
        let hidden = neighbours.is_empty().then_some(hidden.unwrap_or(held_back));
        Related {
            neighbours,
            hidden,
            copies: Vec::new(),
        }
    }
}

/// What the caller has already: the articles themselves in other clothes.
struct Own {
    copies: HashSet<i64>,
    groups: HashSet<u64>,
}

impl Own {
    fn new(engine: &Engine, nums: &[i64], lists: &[Related]) -> Self {
        let groups = nums
            .iter()
            .filter_map(|num| Some(engine.record(*num)?.group()));
        Self {
            copies: lists
                .iter()
                .flat_map(|list| &list.copies)
                .copied()
                .collect(),
            groups: groups.filter(|group| *group != 0).collect(),
        }
    }

    fn includes(&self, engine: &Engine, neighbour: &Neighbour) -> bool {
        self.copies.contains(&neighbour.num)
            || engine
                .record(neighbour.num)
                .is_some_and(|record| self.groups.contains(&record.group()))
    }
}

fn fused(neighbours: impl Iterator<Item = Neighbour>) -> Vec<Neighbour> {
    let mut fused: Vec<Neighbour> = Vec::new();
    let mut places: HashMap<i64, usize> = HashMap::new();
    for neighbour in neighbours {
        let known = std::iter::once(&neighbour.num)
            .chain(&neighbour.copies)
            .find_map(|num| places.get(num));
        let place = known.copied().unwrap_or(fused.len());
        match fused.get_mut(place) {
            Some(entry) => {
                for num in std::iter::once(&neighbour.num).chain(&neighbour.copies) {
                    places.entry(*num).or_insert(place);
                }
                merge(entry, neighbour);
            }
            None => {
                for num in std::iter::once(&neighbour.num).chain(&neighbour.copies) {
                    places.insert(*num, fused.len());
                }
                fused.push(neighbour);
            }
        }
    }
    fused.sort_by(|a, b| {
        b.is_pinned()
            .cmp(&a.is_pinned())
            .then(b.score.total_cmp(&a.score))
            .then(b.num.cmp(&a.num))
    });
    fused
}

fn merge(entry: &mut Neighbour, other: Neighbour) {
    for reason in other.reasons {
        add(&mut entry.reasons, reason);
    }
    entry.score = 1.0 - (1.0 - entry.score) * (1.0 - other.score);
    reasons::tidy(&mut entry.reasons, entry.score);
    for copy in std::iter::once(other.num).chain(other.copies) {
        if copy != entry.num && !entry.copies.contains(&copy) {
            entry.copies.push(copy);
        }
    }
}

/// Adds a reason's weight to the same reason, or the reason itself.
fn add(reasons: &mut Vec<Reason>, reason: Reason) {
    let known = reasons.iter_mut().find(|known| match (known, &reason) {
        (Reason::Pin, Reason::Pin) | (Reason::Wording { .. }, Reason::Wording { .. }) => true,
        (Reason::Tag { tag: a, .. }, Reason::Tag { tag: b, .. }) => a == b,
        (Reason::Term { term: a, .. }, Reason::Term { term: b, .. }) => a == b,
        _ => false,
    });
    match (known, &reason) {
        (Some(known), _) => {
            if let (Some(weight), Some(more)) = (known.weight_mut(), reason.weight()) {
                *weight += more;
            }
        }
        (None, Reason::Pin) => reasons.insert(0, reason),
        (None, _) => reasons.push(reason),
    }
}
