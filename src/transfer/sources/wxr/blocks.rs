//! The comments by which WordPress delimits blocks, and those that stand for a block.

use std::borrow::Cow;

use serde::Deserialize;

use crate::content::line::MAX_LINE;
use crate::transfer::sources::tally::Tally;

/// Shared blocks inside each other.
const MAX_DEPTH: usize = 4;
/// Bytes of a comment that refers to one.
const MAX_REFERENCE: usize = 1_000;
/// Shared blocks that one text may have in all: each is looked up in the file.
const MAX_SHARED: usize = 500;

/// The text with what several articles share in the places that refer to it, where `shared` has it: a block of its own
/// in the site, by its number.
pub fn with_shared<'a>(content: &'a str, shared: &dyn Fn(u64) -> Option<String>) -> Cow<'a, str> {
    if next_reference(content).is_none() {
        return Cow::Borrowed(content);
    }
    let mut left = MAX_SHARED;
    let mut written = String::with_capacity(content.len());
    put(content, shared, MAX_DEPTH, &mut left, &mut written);
    Cow::Owned(written)
}

fn put(
    mut content: &str,
    shared: &dyn Fn(u64) -> Option<String>,
    depth: usize,
    left: &mut usize,
    written: &mut String,
) {
    while let Some(reference) = next_reference(content) {
        let (before, rest) = content.split_at(reference.at);
        let (mark, after) = rest.split_at(reference.length);
        written.push_str(before);
        content = after;
        // No line holds more, which is told in the end.
        let takes_more = depth > 0 && *left > 0 && written.len() <= MAX_LINE;
        *left = left.saturating_sub(1);
        match takes_more.then(|| shared(reference.number)).flatten() {
            Some(block) => put(&block, shared, depth - 1, left, written),
            // It is told of like any other that WordPress fills in.
            None => written.push_str(mark),
        }
    }
    written.push_str(content);
}

struct Reference {
    number: u64,
    at: usize,
    length: usize,
}

/// The first `<!-- wp:block {"ref":12} /-->`.
fn next_reference(content: &str) -> Option<Reference> {
    #[derive(Deserialize)]
    struct Attributes {
        #[serde(rename = "ref")]
        number: u64,
    }
    const START: &str = "<!-- wp:block {";
    content.match_indices(START).find_map(|(at, _)| {
        let rest = &content[at..];
        // WordPress writes this sign in attributes in another way.
        let end = rest
            .bytes()
            .take(MAX_REFERENCE)
            .position(|byte| byte == b'>')?;
        let length = end + 1;
        let attributes = rest[START.len() - 1..length].strip_suffix("-->")?;
        let attributes = attributes.trim_end().strip_suffix('/')?;
        let Attributes { number } = serde_json::from_str(attributes).ok()?;
        Some(Reference { number, at, length })
    })
}

/// The text without comments. A block that is nothing but a comment is made by WordPress each time it is shown.
pub fn without_comments(content: &str, tally: &mut Tally, name: &str) -> String {
    let mut written = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.find("<!--") {
        written.push_str(&rest[..at]);
        let Some(end) = rest[at..].find("-->") else {
            // Browsers, too, read no further.
            return written;
        };
        let comment = rest[at + 4..at + end].trim();
        if let Some(block) = comment.strip_suffix('/')
            && let Some(block) = block.trim_start().strip_prefix("wp:")
        {
            let block = block
                .split(|c: char| c.is_whitespace())
                .next()
                .unwrap_or_default();
            tally.leave_out(&format!("blocks that WordPress fills in, {block:?}"), name);
        }
        rest = &rest[at + end + 3..];
    }
    written.push_str(rest);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_empty_blocks_go() {
        let mut tally = Tally::default();
        let text = "<!-- wp:paragraph {\"a\":1} --><p>a</p><!-- /wp:paragraph --><!-- wp:latest-posts /--><!--more-->b";
        assert_eq!(without_comments(text, &mut tally, "x"), "<p>a</p>b");
        assert_eq!(tally.left_out.len(), 1);
    }

    #[test]
    fn shared_blocks_are_put_in_their_places() {
        let shared = |number| match number {
            1 => Some("<p>1</p><!-- wp:block {\"ref\":2} /-->".to_owned()),
            2 => Some("<p>2</p>".to_owned()),
            3 => Some("3<!-- wp:block {\"ref\":3} /-->".repeat(2)),
            _ => None,
        };
        let text = "a<!-- wp:block {\"ref\":1,\"x\":{}} /-->b<!-- wp:block {\"ref\":9} /-->";
        assert_eq!(
            with_shared(text, &shared),
            "a<p>1</p><p>2</p>b<!-- wp:block {\"ref\":9} /-->"
        );
        // One that has itself twice is bounded.
        let endless = with_shared("<!-- wp:block {\"ref\":3} /-->", &shared).into_owned();
        assert_eq!(endless.matches('3').count(), 2 + 4 + 8 + 16 + 16);
    }

    #[test]
    fn many_references_take_no_time() {
        for odd in [
            "<!-- wp:block {",
            "<!-- wp:block {\"ref\":1} /-->",
            "<!-- wp:block {-->",
        ] {
            with_shared(&odd.repeat(50_000), &|_| None);
        }
    }
}
