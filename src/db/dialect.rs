//! Where the two databases differ: one body, compiled for each.

/// Runs `$body` with `$conn` bound to the connection of the variant in use: for the few statements that
/// diesel builds for one backend at a time, such as a batch insert.
macro_rules! each {
    ($multi:expr, $conn:ident => $body:expr) => {
        match $multi {
            $crate::db::Conn::Sqlite($conn) => $body,
            $crate::db::Conn::Postgres($conn) => $body,
        }
    };
}
pub(crate) use each;
