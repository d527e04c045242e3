//! Atom 1.0 (RFC 4287), in pages (RFC 5005).

use chrono::DateTime;

use crate::syndication::GENERATOR;
use crate::syndication::item::{Feed, Item, rfc3339};
use crate::syndication::publication::Publication;
use crate::syndication::rss::picture;
use crate::syndication::xml::Xml;

pub const MEDIA_TYPE: &str = "application/atom+xml; charset=utf-8";

pub fn write(feed: &Feed) -> Vec<u8> {
    let mut attributes = vec![
        ("xmlns", "http://www.w3.org/2005/Atom"),
        ("xmlns:media", "http://search.yahoo.com/mrss/"),
    ];
    attributes.extend(feed.language().map(|language| ("xml:lang", language)));
    let mut xml = Xml::document("feed", &attributes);
    head(&mut xml, feed);
    for item in &feed.items {
        entry(&mut xml, item, feed.publication);
    }
    xml.finish("feed")
}

fn head(xml: &mut Xml, feed: &Feed) {
    let (publication, links) = (feed.publication, &feed.links);
    // An address that is the feed's own, and the same on all its pages.
    xml.text("id", &links.first);
    xml.text("title", &publication.title);
    xml.text("subtitle", &publication.description);
    // A feed must have it, also an empty one, and bytes that depend on the clock could not be kept.
    let updated = feed.changed_at().unwrap_or(DateTime::UNIX_EPOCH);
    xml.text("updated", &rfc3339(updated));
    author(xml, &publication.publisher);
    xml.text("generator", GENERATOR);
    xml.optional("icon", publication.icon.as_deref());
    xml.optional("rights", publication.copyright.as_deref());
    let kind = ("type", "application/atom+xml");
    xml.empty("link", &[("rel", "self"), kind, ("href", &links.this)]);
    xml.empty("link", &[("rel", "first"), kind, ("href", &links.first)]);
    if let Some(next) = &links.next {
        xml.empty("link", &[("rel", "next"), kind, ("href", next)]);
    }
    for hub in &links.hubs {
        xml.empty("link", &[("rel", "hub"), ("href", hub)]);
    }
    let home = &publication.site_url;
    xml.empty("link", &[("rel", "alternate"), ("href", home)]);
}

fn entry(xml: &mut Xml, item: &Item, publication: &Publication) {
    xml.open("entry", &[("xml:lang", &item.language)]);
    xml.text("id", &item.urn());
    xml.text_with("title", &[("type", "text")], &item.headline);
    xml.text("updated", &rfc3339(item.changed_at()));
    xml.optional("published", item.published_at.map(rfc3339).as_deref());
    // Also where it is the feed's: an entry may be taken out of it.
    let byline = item.byline.as_deref();
    author(xml, byline.unwrap_or(&publication.publisher));
    let language = ("hreflang", item.language.as_str());
    xml.empty(
        "link",
        &[("rel", "alternate"), language, ("href", &item.address)],
    );
    if let Some(original) = item.original() {
        xml.empty("link", &[("rel", "canonical"), ("href", original)]);
    }
    if let Some(source) = &item.source
        && let Some(url) = &source.url
    {
        // Where the information came from (RFC 4287 section 4.2.7.2).
        let title = ("title", source.name.as_str());
        xml.empty("link", &[("rel", "via"), title, ("href", url)]);
    }
    for tag in &item.tags {
        let scheme = publication.tags(&tag.kind);
        xml.empty(
            "category",
            &[
                ("term", &tag.slug),
                ("scheme", &scheme),
                ("label", &tag.name),
            ],
        );
    }
    xml.optional("rights", item.rights_line().as_deref());
    if let Some(summary) = &item.summary {
        xml.text_with("summary", &[("type", "text")], summary);
    }
    if let Some(body) = &item.body {
        xml.text_with("content", &[("type", "html")], &body.html);
    }
    if let Some(image) = &item.image {
        picture(xml, image);
    }
    xml.close("entry");
}

fn author(xml: &mut Xml, name: &str) {
    xml.open("author", &[]);
    xml.text("name", name);
    xml.close("author");
}
