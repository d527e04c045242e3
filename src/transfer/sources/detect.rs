//! What a file is, by what it begins with and by its name.

use std::io::{self, Read};
use std::path::Path;

use crate::transfer::sources::place::Place;

/// Bytes that are looked at.
const HEAD: u64 = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// By content and name.
    Auto,
    Ndjson,
    Wxr,
    Ghost,
    Feed,
    Markdown,
}

/// The format that was asked for, or the one that the file is in.
///
/// # Errors
/// Where the file is in no format that is read.
pub fn format(asked: Format, place: &Place, name: &str) -> io::Result<Format> {
    if asked != Format::Auto {
        return Ok(asked);
    }
    let mut head = Vec::new();
    place.at(0).take(HEAD).read_to_end(&mut head)?;
    by_content(&head, name).map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, reason))
}

/// Whether what comes is NDJSON: lines, each an object of its own.
pub fn looks_like_lines(head: &[u8]) -> bool {
    matches!(by_content(head, ""), Ok(Format::Ndjson))
}

fn by_content(head: &[u8], name: &str) -> Result<Format, String> {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(&[0x1f, 0x8b]) {
        return Err("it is compressed; unpack it first".to_owned());
    }
    let extension = Path::new(name).extension();
    let extension = extension.and_then(|text| text.to_str()).unwrap_or_default();
    if ["ndjson", "jsonl"].contains(&extension) {
        return Ok(Format::Ndjson);
    }
    // Also what is in two bytes a character shows its marks without the zeroes between.
    let text: Vec<u8> = head.iter().copied().filter(|byte| *byte != 0).collect();
    let text = String::from_utf8_lossy(&text);
    let text =
        text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{fffd}');
    if text.starts_with('<') {
        return by_markup(text);
    }
    if ["md", "markdown"].contains(&extension)
        || text.starts_with("---\n")
        || text.starts_with("+++\n")
    {
        return Ok(Format::Markdown);
    }
    Ok(by_members(text))
}

/// By the first member of an object: our lines begin with none of these.
fn by_members(text: &str) -> Format {
    let dense: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(2_000)
        .collect();
    let begins = |start: &str| dense.starts_with(start);
    let is_ghost =
        begins("{\"db\":[") || begins("{\"data\":{") || begins("{\"meta\":{\"exported_on\"");
    let first_line = text.lines().next().unwrap_or_default();
    let is_feed = dense.contains("\"https://jsonfeed.org/version/")
        || dense.contains("\"https:\\/\\/jsonfeed.org\\/version\\/");
    match (is_ghost, is_feed) {
        (true, _) => Format::Ghost,
        // An article of ours may quote it.
        (_, true) if !first_line.contains("\"headline\"") => Format::Feed,
        _ => Format::Ndjson,
    }
}

fn by_markup(text: &str) -> Result<Format, String> {
    if text.contains("wordpress.org/export/") {
        return Ok(Format::Wxr);
    }
    let roots = ["<rss", "<feed", "<rdf:RDF", "<atom:feed", "<entry"];
    if roots.iter().any(|root| text.contains(root)) {
        return Ok(Format::Feed);
    }
    Err(
        "it is XML, but no export of WordPress and no feed; if it is one, say so with --format"
            .to_owned(),
    )
}
