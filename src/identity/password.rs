//! Passwords: what is taken for one, what is kept of it, and whether it is the one.

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};

use crate::error::{Error, Result};

/// Bytes of a password. The upper bound is that of other programs, so that users can move there.
const BYTES: std::ops::RangeInclusive<usize> = 8..=72;
/// Of no password: verified in the place of a user's that does not exist, which then takes the same time.
const OF_NO_ONE: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm8gb25lIGhhcyB0aGlz$5wwPisZyCZZv/yj6+rmEWCq3WSjjksMaE8Lk/HmzMXg";

/// # Errors
/// A phrase that says what is wrong.
pub fn check(password: &str) -> Result<(), String> {
    match password.len() < *BYTES.start() {
        true => Err(format!("is shorter than {} bytes", BYTES.start())),
        false => check_shown(password),
    }
}

/// # Errors
/// Where it cannot be any user's password, so that it is not worth looking at.
pub fn check_shown(password: &str) -> Result<(), String> {
    match password.len() > *BYTES.end() {
        true => Err(format!("is longer than {} bytes", BYTES.end())),
        false => Ok(()),
    }
}

/// What is stored of a password, in the PHC string format. It takes tens of milliseconds and 19 MiB.
///
/// # Errors
/// When the system has no randomness to give.
pub fn hash(password: &str) -> Result<String> {
    let hash = hasher()?
        .hash_password(password.as_bytes())
        .map_err(|error| Error::Internal(format!("cannot hash a password: {error}")))?;
    Ok(hash.to_string())
}

/// Whether a password is the one of which this is stored; never, but as slowly, where nothing is.
///
/// # Errors
/// When what is stored cannot be read.
pub fn is_right(password: &str, stored: Option<&str>) -> Result<bool> {
    let broken = |error| Error::Internal(format!("a stored password is broken: {error}"));
    let hash = PasswordHash::new(stored.unwrap_or(OF_NO_ONE))
        .map_err(|error| broken(error.to_string()))?;
    match hasher()?.verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(stored.is_some()),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(broken(error.to_string())),
    }
}

/// Argon2id with the parameters that OWASP recommends.
fn hasher() -> Result<Argon2<'static>> {
    let params = Params::new(19_456, 2, 1, None)
        .map_err(|error| Error::Internal(format!("argon2: {error}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_recognised_and_no_other() {
        let stored = hash("correct horse").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(stored, hash("correct horse").unwrap());
        assert!(is_right("correct horse", Some(&stored)).unwrap());
        assert!(!is_right("correct hors", Some(&stored)).unwrap());
        assert!(!is_right("correct horse", None).unwrap());
        assert!(is_right("x", Some("nonsense")).is_err());
    }

    #[test]
    fn the_hash_of_no_one_costs_what_a_users_does() {
        let cost = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(cost(OF_NO_ONE), cost(&hash("anything").unwrap()));
        let length = |hash: &str| hash.rsplit('$').next().map(str::len);
        assert_eq!(length(OF_NO_ONE), length(&hash("anything").unwrap()));
    }

    #[test]
    fn eight_to_seventy_two_bytes_are_a_password() {
        assert!(check("1234567").is_err() && check("12345678").is_ok());
        assert!(check(&"x".repeat(72)).is_ok() && check(&"x".repeat(73)).is_err());
        assert!(check(&"é".repeat(37)).is_err(), "bytes, not characters");
        assert!(check_shown("x").is_ok() && check_shown(&"x".repeat(73)).is_err());
    }
}
