//! Keeps a store equal to the public part of another, by following its change feed.
//!
//! What a page tells and the position after it are written in one transaction, so a process that is killed at any point
//! goes on where it was; and what is written is the present state of things, so a page that comes twice changes nothing.

mod apply;
mod check;
mod feed;
mod run;
mod source;

pub use run::{Ended, Mirror};
pub use source::Source;
