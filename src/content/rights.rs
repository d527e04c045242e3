//! What a partner may read: which articles, when, and how much of each.
//!
//! An admin grants it to an API key ([`Grant`]); a request goes by what the grant comes to ([`Rights`]), which its
//! caller's `Sight::Partner` carries through every read:
//!
//! * lists, counts, feeds: `store::sights::condition` is the same in SQL, also as `store::listing::Scope::Partner`;
//! * single rows, and what an index found: `store::sights::sees` and `seen`;
//! * full text and related engine: `search::Query::rights`, `related::Ask::rights`;
//! * what is shown of an article: `Shape::sight`, by which `article_views::views` leaves out what is withheld.
//!
//! Handlers ask `Viewer::published_sight` for it; what is sent to a key without a request asks `store::rights::sight`.

use chrono::{DateTime, TimeDelta, Utc};

use crate::content::article::Fault;
use crate::content::check::{self, Check};
use crate::content::language::Language;
use crate::content::role::Role;
use crate::content::tag_filter::TagFilter;
use crate::content::visibility::Visibility;

/// Languages or sources a scope may name.
const MAX_NAMES: usize = 50;
/// A year.
const MAX_MINUTES: i64 = 525_600;
const MAX_QUOTA: i64 = 1_000_000_000;
const MAX_RATE: i64 = 100_000;

/// How much of an article a partner gets; each more than the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextRight {
    /// No standfirst, no trail text, no body.
    Headline,
    /// No body.
    Excerpt,
    #[default]
    Full,
}

impl TextRight {
    pub const ALL: [Self; 3] = [Self::Headline, Self::Excerpt, Self::Full];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Headline => "headline",
            Self::Excerpt => "excerpt",
            Self::Full => "full",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.as_str() == text)
    }
}

/// What a partner's request goes by. Whatever it says, an article that is not syndicatable is no partner's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rights {
    /// Tags by number.
    pub tags: Option<TagFilter<i64>>,
    pub languages: Option<Vec<String>>,
    pub sources: Option<Vec<String>>,
    pub text: TextRight,
    /// How much later than for the public an article opens; negative: earlier.
    pub shift: TimeDelta,
    /// The key whose own these are. What it was told is remembered for it alone; those who may read whatever may be
    /// syndicated have it in common.
    pub key: Option<String>,
}

/// What of an article rights go by, beside its tags and its window.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub language: &'a str,
    pub source: Option<&'a str>,
    pub syndicatable: bool,
}

impl Rights {
    /// Whether every article that may be syndicated is in its scope, at the public's hour.
    pub fn are_plain(&self) -> bool {
        self.are_unscoped() && self.shift.is_zero()
    }

    /// Whether every article that may be syndicated is in its scope.
    pub fn are_unscoped(&self) -> bool {
        self.tags.is_none() && self.languages.is_none() && self.sources.is_none()
    }

    /// Whether an article with these tags is in its scope, public or not.
    pub fn admit(&self, facts: Facts, tags: &[i64]) -> bool {
        let among = |names: &Option<Vec<String>>, name: Option<&str>| {
            names.as_ref().is_none_or(|names| {
                name.is_some_and(|name| names.iter().any(|known| known == name))
            })
        };
        facts.syndicatable
            && among(&self.languages, Some(facts.language))
            && among(&self.sources, facts.source)
            && self.tags.as_ref().is_none_or(|filter| filter.accepts(tags))
    }

    /// The time at which, for the public, that opens which opens for the partner at `now`. Only when an article opens
    /// is shifted; it expires for everyone alike.
    pub fn opened_by(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now.checked_sub_signed(self.shift).unwrap_or(now)
    }

    /// Whether a window is open to the partner at `now`.
    pub fn are_timely(&self, visibility: &Visibility, now: DateTime<Utc>) -> bool {
        visibility.window().is_some_and(|(from, until)| {
            from <= self.opened_by(now) && until.is_none_or(|until| now < until)
        })
    }
}

/// What an admin grants to a key. Tags are slugs as they are given and shown, and ids as they are stored, so that a
/// grant follows a tag that is renamed or merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    pub tags: Option<TagFilter<String>>,
    pub languages: Option<Vec<String>>,
    pub sources: Option<Vec<String>>,
    pub text: TextRight,
    pub delay_minutes: Option<i32>,
    pub lead_minutes: Option<i32>,
    pub limits: Limits,
}

/// How often a key may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests a day, UTC.
    pub daily_quota: Option<i64>,
    pub rate_per_minute: Option<i32>,
}

/// A grant as it was written, not looked at yet.
#[derive(Clone, Debug, Default)]
pub struct GivenGrant {
    pub tags: Option<String>,
    pub languages: Option<Vec<String>>,
    pub sources: Option<Vec<String>>,
    pub text: Option<String>,
    pub delay_minutes: Option<i64>,
    pub lead_minutes: Option<i64>,
    pub daily_quota: Option<i64>,
    pub rate_per_minute: Option<i64>,
}

impl Grant {
    /// When an article opens for the partner, against the public.
    pub fn shift(&self) -> TimeDelta {
        let minutes = |minutes: Option<i32>| i64::from(minutes.unwrap_or(0));
        TimeDelta::minutes(minutes(self.delay_minutes) - minutes(self.lead_minutes))
    }

    /// Whether it says anything of what is read, which only a partner's can.
    pub fn narrows_reading(&self) -> bool {
        let reading = Self {
            limits: Limits::default(),
            ..self.clone()
        };
        reading != Self::default()
    }
}

impl GivenGrant {
    /// The grant for a key of this role; the faults go to `check`.
    pub fn checked(self, role: Option<Role>, check: &mut Check) -> Grant {
        let tags = check.parsed("/scope/tags", self.tags, TagFilter::parse);
        let languages = names(
            check,
            "/scope/languages",
            self.languages,
            |check, at, it| {
                let parsed = check.parsed(at, Some(it), Language::parse);
                parsed.map(|language| language.as_str().to_owned())
            },
        );
        let sources = names(check, "/scope/sources", self.sources, |check, at, it| {
            Some(check.line(at, it, check::MAX_KEY))
        });
        let text = check.parsed("/text", self.text, |text| {
            let names = TextRight::ALL.map(TextRight::as_str);
            TextRight::parse(text).ok_or_else(|| check::one_of(text, &names))
        });
        let small = |number: Option<i64>| number.and_then(|number| i32::try_from(number).ok());
        let grant = Grant {
            tags,
            languages,
            sources,
            text: text.unwrap_or_default(),
            delay_minutes: small(within(
                check,
                "/delay_minutes",
                self.delay_minutes,
                MAX_MINUTES,
            )),
            lead_minutes: small(within(
                check,
                "/lead_minutes",
                self.lead_minutes,
                MAX_MINUTES,
            )),
            limits: Limits {
                daily_quota: within(check, "/daily_quota", self.daily_quota, MAX_QUOTA),
                rate_per_minute: small(within(
                    check,
                    "/rate_per_minute",
                    self.rate_per_minute,
                    MAX_RATE,
                )),
            },
        };
        if grant.delay_minutes.is_some() && grant.lead_minutes.is_some() {
            check.fault(
                "/lead_minutes",
                "cannot be given together with delay_minutes",
            );
        }
        if role.is_some_and(|role| role != Role::Partner) && grant.narrows_reading() {
            let fault = Fault::new(
                "/role",
                "is not partner: only a partner's key has scope, text, delay_minutes or lead_minutes",
            );
            check.fault(&fault.pointer, fault.detail);
        }
        grant
    }
}

/// A list of names, each once; null is all, and an empty one would be none, which is a mistake.
fn names(
    check: &mut Check,
    pointer: &str,
    given: Option<Vec<String>>,
    mut one: impl FnMut(&mut Check, &str, String) -> Option<String>,
) -> Option<Vec<String>> {
    let given = given?;
    if given.is_empty() {
        check.fault(pointer, "is empty; null is all");
    }
    if given.len() > MAX_NAMES {
        check.fault(pointer, format!("has more than {MAX_NAMES} items"));
        return None;
    }
    let mut names = Vec::new();
    for (at, name) in given.into_iter().enumerate() {
        let name = one(check, &format!("{pointer}/{at}"), name);
        names.extend(name.filter(|name| !names.contains(name)));
    }
    Some(names)
}

fn within(check: &mut Check, pointer: &str, given: Option<i64>, most: i64) -> Option<i64> {
    let number = given?;
    let fits = (1..=most).contains(&number);
    if !fits {
        let detail = format!("is {number}; it takes a whole number from 1 to {most}, or null");
        check.fault(pointer, detail);
    }
    fits.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::visibility::Status;

    fn hour(h: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(h * 3600, 0).unwrap()
    }

    fn shifted(hours: i64) -> Rights {
        Rights {
            shift: TimeDelta::hours(hours),
            ..Rights::default()
        }
    }

    #[test]
    fn only_the_opening_is_shifted() {
        let article = Visibility {
            status: Status::Scheduled,
            published_at: Some(hour(10)),
            embargoed_until: Some(hour(12)),
            expires_at: Some(hour(15)),
        };
        let seen = |shift| -> Vec<i64> {
            let rights = shifted(shift);
            (8..18)
                .filter(|h| rights.are_timely(&article, hour(*h)))
                .collect()
        };
        assert_eq!(seen(0), [12, 13, 14]);
        assert_eq!(seen(2), [14]);
        assert_eq!(seen(-3), [9, 10, 11, 12, 13, 14]);
        assert_eq!(seen(3), [0; 0], "it expires before it opens");
        let never = Visibility {
            expires_at: Some(hour(11)),
            ..article
        };
        let lead = shifted(-3);
        assert!((0..20).all(|h| !lead.are_timely(&never, hour(h))));
    }

    #[test]
    fn a_scope_is_all_of_what_it_names_and_what_is_withheld_is_in_none() {
        let facts = Facts {
            language: "fr",
            source: Some("MAP"),
            syndicatable: true,
        };
        let rights = Rights {
            tags: Some(TagFilter::Is(7)),
            languages: Some(vec!["fr".to_owned(), "ar".to_owned()]),
            sources: Some(vec!["MAP".to_owned()]),
            ..Rights::default()
        };
        assert!(rights.admit(facts, &[1, 7]));
        assert!(!rights.admit(facts, &[1]));
        let changed = [
            Facts {
                language: "fr-MA",
                ..facts
            },
            Facts {
                source: None,
                ..facts
            },
            Facts {
                syndicatable: false,
                ..facts
            },
        ];
        for facts in changed {
            assert!(!rights.admit(facts, &[7]), "{facts:?}");
        }
        let withheld = changed[2];
        assert!(!Rights::default().admit(withheld, &[]));
        assert!(Rights::default().admit(facts, &[]));
    }

    #[test]
    fn every_fault_of_a_grant_is_told() {
        let given = GivenGrant {
            tags: Some("a,(".to_owned()),
            languages: Some(vec![]),
            sources: Some(vec![String::new()]),
            text: Some("some".to_owned()),
            delay_minutes: Some(0),
            lead_minutes: Some(-1),
            daily_quota: Some(0),
            rate_per_minute: Some(100_001),
        };
        let mut check = Check::default();
        given.checked(Some(Role::Partner), &mut check);
        let faults = check.finish().unwrap_err();
        let pointers: Vec<&str> = faults.iter().map(|it| it.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            [
                "/scope/tags",
                "/scope/languages",
                "/scope/sources/0",
                "/text",
                "/delay_minutes",
                "/lead_minutes",
                "/daily_quota",
                "/rate_per_minute"
            ]
        );
        let mut check = Check::default();
        let given = GivenGrant {
            text: Some("headline".to_owned()),
            ..GivenGrant::default()
        };
        given.checked(Some(Role::Editor), &mut check);
        assert_eq!(check.finish().unwrap_err()[0].pointer, "/role");
    }
}
