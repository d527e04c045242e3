//! Answers with validators: entity tags, conditional requests, content codings, cache headers.
//!
//! The entity tag of a thing that can be written has two parts: which version of which thing it is, and a digest of the
//! very bytes. The first guards writes (`If-Match`), whatever form the caller read the thing in; the whole tells
//! caches whether the bytes are the same.

use std::collections::HashSet;
use std::io::Write;

use actix_web::http::header::{
    self, AcceptEncoding, ContentEncoding, Encoding, EntityTag, Header, HeaderName, HeaderValue,
    HttpDate, IfNoneMatch,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::api::precondition::StateTag;
use crate::error::{Error, Result};

/// Smaller bodies gain nothing from compression.
const WORTH_COMPRESSING: usize = 860;
/// Seconds a cache may serve an old answer while it asks for a new one, and while we do not answer.
const WHILE_REVALIDATING: u32 = 60;
const IF_ERROR: u32 = 86_400;

/// Bytes of cache tags: half of what the large content delivery networks take.
const MAX_CACHE_TAGS: usize = 8_000;

/// What a handler found, before the request's wishes are looked at.
#[derive(Debug, Default)]
pub struct Answer {
    body: Vec<u8>,
    last_modified: Option<DateTime<Utc>>,
    /// The second at which something in it must disappear, seen from now.
    good_for: Option<u32>,
    link: Option<String>,
    moved_to: Option<String>,
    cache_tags: Vec<String>,
    not_cached: bool,
    /// It is for one caller only.
    private: bool,
    status: Option<StatusCode>,
    /// Where what was made is.
    location: Option<String>,
    stands_for: Option<StateTag>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// An answer as it is kept for a request that may come again.
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
        let body = serde_json::to_vec(value)
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
    pub fn until(mut self, time: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        self.good_for = time.map(|time| u32::try_from((time - now).num_seconds()).unwrap_or(0));
        self
    }

    /// The address of the next page.
    pub fn next(mut self, address: Option<String>) -> Self {
        self.link = address.map(|address| format!("<{address}>; rel=\"next\""));
        self
    }

    /// The names by which a cache can be told that something inside has changed, each once. Those of an answer
    /// that holds too much for a header shrink to the first, which names the collection.
    pub fn cache_tags(mut self, tags: impl IntoIterator<Item = String>) -> Self {
        let mut known = HashSet::new();
        self.cache_tags = tags
            .into_iter()
            .filter(|tag| known.insert(tag.clone()))
            .collect();
        if self
            .cache_tags
            .iter()
            .map(|tag| tag.len() + 1)
            .sum::<usize>()
            > MAX_CACHE_TAGS
        {
            self.cache_tags.truncate(1);
        }
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

    /// Decides between the body and 304, and compresses the body as the request likes it.
    pub fn fulfil(self, wish: &Wish, max_age: u32) -> Ready {
        let digest = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(&self.body)[..18]);
        let coding = match self.body.len() >= WORTH_COMPRESSING {
            true => wish.coding,
            false => ContentEncoding::Identity,
        };
        // A strong tag names exact bytes, so each coding has its own (RFC 9110 section 8.8.3.3).
        let tag = match coding {
            ContentEncoding::Identity => digest.clone(),
            coding => format!("{digest}-{}", coding.as_str()),
        };
        let tag = match &self.stands_for {
            Some(StateTag(state)) => format!("{state}.{tag}"),
            None => tag,
        };
        let etag = EntityTag::new_strong(tag);
        let unchanged = self.moved_to.is_none() && wish.knows(&etag);
        let body = match unchanged {
            true => Vec::new(),
            false => compressed(&self.body, coding).unwrap_or_else(|| self.body.clone()),
        };
        Ready {
            cache_control: self.cache_control(max_age),
            answer: self,
            body,
            coding,
            etag,
            unchanged,
        }
    }

    fn cache_control(&self, max_age: u32) -> String {
        match self.good_for {
            _ if self.private => "private, no-store".to_owned(),
            _ if self.not_cached => "no-store".to_owned(),
            Some(seconds) if seconds <= max_age + WHILE_REVALIDATING => {
                format!("public, max-age={}", seconds.min(max_age))
            }
            _ => format!(
                "public, max-age={max_age}, stale-while-revalidate={WHILE_REVALIDATING}, stale-if-error={IF_ERROR}"
            ),
        }
    }
}

/// What a request says of the form of its answer.
#[derive(Debug)]
pub struct Wish {
    coding: ContentEncoding,
    if_none_match: Option<IfNoneMatch>,
}

impl Wish {
    pub fn of(request: &HttpRequest) -> Self {
        let safe = matches!(*request.method(), Method::GET | Method::HEAD);
        Self {
            coding: negotiated(request),
            if_none_match: request
                .headers()
                .contains_key(header::IF_NONE_MATCH)
                .then(|| IfNoneMatch::parse(request).ok())
                .flatten()
                .filter(|_| safe),
        }
    }

    /// Only a tag tells: a translation or a tag can change what an article shows and leave its date alone, so
    /// `If-Modified-Since` is not looked at.
    fn knows(&self, etag: &EntityTag) -> bool {
        match &self.if_none_match {
            Some(IfNoneMatch::Any) => true,
            Some(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(etag)),
            None => false,
        }
    }
}

fn negotiated(request: &HttpRequest) -> ContentEncoding {
    let supported = [
        Encoding::brotli(),
        Encoding::zstd(),
        Encoding::gzip(),
        Encoding::identity(),
    ];
    let accepted = AcceptEncoding::parse(request).ok();
    match accepted.and_then(|accepted| accepted.negotiate(supported.iter())) {
        Some(Encoding::Known(coding)) => coding,
        _ => ContentEncoding::Identity,
    }
}

/// An answer in its final form.
pub struct Ready {
    answer: Answer,
    body: Vec<u8>,
    coding: ContentEncoding,
    etag: EntityTag,
    unchanged: bool,
    cache_control: String,
}

impl Ready {
    pub fn respond(self) -> HttpResponse {
        let status = match (&self.answer.moved_to, self.unchanged) {
            (Some(_), _) => StatusCode::MOVED_PERMANENTLY,
            (None, true) => StatusCode::NOT_MODIFIED,
            (None, false) => self.answer.status.unwrap_or(StatusCode::OK),
        };
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CACHE_CONTROL, self.cache_control));
        response.insert_header((
            header::VARY,
            HeaderValue::from_static("accept-encoding, authorization"),
        ));
        for header in self.answer.headers {
            response.insert_header(header);
        }
        if let Some(location) = self.answer.moved_to {
            return response
                .insert_header((header::LOCATION, location))
                .finish();
        }
        if let Some(location) = self.answer.location {
            response.insert_header((header::LOCATION, location));
        }
        response.insert_header(header::ETag(self.etag));
        if let Some(time) = self.answer.last_modified {
            let date = HttpDate::from(std::time::SystemTime::from(time));
            response.insert_header(header::LastModified(date));
        }
        if let Some(link) = self.answer.link {
            response.insert_header((header::LINK, link));
        }
        if !self.answer.cache_tags.is_empty() {
            response.insert_header(("Cache-Tag", self.answer.cache_tags.join(",")));
            response.insert_header(("Surrogate-Key", self.answer.cache_tags.join(" ")));
        }
        if self.unchanged || status == StatusCode::NO_CONTENT {
            return response.finish();
        }
        if self.coding != ContentEncoding::Identity {
            response.insert_header((header::CONTENT_ENCODING, self.coding.as_str()));
        }
        response.insert_header((
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ));
        response.body(self.body)
    }
}

/// `None` where nothing is to be done. Writing to memory does not fail.
fn compressed(body: &[u8], coding: ContentEncoding) -> Option<Vec<u8>> {
    match coding {
        ContentEncoding::Gzip => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
            encoder.write_all(body).ok()?;
            encoder.finish().ok()
        }
        ContentEncoding::Brotli => {
            let parameters = brotli::enc::BrotliEncoderParams {
                quality: 5,
                ..Default::default()
            };
            let mut out = Vec::new();
            brotli::BrotliCompress(&mut &body[..], &mut out, &parameters).ok()?;
            Some(out)
        }
        ContentEncoding::Zstd => zstd::bulk::compress(body, 3).ok(),
        _ => None,
    }
}
