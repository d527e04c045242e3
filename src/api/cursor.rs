//! Cursors: where a walk through a list stands, as a word that only that list understands.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Bytes of the digest that stand before the key.
const DIGEST: usize = 9;
/// A longer word is not one of ours.
const MAX_CHARS: usize = 2_000;

/// Binds `key` to the query with this fingerprint. The digest is no secret, for a key tells nothing and
/// opens nothing; it makes sure that a walk is never silently continued through another list.
pub fn encode(fingerprint: &str, key: &impl Serialize) -> String {
    // Keys are plain data, which serialises.
    let key = serde_json::to_vec(key).unwrap_or_default();
    let mut bytes = digest(fingerprint, &key).to_vec();
    bytes.extend(key);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// # Errors
/// [`Error::InvalidCursor`] for a word that is not ours, or of another query.
pub fn decode<T: DeserializeOwned>(fingerprint: &str, cursor: &str) -> Result<T> {
    let foreign = Error::InvalidCursor("is not one that this API gave");
    if cursor.len() > MAX_CHARS {
        return Err(foreign);
    }
    let Ok(bytes) = BASE64_URL_SAFE_NO_PAD.decode(cursor) else {
        return Err(foreign);
    };
    let Some((found, key)) = bytes.split_at_checked(DIGEST) else {
        return Err(foreign);
    };
    let Ok(key_read) = serde_json::from_slice(key) else {
        return Err(foreign);
    };
    // No key of ours has one, and PostgreSQL takes none.
    if serde_json::from_slice(key).is_ok_and(|key| has_nul(&key)) {
        return Err(foreign);
    }
    if found != digest(fingerprint, key) {
        return Err(Error::InvalidCursor("belongs to another query"));
    }
    Ok(key_read)
}

fn has_nul(key: &Value) -> bool {
    match key {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.values().any(has_nul),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn digest(fingerprint: &str, key: &[u8]) -> [u8; DIGEST] {
    let mut hasher = Sha256::new();
    hasher.update((fingerprint.len() as u64).to_le_bytes());
    hasher.update(fingerprint);
    hasher.update(key);
    let mut digest = [0; DIGEST];
    digest.copy_from_slice(&hasher.finalize()[..DIGEST]);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_understood_by_its_own_query_only() {
        let cursor = encode("articles?tag=a", &(7, "x"));
        assert_eq!(
            decode::<(i64, String)>("articles?tag=a", &cursor).unwrap(),
            (7, "x".to_owned())
        );
        assert!(decode::<(i64, String)>("articles?tag=b", &cursor).is_err());
    }

    #[test]
    fn a_key_has_no_nul() {
        let cursor = encode("q", &(7, vec!["a\0b"]));
        assert!(decode::<(i64, Vec<String>)>("q", &cursor).is_err());
        let cursor = encode("q", &(7, vec!["a\\u0000b"]));
        assert!(decode::<(i64, Vec<String>)>("q", &cursor).is_ok());
    }

    #[test]
    fn no_altered_character_goes_unnoticed() {
        let cursor = encode("q", &(1_713_830_400_000_000_i64, "01921c5e"));
        for at in 0..cursor.len() {
            let mut forged = cursor.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(decode::<(i64, String)>("q", &forged).is_err(), "{at}");
        }
        for word in [
            "",
            "!",
            "AAAA",
            "AAAAAAAAAAAAAAAAAAAAAAAA",
            &"A".repeat(5_000),
        ] {
            assert!(decode::<(i64, String)>("q", word).is_err(), "{word}");
        }
    }
}
