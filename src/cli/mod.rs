//! The command line: one file for each command.

mod backup;
mod export;
mod import;
mod key;
mod mirror;
mod openapi;
mod pg_dump;
mod progress;
mod reindex;
pub mod related_run;
mod restore;
mod restored;
pub mod serve;
mod settings;
mod user;
mod whole_file;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Parser, Subcommand};
use serde_json::Value;

use crate::config::{self, Config};
use crate::content::check;
use crate::content::role::Role;
use crate::db::{Conn, Database};
use crate::error;
use crate::related;
use crate::store::audit::{self, Entry, Target};

/// A headless JSON content API for news publishers.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer HTTP requests
    Serve(serve::Serve),
    /// Take articles in: NDJSON, or what WordPress, Ghost, Hugo, Jekyll and feeds have; see the README
    Import(import::Import),
    /// Write the whole store, for `kiosque import` to make an equal one
    Export(export::Export),
    /// Copy the whole database, while the server may go on writing
    Backup(backup::Backup),
    /// Say that the database was put back from a copy that is not a file of `kiosque backup`
    Restored,
    /// Make the database, or bring it up to date, and stop
    Migrate,
    /// Write the OpenAPI document
    Openapi(openapi::Openapi),
    /// List every setting with its value in force
    Config,
    /// Say who may log in
    #[command(subcommand)]
    User(user::User),
    /// Make and revoke API keys
    #[command(subcommand)]
    Key(key::Key),
    /// Keep this store equal to what is public in another Kiosque
    Mirror(mirror::Mirror),
    /// Throw both indexes away and build them again
    Reindex,
    /// Rank every article of an import file in memory, for evaluation
    RelatedRun(related_run::RelatedRun),
}

/// Reads the command line and carries it out. Failures are one line on standard error.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    init_logger();
    match carry_out(cli.command) {
        Ok(code) => code,
        Err(line) => {
            // Standard error may be closed; there is nowhere else to say it.
            let _ = writeln!(std::io::stderr(), "kiosque: {line}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(command: Command) -> Result<ExitCode, String> {
    let done = |()| ExitCode::SUCCESS;
    match command {
        Command::Serve(serve) => serve.run(Config::from_env()?).map(done),
        Command::Import(import) => import.run(&Config::from_env()?),
        Command::Export(export) => export.run(&Config::from_env()?).map(done),
        Command::Backup(backup) => backup.run(&Config::from_env()?).map(done),
        Command::Restored => restored::run(&Config::from_env()?).map(done),
        Command::Migrate => open(&Config::from_env()?).map(|_| ExitCode::SUCCESS),
        Command::Openapi(openapi) => openapi.run().map(done),
        Command::Config => settings::run().map(done),
        Command::User(user) => user.run(&Config::from_env()?).map(done),
        Command::Key(key) => key.run(&Config::from_env()?).map(done),
        Command::Mirror(mirror) => mirror.run(&Config::from_env()?).map(done),
        Command::Reindex => reindex::run(&Config::from_env()?).map(done),
        Command::RelatedRun(related_run) => related_run.run().map(done),
    }
}

fn init_logger() {
    env_logger::Builder::new()
        .parse_filters(&config::log_filter())
        .format_timestamp_millis()
        .init();
}

fn open(config: &Config) -> Result<Database, String> {
    Database::open(
        &config.database_url,
        config.db_connections,
        config.db_timeout,
    )
}

/// Who acts on this command line, in the audit trail.
const CONSOLE: &str = "console";

fn parse_role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| check::one_of(text, &Role::ALL.map(Role::as_str)))
}

fn note(
    conn: &mut Conn,
    action: &'static str,
    target: Target,
    detail: Option<Value>,
    now: DateTime<Utc>,
) -> error::Result<()> {
    let entry = Entry {
        actor: CONSOLE,
        action,
        target,
        request_id: None,
        detail,
    };
    audit::append(conn, &entry, now)
}

/// What stands in the way, without the title of its kind.
fn told(error: error::Error) -> String {
    match error {
        error::Error::Conflict(_) | error::Error::NotFound(_) => match error.faults() {
            [fault] => fault.detail.clone(),
            _ => error.detail(),
        },
        error => error.to_string(),
    }
}

/// What a file on the command line is called in messages.
fn called(file: &str) -> &str {
    match file {
        "-" => "standard input",
        file => file,
    }
}

fn related_settings(config: &Config) -> related::Settings {
    related::Settings {
        tags: config.related_tags,
        floor: config.related_floor,
        ..related::Settings::default()
    }
}

/// A file to write, or standard output.
fn write_out(path: Option<&PathBuf>, text: &str) -> Result<(), String> {
    match path {
        Some(path) => std::fs::write(path, text)
            .map_err(|error| format!("cannot write {}: {error}", path.display())),
        None => std::io::stdout()
            .write_all(text.as_bytes())
            .map_err(|error| format!("cannot write to standard output: {error}")),
    }
}
