//! Standard Webhooks: the secret of a webhook, and what it signs.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

const PREFIX: &str = "whsec_";
/// Bytes that a secret may have.
const SIZES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret in the form in which it is shown.
pub fn secret_of(bytes: &[u8]) -> String {
    format!("{PREFIX}{}", BASE64_STANDARD.encode(bytes))
}

/// # Errors
/// A phrase, where the text is no such secret.
pub fn check_secret(text: &str) -> Result<String, String> {
    match key(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!(
            "must be {PREFIX} and the base64 of {} to {} bytes",
            SIZES.start(),
            SIZES.end()
        )),
    }
}

fn key(secret: &str) -> Option<Vec<u8>> {
    let key = BASE64_STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    SIZES.contains(&key.len()).then_some(key)
}

/// The value of `webhook-signature`: a signature by each secret, so that a receiver that knows any of them is content.
pub(super) fn signatures(secrets: &[&str], id: &str, timestamp: i64, payload: &str) -> String {
    let signed = secrets.iter().filter_map(|secret| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret)?).ok()?;
        mac.update(format!("{id}.{timestamp}.{payload}").as_bytes());
        let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        Some(format!("v1,{signature}"))
    });
    signed.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn a_known_message_has_the_known_signature() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signature = signatures(
            &[secret],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_long_enough_and_not_too_long() {
        for (bytes, is_taken) in [(23, false), (24, true), (64, true), (65, false)] {
            let secret = secret_of(&vec![7; bytes]);
            assert_eq!(check_secret(&secret).is_ok(), is_taken, "{bytes}");
        }
        for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_?"] {
            assert!(check_secret(text).is_err());
        }
    }
}
