//! Reading what Ghost's editors keep: JSON inside the JSON of an export, by whomever wrote it.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::content::line::MAX_LINE;
use crate::transfer::sources::ghost::written::Written;
use crate::transfer::sources::ghost::{lexical, mobiledoc};

/// Marks that part one value from the next: so many values are in memory at once.
const MAX_PARTS: usize = 1_000_000;
const PARTS: &[u8] = b",[{";

/// Which editor wrote a text.
#[derive(Clone, Copy)]
pub enum Editor {
    Lexical,
    Mobiledoc,
}

impl Editor {
    fn name(self) -> &'static str {
        match self {
            Self::Lexical => "lexical",
            Self::Mobiledoc => "mobiledoc",
        }
    }

    /// Writes the text as HTML.
    ///
    /// # Errors
    /// Where it is not as the editor writes it, nests too much or is too large.
    pub fn write(self, source: &RawValue, written: &mut Written) -> Result<(), String> {
        let said = |reason: String| format!("its {} text {reason}", self.name());
        let value = value(source).map_err(said)?;
        match self {
            Self::Lexical => lexical::write(&value, written),
            Self::Mobiledoc => mobiledoc::write(&value, written),
        }
        .map_err(said)?;
        match written.is_over() {
            true => Err(said(format!("makes more than {MAX_LINE} bytes of HTML"))),
            false => Ok(()),
        }
    }
}

/// An export holds it as a text; whoever made one by hand may not have.
fn value(source: &RawValue) -> Result<Value, String> {
    let unread = |error: serde_json::Error| format!("cannot be read: {error}");
    let raw = source.get();
    let inner;
    let text = match raw.starts_with('"') {
        true => {
            inner = serde_json::from_str::<String>(raw).map_err(unread)?;
            inner.as_str()
        }
        false => raw,
    };
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    if text.len() > MAX_LINE {
        return Err(format!("is larger than {MAX_LINE} bytes"));
    }
    if text.bytes().filter(|byte| PARTS.contains(byte)).count() > MAX_PARTS {
        return Err(format!("has more than {MAX_PARTS} parts"));
    }
    // The parser nests no deeper than 128 levels, and nor does what walks through it.
    serde_json::from_str(text).map_err(unread)
}

/// A member that is a text; empty where it is none.
pub fn text<'a>(members: &'a Map<String, Value>, name: &str) -> &'a str {
    members.get(name).and_then(Value::as_str).unwrap_or("")
}
