//! Copying a SQLite database while others write to it, and looking whether a copy is sound.

use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::config::DatabaseUrl;
use crate::db::Conn;
use crate::db::connection::{Access, Manager};
use crate::error::{Error, Result};

/// All but what a path in a URI may have.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.');

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

/// Opens the database at `path` as it is: an older schema stays what it is.
///
/// # Errors
/// One line; also where there is no such file, which is not made.
pub fn open_source(path: &Path, timeout: Duration) -> Result<Conn, String> {
    if !path.is_file() {
        return Err(format!("there is no database {}", path.display()));
    }
    let url = DatabaseUrl::Sqlite(path.to_owned());
    Manager::new(&url, Access::Write, timeout).open()
}

/// Writes what the database is at this moment into `to`, an empty file. Readers and writers go on meanwhile.
///
/// # Errors
/// When the copy cannot be written.
pub fn copy(conn: &mut Conn, to: &Path) -> Result<()> {
    let to = to
        .to_str()
        .ok_or_else(|| Error::Internal(format!("{} is not a UTF-8 path", to.display())))?;
    // In a read transaction of its own: one snapshot. SQLite documents it for backups of living databases.
    diesel::sql_query("VACUUM INTO $1")
        .bind::<Text, _>(to)
        .execute(conn)?;
    Ok(())
}

/// A copy that no one else has open, to be changed; nothing is written beside it.
///
/// # Errors
/// One line.
pub fn open_copy(path: &Path) -> Result<Conn, String> {
    let shown = path.display();
    let cannot = |error: &dyn std::fmt::Display| format!("cannot open the copy {shown}: {error}");
    let text = path.to_str().ok_or_else(|| cannot(&"not a UTF-8 path"))?;
    let mut conn = SqliteConnection::establish(text).map_err(|error| cannot(&error))?;
    conn.batch_execute("PRAGMA journal_mode = MEMORY; PRAGMA foreign_keys = ON;")
        .map_err(|error| cannot(&error))?;
    Ok(Conn::Sqlite(conn))
}

/// The same to be read only, whatever is in it.
///
/// # Errors
/// One line.
pub fn open_finished(path: &Path) -> Result<Conn, String> {
    let shown = path.display();
    let cannot = |error: &dyn std::fmt::Display| format!("cannot open the copy {shown}: {error}");
    let full = std::path::absolute(path).map_err(|error| cannot(&error))?;
    let text = full.to_str().ok_or_else(|| cannot(&"not a UTF-8 path"))?;
    let encoded = utf8_percent_encode(text, IN_PATH);
    let uri = format!("file://{encoded}?mode=ro&immutable=1");
    let conn = SqliteConnection::establish(&uri).map_err(|error| cannot(&error))?;
    Ok(Conn::Sqlite(conn))
}

/// Reads every page and every reference.
///
/// # Errors
/// [`Error::Internal`] with what is wrong.
pub fn check(conn: &mut Conn) -> Result<()> {
    let found: Vec<Word> =
        diesel::sql_query("SELECT integrity_check AS word FROM pragma_integrity_check")
            .load(conn)?;
    let faults: Vec<String> = found.into_iter().map(|row| row.word).collect();
    if faults != ["ok"] {
        let faults = faults.join("; ");
        return Err(Error::Internal(format!("it is damaged: {faults}")));
    }
    let dangling: Vec<Word> = diesel::sql_query(
        "SELECT \"table\" || ' to ' || parent AS word FROM pragma_foreign_key_check LIMIT 5",
    )
    .load(conn)?;
    match dangling.first() {
        None => Ok(()),
        Some(row) => {
            let detail = format!("it has references to nothing: {}", row.word);
            Err(Error::Internal(detail))
        }
    }
}
