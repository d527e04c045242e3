//! Writes JSON, byte for byte as serde_json does, and several times faster where texts are long: what must be escaped
//! is looked for in many bytes at a time.

use std::io::Write;

use chrono::{DateTime, Utc};
use serde::ser::{
    self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};
use serde::{Serialize, Serializer};

use crate::db::moment::Digits;

/// What an article or a short list of them takes; a longer answer grows, which is to copy it.
const USUAL: usize = 16_384;
/// Bytes that are looked at together.
const STRIDE: usize = 32;
const STEP: usize = 8;
/// The name by which serde_json knows what is JSON already. A test tells when it is another.
const READY: &str = "$serde_json::private::RawValue";

type Result<T> = std::result::Result<T, serde_json::Error>;

/// A value as JSON.
///
/// # Errors
/// Those of the value's own serialisation.
pub fn to_vec(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(USUAL);
    append(&mut out, value)?;
    Ok(out)
}

/// Appends a value.
///
/// # Errors
/// As [`to_vec`].
pub fn append(out: &mut Vec<u8>, value: &impl Serialize) -> Result<()> {
    value.serialize(Writer::on(out))
}

/// A time as it serialises itself, without formats: a page of articles has sixty.
///
/// # Errors
/// Those of the serializer.
pub fn time<S: Serializer>(
    time: &DateTime<Utc>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    match Digits::of_utc(*time) {
        Some(digits) => serializer.serialize_str(digits.as_str()),
        None => time.serialize(serializer),
    }
}

/// The same for one that may not be there.
///
/// # Errors
/// Those of the serializer.
pub fn maybe_time<S: Serializer>(
    time: &Option<DateTime<Utc>>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    match time {
        Some(known) => self::time(known, serializer),
        None => serializer.serialize_none(),
    }
}

/// JSON that is ready, as serde_json's `RawValue` hands it over; but that looks through the whole of it first.
///
/// # Errors
/// Those of the serializer.
pub fn ready<S: Serializer>(json: &str, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    let mut raw = serializer.serialize_struct(READY, 1)?;
    raw.serialize_field(READY, json)?;
    raw.end()
}

/// Writes one value.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// Texts are JSON already.
    is_ready: bool,
}

/// Writes the items of a value, parted by commas.
struct Items<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
    /// What stands behind the last.
    end: &'static [u8],
    /// What comes is JSON already.
    is_ready: bool,
}

impl<'a> Writer<'a> {
    fn on(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            is_ready: false,
        }
    }

    fn items(self, begin: &[u8], end: &'static [u8]) -> Items<'a> {
        self.out.extend_from_slice(begin);
        Items {
            out: self.out,
            is_first: true,
            end,
            is_ready: false,
        }
    }

    /// The items of a variant, which is an object with the variant's name as its one member.
    fn variant(self, name: &str, begin: u8, end: &'static [u8]) -> Items<'a> {
        self.out.push(b'{');
        write_text(self.out, name);
        self.items(&[b':', begin], end)
    }

    fn plain(self, value: impl Serialize) -> Result<()> {
        serde_json::to_writer(self.out, &value)
    }
}

macro_rules! plain {
    ($($method:ident: $kind:ty),*) => {$(
        fn $method(self, value: $kind) -> Result<()> {
            self.plain(value)
        }
    )*};
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Items<'a>;
    type SerializeStruct = Items<'a>;
    type SerializeStructVariant = Items<'a>;

    plain!(serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128, serialize_f32: f32, serialize_f64: f64, serialize_char: char,
        serialize_bytes: &[u8]);

    fn serialize_str(self, value: &str) -> Result<()> {
        match self.is_ready {
            true => self.out.extend_from_slice(value.as_bytes()),
            false => write_text(self.out, value),
        }
        Ok(())
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<()> {
        self.out.push(b'"');
        // Writing to memory does not fail; a value that cannot be displayed does.
        write!(Escaping(self.out), "{value}").map_err(ser::Error::custom)?;
        self.out.push(b'"');
        Ok(())
    }

    fn serialize_none(self) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<()> {
        self.serialize_str(name)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        let mut items = self.items(b"{", b"}");
        items.member(name, value)?;
        items.close()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a>> {
        Ok(self.items(b"[", b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<'a>> {
        Ok(self.items(b"[", b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<'a>> {
        Ok(self.items(b"[", b"]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Items<'a>> {
        Ok(self.variant(name, b'[', b"]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Items<'a>> {
        Ok(self.items(b"{", b"}"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Items<'a>> {
        if name == READY {
            let items = self.items(b"", b"");
            return Ok(Items {
                is_ready: true,
                ..items
            });
        }
        Ok(self.items(b"{", b"}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Items<'a>> {
        Ok(self.variant(name, b'{', b"}}"))
    }
}

impl Items<'_> {
    fn part(&mut self) {
        if !self.is_first {
            self.out.push(b',');
        }
        self.is_first = false;
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.part();
        value.serialize(Writer::on(self.out))
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<()> {
        self.part();
        write_text(self.out, name);
        self.out.push(b':');
        value.serialize(Writer::on(self.out))
    }

    /// A member whose name is one of a type's: there are many of them, of which none has anything to escape.
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
        if self.is_ready {
            return value.serialize(Writer {
                out: self.out,
                is_ready: true,
            });
        }
        if name.bytes().any(is_escaped) {
            return self.member(name, value);
        }
        self.out.reserve(name.len() + 4);
        self.part();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        value.serialize(Writer::on(self.out))
    }

    fn close(self) -> Result<()> {
        self.out.extend_from_slice(self.end);
        Ok(())
    }
}

macro_rules! items {
    ($($kind:ident, $method:ident;)*) => {$(
        impl $kind for Items<'_> {
            type Ok = ();
            type Error = serde_json::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.item(value)
            }

            fn end(self) -> Result<()> {
                self.close()
            }
        }
    )*};
}
items! {
    SerializeSeq, serialize_element;
    SerializeTuple, serialize_element;
    SerializeTupleStruct, serialize_field;
    SerializeTupleVariant, serialize_field;
}

macro_rules! members {
    ($($kind:ident),*) => {$(
        impl $kind for Items<'_> {
            type Ok = ();
            type Error = serde_json::Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
                self.field(name, value)
            }

            fn end(self) -> Result<()> {
                self.close()
            }
        }
    )*};
}
members!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Items<'_> {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.part();
        let begin = self.out.len();
        key.serialize(Writer::on(self.out))?;
        // A name is a text, also one that is a number.
        if self.out.get(begin) != Some(&b'"') {
            self.out.insert(begin, b'"');
            self.out.push(b'"');
        }
        self.out.push(b':');
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(Writer::on(self.out))
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

/// Takes texts in pieces.
struct Escaping<'a>(&'a mut Vec<u8>);

impl Write for Escaping<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        write_escaped(self.0, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Appends a text, in its quotation marks.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    write_escaped(out, text.as_bytes());
    out.push(b'"');
}

fn write_escaped(out: &mut Vec<u8>, text: &[u8]) {
    let (mut copied, mut seen) = (0, 0);
    while seen < text.len() {
        let rest = &text[seen..];
        if rest.first_chunk::<STRIDE>().is_some_and(is_plain) {
            seen += STRIDE;
            continue;
        }
        // The end of the text, or near what must be escaped.
        if rest.first_chunk::<STEP>().is_some_and(is_plain) {
            seen += STEP;
            continue;
        }
        let end = text.len().min(seen + STEP);
        for at in seen..end {
            if is_escaped(text[at]) {
                out.extend_from_slice(&text[copied..at]);
                write_escape(out, text[at]);
                copied = at + 1;
            }
        }
        seen = end;
    }
    out.extend_from_slice(&text[copied..]);
}

/// Without a branch for each byte, so that the compiler takes all of them at once.
fn is_plain<const N: usize>(bytes: &[u8; N]) -> bool {
    let found = bytes.iter().map(|byte| u8::from(is_escaped(*byte)));
    found.fold(0, |all, one| all | one) == 0
}

fn is_escaped(byte: u8) -> bool {
    (byte < b' ') | (byte == b'"') | (byte == b'\\')
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(DIGITS[usize::from(byte >> 4)]);
            return out.push(DIGITS[usize::from(byte & 15)]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{DateTime, Utc};
    use serde_json::json;
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Serialize)]
    struct Named {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<u8>,
        nothing: Option<u8>,
        time: DateTime<Utc>,
        kinds: Vec<Kind>,
    }

    #[derive(Serialize)]
    enum Kind {
        Bare,
        Of(i64),
        Both(u8, &'static str),
        With { a: f64, b: () },
    }

    #[derive(Serialize)]
    struct Pair(char, [u8; 2]);

    fn same(value: &impl Serialize) {
        let ours = String::from_utf8(to_vec(value).unwrap()).unwrap();
        assert_eq!(ours, serde_json::to_string(value).unwrap());
    }

    #[test]
    fn texts_are_escaped_wherever_they_must_be() {
        let every: String = (0..=0x2ff).filter_map(char::from_u32).collect();
        same(&every);
        for mark in ['"', '\\', '\n', '\u{0}', '\u{1f}', '\u{7f}', 'é', '😀'] {
            for place in 0..100 {
                let text = format!("{}{mark}{}", "x".repeat(place), "y".repeat(100 - place));
                same(&text);
                same(&&text[..place]);
            }
        }
    }

    struct Ready(&'static str);

    impl Serialize for Ready {
        fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
            ready(self.0, serializer)
        }
    }

    #[test]
    fn what_is_ready_is_json_for_every_serializer() {
        let whole = [Ready(r#"{"a":["é\n",1]}"#), Ready("null")];
        same(&whole);
        assert_eq!(
            to_vec(&whole).unwrap(),
            r#"[{"a":["é\n",1]},null]"#.as_bytes()
        );
        let value = serde_json::to_value(&whole).unwrap();
        assert_eq!(value, json!([{"a": ["é\n", 1]}, null]));
    }

    #[test]
    fn values_of_every_kind_are_written_as_elsewhere() {
        same(&Named {
            text: "l'« eau »\n".to_owned(),
            absent: None,
            nothing: None,
            time: DateTime::from_timestamp_micros(1_713_866_400_123_456).unwrap(),
            kinds: vec![
                Kind::Bare,
                Kind::Of(i64::MIN),
                Kind::Both(7, "\""),
                Kind::With { a: 1e-9, b: () },
            ],
        });
        for micros in [0, 1_713_866_400_123_456, 500_000, 1_000, i64::MAX / 40] {
            let known = DateTime::from_timestamp_micros(micros).unwrap();
            let mut ours = Vec::new();
            time(&known, Writer::on(&mut ours)).unwrap();
            assert_eq!(ours, serde_json::to_vec(&known).unwrap());
        }
        same(&Pair('"', [1, 2]));
        same(&(1.0_f32, f64::NAN, u64::MAX, i128::MIN, true, "", ()));
        same(&BTreeMap::from([(1, "a"), (-2, "b")]));
        let raw = r#"{"b": [1, "\\n"], "a":null}"#.to_owned();
        same(&[RawValue::from_string(raw).unwrap()]);
        same(&BTreeMap::from([
            ("a\"", vec![Some(1), None]),
            ("", vec![]),
        ]));
        same(&json!({"b": [1, 2.5, null, {}, []], "a": {"deep": ["\t", -7]}, "c": 1e300}));
    }
}
