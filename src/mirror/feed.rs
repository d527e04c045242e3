//! The change feed as another Kiosque gives it. Members that are not known here are those of a later version.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// A page of the feed.
#[derive(Debug)]
pub struct Page {
    pub data: Vec<Line>,
    pub page: Place,
}

/// Why what was answered is no page.
#[derive(Debug)]
pub enum Unread {
    /// It is something else.
    NoFeed(String),
    /// It is, with a line that cannot be read.
    Line(String),
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

impl Page {
    /// Reads what was answered. Lines of a kind that is not known here are left out, and said in the log.
    ///
    /// # Errors
    /// As [`Unread`] says; what is wrong with a line names it.
    pub fn read(bytes: &[u8]) -> Result<Self, Unread> {
        /// A page whose lines have not been read.
        #[derive(Deserialize)]
        struct Raw<'a> {
            #[serde(borrow)]
            data: Vec<&'a RawValue>,
            page: Place,
        }
        /// What each line has, whatever it is about.
        #[derive(Deserialize)]
        struct Head {
            seq: i64,
            kind: String,
        }
        let raw: Raw =
            serde_json::from_slice(bytes).map_err(|error| Unread::NoFeed(error.to_string()))?;
        let mut data = Vec::with_capacity(raw.data.len());
        let mut unknown = BTreeSet::new();
        for (at, line) in raw.data.into_iter().enumerate() {
            let head: Head = serde_json::from_str(line.get())
                .map_err(|error| Unread::Line(format!("line {} of a page: {error}", at + 1)))?;
            if !matches!(head.kind.as_str(), "article" | "tag") {
                unknown.insert(head.kind);
                continue;
            }
            let line = serde_json::from_str(line.get())
                .map_err(|error| Unread::Line(of_line(head.seq, &error.to_string())))?;
            data.push(line);
        }
        for kind in unknown {
            log::warn!("the feed tells of a kind of thing that is not known here: {kind:?}");
        }
        let page = raw.page;
        Ok(Self { data, page })
    }
}

/// What is wrong with a line, with its name.
pub fn of_line(seq: i64, what: &str) -> String {
    format!("line {seq} of the feed: {what}")
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

    /// Whether this line was told with that digest before. A partner is told what a line means at the time, so there
    /// the action may be another.
    pub fn is_known_by(&self, digest: &str, is_partner: bool) -> bool {
        let own = self.digest();
        let but_action = |digest: &str| -> Vec<String> {
            let parts = digest.split(' ').enumerate();
            let others = parts.filter(|(at, _)| *at != 2);
            others.map(|(_, part)| part.to_owned()).collect()
        };
        own == digest || (is_partner && but_action(&own) == but_action(digest))
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

/// A picture and what stands under it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Image {
    pub url: String,
    pub alt: Option<String>,
    pub caption: Option<String>,
    pub credit: Option<String>,
    pub width: Option<u32>,
    pub height: Option<u32>,
}

/// Where an article was taken from.
#[derive(Debug, Serialize, Deserialize)]
pub struct Source {
    pub name: String,
    pub url: Option<String>,
}

/// What others may do with an article.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rights {
    pub license: Option<String>,
    pub attribution: Option<String>,
    pub syndicatable: bool,
}

/// Who paid for an article, and in which span it is to be named.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sponsor {
    pub name: String,
    pub url: Option<String>,
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_known_again_and_a_partners_also_when_it_means_something_else() {
        let line = |action: &str, version: i64| -> Line {
            let line = serde_json::json!({
                "seq": 90, "kind": "article", "id": "a", "slug": "s", "action": action, "version": version,
                "at": "2027-01-01T10:40:00Z",
            });
            serde_json::from_value(line).unwrap()
        };
        let said = line("published", 3).digest();
        assert!(line("published", 3).is_known_by(&said, false));
        assert!(!line("withdrawn", 3).is_known_by(&said, false));
        assert!(line("withdrawn", 3).is_known_by(&said, true));
        assert!(!line("published", 4).is_known_by(&said, true));
    }
}
