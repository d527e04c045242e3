//! Articles in and out, many at a time.

pub mod import;
mod lines;
mod verdicts;
mod waiting;
