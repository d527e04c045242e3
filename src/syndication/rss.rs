//! RSS 2.0, with the whole text (content), names (dc), dates and rights (dcterms, dc), pictures (media) and the pages of
//! the feed (atom, RFC 5005).

use chrono::{DateTime, Utc};

use crate::content::article::Image;
use crate::syndication::GENERATOR;
use crate::syndication::item::{Feed, Item, picture_type, rfc3339};
use crate::syndication::publication::Publication;
use crate::syndication::xml::Xml;

pub const MEDIA_TYPE: &str = "application/rss+xml; charset=utf-8";

/// Minutes after which a reader should look again.
const TTL: &str = "10";

pub fn write(feed: &Feed) -> Vec<u8> {
    let mut xml = Xml::document(
        "rss",
        &[
            ("version", "2.0"),
            ("xmlns:atom", "http://www.w3.org/2005/Atom"),
            ("xmlns:content", "http://purl.org/rss/1.0/modules/content/"),
            ("xmlns:dc", "http://purl.org/dc/elements/1.1/"),
            ("xmlns:dcterms", "http://purl.org/dc/terms/"),
            ("xmlns:media", "http://search.yahoo.com/mrss/"),
        ],
    );
    xml.open("channel", &[]);
    channel(&mut xml, feed);
    for item in &feed.items {
        write_item(&mut xml, item, feed.publication);
    }
    xml.close("channel");
    xml.finish("rss")
}

fn channel(xml: &mut Xml, feed: &Feed) {
    let publication = feed.publication;
    xml.text("title", &publication.title);
    xml.text("link", &publication.site_url);
    xml.text("description", &publication.description);
    xml.optional("language", feed.language().filter(is_known));
    xml.optional("copyright", publication.copyright.as_deref());
    xml.optional("lastBuildDate", feed.changed_at().map(rfc822).as_deref());
    xml.text("generator", GENERATOR);
    xml.text("docs", "https://www.rssboard.org/rss-specification");
    xml.text("ttl", TTL);
    if let Some(icon) = &publication.icon {
        xml.open("image", &[]);
        xml.text("url", icon);
        xml.text("title", &publication.title);
        xml.text("link", &publication.site_url);
        xml.close("image");
    }
    let links = &feed.links;
    let kind = ("type", "application/rss+xml");
    xml.empty("atom:link", &[("rel", "self"), kind, ("href", &links.this)]);
    xml.empty(
        "atom:link",
        &[("rel", "first"), kind, ("href", &links.first)],
    );
    if let Some(next) = &links.next {
        xml.empty("atom:link", &[("rel", "next"), kind, ("href", next)]);
    }
    for hub in &links.hubs {
        xml.empty("atom:link", &[("rel", "hub"), ("href", hub)]);
    }
}

fn write_item(xml: &mut Xml, item: &Item, publication: &Publication) {
    xml.open("item", &[]);
    xml.text("title", &item.headline);
    xml.text("link", &item.address);
    xml.text_with("guid", &[("isPermaLink", "false")], &item.urn());
    xml.optional("pubDate", item.published_at.map(rfc822).as_deref());
    xml.text("dcterms:modified", &rfc3339(item.changed_at()));
    // A description is HTML (RSS Advisory Board's profile), and the summary is not.
    xml.optional(
        "description",
        item.summary.as_deref().map(as_html).as_deref(),
    );
    if let Some(body) = item.body.as_ref().filter(|body| !body.html.is_empty()) {
        xml.text("content:encoded", &body.html);
    }
    xml.optional("dc:creator", item.byline.as_deref());
    let language = Some(item.language.as_str());
    xml.optional("dc:language", language.filter(is_known));
    xml.optional("dc:rights", item.rights_line().as_deref());
    for tag in &item.tags {
        let domain = publication.tags(&tag.kind);
        xml.text_with("category", &[("domain", &domain)], &tag.name);
    }
    if let Some(source) = &item.source {
        match &source.url {
            Some(url) => xml.text_with("source", &[("url", url)], &source.name),
            // RSS wants an address.
            None => xml.text("dc:source", &source.name),
        }
    }
    if let Some(image) = &item.image {
        picture(xml, image);
    }
    xml.close("item");
}

/// RSS has no word for a language that is not known.
fn is_known(language: &&str) -> bool {
    *language != "und"
}

/// Media RSS, which Atom takes, too.
pub fn picture(xml: &mut Xml, image: &Image) {
    let pixels = |side: Option<u32>| side.filter(|side| *side > 0).map(|side| side.to_string());
    let (width, height) = (pixels(image.width), pixels(image.height));
    let mut attributes = vec![("url", image.url.as_str()), ("medium", "image")];
    attributes.extend(picture_type(&image.url).map(|kind| ("type", kind)));
    attributes.extend(width.as_deref().map(|width| ("width", width)));
    attributes.extend(height.as_deref().map(|height| ("height", height)));
    xml.open("media:content", &attributes);
    let plain = [("type", "plain")];
    if let Some(alt) = &image.alt {
        xml.text_with("media:title", &plain, alt);
    }
    if let Some(caption) = &image.caption {
        xml.text_with("media:description", &plain, caption);
    }
    if let Some(credit) = &image.credit {
        xml.text_with("media:credit", &[("role", "photographer")], credit);
    }
    xml.close("media:content");
}

/// Plain text as HTML that shows it.
fn as_html(text: &str) -> String {
    quick_xml::escape::partial_escape(text).into_owned()
}

/// RFC 822 with a year of four digits, as RSS has it.
fn rfc822(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
