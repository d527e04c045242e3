//! JSON Feed 1.1.

use serde::Serialize;

use crate::content::article::{Image, Rights, Source};
use crate::syndication::item::{Feed, Item, rfc3339};
use crate::syndication::publication::Publication;

pub const MEDIA_TYPE: &str = "application/feed+json";

#[derive(Serialize)]
struct JsonFeed<'a> {
    version: &'static str,
    title: &'a str,
    home_page_url: &'a str,
    feed_url: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon: Option<&'a str>,
    authors: [Author<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hubs: Vec<Hub<'a>>,
    items: Vec<JsonItem<'a>>,
}

#[derive(Serialize)]
struct Author<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Hub<'a> {
    r#type: &'static str,
    url: &'a str,
}

#[derive(Serialize)]
struct JsonItem<'a> {
    id: String,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_url: Option<&'a str>,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_html: Option<&'a str>,
    /// An item must have a content, so this has the summary where there is no other, or the headline.
    content_text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_published: Option<String>,
    date_modified: String,
    authors: [Author<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'a str>,
    language: &'a str,
    _kiosque: Extension<'a>,
}

/// What the format has no member for.
#[derive(Serialize)]
struct Extension<'a> {
    id: &'a str,
    slug: &'a str,
    version: i64,
    standfirst: Option<&'a str>,
    tags: Vec<ExtensionTag<'a>>,
    source: Option<&'a Source>,
    rights: &'a Rights,
    image: Option<&'a Image>,
}

#[derive(Serialize)]
struct ExtensionTag<'a> {
    slug: &'a str,
    name: &'a str,
    kind: &'a str,
}

/// # Errors
/// When it cannot be serialised.
pub fn write(feed: &Feed) -> serde_json::Result<Vec<u8>> {
    let publication = feed.publication;
    serde_json::to_vec(&JsonFeed {
        version: "https://jsonfeed.org/version/1.1",
        title: &publication.title,
        home_page_url: &publication.site_url,
        feed_url: &feed.links.this,
        description: &publication.description,
        next_url: feed.links.next.as_deref(),
        icon: publication.icon.as_deref(),
        authors: [Author {
            name: &publication.publisher,
        }],
        language: feed.language(),
        hubs: hubs(feed),
        items: feed.items.iter().map(|i| item(i, publication)).collect(),
    })
}

fn hubs<'a>(feed: &'a Feed) -> Vec<Hub<'a>> {
    let hub = |url: &'a String| Hub {
        r#type: "WebSub",
        url,
    };
    feed.links.hubs.iter().map(hub).collect()
}

fn item<'a>(item: &'a Item, publication: &'a Publication) -> JsonItem<'a> {
    let body = item.body.as_ref();
    let summary = item.summary.as_deref();
    let author = item.byline.as_deref().unwrap_or(&publication.publisher);
    JsonItem {
        id: item.urn(),
        url: &item.address,
        external_url: item.original(),
        title: &item.headline,
        content_html: body.map(|body| body.html.as_str()),
        content_text: body.map_or(summary.unwrap_or(&item.headline), |body| &body.text),
        summary,
        image: item.image.as_ref().map(|image| image.url.as_str()),
        date_published: item.published_at.map(rfc3339),
        date_modified: rfc3339(item.changed_at()),
        authors: [Author { name: author }],
        tags: item.tags.iter().map(|tag| tag.name.as_str()).collect(),
        language: &item.language,
        _kiosque: Extension {
            id: &item.id,
            slug: &item.slug,
            version: item.version,
            standfirst: item.standfirst.as_deref(),
            tags: item
                .tags
                .iter()
                .map(|tag| ExtensionTag {
                    slug: &tag.slug,
                    name: &tag.name,
                    kind: &tag.kind,
                })
                .collect(),
            source: item.source.as_ref(),
            rights: &item.rights,
            image: item.image.as_ref(),
        },
    }
}
