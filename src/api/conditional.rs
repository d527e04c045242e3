//! What a handler found, before it is given a form: the body, and what its headers are to say.

use std::collections::HashSet;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::api::finished::{Finished, Freshness, Parts};
use crate::api::json;
use crate::api::precondition::StateTag;
use crate::cache::{Depends, RANKINGS, Ranks, Stretch};
use crate::error::{Error, Result};

/// The cache tag of every list of articles: one for those who cannot tell which articles a list is about.
pub const LISTS: &str = "articles";

/// What a handler found, before the request's wishes are looked at.
#[derive(Debug, Default)]
pub struct Answer {
    body: Vec<u8>,
    /// JSON, where it is not said.
    media_type: Option<&'static str>,
    last_modified: Option<DateTime<Utc>>,
    /// When something in it must disappear.
    expires: Option<DateTime<Utc>>,
    link: Option<String>,
    moved_to: Option<String>,
    cache_tags: Vec<String>,
    keep: Option<Keep>,
    not_cached: bool,
    /// It is for one caller only.
    private: bool,
    status: Option<StatusCode>,
    /// Where what was made is.
    location: Option<String>,
    stands_for: Option<StateTag>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// How long an answer may be given again, beyond what its cache tags say.
#[derive(Debug, Default)]
pub struct Keep {
    /// The stretch of a list that it shows.
    pub stretch: Option<Stretch>,
    /// Whether it changes when any article appears or disappears by itself.
    pub with_time: bool,
    /// Whether an index had a part in it.
    pub derived: bool,
    /// Where all that it ranks by nearness are the neighbours of some articles: their numbers.
    pub neighbours_of: Vec<i64>,
    /// Where the related engine keeps these neighbours: until when, in unix microseconds.
    pub ranking_until: Option<i64>,
}

/// An answer as it is stored for a request that may come again.
#[derive(Serialize, Deserialize)]
struct StoredAnswer {
    status: Option<u16>,
    body: String,
    location: Option<String>,
    stands_for: Option<String>,
    last_modified: Option<DateTime<Utc>>,
}

impl Answer {
    /// # Errors
    /// When the value cannot be serialised.
    pub fn json(value: &impl Serialize) -> Result<Self> {
        let body = json::to_vec(value)
            .map_err(|error| Error::Internal(format!("cannot serialise an answer: {error}")))?;
        Ok(Self::of_json(body))
    }

    /// JSON that is ready.
    pub fn of_json(body: Vec<u8>) -> Self {
        Self {
            body,
            ..Self::default()
        }
    }

    /// Something else than JSON.
    pub fn of(body: Vec<u8>, media_type: &'static str) -> Self {
        Self {
            body,
            media_type: Some(media_type),
            ..Self::default()
        }
    }

    /// JSON whose bytes can stand in an HTML `script` element: `<` occurs in strings only, where it can be escaped.
    pub fn embeddable(mut self, embeddable: bool) -> Self {
        if embeddable && self.body.contains(&b'<') {
            let parts: Vec<&[u8]> = self.body.split(|byte| *byte == b'<').collect();
            self.body = parts.join(&b"\\u003c"[..]);
        }
        self
    }

    /// The thing has another address now.
    pub fn moved(location: String) -> Self {
        Self {
            moved_to: Some(location),
            ..Self::default()
        }
    }

    /// Something was made, and is at `location`.
    pub fn created(mut self, location: String) -> Self {
        self.status = Some(StatusCode::CREATED);
        self.location = Some(location);
        self
    }

    /// Done, and nothing to say.
    pub fn no_content() -> Self {
        Self {
            status: Some(StatusCode::NO_CONTENT),
            ..Self::default()
        }
    }

    /// Which version of which thing this shows, so that a write can be bound to it.
    pub fn stands_for(mut self, tag: StateTag) -> Self {
        self.stands_for = Some(tag);
        self
    }

    /// For this caller only: no cache may keep it.
    pub fn private(mut self, private: bool) -> Self {
        self.private = private;
        self
    }

    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub fn last_modified(mut self, time: Option<DateTime<Utc>>) -> Self {
        self.last_modified = time;
        self
    }

    /// Must not be kept past this second.
    pub fn until(mut self, time: Option<DateTime<Utc>>) -> Self {
        self.expires = time;
        self
    }

    /// May be given again to whoever asks the same, until one of its cache tags moves or what `keep` says.
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = Some(keep);
        self
    }

    /// The address of the next page.
    pub fn next(self, address: Option<String>) -> Self {
        match address {
            Some(address) => self.linked(&address, "rel=\"next\""),
            None => self,
        }
    }

    /// Another address and what it is (RFC 8288); all stand in one `Link`.
    pub fn linked(mut self, address: &str, what: &str) -> Self {
        let link = self.link.get_or_insert_default();
        if !link.is_empty() {
            link.push_str(", ");
        }
        link.push_str(&format!("<{address}>; {what}"));
        self
    }

    /// The names by which a cache can be told that something inside has changed, each once.
    pub fn cache_tags(mut self, tags: impl IntoIterator<Item = String>) -> Self {
        let mut tags: Vec<String> = tags.into_iter().collect();
        let mut known = HashSet::with_capacity(tags.len());
        let are_new: Vec<bool> = tags.iter().map(|tag| known.insert(tag.as_str())).collect();
        let mut are_new = are_new.into_iter();
        tags.retain(|_| are_new.next().unwrap_or(true));
        self.cache_tags = tags;
        self
    }

    /// It says something about this moment only.
    pub fn not_cached(mut self, not_cached: bool) -> Self {
        self.not_cached = not_cached;
        self
    }

    /// The answer as text, to be given again to the same request.
    ///
    /// # Errors
    /// When its body is no JSON.
    pub fn to_stored(&self) -> Result<String> {
        let broken = |error| Error::Internal(format!("an answer cannot be kept: {error}"));
        let stored = StoredAnswer {
            status: self.status.map(|status| status.as_u16()),
            body: String::from_utf8(self.body.clone())
                .map_err(|error| broken(error.to_string()))?,
            location: self.location.clone(),
            stands_for: self.stands_for.as_ref().map(|tag| tag.0.clone()),
            last_modified: self.last_modified,
        };
        serde_json::to_string(&stored).map_err(|error| broken(error.to_string()))
    }

    /// # Errors
    /// When the text is none that [`Answer::to_stored`] made.
    pub fn from_stored(text: &str) -> Result<Self> {
        let stored: StoredAnswer = serde_json::from_str(text)
            .map_err(|error| Error::Internal(format!("a kept answer is broken: {error}")))?;
        Ok(Self {
            status: stored
                .status
                .and_then(|status| StatusCode::from_u16(status).ok()),
            body: stored.body.into_bytes(),
            location: stored.location,
            stands_for: stored.stands_for.map(StateTag),
            last_modified: stored.last_modified,
            ..Self::default()
        })
    }

    /// What it depends on, where it may be given again.
    pub fn take_depends(&mut self) -> Option<Depends> {
        let is_plain = !self.private && !self.not_cached && self.moved_to.is_none();
        let keep = self.keep.take().filter(|_| is_plain)?;
        // A list says more closely than its name which articles concern it.
        let stretch = keep.stretch.as_ref();
        let is_closer = stretch.is_some_and(|stretch| !stretch.whole);
        let groups = self.cache_tags.iter().map(String::as_str);
        let groups = groups.filter(|tag| !(is_closer && *tag == LISTS) && *tag != RANKINGS);
        let expires = self.expires.map_or(i64::MAX, |at| at.timestamp_micros());
        Some(Depends {
            stretch: keep.stretch,
            until: expires.min(keep.ranking_until.unwrap_or(i64::MAX)),
            with_time: keep.with_time,
            derived: keep.derived,
            ranks: match keep.neighbours_of {
                _ if !self.cache_tags.iter().any(|tag| tag == RANKINGS) => Ranks::Nothing,
                nums if nums.is_empty() => Ranks::Anything,
                nums if keep.ranking_until.is_some() => Ranks::Ranking(nums.into_boxed_slice()),
                nums => Ranks::Neighbours(nums.into_boxed_slice()),
            },
            ..Depends::on(groups)
        })
    }

    /// The answer in its final form; `max_age` is for how many seconds others may keep it.
    pub fn finish(self, max_age: u32) -> Finished {
        let freshness = match self.private {
            true => Freshness::Private,
            false if self.not_cached => Freshness::Momentary,
            false => Freshness::Public {
                max_age,
                until: self.expires,
            },
        };
        Finished::of(Parts {
            body: self.body,
            media_type: self.media_type,
            status: self.status,
            moved_to: self.moved_to,
            location: self.location,
            stands_for: self.stands_for,
            last_modified: self.last_modified,
            link: self.link,
            cache_tags: self.cache_tags,
            headers: self.headers,
            freshness,
        })
    }
}
