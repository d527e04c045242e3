//! What a source leaves out and what it changes on the way, counted by reason with a few examples of each.

use std::collections::BTreeMap;

/// Examples that are kept of each reason.
const EXAMPLES: usize = 3;
/// Reasons that are told apart; a name that someone made up may be part of one.
const MAX_REASONS: usize = 100;
/// Characters of an example.
const MAX_EXAMPLE: usize = 80;
/// What is told where a file is not in the encoding that it says.
pub const NO_TEXT: &str = "bytes that are no text replaced";
const OTHER: &str = "for other reasons";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub count: u64,
    pub examples: Vec<String>,
}

/// What did not become an article by design, and what of an article is not as it was.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub left_out: BTreeMap<String, Count>,
    pub changed: BTreeMap<String, Count>,
}

impl Tally {
    pub fn is_empty(&self) -> bool {
        self.left_out.is_empty() && self.changed.is_empty()
    }

    /// An item, or a part of one, that is not taken.
    pub fn leave_out(&mut self, reason: &str, example: &str) {
        count(&mut self.left_out, reason, example, 1);
    }

    pub fn leave_out_many(&mut self, reason: &str, example: &str, number: u64) {
        if number > 0 {
            count(&mut self.left_out, reason, example, number);
        }
    }

    /// Something that is taken in another form.
    pub fn change(&mut self, reason: &str, example: &str) {
        count(&mut self.changed, reason, example, 1);
    }

    /// What has no example.
    pub fn change_many(&mut self, reason: &str, number: u64) {
        if number > 0 {
            count(&mut self.changed, reason, "", number);
        }
    }
}

fn count(reasons: &mut BTreeMap<String, Count>, reason: &str, example: &str, number: u64) {
    let reason = match reasons.len() >= MAX_REASONS && !reasons.contains_key(reason) {
        true => OTHER,
        false => reason,
    };
    let counted = reasons.entry(reason.to_owned()).or_default();
    counted.count += number;
    if counted.examples.len() < EXAMPLES {
        let example: String = example
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(MAX_EXAMPLE)
            .collect();
        if !example.is_empty() && !counted.examples.contains(&example) {
            counted.examples.push(example);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_and_examples_are_bounded() {
        let mut tally = Tally::default();
        for number in 0..1_000 {
            tally.leave_out(&format!("reason {number}"), "x");
            tally.change("one", &format!("{number} {}", "y".repeat(200)));
        }
        assert_eq!(tally.left_out.len(), MAX_REASONS + 1);
        assert_eq!(tally.left_out[OTHER].count, 900);
        let one = &tally.changed["one"];
        assert_eq!((one.count, one.examples.len()), (1_000, EXAMPLES));
        assert!(
            one.examples
                .iter()
                .all(|text| text.chars().count() <= MAX_EXAMPLE)
        );
    }
}
