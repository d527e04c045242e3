//! Which terms of an article another one has, too.

use super::record::Terms;
use super::weights::Code;

/// A term of the source, by its place there, that the other article has, too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    pub place: u16,
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

/// Terms are looked up in blocks.
const BLOCK: usize = 256;

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

    /// Tells each of the terms that is in the table, too.
    pub fn meet(&self, terms: Terms, mut met: impl FnMut(Match)) {
        // The place in the block, and in the lower half what the table has there.
        let mut maybe = [0u32; BLOCK];
        for (hashes, codes) in terms.blocks(BLOCK) {
            // Without a branch for each term: most are strangers, but which ones cannot be foreseen.
            let mut count = 0;
            for (at, hash) in (0u32..).zip(hashes) {
                let place = self.first[(u32::from_le_bytes(*hash) % TABLE) as usize];
                maybe[count % BLOCK] = at << 16 | u32::from(place);
                count += usize::from(place != 0);
            }
            for found in &maybe[..count.min(BLOCK)] {
                let (at, place) = ((found >> 16) as usize, *found as u16);
                let (Some(hash), Some(code)) = (hashes.get(at), codes.get(at)) else {
                    break;
                };
                if let Some(place) = self.find(u32::from_le_bytes(*hash), place) {
                    let code = Code(*code);
                    met(Match { place, code });
                }
            }
        }
    }

    /// The term's place; `next` is where to look for it first, and one.
    #[inline]
    fn find(&self, hash: u32, mut next: u16) -> Option<u16> {
        while let Some((known, after)) = self.terms.get(usize::from(next).wrapping_sub(1)) {
            if *known == hash {
                return Some(next - 1);
            }
            next = *after;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::related::{Article, Profile, Window};

    fn profile(words: std::ops::Range<u32>) -> Profile {
        let body: Vec<String> = words.map(|number| format!("mot{number}")).collect();
        Profile::of(&Article {
            num: 1,
            language: "fr",
            headline: "",
            standfirst: None,
            body: &body.join(" "),
            tags: &[],
            published_at: 0,
            visible: Window::ALWAYS,
            translation_group: None,
            pins: &[],
            bans: &[],
            sensitive: false,
            source: None,
            syndicatable: true,
        })
    }

    #[test]
    fn what_both_have_is_found_however_many_share_a_place_in_the_table() {
        // Many times as many as there are in a block, and more than there are places in the table.
        let (source, other) = (profile(0..10_000), profile(9_000..12_000));
        let source = source.record().unwrap().stems();
        let other = other.record().unwrap().stems();
        let expected: Vec<u32> = source
            .hashes()
            .filter(|hash| other.hashes().any(|theirs| theirs == *hash))
            .collect();
        assert_eq!(expected.len(), 1_000);
        let mut found = Vec::new();
        Places::of(source).meet(other, |one| found.push(source.hash(usize::from(one.place))));
        assert_eq!(found, expected);
    }
}
