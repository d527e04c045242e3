//! Words met before, with their stems.

use std::hash::BuildHasher;
use std::mem;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Bytes of words and stems that are kept, twice over: about 60,000 words, in a few megabytes.
const KEPT: usize = 1 << 20;

/// Words of a language: running text repeats them (Heaps' law). When there is no more room, those are forgotten that were
/// not met since it was last so.
#[derive(Default)]
pub struct Vocabulary {
    hasher: DefaultHashBuilder,
    recent: Words,
    older: Words,
}

impl Vocabulary {
    /// The stem of a word, if it has one, found by `find` where the word is not known.
    pub fn stem<'a>(&mut self, word: &str, find: impl FnOnce() -> Option<&'a str>) -> Option<&str> {
        let hash = self.hasher.hash_one(word.as_bytes());
        let place = match self.recent.place(hash, word) {
            Some(place) => place,
            None => self.add(hash, word, find),
        };
        self.recent.stem(place)
    }

    fn add<'a>(&mut self, hash: u64, word: &str, find: impl FnOnce() -> Option<&'a str>) -> Place {
        if self.recent.text.len() >= KEPT {
            mem::swap(&mut self.recent, &mut self.older);
            self.recent.clear();
        }
        let Self {
            hasher,
            recent,
            older,
        } = self;
        let stem = match older.place(hash, word) {
            Some(place) => older.stem(place),
            None => find(),
        };
        recent.add(hash, word, stem, |word| hasher.hash_one(word))
    }
}

/// They stand in one text, each word before its stem: to look one up is to read two places of memory.
#[derive(Default)]
struct Words {
    places: HashTable<Place>,
    text: String,
}

/// Where a word begins, and its stem, and where that ends.
#[derive(Clone, Copy)]
struct Place {
    word: u32,
    stem: u32,
    /// [`NO_STEM`] where there is none.
    end: u32,
}

const NO_STEM: u32 = u32::MAX;

impl Words {
    fn place(&self, hash: u64, word: &str) -> Option<Place> {
        let is_it = |place: &Place| written(&self.text, place) == word.as_bytes();
        self.places.find(hash, is_it).copied()
    }

    fn stem(&self, place: Place) -> Option<&str> {
        self.text.get(place.stem as usize..place.end as usize)
    }

    fn add(
        &mut self,
        hash: u64,
        word: &str,
        stem: Option<&str>,
        rehash: impl Fn(&[u8]) -> u64,
    ) -> Place {
        let Self { places, text } = self;
        let start = text.len() as u32;
        text.push_str(word);
        let middle = text.len() as u32;
        text.push_str(stem.unwrap_or_default());
        let place = Place {
            word: start,
            stem: middle,
            end: stem.map_or(NO_STEM, |_| text.len() as u32),
        };
        places.insert_unique(hash, place, |place| rehash(written(text, place)));
        place
    }

    fn clear(&mut self) {
        self.places.clear();
        self.text.clear();
    }
}

fn written<'a>(text: &'a str, place: &Place) -> &'a [u8] {
    &text.as_bytes()[place.word as usize..place.stem as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_looked_for_once_and_kept_with_what_was_found() {
        let mut vocabulary = Vocabulary::default();
        assert_eq!(vocabulary.stem("routes", || Some("rout")), Some("rout"));
        assert_eq!(vocabulary.stem("l", || None), None);
        assert_eq!(vocabulary.stem("rien", || Some("")), Some(""));
        let never = || -> Option<&str> { panic!("it is known") };
        assert_eq!(vocabulary.stem("routes", never), Some("rout"));
        assert_eq!(vocabulary.stem("l", never), None);
        assert_eq!(vocabulary.stem("rien", never), Some(""));
    }

    #[test]
    fn of_very_many_words_those_are_kept_that_are_met_again() {
        let mut vocabulary = Vocabulary::default();
        let mut looked_for = 0;
        for n in 0..300_000 {
            let (word, stem) = (format!("motif{n}"), format!("motif{}", n / 2));
            assert_eq!(vocabulary.stem(&word, || Some(&stem)), Some(&*stem));
            let found = vocabulary.stem("oued", || {
                looked_for += 1;
                Some("oued")
            });
            assert_eq!(found, Some("oued"));
        }
        assert_eq!(looked_for, 1);
        let kept = [&vocabulary.recent, &vocabulary.older];
        for words in kept {
            assert!(words.text.len() <= KEPT + 32, "{}", words.text.len());
        }
        // The first were forgotten, and are found anew.
        assert_eq!(vocabulary.stem("motif0", || Some("autre")), Some("autre"));
        assert_eq!(vocabulary.stem("motif299999", || None), Some("motif149999"));
    }
}
