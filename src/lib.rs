//! Kiosque, a headless JSON content API for news publishers.
//!
//! The tour, from the outside in: [`cli`] reads the command line; [`api`] answers HTTP; [`follower`]
//! reads the change log and keeps what is derived from it, [`related`] and [`search`], up to date;
//! [`syndication`] writes the formats that others take articles in; [`delivery`] tells caches outside what changed; [`scheduler`] logs what the passing of time does; [`transfer`] takes articles in and out; [`store`] asks the database; [`db`] speaks to it; [`content`]
//! says what an article is. [`config`] and [`error`] are used by all.

pub mod api;
pub mod cache;
pub mod cli;
pub mod config;
pub mod content;
pub mod db;
pub mod delivery;
pub mod error;
pub mod follower;
pub mod identity;
pub mod mirror;
pub mod related;
pub mod scheduler;
pub mod search;
pub mod store;
pub mod syndication;
pub mod transfer;
