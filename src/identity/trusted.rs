//! Tokens of an outside issuer, whose public keys are fetched and kept for a while.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::config::{KeySource, TrustedIssuer};
use crate::content::role::Role;
use crate::identity::authority::{Mark, OutsideToken, mark};
use crate::identity::claims::{self, Members};
use crate::identity::jwk;
use crate::identity::jws::{Fault, Jws, PublicKey};
use crate::identity::secret;

/// How long keys are good without being looked at again.
const FRESH: Duration = Duration::from_secs(600);
/// Between two fetches, however many tokens name a key that is not known.
const PAUSE: Duration = Duration::from_secs(30);
/// What one fetch may take.
const PATIENCE: Duration = Duration::from_secs(5);
const MAX_BYTES: u64 = 1 << 20;
/// Characters of a subject.
const MAX_SUBJECT: usize = 200;
/// Types that issuers give their access tokens; many give none (RFC 8725 section 3.11 wants one).
const TYPES: [&str; 2] = ["at+jwt", "jwt"];

pub struct Trusted(Arc<Inner>);

struct Inner {
    config: TrustedIssuer,
    agent: ureq::Agent,
    keys: RwLock<Known>,
    /// When keys were last asked for. Whoever holds it is asking.
    asked: Mutex<Option<Instant>>,
}

#[derive(Clone, Default)]
struct Known {
    keys: Arc<Vec<PublicKey>>,
    since: Option<Instant>,
}

impl Trusted {
    /// A file must be there at the start; an address is asked when the first token comes.
    ///
    /// # Errors
    /// One line for the operator.
    pub fn open(config: &TrustedIssuer) -> Result<Self, String> {
        let agent = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let inner = Inner {
            config: config.clone(),
            agent,
            keys: RwLock::default(),
            asked: Mutex::default(),
        };
        if let KeySource::File(path) = &config.keys {
            let keys = read_file(path)?;
            inner.keep(keys);
        }
        Ok(Self(Arc::new(inner)))
    }

    pub fn issuer(&self) -> &str {
        &self.0.config.issuer
    }

    /// # Errors
    /// A phrase.
    pub fn read(&self, token: &Jws, now: DateTime<Utc>) -> Result<OutsideToken, Fault> {
        if !self.has_signed(token) {
            return Err("is not signed by a key of its issuer");
        }
        if !token.typ.as_deref().is_none_or(|typ| TYPES.contains(&typ)) {
            return Err("is not of the type at+jwt");
        }
        let claims = &token.claims;
        claims.is_for(&self.0.config.audience)?;
        let expires = claims.is_timely(now)?;
        let subject = claims.text("sub")?.ok_or("has no subject")?;
        let sound = (1..=MAX_SUBJECT).contains(&subject.chars().count())
            && !subject.contains(char::is_control);
        if !sound {
            return Err("has a subject that is no name");
        }
        Ok(OutsideToken {
            name: self.name(subject),
            role: role(claims, &self.0.config.role_claim),
            mark: Mark {
                // The text that was signed, and not the whole: a signature by ES256 can be written in two ways.
                id: mark(claims)?.unwrap_or_else(|| secret::digest(token.message)),
                expires_at: claims::moment(expires),
            },
        })
    }

    /// Neither users nor keys have a name with these characters.
    fn name(&self, subject: &str) -> String {
        let issuer = self.issuer();
        let place = issuer.split_once("://").map_or(issuer, |(_, place)| place);
        format!("outside:{subject}@{}", place.trim_end_matches('/'))
    }

    fn has_signed(&self, token: &Jws) -> bool {
        let known = self.0.known();
        let candidates = |known: &Known| known.keys.iter().any(|key| token.may_be_of(key));
        if candidates(&known) {
            if known.since.is_none_or(|since| since.elapsed() >= FRESH) {
                self.renew_aside();
            }
            return signed(&known, token);
        }
        // A new key, perhaps. Whoever comes while it is being asked for waits for the answer.
        self.0.renew();
        signed(&self.0.known(), token)
    }

    /// Old keys still count while new ones are on their way, and when those do not come.
    fn renew_aside(&self) {
        if let Err(TryLockError::WouldBlock) = self.0.asked.try_lock() {
            return;
        }
        let inner = Arc::clone(&self.0);
        let started = thread::Builder::new().spawn(move || inner.renew());
        if let Err(error) = started {
            log::warn!("cannot start a thread to fetch keys: {error}");
        }
    }
}

fn signed(known: &Known, token: &Jws) -> bool {
    known.keys.iter().any(|key| token.is_signed_by(key))
}

impl Inner {
    fn known(&self) -> Known {
        self.keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn keep(&self, keys: Vec<PublicKey>) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Known {
            keys: Arc::new(keys),
            since: Some(Instant::now()),
        };
    }

    /// Asks for the keys, unless that was done a moment ago.
    fn renew(&self) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        let fetched = match &self.config.keys {
            KeySource::File(path) => read_file(path),
            KeySource::Url(url) => self.fetch(url),
        };
        match fetched {
            Ok(keys) => self.keep(keys),
            Err(error) => log::warn!("keys of {}: {error}", self.config.issuer),
        }
        *asked = Some(Instant::now());
    }

    fn fetch(&self, url: &str) -> Result<Vec<PublicKey>, String> {
        let said = |error: ureq::Error| error.to_string();
        let mut response = self.agent.get(url).call().map_err(said)?;
        if response.status() != 200 {
            return Err(format!("the answer is {}", response.status()));
        }
        let body = response.body_mut().with_config().limit(MAX_BYTES);
        jwk::read_set(&body.read_to_vec().map_err(said)?)
    }
}

fn read_file(path: &Path) -> Result<Vec<PublicKey>, String> {
    let said = |error: String| format!("{}: {error}", path.display());
    let bytes = fs::read(path).map_err(|error| said(error.to_string()))?;
    jwk::read_set(&bytes).map_err(said)
}

/// The highest role that the claim names.
fn role(claims: &Members, claim: &str) -> Role {
    let named: Vec<&str> = match claims.get(claim) {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let known = named.into_iter().filter_map(Role::parse);
    known.max().unwrap_or(Role::Reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_known_role_counts() {
        for (claim, expected) in [
            (r#""editor""#, Role::Editor),
            (r#"["x","author","reader"]"#, Role::Author),
            (r#"["Admin",7]"#, Role::Reader),
            (r#"{"role":"admin"}"#, Role::Reader),
            ("7", Role::Reader),
        ] {
            let claims = Members::parse(format!(r#"{{"roles":{claim}}}"#).as_bytes()).unwrap();
            assert_eq!(role(&claims, "roles"), expected, "{claim}");
        }
    }
}
