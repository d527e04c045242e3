//! ninjs 3.1, the IPTC's news in JSON: each article a news object; a page of a feed is one, too, of type `composite`,
//! whose associations are the articles.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::content::article::Image;
use crate::syndication::item::{Feed, Item, Tag, picture_type, rfc3339};
use crate::syndication::publication::Publication;

pub const MEDIA_TYPE: &str = "application/json";

/// A news object; of an association, `name` and `rel` say what it is to the other.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rel: Option<&'static str>,
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    standard: Option<Standard>,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    representation_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    copyright_holder: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    copyright_notice: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_terms: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slugline: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headlines: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    descriptions: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bodies: Vec<Text<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subjects: Vec<Concept<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    people: Vec<Concept<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    organisations: Vec<Concept<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    places: Vec<Concept<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    info_sources: Vec<InfoSource<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alt_ids: Vec<AltId<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rights_info: Option<RightsInfo<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    renditions: Vec<Rendition<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    associations: Vec<Object<'a>>,
}

#[derive(Serialize)]
struct Standard {
    name: &'static str,
    version: &'static str,
    schema: &'static str,
}

const STANDARD: Standard = Standard {
    name: "ninjs",
    version: "3.1",
    schema: "https://www.iptc.org/std/ninjs/ninjs-schema_3.1.json",
};

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Text<'a> {
    role: &'static str,
    content_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    word_count: Option<i32>,
    value: &'a str,
}

#[derive(Serialize)]
struct Concept<'a> {
    name: &'a str,
    rel: &'static str,
    uri: String,
    literal: &'a str,
}

#[derive(Serialize)]
struct InfoSource<'a> {
    name: &'a str,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<&'a str>,
}

#[derive(Serialize)]
struct AltId<'a> {
    role: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RightsInfo<'a> {
    encoded_rights: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rendition<'a> {
    name: &'static str,
    href: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
}

/// # Errors
/// When it cannot be serialised.
pub fn write(feed: &Feed) -> serde_json::Result<Vec<u8>> {
    let publication = feed.publication;
    let articles = feed.items.iter().enumerate().map(|(place, item)| Object {
        name: Some(format!("article-{}", place + 1)),
        rel: Some("item"),
        ..article(item, publication)
    });
    let page = Object {
        uri: feed.links.this.clone(),
        standard: Some(STANDARD),
        r#type: "composite",
        version_created: feed.changed_at().map(rfc3339),
        copyright_notice: publication.copyright.as_deref(),
        language: feed.language(),
        title: Some(&publication.title),
        info_sources: vec![publisher(publication)],
        associations: articles.collect(),
        ..Object::default()
    };
    serde_json::to_vec(&page)
}

fn publisher(publication: &Publication) -> InfoSource<'_> {
    InfoSource {
        name: &publication.publisher,
        role: "publisher",
        uri: Some(&publication.site_url),
    }
}

fn article<'a>(item: &'a Item, publication: &'a Publication) -> Object<'a> {
    let created: Option<DateTime<Utc>> = item.first_published_at.or(item.published_at);
    let concepts = |is_of: fn(&str) -> bool, rel| -> Vec<Concept> {
        let tags = item.tags.iter().filter(|tag| is_of(&tag.kind));
        tags.map(|tag| concept(tag, rel, publication)).collect()
    };
    Object {
        uri: item.urn(),
        standard: Some(STANDARD),
        r#type: "text",
        representation_type: Some(match item.body {
            Some(_) => "full",
            None => "partial",
        }),
        version: Some(item.version.to_string()),
        first_created: created.map(rfc3339),
        version_created: Some(rfc3339(item.changed_at())),
        content_created: created.map(rfc3339),
        pub_status: Some("usable"),
        copyright_notice: item.rights.attribution.as_deref(),
        usage_terms: item.rights.license.as_deref(),
        language: Some(&item.language),
        title: Some(&item.headline),
        by: item.byline.as_deref(),
        slugline: Some(&item.slug),
        headlines: vec![plain("main", &item.headline)],
        descriptions: descriptions(item),
        bodies: bodies(item),
        subjects: concepts(|kind| !NAMED_APART.contains(&kind), "about"),
        people: concepts(|kind| kind == "person", "about"),
        organisations: concepts(|kind| kind == "organisation", "about"),
        places: concepts(|kind| kind == "place", "about"),
        info_sources: info_sources(item, publication),
        alt_ids: alt_ids(item),
        rights_info: item
            .rights
            .license
            .as_deref()
            .map(|encoded_rights| RightsInfo { encoded_rights }),
        associations: item.image.iter().map(picture).collect(),
        ..Object::default()
    }
}

/// Kinds of tags that have members of their own; contributors are credited, not written about.
const NAMED_APART: [&str; 4] = ["person", "organisation", "place", "contributor"];

fn concept<'a>(tag: &'a Tag, rel: &'static str, publication: &Publication) -> Concept<'a> {
    Concept {
        name: &tag.name,
        rel,
        uri: publication.tag(&tag.slug),
        literal: &tag.slug,
    }
}

fn plain<'a>(role: &'static str, value: &'a str) -> Text<'a> {
    Text {
        role,
        content_type: "text/plain",
        value,
        ..Text::default()
    }
}

fn descriptions(item: &Item) -> Vec<Text<'_>> {
    let standfirst = item.standfirst.as_deref();
    let summary = item.summary.as_deref().map(|text| plain("summary", text));
    let standfirst = standfirst.map(|text| plain("standfirst", text));
    summary.into_iter().chain(standfirst).collect()
}

fn bodies(item: &Item) -> Vec<Text<'_>> {
    let Some(body) = &item.body else {
        return Vec::new();
    };
    vec![
        Text {
            role: "main",
            content_type: "text/html",
            word_count: Some(body.word_count),
            value: &body.html,
        },
        Text {
            role: "plain",
            content_type: "text/plain",
            word_count: Some(body.word_count),
            value: &body.text,
        },
    ]
}

fn info_sources<'a>(item: &'a Item, publication: &'a Publication) -> Vec<InfoSource<'a>> {
    let source = item.source.as_ref().map(|source| InfoSource {
        name: &source.name,
        role: "originator",
        uri: source.url.as_deref(),
    });
    let credited = item.tagged("contributor").map(|tag| InfoSource {
        name: &tag.name,
        role: "contributor",
        uri: None,
    });
    source
        .into_iter()
        .chain(credited)
        .chain([publisher(publication)])
        .collect()
}

fn alt_ids(item: &Item) -> Vec<AltId<'_>> {
    let address = AltId {
        role: "web",
        value: &item.address,
    };
    let canonical = item.original().map(|value| AltId {
        role: "canonical",
        value,
    });
    [address].into_iter().chain(canonical).collect()
}

fn picture(image: &Image) -> Object<'_> {
    let described = [("alt", &image.alt), ("caption", &image.caption)];
    let descriptions = described
        .iter()
        .filter_map(|(role, text)| Some(plain(role, text.as_deref()?)))
        .collect();
    Object {
        name: Some("mainpic".to_owned()),
        rel: Some("illustration"),
        uri: image.url.clone(),
        r#type: "picture",
        by: image.credit.as_deref(),
        descriptions,
        renditions: vec![Rendition {
            name: "main",
            href: &image.url,
            content_type: picture_type(&image.url),
            width: image.width,
            height: image.height,
        }],
        ..Object::default()
    }
}
