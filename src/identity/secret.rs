//! Random secrets that we hand out, and what we keep of them.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// What an API key begins with, so that a leaked one is recognised.
pub const API_KEY: &str = "kqk_";
/// What a refresh token begins with.
pub const REFRESH_TOKEN: &str = "kqr_";
/// Bytes of chance in a secret.
const ENTROPY: usize = 32;
/// Characters of an API key that its owner sees again: the kind and a bit of the rest.
const SHOWN: usize = 10;

/// A new secret of a kind.
///
/// # Errors
/// When the system has no randomness to give.
pub fn new(kind: &str) -> Result<String> {
    Ok(format!(
        "{kind}{}",
        BASE64_URL_SAFE_NO_PAD.encode(random::<ENTROPY>()?)
    ))
}

/// Bytes that no one can guess.
///
/// # Errors
/// When the system has no randomness to give.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
    Ok(bytes)
}

/// What is stored of a secret. It is random and long, so that a plain digest cannot be turned round.
pub fn digest(secret: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(secret))
}

/// The beginning of a secret, by which its owner knows it.
pub fn shown(secret: &str) -> &str {
    secret.get(..SHOWN).unwrap_or(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_their_digests_do_not_show_them() {
        let (a, b) = (new(API_KEY).unwrap(), new(API_KEY).unwrap());
        assert_ne!(a, b);
        assert!(a.starts_with(API_KEY) && a.len() > 40);
        assert_eq!(digest(&a), digest(&a));
        assert!(!digest(&a).contains(&a[4..12]) && shown(&a).len() == SHOWN);
    }
}
