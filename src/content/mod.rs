//! What things are: the rules of articles and tags, without I/O.

pub mod absolute;
pub mod analysis;
pub mod article;
pub mod body;
pub mod check;
pub mod excerpt;
pub mod input;
pub mod json;
pub mod language;
pub mod line;
pub mod listing;
pub mod markup;
pub mod network;
pub mod rights;
pub mod role;
pub mod sight;
pub mod slug;
pub mod tag;
pub mod tag_filter;
pub mod tag_input;
pub mod time;
pub mod username;
pub mod visibility;
mod vocabulary;
