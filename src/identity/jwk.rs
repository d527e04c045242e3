//! Public keys as JSON (RFC 7517): those we show, and those of an outside issuer.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::identity::jws::{self, PublicKey};

/// Bits of an RSA modulus: fewer are not safe (RFC 7518 section 3.3), more take the library too long.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=4_096;
/// Keys of one set that are looked at.
const MAX_KEYS: usize = 100;

/// A public Ed25519 key with its thumbprint (RFC 7638) for a name.
pub fn of_ed25519(public: &[u8]) -> Value {
    let x = BASE64_URL_SAFE_NO_PAD.encode(public);
    let kid = thumbprint(&x);
    json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA"})
}

/// Members in the order of their names and without white space, as RFC 7638 wants it.
fn thumbprint(x: &str) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}

/// The keys of a set that verify signatures by an algorithm we take; others are passed over.
///
/// # Errors
/// Where it is no set of keys.
pub fn read_set(bytes: &[u8]) -> Result<Vec<PublicKey>, String> {
    let set: Value = serde_json::from_slice(bytes).map_err(|_| "is not JSON".to_owned())?;
    let keys = set.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or("is no JSON Web Key Set")?;
    Ok(keys.iter().take(MAX_KEYS).filter_map(read).collect())
}

/// `None` for a key of another kind or use, or one that is not sound.
fn read(jwk: &Value) -> Option<PublicKey> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if !matches!(jwk.get("use"), None | Some(Value::Null)) && text("use") != Some("sig") {
        return None;
    }
    if let Some(operations) = jwk.get("key_ops").and_then(Value::as_array)
        && operations.iter().all(|operation| operation != "verify")
    {
        return None;
    }
    let (algorithm, key) = match (text("kty")?, text("crv")) {
        ("RSA", _) => (Algorithm::RS256, rsa(text("n")?, text("e")?)?),
        ("EC", Some("P-256")) => {
            let (x, y) = (text("x")?, text("y")?);
            let sound = bytes(x)?.len() == 32 && bytes(y)?.len() == 32;
            let key = DecodingKey::from_ec_components(x, y).ok()?;
            (Algorithm::ES256, sound.then_some(key)?)
        }
        ("OKP", Some("Ed25519")) => {
            let x = bytes(text("x")?)?;
            let sound = x.len() == 32;
            (
                Algorithm::EdDSA,
                sound.then(|| DecodingKey::from_ed_der(&x))?,
            )
        }
        _ => return None,
    };
    if text("alg").is_some_and(|named| named != jws::name(algorithm)) {
        return None;
    }
    Some(PublicKey {
        kid: text("kid").map(str::to_owned),
        algorithm,
        key,
    })
}

fn rsa(modulus: &str, exponent: &str) -> Option<DecodingKey> {
    let (n, e) = (bytes(modulus)?, bytes(exponent)?);
    let leading = n.iter().take_while(|byte| **byte == 0).count();
    let n = n.get(leading..)?;
    let bits = n.len() * 8 - usize::try_from(n.first()?.leading_zeros()).ok()?;
    let sound = RSA_BITS.contains(&bits) && (1..=4).contains(&e.len());
    sound.then(|| DecodingKey::from_rsa_raw_components(n, &e))
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_is_that_of_the_standard() {
        // RFC 8037 appendix A.3.
        assert_eq!(
            thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    #[test]
    fn keys_that_are_unsound_or_not_for_signatures_are_passed_over() {
        let sound = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let with = |name: &str, value: Value| {
            let mut key = sound.clone();
            key[name] = value;
            key
        };
        assert!(read(&sound).is_some());
        assert!(read(&with("use", json!("sig"))).is_some());
        for key in [
            with("x", json!("AAAA")),
            with("x", json!(7)),
            with("use", json!("enc")),
            with("use", json!(7)),
            with("key_ops", json!(["sign"])),
            with("alg", json!("HS256")),
            with("crv", json!("X25519")),
            json!({"kty": "oct", "k": "c2VjcmV0"}),
            json!({"kty": "RSA", "n": BASE64_URL_SAFE_NO_PAD.encode([255; 128]), "e": "AQAB"}),
            json!({"kty": "RSA", "n": "", "e": "AQAB"}),
            json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
            json!(null),
        ] {
            assert!(read(&key).is_none(), "{key}");
        }
        assert!(read_set(b"[]").is_err() && read_set(b"x").is_err());
    }
}
