//! HTTP: one file for each resource, and what they share.

pub mod article_writing;
pub mod articles;
pub mod auth;
pub mod body;
pub mod conditional;
pub mod cursor;
pub mod docs;
pub mod editing;
pub mod envelope;
pub mod examples;
pub mod health;
pub mod inputs;
pub mod metrics;
pub mod neighbours;
pub mod openapi;
pub mod params;
pub mod problem;
pub mod publication;
pub mod related;
pub mod related_to_several;
pub mod related_to_text;
pub mod server;
pub mod state;
pub mod tags;
pub mod views;
pub mod writing;
