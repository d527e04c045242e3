//! The HTTP contract, resource by resource, as a caller sees it.

#[path = "../support/mod.rs"]
mod support;

mod article_writing;
mod articles;
mod audit;
mod conditional;
mod copies;
mod curation;
mod cursors;
mod imports;
mod imports_over_http;
mod keys;
mod leaks;
mod links;
mod lists;
mod operation;
mod outside_tokens;
mod permissions;
mod previews;
mod problems;
mod publication;
mod real;
mod references;
mod references_and_edits;
mod related;
mod related_in_samples;
mod related_to_several;
mod related_to_text;
mod revisions;
mod revocation;
mod same_json;
mod scheduler;
mod search;
mod sessions;
mod shared_pins;
mod tag_merging;
mod tag_secrecy;
mod tag_writing;
mod tags;
mod token_kinds;
mod tokens;
mod translations;
mod users;
mod visibility;
mod wire;
