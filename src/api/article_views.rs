//! Articles as callers see them, made from what is stored.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::api::feeds::items;
use crate::api::inputs::{RelatedInput, Shape};
use crate::api::listed::Listed;
use crate::api::related;
use crate::api::related_tags::{self};
use crate::api::state::State;
use crate::api::views::{
    ArticleView, EditingView, ImageView, RightsView, SourceView, SponsorView, StatusView, TagBrief,
    TranslationView,
};
use crate::content::article::{Draft, Image, Sponsor};
use crate::content::body::reading_minutes;
use crate::content::rights::TextRight;
use crate::content::sight::Sight;
use crate::content::slug::Slug;
use crate::content::time::to_stored;
use crate::content::visibility::Standing;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::store::articles::{self, ArticleRow};
use crate::store::cards::Found;
use crate::store::shown::{self, BodyText, Parts, Shown};
use crate::store::{curations, rows, sights};

/// The rows as views, in their order.
pub fn articles(
    conn: &mut Conn,
    state: &State,
    rows: &[ArticleRow],
    shape: &Shape,
    now: DateTime<Utc>,
) -> Result<Vec<ArticleView>> {
    let nums: Vec<i64> = rows.iter().map(|row| row.num).collect();
    let shown = shown::by_nums(conn, &nums, shape.parts(), now)?;
    views(conn, state, shown, shape, now)
}

/// What was read as views, in their order; what else the shape asks for comes with a fixed number of queries however
/// many they are.
pub fn views(
    conn: &mut Conn,
    state: &State,
    shown: Vec<Shown>,
    shape: &Shape,
    now: DateTime<Utc>,
) -> Result<Vec<ArticleView>> {
    let nums: Vec<i64> = shown.iter().map(|shown| shown.row.num).collect();
    let alone = shown.len() == 1;
    let shown = within_sight(conn, shown, &shape.sight)?;
    let mut views = Vec::with_capacity(shown.len());
    for shown in shown {
        let row = &shown.row;
        let editing = match shape.body && alone && shape.sight.reaches(row.created_by.as_deref()) {
            true => editing(conn, row)?,
            false => None,
        };
        let mut view = view(shown, &shape.sight, now)?;
        view.editing = editing;
        views.push(view);
    }
    if shape.related {
        related::include(
            conn,
            state,
            &nums,
            &mut views,
            &RelatedInput::default(),
            &shape.sight,
            now,
        )?;
    }
    if shape.related_tags {
        related_tags::include_related(conn, state, &nums, &mut views, &shape.sight, now)?;
    }
    if shape.json_ld {
        items::include_json_ld(&state.publication, &mut views);
    }
    Ok(views)
}

/// What was found as lists show it, in its order.
pub fn listed(
    conn: &mut Conn,
    state: &State,
    found: Vec<Found>,
    shape: &Shape,
    now: DateTime<Utc>,
) -> Result<Vec<Listed>> {
    if shape.is_listed() {
        let listed = found.into_iter();
        return listed
            .map(|found| Listed::of(found, &shape.sight, now))
            .collect();
    }
    let rows = found.into_iter().filter_map(Found::into_row).collect();
    let views = views(conn, state, rows, shape, now)?;
    Ok(views.into_iter().map(Listed::from).collect())
}

/// The same with only those translations that are in a partner's scope.
fn within_sight(conn: &mut Conn, mut shown: Vec<Shown>, sight: &Sight) -> Result<Vec<Shown>> {
    let Some(rights) = sight.rights() else {
        return Ok(shown);
    };
    let siblings = shown.iter().flat_map(|shown| &shown.translations).flatten();
    let nums: Vec<i64> = siblings.map(|sibling| sibling.num).collect();
    let tags = sights::tags_for(conn, sight, &nums)?;
    let of = |num: &i64| tags.get(num).map(Vec::as_slice).unwrap_or_default();
    for siblings in shown.iter_mut().flat_map(|shown| &mut shown.translations) {
        siblings.retain(|sibling| rights.admit(sibling.facts(), of(&sibling.num)));
    }
    Ok(shown)
}

/// What was read, as someone of this sight may have it, and nothing else.
pub fn view(shown: Shown, sight: &Sight, now: DateTime<Utc>) -> Result<ArticleView> {
    let opens = shown.row.visibility().window().map(|(from, _)| from);
    let mut view = base(shown.row, now)?;
    view.tags = shown.tags.into_iter().map(TagBrief).collect();
    if let Some(body) = shown.body {
        add_body(&mut view, body);
    }
    let siblings = shown.translations;
    view.translations =
        siblings.map(|siblings| siblings.into_iter().map(TranslationView::from).collect());
    if sight.rights().is_some() {
        view.public_from = opens.filter(|opens| *opens > now);
    }
    withhold(&mut view, sight.text());
    Ok(view)
}

/// Takes out of a view what is more than a partner gets, and says so in it.
fn withhold(view: &mut ArticleView, text: TextRight) {
    if text == TextRight::Full {
        return;
    }
    let mut withheld = Vec::new();
    if text < TextRight::Excerpt {
        if view.standfirst.take().is_some() {
            withheld.push("standfirst");
        }
        view.trail_text = None;
        withheld.push("trail_text");
    }
    // What was not read is withheld all the same.
    (view.body_html, view.body_text) = (None, None);
    withheld.extend(["body_html", "body_text"]);
    view.withheld = Some(withheld);
}

/// What a reader would have seen of a saved version: `draft` is what it said.
pub fn version(
    conn: &mut Conn,
    row: &ArticleRow,
    number: i64,
    draft: &Draft,
    now: DateTime<Utc>,
) -> Result<ArticleView> {
    let group = row.translation_group.clone();
    let then = ArticleRow {
        slug: draft
            .slug
            .as_ref()
            .map_or_else(|| row.slug.clone(), Slug::to_string),
        published_at: draft.published_at.map(to_stored),
        first_published_at: draft.first_published_at.map(to_stored),
        updated_at: draft.updated_at.map_or(row.updated_at, to_stored),
        version: number,
        ..rows::filled(row, draft, group, Standing::Hidden, now)
    };
    let mut view = base(then, now)?;
    view.tags = draft.tags.iter().map(TagBrief::from).collect();
    let parts = Parts {
        translations: true,
        ..Parts::default()
    };
    // Those of the article as it is.
    let present = shown::by_nums(conn, &[row.num], parts, now)?.pop();
    let siblings = present.and_then(|present| present.translations);
    view.translations = Some(
        siblings
            .into_iter()
            .flatten()
            .map(TranslationView::from)
            .collect(),
    );
    let body = rows::body(row.num, draft, None);
    add_body(
        &mut view,
        BodyText {
            html: body.html,
            text: body.text,
            word_count: body.word_count,
        },
    );
    Ok(view)
}

fn base(row: ArticleRow, now: DateTime<Utc>) -> Result<ArticleView> {
    let utc = |time: Option<NaiveDateTime>| time.map(|time| time.and_utc());
    let image: Option<Image> = row
        .image
        .as_deref()
        .map(|json| stored(json, &row))
        .transpose()?;
    let sponsors: Vec<Sponsor> = match row.sponsors.as_str() {
        // Nearly always.
        "[]" => Vec::new(),
        some => stored(some, &row)?,
    };
    let status = status(&row, now);
    Ok(ArticleView {
        id: row.id,
        slug: row.slug,
        language: row.language,
        headline: row.headline,
        standfirst: row.standfirst,
        trail_text: Some(row.trail_text.unwrap_or(row.excerpt)),
        byline: row.byline,
        body_html: None,
        body_text: None,
        word_count: None,
        reading_minutes: None,
        image: image.map(|image| ImageView {
            url: image.url,
            alt: image.alt,
            caption: image.caption,
            credit: image.credit,
            width: image.width,
            height: image.height,
        }),
        source: row.source_name.map(|name| SourceView {
            name,
            url: row.source_url,
        }),
        canonical_url: row.canonical_url,
        rights: RightsView {
            license: row.license,
            attribution: row.attribution,
            syndicatable: row.syndicatable,
        },
        sponsors: sponsors
            .into_iter()
            .map(|sponsor| SponsorView {
                name: sponsor.name,
                url: sponsor.url,
                from: sponsor.from,
                until: sponsor.until,
            })
            .collect(),
        tags: Vec::new(),
        translations: None,
        status,
        published_at: utc(row.published_at),
        first_published_at: utc(row.first_published_at),
        updated_at: row.updated_at.and_utc(),
        version: row.version,
        related: None,
        related_tags: None,
        json_ld: None,
        editing: None,
        withheld: None,
        public_from: None,
        expires_at: utc(row.expires_at),
    })
}

fn editing(conn: &mut Conn, row: &ArticleRow) -> Result<Option<EditingView>> {
    let Some(body) = articles::bodies(conn, &[row.num])?.remove(&row.num) else {
        return Ok(None);
    };
    let curation = curations::of(conn, &[row.num])?.remove(&row.num);
    let curation = curation.unwrap_or_default();
    let ids = articles::ids(conn, &[&curation.pins[..], &curation.bans].concat())?;
    let named = |nums: &[i64]| {
        nums.iter()
            .filter_map(|num| ids.get(num).cloned())
            .collect()
    };
    let utc = |time: Option<NaiveDateTime>| time.map(|time| time.and_utc());
    Ok(Some(EditingView {
        external_id: row.external_id.clone(),
        body: body.source,
        body_format: body.format,
        embargoed_until: utc(row.embargoed_until),
        expires_at: utc(row.expires_at),
        related: row.related.clone(),
        pins: named(&curation.pins),
        bans: named(&curation.bans),
        created_at: row.created_at.and_utc(),
        created_by: row.created_by.clone(),
        saved_by: row.saved_by.clone(),
    }))
}

fn add_body(view: &mut ArticleView, body: BodyText) {
    view.word_count = Some(body.word_count);
    view.reading_minutes = Some(reading_minutes(body.word_count));
    view.body_html = Some(body.html);
    view.body_text = Some(body.text);
}

pub fn status(row: &ArticleRow, now: DateTime<Utc>) -> StatusView {
    use crate::content::visibility::Status;
    match row.visibility().effective_status(now) {
        Status::Draft => StatusView::Draft,
        Status::Scheduled => StatusView::Scheduled,
        Status::Published => StatusView::Published,
        Status::Withdrawn => StatusView::Withdrawn,
    }
}

/// JSON that this program wrote into a column.
fn stored<T: serde::de::DeserializeOwned>(json: &str, row: &ArticleRow) -> Result<T> {
    serde_json::from_str(json)
        .map_err(|error| Error::Internal(format!("article {} holds broken JSON: {error}", row.id)))
}

/// What partners are told whatever members they name.
const TOLD: [&str; 2] = ["withheld", "public_from"];

/// The view as JSON, with only the members that the caller named.
pub fn shaped(article: &impl Serialize, shape: &Shape) -> Result<Value> {
    let mut value = serde_json::to_value(article)
        .map_err(|error| Error::Internal(format!("cannot serialise an article: {error}")))?;
    if let (Some(wanted), Value::Object(members)) = (&shape.members, &mut value) {
        members.retain(|name, _| wanted.contains(&name.as_str()) || TOLD.contains(&name.as_str()));
    }
    Ok(value)
}

/// When the newest of these was changed.
pub fn last_modified(articles: &[Listed]) -> Option<DateTime<Utc>> {
    articles.iter().map(Listed::updated_at).max()
}

/// When the first of these must disappear.
pub fn first_expiry(articles: &[Listed]) -> Option<DateTime<Utc>> {
    let inside = |article: &Listed| {
        let neighbours = article.neighbours().iter();
        let neighbours = neighbours.filter_map(|related| related.article.expires_at());
        neighbours.chain(article.expires_at()).min()
    };
    articles.iter().filter_map(inside).min()
}
