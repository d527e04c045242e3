//! Relative addresses in Markdown, made absolute where they stand.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag};
use url::Url;

use crate::transfer::sources::html;

/// The text with addresses resolved against `base`, and how many there were that lack one.
pub fn resolved(text: &str, base: Option<&Url>) -> (String, u64) {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH;
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut lacking = 0;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(
                Tag::Image {
                    link_type: LinkType::Inline,
                    dest_url,
                    ..
                }
                | Tag::Link {
                    link_type: LinkType::Inline,
                    dest_url,
                    ..
                },
            ) if is_relative(&dest_url) => {
                let Some(base) = base else {
                    lacking += 1;
                    continue;
                };
                if let (Some(at), Ok(whole)) =
                    (place(text, &range, &dest_url), base.join(&dest_url))
                {
                    edits.push((at, whole.to_string()));
                }
            }
            Event::Html(_) | Event::InlineHtml(_) => {
                let source = &text[range.clone()];
                let written = html::rewritten(source, base);
                if written != source {
                    edits.push((range, written));
                }
            }
            _ => {}
        }
    }
    edits.sort_by_key(|(range, _)| range.start);
    let mut written = String::with_capacity(text.len());
    let mut from = 0;
    for (range, edit) in edits {
        // A picture in a link lies inside it; their addresses do not.
        if range.start >= from {
            written.push_str(&text[from..range.start]);
            written.push_str(&edit);
            from = range.end;
        }
    }
    written.push_str(&text[from..]);
    (written, lacking)
}

fn is_relative(address: &str) -> bool {
    !address.is_empty() && !address.starts_with(['#', '?']) && Url::parse(address).is_err()
}

/// Where in a link its address stands, if it is written as it is meant.
fn place(text: &str, link: &Range<usize>, address: &str) -> Option<Range<usize>> {
    let source = &text[link.clone()];
    let open = source.rfind("](")? + 2;
    let at = open + source[open..].find(address)?;
    let between = source[open..at].trim_start();
    let start = link.start + at;
    matches!(between, "" | "<").then_some(start..start + address.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_links_pictures_and_markup() {
        let base = Url::parse("https://x.example/posts/a/").ok();
        let (text, _) = resolved(
            "![un](b.png \"t\") [![c](d.png)](/e) [f](https://y.example) `![g](h.png)` <img src=\"i.png\"> [j](#k)",
            base.as_ref(),
        );
        assert_eq!(
            text,
            "![un](https://x.example/posts/a/b.png \"t\") \
             [![c](https://x.example/posts/a/d.png)](https://x.example/e) [f](https://y.example) `![g](h.png)` \
             <img src=\"https://x.example/posts/a/i.png\"> [j](#k)"
        );
        let (same, lacking) = resolved("![a](b.png)", None);
        assert_eq!((same.as_str(), lacking), ("![a](b.png)", 1));
    }
}
