//! How much work an HTML parser, and the writer after it, would have with a text, told before they begin.
//!
//! The parsing algorithm of the HTML standard looks through all open elements at many a tag, and copies formatting
//! elements that were never closed into each block that follows. Both grow with the square of a text that is made for
//! it: some hundred kilobytes of `<div>` keep a parser busy for a minute. This runs the tokenizer alone, which takes
//! time in proportion to the text, and keeps count of what the tree builder would have to look through. Where the two
//! might differ, it counts too much rather than too little.
//!
//! The writer looks from each character that may have to be escaped for a `<` or `>` further on in the same text, which
//! grows with the square of a stretch of `&` or `«`.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer,
};

/// Texts with fewer tags cannot be hard.
const HARMLESS: usize = 500;
/// Elements looked through, over the whole text: a tenth of a second, as measured.
const MAX_STEPS: usize = 20_000_000;
/// Formatting elements copied, over the whole text.
const MAX_COPIES: usize = 500_000;
/// Bytes looked through for what is to be escaped, over the whole text: some tenths of a second, as measured.
const MAX_SCANNED: usize = 4_000_000_000;
/// The standard keeps so many formatting elements that are the same.
const SAME: usize = 3;

/// Elements that have no end tag.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];
const FORMATTING: &[&str] = &[
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];
/// Elements whose end tag also ends what is open inside them.
const CLOSING: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "center",
    "details",
    "dd",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "pre",
    "search",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
];
/// Elements that keep an end tag inside from ending one outside.
const BARRIERS: &[&str] = &[
    "applet", "button", "caption", "html", "marquee", "math", "object", "ol", "svg", "table", "td",
    "template", "th", "ul",
];
/// Elements that end their like when they begin beside it.
const IN_A_ROW: &[&str] = &["dd", "dt", "li", "option", "p", "td", "th", "tr"];
/// What is between their tags is text.
const RAW: &[(&str, RawKind)] = &[
    ("iframe", RawKind::Rawtext),
    ("noembed", RawKind::Rawtext),
    ("noframes", RawKind::Rawtext),
    ("script", RawKind::ScriptData),
    ("style", RawKind::Rawtext),
    ("textarea", RawKind::Rcdata),
    ("title", RawKind::Rcdata),
    ("xmp", RawKind::Rawtext),
];

/// Elements other than blocks and formatting that part what is before them from what is behind.
const PARTING: &[&str] = &["br", "hr", "img", "span"];

/// # Errors
/// A phrase, where parsing the text, or writing it out again, would take out of all proportion long.
pub fn check(html: &str) -> Result<(), String> {
    let tags = html.bytes().filter(|byte| *byte == b'<').count();
    if tags < HARMLESS && Stretch::of(html).scanned() <= MAX_SCANNED {
        return Ok(());
    }
    let tokenizer = Tokenizer::new(Gauge::default(), Default::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    // There are no scripts to wait for.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let open = tokenizer.sink.0.borrow();
    if open.steps > MAX_STEPS || open.copies > MAX_COPIES {
        return Err("nests too many elements, or leaves too many open".to_owned());
    }
    match open.scanned + open.stretch.scanned() > MAX_SCANNED {
        true => Err("has too many signs in one stretch of text".to_owned()),
        false => Ok(()),
    }
}

/// Text that may come to stand in one piece.
#[derive(Default)]
struct Stretch {
    bytes: usize,
    /// Bytes at which the writer stops: `&`, and the first byte of a no-break space, which others have, too.
    stops: usize,
}

impl Stretch {
    fn of(text: &str) -> Self {
        let mut stretch = Self::default();
        stretch.add(text);
        stretch
    }

    fn add(&mut self, text: &str) {
        let stops = text.bytes().filter(|byte| matches!(byte, b'&' | 0xc2));
        self.bytes += text.len();
        self.stops += stops.count();
    }

    fn scanned(&self) -> usize {
        self.bytes.saturating_mul(self.stops)
    }
}

#[derive(Default)]
struct Gauge(RefCell<Open>);

/// What is open at a point of the text, and the work so far.
#[derive(Default)]
struct Open {
    elements: Vec<String>,
    /// Names with a digest of the attributes.
    formatting: Vec<(String, u64)>,
    /// Elements of other vocabularies that are open; their rules are not followed here.
    foreign: usize,
    /// Inside of it other elements are passed over, and so is its end where it is hidden.
    has_select: bool,
    stretch: Stretch,
    steps: usize,
    copies: usize,
    /// In the stretches before, and in attributes.
    scanned: usize,
}

impl TokenSink for Gauge {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut open = self.0.borrow_mut();
        open.steps += open.elements.len();
        let tag = match token {
            Token::TagToken(tag) => tag,
            Token::CharacterTokens(text) => {
                open.stretch.add(&text);
                return TokenSinkResult::Continue;
            }
            _ => return TokenSinkResult::Continue,
        };
        for attribute in &tag.attrs {
            open.scanned = open
                .scanned
                .saturating_add(Stretch::of(&attribute.value).scanned());
        }
        match tag.kind {
            TagKind::StartTag => open.start(&tag),
            TagKind::EndTag => {
                open.end(&tag.name);
                TokenSinkResult::Continue
            }
        }
    }
}

impl Open {
    fn start(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        self.part(name);
        if VOID.contains(&name) {
            return TokenSinkResult::Continue;
        }
        let last = self.elements.last().map(String::as_str);
        let ends_last = IN_A_ROW.contains(&name) && last == Some(name)
            || last == Some("p") && CLOSING.contains(&name);
        if self.foreign == 0 && ends_last {
            self.elements.pop();
        }
        if CLOSING.contains(&name) {
            self.reopen();
        }
        if matches!(name, "svg" | "math") {
            self.foreign += 1;
        }
        self.elements.push(name.to_owned());
        if FORMATTING.contains(&name) {
            self.format(tag);
        }
        if name == "plaintext" && self.foreign == 0 {
            return TokenSinkResult::Plaintext;
        }
        match RAW.iter().find(|(raw, _)| *raw == name) {
            Some((_, kind)) if self.foreign == 0 => TokenSinkResult::RawData(*kind),
            _ => TokenSinkResult::Continue,
        }
    }

    /// Ends the stretch of text where an element certainly begins: what is passed over parts nothing.
    fn part(&mut self, name: &str) {
        self.has_select |= name == "select";
        let is_parting = [CLOSING, FORMATTING, PARTING]
            .iter()
            .any(|names| names.contains(&name));
        let is_of_table = matches!(name, "tbody" | "td" | "tfoot" | "th" | "thead" | "tr");
        if is_parting && !is_of_table && self.foreign == 0 && !self.has_select {
            let stretch = std::mem::take(&mut self.stretch);
            self.scanned = self.scanned.saturating_add(stretch.scanned());
        }
    }

    fn format(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        if matches!(name, "a" | "nobr") {
            self.unformat(name);
        }
        let mut digest = DefaultHasher::new();
        for attribute in &tag.attrs {
            (&*attribute.name.local, &*attribute.value).hash(&mut digest);
        }
        let entry = (name.to_owned(), digest.finish());
        if self
            .formatting
            .iter()
            .filter(|known| **known == entry)
            .count()
            < SAME
        {
            self.formatting.push(entry);
        }
    }

    fn unformat(&mut self, name: &str) {
        if let Some(at) = self.formatting.iter().rposition(|(known, _)| known == name) {
            self.formatting.remove(at);
        }
    }

    fn end(&mut self, name: &str) {
        let is_last = self.elements.last().is_some_and(|last| last == name);
        if FORMATTING.contains(&name) {
            self.unformat(name);
            // What is inside stays open.
            if let Some(at) = self.elements.iter().rposition(|known| known == name) {
                self.remove(at);
            }
        } else if self.foreign == 0 && CLOSING.contains(&name) {
            self.reopen();
            if let Some(at) = self.reachable(name) {
                self.elements.truncate(at);
            }
        } else if is_last {
            self.remove(self.elements.len() - 1);
        }
    }

    /// Formatting that a block was closed over is opened again in what follows.
    fn reopen(&mut self) {
        self.copies += self.formatting.len();
    }

    fn remove(&mut self, at: usize) {
        let name = self.elements.remove(at);
        if matches!(name.as_str(), "svg" | "math") {
            self.foreign -= 1;
        }
    }

    /// The innermost open element of this name that no barrier hides.
    fn reachable(&self, name: &str) -> Option<usize> {
        for (at, known) in self.elements.iter().enumerate().rev() {
            if known == name {
                return Some(at);
            }
            let inside_table = name == "table" || name.starts_with('t');
            if BARRIERS.contains(&known.as_str()) && !(inside_table && known != "table") {
                return None;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_articles_are_fine_however_sloppy() {
        let paragraphs =
            "<p>Un <b>mot</b>, <a href=\"https://e.example/\">un lien</a><br>".repeat(20_000);
        assert_eq!(check(&paragraphs), Ok(()));
        let list = format!("<ul>{}</ul>", "<li>un<ul><li>deux</ul>".repeat(20_000));
        assert_eq!(check(&list), Ok(()));
        let table = format!(
            "<table>{}</table>",
            "<tr><td>a<td><div>b</div></td>".repeat(20_000)
        );
        assert_eq!(check(&table), Ok(()));
        let divs = format!("{}x{}", "<div>".repeat(300), "</div>".repeat(300)).repeat(50);
        assert_eq!(check(&divs), Ok(()));
        let unclosed = "<p><b>gras <i>penché</p>".repeat(20_000);
        assert_eq!(check(&unclosed), Ok(()));
        assert_eq!(check(&"a < b ".repeat(50_000)), Ok(()));
    }

    #[test]
    fn texts_that_are_made_to_be_hard_are_told() {
        for hard in [
            "<div>".repeat(20_000),
            "<div></b>".repeat(20_000),
            "<b><div></b>".repeat(20_000),
            "<span><div></span>".repeat(20_000),
            "<div><table><tr><td></div>".repeat(20_000),
            "<div><!--</div>-->".repeat(20_000),
            "<div><title></div></title>".repeat(20_000),
            "<div a='</div>'>".repeat(20_000),
            "<svg><title><div></div></title>".repeat(20_000),
            "<li><ul></li>".repeat(20_000),
            "<foo>".repeat(20_000),
            "<button><div></button>".repeat(20_000),
            (0..1_000)
                .map(|n| format!("<b id={n}>"))
                .collect::<String>()
                + &"</p><p>x".repeat(2_000),
            (0..1_000)
                .map(|n| format!("<b id={n}>"))
                .collect::<String>()
                + &"<p>x".repeat(2_000),
        ] {
            assert!(check(&hard).is_err(), "{}", &hard[..40]);
        }
    }

    #[test]
    fn stretches_of_signs_are_told_and_french_is_not() {
        for hard in [
            "&".repeat(200_000),
            "«".repeat(100_000),
            "&nbsp;".repeat(100_000),
            "&&&&&&&&</foo>".repeat(20_000),
            "&&&&&&&&<!---->".repeat(20_000),
            "&&&&&&&&<tr>".repeat(20_000),
            format!("<select>{}", "&&&&&&&&<p>".repeat(20_000)),
            format!("<textarea>{}", "&&&&&&&&<p>".repeat(20_000)),
            format!("<p title=\"{}\">x", "&".repeat(200_000)),
        ] {
            assert!(check(&hard).is_err(), "{}", &hard[..30]);
        }
        let said = "« Oui\u{a0}», dit-il\u{a0}: l'eau & le sel\u{a0}! ".repeat(20);
        for fine in [
            format!("<p>{said}</p>").repeat(3_000),
            format!("{said}<br>").repeat(3_000),
            said.repeat(20),
            format!("<a href=\"/a?b=1&c=2&d=3\">{said}</a>").repeat(3_000),
        ] {
            assert_eq!(check(&fine), Ok(()));
        }
    }

    /// What is let through is parsed in little time: no timed assertion, but this test would not end.
    #[test]
    fn what_is_let_through_is_parsed() {
        for text in [
            "<div>",
            "<p><b>x",
            "<table><tr><td>",
            "<li>",
            "<blockquote>",
            "<a><p>",
        ] {
            let mut count = 500;
            while check(&text.repeat(count * 2)).is_ok() && count < 40_000 {
                count *= 2;
            }
            assert!(!ammonia::clean(&text.repeat(count)).is_empty());
        }
    }
}
