//! The change feed as another Kiosque gives it. Members that are not known here are those of a later version.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

use crate::content::article::{Image, Rights, Source, Sponsor};

/// A page of the feed.
#[derive(Debug, Deserialize)]
pub struct Page {
    pub data: Vec<Line>,
    pub page: Place,
}

/// Where a page stands in the log.
#[derive(Debug, Deserialize)]
pub struct Place {
    pub next: i64,
    pub latest: i64,
    pub store: String,
}

/// A line of the log.
#[derive(Debug, Deserialize)]
pub struct Line {
    pub seq: i64,
    pub kind: String,
    pub id: String,
    pub slug: String,
    pub action: String,
    pub at: DateTime<Utc>,
    pub version: i64,
    /// What a read of the article answers; absent in all but the last line about it.
    pub now: Option<Now>,
    pub article: Option<Article>,
    pub replica: Option<Replica>,
    /// Absent in all but the last line about it; null where it is not public.
    #[serde(default, deserialize_with = "present")]
    pub tag: Option<Option<Tag>>,
}

impl Line {
    /// What it says, by which it is known again.
    pub fn digest(&self) -> String {
        let at = self.at.timestamp_micros();
        format!(
            "{} {} {} {} {at}",
            self.kind, self.id, self.action, self.version
        )
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Now {
    Public,
    Gone,
    Unknown,
}

/// An article as readers see it.
#[derive(Debug, Deserialize)]
pub struct Article {
    pub language: String,
    pub headline: String,
    pub standfirst: Option<String>,
    pub trail_text: String,
    pub byline: Option<String>,
    pub body_html: String,
    pub image: Option<Image>,
    pub source: Option<Source>,
    pub canonical_url: Option<String>,
    pub rights: Rights,
    pub sponsors: Vec<Sponsor>,
    pub published_at: Option<DateTime<Utc>>,
    pub first_published_at: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
    pub slug: String,
    pub version: i64,
}

/// What a copy of it needs besides.
#[derive(Debug, Deserialize)]
pub struct Replica {
    pub former_slugs: Vec<String>,
    pub translation_group: Option<String>,
    pub related: Option<String>,
    pub pins: Vec<String>,
    #[serde(default)]
    pub pinned_by: Vec<Pinning>,
    pub tags: Vec<Tag>,
}

/// An article that pins another.
#[derive(Debug, Deserialize)]
pub struct Pinning {
    pub id: String,
    pub pins: Vec<String>,
}

/// A tag with all that the public can know of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Tag {
    pub id: String,
    pub slug: String,
    pub name: String,
    pub kind: String,
    pub description: Option<String>,
    pub parent: Option<String>,
    pub aliases: Vec<String>,
    pub listed: bool,
    pub children: Vec<String>,
    pub version: i64,
    pub updated_at: DateTime<Utc>,
}

/// Tells a member that is null from one that is absent.
fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
