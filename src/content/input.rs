//! An article as it is written down for us: the members of an import line and of a request's body, and their check.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::content::article::{
    Draft, Fault, Image, Reference, RelatedMode, Rights, Source, Sponsor,
};
use crate::content::body::{Body, BodyFormat};
use crate::content::check::{Check, MAX_KEY, MAX_NAME, MAX_TEXT, one_of};
use crate::content::language::Language;
use crate::content::slug::Slug;
use crate::content::tag::{TagKind, TagMention};
use crate::content::visibility::Status;

/// An article as its author writes it. Only `headline`, `body` and `language` are needed; null is as good as absent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArticleInput {
    #[schema(format = Uuid)]
    pub id: Option<String>,
    /// The name that another system gave it.
    #[schema(example = "cms-21379", max_length = 500)]
    pub external_id: Option<String>,
    /// Made from the headline where it is missing.
    #[schema(example = "crue-ziz-erfoud")]
    pub slug: Option<String>,
    /// BCP 47.
    #[schema(example = "fr")]
    pub language: String,
    #[schema(example = "La crue du Ziz coupe la route d’Erfoud", max_length = 1000)]
    pub headline: String,
    /// The summary under the headline.
    #[schema(max_length = 20000)]
    pub standfirst: Option<String>,
    /// The teaser in lists; without it, an excerpt stands in.
    #[schema(max_length = 20000)]
    pub trail_text: Option<String>,
    #[schema(max_length = 1000)]
    pub byline: Option<String>,
    #[schema(example = "<p>La circulation est interrompue depuis mardi.</p>")]
    pub body: String,
    /// `html` where it is missing. What is served is sanitised HTML.
    #[schema(value_type = Option<BodyFormat>, example = "html")]
    pub body_format: Option<String>,
    pub image: Option<Image>,
    /// Where it was taken from.
    pub source: Option<Source>,
    #[schema(format = Uri)]
    pub canonical_url: Option<String>,
    pub rights: Option<Rights>,
    #[schema(max_items = 200)]
    pub sponsors: Option<Vec<Sponsor>>,
    /// In editorial order.
    #[schema(max_items = 200)]
    pub tags: Option<Vec<TagMentionInput>>,
    #[schema(value_type = Option<Status>, example = "draft")]
    pub status: Option<String>,
    #[schema(format = DateTime)]
    pub published_at: Option<String>,
    #[schema(format = DateTime)]
    pub first_published_at: Option<String>,
    #[schema(format = DateTime)]
    pub updated_at: Option<String>,
    /// Not public before.
    #[schema(format = DateTime)]
    pub embargoed_until: Option<String>,
    /// Not public from then on.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// The original, by external id, slug or id.
    pub translation_of: Option<String>,
    /// Articles that stand first among the related ones, by external id, slug or id.
    #[schema(max_items = 200)]
    pub pins: Option<Vec<String>>,
    /// Articles that are never shown as related.
    #[schema(max_items = 200)]
    pub bans: Option<Vec<String>>,
    /// `never` for a sensitive article, which shows no neighbours and is shown beside none.
    #[schema(value_type = Option<RelatedMode>, example = "auto")]
    pub related: Option<String>,
    /// Whether it has the member in which an export keeps what only a store knows. That is passed over where lines are
    /// imported, and no part of a request.
    #[serde(default, rename = "kiosque", deserialize_with = "passed_over")]
    #[schema(ignore)]
    pub has_record: bool,
}

/// The members of [`ArticleInput`].
pub const MEMBERS: [&str; 26] = [
    "id",
    "external_id",
    "slug",
    "language",
    "headline",
    "standfirst",
    "trail_text",
    "byline",
    "body",
    "body_format",
    "image",
    "source",
    "canonical_url",
    "rights",
    "sponsors",
    "tags",
    "status",
    "published_at",
    "first_published_at",
    "updated_at",
    "embargoed_until",
    "expires_at",
    "translation_of",
    "pins",
    "bans",
    "related",
];

/// A tag as an article names it: a keyword's name, or an object. A tag that is not known is made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "a tag is a name or an object with name, slug, kind, description, parent, aliases"
)]
#[schema(as = TagMention)]
pub enum TagMentionInput {
    Name(String),
    Tag(TagObject),
}

/// A tag by its slug, or by its name. What the tag has already stays; only what it lacks is added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TagMentionObject)]
pub struct TagObject {
    pub slug: Option<String>,
    pub name: Option<String>,
    #[schema(value_type = Option<TagKind>)]
    pub kind: Option<String>,
    pub description: Option<String>,
    /// The slug of the tag above it.
    pub parent: Option<String>,
    /// Former slugs.
    pub aliases: Option<Vec<String>>,
}

impl ArticleInput {
    /// The article that was meant. `default` is its status where it names none.
    ///
    /// # Errors
    /// Everything that is wrong with it; never empty.
    pub fn check(self, default: Status) -> Result<Draft, Vec<Fault>> {
        self.check_again(default, None)
    }

    /// The same for an article that is stored already: what is derived from its body is `known`, and taken over where
    /// the body is the same.
    ///
    /// # Errors
    /// As [`ArticleInput::check`].
    pub fn check_again(self, default: Status, known: Option<Body>) -> Result<Draft, Vec<Fault>> {
        let mut check = Check::default();
        if self.has_record {
            check.fault("/kiosque", "is for exports of a store");
        }
        let id = check.parsed("/id", self.id, |text| {
            Uuid::try_parse(text).map_err(|_| format!("{text:?} is not a UUID"))
        });
        let language = check.parsed("/language", Some(self.language), Language::parse);
        let headline = check.name("/headline", self.headline);
        let status = check
            .parsed("/status", self.status, |text| {
                Status::parse(text)
                    .ok_or_else(|| one_of(text, Status::ALL.map(Status::as_str).as_slice()))
            })
            .unwrap_or(default);
        let format = check
            .parsed("/body_format", self.body_format, |text| {
                BodyFormat::parse(text)
                    .ok_or_else(|| one_of(text, BodyFormat::ALL.map(BodyFormat::as_str).as_slice()))
            })
            .unwrap_or(BodyFormat::Html);
        let related = check
            .parsed("/related", self.related, |text| {
                RelatedMode::parse(text).ok_or_else(|| one_of(text, &["auto", "never"]))
            })
            .unwrap_or_default();
        let published_at = check.time("/published_at", self.published_at);
        if status == Status::Scheduled && published_at.is_none() {
            check.fault("/published_at", "a scheduled article needs it");
        }
        check.no_nul("/body", &self.body);
        let fields = Draft {
            id,
            external_id: check.text("/external_id", self.external_id, MAX_KEY),
            slug: check.parsed("/slug", self.slug, Slug::parse),
            language: language.unwrap_or_else(Language::undetermined),
            headline,
            standfirst: check.text("/standfirst", self.standfirst, MAX_TEXT),
            trail_text: check.text("/trail_text", self.trail_text, MAX_TEXT),
            byline: check.text("/byline", self.byline, MAX_NAME),
            body: Body::empty(format),
            image: check.image(self.image),
            source: check.source(self.source),
            canonical_url: check.url("/canonical_url", self.canonical_url),
            rights: check.rights(self.rights),
            sponsors: check.sponsors(self.sponsors.unwrap_or_default()),
            tags: check.tags(self.tags.unwrap_or_default()),
            status,
            published_at,
            first_published_at: check.time("/first_published_at", self.first_published_at),
            updated_at: check.time("/updated_at", self.updated_at),
            embargoed_until: check.time("/embargoed_until", self.embargoed_until),
            expires_at: check.time("/expires_at", self.expires_at),
            translation_of: check
                .text("/translation_of", self.translation_of, MAX_NAME)
                .map(Reference),
            pins: check.references("/pins", self.pins),
            bans: check.references("/bans", self.bans),
            related,
            is_whole: false,
        };
        check.finish()?;
        // The dear part, done only for what is otherwise fine.
        let same = |body: &Body| body.format == format && body.source == self.body;
        let body = match known.filter(same) {
            Some(body) => body,
            None => {
                Body::new(self.body, format).map_err(|detail| vec![Fault::new("/body", detail)])?
            }
        };
        Ok(Draft { body, ..fields })
    }
}

fn passed_over<'de, D: Deserializer<'de>>(member: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(member).map(|_| true)
}

impl Check {
    fn image(&mut self, image: Option<Image>) -> Option<Image> {
        let image = image?;
        Some(Image {
            url: self.url("/image/url", Some(image.url)).unwrap_or_else(|| {
                self.fault("/image/url", "is empty");
                String::new()
            }),
            alt: self.text("/image/alt", image.alt, MAX_TEXT),
            caption: self.text("/image/caption", image.caption, MAX_TEXT),
            credit: self.text("/image/credit", image.credit, MAX_NAME),
            ..image
        })
    }

    fn source(&mut self, source: Option<Source>) -> Option<Source> {
        let source = source?;
        Some(Source {
            name: self.line("/source/name", source.name, MAX_KEY),
            url: self.url("/source/url", source.url),
        })
    }

    fn rights(&mut self, rights: Option<Rights>) -> Rights {
        let rights = rights.unwrap_or_default();
        Rights {
            license: self.text("/rights/license", rights.license, MAX_NAME),
            attribution: self.text("/rights/attribution", rights.attribution, MAX_NAME),
            ..rights
        }
    }

    fn sponsors(&mut self, sponsors: Vec<Sponsor>) -> Vec<Sponsor> {
        self.at_most("/sponsors", sponsors.len());
        let mut checked = Vec::with_capacity(sponsors.len());
        for (at, sponsor) in sponsors.into_iter().enumerate() {
            checked.push(Sponsor {
                name: self.name(&format!("/sponsors/{at}/name"), sponsor.name),
                url: self.url(&format!("/sponsors/{at}/url"), sponsor.url),
                ..sponsor
            });
        }
        checked
    }

    /// A tag named twice counts once.
    fn tags(&mut self, tags: Vec<TagMentionInput>) -> Vec<TagMention> {
        self.at_most("/tags", tags.len());
        let mut mentions = Vec::with_capacity(tags.len());
        for (at, tag) in tags.into_iter().enumerate() {
            let mention = match tag {
                TagMentionInput::Name(name) => TagObject::named(name),
                TagMentionInput::Tag(tag) => tag,
            };
            if let Some(mention) = self.tag(&format!("/tags/{at}"), mention)
                && !mentions.contains(&mention)
            {
                mentions.push(mention);
            }
        }
        mentions
    }

    fn tag(&mut self, pointer: &str, tag: TagObject) -> Option<TagMention> {
        let slug = self.parsed(&format!("{pointer}/slug"), tag.slug, Slug::parse);
        let Some(name) = tag.name.or_else(|| Some(slug.as_ref()?.to_string())) else {
            self.fault(pointer, "needs a name or a slug");
            return None;
        };
        let kind = self.parsed(&format!("{pointer}/kind"), tag.kind, |text| {
            TagKind::parse(text)
                .ok_or_else(|| one_of(text, TagKind::ALL.map(TagKind::as_str).as_slice()))
        });
        let aliases = tag.aliases.unwrap_or_default();
        self.at_most(&format!("{pointer}/aliases"), aliases.len());
        Some(TagMention {
            slug,
            name: self.line(&format!("{pointer}/name"), name, MAX_KEY),
            kind: kind.unwrap_or(TagKind::Keyword),
            description: self.text(&format!("{pointer}/description"), tag.description, MAX_TEXT),
            parent: self.parsed(&format!("{pointer}/parent"), tag.parent, Slug::parse),
            aliases: aliases
                .into_iter()
                .enumerate()
                .filter_map(|(at, alias)| {
                    self.parsed(&format!("{pointer}/aliases/{at}"), Some(alias), Slug::parse)
                })
                .collect(),
        })
    }

    fn references(&mut self, pointer: &str, names: Option<Vec<String>>) -> Vec<Reference> {
        let names = names.unwrap_or_default();
        self.at_most(pointer, names.len());
        let mut references = Vec::with_capacity(names.len());
        for (at, name) in names.into_iter().enumerate() {
            let reference = Reference(self.name(&format!("{pointer}/{at}"), name));
            if !references.contains(&reference) {
                references.push(reference);
            }
        }
        references
    }
}

impl TagObject {
    fn named(name: String) -> Self {
        Self {
            slug: None,
            name: Some(name),
            kind: None,
            description: None,
            parent: None,
            aliases: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use utoipa::PartialSchema;

    use super::*;

    #[test]
    fn the_members_are_those_that_are_read_and_documented() {
        let schema = serde_json::to_value(ArticleInput::schema()).unwrap();
        let mut documented: Vec<&String> =
            schema["properties"].as_object().unwrap().keys().collect();
        let mut members = MEMBERS.to_vec();
        documented.sort();
        members.sort_unstable();
        assert_eq!(documented, members);
        let unknown = serde_json::from_value::<ArticleInput>(json!({"x": 1})).unwrap_err();
        for name in MEMBERS {
            assert!(unknown.to_string().contains(name), "{name}");
        }
    }
}
