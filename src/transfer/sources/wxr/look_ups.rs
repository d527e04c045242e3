//! Items that are read again for an article which shows them: files and shared blocks.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use crate::transfer::sources::place::Place;
use crate::transfer::sources::text;
use crate::transfer::sources::wxr::parts::{Element, Part, Parts};
use crate::transfer::sources::wxr::site::{meta, short};

/// What of the item of a file is not needed.
const COMMENTS: &[&str] = &["wp:comment", "content:encoded"];
/// Bytes of the file that are looked up for one article: a long gallery is far less.
const MAX_LOOKED_UP: u64 = 32 * 1024 * 1024;
/// What a look-up counts for at least, as the file is read in pieces.
const LEAST: u64 = 8 * 1024;
/// Shared blocks that are kept, and their bytes: a site has a few that stand in very many articles.
const MAX_KEPT: usize = 64;
const MAX_KEPT_BYTES: usize = 256 * 1024;

#[derive(Debug, Default)]
pub struct LookUps {
    /// Where in the export the item of a file begins, by its number.
    pub files: HashMap<u64, u64>,
    /// The same of blocks that articles share.
    pub shared: HashMap<u64, u64>,
    /// Some of these, as they were looked up.
    kept: RefCell<HashMap<u64, String>>,
    /// Bytes that have been looked up for an article.
    looked_up: Cell<u64>,
}

/// A picture or another file, as the export describes it.
#[derive(Clone, Debug)]
pub struct Media {
    pub url: String,
    pub alt: Option<String>,
    pub caption: Option<String>,
}

impl LookUps {
    /// Begins an article: as much as one may have can be looked up for it.
    pub fn begin(&self) {
        self.looked_up.set(0);
    }

    /// Whether nothing more is looked up for this article.
    pub fn is_spent(&self) -> bool {
        self.looked_up.get() >= MAX_LOOKED_UP
    }

    /// The item that begins there.
    fn look_up(
        &self,
        place: &Place,
        at: u64,
        unwanted: &'static [&'static str],
    ) -> Option<Element> {
        if self.is_spent() {
            return None;
        }
        let mut parts = Parts::at(place, at, unwanted);
        let part = parts.next();
        let length = parts.position().saturating_sub(at);
        self.looked_up.set(self.looked_up.get() + length.max(LEAST));
        match part {
            Ok(Some(Part::Item(item))) => item.element.ok(),
            _ => None,
        }
    }

    /// A file of this number, looked up in the export.
    pub fn media(&self, place: &Place, number: u64) -> Option<Media> {
        let element = self.look_up(place, *self.files.get(&number)?, COMMENTS)?;
        let url = [element.says("wp:attachment_url"), element.says("guid")];
        let url = url.into_iter().find_map(text::address)?;
        let some = |text: String| (!text.is_empty()).then_some(text);
        Some(Media {
            url,
            alt: some(short(meta(&element, "_wp_attachment_image_alt"))),
            caption: some(short(element.says("excerpt:encoded"))),
        })
    }

    /// The text of a block that articles share, looked up in the export.
    pub fn shared(&self, place: &Place, number: u64) -> Option<String> {
        let at = *self.shared.get(&number)?;
        let mut kept = self.kept.borrow_mut();
        if let Some(text) = kept.get(&number) {
            return Some(text.clone());
        }
        let element = self.look_up(place, at, &[])?;
        let text = &element.child("content:encoded")?.text;
        if text.len() <= MAX_KEPT_BYTES {
            if kept.len() >= MAX_KEPT {
                kept.clear();
            }
            kept.insert(number, text.clone());
        }
        Some(text.clone())
    }
}
