//! The keys that sign our own tokens: one secret, or Ed25519 keys of which the first signs and all verify.

use std::fs;
use std::path::{Path, PathBuf};

use jsonwebtoken::crypto::CryptoProvider;
use jsonwebtoken::jwk::EllipticCurve;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde_json::{Value, json};

use crate::config::SigningKeys;
use crate::error::Result;
use crate::identity::jws::{Jws, PrivateKey, PublicKey};
use crate::identity::{jwk, secret_file};

pub struct Keys {
    first: PrivateKey,
    all: Vec<PublicKey>,
    /// A JSON Web Key Set.
    public: Value,
}

impl Keys {
    /// The keys as they are set; a secret is made where none is.
    ///
    /// # Errors
    /// One line for the operator.
    pub fn open(keys: &SigningKeys, shared_database: bool) -> Result<Self, String> {
        match keys {
            SigningKeys::Secret(secret) => Ok(Self::of_secret(secret.as_str())),
            SigningKeys::Files(paths) => Self::of_files(paths),
            SigningKeys::SecretFile(path) => {
                let kept = secret_file::open(path)?;
                if kept.new {
                    log::info!(
                        "made a secret that signs access tokens and stored it in {}",
                        path.display()
                    );
                }
                if shared_database {
                    log::warn!(
                        "access tokens are signed with {}; other servers of this database need the same secret",
                        path.display()
                    );
                }
                Ok(Self::of_secret(&kept.secret))
            }
        }
    }

    pub fn of_secret(secret: &str) -> Self {
        let public = PublicKey {
            kid: None,
            algorithm: Algorithm::HS256,
            key: DecodingKey::from_secret(secret.as_bytes()),
        };
        Self {
            first: PrivateKey {
                kid: None,
                algorithm: Algorithm::HS256,
                key: EncodingKey::from_secret(secret.as_bytes()),
            },
            all: vec![public],
            public: json!({"keys": []}),
        }
    }

    fn of_files(paths: &[PathBuf]) -> Result<Self, String> {
        let mut first = None;
        let mut all: Vec<PublicKey> = Vec::new();
        let mut shown = Vec::new();
        for path in paths {
            let (private, public, jwk) = read_pem(path)?;
            if all.iter().any(|known| known.kid == public.kid) {
                return Err(format!(
                    "{} holds a key that is listed already",
                    path.display()
                ));
            }
            first = first.or(Some(private));
            all.push(public);
            shown.push(jwk);
        }
        Ok(Self {
            first: first.ok_or("KIOSQUE_JWT_KEYS names no file")?,
            all,
            public: json!({"keys": shown}),
        })
    }

    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, typ: &str, claims: &Value) -> Result<String> {
        self.first.sign(typ, claims)
    }

    pub fn have_signed(&self, token: &Jws) -> bool {
        self.all.iter().any(|key| token.is_signed_by(key))
    }

    /// What others need to verify our tokens: a JSON Web Key Set, empty where the key is a secret.
    pub fn public(&self) -> &Value {
        &self.public
    }
}

/// A key in PKCS#8 PEM, such as `openssl genpkey -algorithm ed25519` makes.
fn read_pem(path: &Path) -> Result<(PrivateKey, PublicKey, Value), String> {
    let pem = fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let foreign = |_| {
        format!(
            "{} holds no Ed25519 private key in PKCS#8 PEM",
            path.display()
        )
    };
    let key = EncodingKey::from_ed_pem(&pem).map_err(foreign)?;
    // The library tells the public half of a key only in this way.
    let provider: &CryptoProvider = &jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
    let public = (provider.key_utils.ed_pub_components_from_private_key)(
        key.as_bytes(),
        &EllipticCurve::Ed25519,
    )
    .map_err(foreign)?;
    let shown = jwk::of_ed25519(&public);
    let kid = shown["kid"].as_str().map(str::to_owned);
    let private = PrivateKey {
        kid: kid.clone(),
        algorithm: Algorithm::EdDSA,
        key,
    };
    let public = PublicKey {
        kid,
        algorithm: Algorithm::EdDSA,
        key: DecodingKey::from_ed_der(&public),
    };
    Ok((private, public, shown))
}
