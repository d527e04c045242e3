//! HTML that is made of an editor's text: no longer than an import line may be, and what was left out of it.

use crate::content::line::MAX_LINE;
use crate::transfer::sources::html;
use crate::transfer::sources::tally::Tally;

/// Bytes of cards that are looked at for one text.
const MAX_READ: usize = 4 * MAX_LINE;
/// Characters that are told of a word whose author may be anyone.
const MAX_WORD: usize = 40;

pub struct Written<'a> {
    html: String,
    /// Bytes of what was looked at to write it: what is shown again and again costs each time.
    read: usize,
    is_over: bool,
    tally: &'a mut Tally,
    /// What the article is called in messages.
    name: &'a str,
}

impl<'a> Written<'a> {
    pub fn new(tally: &'a mut Tally, name: &'a str) -> Self {
        Self {
            html: String::new(),
            read: 0,
            is_over: false,
            tally,
            name,
        }
    }

    /// Whether more was to be written than there is room for. A card may be shown many times, so whoever goes through
    /// a text asks before each of its parts.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Counts what is to be looked at, which may write little or nothing; false where it is too much.
    pub fn takes(&mut self, bytes: usize) -> bool {
        self.read = self.read.saturating_add(bytes);
        self.is_over |= self.read > MAX_READ;
        !self.is_over
    }

    pub fn is_empty(&self) -> bool {
        self.html.is_empty()
    }

    pub fn markup(&mut self, markup: &str) {
        self.is_over |= self.html.len() + markup.len() > MAX_LINE;
        if !self.is_over {
            self.html.push_str(markup);
        }
    }

    pub fn text(&mut self, text: &str) {
        self.markup(&html::escaped(text));
    }

    /// A link around what `inside` writes; that alone where there is no address.
    pub fn link(&mut self, address: &str, inside: impl FnOnce(&mut Self)) {
        if address.is_empty() {
            return inside(self);
        }
        self.markup(&format!("<a href=\"{}\">", html::escaped(address)));
        inside(self);
        self.markup("</a>");
    }

    /// A link that stands alone, with words or else its address; nothing without an address.
    pub fn lone_link(&mut self, address: &str, words: &str) {
        if address.is_empty() {
            return;
        }
        let words = if words.is_empty() { address } else { words };
        self.markup("<p>");
        self.link(address, |written| written.text(words));
        self.markup("</p>");
    }

    pub fn leave_out(&mut self, reason: &str) {
        self.tally.leave_out(reason, self.name);
    }

    /// A card of a kind that is not known.
    pub fn leave_out_card(&mut self, kind: &str) {
        let kind: String = kind.chars().take(MAX_WORD).collect();
        self.leave_out(&format!("cards of kind {kind:?}"));
    }

    pub fn finish(self) -> String {
        self.html
    }
}
