//! The questions we ask the database. Each is a function that takes a connection.

pub mod aliases;
pub mod articles;
pub mod audit;
pub mod changes;
pub mod curations;
pub mod idempotency;
pub mod identity;
pub mod keys;
pub mod listing;
pub mod naming;
pub mod revisions;
pub mod rows;
pub mod save;
pub mod sessions;
pub mod state;
pub mod tagging;
pub mod tags;
pub mod transitions;
pub mod users;
