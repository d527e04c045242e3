//! A memory that forgets what was not told of for long.

use std::collections::HashMap;
use std::hash::Hash;

/// What each key had last, of those that had something lately, in two parts: when the young one is full, it takes the
/// old one's place.
pub struct Aged<K, V> {
    most: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V> Aged<K, V> {
    /// One that remembers so many, twice over.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    pub fn insert(&mut self, key: K, value: V) {
        self.young.insert(key, value);
    }

    /// What is forgotten, once the young part has too many.
    pub fn age(&mut self) -> HashMap<K, V> {
        if self.young.len() <= self.most {
            return HashMap::new();
        }
        let old = std::mem::take(&mut self.young);
        std::mem::replace(&mut self.old, old)
    }

    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}
