//! `kiosque key`: API keys, for whoever has the database.

use std::fmt::Write;

use chrono::TimeDelta;
use clap::{Args, Subcommand};

use crate::cli::{CONSOLE, note, parse_role, told};
use crate::config::Config;
use crate::content::article::Fault;
use crate::content::check::Check;
use crate::content::rights::{GivenGrant, Grant};
use crate::content::role::Role;
use crate::content::time::{Clock, utc_text};
use crate::content::username;
use crate::db::Database;
use crate::error::Error;
use crate::identity::secret;
use crate::store::audit::Target;
use crate::store::keys::{self, KeyRow, NewKey};
use crate::store::rights;

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
        #[command(flatten)]
        rights: RightArgs,
    },
    /// List the keys, the newest first
    List,
    /// Let a key count no more
    Revoke { name: String },
}

/// What a partner's key may read, and how often any key may be used.
#[derive(Args, Clone)]
pub struct RightArgs {
    /// Only articles with these tags, as the parameter `tag` has it: `a,b` both, `a|b` either, `-a` not
    #[arg(long, value_name = "EXPRESSION", allow_hyphen_values = true)]
    tags: Option<String>,
    /// Only articles in this language; may be repeated
    #[arg(long = "language", value_name = "BCP47")]
    languages: Vec<String>,
    /// Only articles of the source of this exact name; may be repeated
    #[arg(long = "source", value_name = "NAME")]
    sources: Vec<String>,
    /// How much of an article: headline, excerpt or full
    #[arg(long)]
    text: Option<String>,
    /// Minutes after the public
    #[arg(long, value_name = "MINUTES")]
    delay_minutes: Option<i64>,
    /// Minutes before the public
    #[arg(long, value_name = "MINUTES")]
    lead_minutes: Option<i64>,
    /// Requests a day, UTC
    #[arg(long, value_name = "REQUESTS")]
    daily_quota: Option<i64>,
    /// Requests a minute, on each server
    #[arg(long, value_name = "REQUESTS")]
    rate_per_minute: Option<i64>,
}

impl RightArgs {
    fn grant(&self, role: Role) -> Result<Grant, String> {
        let some = |names: &Vec<String>| (!names.is_empty()).then(|| names.clone());
        let given = GivenGrant {
            tags: self.tags.clone(),
            languages: some(&self.languages),
            sources: some(&self.sources),
            text: self.text.clone(),
            delay_minutes: self.delay_minutes,
            lead_minutes: self.lead_minutes,
            daily_quota: self.daily_quota,
            rate_per_minute: self.rate_per_minute,
        };
        let mut check = Check::default();
        let grant = given.checked(Some(role), &mut check);
        let told = |faults: Vec<Fault>| {
            let told: Vec<String> = faults
                .iter()
                .map(|fault| format!("{} {}", fault.pointer, fault.detail))
                .collect();
            told.join("; ")
        };
        check.finish().map_err(told)?;
        Ok(grant)
    }
}

impl Key {
    pub fn run(&self, config: &Config) -> Result<(), String> {
        let database = super::open(config)?;
        match self {
            Self::Create {
                name,
                role,
                expires_in,
                rights,
            } => create(&database, name, *role, *expires_in, &rights.grant(*role)?),
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
    grant: &Grant,
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
        rights::save(conn, &row.id, None, grant, now)?;
        let detail = keys::audit_detail(&row, grant);
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
