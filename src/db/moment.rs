//! A time as the databases keep it. SQLite keeps text, and a page of articles has a hundred of them: what has the form
//! that this program writes is read digit by digit, which takes a tenth of what a parser of formats takes.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::{Nullable, Timestamp};
use diesel::sqlite::{Sqlite, SqliteValue};

use crate::db::{Backend, connection::MultiRawValue};

/// A column that always has a time.
#[derive(Debug, FromSqlRow)]
pub struct Moment(NaiveDateTime);

/// A column that may have one.
#[derive(Debug, FromSqlRow)]
pub struct MaybeMoment(Option<NaiveDateTime>);

impl From<Moment> for NaiveDateTime {
    fn from(moment: Moment) -> Self {
        moment.0
    }
}

impl From<MaybeMoment> for Option<NaiveDateTime> {
    fn from(moment: MaybeMoment) -> Self {
        moment.0
    }
}

fn of_sqlite(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<NaiveDateTime> {
    match parsed(value.read_text().as_bytes()) {
        Some(time) => Ok(time),
        None => FromSql::<Timestamp, Sqlite>::from_sql(value),
    }
}

/// `2026-11-24 09:30:00`, with or without a fraction of at most nine digits.
fn parsed(text: &[u8]) -> Option<NaiveDateTime> {
    let (whole, fraction) = text.split_at_checked(19)?;
    let marks = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')];
    if marks.iter().any(|&(at, mark)| whole[at] != mark) {
        return None;
    }
    let nanoseconds = match fraction {
        [] => 0,
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
            let missing = u32::try_from(9 - digits.len()).ok()?;
            number(digits)? * 10_u32.pow(missing)
        }
        _ => return None,
    };
    let date = NaiveDate::from_ymd_opt(
        i32::try_from(number(&whole[..4])?).ok()?,
        number(&whole[5..7])?,
        number(&whole[8..10])?,
    )?;
    date.and_hms_nano_opt(
        number(&whole[11..13])?,
        number(&whole[14..16])?,
        number(&whole[17..19])?,
        nanoseconds,
    )
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
        Some(number * 10 + digit)
    })
}

/// The same for each kind of connection.
macro_rules! readable {
    ($($database:ty, $raw:ty, $read:expr;)*) => {$(
        impl FromSql<Timestamp, $database> for Moment {
            fn from_sql(value: $raw) -> deserialize::Result<Self> {
                $read(value).map(Self)
            }
        }

        impl FromSql<Nullable<Timestamp>, $database> for MaybeMoment {
            fn from_sql(value: $raw) -> deserialize::Result<Self> {
                $read(value).map(|time| Self(Some(time)))
            }

            fn from_nullable_sql(value: Option<$raw>) -> deserialize::Result<Self> {
                Ok(Self(value.map($read).transpose()?))
            }
        }
    )*};
}

readable! {
    Sqlite, SqliteValue<'_, '_, '_>, of_sqlite;
    Pg, PgValue<'_>, <NaiveDateTime as FromSql<Timestamp, Pg>>::from_sql;
    Backend, MultiRawValue<'_>, <NaiveDateTime as FromSql<Timestamp, Backend>>::from_sql;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_parser_of_formats_reads() {
        for text in [
            "2026-11-24 09:30:00",
            "2026-11-24 09:30:00.5",
            "1999-12-31 23:59:59.999999",
            "2024-02-29 00:00:00.000001",
        ] {
            let slow = NaiveDateTime::parse_from_str(text, "%F %T%.f");
            assert_eq!(parsed(text.as_bytes()), slow.ok(), "{text}");
        }
    }

    #[test]
    fn leaves_other_forms_to_the_parser() {
        for text in [
            "",
            "2026-11-24",
            "2026-11-24T09:30:00",
            "2026-11-24 09:30:00Z",
            "2026-11-24 09:30:00.",
            "2026-11-24 09:30:00.1234567890",
            "2026-02-30 09:30:00",
            "2026-11-24 24:30:00",
            "+026-11-24 09:30:00",
            "2026-11-24 09:30:0\u{e9}",
        ] {
            assert_eq!(parsed(text.as_bytes()), None, "{text}");
        }
    }
}
