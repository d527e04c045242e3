//! Sitemaps, with pictures and translations, their index, and Google's news sitemaps.

use chrono::{DateTime, Utc};

use crate::content::language::primary;
use crate::syndication::item::{Translation, rfc3339};
use crate::syndication::xml::Xml;

pub const MEDIA_TYPE: &str = "application/xml; charset=utf-8";

/// Addresses that one sitemap may have.
pub const MAX_ADDRESSES: usize = 50_000;
/// Bytes that it may have, with room for its end: 50 MiB.
const MAX_BYTES: usize = 50 * 1024 * 1024 - 1024;
/// Characters of an address.
const MAX_ADDRESS: usize = 2_047;

const PROTOCOL: (&str, &str) = ("xmlns", "http://www.sitemaps.org/schemas/sitemap/0.9");

/// An article in a sitemap.
pub struct Entry {
    pub address: String,
    pub changed_at: DateTime<Utc>,
    pub language: String,
    pub image: Option<String>,
    pub translations: Vec<Translation>,
}

/// A sitemap that is being written.
pub struct Sitemap {
    xml: Xml,
    max_bytes: usize,
}

impl Default for Sitemap {
    fn default() -> Self {
        Self::of_bytes(MAX_BYTES)
    }
}

impl Sitemap {
    fn of_bytes(max_bytes: usize) -> Self {
        let namespaces = [
            PROTOCOL,
            (
                "xmlns:image",
                "http://www.google.com/schemas/sitemap-image/1.1",
            ),
            ("xmlns:xhtml", "http://www.w3.org/1999/xhtml"),
        ];
        Self {
            xml: Xml::document("urlset", &namespaces),
            max_bytes,
        }
    }

    /// Adds the entry; false where it does not fit any more. What is longer than an address may be is left out.
    pub fn add(&mut self, entry: &Entry) -> bool {
        self.add_with(entry, true)
    }

    /// The same, but where it does not fit, its address alone is added. A page of an index cannot say no.
    pub fn add_at_least_address(&mut self, entry: &Entry) {
        let _ = self.add_with(entry, true) || self.add_with(entry, false);
    }

    fn add_with(&mut self, entry: &Entry, extended: bool) -> bool {
        if entry.address.len() > MAX_ADDRESS {
            return true;
        }
        let before = self.xml.bytes();
        let xml = &mut self.xml;
        xml.open("url", &[]);
        xml.text("loc", &entry.address);
        xml.text("lastmod", &rfc3339(entry.changed_at));
        if extended {
            extensions(xml, entry);
        }
        xml.close("url");
        let fits = self.xml.bytes() <= self.max_bytes;
        if !fits {
            self.xml.cut(before);
        }
        fits
    }

    pub fn finish(self) -> Vec<u8> {
        self.xml.finish("urlset")
    }
}

/// Each page names all of its translations and itself, as Google has it.
fn extensions(xml: &mut Xml, entry: &Entry) {
    if !entry.translations.is_empty() {
        let itself = (entry.language.as_str(), entry.address.as_str());
        let others = entry.translations.iter();
        let others = others.map(|other| (other.language.as_str(), other.address.as_str()));
        for (language, address) in std::iter::once(itself).chain(others) {
            xml.empty(
                "xhtml:link",
                &[
                    ("rel", "alternate"),
                    ("hreflang", language),
                    ("href", address),
                ],
            );
        }
    }
    if let Some(image) = &entry.image {
        xml.open("image:image", &[]);
        xml.text("image:loc", image);
        xml.close("image:image");
    }
}

/// A sitemap of sitemaps: their addresses, and when anything in each last changed.
pub fn index(sitemaps: &[(String, DateTime<Utc>)]) -> Vec<u8> {
    let mut xml = Xml::document("sitemapindex", &[PROTOCOL]);
    for (address, changed_at) in sitemaps {
        xml.open("sitemap", &[]);
        xml.text("loc", address);
        xml.text("lastmod", &rfc3339(*changed_at));
        xml.close("sitemap");
    }
    xml.finish("sitemapindex")
}

/// An article in a news sitemap.
pub struct News {
    pub address: String,
    pub headline: String,
    pub language: String,
    pub published_at: DateTime<Utc>,
}

pub fn news(publication: &str, articles: &[News]) -> Vec<u8> {
    let namespace = (
        "xmlns:news",
        "http://www.google.com/schemas/sitemap-news/0.9",
    );
    let mut xml = Xml::document("urlset", &[PROTOCOL, namespace]);
    let fitting = articles
        .iter()
        .filter(|article| article.address.len() <= MAX_ADDRESS);
    for article in fitting {
        xml.open("url", &[]);
        xml.text("loc", &article.address);
        xml.open("news:news", &[]);
        xml.open("news:publication", &[]);
        xml.text("news:name", publication);
        xml.text("news:language", news_language(&article.language));
        xml.close("news:publication");
        xml.text("news:publication_date", &rfc3339(article.published_at));
        xml.text("news:title", &article.headline);
        xml.close("news:news");
        xml.close("url");
    }
    xml.finish("urlset")
}

/// ISO 639, but for the two that Google tells apart.
fn news_language(tag: &str) -> &str {
    let is_traditional = || {
        tag.split('-')
            .any(|part| ["Hant", "TW", "HK", "MO"].contains(&part))
    };
    match primary(tag) {
        "zh" if is_traditional() => "zh-tw",
        "zh" => "zh-cn",
        language => language,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(address: &str) -> Entry {
        Entry {
            address: address.to_owned(),
            changed_at: DateTime::UNIX_EPOCH,
            language: "fr".to_owned(),
            image: Some(format!("{address}.jpg")),
            translations: vec![Translation {
                language: "ar".to_owned(),
                address: format!("{address}/ar"),
            }],
        }
    }

    #[test]
    fn a_sitemap_ends_before_it_is_too_long() {
        let mut sitemap = Sitemap::of_bytes(1_000);
        let added = (0..10).filter(|n| sitemap.add(&entry(&format!("https://a.example/{n}"))));
        let added = added.count();
        assert!((1..9).contains(&added), "{added}");
        sitemap.add_at_least_address(&entry("https://a.example/last"));
        let text = String::from_utf8(sitemap.finish()).unwrap();
        assert!(
            text.len() <= 1_100 && text.ends_with("</urlset>\n"),
            "{text}"
        );
        assert!(!text.contains("last.jpg"));
    }

    #[test]
    fn an_address_beyond_the_protocol_is_left_out() {
        let mut sitemap = Sitemap::default();
        assert!(sitemap.add(&entry(&format!("https://a.example/{}", "a".repeat(2_048)))));
        let text = String::from_utf8(sitemap.finish()).unwrap();
        assert!(!text.contains("<url>"));
    }

    #[test]
    fn chinese_is_told_apart_by_its_script() {
        for (tag, expected) in [
            ("fr-MA", "fr"),
            ("zh", "zh-cn"),
            ("zh-Hant", "zh-tw"),
            ("zh-TW", "zh-tw"),
        ] {
            assert_eq!(news_language(tag), expected);
        }
    }
}
