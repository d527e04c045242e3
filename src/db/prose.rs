//! A long text as the databases keep it. That it is UTF-8 is checked many bytes at a time: the usual check was
//! more than a quarter of the instructions by which an article is read from SQLite.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::Text;
use diesel::sqlite::{Sqlite, SqliteValue};
use encoding_rs::UTF_8;

use crate::db::{Backend, connection::MultiRawValue};

/// A column that has a long text.
#[derive(Debug, FromSqlRow)]
pub struct Prose(String);

impl From<Prose> for String {
    fn from(prose: Prose) -> Self {
        prose.0
    }
}

fn checked(bytes: &[u8]) -> deserialize::Result<Prose> {
    let text = UTF_8.decode_without_bom_handling_and_without_replacement(bytes);
    let text = text.ok_or("a text is not UTF-8")?;
    Ok(Prose(text.into_owned()))
}

impl FromSql<Text, Sqlite> for Prose {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        // As text it would be checked by the library.
        checked(value.read_blob())
    }
}

impl FromSql<Text, Pg> for Prose {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        checked(value.as_bytes())
    }
}

impl FromSql<Text, Backend> for Prose {
    fn from_sql(value: MultiRawValue<'_>) -> deserialize::Result<Self> {
        <String as FromSql<Text, Backend>>::from_sql(value).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_utf_8_is_text() {
        let text = "L'eau était là. 水 😀 ".repeat(30);
        assert_eq!(String::from(checked(text.as_bytes()).unwrap()), text);
        assert_eq!(String::from(checked(b"").unwrap()), "");
        for wrong in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf"] {
            let bytes = [text.as_bytes(), wrong, text.as_bytes()].concat();
            assert!(checked(&bytes).is_err(), "{wrong:?}");
        }
    }
}
