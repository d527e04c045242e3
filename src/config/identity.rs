//! The settings of who may do what: keys, tokens, sessions, an outside issuer.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::DatabaseUrl;
use super::values::Values;

/// Settings whose values are never shown.
pub const SECRET: &[&str] = &["KIOSQUE_JWT_SECRET", "KIOSQUE_PURGE_HEADER"];
/// Bytes that a secret for HS256 must have (RFC 7518 section 3.2).
const MIN_SECRET: usize = 32;

#[derive(Clone, Debug)]
pub struct IdentityConfig {
    pub signing: SigningKeys,
    pub issuer: String,
    pub audience: String,
    pub access_ttl: Duration,
    pub session_ttl: Duration,
    pub trusted: Option<TrustedIssuer>,
    /// The header in which a proxy of ours tells the caller's address.
    pub address_header: Option<String>,
}

/// What access tokens are signed with.
#[derive(Clone, Debug)]
pub enum SigningKeys {
    Secret(Hidden),
    /// Ed25519 private keys; the first signs.
    Files(Vec<PathBuf>),
    /// Holds a secret, or will.
    SecretFile(PathBuf),
}

/// Text that no log shows.
#[derive(Clone)]
pub struct Hidden(String);

impl Hidden {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// An issuer outside whose tokens count here.
#[derive(Clone, Debug)]
pub struct TrustedIssuer {
    pub issuer: String,
    pub audience: String,
    pub keys: KeySource,
    pub role_claim: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    Url(String),
    File(PathBuf),
}

impl IdentityConfig {
    pub(super) fn read(values: &Values, database: &DatabaseUrl) -> Result<Self, String> {
        let issuer = values.text("KIOSQUE_JWT_ISSUER").to_owned();
        let trusted = trusted(values)?;
        if trusted
            .as_ref()
            .is_some_and(|trusted| trusted.issuer == issuer)
        {
            return Err(
                "KIOSQUE_TRUSTED_ISSUER is the issuer of our own tokens, KIOSQUE_JWT_ISSUER"
                    .to_owned(),
            );
        }
        Ok(Self {
            signing: signing(values, database)?,
            issuer,
            audience: values.text("KIOSQUE_JWT_AUDIENCE").to_owned(),
            access_ttl: values.seconds("KIOSQUE_ACCESS_TOKEN_TTL", 10..=86_400)?,
            session_ttl: values.seconds("KIOSQUE_SESSION_TTL", 60..=31_536_000)?,
            trusted,
            address_header: address_header(values.text("KIOSQUE_CLIENT_ADDRESS_HEADER"))?,
        })
    }
}

fn signing(values: &Values, database: &DatabaseUrl) -> Result<SigningKeys, String> {
    let (secret, files) = (
        values.text("KIOSQUE_JWT_SECRET"),
        values.text("KIOSQUE_JWT_KEYS"),
    );
    match (secret.is_empty(), files.is_empty()) {
        (false, false) => Err(
            "KIOSQUE_JWT_SECRET and KIOSQUE_JWT_KEYS are both set; one of them signs".to_owned(),
        ),
        (false, true) if secret.len() < MIN_SECRET => Err(format!(
            "KIOSQUE_JWT_SECRET has {} bytes; it takes at least {MIN_SECRET}, of chance",
            secret.len()
        )),
        (false, true) => Ok(SigningKeys::Secret(Hidden::new(secret))),
        (true, false) => Ok(SigningKeys::Files(
            files
                .split(',')
                .map(|path| PathBuf::from(path.trim()))
                .collect(),
        )),
        (true, true) => Ok(SigningKeys::SecretFile(secret_file(
            values.text("KIOSQUE_JWT_SECRET_FILE"),
            database,
        ))),
    }
}

fn secret_file(text: &str, database: &DatabaseUrl) -> PathBuf {
    match database {
        _ if !text.is_empty() => PathBuf::from(text),
        DatabaseUrl::Sqlite(file) => {
            let mut path = file.clone().into_os_string();
            path.push(".secret");
            PathBuf::from(path)
        }
        DatabaseUrl::Postgres(_) => PathBuf::from("kiosque.secret"),
    }
}

fn trusted(values: &Values) -> Result<Option<TrustedIssuer>, String> {
    let names = [
        "KIOSQUE_TRUSTED_ISSUER",
        "KIOSQUE_TRUSTED_AUDIENCE",
        "KIOSQUE_TRUSTED_JWKS",
    ];
    let [issuer, audience, keys] = names.map(|name| values.text(name));
    if [issuer, audience, keys].iter().all(|text| text.is_empty()) {
        return Ok(None);
    }
    if let Some(missing) = names.iter().find(|name| values.text(name).is_empty()) {
        return Err(format!(
            "{missing} is empty; {} go together",
            names.join(", ")
        ));
    }
    let is_url = keys.starts_with("https://") || keys.starts_with("http://");
    Ok(Some(TrustedIssuer {
        issuer: issuer.to_owned(),
        audience: audience.to_owned(),
        keys: match is_url {
            true => KeySource::Url(keys.to_owned()),
            false => KeySource::File(PathBuf::from(keys)),
        },
        role_claim: values.text("KIOSQUE_TRUSTED_ROLE_CLAIM").to_owned(),
    }))
}

fn address_header(text: &str) -> Result<Option<String>, String> {
    let sound = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match sound {
        true => Ok((!text.is_empty()).then(|| text.to_ascii_lowercase())),
        false => Err(format!(
            "KIOSQUE_CLIENT_ADDRESS_HEADER is {text:?}; it takes the name of a header"
        )),
    }
}
