//! HTML of other systems: relative addresses made absolute, and frames, which no body keeps, made links.

use url::Url;

use crate::transfer::sources::text;

/// Attributes whose value is an address.
const ADDRESSES: [&str; 3] = ["src", "href", "poster"];

/// Resolves relative addresses against `base` and puts a link in the place of each frame.
pub fn rewritten(html: &str, base: Option<&Url>) -> String {
    let mut written = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        written.push_str(&rest[..at]);
        rest = &rest[at..];
        let tag = match tag(rest) {
            Ended::Tag(tag) => tag,
            // No tag: up to the next one it is text.
            Ended::Text(end) => {
                written.push_str(&rest[..end]);
                rest = &rest[end..];
                continue;
            }
        };
        rest = &rest[tag.text.len()..];
        match tag.name.to_ascii_lowercase().as_str() {
            "iframe" => {
                if let Some(address) = tag.value("src").and_then(|src| text::resolved(&src, base)) {
                    written.push_str(&paragraph_link(&address));
                }
            }
            "/iframe" => {}
            _ => match base {
                Some(base) => tag.write_resolved(&mut written, base),
                None => written.push_str(tag.text),
            },
        }
    }
    written.push_str(rest);
    written
}

/// A link that stands alone.
pub fn paragraph_link(address: &str) -> String {
    let address = escaped(address);
    format!("<p><a href=\"{address}\">{address}</a></p>")
}

/// Text as HTML, also inside a quoted attribute.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A picture with what stands under it.
pub fn figure(address: &str, alt: Option<&str>, caption: Option<&str>) -> String {
    let (address, alt) = (escaped(address), escaped(alt.unwrap_or_default()));
    let caption = caption.map(|html| format!("<figcaption>{html}</figcaption>"));
    format!(
        "<figure><img src=\"{address}\" alt=\"{alt}\">{}</figure>",
        caption.unwrap_or_default()
    )
}

pub struct Tag<'a> {
    /// From `<` to `>`.
    pub text: &'a str,
    /// With its slash in a closing tag.
    pub name: &'a str,
}

pub enum Ended<'a> {
    Tag(Tag<'a>),
    /// Up to here there is none.
    Text(usize),
}

/// The tag that begins `html`. Every byte is looked at once: where a tag does not end, the caller goes on behind.
pub fn tag(html: &str) -> Ended<'_> {
    let bytes = html.as_bytes();
    let slash = usize::from(bytes.get(1) == Some(&b'/'));
    let name_end = bytes
        .iter()
        .skip(1 + slash)
        .position(|b| !b.is_ascii_alphanumeric() && *b != b'-')
        .map_or(bytes.len(), |end| end + 1 + slash);
    let begins = bytes.get(1 + slash).is_some_and(u8::is_ascii_alphabetic);
    if !begins {
        return Ended::Text(1);
    }
    let mut quote = None;
    for (at, &byte) in bytes.iter().enumerate().skip(name_end) {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            (None, b'>') => {
                return Ended::Tag(Tag {
                    text: &html[..=at],
                    name: &html[1..name_end],
                });
            }
            (None, b'<') => return Ended::Text(at),
            _ => {}
        }
    }
    Ended::Text(html.len())
}

impl<'a> Tag<'a> {
    /// The value of an attribute, its entities read.
    pub fn value(&self, name: &str) -> Option<String> {
        let found = self
            .attributes()
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| unescaped(value))
    }

    /// Name and raw value of each attribute with a value.
    fn attributes(&self) -> Vec<(&'a str, &'a str)> {
        let mut found = Vec::new();
        let mut rest = &self.text[1 + self.name.len()..self.text.len() - 1];
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=' || c == '/');
            let Some(end) = end else { return found };
            let (name, after) = rest.split_at(end);
            let Some(value) = after.trim_ascii_start().strip_prefix('=') else {
                rest = match end {
                    0 => after.get(1..).unwrap_or_default(),
                    _ => after,
                };
                continue;
            };
            let value = value.trim_ascii_start();
            let (value, after) = match value.as_bytes().first() {
                Some(&quote @ (b'"' | b'\'')) => {
                    let inner = &value[1..];
                    let end = inner.bytes().position(|b| b == quote);
                    let end = end.unwrap_or(inner.len());
                    (&inner[..end], inner.get(end + 1..).unwrap_or_default())
                }
                _ => {
                    let end = value.find(|c: char| c.is_ascii_whitespace());
                    value.split_at(end.unwrap_or(value.len()))
                }
            };
            found.push((name, value));
            rest = after;
        }
    }

    fn write_resolved(&self, written: &mut String, base: &Url) {
        let mut from = 0;
        for (name, value) in self.attributes() {
            let is_address = ADDRESSES
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name));
            let raw = value.trim();
            let is_relative = !raw.is_empty() && !raw.starts_with('#') && Url::parse(raw).is_err();
            if !is_address || !is_relative {
                continue;
            }
            // `value` is a part of `text`.
            let at = value.as_ptr() as usize - self.text.as_ptr() as usize;
            if let Ok(whole) = base.join(&unescaped(raw)) {
                written.push_str(&self.text[from..at]);
                written.push_str(&escaped(whole.as_str()));
                from = at + value.len();
            }
        }
        written.push_str(&self.text[from..]);
    }
}

fn unescaped(value: &str) -> String {
    value
        .replace("&quot;", "\"")
        .replace("&#039;", "'")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#038;", "&")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_base(html: &str) -> String {
        rewritten(html, Url::parse("https://x.example/a/").ok().as_ref())
    }

    #[test]
    fn relative_addresses_become_absolute() {
        assert_eq!(
            with_base(
                "<p>a<b<img alt='>' src=b.png><a href=\"/c?d&amp;e\">x</a><a href='#f'>y</a>"
            ),
            "<p>a<b<img alt='>' src=https://x.example/a/b.png>\
             <a href=\"https://x.example/c?d&amp;e\">x</a><a href='#f'>y</a>"
        );
        let same = "<img src=\"https://y.example/z\"><a href=mailto:a@b.example>m</a> 1 < 2 <";
        assert_eq!(with_base(same), same);
    }

    #[test]
    fn a_frame_becomes_a_link() {
        assert_eq!(
            with_base("<iframe src=\"//v.example/1?a&amp;b\" allow></iframe>"),
            "<p><a href=\"https://v.example/1?a&amp;b\">https://v.example/1?a&amp;b</a></p>"
        );
        assert_eq!(with_base("<iframe src=\"javascript:x\"></iframe>"), "");
    }

    #[test]
    fn what_does_not_end_takes_no_time() {
        for odd in ["<a ", "<a \"", "<", "<iframe src='"] {
            let long = odd.repeat(200_000);
            assert_eq!(with_base(&long).len(), long.len());
        }
    }
}
