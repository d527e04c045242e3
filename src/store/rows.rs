//! A draft as the rows that are stored of it.

use chrono::{DateTime, NaiveDateTime, Utc};
use uuid::Uuid;

use crate::content::article::Draft;
use crate::content::slug::Slug;
use crate::content::time::to_stored;
use crate::content::visibility::{Standing, Status};
use crate::store::articles::{ArticleRow, BodyRow};

/// The row of an article that does not exist yet, with nothing in it.
pub fn blank(id: Uuid, slug: &Slug, by: Option<&str>, now: DateTime<Utc>) -> ArticleRow {
    let now = to_stored(now);
    ArticleRow {
        num: 0,
        id: id.to_string(),
        slug: slug.to_string(),
        external_id: None,
        language: String::new(),
        headline: String::new(),
        standfirst: None,
        trail_text: None,
        excerpt: String::new(),
        byline: None,
        image: None,
        source_name: None,
        source_url: None,
        canonical_url: None,
        license: None,
        attribution: None,
        syndicatable: true,
        sponsors: String::new(),
        translation_group: None,
        status: String::new(),
        published_at: None,
        first_published_at: None,
        updated_at: now,
        embargoed_until: None,
        expires_at: None,
        related: String::new(),
        created_at: now,
        deleted_at: None,
        saved_by: by.map(str::to_owned),
        version: 1,
        created_by: by.map(str::to_owned),
        next_change_at: None,
    }
}

/// The row as `draft` wants it, on the ground of what it was. `standing` is what the public found before.
pub fn filled(
    before: &ArticleRow,
    draft: &Draft,
    translation_group: Option<String>,
    standing: Standing,
    now: DateTime<Utc>,
) -> ArticleRow {
    // The names and the date of an article stay where an import or a replacement does not mention them.
    let published_at = draft.published_at.map(to_stored);
    let published_at = published_at.or(before.published_at.filter(|_| !draft.is_whole));
    let published_at = match draft.status {
        Status::Published => published_at.or(Some(to_stored(now))),
        _ => published_at,
    };
    ArticleRow {
        external_id: draft
            .external_id
            .clone()
            .or_else(|| before.external_id.clone().filter(|_| !draft.is_whole)),
        language: draft.language.as_str().to_owned(),
        headline: draft.headline.clone(),
        standfirst: draft.standfirst.clone(),
        trail_text: draft.trail_text.clone(),
        excerpt: draft.excerpt(),
        byline: draft.byline.clone(),
        image: draft.image.as_ref().map(json_text),
        source_name: draft.source.as_ref().map(|source| source.name.clone()),
        source_url: draft.source.as_ref().and_then(|source| source.url.clone()),
        canonical_url: draft.canonical_url.clone(),
        license: draft.rights.license.clone(),
        attribution: draft.rights.attribution.clone(),
        syndicatable: draft.rights.syndicatable,
        sponsors: json_text(&draft.sponsors),
        translation_group,
        status: draft.status.as_str().to_owned(),
        published_at,
        first_published_at: first_published_at(before, draft, published_at, standing, now),
        embargoed_until: draft.embargoed_until.map(to_stored),
        expires_at: draft.expires_at.map(to_stored),
        related: draft.related.as_str().to_owned(),
        ..before.clone()
    }
}

/// When it came out for the first time, or is to. For an article that never was out and is not yet, only the plan
/// counts: a date of the past would say that it had been.
fn first_published_at(
    before: &ArticleRow,
    draft: &Draft,
    published_at: Option<NaiveDateTime>,
    standing: Standing,
    now: DateTime<Utc>,
) -> Option<NaiveDateTime> {
    let embargo = draft.embargoed_until.map(to_stored);
    let opens = published_at.map(|at| embargo.map_or(at, |embargo| at.max(embargo)));
    let is_to_come =
        draft.status != Status::Draft && opens.is_some_and(|opens| opens > to_stored(now));
    if is_to_come && standing == Standing::Hidden {
        // What will not be shown then, either, was not out when that hour has passed.
        let visibility = draft.visibility(published_at.map(|at| at.and_utc()));
        return opens.filter(|_| visibility.window().is_some());
    }
    let past = |first: &NaiveDateTime| *first <= to_stored(now);
    let given = draft.first_published_at.map(to_stored);
    given
        .or(before.first_published_at.filter(past))
        .or(published_at.filter(|_| draft.status != Status::Draft))
}

/// The body of a draft, for the article of this number.
pub fn body(article_num: i64, draft: &Draft, saved_at: Option<NaiveDateTime>) -> BodyRow {
    let body = &draft.body;
    BodyRow {
        article_num,
        format: body.format.as_str().to_owned(),
        source: body.source.clone(),
        html: body.html.clone(),
        text: body.text.clone(),
        word_count: body.word_count,
        saved_at,
    }
}

/// Serialising plain data to a string does not fail.
fn json_text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
