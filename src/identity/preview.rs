//! The word that opens a preview: which one it is and until when, signed. A forged word costs no look at the database.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// Keeps these signatures apart from any others that the key may make.
const CONTEXT: &[u8] = b"kiosque preview 1\n";
const ID: usize = 16;
const CLAIMS: usize = ID + 8;
const SIGNATURE: usize = 32;

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    pub id: Uuid,
    /// To the second.
    pub expires_at: DateTime<Utc>,
}

impl Claims {
    /// URL-safe letters: id, expiry and their HMAC-SHA256.
    pub fn sign(&self, key: &[u8]) -> String {
        let mut bytes = self.id.as_bytes().to_vec();
        bytes.extend(self.expires_at.timestamp().to_be_bytes());
        if let Some(mac) = mac(key, &bytes) {
            bytes.extend(mac.finalize().into_bytes());
        }
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What the token says, if it was signed with this key and its time is not over. The comparison takes the same
    /// time whatever is wrong.
    pub fn verified(token: &str, key: &[u8], now: DateTime<Utc>) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (claims, signature) = bytes.split_at_checked(CLAIMS)?;
        if signature.len() != SIGNATURE {
            return None;
        }
        mac(key, claims)?.verify_slice(signature).ok()?;
        let (id, expiry) = claims.split_at_checked(ID)?;
        let expiry = i64::from_be_bytes(expiry.try_into().ok()?);
        let read = Self {
            id: Uuid::from_slice(id).ok()?,
            expires_at: DateTime::from_timestamp(expiry, 0)?,
        };
        (now < read.expires_at).then_some(read)
    }
}

/// HMAC takes keys of any length: there is always one.
fn mac(key: &[u8], claims: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(CONTEXT);
    mac.update(claims);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_what_it_was_signed_for_until_its_second_and_no_altered_one_does() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let claims = Claims {
            id: Uuid::now_v7(),
            expires_at: at(1_000),
        };
        let token = claims.sign(b"key");
        assert_eq!(Claims::verified(&token, b"key", at(999)), Some(claims));
        assert_eq!(Claims::verified(&token, b"key", at(1_000)), None);
        assert_eq!(Claims::verified(&token, b"other", at(999)), None);
        for place in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(Claims::verified(&forged, b"key", at(1)), None, "{place}");
        }
        for word in ["", "A", "!", &token[..32], &format!("{token}AAAA")] {
            assert_eq!(Claims::verified(word, b"key", at(1)), None, "{word}");
        }
    }
}
