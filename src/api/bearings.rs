//! Which tags an article counts for, of all articles, in a few bytes each.

use std::collections::HashMap;

/// Changes that are kept beside the rest before they become part of it.
const MOST_CHANGED: usize = 50_000;

/// Tags by article. Numbers of tags take four bytes: there are not so many.
#[derive(Default)]
pub struct Bearings {
    /// By number of an article, where its tags begin; they end where the next one's begin.
    starts: Vec<u32>,
    tags: Vec<u32>,
    changed: HashMap<i64, Vec<u32>>,
}

impl Bearings {
    /// Adds a tag to an article, which is the last so far or comes after it.
    pub fn append(&mut self, article: i64, tag: u32) {
        let end = usize::try_from(article).unwrap_or(0) + 1;
        while self.starts.len() < end {
            self.starts.push(self.tags.len() as u32);
        }
        self.tags.push(tag);
    }

    pub fn of(&self, article: i64) -> &[u32] {
        if let Some(tags) = self.changed.get(&article) {
            return tags;
        }
        let Ok(at) = usize::try_from(article) else {
            return &[];
        };
        let Some(start) = self.starts.get(at) else {
            return &[];
        };
        let end = self
            .starts
            .get(at + 1)
            .map_or(self.tags.len(), |end| *end as usize);
        self.tags.get(*start as usize..end).unwrap_or_default()
    }

    pub fn replace(&mut self, article: i64, tags: Vec<u32>) {
        self.changed.insert(article, tags);
        if self.changed.len() > MOST_CHANGED {
            self.fold();
        }
    }

    fn fold(&mut self) {
        let last = self.changed.keys().copied().max().unwrap_or(0);
        let last = last.max(self.starts.len() as i64);
        let mut folded = Self::default();
        for article in 0..=last {
            for tag in self.of(article) {
                folded.append(article, *tag);
            }
        }
        folded.tags.shrink_to_fit();
        *self = folded;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_or_replaced_is_there() {
        let mut bearings = Bearings::default();
        for (article, tag) in [(2, 7), (2, 8), (5, 7)] {
            bearings.append(article, tag);
        }
        bearings.replace(5, vec![]);
        bearings.replace(9, vec![1, 2]);
        let told = |bearings: &Bearings| {
            [0, 1, 2, 3, 5, 9, 10, -1].map(|article| bearings.of(article).to_vec())
        };
        let before = told(&bearings);
        assert_eq!(before[2], [7, 8]);
        assert_eq!(before[5], [1, 2]);
        assert!(before[4].is_empty() && before[6].is_empty());
        bearings.fold();
        assert_eq!(told(&bearings), before);
    }
}
