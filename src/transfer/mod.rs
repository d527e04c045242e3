//! Articles in and out, many at a time.

pub mod import;
mod lines;
pub mod sources;
mod verdicts;
mod waiting;
