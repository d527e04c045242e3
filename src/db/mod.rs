//! How we speak to either database: connections, transactions, migrations.

pub mod connection;
pub mod dialect;
pub mod migrations;
pub mod schema;

use std::time::Duration;

use r2d2::Pool;

pub use connection::Conn;
use connection::{Access, Manager};

use crate::config::DatabaseUrl;
use crate::error::{Error, Result};

/// The backend that queries are built for: either of the two.
pub type Backend = <Conn as diesel::Connection>::Backend;

/// The database: pools of connections, and the only ways to use one.
#[derive(Clone)]
pub struct Database {
    readers: Pool<Manager>,
    writers: Pool<Manager>,
}

impl Database {
    /// Opens the database, makes the file of a new SQLite one, and brings the schema up to date.
    ///
    /// # Errors
    /// One line for the operator.
    pub fn open(url: &DatabaseUrl, connections: u32, timeout: Duration) -> Result<Self, String> {
        // Once by hand: a pool would retry what cannot succeed until its time is up.
        let mut first = Manager::new(url, Access::Write, timeout).open()?;
        migrations::run(&mut first)?;
        drop(first);

        let pool = |access, size| {
            Pool::builder()
                .max_size(size)
                .min_idle(Some(1))
                .connection_timeout(timeout)
                .error_handler(Box::new(r2d2::LoggingErrorHandler))
                .build(Manager::new(url, access, timeout))
                .map_err(|error| format!("cannot connect to the database: {error}"))
        };
        let readers = pool(Access::Read, connections)?;
        let writers = match url {
            // SQLite has one writer at a time; queueing here is fairer than its busy handler.
            DatabaseUrl::Sqlite(_) => pool(Access::Write, 1)?,
            DatabaseUrl::Postgres(_) => readers.clone(),
        };
        Ok(Self { readers, writers })
    }

    /// Runs `work` on one snapshot of the database.
    pub fn read<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        let mut conn = self.readers.get().map_err(unavailable)?;
        conn.in_transaction(connection::Begin::Snapshot, work)
    }

    /// Runs `work` as the only writer: all of it is kept, or, when it fails, nothing.
    pub fn write<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        let mut conn = self.writers.get().map_err(unavailable)?;
        conn.in_transaction(connection::Begin::Exclusive, work)
    }

    /// Runs `work` as a write would and takes all of it back.
    pub fn rehearse<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        let mut conn = self.writers.get().map_err(unavailable)?;
        conn.rehearse(work)
    }

    /// Whether the database answers.
    pub fn ping(&self) -> Result<()> {
        self.read(|conn| conn.ping().map_err(Error::from))
    }
}

fn unavailable(error: r2d2::Error) -> Error {
    Error::Database(error.into())
}
