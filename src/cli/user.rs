//! `kiosque user`: the users, for whoever has the database, such as the first admin.

use std::fmt::Write;
use std::io::{self, BufRead, IsTerminal};

use clap::Subcommand;
use serde_json::json;

use crate::cli::{note, parse_role, told};
use crate::config::Config;
use crate::content::role::Role;
use crate::content::time::Clock;
use crate::content::username;
use crate::db::{Conn, Database};
use crate::error::Error;
use crate::identity::password;
use crate::store::audit::Target;
use crate::store::users::{self, UserRow, Wanted};

/// Users read from the database at a time.
const PART: i64 = 500;
/// Bytes of a line that may be a password.
const MAX_LINE: u64 = 1_000;

/// Passwords are asked for on a terminal, and otherwise read as one line of standard input.
#[derive(Subcommand)]
pub enum User {
    /// Make a user
    Add {
        /// Letters without accents, digits and . _ - + @; kept in lower case
        name: String,
        /// reader, partner, author, editor or admin
        #[arg(long, value_parser = parse_role)]
        role: Role,
    },
    /// List the users
    List,
    /// Give a user a new password and end all of its sessions
    Password { name: String },
    /// Log a user out and let it in no more
    Disable { name: String },
}

impl User {
    pub fn run(&self, config: &Config) -> Result<(), String> {
        let database = super::open(config)?;
        match self {
            Self::Add { name, role } => add(&database, name, *role),
            Self::List => list(&database),
            Self::Password { name } => set_password(&database, name),
            Self::Disable { name } => disable(&database, name),
        }
    }
}

fn add(database: &Database, name: &str, role: Role) -> Result<(), String> {
    let name = username::parse(name).map_err(|fault| format!("{name:?} {fault}"))?;
    // Said before a password is asked for.
    if database
        .read(|conn| users::by_name(conn, &name))
        .map_err(told)?
        .is_some()
    {
        return Err(format!("{name:?} is or was the name of a user"));
    }
    let hash = new_password()?;
    let now = Clock::default().now();
    let added = database.write(|conn| {
        let user = users::insert(conn, &name, role, &hash, now)?;
        let detail = json!({"role": user.role});
        note(
            conn,
            "user.create",
            target(&user, &user.id()),
            Some(detail),
            now,
        )
    });
    added.map_err(told)
}

fn list(database: &Database) -> Result<(), String> {
    let mut text = String::new();
    let mut last: Option<String> = None;
    loop {
        let rows = database
            .read(|conn| users::page(conn, last.as_deref(), PART))
            .map_err(told)?;
        let Some(end) = rows.last() else {
            return super::write_out(None, &text);
        };
        last = Some(end.name.clone());
        for row in rows {
            let state = if row.is_active() { "" } else { "\tdisabled" };
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}\t{}{state}", row.name, row.role);
        }
    }
}

fn set_password(database: &Database, name: &str) -> Result<(), String> {
    database.read(|conn| find(conn, name)).map_err(told)?;
    let hash = new_password()?;
    let now = Clock::default().now();
    let set = database.write(|conn| {
        let user = find(conn, name)?;
        users::set_password(conn, user.num, &hash, None, now)?;
        note(conn, "user.password", target(&user, &user.id()), None, now)
    });
    set.map_err(told)
}

fn disable(database: &Database, name: &str) -> Result<(), String> {
    let now = Clock::default().now();
    let disabled = database.write(|conn| {
        let user = find(conn, name)?;
        let wanted = Wanted {
            role: user.role(),
            disabled: true,
            password: None,
        };
        users::update(conn, &user, &wanted, now)?;
        let detail = json!({"disabled": true});
        note(
            conn,
            "user.update",
            target(&user, &user.id()),
            Some(detail),
            now,
        )
    });
    disabled.map_err(told)
}

fn find(conn: &mut Conn, name: &str) -> Result<UserRow, Error> {
    let absent = || Error::NotFound(format!("there is no user {name:?}"));
    let name = username::parse(name).map_err(|_| absent())?;
    let user = users::by_name(conn, &name)?;
    user.filter(|user| user.deleted_at.is_none())
        .ok_or_else(absent)
}

fn target<'a>(user: &'a UserRow, id: &'a str) -> Target<'a> {
    Target {
        kind: "user",
        id,
        name: &user.name,
    }
}

/// The hash of a password that is asked for twice on a terminal, or is the line on standard input.
fn new_password() -> Result<String, String> {
    let given = match io::stdin().is_terminal() {
        true => {
            let asked = |prompt| {
                rpassword::prompt_password(prompt)
                    .map_err(|error| format!("cannot read a password: {error}"))
            };
            let first = asked("Password: ")?;
            password::check(&first).map_err(|fault| format!("the password {fault}"))?;
            if first != asked("Again: ")? {
                return Err("the two passwords differ".to_owned());
            }
            first
        }
        false => {
            let mut line = String::new();
            io::Read::take(io::stdin().lock(), MAX_LINE)
                .read_line(&mut line)
                .map_err(|error| format!("cannot read a password: {error}"))?;
            line.trim_end_matches(['\r', '\n']).to_owned()
        }
    };
    password::check(&given).map_err(|fault| format!("the password {fault}"))?;
    password::hash(&given).map_err(told)
}
