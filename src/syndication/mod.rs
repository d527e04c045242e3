//! From articles to the formats in which others take them: plain values in, finished bytes out.

pub mod atom;
pub mod item;
pub mod json_feed;
pub mod json_ld;
pub mod ninjs;
pub mod publication;
pub mod rss;
pub mod sitemap;
pub mod xml;

#[cfg(test)]
mod fixture;

/// What readers of feeds see as the program that wrote them.
const GENERATOR: &str = "Kiosque";
