//! The questions we ask the database. Each is a function that takes a connection.

pub mod aliases;
pub mod articles;
pub mod changes;
pub mod curations;
pub mod identity;
pub mod listing;
pub mod save;
pub mod state;
pub mod tagging;
pub mod tags;
