//! The HTTP contract, resource by resource, as a caller sees it.

#[path = "../support/mod.rs"]
mod support;

mod articles;
mod conditional;
mod copies;
mod cursors;
mod imports;
mod keys;
mod lists;
mod operation;
mod outside_tokens;
mod problems;
mod real;
mod references;
mod related;
mod related_in_samples;
mod related_to_several;
mod related_to_text;
mod same_json;
mod search;
mod tags;
mod token_kinds;
mod tokens;
mod users;
mod visibility;
mod wire;
