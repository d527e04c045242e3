//! Whom a lookup is for: what of all articles may be found, at what hour.

use super::profile::name_hash;
use super::record::Record;
use crate::content::rights::Rights;
use crate::content::tag_filter::TagFilter;

/// What the public sees at an hour, or a partner of it.
pub(super) struct Scope<'a> {
    /// Unix microseconds.
    pub now: i64,
    /// What opens by this time is open.
    pub opened: i64,
    partner: Option<Partner<'a>>,
}

/// Languages and sources by their hashes. What is not let through takes no place in a list, is counted nowhere and has
/// no copies.
struct Partner<'a> {
    tags: Option<&'a TagFilter<i64>>,
    languages: Option<Vec<u32>>,
    sources: Option<Vec<u32>>,
}

impl<'a> Scope<'a> {
    pub fn of(rights: Option<&'a Rights>, now: i64) -> Self {
        let shift = rights.and_then(|rights| rights.shift.num_microseconds());
        let hashes = |names: &Option<Vec<String>>| -> Option<Vec<u32>> {
            let names = names.as_ref()?.iter();
            Some(names.map(|name| name_hash(name)).collect())
        };
        let partner = rights.map(|rights| Partner {
            tags: rights.tags.as_ref(),
            languages: hashes(&rights.languages),
            sources: hashes(&rights.sources),
        });
        Self {
            now,
            opened: now.saturating_sub(shift.unwrap_or(0)),
            partner,
        }
    }

    pub fn admits(&self, record: &Record) -> bool {
        let window = record.visible();
        window.from <= self.opened
            && self.now < window.until
            && self
                .partner
                .as_ref()
                .is_none_or(|partner| partner.admits(record))
    }
}

impl Partner<'_> {
    fn admits(&self, record: &Record) -> bool {
        let language = record.exact_language();
        let source = record.source();
        !record.withheld()
            && self
                .languages
                .as_ref()
                .is_none_or(|languages| languages.contains(&language))
            && self
                .sources
                .as_ref()
                .is_none_or(|sources| sources.contains(&source))
            && self
                .tags
                .is_none_or(|tags| tags.accepts(&record.tags().collect::<Vec<_>>()))
    }
}
