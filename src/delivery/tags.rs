//! Cache tags that are to be purged, in as many requests as they take.

use std::collections::BTreeSet;

/// The tag that every public answer bears.
pub const EVERYTHING: &str = "kiosque";

/// With more than this, everything is purged.
const MANY: usize = 500;
/// What one request may name: the least that the large networks take.
const PER_REQUEST: usize = 100;
const BYTES_PER_REQUEST: usize = 7_000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(BTreeSet<String>);

impl Tags {
    pub fn everything() -> Self {
        Self(BTreeSet::from([EVERYTHING.to_owned()]))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn add(&mut self, names: impl IntoIterator<Item = String>) {
        self.0.extend(names);
        if self.0.len() > MANY || self.0.contains(EVERYTHING) {
            *self = Self::everything();
        }
    }

    pub fn take_in(&mut self, other: Self) {
        self.add(other.0);
    }

    /// The tags of each request.
    pub fn requests(&self) -> Vec<Vec<&str>> {
        let mut requests: Vec<Vec<&str>> = Vec::new();
        let mut bytes = 0;
        for tag in &self.0 {
            let fits = bytes + tag.len() < BYTES_PER_REQUEST;
            match requests.last_mut() {
                Some(request) if fits && request.len() < PER_REQUEST => request.push(tag),
                _ => {
                    bytes = 0;
                    requests.push(vec![tag]);
                }
            }
            bytes += tag.len() + 1;
        }
        requests
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(count: usize, length: usize) -> Tags {
        let mut tags = Tags::default();
        tags.add((0..count).map(|number| format!("{number:0length$}")));
        tags
    }

    #[test]
    fn a_request_names_no_more_than_it_may_and_none_is_lost() {
        for (count, length, requests) in [(0, 9, 0), (100, 9, 1), (101, 9, 2), (100, 99, 2)] {
            let tags = tags(count, length);
            let made = tags.requests();
            assert_eq!(made.len(), requests, "{count} of {length}");
            let fits = |request: &Vec<&str>| request.join(",").len() <= BYTES_PER_REQUEST;
            assert!(made.iter().all(fits));
            assert_eq!(made.concat().len(), count);
        }
    }

    #[test]
    fn many_become_the_one_that_names_all() {
        let mut all = tags(MANY, 9);
        assert_eq!(all.requests().concat().len(), MANY);
        all.add(["one more".to_owned()]);
        assert_eq!(all, Tags::everything());
        all.add(["another".to_owned()]);
        assert_eq!(all, Tags::everything());
    }
}
