//! How a list of articles is dated and ordered.

/// Which of an article's times a list goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UseDate {
    Published,
    Updated,
    FirstPublished,
}

/// The order of a list; every one is total, ties falling to the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    Newest,
    Oldest,
    /// By the full-text score; only where words are searched for.
    Relevance,
}
