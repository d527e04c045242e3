//! `kiosque key`: API keys, for whoever has the database.

use std::fmt::Write;

use chrono::TimeDelta;
use clap::Subcommand;
use serde_json::json;

use crate::cli::{CONSOLE, note, parse_role, told};
use crate::config::Config;
use crate::content::role::Role;
use crate::content::time::{Clock, utc_text};
use crate::content::username;
use crate::db::Database;
use crate::error::Error;
use crate::identity::secret;
use crate::store::audit::Target;
use crate::store::keys::{self, KeyRow, NewKey};

/// Keys read from the database at a time.
const PART: i64 = 500;

#[derive(Subcommand)]
pub enum Key {
    /// Make a key and print it, this once
    Create {
        /// Letters without accents, digits and . _ - + @; kept in lower case
        name: String,
        /// reader, partner, author, editor or admin
        #[arg(long, value_parser = parse_role, default_value = "reader")]
        role: Role,
        /// Days after which it counts no more; without: until it is revoked
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
        expires_in: Option<u16>,
    },
    /// List the keys, the newest first
    List,
    /// Let a key count no more
    Revoke { name: String },
}

impl Key {
    pub fn run(&self, config: &Config) -> Result<(), String> {
        let database = super::open(config)?;
        match self {
            Self::Create {
                name,
                role,
                expires_in,
            } => create(&database, name, *role, *expires_in),
            Self::List => list(&database),
            Self::Revoke { name } => revoke(&database, name),
        }
    }
}

fn create(
    database: &Database,
    name: &str,
    role: Role,
    expires_in: Option<u16>,
) -> Result<(), String> {
    let name = username::parse(name).map_err(|fault| format!("{name:?} {fault}"))?;
    let now = Clock::default().now();
    let key = secret::new(secret::API_KEY).map_err(told)?;
    let new = NewKey {
        name: &name,
        role,
        expires_at: expires_in.map(|days| now + TimeDelta::days(days.into())),
        by: CONSOLE,
        prefix: secret::shown(&key),
        hash: &secret::digest(&key),
    };
    let created = database.write(|conn| {
        let row = keys::create(conn, &new, now)?;
        let detail = json!({"role": row.role, "expires_at": row.expires_at.map(utc_text)});
        note(conn, "key.create", target(&row), Some(detail), now)
    });
    created.map_err(told)?;
    super::write_out(None, &format!("{key}\n"))
}

fn list(database: &Database) -> Result<(), String> {
    let now = Clock::default().now();
    let mut text = String::new();
    let mut last: Option<String> = None;
    loop {
        let rows = database
            .read(|conn| keys::page(conn, last.as_deref(), PART))
            .map_err(told)?;
        let Some(end) = rows.last() else {
            return super::write_out(None, &text);
        };
        last = Some(end.id.clone());
        for row in rows {
            let state = match (row.is_good(now), row.revoked_at) {
                (true, _) => row.expires_at.map(|at| format!("until {}", utc_text(at))),
                (false, Some(_)) => Some("revoked".to_owned()),
                (false, None) => Some("expired".to_owned()),
            };
            let used = row.last_used_at.map(|at| format!("used {}", utc_text(at)));
            let used = used.unwrap_or_else(|| "never used".to_owned());
            // Writing to a string does not fail.
            let _ = write!(text, "{}\t{}\t{}…\t{used}", row.name, row.role, row.prefix);
            let _ = writeln!(
                text,
                "{}",
                state.map_or(String::new(), |it| format!("\t{it}"))
            );
        }
    }
}

fn revoke(database: &Database, name: &str) -> Result<(), String> {
    let now = Clock::default().now();
    let name = username::parse(name).map_err(|fault| format!("{name:?} {fault}"))?;
    let revoked = database.write(|conn| {
        let row = keys::by_name(conn, &name)?;
        let row = row.ok_or_else(|| Error::NotFound(format!("there is no key {name:?}")))?;
        keys::revoke(conn, &row.id, now)?;
        note(conn, "key.revoke", target(&row), None, now)
    });
    revoked.map_err(told)
}

fn target(row: &KeyRow) -> Target<'_> {
    Target {
        kind: "key",
        id: &row.id,
        name: &row.name,
    }
}
