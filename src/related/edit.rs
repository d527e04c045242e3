//! How much an edit changes of what an article is near to.

use super::frames::Place;
use super::record::{Record, Terms};

/// A tenth of the words may change.
const PARTS: usize = 10;

/// An article that is not quite as it was when those near to it were last told of it.
#[derive(Clone, Copy)]
pub(super) struct TouchedUp {
    /// The profile that they were told of: what is slight each time adds up.
    pub told_as: Place,
    /// A line of the log before the last of these edits.
    pub line: i64,
}

/// Whether an article stays about as near to all others as it was: a corrected word, another standfirst. Anything but
/// its running words has to be the same.
pub(super) fn is_slight(before: &Record, after: &Record) -> bool {
    before.published_at() == after.published_at()
        && before.visible() == after.visible()
        && before.group() == after.group()
        && before.exact_language() == after.exact_language()
        && before.sensitive() == after.sensitive()
        && before.withheld() == after.withheld()
        && before.source() == after.source()
        && before.tags().eq(after.tags())
        && before.pins().eq(after.pins())
        && before.bans().eq(after.bans())
        && before.title().eq(after.title())
        && are_mostly_the_same(before.stems(), after.stems())
        && are_mostly_the_same(before.marks(), after.marks())
}

fn are_mostly_the_same(before: Terms, after: Terms) -> bool {
    let most = before.len().max(after.len());
    // Both are sorted by hash.
    let mut theirs = after.iter().map(|(hash, code)| (hash, code.0)).peekable();
    let kept = before
        .iter()
        .map(|(hash, code)| (hash, code.0))
        .filter(|(hash, code)| {
            while theirs.next_if(|(other, _)| other < hash).is_some() {}
            theirs.peek() == Some(&(*hash, *code))
        })
        .count();
    (most - kept) * PARTS <= most
}
