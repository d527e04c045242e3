//! An article that the public reads alone, put together from its card and its body. The answer is the same to the byte as
//! one that is made of its row.

use crate::api::conditional::{Answer, Keep};
use crate::api::json;
use crate::api::listed::{self, Cut};
use crate::api::precondition::StateTag;
use crate::api::views::{TagBrief, TranslationView};
use crate::content::body::reading_minutes;
use crate::error::{Error, Result};
use crate::store::cards::{Card, Whole};
use crate::store::shown::BodyText;

/// What stands behind the place of the body. Within a text the quotation marks would be escaped.
const AFTER_BODY: &str = r#","image":"#;
/// What stands before the version, which is the last member.
const BEFORE_VERSION: &str = r#","version":"#;

/// The answer to whoever reads the article.
///
/// # Errors
/// When the card is none that this program made.
pub fn answer(whole: Whole) -> Result<Answer> {
    let Whole {
        card,
        tags,
        body,
        translations,
        in_group,
    } = whole;
    let cut = Cut::of(&card)?;
    let version = version_in(cut.after_tags).ok_or_else(|| listed::broken(&card))?;
    let tags: Vec<TagBrief> = tags.into_iter().map(TagBrief).collect();
    let translations: Vec<TranslationView> = translations
        .into_iter()
        .map(TranslationView::from)
        .collect();
    let json = written(&card, &cut, &tags, &body, &translations)?;
    let named = tags.iter().map(|tag| ["tag-", &tag.id].concat());
    Ok(Answer::of_json(json)
        .stands_for(StateTag::of(cut.id, version))
        .last_modified(Some(cut.updated_at))
        .until(cut.expires_at)
        .cache_tags(std::iter::once(["article-", cut.id].concat()).chain(named))
        .keep(Keep {
            // A translation may be about to appear.
            with_time: in_group,
            neighbours_of: vec![card.article_num],
            ..Keep::default()
        }))
}

/// Whether an article can be put together of its card, of which this is the JSON before and behind the tags.
pub(super) fn can_be_made_of(before_tags: &str, after_tags: &str) -> bool {
    before_tags.contains(AFTER_BODY)
        && after_tags.starts_with(']')
        && version_in(after_tags).is_some()
}

fn version_in(json: &str) -> Option<i64> {
    let (_, version) = json.rsplit_once(BEFORE_VERSION)?;
    version.strip_suffix('}')?.parse().ok()
}

fn written(
    card: &Card,
    cut: &Cut<'_>,
    tags: &[TagBrief],
    body: &BodyText,
    translations: &[TranslationView],
) -> Result<Vec<u8>> {
    let at = cut.before_tags.find(AFTER_BODY);
    let at = at.ok_or_else(|| listed::broken(card))?;
    let (before_body, before_tags) = cut.before_tags.split_at(at);
    // Little in a body is escaped.
    let usual = card.json.len() + 100 * tags.len() + (body.html.len() + body.text.len()) / 8 * 9;
    let mut json = Vec::with_capacity(usual + 200);
    json.extend_from_slice(before_body.as_bytes());
    json.extend_from_slice(br#","body_html":"#);
    json::write_text(&mut json, &body.html);
    json.extend_from_slice(br#","body_text":"#);
    json::write_text(&mut json, &body.text);
    let (words, minutes) = (body.word_count, reading_minutes(body.word_count));
    json.extend_from_slice(
        format!(r#","word_count":{words},"reading_minutes":{minutes}"#).as_bytes(),
    );
    json.extend_from_slice(before_tags.as_bytes());
    for part in listed::parted(tags) {
        json.extend_from_slice(part.as_bytes());
    }
    // The tags end there.
    let after_tags = cut.after_tags.strip_prefix(']');
    let after_tags = after_tags.ok_or_else(|| listed::broken(card))?;
    json.extend_from_slice(br#"],"translations":"#);
    json::append(&mut json, &translations)
        .map_err(|error| Error::Internal(format!("cannot serialise translations: {error}")))?;
    json.extend_from_slice(after_tags.as_bytes());
    Ok(json)
}
