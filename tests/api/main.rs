//! The HTTP contract, resource by resource, as a caller sees it.

#[path = "../support/mod.rs"]
mod support;

mod article_writing;
mod articles;
mod audit;
mod conditional;
mod copies;
mod cursors;
mod imports;
mod imports_over_http;
mod leaks;
mod lists;
mod operation;
mod permissions;
mod problems;
mod publication;
mod real;
mod references;
mod related;
mod related_in_samples;
mod related_to_several;
mod related_to_text;
mod same_json;
mod scheduler;
mod search;
mod tags;
mod visibility;
mod wire;
