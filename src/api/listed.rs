//! Articles in lists: made from their rows, or ready from their cards. Either way the bytes are the same. What is read alone is
//! put together in [`whole`].

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use crate::api::article_views;
use crate::api::json;
use crate::api::neighbours::RelatedView;
use crate::api::views::{ArticleView, TagBrief};
use crate::api::whole;
use crate::content::sight::Sight;
use crate::error::{Error, Result};
use crate::store::borne_tags::BorneTag;
use crate::store::cards::{Card, Found};
use crate::store::shown::Shown;

/// The form of cards that this program writes and reads. It rises whenever an article in a list is written otherwise: cards
/// of another form are passed over, and made anew.
pub const FORM: i32 = 1;
/// What a card has where tags belong. Within a text the quotation marks would be escaped.
const NO_TAGS: &str = r#","tags":[]"#;
/// What it begins with, before the id and before the slug, in neither of which anything is escaped.
const BEFORE_ID: &str = r#"{"id":""#;
const BEFORE_SLUG: &str = r#"","slug":""#;

/// An article in a list.
#[derive(Clone, Debug)]
pub enum Listed {
    Made(Box<ArticleView>),
    Ready(Ready),
}

/// An article as JSON, and what headers and reasons need of it.
#[derive(Clone, Debug)]
pub struct Ready {
    id: String,
    slug: String,
    updated_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    tags: Vec<TagBrief>,
    json: String,
}

impl From<ArticleView> for Listed {
    fn from(view: ArticleView) -> Self {
        Self::Made(Box::new(view))
    }
}

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Made(view) => view.serialize(serializer),
            Self::Ready(ready) => json::ready(&ready.json, serializer),
        }
    }
}

impl Listed {
    pub fn id(&self) -> &str {
        match self {
            Self::Made(view) => &view.id,
            Self::Ready(ready) => &ready.id,
        }
    }

    pub fn slug(&self) -> &str {
        match self {
            Self::Made(view) => &view.slug,
            Self::Ready(ready) => &ready.slug,
        }
    }

    pub fn tags(&self) -> &[TagBrief] {
        match self {
            Self::Made(view) => &view.tags,
            Self::Ready(ready) => &ready.tags,
        }
    }

    pub fn updated_at(&self) -> DateTime<Utc> {
        match self {
            Self::Made(view) => view.updated_at,
            Self::Ready(ready) => ready.updated_at,
        }
    }

    /// When it must disappear.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Made(view) => view.expires_at,
            Self::Ready(ready) => ready.expires_at,
        }
    }

    /// Those that are shown with it.
    pub fn neighbours(&self) -> &[RelatedView] {
        match self {
            Self::Made(view) => view.related.as_deref().unwrap_or_default(),
            Self::Ready(_) => &[],
        }
    }

    /// What was found, as someone of this sight may have it. Cards are found for the public alone.
    ///
    /// # Errors
    /// When the database holds broken JSON.
    pub fn of(found: Found, sight: &Sight, now: DateTime<Utc>) -> Result<Self> {
        Ok(match found {
            Found::Card(card, tags) => Self::Ready(Ready::of(*card, tags)?),
            Found::Row(shown) => article_views::view(*shown, sight, now)?.into(),
        })
    }

    /// What was made of a row.
    pub fn made(self) -> Option<ArticleView> {
        match self {
            Self::Made(view) => Some(*view),
            Self::Ready(_) => None,
        }
    }
}

impl Ready {
    fn of(card: Card, tags: Vec<Arc<BorneTag>>) -> Result<Self> {
        let cut = Cut::of(&card)?;
        let tags: Vec<TagBrief> = tags.into_iter().map(TagBrief).collect();
        let mut json = String::with_capacity(card.json.len() + 100 * tags.len());
        json.push_str(cut.before_tags);
        json.extend(parted(&tags));
        json.push_str(cut.after_tags);
        Ok(Self {
            updated_at: cut.updated_at,
            expires_at: cut.expires_at,
            id: cut.id.to_owned(),
            slug: cut.slug.to_owned(),
            tags,
            json,
        })
    }
}

/// What a card says, cut where tags belong.
pub(super) struct Cut<'a> {
    pub id: &'a str,
    pub slug: &'a str,
    pub updated_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub before_tags: &'a str,
    pub after_tags: &'a str,
}

impl<'a> Cut<'a> {
    /// # Errors
    /// When the card is none that this program made.
    pub fn of(card: &'a Card) -> Result<Self> {
        let cut = || {
            let (id, slug) = names_in(&card.json)?;
            let at = usize::try_from(card.tags_at).ok()?;
            let (before_tags, after_tags) = card.json.split_at_checked(at)?;
            let expires_at = match card.ends {
                Some(ends) => Some(DateTime::from_timestamp_micros(ends)?),
                None => None,
            };
            Some(Self {
                id,
                slug,
                updated_at: DateTime::from_timestamp_micros(card.updated_at)?,
                expires_at,
                before_tags,
                after_tags,
            })
        };
        cut().ok_or_else(|| broken(card))
    }
}

/// The error of whoever cannot read a card.
pub(super) fn broken(card: &Card) -> Error {
    Error::Internal(format!(
        "the card of article {} is broken",
        card.article_num
    ))
}

/// Tags as JSON, with the commas between them.
pub(super) fn parted(tags: &[TagBrief]) -> impl Iterator<Item = &str> {
    let comma = |place| if place > 0 { "," } else { "" };
    let tags = tags.iter().enumerate();
    tags.flat_map(move |(place, tag)| [comma(place), tag.written()])
}

fn names_in(json: &str) -> Option<(&str, &str)> {
    let (id, rest) = json.strip_prefix(BEFORE_ID)?.split_once(BEFORE_SLUG)?;
    let (slug, _) = rest.split_once('"')?;
    Some((id, slug))
}

/// The card of an article; `None` for one that the public never sees, as it stands.
///
/// # Errors
/// When the database holds broken JSON.
pub fn card(shown: Shown) -> Result<Option<Card>> {
    let row = &shown.row;
    let (Some((opens, ends)), None) = (row.visibility().window(), row.deleted_at) else {
        return Ok(None);
    };
    let article_num = row.num;
    let tags: Vec<String> = shown.tags.iter().map(|tag| tag.num.to_string()).collect();
    let untagged = Shown {
        tags: Vec::new(),
        ..shown
    };
    // It is the same at any time at which the public sees it.
    let view = article_views::view(untagged, &Sight::Public, opens)?;
    let json = text_of(&view)?;
    let tags_at = json.find(NO_TAGS).map(|at| at + NO_TAGS.len() - 1);
    let tags_at = tags_at.filter(|at| {
        let (before_tags, after_tags) = json.split_at(*at);
        whole::can_be_made_of(before_tags, after_tags)
    });
    let tags_at = tags_at.and_then(|at| i32::try_from(at).ok());
    let names = Some((&*view.id, &*view.slug));
    let (Some(tags_at), true) = (tags_at, names_in(&json) == names) else {
        let what = format!("the card of article {} cannot be made of {json}", view.id);
        return Err(Error::Internal(what));
    };
    Ok(Some(Card {
        article_num,
        form: FORM,
        opens: opens.timestamp_micros(),
        ends: ends.map(|ends| ends.timestamp_micros()),
        updated_at: view.updated_at.timestamp_micros(),
        tags: tags.join(","),
        json,
        tags_at,
    }))
}

fn text_of(value: &impl Serialize) -> Result<String> {
    let bytes = json::to_vec(value)
        .map_err(|error| Error::Internal(format!("cannot serialise an article: {error}")))?;
    String::from_utf8(bytes).map_err(|_| Error::Internal("JSON that is not UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::slug::Slug;
    use crate::store::articles::ArticleRow;
    use crate::store::rows;
    use uuid::Uuid;

    fn shown() -> Shown {
        let at = DateTime::from_timestamp_micros(1_764_504_000_123_456).unwrap();
        let slug = Slug::from_text("oasis", "article");
        let text = |text: &str| Some(text.to_owned());
        let row = ArticleRow {
            num: 7,
            language: "fr".to_owned(),
            headline: r#"L'eau, "rare" ,"tags":[]"#.to_owned(),
            excerpt: "Un extrait.".to_owned(),
            image: text(r#"{"url": "https://i.example/1.jpg", "width": 640}"#),
            source_name: text("Agence"),
            license: text("CC-BY-4.0"),
            sponsors: r#"[{"name": "Mécène", "url": "https://m.example/", "until": "2027-01-01T00:00:00Z"}]"#
                .to_owned(),
            status: "scheduled".to_owned(),
            published_at: Some(at.naive_utc()),
            ..rows::blank(Uuid::nil(), &slug, None, at)
        };
        let tag = |num, name: &str| {
            let name = name.to_owned();
            Arc::new(BorneTag::from((
                num,
                String::new(),
                "t".to_owned(),
                name,
                "keyword".to_owned(),
            )))
        };
        Shown {
            row,
            tags: vec![tag(5, "Eau \"vive\""), tag(3, "Sel")],
            body: None,
            translations: None,
        }
    }

    #[test]
    fn the_form_of_cards_rises_when_articles_are_written_otherwise() {
        let card = card(shown()).unwrap().unwrap();
        let json = concat!(
            r#"{"id":"00000000-0000-0000-0000-000000000000","slug":"oasis","language":"fr","#,
            r#""headline":"L'eau, \"rare\" ,\"tags\":[]","standfirst":null,"trail_text":"Un extrait.","byline":null,"#,
            r#""image":{"url":"https://i.example/1.jpg","alt":null,"caption":null,"credit":null,"width":640,"#,
            r#""height":null},"source":{"name":"Agence","url":null},"canonical_url":null,"#,
            r#""rights":{"license":"CC-BY-4.0","attribution":null,"syndicatable":true},"#,
            r#""sponsors":[{"name":"Mécène","url":"https://m.example/","from":null,"until":"2027-01-01T00:00:00Z"}],"#,
            r#""tags":[],"status":"published","published_at":"2025-11-30T12:00:00.123456Z","#,
            r#""first_published_at":null,"updated_at":"2025-11-30T12:00:00.123456Z","version":1}"#,
        );
        assert_eq!(
            (card.form, card.json.as_str()),
            (1, json),
            "cards in stores must be made anew: FORM rises"
        );
        assert_eq!(card.tags, "5,3");
        assert_eq!(names_in(json), Some((&*Uuid::nil().to_string(), "oasis")));
    }

    #[test]
    fn a_card_with_its_tags_is_what_is_made_of_the_row() {
        let now = Utc::now();
        let made = Listed::of(shown().into(), &Sight::Public, now).unwrap();
        let card = card(shown()).unwrap().unwrap();
        let ready = Listed::of(
            Found::Card(Box::new(card), shown().tags),
            &Sight::Public,
            now,
        );
        let ready = ready.unwrap();
        assert_eq!(text_of(&ready).unwrap(), text_of(&made).unwrap());
        assert_eq!((ready.id(), ready.slug()), (made.id(), made.slug()));
        assert_eq!(ready.updated_at(), made.updated_at());
        assert_eq!(ready.expires_at(), made.expires_at());
        let value = serde_json::to_value(&ready).unwrap();
        assert_eq!(value, serde_json::to_value(&made).unwrap());
    }

    #[test]
    fn what_the_public_never_sees_has_no_card() {
        for status in ["draft", "withdrawn"] {
            let mut hidden = shown();
            hidden.row.status = status.to_owned();
            assert_eq!(card(hidden).unwrap(), None);
        }
        let mut deleted = shown();
        deleted.row.deleted_at = deleted.row.published_at;
        assert_eq!(card(deleted).unwrap(), None);
        let mut never = shown();
        never.row.expires_at = never.row.published_at;
        assert_eq!(card(never).unwrap(), None);
    }
}
