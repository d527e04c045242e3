//! Tokens of an outside issuer, whose public keys are fetched and kept for a while.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
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
/// How long keys count that cannot be fetched again: their issuer may have withdrawn them long ago.
const LAST_RESORT: Duration = Duration::from_secs(24 * 3_600);
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
    /// When keys were last asked for.
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
        if let KeySource::Url(url) = &config.keys {
            check_url(url)?;
        }
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
        let known = self.0.known(Instant::now());
        let candidates = |known: &Known| known.keys.iter().any(|key| token.may_be_of(key));
        if candidates(&known) {
            if known.since.is_none_or(|since| since.elapsed() >= FRESH) {
                self.renew_aside();
            }
            return signed(&known, token);
        }
        // A new key, perhaps. Whoever comes while it is being asked for is refused at once, for strangers must not keep
        // threads waiting.
        if !self.0.may_ask(Instant::now()) {
            return false;
        }
        self.0.ask();
        signed(&self.0.known(Instant::now()), token)
    }

    /// Old keys still count while new ones are on their way, and when those do not come.
    fn renew_aside(&self) {
        if !self.0.may_ask(Instant::now()) {
            return;
        }
        let inner = Arc::clone(&self.0);
        let started = thread::Builder::new().spawn(move || inner.ask());
        if let Err(error) = started {
            log::warn!("cannot start a thread to fetch keys: {error}");
        }
    }
}

fn signed(known: &Known, token: &Jws) -> bool {
    known.keys.iter().any(|key| token.is_signed_by(key))
}

impl Inner {
    fn known(&self, now: Instant) -> Known {
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let age = known
            .since
            .map(|since| now.saturating_duration_since(since));
        match age.is_some_and(|age| age >= LAST_RESORT) {
            true => Known::default(),
            false => known.clone(),
        }
    }

    /// Once in a while, for one of those who want to.
    fn may_ask(&self, now: Instant) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = asked.is_some_and(|at| now.saturating_duration_since(at) < PAUSE);
        if !recent {
            *asked = Some(now);
        }
        !recent
    }

    fn keep(&self, keys: Vec<PublicKey>) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Known {
            keys: Arc::new(keys),
            since: Some(Instant::now()),
        };
    }

    fn ask(&self) {
        let fetched = match &self.config.keys {
            KeySource::File(path) => read_file(path),
            KeySource::Url(url) => self.fetch(url),
        };
        match fetched {
            Ok(keys) => self.keep(keys),
            Err(error) => log::warn!("keys of {}: {error}", self.config.issuer),
        }
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

/// Whoever can change the answer on its way says who everyone is.
fn check_url(url: &str) -> Result<(), String> {
    let parsed: Option<ureq::http::Uri> = url.parse().ok();
    let host = parsed.as_ref().and_then(|url| url.host());
    let host = host.ok_or_else(|| format!("the address of keys {url:?} is none"))?;
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match is_here || !url.starts_with("http://") {
        true => Ok(()),
        false => Err(format!("keys are fetched over https: {url:?} is not")),
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

    fn trusting(keys: KeySource) -> Result<Trusted, String> {
        Trusted::open(&TrustedIssuer {
            issuer: "https://login.example".to_owned(),
            audience: "k".to_owned(),
            keys,
            role_claim: "role".to_owned(),
        })
    }

    #[test]
    fn keys_come_over_https_or_from_this_machine() {
        for (url, good) in [
            ("https://login.example/keys", true),
            ("http://login.example/keys", false),
            ("http://127.0.0.1:8000/keys", true),
            ("http://[::1]/keys", true),
            ("http://localhost/keys", true),
            ("http://127.0.0.1.login.example/keys", false),
            ("http://localhost@login.example/keys", false),
        ] {
            let opened = trusting(KeySource::Url(url.to_owned()));
            assert_eq!(opened.is_ok(), good, "{url}");
        }
    }

    #[test]
    fn keys_count_for_a_day_without_being_fetched_again() {
        let trusted = trusting(KeySource::Url("https://login.example/keys".to_owned())).unwrap();
        let key = jsonwebtoken::DecodingKey::from_secret(b"k");
        trusted.0.keep(vec![PublicKey {
            kid: None,
            algorithm: jsonwebtoken::Algorithm::EdDSA,
            key,
        }]);
        let after = |seconds| {
            let then = Instant::now() + Duration::from_secs(seconds);
            trusted.0.known(then).keys.len()
        };
        assert_eq!((after(86_000), after(86_401)), (1, 0));
        assert!(trusted.0.may_ask(Instant::now()));
        assert!(!trusted.0.may_ask(Instant::now()));
        assert!(trusted.0.may_ask(Instant::now() + PAUSE));
    }

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
