//! An answer in its final form: bytes, validators, codings, headers, ready to be given any number of times.
//!
//! The entity tag of a thing that can be written has two parts: which version of which thing it is, and a digest of the
//! very bytes. The first guards writes (`If-Match`), whatever form the caller read the thing in; the whole tells
//! caches whether the bytes are the same.

use std::io::Write;
use std::sync::OnceLock;
use std::time::SystemTime;

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue, HttpDate, TryIntoHeaderValue};
use actix_web::web::Bytes;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};

use crate::api::precondition::StateTag;
use crate::api::wish::{Coding, Wish};
use crate::delivery;

/// Smaller bodies gain nothing from compression.
const WORTH_COMPRESSING: usize = 860;
/// Seconds a cache may serve an old answer while it asks for a new one, and while we do not answer.
const WHILE_REVALIDATING: u32 = 60;
const IF_ERROR: u32 = 86_400;
/// Bytes of cache tags: half of what the large content delivery networks take.
const MAX_CACHE_TAGS: usize = 8_000;

/// Bytes of what the entity tags of an answer have in common, at the most.
const STEM: usize = 40;

/// In the place of more: with whatever moves for the public, at least one of these does.
const COVERING: [&str; 2] = ["articles", "tags"];

const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// What an answer is made of.
pub struct Parts {
    pub body: Vec<u8>,
    /// JSON, where it is not said.
    pub media_type: Option<&'static str>,
    pub status: Option<StatusCode>,
    pub moved_to: Option<String>,
    pub location: Option<String>,
    pub stands_for: Option<StateTag>,
    pub last_modified: Option<DateTime<Utc>>,
    pub link: Option<String>,
    pub cache_tags: Vec<String>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub freshness: Freshness,
}

/// Who may keep an answer, and for how long.
pub enum Freshness {
    /// For one caller only.
    Private,
    /// It says something about this moment only.
    Momentary,
    Public {
        /// In seconds.
        max_age: u32,
        /// When something in it must disappear.
        until: Option<DateTime<Utc>>,
    },
}

/// An answer in every form in which it may be asked for; those that take work are made when they first are.
pub struct Finished {
    status: StatusCode,
    body: Bytes,
    media_type: HeaderValue,
    /// In the order of [`Coding::COMPRESSED`]; `None` where a form is no gain.
    compressed: [OnceLock<Option<Bytes>>; Coding::COMPRESSED.len()],
    /// `None` for what has no validators.
    tags: Option<Tags>,
    headers: Vec<(HeaderName, HeaderValue)>,
    freshness: Freshness,
    /// What [`Freshness`] says as long as nothing in it is about to disappear.
    usual: HeaderValue,
}

/// The entity tags of an answer: a strong tag names exact bytes, so each coding has its own (RFC 9110 section 8.8.3.3).
struct Tags {
    /// What they have in common.
    stem: String,
    /// By [`Coding`]; most are never asked for.
    made: [OnceLock<HeaderValue>; Coding::ALL.len()],
}

impl Tags {
    fn of(body: &[u8], stands_for: Option<&StateTag>) -> Self {
        let mut stem = String::with_capacity(STEM);
        if let Some(StateTag(state)) = stands_for {
            stem.push_str(state);
            stem.push('.');
        }
        // Authors choose the bytes, and must not find two texts of one tag: a digest made for that, and no checksum.
        let digest = blake3::hash(body);
        BASE64_URL_SAFE_NO_PAD.encode_string(&digest.as_bytes()[..18], &mut stem);
        Self {
            stem,
            made: Default::default(),
        }
    }

    fn named(&self, coding: Coding) -> &HeaderValue {
        self.made[coding as usize].get_or_init(|| match coding {
            Coding::Identity => value(["\"", &self.stem, "\""].concat()),
            coding => value(format!("\"{}-{}\"", self.stem, coding.as_str())),
        })
    }
}

impl Finished {
    pub fn of(mut parts: Parts) -> Self {
        let status = match &parts.moved_to {
            Some(_) => StatusCode::MOVED_PERMANENTLY,
            None => parts.status.unwrap_or(StatusCode::OK),
        };
        let tags = match parts.moved_to {
            Some(_) => None,
            None => Some(Tags::of(&parts.body, parts.stands_for.as_ref())),
        };
        // It may be kept for long, and is counted by its length.
        parts.body.shrink_to_fit();
        Self {
            status,
            tags,
            media_type: HeaderValue::from_static(parts.media_type.unwrap_or("application/json")),
            headers: headers(&mut parts),
            usual: value(parts.freshness.as_usual()),
            freshness: parts.freshness,
            body: parts.body.into(),
            compressed: Default::default(),
        }
    }

    /// About how many bytes it takes, with all its forms.
    pub fn bytes(&self) -> usize {
        let headers = self.headers.iter().map(|(_, value)| value.len() + 64);
        // The compressed forms together are about as long as the plain one.
        2 * self.body.len() + headers.sum::<usize>() + 400
    }

    /// Whether the form that is wished for takes work that has not been done.
    pub fn is_to_be_prepared(&self, wish: &Wish) -> bool {
        !self.is_unchanged(wish)
            && self
                .form(self.coding(wish))
                .is_some_and(|form| form.get().is_none())
    }

    /// Does the work for the form that is wished for.
    pub fn prepare(&self, wish: &Wish) {
        let coding = self.coding(wish);
        if let Some(form) = self.form(coding)
            && !self.is_unchanged(wish)
        {
            form.get_or_init(|| compressed(&self.body, coding));
        }
    }

    /// The response to a request that came at `now`.
    pub fn respond(&self, wish: &Wish, now: DateTime<Utc>) -> HttpResponse {
        let coding = self.coding(wish);
        let (coding, body) = match self.form(coding).and_then(OnceLock::get) {
            Some(Some(compressed)) => (coding, compressed),
            _ => (Coding::Identity, &self.body),
        };
        let unchanged = self.is_unchanged(wish);
        let is_empty = unchanged || self.tags.is_none() || self.status == StatusCode::NO_CONTENT;
        let status = match unchanged {
            true => StatusCode::NOT_MODIFIED,
            false => self.status,
        };
        let mut response = match is_empty {
            true => HttpResponse::new(status),
            false => HttpResponse::with_body(status, BoxBody::new(body.clone())),
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, self.cache_control(now));
        headers.insert(
            header::VARY,
            HeaderValue::from_static("accept-encoding, authorization"),
        );
        // Of the form that would be sent, also where none is.
        let named = match unchanged {
            true => self.coding(wish),
            false => coding,
        };
        if let Some(tags) = &self.tags {
            headers.insert(header::ETAG, tags.named(named).clone());
        }
        for (name, value) in &self.headers {
            headers.append(name.clone(), value.clone());
        }
        if !is_empty {
            headers.insert(header::CONTENT_TYPE, self.media_type.clone());
            if coding != Coding::Identity {
                headers.insert(
                    header::CONTENT_ENCODING,
                    HeaderValue::from_static(coding.as_str()),
                );
            }
        }
        response
    }

    fn is_unchanged(&self, wish: &Wish) -> bool {
        // Most requests know none.
        wish.knows_any()
            && self
                .tags
                .as_ref()
                .is_some_and(|tags| wish.knows(tags.named(self.coding(wish))))
    }

    fn coding(&self, wish: &Wish) -> Coding {
        match self.body.len() >= WORTH_COMPRESSING {
            true => wish.coding(),
            false => Coding::Identity,
        }
    }

    fn form(&self, coding: Coding) -> Option<&OnceLock<Option<Bytes>>> {
        let place = Coding::COMPRESSED
            .iter()
            .position(|known| *known == coding)?;
        self.compressed.get(place)
    }

    fn cache_control(&self, now: DateTime<Utc>) -> HeaderValue {
        match self.freshness {
            Freshness::Public {
                max_age,
                until: Some(until),
            } => {
                let left = (until - now).num_seconds().clamp(0, i64::from(u32::MAX)) as u32;
                // Also what is given while we do not answer must end in time.
                match left.saturating_sub(max_age) {
                    IF_ERROR.. => self.usual.clone(),
                    beyond if beyond <= WHILE_REVALIDATING => {
                        value(format!("public, max-age={}", left.min(max_age)))
                    }
                    beyond => value(kept_by_all(max_age, beyond)),
                }
            }
            _ => self.usual.clone(),
        }
    }
}

impl Freshness {
    fn as_usual(&self) -> String {
        match self {
            Self::Private => "private, no-store".to_owned(),
            Self::Momentary => "no-store".to_owned(),
            Self::Public { max_age, .. } => kept_by_all(*max_age, IF_ERROR),
        }
    }
}

fn kept_by_all(max_age: u32, if_error: u32) -> String {
    format!(
        "public, max-age={max_age}, stale-while-revalidate={WHILE_REVALIDATING}, stale-if-error={if_error}"
    )
}

/// Makes an answer one that no cache may keep, though it was made to be kept.
pub fn forbid_keeping(response: &mut HttpResponse) {
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        value(Freshness::Momentary.as_usual()),
    );
    headers.remove(CACHE_TAG);
    headers.remove(SURROGATE_KEY);
}

/// Those that are the same whatever the request wishes.
fn headers(parts: &mut Parts) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = std::mem::take(&mut parts.headers);
    if let Some(location) = parts.moved_to.as_ref().or(parts.location.as_ref()) {
        headers.push((header::LOCATION, value(location.clone())));
    }
    let tags = cache_tags(parts);
    if !tags.is_empty() {
        headers.push((CACHE_TAG, value(tags.join(","))));
        headers.push((SURROGATE_KEY, value(tags.join(" "))));
    }
    if parts.moved_to.is_some() {
        return headers;
    }
    if let Some(time) = parts.last_modified {
        let date = HttpDate::from(SystemTime::from(time)).try_into_value();
        headers.extend(date.ok().map(|date| (header::LAST_MODIFIED, date)));
    }
    if let Some(link) = &parts.link {
        headers.push((header::LINK, value(link.clone())));
    }
    headers
}

/// The names by which caches outside can be told that something in it has changed, and the one that is on every answer.
fn cache_tags(parts: &Parts) -> Vec<&str> {
    if !matches!(parts.freshness, Freshness::Public { .. }) {
        return Vec::new();
    }
    let named = parts.cache_tags.iter().map(String::as_str);
    let mut tags: Vec<&str> = match parts.moved_to {
        // What it leads to may be renamed, or merged.
        Some(_) => COVERING.to_vec(),
        None => named.collect(),
    };
    if tags.iter().map(|tag| tag.len() + 1).sum::<usize>() > MAX_CACHE_TAGS {
        tags.truncate(1);
        tags.extend(COVERING.iter().filter(|tag| **tag != parts.cache_tags[0]));
    }
    tags.push(delivery::EVERYTHING);
    tags
}

/// What is put into headers here is ours, in visible characters; anything else would be left out.
fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// `None` where nothing is to be done. Writing to memory does not fail.
fn compressed(body: &[u8], coding: Coding) -> Option<Bytes> {
    let compressed = match coding {
        Coding::Identity => None,
        Coding::Gzip => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
            encoder.write_all(body).ok()?;
            encoder.finish().ok()
        }
        Coding::Brotli => {
            let parameters = brotli::enc::BrotliEncoderParams {
                quality: 5,
                ..Default::default()
            };
            let mut out = Vec::new();
            brotli::BrotliCompress(&mut &body[..], &mut out, &parameters).ok()?;
            Some(out)
        }
        Coding::Zstd => zstd::bulk::compress(body, 3).ok(),
    };
    compressed.map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn what_must_not_be_kept_says_so_and_has_no_names_to_purge() {
        let finished = Finished::of(Parts {
            body: b"{}".to_vec(),
            media_type: None,
            status: None,
            moved_to: None,
            location: None,
            stands_for: None,
            last_modified: None,
            link: None,
            cache_tags: vec!["article-a".to_owned()],
            headers: Vec::new(),
            freshness: Freshness::Public {
                max_age: 10,
                until: None,
            },
        });
        let request = TestRequest::get().to_http_request();
        let wish = Wish::of(request.method(), &request);
        let mut response = finished.respond(&wish, Utc::now());
        assert!(response.headers().contains_key(CACHE_TAG));
        forbid_keeping(&mut response);
        let headers = response.headers();
        assert_eq!(headers.get(header::CACHE_CONTROL).unwrap(), "no-store");
        assert!(!headers.contains_key(CACHE_TAG) && !headers.contains_key(SURROGATE_KEY));
        assert!(headers.contains_key(header::ETAG));
    }
}
