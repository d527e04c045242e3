//! What tests stand on: a database each, a server each, and articles in a few words.
#![allow(dead_code, unused_imports)] // every test binary uses a part of it

pub mod app;
pub mod builders;
pub mod client;
pub mod crowd;
pub mod database;
pub mod hook;
pub mod postgres;
pub mod requirements;
pub mod varnish;
pub mod writer;
pub mod xml;

use std::ffi::OsString;

pub use app::App;
pub use builders::{Article, article, at};
pub use client::Reply;
pub use database::{Place, dump, places};

/// The program that long runs start in processes of their own: `KIOSQUE_TEST_PROGRAM`, such as one built for release,
/// or the one at hand.
pub fn program() -> OsString {
    let chosen = std::env::var_os("KIOSQUE_TEST_PROGRAM");
    chosen.unwrap_or_else(|| env!("CARGO_BIN_EXE_kiosque").into())
}
