//! Bringing a database to the schema that this program was built for.

use std::collections::HashSet;

use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::db::connection::Begin;
use crate::db::{Backend, Conn};
use crate::error::Error;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Runs what is missing, all in one transaction under the writer's lock, so that of two processes
/// started at once the second finds everything done.
///
/// # Errors
/// One line for the operator; the database is then as it was.
pub fn run(conn: &mut Conn) -> Result<(), String> {
    conn.in_transaction(Begin::Exclusive, |conn| {
        let source = match conn {
            Conn::Sqlite(_) => SQLITE,
            Conn::Postgres(_) => POSTGRES,
        };
        refuse_newer(conn, &source)?;
        conn.run_pending_migrations(source).map_err(Error::Database)?;
        Ok(())
    })
    .map_err(|error| match error {
        Error::Internal(line) => line,
        error => format!("cannot migrate the database: {error}"),
    })
}

/// An older program would write rows that break the newer schema's promises.
fn refuse_newer(conn: &mut Conn, source: &EmbeddedMigrations) -> Result<(), Error> {
    let embedded = MigrationSource::<Backend>::migrations(source).map_err(Error::Database)?;
    let known: HashSet<String> =
        embedded.iter().map(|migration| migration.name().version().to_string()).collect();
    let applied: Vec<MigrationVersion<'static>> =
        conn.applied_migrations().map_err(Error::Database)?;
    match applied.iter().map(ToString::to_string).find(|version| !known.contains(version)) {
        Some(version) => Err(Error::Internal(format!(
            "the database was made by a newer version of kiosque (it has migration {version})"
        ))),
        None => Ok(()),
    }
}
