//! What a feed is made of: the channel and its items, with every address absolute.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::content::article::{Image, Rights, Source};
use crate::syndication::publication::Publication;

/// A page of a feed.
pub struct Feed<'a> {
    pub publication: &'a Publication,
    /// Of its articles, where it is known.
    pub language: Option<String>,
    pub links: Links,
    pub items: Vec<Item>,
}

/// The addresses of the pages of a feed (RFC 5005), and of what tells of its changes.
pub struct Links {
    pub this: String,
    /// What all pages have in common, and so the feed's own name.
    pub first: String,
    pub next: Option<String>,
    /// Hubs that tell of changes (WebSub).
    pub hubs: Vec<String>,
}

/// An article in a feed.
#[derive(Clone)]
pub struct Item {
    pub id: String,
    pub slug: String,
    /// Where it is read.
    pub address: String,
    pub language: String,
    pub headline: String,
    pub standfirst: Option<String>,
    pub summary: Option<String>,
    pub byline: Option<String>,
    pub body: Option<Body>,
    pub image: Option<Image>,
    pub source: Option<Source>,
    pub canonical_url: Option<String>,
    pub rights: Rights,
    pub tags: Vec<Tag>,
    pub translations: Vec<Translation>,
    pub published_at: Option<DateTime<Utc>>,
    pub first_published_at: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

#[derive(Clone)]
pub struct Body {
    pub html: String,
    pub text: String,
    pub word_count: i32,
}

#[derive(Clone)]
pub struct Tag {
    pub slug: String,
    pub name: String,
    pub kind: String,
}

#[derive(Clone)]
pub struct Translation {
    pub language: String,
    pub address: String,
}

impl Feed<'_> {
    /// When anything in it last changed.
    pub fn changed_at(&self) -> Option<DateTime<Utc>> {
        self.items.iter().map(Item::changed_at).max()
    }

    /// The language that it is in: as asked for, else that of all its items, else the publication's.
    pub fn language(&self) -> Option<&str> {
        let first = self.items.first().map(|item| item.language.as_str());
        let common = first.filter(|first| self.items.iter().all(|item| item.language == *first));
        let publication = self.publication.language.as_deref();
        self.language.as_deref().or(common).or(publication)
    }
}

impl Item {
    /// The same for ever, whatever becomes of the article's addresses (RFC 9562 section 4).
    pub fn urn(&self) -> String {
        format!("urn:uuid:{}", self.id)
    }

    /// An article that was written before it came out has changed when it did.
    pub fn changed_at(&self) -> DateTime<Utc> {
        self.published_at
            .map_or(self.updated_at, |at| at.max(self.updated_at))
    }

    /// Where else it is, if that is not where it is read.
    pub fn original(&self) -> Option<&str> {
        let canonical = self.canonical_url.as_deref();
        canonical.filter(|url| *url != self.address)
    }

    /// What others may do with it, in a line.
    pub fn rights_line(&self) -> Option<String> {
        match (&self.rights.attribution, &self.rights.license) {
            (Some(attribution), Some(license)) => Some(format!("{attribution} ({license})")),
            (one, other) => one.clone().or_else(|| other.clone()),
        }
    }

    /// The names of its tags of a kind.
    pub fn tagged<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Tag> {
        self.tags.iter().filter(move |tag| tag.kind == kind)
    }
}

/// The media type of a picture, as far as its address tells.
pub fn picture_type(address: &str) -> Option<&'static str> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let (_, ending) = path.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

/// To the second, which is what readers of feeds expect.
pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
