//! An article as its author hands it in: every field valid, references not yet looked up.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::{Builder, Uuid};

use crate::content::body::Body;
use crate::content::excerpt;
use crate::content::language::Language;
use crate::content::slug::Slug;
use crate::content::tag::TagMention;
use crate::content::visibility::{Status, Visibility};

/// A complete state of an article. What is absent is `None`, not "as before", but for the fields that
/// identify it and `published_at`, which an update without them leaves alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub id: Option<Uuid>,
    pub external_id: Option<String>,
    pub slug: Option<Slug>,
    pub language: Language,
    pub headline: String,
    pub standfirst: Option<String>,
    pub trail_text: Option<String>,
    pub byline: Option<String>,
    pub body: Body,
    pub image: Option<Image>,
    pub source: Option<Source>,
    pub canonical_url: Option<String>,
    pub rights: Rights,
    pub sponsors: Vec<Sponsor>,
    /// In editorial order.
    pub tags: Vec<TagMention>,
    pub status: Status,
    pub published_at: Option<DateTime<Utc>>,
    pub first_published_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
    pub embargoed_until: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub translation_of: Option<Reference>,
    pub pins: Vec<Reference>,
    pub bans: Vec<Reference>,
    pub related: RelatedMode,
    /// Nothing stays as it was: also what identifies it and `published_at` are empty where they are absent.
    pub is_whole: bool,
}

/// Another article by any of its names: id, external id or slug.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference(pub String);

/// Whether an article takes part in related lookups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum RelatedMode {
    #[default]
    Auto,
    /// A sensitive article: it shows no neighbours and is shown beside none.
    Never,
}

impl RelatedMode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Never => "never",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Auto, Self::Never]
            .into_iter()
            .find(|mode| mode.as_str() == text)
    }
}

/// A picture and what stands under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImageInput)]
pub struct Image {
    pub url: String,
    #[serde(default)]
    pub alt: Option<String>,
    #[serde(default)]
    pub caption: Option<String>,
    #[serde(default)]
    pub credit: Option<String>,
    /// Pixels.
    #[serde(default)]
    pub width: Option<u32>,
    /// Pixels.
    #[serde(default)]
    pub height: Option<u32>,
}

/// Where an article was taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SourceInput)]
pub struct Source {
    pub name: String,
    #[serde(default)]
    pub url: Option<String>,
}

/// What others may do with an article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RightsInput)]
pub struct Rights {
    /// An SPDX identifier or a name.
    #[serde(default)]
    pub license: Option<String>,
    #[serde(default)]
    pub attribution: Option<String>,
    #[serde(default = "yes")]
    pub syndicatable: bool,
}

impl Default for Rights {
    fn default() -> Self {
        Self {
            license: None,
            attribution: None,
            syndicatable: true,
        }
    }
}

fn yes() -> bool {
    true
}

/// Who paid for an article, and in which span it is to be named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SponsorInput)]
pub struct Sponsor {
    pub name: String,
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub from: Option<DateTime<Utc>>,
    #[serde(default)]
    pub until: Option<DateTime<Utc>>,
}

impl Draft {
    /// When the public may see it, given the time of publication that the save settles on.
    pub fn visibility(&self, published_at: Option<DateTime<Utc>>) -> Visibility {
        Visibility {
            status: self.status,
            published_at,
            embargoed_until: self.embargoed_until,
            expires_at: self.expires_at,
        }
    }

    /// What stands in for a missing `trail_text`.
    pub fn excerpt(&self) -> String {
        let from = self.standfirst.as_deref().unwrap_or(&self.body.text);
        excerpt::excerpt(from)
    }

    /// The id of an article that came without any name of its own: a digest of its words (UUID
    /// version 8, RFC 9562 section 5.8), so that the same article is recognised when it comes again.
    pub fn digest_id(&self) -> Uuid {
        let mut hasher = Sha256::new();
        let published_at = self.published_at.map(|at| at.to_rfc3339());
        for part in [
            self.language.as_str(),
            &self.headline,
            published_at.as_deref().unwrap_or_default(),
            &self.body.source,
        ] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let digest = hasher.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// Whether it brings a name by which it can be found again.
    pub fn is_named(&self) -> bool {
        self.id.is_some() || self.external_id.is_some() || self.slug.is_some()
    }
}

/// Something wrong with an input: where (an RFC 6901 pointer, or a parameter's name) and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub pointer: String,
    pub detail: String,
}

impl Fault {
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}
