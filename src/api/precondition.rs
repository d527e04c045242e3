//! Which state of a thing a write is meant for.

use actix_web::HttpRequest;
use actix_web::http::header::{self, Header, IfMatch, IfNoneMatch};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Names a version of a thing, for entity tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateTag(pub(super) String);

impl StateTag {
    /// Opaque, so that no one counts on more than equality.
    pub fn of(id: &str, version: i64) -> Self {
        let digest = Sha256::digest(format!("{id} {version}"));
        Self(BASE64_URL_SAFE_NO_PAD.encode(&digest[..9]))
    }
}

/// Which state a write is meant for (RFC 9110 section 13.1).
#[derive(Debug)]
pub struct Precondition {
    if_match: Option<IfMatch>,
    only_if_new: bool,
}

impl Precondition {
    /// # Errors
    /// 412 where a header cannot be read, since nothing matches it.
    pub fn of(request: &HttpRequest) -> Result<Self> {
        let unreadable =
            |_| Error::PreconditionFailed("the condition is no list of entity tags".to_owned());
        let headers = request.headers();
        let if_match = match headers.contains_key(header::IF_MATCH) {
            true => Some(IfMatch::parse(request).map_err(unreadable)?),
            false => None,
        };
        let only_if_new = match headers.contains_key(header::IF_NONE_MATCH) {
            true => IfNoneMatch::parse(request).map_err(unreadable)? == IfNoneMatch::Any,
            false => false,
        };
        Ok(Self {
            if_match,
            only_if_new,
        })
    }

    /// # Errors
    /// For a thing that exists: 412 where it is in another state, 428 where the caller named none.
    pub fn holds_for(&self, present: &StateTag) -> Result<()> {
        if self.only_if_new {
            return Err(Error::PreconditionFailed("it exists already".to_owned()));
        }
        let matches = match &self.if_match {
            None => return Err(Error::PreconditionRequired),
            Some(IfMatch::Any) => true,
            // By strong comparison, and by the part of the tag that tells the version.
            Some(IfMatch::Items(tags)) => tags
                .iter()
                .any(|tag| !tag.weak && tag.tag().split('.').next() == Some(&present.0)),
        };
        match matches {
            true => Ok(()),
            false => Err(Error::PreconditionFailed(
                "it is no longer in the state that you have read".to_owned(),
            )),
        }
    }

    /// # Errors
    /// 412 where the caller takes something for existing that does not.
    pub fn holds_for_nothing(&self) -> Result<()> {
        match self.if_match {
            Some(_) => Err(Error::PreconditionFailed("it does not exist".to_owned())),
            None => Ok(()),
        }
    }
}
