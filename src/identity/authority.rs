//! Access tokens (RFC 9068): made for our users, read whoever made them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::config::IdentityConfig;
use crate::content::role::Role;
use crate::error::{Error, Result};
use crate::identity::claims::{self, Members};
use crate::identity::jws::{Fault, Jws};
use crate::identity::secret;
use crate::identity::signing::Keys;
use crate::identity::trusted::Trusted;

const ACCESS_TOKEN: &str = "at+jwt";

/// Makes and reads access tokens.
pub struct Authority {
    keys: Keys,
    issuer: String,
    audience: String,
    access_ttl: Duration,
    session_ttl: Duration,
    trusted: Option<Trusted>,
}

/// What a token says that is signed, meant for us and in its time. Whether its bearer still may is for the database.
#[derive(Debug)]
pub enum Token {
    Own(OwnToken),
    Outside(OutsideToken),
}

#[derive(Debug)]
pub struct OwnToken {
    /// A user's name.
    pub subject: String,
    pub role: Role,
    pub session: Option<String>,
    /// In seconds, as the token has it.
    pub issued_at: f64,
    pub mark: Mark,
}

#[derive(Debug)]
pub struct OutsideToken {
    /// No user's and no key's name can be the same.
    pub name: String,
    pub role: Role,
    pub mark: Mark,
}

/// By what a single token is known when it is given back before its time.
#[derive(Clone, Debug)]
pub struct Mark {
    pub id: String,
    pub expires_at: DateTime<Utc>,
}

impl Mark {
    /// Whether its token has expired, on every clock that may differ from ours.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        claims::seconds(now) >= claims::seconds(self.expires_at) + claims::LEEWAY
    }
}

impl Authority {
    /// # Errors
    /// One line for the operator.
    pub fn open(config: &IdentityConfig, shared_database: bool) -> Result<Self, String> {
        Ok(Self {
            keys: Keys::open(&config.signing, shared_database)?,
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            access_ttl: config.access_ttl,
            session_ttl: config.session_ttl,
            trusted: config.trusted.as_ref().map(Trusted::open).transpose()?,
        })
    }

    /// When a login of now ends.
    pub fn session_end(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + self.session_ttl
    }

    /// A token for a user, and the seconds it is good for. It does not outlive its session.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn issue(
        &self,
        name: &str,
        role: Role,
        session: (&str, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> Result<(String, i64)> {
        let (session, session_end) = session;
        let issued = now.timestamp();
        let expires = (now + self.access_ttl).min(session_end).timestamp();
        let claims = json!({
            "iss": self.issuer,
            "aud": self.audience,
            "sub": name,
            "jti": Uuid::now_v7().to_string(),
            "role": role.as_str(),
            "sid": session,
            "iat": issued,
            "exp": expires,
        });
        Ok((self.keys.sign(ACCESS_TOKEN, &claims)?, expires - issued))
    }

    /// # Errors
    /// 401 for a token that is not signed by a key that counts, not meant for us, or not in its time.
    pub fn read(&self, token: &str, now: DateTime<Utc>) -> Result<Token> {
        let refused = |fault: Fault| Error::InvalidToken(format!("the token {fault}"));
        let token = Jws::parse(token).map_err(refused)?;
        let issuer = token.claims.text("iss").map_err(refused)?;
        match &self.trusted {
            Some(trusted) if issuer == Some(trusted.issuer()) => {
                trusted.read(&token, now).map(Token::Outside)
            }
            _ => self.read_own(&token, now).map(Token::Own),
        }
        .map_err(refused)
    }

    fn read_own(&self, token: &Jws, now: DateTime<Utc>) -> Result<OwnToken, Fault> {
        // Signed first: nothing else about a token of a stranger is worth telling.
        if !self.keys.have_signed(token) {
            return Err("is not signed by a key that counts here");
        }
        if token.typ.as_deref() != Some(ACCESS_TOKEN) {
            return Err("is not of the type at+jwt");
        }
        let claims = &token.claims;
        if claims.text("iss")? != Some(&self.issuer) {
            return Err("is of another issuer");
        }
        claims.is_for(&self.audience)?;
        let expires = claims.is_timely(now)?;
        let role = claims.text("role")?.and_then(Role::parse);
        let subject = claims.text("sub")?.ok_or("has no subject")?;
        let session = claims.text("sid")?;
        let issued_at = claims
            .time("iat")?
            .ok_or("does not say when it was issued")?;
        // By this time it is known to be from before a logout. From the future, it would outlive that.
        if session.is_none() && issued_at > claims::seconds(now) + 1.0 {
            return Err("was issued in the future");
        }
        // No database need look at what is no name.
        if [Some(subject), session]
            .into_iter()
            .flatten()
            .any(|text| text.contains('\0'))
        {
            return Err("has a NUL character");
        }
        Ok(OwnToken {
            subject: subject.to_owned(),
            role: role.ok_or("has no role")?,
            session: session.map(str::to_owned),
            issued_at,
            mark: Mark {
                id: mark(claims)?.ok_or("has no id")?,
                expires_at: claims::moment(expires),
            },
        })
    }

    /// The public keys, as a JSON Web Key Set.
    pub fn public_keys(&self) -> &Value {
        self.keys.public()
    }
}

/// What is stored of a token's issuer and id; as long as any other, however long those are.
pub fn mark(claims: &Members) -> Result<Option<String>, Fault> {
    let issuer = claims.text("iss")?.unwrap_or_default();
    let id = claims.text("jti")?.filter(|id| !id.is_empty());
    Ok(id.map(|id| secret::digest(&format!("{issuer}\n{id}"))))
}
