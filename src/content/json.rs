//! Reading JSON into types, with the place of what does not fit.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;
use serde_path_to_error::Segment;

use crate::content::article::Fault;

/// Why a text could not be read.
#[derive(Debug)]
pub enum Unread {
    /// It is no JSON.
    NotJson(serde_json::Error),
    /// It is JSON of another form: where, what, and in which column of its line.
    NotAsDocumented { fault: Fault, column: usize },
}

/// JSON text as a type.
///
/// # Errors
/// As [`Unread`] says.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unread> {
    // Members by position, which the deserialiser would take, are not documented.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Unread::NotAsDocumented {
            fault: Fault::new("", "is an array where an object is expected"),
            column: 1,
        });
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader);
    let value = read.map_err(|error| {
        let path: String = error.path().iter().map(pointed).collect();
        let inner = error.into_inner();
        match inner.classify() {
            Category::Data => Unread::NotAsDocumented {
                column: inner.column(),
                fault: fault(path, without_place(&inner)),
            },
            _ => Unread::NotJson(inner),
        }
    })?;
    reader.end().map_err(Unread::NotJson)?;
    Ok(value)
}

/// What has been put together from JSON, as a type.
///
/// # Errors
/// Where and what does not fit.
pub fn read_value<T: DeserializeOwned>(value: Value) -> Result<T, Fault> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path: String = error.path().iter().map(pointed).collect();
        fault(path, error.into_inner().to_string())
    })
}

/// A fault of a member that is missing or named twice is pointed at like that of any other.
fn fault(mut path: String, detail: String) -> Fault {
    let named = ["missing field `", "duplicate field `"]
        .iter()
        .find_map(|start| detail.strip_prefix(start)?.strip_suffix('`'));
    if let Some(name) = named {
        let step = format!("/{name}");
        if !path.ends_with(&step) {
            path += &step;
        }
    }
    Fault::new(path, detail)
}

/// What is wrong, without the line and column that the pointer makes needless.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&place).unwrap_or(&message).to_owned()
}

/// A step of a JSON pointer (RFC 6901).
fn pointed(segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    }
}
