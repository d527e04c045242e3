//! Signed tokens (RFC 7515) in their compact form: taken apart, verified, made.
//!
//! The algorithm is the key's and never the token's choice (RFC 8725 section 3.1): a header that names another is
//! refused before anything is computed.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::identity::claims::Members;

/// Bytes of a token; longer ones do not fit into a header either.
const MAX_TOKEN: usize = 8_192;

/// A token taken apart. Nothing in it is true before its signature was verified.
pub struct Jws<'a> {
    pub algorithm: String,
    pub kid: Option<String>,
    /// Lower case, without `application/`.
    pub typ: Option<String>,
    pub claims: Members,
    /// What was signed.
    pub message: &'a str,
    signature: &'a str,
}

/// Why a token does not count, for those who debug their client; it tells nothing about our keys.
pub type Fault = &'static str;

impl<'a> Jws<'a> {
    /// # Errors
    /// A phrase.
    pub fn parse(token: &'a str) -> Result<Self, Fault> {
        if token.len() > MAX_TOKEN {
            return Err("is too long");
        }
        let (message, signature) = token.rsplit_once('.').ok_or("is no JWT")?;
        let (header, claims) = message.split_once('.').ok_or("is no JWT")?;
        if claims.contains('.') {
            return Err("is no signed JWT");
        }
        let header = part(header)?;
        if header.has("crit") {
            return Err("has critical headers, of which none is understood");
        }
        let typ = header.text("typ")?.map(|typ| {
            let typ = typ.to_ascii_lowercase();
            typ.strip_prefix("application/").unwrap_or(&typ).to_owned()
        });
        Ok(Self {
            algorithm: header.text("alg")?.ok_or("names no algorithm")?.to_owned(),
            kid: header.text("kid")?.map(str::to_owned),
            typ,
            claims: part(claims)?,
            message,
            signature,
        })
    }

    /// Whether this key may have signed it, by its name and algorithm.
    pub fn may_be_of(&self, key: &PublicKey) -> bool {
        self.algorithm == name(key.algorithm) && (self.kid.is_none() || self.kid == key.kid)
    }

    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let message = self.message.as_bytes();
        self.may_be_of(key)
            && crypto::verify(self.signature, message, &key.key, key.algorithm).unwrap_or(false)
    }
}

fn part(encoded: &str) -> Result<Members, Fault> {
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(encoded)
        .map_err(|_| "is not in base64url")?;
    Members::parse(&bytes)
}

/// A key that verifies, by one algorithm.
#[derive(Clone)]
pub struct PublicKey {
    pub kid: Option<String>,
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

/// A key that signs, by one algorithm.
pub struct PrivateKey {
    pub kid: Option<String>,
    pub algorithm: Algorithm,
    pub key: EncodingKey,
}

impl PrivateKey {
    /// A signed token of this type.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, typ: &str, claims: &Value) -> Result<String> {
        let mut header = json!({"typ": typ, "alg": name(self.algorithm)});
        if let Some(kid) = &self.kid {
            header["kid"] = json!(kid);
        }
        let encoded = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encoded(&header), encoded(claims));
        let signature = crypto::sign(message.as_bytes(), &self.key, self.algorithm)
            .map_err(|error| Error::Internal(format!("cannot sign a token: {error}")))?;
        Ok(format!("{message}.{signature}"))
    }
}

/// As it stands in `alg`.
pub fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::HS256 => "HS256",
        Algorithm::RS256 => "RS256",
        Algorithm::ES256 => "ES256",
        Algorithm::EdDSA => "EdDSA",
        // No key of ours is of another.
        _ => "",
    }
}
