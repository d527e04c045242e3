//! Full-text search: an index of the articles' words, derived from the database and rebuilt from it.
//!
//! [`Writer`] follows the database and commits with the position reached in its change log;
//! [`Index`] answers queries and may be cloned freely. Nothing here is the truth: an index that is
//! missing, foreign or damaged is emptied by [`open`] and filled again by the caller.
//!
//! Reading order: `text` (what was typed), `family` (languages), `fields` (what is kept of an
//! article), `matching`, `filter` and `sieve` (what a query asks for), `walk` (order and pages),
//! `ranked` (the best without a look at all), `index`, `merging` (segments, as they become many).

mod columns;
mod family;
mod fields;
mod filter;
#[cfg(test)]
mod fixture;
mod index;
mod matching;
mod merging;
mod open;
mod ranked;
mod sieve;
mod steady;
mod text;
mod unsynced;
mod walk;
mod writer;

use std::path::PathBuf;

pub use fields::Entry;
pub use index::{Hit, Hits, Index, Key, Query};
pub use open::{Claim, claim, in_memory, open};
pub use text::{MAX_WORDS, Text, TextError};
pub use writer::Writer;

/// Why the index could not be opened, written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the search index in {} is in use by another process", .0.display())]
    InUse(PathBuf),
    #[error("the search index in {} cannot be used: {reason}", dir.display())]
    Directory { dir: PathBuf, reason: String },
    #[error("the search index is not open yet")]
    Closed,
    #[error("the search index stopped after a failure and wants a restart")]
    Stopped,
    #[error("the search index failed: {0}")]
    Engine(#[from] tantivy::TantivyError),
}

pub type Result<T> = std::result::Result<T, Error>;
