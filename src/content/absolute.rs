//! Safe HTML whose addresses are absolute, for readers who do not know where it stood.

use std::borrow::Cow;

use url::Url;

use crate::content::{body, markup};

/// The same HTML with every relative address resolved against `base`. What has none is not parsed.
pub fn absolute<'a>(html: &'a str, base: &str) -> Cow<'a, str> {
    let base = match Url::parse(base) {
        // What was parted by what the sanitiser took out is one stretch now, and may be hard.
        Ok(base) if has_relative(html) && markup::check(html).is_ok() => base,
        _ => return Cow::Borrowed(html),
    };
    let mut builder = body::sanitiser();
    builder.attribute_filter(move |_, attribute, value| {
        Some(match attribute {
            // Each grows by the length of the base.
            "srcset" if parts(value).nth(MAX_CANDIDATES).is_some() => Cow::Borrowed(value),
            "srcset" => Cow::Owned(candidates(value, &base)),
            _ if ADDRESSES.contains(&attribute) => Cow::Owned(resolved(value, &base)),
            _ => Cow::Borrowed(value),
        })
    });
    Cow::Owned(builder.clean(html).to_string())
}

/// Pictures that one may stand for.
const MAX_CANDIDATES: usize = 100;

/// Attributes that hold an address and survive the sanitiser.
const ADDRESSES: [&str; 4] = ["href", "src", "poster", "cite"];

/// Whether an attribute holds a relative address, as far as a look at the text tells: markup that this program has
/// serialised has its values in double quotes.
fn has_relative(html: &str) -> bool {
    let mut rest = html;
    while let Some((before, after)) = rest.split_once("=\"") {
        let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next();
        let (value, behind) = after.split_once('"').unwrap_or((after, ""));
        let found = match name.unwrap_or_default() {
            "srcset" => parts(value).any(|(address, _)| is_relative(address)),
            name => ADDRESSES.contains(&name) && is_relative(value),
        };
        if found {
            return true;
        }
        rest = behind;
    }
    false
}

fn is_relative(address: &str) -> bool {
    Url::parse(address).is_err()
}

fn resolved(address: &str, base: &Url) -> String {
    match base.join(address) {
        Ok(url) if is_relative(address) => url.into(),
        _ => address.to_owned(),
    }
}

/// The candidates of a `srcset`: addresses, each with a descriptor.
fn parts(srcset: &str) -> impl Iterator<Item = (&str, &str)> {
    srcset
        .split(", ")
        .map(|part| part.trim().trim_end_matches(','))
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once(char::is_whitespace).unwrap_or((part, "")))
}

fn candidates(srcset: &str, base: &Url) -> String {
    let parts: Vec<String> = parts(srcset)
        .map(|(address, descriptor)| {
            let address = resolved(address, base);
            match descriptor.trim() {
                "" => address,
                descriptor => format!("{address} {descriptor}"),
            }
        })
        .collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_addresses_are_resolved_and_others_left() {
        let base = "https://news.example/2024/crue";
        for (html, expected) in [
            ("<p>x</p>", "<p>x</p>"),
            (
                "<img src=\"/a.jpg\" srcset=\"/a.jpg 1x, b.jpg 2x\">",
                "<img src=\"https://news.example/a.jpg\" \
                 srcset=\"https://news.example/a.jpg 1x, https://news.example/2024/b.jpg 2x\">",
            ),
            (
                "<img src=\"//cdn.example/a.jpg\">",
                "<img src=\"https://cdn.example/a.jpg\">",
            ),
            (
                "<a href=\"mailto:a@b.example\" rel=\"noopener noreferrer\">x</a>",
                "<a href=\"mailto:a@b.example\" rel=\"noopener noreferrer\">x</a>",
            ),
            ("<p>href=\"/a\" is text</p>", "<p>href=\"/a\" is text</p>"),
        ] {
            assert_eq!(absolute(html, base), expected);
        }
    }

    #[test]
    fn without_a_base_nothing_changes() {
        let html = "<img src=\"/a.jpg\">";
        assert_eq!(absolute(html, "no address"), html);
    }
}
