//! Related articles and related tags: who resembles whom, how closely, and why.
//!
//! One article becomes a [`Profile`] (its terms, counted). The [`Engine`] keeps profiles in an archive and counts
//! them in an inverted index, finds the likeliest neighbours there, and compares those in full.

mod ahead;
mod archive;
mod article;
mod candidate;
mod candidates;
mod diversity;
mod duplicates;
mod edit;
mod engine;
mod frames;
mod hashing;
mod home;
mod index;
mod lookup;
mod many;
mod marks;
mod masses;
mod places;
mod postings;
mod profile;
mod ranking;
mod rankings;
mod reasons;
mod record;
mod scope;
mod score;
mod scratch;
mod select;
mod tags;
mod weights;

pub use ahead::{Kept, Round, Step};
pub use engine::Engine;
pub use home::Home;
pub use profile::Profile;
pub use ranking::RANKED;
pub use weights::Settings;

use crate::content::rights::Rights;
use crate::content::tag_filter::TagFilter;

/// What the engine reads of an article.
#[derive(Clone, Copy, Debug)]
pub struct Article<'a> {
    pub num: i64,
    /// BCP 47.
    pub language: &'a str,
    pub headline: &'a str,
    pub standfirst: Option<&'a str>,
    /// Plain text.
    pub body: &'a str,
    /// Tag nums in editorial order.
    pub tags: &'a [i64],
    /// Unix seconds.
    pub published_at: i64,
    pub visible: Window,
    /// The same for an article and its translations.
    pub translation_group: Option<&'a str>,
    /// What editors put first.
    pub pins: &'a [Pin],
    /// Articles that editors never want beside this one, nor this one beside them.
    pub bans: &'a [i64],
    /// Neither shows related articles nor appears among them.
    pub sensitive: bool,
    /// The source's name.
    pub source: Option<&'a str>,
    /// Whether partners may get it.
    pub syndicatable: bool,
}

/// An article that is put first, as long as the one in which editors said so is shown itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    pub num: i64,
    /// The article itself, or one of its translations.
    pub by: i64,
}

/// When an article is shown: unix microseconds, `from` included, `until` not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: i64,
    pub until: i64,
}

impl Window {
    pub const ALWAYS: Self = Self {
        from: i64::MIN,
        until: i64::MAX,
    };

    pub fn contains(&self, now: i64) -> bool {
        self.from <= now && now < self.until
    }
}

/// What the caller wants of a lookup.
#[derive(Clone)]
pub struct Ask<'a> {
    pub limit: usize,
    pub exclude: &'a [i64],
    /// Published at or after, unix seconds.
    pub from: Option<i64>,
    pub language: Language,
    /// Keeps a candidate by its tag nums.
    pub tag: Option<&'a TagFilter<i64>>,
    /// Unix microseconds.
    pub now: i64,
    /// Of the partner who asks: nothing else is a neighbour. Languages and sources are compared coarsely; the caller has
    /// the last word.
    pub rights: Option<&'a Rights>,
}

impl Ask<'_> {
    /// Whether the nearest of all are asked for, as the public sees them.
    fn is_plain(&self) -> bool {
        self.exclude.is_empty()
            && self.from.is_none()
            && self.language == Language::Own
            && self.tag.is_none()
            && self.rights.is_none()
    }

    /// The nearest of all in the article's language that the public sees at `now` (unix microseconds).
    pub fn nearest(limit: usize, now: i64) -> Self {
        Self {
            limit,
            exclude: &[],
            from: None,
            language: Language::Own,
            tag: None,
            now,
            rights: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Language {
    /// The article's own; for several articles, each article's own.
    Own,
    Any,
    /// BCP 47; compared by primary subtag.
    Is(String),
}

/// Neighbours, nearest first, and why some or all are missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Related {
    pub neighbours: Vec<Neighbour>,
    pub hidden: Option<Hidden>,
    /// Near-duplicates of the article itself, left out of the list; of several articles, none.
    pub copies: Vec<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// The article is sensitive: it shows no neighbours.
    Sensitive,
    /// The article has no words and no tags to compare.
    Empty,
    /// What is left after the caller's filters resembles it too little to be shown.
    BelowFloor,
}

impl Hidden {
    /// The name used by the HTTP interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sensitive => "sensitive",
            Self::Empty => "empty",
            Self::BelowFloor => "below_floor",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    pub num: i64,
    /// In (0, 1], falling down the list.
    pub score: f32,
    /// Their weights add up to `score`.
    pub reasons: Vec<Reason>,
    /// Near-duplicates of this article, left out of the list.
    pub copies: Vec<i64>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    Pin,
    Tag {
        tag: i64,
        weight: f32,
    },
    Term {
        /// As written in the article, not its stem.
        term: String,
        weight: f32,
    },
    /// All that is too faint to name: many small words in common.
    Wording {
        weight: f32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TagNeighbour {
    pub tag: i64,
    /// In (0, 1].
    pub score: f32,
    /// Articles bearing both tags, or neighbours bearing this one.
    pub shared: u32,
}

#[cfg(test)]
mod tests;
