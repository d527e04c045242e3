//! Connections that belong to one thread each. A pool's are shared, and a worker that answers requests must not wait
//! until a long read gives one back.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use r2d2::ManageConnection;

use crate::db::Conn;
use crate::db::connection::Manager;
use crate::error::Result;

thread_local! {
    /// The connection of this thread, and which database it is to.
    static KEPT: Cell<Option<(u64, Conn)>> = const { Cell::new(None) };
}

/// Opens a thread's connection when it first asks for one.
#[derive(Clone)]
pub struct Connections {
    manager: Manager,
    database: u64,
}

impl Connections {
    pub fn new(manager: Manager) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            manager,
            database: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Runs `work` on this thread's connection, which a panic closes.
    ///
    /// # Errors
    /// Those of `work`, and when no connection can be opened.
    pub fn lend<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        let kept = KEPT.take();
        let mut conn = match kept.filter(|(database, _)| *database == self.database) {
            Some((_, conn)) => conn,
            None => self.manager.connect()?,
        };
        let result = work(&mut conn);
        if !self.manager.has_broken(&mut conn) {
            KEPT.set(Some((self.database, conn)));
        }
        result
    }
}
