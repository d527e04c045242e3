//! Neighbours of several articles at once: "because you read".

use std::collections::HashMap;

use super::engine::Engine;
use super::{Ask, Hidden, Neighbour, Reason, Related};

/// Looked up for each article: more than asked, so that what all of them bring can rise.
const DEPTH: usize = 50;

impl Engine {
    /// Nearest articles of several, none of them in the list. An article near to two of them comes
    /// before one as near to a single one: 1 - Π(1 - score), the noisy or (Pearl 1988).
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
        let mut neighbours = fused(lists);
        neighbours.truncate(ask.limit);
        let hidden = neighbours
            .is_empty()
            .then_some(hidden.unwrap_or(Hidden::Empty));
        Related {
            neighbours,
            hidden,
            copies: Vec::new(),
        }
    }
}

fn fused(lists: Vec<Related>) -> Vec<Neighbour> {
    let mut fused: Vec<Neighbour> = Vec::new();
    let mut places: HashMap<i64, usize> = HashMap::new();
    for neighbour in lists.into_iter().flat_map(|list| list.neighbours) {
        let known = std::iter::once(&neighbour.num)
            .chain(&neighbour.copies)
            .find_map(|num| places.get(num));
        match known.and_then(|place| fused.get_mut(*place)) {
            Some(entry) => merge(entry, neighbour),
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
    let total = entry.score + other.score;
    let score = 1.0 - (1.0 - entry.score) * (1.0 - other.score);
    let factor = if total > 0.0 { score / total } else { 0.0 };
    for reason in other.reasons {
        add(&mut entry.reasons, reason);
    }
    for reason in &mut entry.reasons {
        if let Reason::Tag { weight, .. }
        | Reason::Term { weight, .. }
        | Reason::Wording { weight } = reason
        {
            *weight *= factor;
        }
    }
    entry.score = score;
    for copy in other.copies {
        if copy != entry.num && !entry.copies.contains(&copy) {
            entry.copies.push(copy);
        }
    }
}

/// Adds a reason's weight to the same reason, or the reason itself.
fn add(reasons: &mut Vec<Reason>, reason: Reason) {
    for known in reasons.iter_mut() {
        match (known, &reason) {
            (Reason::Pin, Reason::Pin) => return,
            (
                Reason::Tag { tag: a, weight },
                Reason::Tag {
                    tag: b,
                    weight: more,
                },
            ) if a == b => {
                return *weight += more;
            }
            (
                Reason::Term { term: a, weight },
                Reason::Term {
                    term: b,
                    weight: more,
                },
            ) if a == b => {
                return *weight += more;
            }
            (Reason::Wording { weight }, Reason::Wording { weight: more }) => {
                return *weight += more;
            }
            _ => {}
        }
    }
    match reason {
        Reason::Pin => reasons.insert(0, reason),
        _ => reasons.push(reason),
    }
}
