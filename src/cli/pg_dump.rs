//! Backups of PostgreSQL: its own `pg_dump`, which takes one snapshot while others write.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::config;

/// Tables that a database of ours has in every version.
const ALWAYS: [&str; 6] = [
    "store",
    "articles",
    "bodies",
    "revisions",
    "tags",
    "changes",
];

/// Writes an archive in the custom format, for `pg_restore`, and looks whether that can read it and finds the tables.
///
/// # Errors
/// One line.
pub fn write(url: &str, to: &Path) -> Result<String, String> {
    let (url, password) = config::parted(url);
    let mut dump = Command::new("pg_dump");
    dump.args(["--format=custom", "--no-password", "--file"])
        .arg(to)
        .arg("--dbname")
        .arg(&url);
    if let Some(password) = password {
        // Everyone on the machine sees a command line; the environment is its owner's.
        dump.env("PGPASSWORD", password);
    }
    ran(&mut dump, "pg_dump")?;
    let listed = ran(
        Command::new("pg_restore").arg("--list").arg(to),
        "pg_restore",
    )?;
    let listed = String::from_utf8_lossy(&listed.stdout);
    let tables: Vec<&str> = listed
        .lines()
        .filter(|line| line.contains(" TABLE DATA "))
        .collect();
    for table in ALWAYS {
        let name = format!(" {table} ");
        if !tables.iter().any(|line| line.contains(&name)) {
            return Err(format!("the archive lacks the table {table:?}"));
        }
    }
    Ok(format!("an archive of {} tables", tables.len()))
}

fn ran(command: &mut Command, name: &str) -> Result<Output, String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!(
            "{name} is not on the path; install PostgreSQL's client programs, in the version of the server or later"
        ),
        _ => format!("cannot run {name}: {error}"),
    })?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // What went wrong stands first; what follows are the statements it was about.
    let line = said.lines().find(|line| !line.trim().is_empty());
    Err(format!(
        "{name} failed: {}",
        line.unwrap_or("it did not say why")
    ))
}
