//! One article as a line of NDJSON: the import format, read and checked.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use crate::content::article::{
    Draft, Fault, Image, Reference, RelatedMode, Rights, Source, Sponsor,
};
use crate::content::body::{Body, BodyFormat};
use crate::content::language::Language;
use crate::content::slug::Slug;
use crate::content::tag::{TagKind, TagMention};
use crate::content::time::{self, DateMeans};
use crate::content::visibility::Status;

/// Bytes a line may have.
pub const MAX_LINE: usize = 8 * 1024 * 1024;
/// Characters a headline or a name may have.
const MAX_NAME: usize = 1_000;
/// Characters of what an index holds: PostgreSQL takes entries up to 2,704 bytes.
const MAX_KEY: usize = 500;
/// Characters any other short text may have.
const MAX_TEXT: usize = 20_000;
/// Tags, sponsors, pins or bans one article may have.
const MAX_ITEMS: usize = 200;

/// The members of a line. Only `headline`, `body` and `language` are needed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: Option<String>,
    external_id: Option<String>,
    slug: Option<String>,
    language: String,
    headline: String,
    standfirst: Option<String>,
    trail_text: Option<String>,
    byline: Option<String>,
    body: String,
    body_format: Option<String>,
    image: Option<Image>,
    source: Option<Source>,
    canonical_url: Option<String>,
    rights: Option<Rights>,
    sponsors: Option<Vec<Sponsor>>,
    tags: Option<Vec<LineTag>>,
    status: Option<String>,
    published_at: Option<String>,
    first_published_at: Option<String>,
    updated_at: Option<String>,
    embargoed_until: Option<String>,
    expires_at: Option<String>,
    translation_of: Option<String>,
    pins: Option<Vec<String>>,
    bans: Option<Vec<String>>,
    related: Option<String>,
}

/// A bare string is a keyword's name.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a tag is a name or an object with name, slug, kind, description, parent, aliases"
)]
enum LineTag {
    Name(String),
    Tag(TagObject),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TagObject {
    slug: Option<String>,
    name: Option<String>,
    kind: Option<String>,
    description: Option<String>,
    parent: Option<String>,
    aliases: Option<Vec<String>>,
}

/// Reads one line.
///
/// # Errors
/// Everything that is wrong with it; never empty.
pub fn parse(line: &[u8]) -> Result<Draft, Vec<Fault>> {
    let whole = |detail: String| vec![Fault::new("", detail)];
    if line.len() > MAX_LINE {
        return Err(whole(format!("the line is longer than {MAX_LINE} bytes")));
    }
    let text = std::str::from_utf8(line).map_err(|_| whole("is not UTF-8".to_owned()))?;
    // Members by position, which the deserialiser would take, are not the format.
    if text.trim_start().starts_with('[') {
        return Err(whole("is an array where an object is expected".to_owned()));
    }
    let line: Line = serde_json::from_str(text).map_err(|error| {
        // The line number is always 1 here and would be taken for the file's.
        let message = error.to_string();
        whole(match message.split_once(" at line 1 column ") {
            Some((what, column)) => format!("{what} (column {column})"),
            None => message,
        })
    })?;
    draft(line)
}

fn draft(line: Line) -> Result<Draft, Vec<Fault>> {
    let mut check = Check(Vec::new());
    let id = check.parsed("/id", line.id, |text| {
        Uuid::try_parse(text).map_err(|_| format!("{text:?} is not a UUID"))
    });
    let language = check.parsed("/language", Some(line.language), Language::parse);
    let headline = check.name("/headline", line.headline);
    let status = check
        .parsed("/status", line.status, |text| {
            Status::parse(text)
                .ok_or_else(|| one_of(text, Status::ALL.map(Status::as_str).as_slice()))
        })
        .unwrap_or(Status::Published);
    let format = check
        .parsed("/body_format", line.body_format, |text| {
            BodyFormat::parse(text)
                .ok_or_else(|| one_of(text, BodyFormat::ALL.map(BodyFormat::as_str).as_slice()))
        })
        .unwrap_or(BodyFormat::Html);
    let related = check
        .parsed("/related", line.related, |text| {
            RelatedMode::parse(text).ok_or_else(|| one_of(text, &["auto", "never"]))
        })
        .unwrap_or_default();
    let published_at = check.time("/published_at", line.published_at);
    if status == Status::Scheduled && published_at.is_none() {
        check.fault("/published_at", "a scheduled article needs it");
    }
    check.no_nul("/body", &line.body);
    let fields = Draft {
        id,
        external_id: check.text("/external_id", line.external_id, MAX_KEY),
        slug: check.parsed("/slug", line.slug, Slug::parse),
        language: language.unwrap_or_else(Language::undetermined),
        headline,
        standfirst: check.text("/standfirst", line.standfirst, MAX_TEXT),
        trail_text: check.text("/trail_text", line.trail_text, MAX_TEXT),
        byline: check.text("/byline", line.byline, MAX_NAME),
        body: Body::empty(format),
        image: check.image(line.image),
        source: check.source(line.source),
        canonical_url: check.url("/canonical_url", line.canonical_url),
        rights: check.rights(line.rights),
        sponsors: check.sponsors(line.sponsors.unwrap_or_default()),
        tags: check.tags(line.tags.unwrap_or_default()),
        status,
        published_at,
        first_published_at: check.time("/first_published_at", line.first_published_at),
        updated_at: check.time("/updated_at", line.updated_at),
        embargoed_until: check.time("/embargoed_until", line.embargoed_until),
        expires_at: check.time("/expires_at", line.expires_at),
        translation_of: check
            .text("/translation_of", line.translation_of, MAX_NAME)
            .map(Reference),
        pins: check.references("/pins", line.pins),
        bans: check.references("/bans", line.bans),
        related,
    };
    if check.0.is_empty() {
        // The dear part, done only for what is otherwise fine.
        Ok(Draft {
            body: Body::new(line.body, format),
            ..fields
        })
    } else {
        Err(check.0)
    }
}

/// Collects what is wrong, field by field, so that one look tells everything.
struct Check(Vec<Fault>);

impl Check {
    fn fault(&mut self, pointer: &str, detail: impl Into<String>) {
        self.0.push(Fault::new(pointer, detail));
    }

    fn parsed<T>(
        &mut self,
        pointer: &str,
        text: Option<String>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match parse(text.as_deref()?) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.fault(pointer, detail);
                None
            }
        }
    }

    fn time(&mut self, pointer: &str, text: Option<String>) -> Option<DateTime<Utc>> {
        self.parsed(pointer, text, |text| time::parse(text, DateMeans::ItsStart))
    }

    /// A required text on one line.
    fn name(&mut self, pointer: &str, text: String) -> String {
        self.line(pointer, text, MAX_NAME)
    }

    fn line(&mut self, pointer: &str, text: String, max: usize) -> String {
        // Only ASCII: a no-break space is typography, not white space to fold.
        let name = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let name = name.trim().to_owned();
        if name.is_empty() {
            self.fault(pointer, "is empty");
        }
        self.bounded(pointer, &name, max);
        name
    }

    /// An optional text; blank is absent.
    fn text(&mut self, pointer: &str, text: Option<String>, max: usize) -> Option<String> {
        let text = text?.trim().to_owned();
        self.bounded(pointer, &text, max);
        (!text.is_empty()).then_some(text)
    }

    fn bounded(&mut self, pointer: &str, text: &str, max: usize) {
        if text.chars().count() > max {
            self.fault(pointer, format!("is longer than {max} characters"));
        }
        self.no_nul(pointer, text);
    }

    /// PostgreSQL's text has no NUL.
    fn no_nul(&mut self, pointer: &str, text: &str) {
        if text.contains('\0') {
            self.fault(pointer, "contains a NUL character");
        }
    }

    fn url(&mut self, pointer: &str, url: Option<String>) -> Option<String> {
        let url = self.text(pointer, url, 2_000)?;
        let rest = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        let sound = rest.is_some_and(|rest| {
            !rest.is_empty()
                && !rest.starts_with('/')
                && !rest.contains(|c: char| {
                    c.is_whitespace() || c.is_control() || "<>\"\\^`{|}".contains(c)
                })
        });
        if !sound {
            self.fault(pointer, format!("{url:?} is not an http or https URL"));
        }
        Some(url)
    }

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
    fn tags(&mut self, tags: Vec<LineTag>) -> Vec<TagMention> {
        self.at_most("/tags", tags.len());
        let mut mentions = Vec::with_capacity(tags.len());
        for (at, tag) in tags.into_iter().enumerate() {
            let mention = match tag {
                LineTag::Name(name) => TagObject::named(name),
                LineTag::Tag(tag) => tag,
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

    fn at_most(&mut self, pointer: &str, count: usize) {
        if count > MAX_ITEMS {
            self.fault(pointer, format!("has more than {MAX_ITEMS} items"));
        }
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

fn one_of(text: &str, allowed: &[&str]) -> String {
    format!("{text:?} is none of {}", allowed.join(", "))
}

/// Whether a line holds nothing but white space.
pub fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parsed(line: Value) -> Result<Draft, Vec<Fault>> {
        parse(line.to_string().as_bytes())
    }

    fn faults(mut extra: Value) -> Vec<String> {
        let mut line = json!({"headline": "Titre", "body": "Texte", "language": "fr"});
        line.as_object_mut()
            .unwrap()
            .append(extra.as_object_mut().unwrap());
        parsed(line)
            .err()
            .unwrap_or_default()
            .into_iter()
            .map(|fault| format!("{} {}", fault.pointer, fault.detail))
            .collect()
    }

    #[test]
    fn three_members_are_enough() {
        let draft =
            parsed(json!({"headline": "Titre", "body": "<p>Texte", "language": "FR"})).unwrap();
        assert_eq!(draft.language.as_str(), "fr");
        assert_eq!(draft.status, Status::Published);
        assert_eq!(draft.body.html, "<p>Texte</p>");
        assert!(draft.rights.syndicatable);
    }

    #[test]
    fn a_bare_tag_is_a_keyword_and_a_repeated_one_counts_once() {
        let line = json!({"headline": "T", "body": "", "language": "fr",
            "tags": ["Maroc", {"slug": "fes", "name": "Fès", "kind": "place"}, "Maroc"]});
        let tags = parsed(line).unwrap().tags;
        assert_eq!(tags.len(), 2);
        assert_eq!(tags[0].kind, TagKind::Keyword);
        assert_eq!(tags[1].slug.as_ref().unwrap().as_str(), "fes");
    }

    #[test]
    fn every_fault_of_a_line_is_told_with_its_place() {
        let told = faults(
            json!({"slug": "a b", "published_at": "hier", "status": "live",
            "tags": [{"name": "x", "kind": "colour"}], "canonical_url": "javascript:x()",
            "standfirst": "a\u{0}b"}),
        );
        for pointer in [
            "/slug",
            "/published_at",
            "/status",
            "/tags/0/kind",
            "/canonical_url",
            "/standfirst",
        ] {
            assert!(
                told.iter().any(|fault| fault.starts_with(pointer)),
                "{pointer}: {told:?}"
            );
        }
    }

    #[test]
    fn unknown_missing_and_mistyped_members_are_refused() {
        assert!(faults(json!({"titre": "x"}))[0].contains("titre"));
        assert!(faults(json!({"tags": [7]}))[0].contains("a tag is a name or an object"));
        assert!(faults(json!({"headline": "  "}))[0].starts_with("/headline"));
        assert!(faults(json!({"status": "scheduled"}))[0].starts_with("/published_at"));
        assert!(
            parse(br#"{"headline":"x","body":"y"}"#).unwrap_err()[0]
                .detail
                .contains("language")
        );
        assert!(parse(b"\xff{}").unwrap_err()[0].detail.contains("UTF-8"));
        assert!(parse(b"[1").is_err());
        assert!(parse(br#"[null,null,null,"fr","T",null,null,null,"B"]"#).is_err());
    }
}
