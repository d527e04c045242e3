//! Bringing a database to the schema that this program was built for.

use std::collections::HashSet;

use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::{Connection, QueryResult};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::db::Conn;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
/// The number of our advisory lock on PostgreSQL: "migrate" in ASCII.
const MIGRATION_LOCK: i64 = 0x6d_69_67_72_61_74_65;

/// Runs what is missing, all in one transaction under a lock, so that of two processes started at once the
/// second finds everything done.
///
/// # Errors
/// One line for the operator; the database is then as it was.
pub fn run(conn: &mut Conn) -> Result<(), String> {
    // By the library's own transactions: each migration is a savepoint in them.
    let done = match conn {
        Conn::Sqlite(conn) => conn.immediate_transaction(|conn| bring_up(conn, SQLITE)),
        Conn::Postgres(conn) => conn.transaction(|conn| {
            lock(conn)?;
            bring_up(conn, POSTGRES)
        }),
    };
    done.map_err(|Failure(line)| line)
}

/// What stands in the way, as one line.
struct Failure(String);

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self(format!("cannot migrate the database: {error}"))
    }
}

impl From<Box<dyn std::error::Error + Send + Sync>> for Failure {
    fn from(error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        Self(format!("cannot migrate the database: {error}"))
    }
}

fn lock(conn: &mut impl SimpleConnection) -> QueryResult<()> {
    conn.batch_execute(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
}

fn bring_up<DB: Backend>(
    conn: &mut impl MigrationHarness<DB>,
    source: EmbeddedMigrations,
) -> Result<(), Failure> {
    // An older program would write rows that break the newer schema's promises.
    let embedded = MigrationSource::<DB>::migrations(&source)?;
    let known: HashSet<String> = embedded
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    let applied = conn.applied_migrations()?;
    if let Some(version) = applied
        .iter()
        .find(|version| !known.contains(&version.to_string()))
    {
        return Err(Failure(format!(
            "the database was made by a newer version of kiosque (it has migration {version})"
        )));
    }
    conn.run_pending_migrations(source)?;
    Ok(())
}
