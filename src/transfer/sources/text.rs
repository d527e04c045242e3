//! Small texts of other systems as ours: names, slugs, addresses, beginnings.

use percent_encoding::percent_decode_str;
use url::Url;

use crate::content::body::{Body, BodyFormat};
use crate::content::slug::Slug;

/// Characters of a headline that is made from a text.
const MAX_BEGINNING: usize = 80;
/// Characters an address may have, as in an import line.
const MAX_URL: usize = 2_000;

/// What HTML says, without its markup.
pub fn plain(html: &str) -> String {
    if !html.contains(['<', '&']) {
        return html.trim().to_owned();
    }
    let text = match Body::new(html.to_owned(), BodyFormat::Html) {
        Ok(body) => body.text.trim().to_owned(),
        // Markup that is too wild to be read is told of, where it is that of a body.
        Err(_) => String::new(),
    };
    match text.is_empty() {
        // "<3" is no markup to whoever wrote it.
        true => html.trim().to_owned(),
        false => text,
    }
}

/// Cuts what is beyond so many characters, and says whether there was any.
pub fn cut(text: &mut String, max: usize) -> bool {
    // Bytes first: nearly nothing is long.
    if text.len() <= max {
        return false;
    }
    let Some((end, _)) = text.char_indices().nth(max) else {
        return false;
    };
    text.truncate(end);
    // The rest is not kept in memory, either.
    text.shrink_to_fit();
    true
}

/// The first words of a text, for an article that has no headline. `None` where there is no word.
pub fn beginning(text: &str) -> Option<String> {
    let mut made = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let wanted = word.chars().count() + usize::from(length > 0);
        if length + wanted > MAX_BEGINNING {
            if length == 0 {
                made.extend(word.chars().take(MAX_BEGINNING));
            }
            made.push('…');
            break;
        }
        if length > 0 {
            made.push(' ');
        }
        made.push_str(word);
        length += wanted;
    }
    (!made.is_empty()).then_some(made)
}

/// A name in a URL as a slug: percent codes are decoded, and what no slug may have is dropped. `None` where nothing
/// is left.
pub fn slug(name: &str) -> Option<String> {
    let decoded = percent_decode_str(name.trim()).decode_utf8_lossy();
    if Slug::parse(&decoded).is_ok() {
        return Some(decoded.into_owned());
    }
    let made = Slug::from_text(&decoded, "~");
    (made.as_str() != "~").then(|| made.to_string())
}

/// The last part of an address's path as a slug: what other systems call an article by.
pub fn last_part(address: &str) -> Option<String> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => path,
    };
    let path = path.trim_end_matches("index.html").trim_end_matches('/');
    let last = path.rsplit('/').next()?;
    let last = last
        .strip_suffix(".html")
        .or_else(|| last.strip_suffix(".htm"))
        .unwrap_or(last);
    slug(last)
}

/// An http or https address as an import line takes it, or `None`.
pub fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    if !is_web || text.len() > MAX_URL {
        return None;
    }
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>\"\\^`{|}".contains(c);
    let parsed = Url::parse(text).ok()?;
    parsed.host_str().filter(|host| !host.is_empty())?;
    // As it was written wherever that can be, since others may compare it.
    let written = match text.contains(odd) || text.contains(":///") {
        true => parsed.to_string().replace(odd, ""),
        false => text.to_owned(),
    };
    (written.len() <= MAX_URL).then_some(written)
}

/// An address that may be relative to `base`.
pub fn resolved(text: &str, base: Option<&Url>) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    address(text).or_else(|| address(base?.join(text).ok()?.as_str()))
}

/// The host of an address.
pub fn host(text: &str) -> Option<String> {
    Url::parse(text.trim()).ok()?.host_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_decoded_and_kept_where_they_can_be() {
        assert_eq!(
            slug("%d8%a7%d9%84%d9%85%d8%a7%d8%a1").as_deref(),
            Some("الماء")
        );
        assert_eq!(slug("a-b_c").as_deref(), Some("a-b_c"));
        assert_eq!(slug("a b/c").as_deref(), Some("a-b-c"));
        assert_eq!(slug("%f0%9f%98%80"), None);
        assert_eq!(slug(""), None);
        assert_eq!(last_part("/2020/01/old-name/").as_deref(), Some("old-name"));
        assert_eq!(
            last_part("https://x.example/a/b.html?c").as_deref(),
            Some("b")
        );
        assert_eq!(last_part("https://x.example/"), None);
        assert_eq!(last_part("https://x.example"), None);
    }

    #[test]
    fn addresses_are_mended_or_dropped() {
        assert_eq!(
            address("https://x.example/a b.jpg").as_deref(),
            Some("https://x.example/a%20b.jpg")
        );
        assert_eq!(
            address("https://x.example").as_deref(),
            Some("https://x.example")
        );
        for none in [
            "javascript:x()",
            "/a",
            "https://",
            "http:///",
            "ftp://x/y",
            "data:x",
        ] {
            assert_eq!(address(none), None, "{none}");
        }
        let base = Url::parse("https://x.example/posts/a/").ok();
        let joined = |text| resolved(text, base.as_ref());
        assert_eq!(
            joined("b.png").as_deref(),
            Some("https://x.example/posts/a/b.png")
        );
        assert_eq!(joined("/c.png").as_deref(), Some("https://x.example/c.png"));
        assert_eq!(
            joined("//y.example/d").as_deref(),
            Some("https://y.example/d")
        );
        assert_eq!(resolved("b.png", None), None);
    }

    #[test]
    fn markup_and_entities_are_read() {
        assert_eq!(plain("Tom &amp; <em>Jerry</em>"), "Tom & Jerry");
        assert_eq!(plain("Tom & Jerry"), "Tom & Jerry");
        assert_eq!(plain("<3"), "<3");
        assert_eq!(beginning(" un  mot ").as_deref(), Some("un mot"));
        assert!(beginning(&"mot ".repeat(50)).is_some_and(|text| text.ends_with(" mot…")));
        assert_eq!(beginning(" "), None);
    }
}
