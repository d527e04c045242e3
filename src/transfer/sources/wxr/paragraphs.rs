//! The paragraphs that WordPress makes of blank lines when it shows a text that was written without blocks.

use crate::transfer::sources::html::{self, Ended};
use crate::transfer::sources::text;

/// Elements that stand beside paragraphs, not in them.
const BLOCKS: [&str; 36] = [
    "address",
    "article",
    "aside",
    "audio",
    "blockquote",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "iframe",
    "li",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "td",
    "tr",
    "ul",
    "video",
];
/// Others of which the same is true.
const TABLES: [&str; 7] = [
    "th", "thead", "tbody", "tfoot", "caption", "col", "colgroup",
];
/// Elements in which a line is a line.
const VERBATIM: [&str; 4] = ["pre", "script", "style", "textarea"];

/// Blank lines part paragraphs, and other ends of lines break them. What are blocks already stay as they are.
pub fn made(content: &str) -> String {
    let mut written = String::with_capacity(content.len() + content.len() / 8);
    let mut words = String::new();
    for piece in Pieces::of(content) {
        match piece {
            Piece::Text(text) => words.push_str(text),
            Piece::Block(tag) => {
                paragraphs(&mut written, &words);
                words.clear();
                written.push_str(tag);
            }
        }
    }
    paragraphs(&mut written, &words);
    written
}

/// An address that stands alone on its line is shown by WordPress as what it leads to; here it becomes a link.
pub fn with_links(content: &str) -> String {
    if !content.contains("http") {
        return content.to_owned();
    }
    let mut written = String::with_capacity(content.len());
    for line in content.split_inclusive('\n') {
        let alone = line.trim();
        let is_address = alone.starts_with("http") && !alone.contains(['<', ' ', '"']);
        match text::address(alone).filter(|_| is_address) {
            Some(address) => {
                written.push_str("\n\n");
                written.push_str(&html::paragraph_link(&address));
                written.push_str("\n\n");
            }
            None => written.push_str(line),
        }
    }
    written
}

/// Writes text between blocks.
fn paragraphs(written: &mut String, text: &str) {
    let mut open = false;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() {
            if open {
                written.push_str("</p>\n");
            }
            open = false;
            continue;
        }
        if open {
            let is_broken = ["<br>", "<br/>", "<br />"]
                .iter()
                .any(|br| written.ends_with(br));
            written.push_str(if is_broken { "\n" } else { "<br>\n" });
        } else {
            written.push_str("<p>");
        }
        open = true;
        written.push_str(line);
    }
    if open {
        written.push_str("</p>\n");
    }
}

enum Piece<'a> {
    Text(&'a str),
    /// The tag of a block, or all of one in which lines are lines.
    Block(&'a str),
}

/// Text and tags of blocks in turn. The text inside a block that is not made of paragraphs belongs to it.
struct Pieces<'a> {
    rest: &'a str,
    /// Inside a heading, a list's item and the like.
    inside: usize,
}

impl<'a> Pieces<'a> {
    fn of(content: &'a str) -> Self {
        Self {
            rest: content,
            inside: 0,
        }
    }

    fn cut(&mut self, length: usize) -> &'a str {
        let (piece, rest) = self.rest.split_at(length);
        self.rest = rest;
        piece
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let mut length = 0;
        loop {
            let rest = &self.rest[length..];
            let Some(at) = rest.find('<') else {
                length = self.rest.len();
                break;
            };
            let tag = match html::tag(&rest[at..]) {
                Ended::Tag(tag) => tag,
                Ended::Text(end) => {
                    length += at + end;
                    continue;
                }
            };
            let name = tag.name.trim_start_matches('/').to_ascii_lowercase();
            let is_block = BLOCKS.contains(&name.as_str()) || TABLES.contains(&name.as_str());
            let is_verbatim = VERBATIM.contains(&name.as_str());
            if !is_block && !is_verbatim {
                length += at + tag.text.len();
                continue;
            }
            if length + at > 0 {
                length += at;
                break;
            }
            let is_end = tag.name.starts_with('/');
            let mut size = tag.text.len();
            if is_verbatim && !is_end {
                size = verbatim_end(self.rest, size, &name);
            } else if holds_text(&name) {
                self.inside = match is_end {
                    true => self.inside.saturating_sub(1),
                    false => self.inside + 1,
                };
            }
            return Some(Piece::Block(self.cut(size)));
        }
        if length == 0 {
            return None;
        }
        let is_inside = self.inside > 0;
        let text = self.cut(length);
        Some(match is_inside {
            true => Piece::Block(text),
            false => Piece::Text(text),
        })
    }
}

/// Where an element ends in which lines are lines; one without an end reaches to the end.
fn verbatim_end(text: &str, from: usize, name: &str) -> usize {
    let end = format!("</{name}>");
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    let found = rest
        .windows(end.len())
        .position(|window| window.eq_ignore_ascii_case(end.as_bytes()));
    found.map_or(text.len(), |at| from + at + end.len())
}

/// Whether its text is its own, and no paragraph inside it.
fn holds_text(name: &str) -> bool {
    !matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "div"
            | "footer"
            | "form"
            | "header"
            | "hr"
            | "iframe"
            | "nav"
            | "section"
            | "details"
            | "fieldset"
            | "col"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_part_paragraphs() {
        for (content, expected) in [
            (
                "Un\n\ndeux\ntrois\r\n\r\n\r\n",
                "<p>Un</p>\n<p>deux<br>\ntrois</p>\n",
            ),
            (
                "a <b>b</b>\n\n<em>c</em>",
                "<p>a <b>b</b></p>\n<p><em>c</em></p>\n",
            ),
            (
                "a\n<h2>t</h2>\nb\n<ul>\n<li>x\n</li>\n</ul>",
                "<p>a</p>\n<h2>t</h2><p>b</p>\n<ul>\n<li>x\n</li>\n</ul>",
            ),
            ("<p>a</p>\n\n<p>b\n</p>", "<p>a</p><p>b\n</p>"),
            (
                "<blockquote>a\n\nb</blockquote>c",
                "<blockquote><p>a</p>\n<p>b</p>\n</blockquote><p>c</p>\n",
            ),
            (
                "<pre>a\n\nb <\n</PRE>\n\nc",
                "<pre>a\n\nb <\n</PRE><p>c</p>\n",
            ),
            ("a<br />\nb", "<p>a<br />\nb</p>\n"),
            ("", ""),
        ] {
            assert_eq!(made(content), expected);
        }
    }

    #[test]
    fn an_address_on_a_line_of_its_own_is_a_link() {
        let linked = with_links("a https://x.example\nhttps://v.example/1?a&b\nc");
        assert!(
            linked.contains("<p><a href=\"https://v.example/1?a&amp;b\">")
                && linked.starts_with("a https://x.example\n"),
            "{linked}"
        );
    }

    #[test]
    fn odd_markup_takes_no_time() {
        for odd in ["<pre>", "<li>", "</li>", "<p", "< ", "<b>"] {
            made(&odd.repeat(100_000));
        }
    }
}
