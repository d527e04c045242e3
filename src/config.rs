//! Every setting: its default, its environment variable, what it means.

mod address;
mod feeds;
mod identity;
mod purge;
mod values;
mod webhooks;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use address::parted;
pub use feeds::{FeedsConfig, PLACES};
pub use identity::{Hidden, IdentityConfig, KeySource, SigningKeys, TrustedIssuer};
pub use purge::PurgeConfig;
pub use webhooks::{WebSubConfig, WebhookConfig};

use values::Values;

/// Where the articles are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres(String),
}

#[derive(Clone, Debug)]
pub struct Config {
    pub database_url: DatabaseUrl,
    pub listen: SocketAddr,
    /// Without a trailing slash; what links in answers begin with.
    pub public_url: Option<String>,
    pub workers: usize,
    pub db_connections: u32,
    pub db_timeout: Duration,
    pub request_timeout: Duration,
    pub shutdown_timeout: Duration,
    pub max_body: usize,
    pub search_dir: PathBuf,
    pub related_tags: f32,
    pub related_floor: f32,
    pub max_age: u32,
    /// Bytes of answers that are kept; 0: none are.
    pub cache: u64,
    /// For how long a ranking is kept whatever changed elsewhere.
    pub related_lag: Duration,
    pub follow_interval: Duration,
    /// How many may wait for changes at a time.
    pub change_waiters: usize,
    /// How many of them may be one client's.
    pub change_waiters_per_client: usize,
    /// How long a stream of changes waits for a reader that takes nothing.
    pub change_patience: Duration,
    /// The cache outside that is told what has changed, if there is one.
    pub purge: Option<PurgeConfig>,
    pub feeds: FeedsConfig,
    pub webhooks: WebhookConfig,
    /// The hub that is told of changes in feeds, if there is one.
    pub websub: Option<WebSubConfig>,
    pub identity: IdentityConfig,
}

/// A setting's variable, its default as text, and its meaning.
pub struct Setting {
    pub name: &'static str,
    pub default: &'static str,
    pub help: &'static str,
}

/// Bytes that a request body may have, whatever the configuration says.
pub const LARGEST_BODY: usize = 1 << 30;

pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "DATABASE_URL",
        default: "sqlite://kiosque.db",
        help: "sqlite://FILE (sqlite:///ABSOLUTE/FILE) or postgres://USER:PASSWORD@HOST:PORT/NAME",
    },
    Setting {
        name: "KIOSQUE_LISTEN",
        default: "127.0.0.1:8080",
        help: "address and port to serve on",
    },
    Setting {
        name: "KIOSQUE_PUBLIC_URL",
        default: "",
        help: "the address readers know, for links in answers; empty: relative links",
    },
    Setting {
        name: "KIOSQUE_WORKERS",
        default: "0",
        help: "HTTP worker threads; 0: one for each core",
    },
    Setting {
        name: "KIOSQUE_DB_CONNECTIONS",
        default: "8",
        help: "connections for reading; for writing SQLite has one more, PostgreSQL up to four",
    },
    Setting {
        name: "KIOSQUE_DB_TIMEOUT",
        default: "5",
        help: "seconds to wait for a connection or a lock",
    },
    Setting {
        name: "KIOSQUE_REQUEST_TIMEOUT",
        default: "30",
        help: "seconds after which a request is given up",
    },
    Setting {
        name: "KIOSQUE_SHUTDOWN_TIMEOUT",
        default: "15",
        help: "seconds that running requests get when the process is told to stop",
    },
    Setting {
        name: "KIOSQUE_MAX_BODY",
        default: "2097152",
        help: "bytes a request body may have",
    },
    Setting {
        name: "KIOSQUE_SEARCH_DIR",
        default: "",
        help: "folder of both indexes; empty: FILE.search beside a SQLite file, else ./kiosque.search",
    },
    Setting {
        name: "KIOSQUE_RELATED_TAGS",
        default: "0.25",
        help: "weight of shared tags against shared words in related lookups, 0 to 2",
    },
    Setting {
        name: "KIOSQUE_RELATED_FLOOR",
        default: "0.1",
        help: "least score, from 0 to 1, with which an article is shown as related",
    },
    Setting {
        name: "KIOSQUE_CACHE_MB",
        default: "128",
        help: "megabytes of finished answers that are kept; 0: every answer is made anew",
    },
    Setting {
        name: "KIOSQUE_RELATED_LAG",
        default: "1000",
        help: "milliseconds for which a kept list of related articles may go without what has changed elsewhere",
    },
    Setting {
        name: "KIOSQUE_MAX_AGE",
        default: "10",
        help: "seconds a public answer may be kept without asking again",
    },
    Setting {
        name: "KIOSQUE_PURGE_URL",
        default: "",
        help: "http or https URL to which the cache tags of what has changed are posted, for a cache outside to purge; empty: none",
    },
    Setting {
        name: "KIOSQUE_PURGE_HEADER",
        default: "",
        help: "a header of those requests, as in Name: value; it may hold a secret",
    },
    Setting {
        name: "KIOSQUE_SITE_URL",
        default: "",
        help: "home page of the site that shows the articles, for feeds; empty: the API's address",
    },
    Setting {
        name: "KIOSQUE_ARTICLE_URL",
        default: "",
        help: "where the site shows an article, with {slug}, {id} or {language}, as in https://news.example/{slug}; empty: an article's canonical URL, else its address in the API",
    },
    Setting {
        name: "KIOSQUE_FEED_TITLE",
        default: "Kiosque",
        help: "title of feeds",
    },
    Setting {
        name: "KIOSQUE_FEED_DESCRIPTION",
        default: "The latest articles",
        help: "what feeds say of themselves",
    },
    Setting {
        name: "KIOSQUE_FEED_PUBLISHER",
        default: "",
        help: "name of the publication, for feeds, news sitemaps and JSON-LD; empty: KIOSQUE_FEED_TITLE",
    },
    Setting {
        name: "KIOSQUE_FEED_LANGUAGE",
        default: "",
        help: "language of feeds whose articles are in several, as fr; empty: none is named",
    },
    Setting {
        name: "KIOSQUE_FEED_COPYRIGHT",
        default: "",
        help: "copyright notice of feeds",
    },
    Setting {
        name: "KIOSQUE_FEED_ICON",
        default: "",
        help: "URL of a square image for feeds and of the publisher's logo in JSON-LD",
    },
    Setting {
        name: "KIOSQUE_WEBHOOK_ALLOW",
        default: "",
        help: "networks that webhooks may be sent to though they are not public, as in 10.1.0.0/16,fd00::/8",
    },
    Setting {
        name: "KIOSQUE_WEBHOOK_HTTP",
        default: "false",
        help: "whether a webhook's URL may be http: true or false",
    },
    Setting {
        name: "KIOSQUE_WEBHOOK_TIMEOUT",
        default: "15",
        help: "seconds that one attempt at a webhook may take, up to 30",
    },
    Setting {
        name: "KIOSQUE_WEBHOOK_CONNECTIONS",
        default: "4",
        help: "requests to one webhook at a time",
    },
    Setting {
        name: "KIOSQUE_WEBHOOK_RETRIES",
        default: "5,30,120,600,3600,10800,21600,43200,86400,86400",
        help: "seconds between the attempts at one event; after the last it is given up",
    },
    Setting {
        name: "KIOSQUE_WEBSUB_HUB",
        default: "",
        help: "URL of the WebSub hub that feeds name and that is told of changes; needs KIOSQUE_PUBLIC_URL; empty: none",
    },
    Setting {
        name: "KIOSQUE_WEBSUB_FEEDS",
        default: "",
        help: "further feeds of which the hub is told, as in /v1/feeds/rss?tag=eau, parted by commas",
    },
    Setting {
        name: "KIOSQUE_FOLLOW_INTERVAL",
        default: "200",
        help: "milliseconds between looks at the change log, for what other processes wrote, and at the clock, for articles whose hour has come",
    },
    Setting {
        name: "KIOSQUE_CHANGE_WAITERS",
        default: "5000",
        help: "connections that may wait for changes at a time: long polls and event streams",
    },
    Setting {
        name: "KIOSQUE_CHANGE_WAITERS_PER_CLIENT",
        default: "500",
        help: "how many of them may be one client's: of one credential, or without one, of one network",
    },
    Setting {
        name: "KIOSQUE_CHANGE_PATIENCE",
        default: "60",
        help: "seconds after which an event stream ends whose reader takes nothing of what is sent",
    },
    Setting {
        name: "KIOSQUE_JWT_SECRET",
        default: "",
        help: "at least 32 bytes that sign access tokens (HS256); empty: KIOSQUE_JWT_KEYS, else a secret is made and kept",
    },
    Setting {
        name: "KIOSQUE_JWT_KEYS",
        default: "",
        help: "files with Ed25519 private keys in PKCS#8 PEM, parted by commas: the first signs access tokens, all verify",
    },
    Setting {
        name: "KIOSQUE_JWT_SECRET_FILE",
        default: "",
        help: "where a secret that was made is kept; empty: FILE.secret beside a SQLite file, else ./kiosque.secret",
    },
    Setting {
        name: "KIOSQUE_JWT_ISSUER",
        default: "kiosque",
        help: "`iss` of our access tokens",
    },
    Setting {
        name: "KIOSQUE_JWT_AUDIENCE",
        default: "kiosque",
        help: "`aud` of our access tokens",
    },
    Setting {
        name: "KIOSQUE_ACCESS_TOKEN_TTL",
        default: "900",
        help: "seconds an access token is good for",
    },
    Setting {
        name: "KIOSQUE_SESSION_TTL",
        default: "2592000",
        help: "seconds after which a login ends, however often it was refreshed",
    },
    Setting {
        name: "KIOSQUE_CLIENT_ADDRESS_HEADER",
        default: "",
        help: "header whose last entry is the caller's address, where a proxy of yours sets it, as X-Forwarded-For; empty: who connects",
    },
    Setting {
        name: "KIOSQUE_TRUSTED_ISSUER",
        default: "",
        help: "`iss` of an outside issuer whose access tokens count, too",
    },
    Setting {
        name: "KIOSQUE_TRUSTED_AUDIENCE",
        default: "",
        help: "`aud` that tokens of the outside issuer must have",
    },
    Setting {
        name: "KIOSQUE_TRUSTED_JWKS",
        default: "",
        help: "its public keys: an https or http URL of a JSON Web Key Set, or a file",
    },
    Setting {
        name: "KIOSQUE_TRUSTED_ROLE_CLAIM",
        default: "role",
        help: "claim of its tokens that names the role, or several of which the highest counts; none known: reader",
    },
];

/// Read by the logger.
const RUST_LOG: Setting = Setting {
    name: "RUST_LOG",
    default: "info,actix_server=warn",
    help: "what is logged: error, warn, info, debug, trace, or by module as in kiosque=debug",
};

impl Config {
    /// Reads the settings of the process.
    ///
    /// # Errors
    /// One line that names the variable and says what it should be.
    pub fn from_env() -> Result<Self, String> {
        let mut variables = BTreeMap::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else {
                continue;
            };
            if name == "DATABASE_URL" || name.starts_with("KIOSQUE_") {
                let value = value
                    .into_string()
                    .map_err(|_| format!("{name} is not UTF-8"))?;
                variables.insert(name, value);
            }
        }
        Self::from_variables(&variables)
    }

    /// The same from given variables. An empty value is the default.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn from_variables(variables: &BTreeMap<String, String>) -> Result<Self, String> {
        refuse_unknown(variables)?;
        let values = Values(variables);
        let database_url = parse_database_url(values.text("DATABASE_URL"))?;
        let public_url = parse_public_url(values.text("KIOSQUE_PUBLIC_URL"))?;
        let workers: usize = values.number("KIOSQUE_WORKERS", 0..=1024)?;
        Ok(Self {
            listen: parse_listen(values.text("KIOSQUE_LISTEN"))?,
            workers: if workers == 0 {
                available_cores()
            } else {
                workers
            },
            db_connections: values.number("KIOSQUE_DB_CONNECTIONS", 1..=1000)?,
            db_timeout: values.seconds("KIOSQUE_DB_TIMEOUT", 1..=600)?,
            request_timeout: values.seconds("KIOSQUE_REQUEST_TIMEOUT", 1..=3600)?,
            shutdown_timeout: values.seconds("KIOSQUE_SHUTDOWN_TIMEOUT", 0..=3600)?,
            max_body: values.number("KIOSQUE_MAX_BODY", 1024..=LARGEST_BODY)?,
            search_dir: search_dir(values.text("KIOSQUE_SEARCH_DIR"), &database_url),
            related_tags: values.number("KIOSQUE_RELATED_TAGS", 0.0..=2.0)?,
            related_floor: values.number("KIOSQUE_RELATED_FLOOR", 0.0..=1.0)?,
            max_age: values.number("KIOSQUE_MAX_AGE", 0..=86_400)?,
            cache: values.number::<u64>("KIOSQUE_CACHE_MB", 0..=1_000_000)? * 1_000_000,
            related_lag: Duration::from_millis(values.number("KIOSQUE_RELATED_LAG", 0..=60_000)?),
            follow_interval: Duration::from_millis(
                values.number("KIOSQUE_FOLLOW_INTERVAL", 10..=60_000)?,
            ),
            change_waiters: values.number("KIOSQUE_CHANGE_WAITERS", 0..=1_000_000)?,
            change_waiters_per_client: values
                .number("KIOSQUE_CHANGE_WAITERS_PER_CLIENT", 0..=1_000_000)?,
            change_patience: values.seconds("KIOSQUE_CHANGE_PATIENCE", 1..=3600)?,
            purge: PurgeConfig::read(&values)?,
            feeds: FeedsConfig::read(&values)?,
            webhooks: WebhookConfig::read(&values)?,
            websub: WebSubConfig::read(&values, public_url.as_deref())?,
            public_url,
            identity: IdentityConfig::read(&values, &database_url)?,
            database_url,
        })
    }
}

/// Every setting with its value in force, for `kiosque config`. Passwords and secrets are not shown.
pub fn in_force() -> Vec<(&'static Setting, String)> {
    SETTINGS
        .iter()
        .chain([&RUST_LOG])
        .map(|setting| {
            let value = std::env::var(setting.name).unwrap_or_default();
            let value = if value.is_empty() {
                setting.default.to_owned()
            } else {
                value
            };
            let hidden = identity::SECRET.contains(&setting.name) && !value.is_empty();
            let shown = match hidden {
                true => "…".to_owned(),
                false => without_password(&value),
            };
            (setting, shown)
        })
        .collect()
}

/// What the logger goes by.
pub fn log_filter() -> String {
    std::env::var(RUST_LOG.name).unwrap_or_else(|_| RUST_LOG.default.to_owned())
}

/// The database's address without its password, for messages.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:…@{host}")
        }
        None => url.to_owned(),
    }
}

/// A misspelt name must not leave a default in force unnoticed. `KIOSQUE_TEST_…` is for the test suite.
fn refuse_unknown(variables: &BTreeMap<String, String>) -> Result<(), String> {
    let unknown = variables.keys().find(|name| {
        name.starts_with("KIOSQUE_")
            && !name.starts_with("KIOSQUE_TEST_")
            && SETTINGS.iter().all(|setting| setting.name != name.as_str())
    });
    match unknown {
        Some(name) => Err(format!(
            "{name} is not a setting; `kiosque config` lists them"
        )),
        None => Ok(()),
    }
}

fn parse_database_url(url: &str) -> Result<DatabaseUrl, String> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(DatabaseUrl::Postgres(url.to_owned()));
    }
    match url.strip_prefix("sqlite://") {
        Some("") | Some(":memory:") => {
            Err("DATABASE_URL must name a file, as in sqlite://kiosque.db".to_owned())
        }
        Some(path) => Ok(DatabaseUrl::Sqlite(PathBuf::from(path))),
        None => Err(format!(
            "DATABASE_URL is {:?}; it must start with sqlite:// or postgres://",
            without_password(url)
        )),
    }
}

/// # Errors
/// One line naming the setting.
pub fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("KIOSQUE_LISTEN is {text:?}; it takes an address and a port, as in 127.0.0.1:8080")
    })
}

fn parse_public_url(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.starts_with("http://") || text.starts_with("https://") {
        return Ok(Some(text.trim_end_matches('/').to_owned()));
    }
    Err(format!(
        "KIOSQUE_PUBLIC_URL is {text:?}; it must start with http:// or https://"
    ))
}

fn search_dir(text: &str, database: &DatabaseUrl) -> PathBuf {
    match database {
        _ if !text.is_empty() => PathBuf::from(text),
        DatabaseUrl::Sqlite(file) => {
            let mut dir = file.clone().into_os_string();
            dir.push(".search");
            PathBuf::from(dir)
        }
        DatabaseUrl::Postgres(_) => PathBuf::from("kiosque.search"),
    }
}

fn available_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<Config, String> {
        let variables = variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Config::from_variables(&variables)
    }

    #[test]
    fn every_setting_has_a_default_that_is_accepted() {
        let config = config(&[]).unwrap();
        assert_eq!(
            config.database_url,
            DatabaseUrl::Sqlite("kiosque.db".into())
        );
        assert_eq!(config.search_dir, PathBuf::from("kiosque.db.search"));
        assert!(config.workers >= 1);
    }

    #[test]
    fn a_misspelt_name_or_a_bad_value_stops_the_start_and_names_the_setting() {
        for (name, value) in [
            ("KIOSQUE_LISTN", "x"),
            ("KIOSQUE_LISTEN", "8080"),
            ("KIOSQUE_WORKERS", "-1"),
            ("KIOSQUE_MAX_BODY", "1"),
            ("KIOSQUE_RELATED_TAGS", "-1"),
            ("KIOSQUE_RELATED_TAGS", "NaN"),
            ("KIOSQUE_RELATED_FLOOR", "1.1"),
            ("KIOSQUE_PUBLIC_URL", "news.example"),
            ("KIOSQUE_PURGE_URL", "cache.example/?secret"),
            ("KIOSQUE_SITE_URL", "news.example"),
            ("KIOSQUE_ARTICLE_URL", "https://news.example/"),
            ("KIOSQUE_ARTICLE_URL", "https://{slug}/"),
            ("KIOSQUE_ARTICLE_URL", "https://news.example/{slug}/{date}"),
            ("KIOSQUE_FEED_LANGUAGE", "fr_MA"),
            ("KIOSQUE_FEED_ICON", "/icon.png"),
            ("KIOSQUE_PURGE_HEADER", "Fastly-Key: secret"),
            ("KIOSQUE_WEBHOOK_ALLOW", "10.0.0.0/33"),
            ("KIOSQUE_WEBHOOK_HTTP", "1"),
            ("KIOSQUE_WEBHOOK_TIMEOUT", "31"),
            ("KIOSQUE_WEBHOOK_RETRIES", "5,0"),
            ("KIOSQUE_WEBSUB_HUB", "https://hub.example/"),
            ("KIOSQUE_WEBSUB_FEEDS", "/v1/feeds/rss"),
            ("KIOSQUE_JWT_SECRET", "secret of 31 bytes ............"),
            ("KIOSQUE_ACCESS_TOKEN_TTL", "0"),
            ("KIOSQUE_CLIENT_ADDRESS_HEADER", "a b"),
            ("DATABASE_URL", "mysql://u:secret@h/d"),
            ("DATABASE_URL", "kiosque.db"),
            ("DATABASE_URL", "sqlite://"),
        ] {
            let error = config(&[(name, value)]).unwrap_err();
            assert!(error.starts_with(name) && !error.contains('\n'), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(config(&[("KIOSQUE_TEST_REQUIRE", "data")]).is_ok());
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(
            without_password("postgres://u:p@ss@h:5/d"),
            "postgres://u:…@h:5/d"
        );
        assert_eq!(without_password("sqlite://a.db"), "sqlite://a.db");
    }
}
