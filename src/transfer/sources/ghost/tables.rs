//! A Ghost export as the tables that it holds, a row at a time.

use std::io::{self, Read};
use std::ops::ControlFlow;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::transfer::sources::clean::{Allowance, Clean};
use crate::transfer::sources::place::Place;

/// Is shown each row of the tables that it wants.
pub trait Rows {
    fn wants(&self, table: &str) -> bool;
    /// The row as JSON text. A break ends the reading.
    fn row(&mut self, table: &str, row: &str) -> ControlFlow<()>;
}

/// Reads the whole file.
///
/// # Errors
/// When it cannot be read, is no JSON, or has a row that is too large.
pub fn read(place: &Place, rows: &mut dyn Rows) -> io::Result<()> {
    let clean = Clean::json(Unmarked(place.at(0)));
    let allowance = clean.allowance();
    let mut json = serde_json::Deserializer::from_reader(clean);
    let mut stopped = false;
    let read = Level {
        rows,
        allowance: &allowance,
        stopped: &mut stopped,
        in_data: false,
    }
    .deserialize(&mut json);
    match read {
        _ if stopped => Ok(()),
        Ok(()) => Ok(()),
        Err(error) => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            error.to_string(),
        )),
    }
}

/// A byte order mark is no JSON.
struct Unmarked<R>(R);

impl<R: Read> Read for Unmarked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(into)?;
        if into[..read].starts_with("\u{feff}".as_bytes()) {
            into[..3].fill(b' ');
        }
        Ok(read)
    }
}

/// What stands around the tables, `{"db": [{"data": …}]}`, or the tables.
struct Level<'a> {
    rows: &'a mut dyn Rows,
    allowance: &'a Allowance,
    stopped: &'a mut bool,
    in_data: bool,
}

impl Level<'_> {
    fn below(&mut self, in_data: bool) -> Level<'_> {
        Level {
            rows: self.rows,
            allowance: self.allowance,
            stopped: self.stopped,
            in_data,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("the export of a Ghost site")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            self.allowance.renew();
            if self.in_data {
                map.next_value_seed(Table {
                    name: key,
                    level: self.below(true),
                })?;
            } else if key == "db" || key == "data" {
                map.next_value_seed(self.below(key == "data"))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self.below(false))?.is_some() {}
        Ok(())
    }
}

struct Table<'a> {
    name: String,
    level: Level<'a>,
}

impl<'de> DeserializeSeed<'de> for Table<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Table<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "the rows of {}", self.name)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let wanted = self.level.rows.wants(&self.name);
        loop {
            self.level.allowance.renew();
            if !wanted {
                match seq.next_element::<IgnoredAny>()? {
                    Some(_) => continue,
                    None => return Ok(()),
                }
            }
            let Some(row) = seq.next_element::<Box<RawValue>>()? else {
                return Ok(());
            };
            if self.level.rows.row(&self.name, row.get()).is_break() {
                *self.level.stopped = true;
                return Err(A::Error::custom("no more is wanted"));
            }
        }
    }

    /// Settings are a map in some exports.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            self.level.allowance.renew();
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Whatever a name is written as: text, or a number in old exports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Key(pub String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text,
            serde_json::Value::Null => String::new(),
            other => other.to_string(),
        }))
    }
}
