//! What SQLite does for programs that are not like this one, left out: locks within a connection, which here belongs to
//! one thread at a time, and a count of all memory, for which each allocation would take a lock of the whole process.

use std::ffi::c_int;
use std::sync::Once;

use libsqlite3_sys::{SQLITE_CONFIG_MEMSTATUS, SQLITE_CONFIG_MULTITHREAD, sqlite3_config};

/// Asks for it, which counts if SQLite has not been used in this process yet; else all goes on as usual.
pub fn ask_for() {
    static ASKED: Once = Once::new();
    ASKED.call_once(|| {
        let off: c_int = 0;
        // SAFETY: The first takes no argument, the second an integer. Connections are lent by `&mut` alone, so that no two
        // threads are in one; they may go from one to another.
        let refused = unsafe {
            sqlite3_config(SQLITE_CONFIG_MULTITHREAD) | sqlite3_config(SQLITE_CONFIG_MEMSTATUS, off)
        };
        if refused != 0 {
            log::debug!("SQLite was in use before it could be set up");
        }
    });
}
