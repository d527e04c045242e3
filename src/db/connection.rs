//! One connection to either database, and how a transaction begins and ends on it.

use std::time::Duration;

// The library's own account of transactions, for its batch inserts open savepoints in ours.
use diesel::connection::{AnsiTransactionManager as Manages, SimpleConnection, TransactionManager};
use diesel::{Connection, PgConnection, QueryResult, RunQueryDsl, SqliteConnection};

use crate::config::{self, DatabaseUrl};
use crate::db::dialect::each;
use crate::db::{lean_sqlite, stable_plans};
use crate::error::{Error, Result};

/// A connection to SQLite or PostgreSQL, on which one query runs as the same body.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// What a transaction needs to be alone with.
#[derive(Clone, Copy, Debug)]
pub enum Begin {
    /// One unchanging view of the data, reading only.
    Snapshot,
    /// The right to write, before anything is read, so that what is read stays true until the commit.
    Exclusive,
    /// Nothing but the rows that it writes or locks; on SQLite the same as the above.
    Rows,
}

/// The number of our advisory lock on PostgreSQL: "kiosque" in ASCII.
const WRITER_LOCK: i64 = 0x6b_69_6f_73_71_75_65;
/// Whatever the operator's default is: a statement must see what was committed while a lock was waited for.
const READ_COMMITTED: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

impl Conn {
    /// Commits what `work` did, or takes all of it back: on failure, on panic, on a lost connection.
    pub fn in_transaction<T>(
        &mut self,
        begin: Begin,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let transaction = Transaction::begin(self, begin)?;
        let value = work(transaction.conn)?;
        transaction.commit()?;
        Ok(value)
    }

    /// Takes back what `work` did, always.
    pub fn rehearse<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let transaction = Transaction::begin(self, Begin::Exclusive)?;
        work(transaction.conn)
    }

    /// A part of a transaction that can fail alone.
    pub fn in_savepoint<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.transaction(work)
    }

    pub fn ping(&mut self) -> QueryResult<()> {
        diesel::sql_query("SELECT 1").execute(self).map(drop)
    }

    fn begin_statement(&self, begin: Begin) -> String {
        match (self, begin) {
            (Self::Sqlite(_), Begin::Snapshot) => "BEGIN DEFERRED".to_owned(),
            (Self::Sqlite(_), Begin::Exclusive | Begin::Rows) => "BEGIN IMMEDIATE".to_owned(),
            (Self::Postgres(_), Begin::Snapshot) => {
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned()
            }
            // Writers queue: a sequence hands out numbers before the commit, and a follower of the
            // change log must never see a later number before an earlier one.
            (Self::Postgres(_), Begin::Exclusive) => {
                format!("{READ_COMMITTED}; SELECT pg_advisory_xact_lock({WRITER_LOCK})")
            }
            (Self::Postgres(_), Begin::Rows) => READ_COMMITTED.to_owned(),
        }
    }
}

/// An open transaction; dropped without a commit, it is rolled back.
struct Transaction<'a> {
    conn: &'a mut Conn,
    open: bool,
}

impl<'a> Transaction<'a> {
    fn begin(conn: &'a mut Conn, begin: Begin) -> Result<Self> {
        let statement = conn.begin_statement(begin);
        each!(conn, conn => Manages::begin_transaction_sql(conn, &statement))?;
        Ok(Self { conn, open: true })
    }

    fn commit(mut self) -> Result<()> {
        each!(self.conn, conn => Manages::commit_transaction(conn))?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // Where this fails the connection is lost, and the transaction with it.
        if self.open && each!(self.conn, conn => Manages::rollback_transaction(conn)).is_err() {
            log::debug!("a transaction could not be rolled back; its connection is dropped");
        }
    }
}

/// Bytes of a SQLite file that are read in place. How SQLite is built (`.cargo/config.toml`) allows for as many.
const MOST_MAPPED: u64 = 1 << 40;

/// What a pool's connections are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// Opens connections for a pool. The kind is chosen by the URL's scheme alone: the derived
/// `establish` would try one backend after the other, and SQLite takes any text for a file name.
#[derive(Clone, Debug)]
pub struct Manager {
    url: DatabaseUrl,
    access: Access,
    timeout: Duration,
}

impl Manager {
    pub fn new(url: &DatabaseUrl, access: Access, timeout: Duration) -> Self {
        Self {
            url: url.clone(),
            access,
            timeout,
        }
    }

    /// # Errors
    /// One line that names the database, without its password.
    pub fn open(&self) -> Result<Conn, String> {
        match &self.url {
            DatabaseUrl::Sqlite(path) => {
                let shown = path.display();
                let file = path
                    .to_str()
                    .ok_or_else(|| format!("{shown} is not a UTF-8 path"))?;
                lean_sqlite::ask_for();
                stable_plans::ask_for();
                let conn = SqliteConnection::establish(file)
                    .map_err(|error| format!("cannot open the database {shown}: {error}"))?;
                let mut conn = Conn::Sqlite(conn);
                conn.batch_execute(&self.sqlite_settings())
                    .map_err(|error| format!("cannot use the database {shown}: {error}"))?;
                Ok(conn)
            }
            DatabaseUrl::Postgres(url) => {
                let shown = config::without_password(url);
                let cannot = |error: &dyn std::fmt::Display| {
                    // The library's messages have several lines.
                    let words: Vec<String> = error
                        .to_string()
                        .split_whitespace()
                        .map(str::to_owned)
                        .collect();
                    format!("cannot open the database {shown}: {}", words.join(" "))
                };
                let conn = PgConnection::establish(url).map_err(|error| cannot(&error))?;
                let mut conn = Conn::Postgres(conn);
                conn.batch_execute(&self.postgres_settings())
                    .map_err(|error| cannot(&error))?;
                Ok(conn)
            }
        }
    }

    /// The busy timeout stands first, for the others may need to wait already.
    fn sqlite_settings(&self) -> String {
        let milliseconds = self.timeout.as_millis();
        let query_only = match self.access {
            Access::Read => "ON",
            Access::Write => "OFF",
        };
        format!(
            "PRAGMA busy_timeout = {milliseconds};
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA cache_size = -16384;
             PRAGMA mmap_size = {MOST_MAPPED};
             PRAGMA query_only = {query_only};"
        )
    }

    fn postgres_settings(&self) -> String {
        let milliseconds = self.timeout.as_millis();
        format!(
            "SET TIME ZONE 'UTC';
             SET lock_timeout = {milliseconds};
             SET client_min_messages = warning;"
        )
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Conn;
    type Error = Error;

    fn connect(&self) -> Result<Conn> {
        self.open().map_err(|error| Error::Database(error.into()))
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<()> {
        match conn {
            // A file does not go away between two uses; asking would cost as much as the query.
            Conn::Sqlite(_) => Ok(()),
            Conn::Postgres(_) => conn.ping().map_err(Error::from),
        }
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        std::thread::panicking()
            || each!(conn, conn => Manages::is_broken_transaction_manager(conn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(diesel::QueryableByName)]
    struct Options {
        #[diesel(sql_type = diesel::sql_types::Text)]
        all: String,
    }

    #[test]
    fn sqlite_is_built_as_it_is_meant_to_be() {
        let options =
            "SELECT group_concat(compile_options, ' ') AS \"all\" FROM pragma_compile_options";
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        let Options { all } = diesel::sql_query(options).get_result(&mut conn).unwrap();
        assert!(
            all.contains(&format!("MAX_MMAP_SIZE={MOST_MAPPED}")),
            "{all}"
        );
        assert!(!all.contains("ENABLE_MEMORY_MANAGEMENT"), "{all}");
    }
}
