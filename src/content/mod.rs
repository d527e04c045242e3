//! What things are: the rules of articles and tags, without I/O.

pub mod analysis;
pub mod article;
pub mod body;
pub mod excerpt;
pub mod language;
pub mod listing;
pub mod slug;
pub mod tag;
pub mod tag_filter;
pub mod time;
pub mod visibility;
