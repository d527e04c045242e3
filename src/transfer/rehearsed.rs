//! The names that articles would have by now, had a dry run written them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::content::article::Draft;
use crate::store::articles::ArticleRow;

/// Digests of the names.
#[derive(Default)]
pub struct Rehearsed(HashSet<u64>);

impl Rehearsed {
    /// A draft, and the row that it would have made or met.
    pub fn note(&mut self, draft: &Draft, row: &ArticleRow) {
        let external_id = draft.external_id.as_deref();
        let names = [Some(row.id.as_str()), Some(&row.slug), external_id];
        self.0.extend(names.into_iter().flatten().map(digest));
        if external_id.is_none() {
            self.0.insert(digest(&only(&row.slug)));
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains(&digest(name))
    }

    /// Whether an earlier line would have made the article that this draft names.
    pub fn has_made(&self, draft: Option<&Draft>, is_foreign: bool) -> bool {
        let Some(draft) = draft else { return false };
        let id = draft.id.map(|id| id.to_string());
        // Two articles of other systems may share a slug; they are two all the same.
        let slug = draft.slug.as_ref().filter(|_| !is_foreign);
        let slug = slug.map(|slug| match draft.external_id {
            None => slug.to_string(),
            Some(_) => only(slug.as_str()),
        });
        let names = [id, draft.external_id.clone(), slug];
        names.iter().flatten().any(|name| self.has(name))
    }
}

/// A slug as the only name of an article; no name has a NUL.
fn only(slug: &str) -> String {
    format!("\0{slug}")
}

fn digest(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
