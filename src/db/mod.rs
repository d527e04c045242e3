//! How we speak to either database: connections, transactions, migrations.

pub mod connection;
pub mod copy;
pub mod dialect;
pub mod kept;
mod lean_sqlite;
pub mod migrations;
pub mod moment;
pub mod own;
pub mod prose;
pub mod schema;
mod stable_plans;

use std::time::Duration;

use r2d2::Pool;

pub use connection::Conn;
use connection::{Access, Manager};

use crate::config::DatabaseUrl;
use crate::error::{Error, Result};

/// The backend that queries are built for: either of the two.
pub type Backend = <Conn as diesel::Connection>::Backend;

/// Connections to PostgreSQL for those who write one after the other: enough that they wait in its queue, which is in
/// the order of their coming.
const QUEUED: u32 = 4;

/// The database: pools of connections, and the only ways to use one.
#[derive(Clone)]
pub struct Database {
    readers: Pool<Manager>,
    /// Apart from the others, so that those who wait for their turn to write keep no one from reading.
    writers: Pool<Manager>,
    /// For what does not take turns: the one writer of SQLite, or the pool of the readers.
    unqueued: Pool<Manager>,
    /// What opens connections that belong to one thread, where that is worth while.
    own: Option<own::Connections>,
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
        let (writers, unqueued) = match url {
            DatabaseUrl::Sqlite(_) => {
                // SQLite has one writer at a time; queueing here is fairer than its busy handler.
                let writers = pool(Access::Write, 1)?;
                (writers.clone(), writers)
            }
            DatabaseUrl::Postgres(_) => (pool(Access::Write, QUEUED)?, readers.clone()),
        };
        let own = match url {
            DatabaseUrl::Sqlite(_) => Some(own::Connections::new(Manager::new(
                url,
                Access::Read,
                timeout,
            ))),
            DatabaseUrl::Postgres(_) => None,
        };
        Ok(Self {
            readers,
            writers,
            unqueued,
            own,
        })
    }

    /// Runs `work` on one snapshot of the database.
    pub fn read<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        self.pooled().read(work)
    }

    /// Reading on a connection of the pool, for which it may wait.
    pub fn pooled(&self) -> Reader<'_> {
        Reader::Pooled(&self.readers)
    }

    /// Reading on a connection of this thread's own, which waits for nobody: for reads so short that handing them to
    /// another thread would cost more than they take. `None` where the database is elsewhere and every read waits.
    pub fn here(&self) -> Option<Reader<'_>> {
        self.own.as_ref().map(Reader::Own)
    }

    /// Runs `work` as the only writer: all of it is kept, or, when it fails, nothing.
    pub fn write<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        let mut conn = self.writers.get().map_err(unavailable)?;
        conn.in_transaction(connection::Begin::Exclusive, work)
    }

    /// Runs `work`, which writes no line of the change log, without waiting for those who do: all of it is kept, or,
    /// when it fails, nothing. On PostgreSQL others write at the same time, so that `work` locks the rows by which it
    /// decides, or decides within the statement that writes.
    ///
    /// # Errors
    /// Those of `work`, and when the database fails or gives no connection or lock in time.
    pub fn write_unqueued<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        let mut conn = self.unqueued.get().map_err(unavailable)?;
        conn.in_transaction(connection::Begin::Rows, work)
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

/// How a read comes by its connection.
pub enum Reader<'a> {
    Pooled(&'a Pool<Manager>),
    Own(&'a own::Connections),
}

impl Reader<'_> {
    /// Runs `work` on one snapshot of the database.
    pub fn read<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        self.glance(|conn| conn.in_transaction(connection::Begin::Snapshot, work))
    }

    /// Runs `work` that is one statement, which is a snapshot by itself and needs no transaction around it, or that makes sure
    /// by itself that all it reads is of one.
    pub fn glance<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        match self {
            Self::Pooled(pool) => work(&mut *pool.get().map_err(unavailable)?),
            Self::Own(connections) => connections.lend(work),
        }
    }
}

fn unavailable(error: r2d2::Error) -> Error {
    Error::Database(error.into())
}
