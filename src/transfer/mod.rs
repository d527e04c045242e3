//! Articles in and out, many at a time.

pub mod export;
mod export_lines;
pub mod import;
mod left_over;
mod lines;
pub mod records;
mod rehearsed;
pub mod restore;
pub mod sources;
pub mod stream;
mod verdicts;
mod waiting;
