//! A word in square brackets: a shortcode of WordPress, or a word.

use std::collections::HashMap;

use crate::transfer::sources::html;

/// Shortcodes that WordPress or its usual plug-ins bring, and that stand alone without attributes.
const ALONE: [&str; 8] = [
    "gallery",
    "playlist",
    "audio",
    "video",
    "toc",
    "embed",
    "caption",
    "wp_caption",
];

/// Beginnings of those that usual plug-ins and themes bring, and that may stand alone without attributes, too. No word
/// begins like this.
const OF_PLUGINS: [&str; 37] = [
    "acf_",
    "adrotate",
    "av_",
    "bbp-",
    "contact-form",
    "cs_",
    "elementor-",
    "et_pb_",
    "fl_",
    "fusion_",
    "fvplayer",
    "gravityform",
    "jetpack-",
    "jetpack_",
    "layerslider",
    "mc4wp_",
    "metaslider",
    "mk_",
    "ngg_",
    "nggallery",
    "ninja_form",
    "qode_",
    "recent-posts",
    "rev_slider",
    "smartslider",
    "su_",
    "tablepress",
    "td_",
    "tdc_",
    "the_ad",
    "tribe_",
    "vc_",
    "woocommerce_",
    "wp_",
    "wpdm_",
    "wpforms",
    "yuzo_",
];

/// The words that stand somewhere as `[/word]`, and where they do so last.
pub type Ends<'a> = HashMap<&'a str, usize>;

pub fn ended(content: &str) -> Ends<'_> {
    content
        .match_indices("[/")
        .filter_map(|(at, _)| Some((Code::at(&content[at..])?.name, at)))
        .collect()
}

/// A word in square brackets with what may be its attributes.
pub struct Code<'a> {
    pub name: &'a str,
    attributes: &'a str,
    pub is_end: bool,
    /// As in `[word /]`.
    pub is_closed: bool,
    pub length: usize,
}

impl<'a> Code<'a> {
    /// The one that begins `text`, which ends before any other begins: so every byte is looked at once.
    pub fn at(text: &'a str) -> Option<Self> {
        let inner = &text[1..];
        let end = inner.find(['[', ']'])?;
        if !inner[end..].starts_with(']') {
            return None;
        }
        let length = end + 2;
        let inner = &inner[..end];
        let (is_end, inner) = match inner.strip_prefix('/') {
            Some(inner) => (true, inner),
            None => (false, inner),
        };
        let (is_closed, inner) = match inner.strip_suffix('/') {
            Some(inner) if !inner.ends_with('=') => (true, inner),
            _ => (false, inner),
        };
        let name_end = inner
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
            .unwrap_or(inner.len());
        let (name, attributes) = inner.split_at(name_end);
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
        let parted = attributes.is_empty() || attributes.starts_with(char::is_whitespace);
        (begins && parted).then_some(Self {
            name,
            attributes,
            is_end,
            is_closed,
            length,
        })
    }

    pub fn is_shortcode(&self, ended: &Ends) -> bool {
        let has_attributes = self.attributes.split_once('=').is_some_and(|(name, _)| {
            let name = name.trim_end();
            let word = name.rsplit(char::is_whitespace).next().unwrap_or_default();
            !word.is_empty()
                && word
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        });
        has_attributes
            || ended.contains_key(self.name)
            || self.is_closed
            || ALONE.contains(&self.name)
            || OF_PLUGINS.iter().any(|start| self.name.starts_with(start))
    }

    pub fn value(&self, name: &str) -> Option<String> {
        // As in a tag; typographic quotes are what editors' programs make of plain ones.
        let attributes = self
            .attributes
            .replace(['“', '”', '″'], "\"")
            .replace("&quot;", "\"");
        let tag = format!("<x{attributes}>");
        let html::Ended::Tag(tag) = html::tag(&tag) else {
            return None;
        };
        tag.value(name)
    }
}
