//! Checking an input member by member, so that one look tells everything that is wrong.

use chrono::{DateTime, Utc};

use crate::content::article::Fault;
use crate::content::time::{self, DateMeans};

/// Characters a headline or a name may have.
pub const MAX_NAME: usize = 1_000;
/// Characters of what an index holds: PostgreSQL takes entries up to 2,704 bytes.
pub const MAX_KEY: usize = 500;
/// Characters any other short text may have.
pub const MAX_TEXT: usize = 20_000;
/// Tags, sponsors, pins or bans one article may have.
const MAX_ITEMS: usize = 200;

/// Collects what is wrong, each fault with its place (RFC 6901).
#[derive(Default)]
pub struct Check(Vec<Fault>);

impl Check {
    /// # Errors
    /// Every fault that was found.
    pub fn finish(self) -> Result<(), Vec<Fault>> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(self.0),
        }
    }

    pub fn fault(&mut self, pointer: &str, detail: impl Into<String>) {
        self.0.push(Fault::new(pointer, detail));
    }

    pub fn parsed<T>(
        &mut self,
        pointer: &str,
        text: Option<String>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match parse(text.as_deref()?) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.fault(pointer, detail);
                None
            }
        }
    }

    pub fn time(&mut self, pointer: &str, text: Option<String>) -> Option<DateTime<Utc>> {
        self.parsed(pointer, text, |text| time::parse(text, DateMeans::ItsStart))
    }

    /// A required text on one line.
    pub fn name(&mut self, pointer: &str, text: String) -> String {
        self.line(pointer, text, MAX_NAME)
    }

    pub fn line(&mut self, pointer: &str, text: String, max: usize) -> String {
        // Only ASCII: a no-break space is typography, not white space to fold.
        let name = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let name = name.trim().to_owned();
        if name.is_empty() {
            self.fault(pointer, "is empty");
        }
        self.bounded(pointer, &name, max);
        name
    }

    /// An optional text; blank is absent.
    pub fn text(&mut self, pointer: &str, text: Option<String>, max: usize) -> Option<String> {
        let text = text?.trim().to_owned();
        self.bounded(pointer, &text, max);
        (!text.is_empty()).then_some(text)
    }

    pub fn bounded(&mut self, pointer: &str, text: &str, max: usize) {
        if text.chars().count() > max {
            self.fault(pointer, format!("is longer than {max} characters"));
        }
        self.no_nul(pointer, text);
    }

    /// PostgreSQL's text has no NUL.
    pub fn no_nul(&mut self, pointer: &str, text: &str) {
        if text.contains('\0') {
            self.fault(pointer, "contains a NUL character");
        }
    }

    pub fn url(&mut self, pointer: &str, url: Option<String>) -> Option<String> {
        let url = self.text(pointer, url, 2_000)?;
        let rest = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        let sound = rest.is_some_and(|rest| {
            !rest.is_empty()
                && !rest.starts_with('/')
                && !rest.contains(|c: char| {
                    c.is_whitespace() || c.is_control() || "<>\"\\^`{|}".contains(c)
                })
        });
        if !sound {
            self.fault(pointer, format!("{url:?} is not an http or https URL"));
        }
        Some(url)
    }

    pub fn at_most(&mut self, pointer: &str, count: usize) {
        if count > MAX_ITEMS {
            self.fault(pointer, format!("has more than {MAX_ITEMS} items"));
        }
    }
}

/// What is said of a word that is not among those allowed.
pub fn one_of(text: &str, allowed: &[&str]) -> String {
    format!("{text:?} is none of {}", allowed.join(", "))
}
