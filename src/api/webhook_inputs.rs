//! What may be said of a webhook: where it is, what it wants, whether it is told.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::body;
use crate::content::check::{Check, MAX_NAME, one_of};
use crate::content::language::Language;
use crate::delivery::event::EVENTS;
use crate::delivery::{Guard, signature};
use crate::error::{Error, Result};
use crate::store::webhook_filters::Filter;

/// Items that one list of a filter may have.
const MAX_WANTED: usize = 50;
/// Seconds for which a former secret may go on signing: a week.
const MAX_OVERLAP: i64 = 7 * 86_400;
const OVERLAP: i64 = 86_400;

/// What a webhook can be told of.
#[derive(ToSchema)]
#[schema(as = WebhookEvent)]
#[allow(dead_code)]
pub enum EventView {
    #[schema(rename = "article.published")]
    ArticlePublished,
    #[schema(rename = "article.updated")]
    ArticleUpdated,
    #[schema(rename = "article.withdrawn")]
    ArticleWithdrawn,
    #[schema(rename = "article.deleted")]
    ArticleDeleted,
    #[schema(rename = "tag.published")]
    TagPublished,
    #[schema(rename = "tag.updated")]
    TagUpdated,
    #[schema(rename = "tag.withdrawn")]
    TagWithdrawn,
    #[schema(rename = "tag.deleted")]
    TagDeleted,
    #[schema(rename = "tag.merged")]
    TagMerged,
}

/// A webhook that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWebhook)]
pub struct NewWebhookInput {
    /// Where events are posted: https, at a public address.
    #[schema(format = Uri, max_length = 2000, example = "https://hooks.partner.example/kiosque")]
    pub url: String,
    #[schema(max_length = 1000)]
    pub description: Option<String>,
    /// Only these events; empty: all.
    #[serde(default)]
    #[schema(value_type = Vec<EventView>)]
    pub events: Vec<String>,
    /// Only articles that are in one of these languages when the event is read, or have left it by it; empty: in all.
    /// Events of tags are not concerned.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Slugs: only these tags, under whatever name, and what they became a part of; and articles that bear one of them
    /// when the event is read, or have lost it by it; empty: all.
    #[serde(default)]
    pub tags: Vec<String>,
    /// `whsec_` and the base64 of 24 to 64 bytes; null: one is made.
    #[schema(format = Password)]
    pub secret: Option<String>,
    /// The first line of the change log that it is told of; null: the next that is written.
    #[schema(minimum = 1)]
    pub from_seq: Option<i64>,
}

/// What of a webhook is to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookPatch)]
pub struct WebhookPatchInput {
    #[schema(format = Uri, max_length = 2000, nullable = false)]
    pub url: Option<String>,
    #[schema(max_length = 1000)]
    pub description: Option<String>,
    #[schema(value_type = Option<Vec<EventView>>, nullable = false)]
    pub events: Option<Vec<String>>,
    #[schema(nullable = false)]
    pub languages: Option<Vec<String>>,
    #[schema(nullable = false)]
    pub tags: Option<Vec<String>>,
    /// One that is enabled again is told of everything since it was disabled.
    #[schema(nullable = false)]
    pub enabled: Option<bool>,
}

/// A new secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWebhookSecret)]
pub struct NewSecretInput {
    /// `whsec_` and the base64 of 24 to 64 bytes; null: one is made.
    #[schema(format = Password)]
    pub secret: Option<String>,
    /// Seconds for which the former secret signs as well; null: a day.
    #[schema(minimum = 0, maximum = 604_800)]
    pub overlap: Option<i64>,
}

/// A new webhook that was checked, but for what the store knows.
pub struct NewWebhook {
    pub url: String,
    pub description: Option<String>,
    pub filter: Filter,
    pub secret: Option<String>,
    pub from_seq: Option<i64>,
}

/// A patch that was checked, but for what the store knows.
pub struct Patch {
    pub url: Option<String>,
    /// `Some(None)` removes it.
    pub description: Option<Option<String>>,
    pub events: Option<Vec<String>>,
    pub languages: Option<Vec<String>>,
    pub tags: Option<Vec<String>>,
    pub enabled: Option<bool>,
}

/// # Errors
/// 422, pointing at every fault.
pub fn check_new(new: NewWebhookInput, guard: &Guard) -> Result<NewWebhook> {
    let mut check = Check::default();
    let url = check.parsed("/url", Some(new.url), |url| guard.check(url));
    let description = check.text("/description", new.description, MAX_NAME);
    let filter = Filter {
        events: events(&mut check, new.events),
        languages: languages(&mut check, new.languages),
        tags: tags(&mut check, new.tags),
    };
    let secret = check.parsed("/secret", new.secret, signature::check_secret);
    if new.from_seq.is_some_and(|seq| seq < 1) {
        check.fault("/from_seq", "begins with 1");
    }
    check.finish().map_err(Error::InvalidBody)?;
    Ok(NewWebhook {
        url: url.unwrap_or_default(),
        description,
        filter,
        secret,
        from_seq: new.from_seq,
    })
}

/// # Errors
/// 400 where it is no JSON, 422 where it is no such patch.
pub fn read_patch(bytes: &[u8], guard: &Guard) -> Result<Patch> {
    const KNOWN: [&str; 6] = [
        "url",
        "description",
        "events",
        "languages",
        "tags",
        "enabled",
    ];
    const NEEDED: [&str; 5] = ["url", "events", "languages", "tags", "enabled"];
    let members = body::read_patch(bytes)?;
    let faults = body::faults_of_patch(&members, &KNOWN, &NEEDED);
    if !faults.is_empty() {
        return Err(Error::InvalidBody(faults));
    }
    let has_description = members.contains_key("description");
    let patch: WebhookPatchInput = body::read_value(members.into())?;
    let mut check = Check::default();
    let url = check.parsed("/url", patch.url, |url| guard.check(url));
    let description = check.text("/description", patch.description, MAX_NAME);
    let checked = Patch {
        url,
        description: has_description.then_some(description),
        events: patch.events.map(|words| events(&mut check, words)),
        languages: patch.languages.map(|words| languages(&mut check, words)),
        tags: patch.tags.map(|words| tags(&mut check, words)),
        enabled: patch.enabled,
    };
    check.finish().map_err(Error::InvalidBody)?;
    Ok(checked)
}

/// The secret, where one is given, and for how many seconds the former one goes on signing.
///
/// # Errors
/// 422, pointing at every fault.
pub fn check_secret(new: NewSecretInput) -> Result<(Option<String>, i64)> {
    let mut check = Check::default();
    let secret = check.parsed("/secret", new.secret, signature::check_secret);
    let overlap = new.overlap.unwrap_or(OVERLAP);
    if !(0..=MAX_OVERLAP).contains(&overlap) {
        check.fault(
            "/overlap",
            format!("takes a number of seconds from 0 to {MAX_OVERLAP}"),
        );
    }
    check.finish().map_err(Error::InvalidBody)?;
    Ok((secret, overlap))
}

fn events(check: &mut Check, words: Vec<String>) -> Vec<String> {
    each(check, "/events", words, |word| {
        match EVENTS.contains(&word) {
            true => Ok(word.to_owned()),
            false => Err(one_of(word, &EVENTS)),
        }
    })
}

fn languages(check: &mut Check, words: Vec<String>) -> Vec<String> {
    each(check, "/languages", words, |word| {
        Language::parse(word).map(|language| language.as_str().to_owned())
    })
}

fn tags(check: &mut Check, words: Vec<String>) -> Vec<String> {
    each(check, "/tags", words, |word| match word.contains('\0') {
        true => Err("contains a NUL character".to_owned()),
        false => Ok(word.to_owned()),
    })
}

/// Each word once, in the form that `parse` gives it.
fn each(
    check: &mut Check,
    pointer: &str,
    words: Vec<String>,
    parse: impl Fn(&str) -> Result<String, String>,
) -> Vec<String> {
    if words.len() > MAX_WANTED {
        check.fault(pointer, format!("has more than {MAX_WANTED} items"));
        return Vec::new();
    }
    let mut parsed = Vec::new();
    for (place, word) in words.into_iter().enumerate() {
        let word = check.parsed(&format!("{pointer}/{place}"), Some(word), &parse);
        parsed.extend(word.filter(|word| !parsed.contains(word)));
    }
    parsed
}
