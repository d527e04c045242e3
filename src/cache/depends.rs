//! What an answer was made of: what must not move for it to stay good.

use crate::cache::ledger::{Moved, group_hash};
use crate::content::listing::{Order, UseDate};
use crate::content::tag_filter::TagFilter;

/// Everything that an answer depends on.
#[derive(Debug)]
pub struct Depends {
    pub groups: Groups,
    /// The stretch of a list that it shows.
    pub stretch: Option<Stretch>,
    /// Unix microseconds: when time alone may change something in it.
    pub until: i64,
    /// Whether an article that is to appear or disappear one day changes it then.
    pub with_time: bool,
    /// Whether it comes of an index that follows the log by itself, and may be behind.
    pub derived: bool,
    /// What it ranks by nearness: a change elsewhere may move something in that.
    pub ranks: Ranks,
}

/// What an answer ranks by nearness.
#[derive(Debug, Default)]
pub enum Ranks {
    #[default]
    Nothing,
    /// The neighbours of these articles, by number.
    Neighbours(Box<[i64]>),
    /// The same as the related engine keeps them, which gives no others until something has come near to these articles, or
    /// time has passed.
    Ranking(Box<[i64]>),
    /// It cannot be told which articles would concern it.
    Anything,
}

/// Hashes of group names, in order.
#[derive(Debug)]
pub struct Groups(Box<[u64]>);

impl Groups {
    pub fn contains(&self, group: u64) -> bool {
        self.0.binary_search(&group).is_ok()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, u64> {
        self.0.iter()
    }
}

impl Depends {
    /// On these groups and on nothing else.
    pub fn on<'a>(groups: impl IntoIterator<Item = &'a str>) -> Self {
        let mut groups: Vec<u64> = groups.into_iter().map(group_hash).collect();
        groups.sort_unstable();
        groups.dedup();
        Self {
            groups: Groups(groups.into_boxed_slice()),
            stretch: None,
            until: i64::MAX,
            with_time: false,
            derived: false,
            ranks: Ranks::Nothing,
        }
    }

    /// Whether what an article has become may change the answer, beyond its groups.
    pub fn is_touched_by(&self, moved: &Moved) -> bool {
        self.stretch
            .as_ref()
            .is_some_and(|stretch| stretch.takes_in(moved))
    }

    /// About the memory that it takes.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.groups.0) + self.stretch.as_ref().map_or(0, |_| 300)
    }
}

/// Where an article stands in a list by date: the date in unix microseconds, and its id.
pub type Place = (i64, String);

/// A stretch of a list of articles: an article that comes to stand in it changes the answer. Those that are in it are
/// groups of the answer, and so is the one after them.
#[derive(Debug)]
pub struct Stretch {
    pub language: Option<String>,
    pub source: Option<String>,
    pub tags: Option<TagFilter<i64>>,
    /// Only articles with one of these ids.
    pub ids: Option<Vec<String>>,
    /// In unix microseconds, inclusive.
    pub from: Option<i64>,
    pub to: Option<i64>,
    pub use_date: UseDate,
    pub order: Order,
    /// It begins after this place; `None`: at the list's beginning.
    pub after: Option<Place>,
    /// It ends with this place; `None`: at the list's end.
    pub last: Option<Place>,
    /// Whether any article of the list counts, wherever it stands, and any that has left it: there is a total, or an
    /// order that rests on all.
    pub whole: bool,
}

impl Stretch {
    fn takes_in(&self, moved: &Moved) -> bool {
        if self.whole {
            return moved.is_public;
        }
        let Some(seen) = &moved.seen else {
            return false;
        };
        let is = |wanted: &Option<String>, there: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| there == Some(wanted))
        };
        let date = match self.use_date {
            UseDate::Published => seen.published_at,
            UseDate::Updated => Some(seen.updated_at),
            UseDate::FirstPublished => seen.first_published_at,
        };
        let Some(date) = date else {
            return false;
        };
        is(&self.language, Some(&seen.language))
            && is(&self.source, seen.source.as_deref())
            && self.from.is_none_or(|from| from <= date)
            && self.to.is_none_or(|to| date <= to)
            && self
                .tags
                .as_ref()
                .is_none_or(|tags| tags.accepts(&seen.tags))
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&moved.id))
            && self.spans(&(date, moved.id.clone()))
    }

    fn spans(&self, place: &Place) -> bool {
        let (first, last) = match self.order {
            Order::Oldest => (&self.after, &self.last),
            // From new to old: it begins below the later end.
            Order::Newest | Order::Relevance => (&self.last, &self.after),
        };
        // The bounds themselves are groups, so it does not matter that they are taken in.
        first.as_ref().is_none_or(|first| first <= place)
            && last.as_ref().is_none_or(|last| place <= last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::ledger::Seen;

    fn stretch() -> Stretch {
        Stretch {
            language: None,
            source: None,
            tags: None,
            ids: None,
            from: None,
            to: None,
            use_date: UseDate::Published,
            order: Order::Newest,
            after: None,
            last: None,
            whole: false,
        }
    }

    fn article(published_at: i64) -> Moved {
        Moved {
            id: "b".to_owned(),
            is_public: true,
            turns_at: None,
            seen: Some(Seen {
                language: "fr".to_owned(),
                source: Some("Agence".to_owned()),
                tags: vec![1, 2],
                published_at: Some(published_at),
                updated_at: 900,
                first_published_at: None,
            }),
        }
    }

    #[test]
    fn an_article_changes_the_page_it_comes_to_stand_in() {
        let first = Stretch {
            last: Some((50, "a".to_owned())),
            ..stretch()
        };
        let second = Stretch {
            after: Some((50, "a".to_owned())),
            last: Some((20, "a".to_owned())),
            ..stretch()
        };
        let oldest = Stretch {
            order: Order::Oldest,
            last: Some((50, "a".to_owned())),
            ..stretch()
        };
        let touched = |date| {
            [&first, &second, &oldest].map(|stretch: &Stretch| stretch.takes_in(&article(date)))
        };
        assert_eq!(touched(60), [true, false, false]);
        assert_eq!(touched(40), [false, true, true]);
        assert_eq!(touched(10), [false, false, true]);
    }

    #[test]
    fn filters_pass_by_what_is_not_theirs() {
        let with = |change: fn(&mut Stretch)| {
            let mut stretch = stretch();
            change(&mut stretch);
            stretch.takes_in(&article(40))
        };
        assert!(with(|stretch| stretch.language = Some("fr".to_owned())));
        assert!(!with(|stretch| stretch.language = Some("ar".to_owned())));
        assert!(!with(|stretch| stretch.source = Some("Autre".to_owned())));
        assert!(with(|stretch| stretch.tags = Some(TagFilter::Is(2))));
        assert!(!with(|stretch| stretch.tags = Some(TagFilter::Is(3))));
        assert!(!with(|stretch| stretch.ids = Some(vec!["a".to_owned()])));
        assert!(!with(|stretch| stretch.from = Some(41)));
        assert!(!with(|stretch| stretch.to = Some(39)));
        assert!(with(|stretch| stretch.use_date = UseDate::Updated));
        assert!(!with(|stretch| stretch.use_date = UseDate::FirstPublished));
    }

    #[test]
    fn a_total_moves_with_every_article() {
        let unseen = Moved {
            seen: None,
            ..article(40)
        };
        assert!(!stretch().takes_in(&unseen));
        let whole = Stretch {
            whole: true,
            ..stretch()
        };
        assert!(whole.takes_in(&unseen));
        let unknown = Moved {
            is_public: false,
            ..unseen
        };
        assert!(!whole.takes_in(&unknown));
    }
}
