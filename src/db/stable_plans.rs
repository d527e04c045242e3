//! SQLite plans a statement once. It would otherwise plan a prepared one anew whenever a value is bound that might lead
//! to another plan, such as that of any LIMIT: which is each time, and takes longer than most reads.

use std::ffi::{c_char, c_int};
use std::sync::Once;

use libsqlite3_sys::{
    SQLITE_DBCONFIG_ENABLE_QPSG, sqlite3, sqlite3_api_routines, sqlite3_auto_extension,
    sqlite3_db_config,
};

/// Asks for the query planner stability guarantee on every connection that this process opens from now on.
pub fn ask_for() {
    static ASKED: Once = Once::new();
    // SAFETY: The function has the signature that SQLite calls, and lives as long as the process.
    ASKED.call_once(|| unsafe {
        sqlite3_auto_extension(Some(on_connection));
    });
}

/// What SQLite calls with each new connection.
unsafe extern "C" fn on_connection(
    connection: *mut sqlite3,
    _message: *mut *mut c_char,
    _routines: *const sqlite3_api_routines,
) -> c_int {
    let on: c_int = 1;
    let nowhere: *mut c_int = std::ptr::null_mut();
    // SAFETY: The connection is open, and this setting takes an integer and where to write its new value.
    unsafe { sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_QPSG, on, nowhere) }
}
