//! Which terms of an article another one has, too.

use super::record::Terms;
use super::weights::Code;

/// A term of the source, by its place there, that the other article has, too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    pub place: u32,
    pub code: Code,
}

/// Finds terms by hash, in a table that fits the processor's nearest cache.
pub(super) struct Places {
    /// By the lower bits of the hash, the first such term's place and one; 0: there is none.
    first: Box<[u16; TABLE as usize]>,
    /// By place, the term's hash and the next place and one with the same lower bits.
    terms: Vec<(u32, u16)>,
}

const TABLE: u32 = 1 << 13;

impl Places {
    /// Of more terms than 16 bits can number the rest is left out.
    pub fn of(terms: Terms) -> Self {
        let mut first = Box::new([0u16; TABLE as usize]);
        let hashes = terms.hashes().take(usize::from(u16::MAX) - 1);
        let terms = hashes
            .enumerate()
            .map(|(place, hash)| {
                let head = &mut first[(hash % TABLE) as usize];
                (hash, std::mem::replace(head, place as u16 + 1))
            })
            .collect();
        Self { first, terms }
    }

    /// Adds the terms that are in the table, too. `maybe` is a scratch.
    pub fn meet(&self, terms: Terms, maybe: &mut Vec<(u32, u16)>, matches: &mut Vec<Match>) {
        // Without a branch for each term: most are strangers, but which ones cannot be foreseen.
        maybe.resize(terms.len() + 1, (0, 0));
        let mut count = 0;
        for (at, hash) in terms.hashes().enumerate() {
            let place = self.first[(hash % TABLE) as usize];
            maybe[count] = (at as u32, place);
            count += usize::from(place != 0);
        }
        for (at, place) in &maybe[..count] {
            let (hash, code) = terms.get(*at as usize);
            let mut next = *place;
            while let Some((known, after)) = self.terms.get(usize::from(next).wrapping_sub(1)) {
                if *known == hash {
                    let place = u32::from(next) - 1;
                    matches.push(Match { place, code });
                    break;
                }
                next = *after;
            }
        }
    }
}
