//! The text of an article: as written, as safe HTML, and plain.

use std::collections::HashSet;
use std::sync::LazyLock;
use utoipa::ToSchema;

use ammonia::Builder;
use pulldown_cmark::{Options, Parser, html};
use unicode_segmentation::UnicodeSegmentation;

use crate::content::markup;

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum BodyFormat {
    Html,
    Markdown,
    Text,
}

impl BodyFormat {
    pub const ALL: [Self; 3] = [Self::Html, Self::Markdown, Self::Text];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Markdown => "markdown",
            Self::Text => "text",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }
}

/// A body and what is derived from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    pub format: BodyFormat,
    /// As written.
    pub source: String,
    /// Safe to put into a page: sanitised, whatever the format.
    pub html: String,
    /// Plain text, a blank line between blocks.
    pub text: String,
    pub word_count: i32,
}

/// Words a minute, for `reading_minutes`.
const READING_SPEED: i32 = 200;

impl Body {
    /// # Errors
    /// A phrase, where the markup is made to be hard to read.
    pub fn new(source: String, format: BodyFormat) -> Result<Self, String> {
        let html = match format {
            BodyFormat::Html => sanitise(&source)?,
            BodyFormat::Markdown => sanitise(&markdown_as_html(&source))?,
            BodyFormat::Text => paragraphs(&source),
        };
        let text = plain_text(&html);
        let word_count = i32::try_from(words(&text)).unwrap_or(i32::MAX);
        Ok(Self {
            format,
            source,
            html,
            text,
            word_count,
        })
    }

    /// Nothing written yet.
    pub fn empty(format: BodyFormat) -> Self {
        Self {
            format,
            source: String::new(),
            html: String::new(),
            text: String::new(),
            word_count: 0,
        }
    }
}

/// Whole minutes, at least one.
pub fn reading_minutes(word_count: i32) -> i32 {
    (word_count.saturating_add(READING_SPEED - 1) / READING_SPEED).max(1)
}

/// What ammonia lets through by default, and the parts of an article that it does not know of.
/// No class, style, script, form or frame survives.
static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(sanitiser);

pub(super) fn sanitiser() -> Builder<'static> {
    let mut builder = Builder::default();
    builder
        .add_tags([
            "figure",
            "figcaption",
            "section",
            "picture",
            "source",
            "video",
            "audio",
        ])
        .add_tag_attributes("img", ["loading", "srcset", "sizes"])
        .add_tag_attributes("video", ["src", "poster", "controls", "width", "height"])
        .add_tag_attributes("audio", ["src", "controls"])
        .add_tag_attributes("source", ["src", "type", "media"])
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
        .link_rel(Some("noopener noreferrer"));
    builder
}

fn sanitise(html: &str) -> Result<String, String> {
    markup::check(html)?;
    Ok(SANITISER.clean(html).to_string())
}

/// Markdown as HTML, which is not sanitised yet.
pub fn markdown_as_html(source: &str) -> String {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_SMART_PUNCTUATION;
    let mut rendered = String::with_capacity(source.len() * 5 / 4);
    html::push_html(&mut rendered, Parser::new_ext(source, options));
    rendered
}

/// Blank lines part paragraphs; nothing in the text can be markup.
fn paragraphs(source: &str) -> String {
    let unix = source.replace("\r\n", "\n");
    let mut rendered = String::with_capacity(source.len() + 64);
    let mut open = false;
    for line in unix.lines() {
        let line = line.trim();
        if line.is_empty() {
            if open {
                rendered.push_str("</p>\n");
            }
            open = false;
            continue;
        }
        rendered.push_str(if open { "\n" } else { "<p>" });
        open = true;
        escape_into(&mut rendered, line);
    }
    if open {
        rendered.push_str("</p>\n");
    }
    rendered
}

fn escape_into(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            c => html.push(c),
        }
    }
}

/// Elements that end a line of text.
const BLOCKS: [&str; 30] = [
    "p",
    "div",
    "section",
    "article",
    "header",
    "footer",
    "aside",
    "nav",
    "figure",
    "figcaption",
    "blockquote",
    "pre",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "table",
    "tr",
    "hr",
    "br",
    "details",
    "summary",
];

/// The text of HTML that this module made or sanitised. Its markup is therefore well formed, `<` only ever
/// opens a tag, and the only entities are the few that the HTML serialisation algorithm writes.
fn plain_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        push_text(&mut text, &rest[..open]);
        let tag_end = tag_length(&rest[open..]);
        let name = rest[open + 1..open + tag_end].trim_start_matches('/');
        let name = name
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .unwrap_or_default();
        if BLOCKS.contains(&name) {
            break_line(
                &mut text,
                if matches!(name, "br" | "li" | "tr" | "dt" | "dd") {
                    1
                } else {
                    2
                },
            );
        } else if matches!(name, "td" | "th") {
            push_space(&mut text);
        }
        rest = &rest[open + tag_end..];
    }
    push_text(&mut text, rest);
    text.truncate(text.trim_end().len());
    text
}

/// Bytes up to and with the `>` that ends the tag; one inside a quoted attribute does not.
fn tag_length(tag: &str) -> usize {
    let mut quoted = false;
    for (at, byte) in tag.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'>' if !quoted => return at + 1,
            _ => {}
        }
    }
    tag.len()
}

/// How many words a text has (Unicode Standard Annex #29). What needs no rules is told here, for they take ten times
/// as long; none of them reaches over a space.
fn words(text: &str) -> usize {
    text.split([' ', '\n'])
        .map(|part| match is_one_word(part) {
            true => 1,
            false => part.unicode_words().count(),
        })
        .sum()
}

/// Latin letters and digits in a row, perhaps between punctuation marks: surely one word.
fn is_one_word(part: &str) -> bool {
    const AROUND: [char; 15] = [
        '.', ',', ';', ':', '!', '?', '"', '(', ')', '«', '»', '“', '”', '…', '—',
    ];
    let word = part.trim_matches(AROUND);
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, 'À'..='ſ') && !matches!(c, '×' | '÷');
    !word.is_empty() && word.chars().all(is_plain)
}

/// Appends text with its white space collapsed and its entities resolved.
fn push_text(text: &mut String, mut html: &str) {
    const ENTITIES: [(&str, char); 5] = [
        ("&amp;", '&'),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&nbsp;", '\u{a0}'),
        ("&quot;", '"'),
    ];
    let is_special = |byte: u8| byte == b'&' || byte.is_ascii_whitespace();
    while let Some(at) = html.bytes().position(is_special) {
        text.push_str(&html[..at]);
        html = &html[at..];
        let entity = ENTITIES.iter().find(|(entity, _)| html.starts_with(entity));
        let length = match entity {
            Some((entity, character)) => {
                text.push(*character);
                entity.len()
            }
            None => {
                match html.starts_with('&') {
                    true => text.push('&'),
                    false => push_space(text),
                }
                1
            }
        };
        html = &html[length..];
    }
    text.push_str(html);
}

fn push_space(text: &mut String) {
    if !text.is_empty() && !text.ends_with([' ', '\n']) {
        text.push(' ');
    }
}

fn break_line(text: &mut String, wanted: usize) {
    text.truncate(text.trim_end_matches(' ').len());
    let present = text.len() - text.trim_end_matches('\n').len();
    if !text.is_empty() {
        text.extend(std::iter::repeat_n('\n', wanted.saturating_sub(present)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(source: &str) -> Body {
        Body::new(source.to_owned(), BodyFormat::Html).unwrap()
    }

    #[test]
    fn words_are_those_of_the_standard() {
        for text in [
            "",
            "Un mot.",
            "« L’eau », dit-il ; (3,5 km) 1.5 a.b … ÉTÉ: œuvre×2",
            "aujourd'hui d'un l’été 10’000 x_y __ 5. .5 a5b",
            "الورود في قلعة 東京タワー ไทย 🌹🌹 e\u{301}te \u{301}x a\u{200d} b",
            "mot\tautre\n\nmot\u{a0}mot  deux!? \"oui\" (non)",
        ] {
            assert_eq!(words(text), text.unicode_words().count(), "{text}");
        }
    }

    #[test]
    fn html_is_sanitised() {
        let body = html(
            r#"<p onclick="x()">Bonjour<script>alert(1)</script> <a href="javascript:x()">ici</a></p><iframe src="//x"></iframe><img src=x onerror=alert(1)>"#,
        );
        assert_eq!(
            body.html,
            r#"<p>Bonjour <a rel="noopener noreferrer">ici</a></p><img src="x">"#
        );
    }

    #[test]
    fn markdown_is_rendered_and_its_raw_html_sanitised() {
        let body = Body::new(
            "# Titre\n\nUn *mot*. <script>x</script>".to_owned(),
            BodyFormat::Markdown,
        )
        .unwrap();
        assert_eq!(body.html.trim(), "<h1>Titre</h1>\n<p>Un <em>mot</em>. </p>");
        assert_eq!(body.text, "Titre\n\nUn mot.");
    }

    #[test]
    fn plain_text_becomes_paragraphs_and_stays_text() {
        let body = Body::new(
            "a < b\nsuite\r\n\r\n<b>fin</b>".to_owned(),
            BodyFormat::Text,
        )
        .unwrap();
        assert_eq!(
            body.html,
            "<p>a &lt; b\nsuite</p>\n<p>&lt;b&gt;fin&lt;/b&gt;</p>\n"
        );
        assert_eq!(body.text, "a < b suite\n\n<b>fin</b>");
    }

    #[test]
    fn blocks_part_words_and_inline_elements_do_not() {
        let body = html(
            "<h2>Eau</h2><p>L’<b>oa</b>sis,<br>au &amp; sud</p><ul><li>un</li><li>deux</li></ul><p>fin&nbsp;!",
        );
        assert_eq!(
            body.text,
            "Eau\n\nL’oasis,\nau & sud\n\nun\ndeux\n\nfin\u{a0}!"
        );
    }

    #[test]
    fn a_bracket_in_an_attribute_ends_no_tag() {
        let body = html(r#"<p>x <img alt="a > b" src="https://e.example/i.jpg"> y</p>"#);
        assert_eq!(body.text, "x y");
    }

    #[test]
    fn words_are_counted_in_every_script() {
        assert_eq!(html("<p>L'eau de l'oasis, 2024 !</p>").word_count, 5 - 1);
        assert_eq!(html("<p>الماء في الواحة</p>").word_count, 3);
        assert_eq!([0, 200, 201, 512].map(reading_minutes), [1, 1, 2, 3]);
    }
}
