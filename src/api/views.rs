//! What callers see: articles and tags as JSON.

use std::ops::Deref;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::api::json;
use crate::api::neighbours::RelatedView;
use crate::api::related_tags::RelatedTagView;
use crate::content::slug::Slug;
use crate::content::tag::TagMention;
use crate::store::borne_tags::BorneTag;
use crate::store::shown::Sibling;

/// The members of an article that `fields` may name.
pub const FIELDS: &[&str] = &[
    "id",
    "slug",
    "language",
    "headline",
    "standfirst",
    "trail_text",
    "byline",
    "body_html",
    "body_text",
    "word_count",
    "reading_minutes",
    "image",
    "source",
    "canonical_url",
    "rights",
    "sponsors",
    "tags",
    "translations",
    "status",
    "published_at",
    "first_published_at",
    "updated_at",
    "version",
];

/// An article. Lists leave out the body and what is derived from it, and the translations, unless they are
/// included.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Article)]
pub struct ArticleView {
    #[schema(format = Uuid)]
    pub id: String,
    pub slug: String,
    /// BCP 47.
    pub language: String,
    pub headline: String,
    /// The summary under the headline.
    #[schema(required)]
    pub standfirst: Option<String>,
    /// The teaser in lists: as written, or a word-safe excerpt of at most 160 characters. Always there, but for a partner
    /// who gets headlines only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub trail_text: Option<String>,
    #[schema(required)]
    pub byline: Option<String>,
    /// Sanitised HTML.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body_html: Option<String>,
    /// Plain text, a blank line between blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body_text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub word_count: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reading_minutes: Option<i32>,
    #[schema(required)]
    pub image: Option<ImageView>,
    /// Where it was taken from.
    #[schema(required)]
    pub source: Option<SourceView>,
    #[schema(required, format = Uri)]
    pub canonical_url: Option<String>,
    pub rights: RightsView,
    pub sponsors: Vec<SponsorView>,
    /// In editorial order.
    #[schema(value_type = Vec<TagBriefView>)]
    pub tags: Vec<TagBrief>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub translations: Option<Vec<TranslationView>>,
    pub status: StatusView,
    #[serde(serialize_with = "json::maybe_time")]
    #[schema(required)]
    pub published_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "json::maybe_time")]
    #[schema(required)]
    pub first_published_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "json::time")]
    pub updated_at: DateTime<Utc>,
    /// Rises with every save.
    pub version: i64,
    /// Only with `include=related`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, no_recursion)]
    pub related: Option<Vec<RelatedView>>,
    /// Only with `include=related_tags`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub related_tags: Option<Vec<RelatedTagView>>,
    /// schema.org's NewsArticle, for search engines; only with `include=json_ld`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Object)]
    pub json_ld: Option<serde_json::Value>,
    /// What only those who may edit it see.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub editing: Option<EditingView>,
    /// Members that the article has and the caller's rights leave out: they are null or absent here. Only for partners who
    /// get headlines or excerpts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = json!(["body_html", "body_text"]))]
    pub withheld: Option<Vec<&'static str>>,
    /// When the public sees it, which it does not yet: nothing of it may come out before. Only for partners who see
    /// articles early.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub public_from: Option<DateTime<Utc>>,
    /// Not shown: what the answer's headers need of it.
    #[serde(skip)]
    #[schema(ignore)]
    pub expires_at: Option<DateTime<Utc>>,
}

/// What the makers of an article need to know of it and its readers do not.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Editing)]
pub struct EditingView {
    #[schema(required)]
    pub external_id: Option<String>,
    /// As it was written.
    pub body: String,
    /// `html`, `markdown` or `text`.
    pub body_format: String,
    #[schema(required)]
    pub embargoed_until: Option<DateTime<Utc>>,
    #[schema(required)]
    pub expires_at: Option<DateTime<Utc>>,
    /// `auto` or `never`.
    pub related: String,
    /// Ids, in their order.
    pub pins: Vec<String>,
    /// Ids.
    pub bans: Vec<String>,
    pub created_at: DateTime<Utc>,
    #[schema(required)]
    pub created_by: Option<String>,
    #[schema(required)]
    pub saved_by: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Status)]
pub enum StatusView {
    Draft,
    Scheduled,
    Published,
    Withdrawn,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Image)]
pub struct ImageView {
    #[schema(format = Uri)]
    pub url: String,
    #[schema(required)]
    pub alt: Option<String>,
    #[schema(required)]
    pub caption: Option<String>,
    #[schema(required)]
    pub credit: Option<String>,
    /// Pixels.
    #[schema(required)]
    pub width: Option<u32>,
    /// Pixels.
    #[schema(required)]
    pub height: Option<u32>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Source)]
pub struct SourceView {
    pub name: String,
    #[schema(required, format = Uri)]
    pub url: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Rights)]
pub struct RightsView {
    /// An SPDX identifier or a name.
    #[schema(required)]
    pub license: Option<String>,
    #[schema(required)]
    pub attribution: Option<String>,
    pub syndicatable: bool,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Sponsor)]
pub struct SponsorView {
    pub name: String,
    #[schema(required, format = Uri)]
    pub url: Option<String>,
    /// The span in which it is to be named.
    #[schema(required)]
    pub from: Option<DateTime<Utc>>,
    #[schema(required)]
    pub until: Option<DateTime<Utc>>,
}

/// A tag beside an article; many share what is known of it.
#[derive(Clone, Debug)]
pub struct TagBrief(pub Arc<BorneTag>);

#[derive(Serialize, ToSchema)]
#[schema(as = TagRef)]
pub struct TagBriefView<'a> {
    #[schema(example = "maroc")]
    slug: &'a str,
    #[schema(example = "Maroc")]
    name: &'a str,
    #[schema(value_type = TagKindView)]
    kind: &'a str,
}

impl Deref for TagBrief {
    type Target = BorneTag;

    fn deref(&self) -> &BorneTag {
        &self.0
    }
}

impl TagBrief {
    /// The tag as JSON.
    pub fn written(&self) -> &str {
        self.written.get_or_init(|| {
            let view = TagBriefView {
                slug: &self.slug,
                name: &self.name,
                kind: &self.kind,
            };
            // Texts can always be written.
            serde_json::to_string(&view).unwrap_or_default().into()
        })
    }
}

impl Serialize for TagBrief {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json::ready(self.written(), serializer)
    }
}

/// What a tag stands for.
#[derive(ToSchema)]
#[schema(as = TagKind, rename_all = "snake_case", example = "place")]
#[allow(dead_code)] // only described; the database's check keeps the text to these
pub enum TagKindView {
    Keyword,
    Person,
    Place,
    Organisation,
    Series,
    Section,
    Contributor,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Translation)]
pub struct TranslationView {
    pub language: String,
    pub slug: String,
    /// Not shown: what its address is made of.
    #[serde(skip)]
    #[schema(ignore)]
    pub id: String,
    #[serde(skip)]
    #[schema(ignore)]
    pub canonical_url: Option<String>,
}

impl From<Sibling> for TranslationView {
    fn from(sibling: Sibling) -> Self {
        Self {
            language: sibling.language,
            slug: sibling.slug,
            id: sibling.id,
            canonical_url: sibling.canonical_url,
        }
    }
}

impl From<&TagMention> for TagBrief {
    /// One that need not be there, and has no name for caches.
    fn from(mention: &TagMention) -> Self {
        let slug = mention.slug.as_ref().map(Slug::to_string);
        let (slug, kind) = (slug.unwrap_or_default(), mention.kind.as_str().to_owned());
        let row = (0, String::new(), slug, mention.name.clone(), kind);
        Self(Arc::new(BorneTag::from(row)))
    }
}
