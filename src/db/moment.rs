//! A time as the databases keep it. SQLite keeps text, and a page of articles has a hundred of them: what has the form
//! that this program writes is read and written digit by digit, which takes a tenth of what formats take.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
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

/// A time that a statement is given.
pub struct Given(NaiveDateTime);

/// As a log of queries tells any other time.
impl fmt::Debug for Given {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl From<NaiveDateTime> for Given {
    fn from(time: NaiveDateTime) -> Self {
        Self(time)
    }
}

impl ToSql<Timestamp, Sqlite> for Given {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        match Digits::of(self.0, b' ') {
            Some(digits) => {
                out.set_value(digits.as_str().to_owned());
                Ok(IsNull::No)
            }
            None => ToSql::<Timestamp, Sqlite>::to_sql(&self.0, out),
        }
    }
}

impl ToSql<Timestamp, Pg> for Given {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Timestamp, Pg>::to_sql(&self.0, out)
    }
}

/// `2026-11-24 09:30:00.5` to the nanosecond, with none, three, six or nine digits of a fraction, as chrono has it.
pub struct Digits {
    text: [u8; Self::MOST],
    length: usize,
}

impl Digits {
    const MOST: usize = 30;

    /// `between` stands between date and time. `None` for years of other than four digits, and in a leap second.
    pub fn of(time: NaiveDateTime, between: u8) -> Option<Self> {
        let year = u32::try_from(time.year())
            .ok()
            .filter(|year| *year < 10_000)?;
        let nanosecond = Some(time.nanosecond()).filter(|it| *it < 1_000_000_000)?;
        let mut text = *b"0000-00-00 00:00:00.000000000 ";
        text[10] = between;
        write_digits(&mut text[..4], year);
        write_digits(&mut text[5..7], time.month());
        write_digits(&mut text[8..10], time.day());
        write_digits(&mut text[11..13], time.hour());
        write_digits(&mut text[14..16], time.minute());
        write_digits(&mut text[17..19], time.second());
        let length = match nanosecond {
            0 => 19,
            it if it % 1_000_000 == 0 => 23,
            it if it % 1_000 == 0 => 26,
            _ => 29,
        };
        if nanosecond != 0 {
            write_digits(&mut text[20..29], nanosecond);
        }
        Some(Self { text, length })
    }

    /// The same as RFC 3339 has times in UTC.
    pub fn of_utc(time: DateTime<Utc>) -> Option<Self> {
        let mut digits = Self::of(time.naive_utc(), b'T')?;
        digits.text[digits.length] = b'Z';
        digits.length += 1;
        Some(digits)
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..self.length]).unwrap_or_default()
    }
}

fn write_digits(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
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
    fn writes_what_a_formatter_writes() {
        for text in [
            "2026-11-24 09:30:00",
            "2026-11-24 09:30:00.5",
            "1999-12-31 23:59:59.999999",
            "0000-02-29 00:00:00.000001",
            "9999-12-31 00:00:00.000000001",
        ] {
            let time = NaiveDateTime::parse_from_str(text, "%F %T%.f").unwrap();
            let digits = Digits::of(time, b' ').unwrap();
            assert_eq!(digits.as_str(), time.format("%F %T%.f").to_string());
        }
        let second = NaiveDate::from_ymd_opt(2016, 12, 31).unwrap();
        let leap = second.and_hms_nano_opt(23, 59, 59, 1_500_000_000).unwrap();
        for time in [leap, NaiveDateTime::MIN, NaiveDateTime::MAX] {
            assert!(Digits::of(time, b' ').is_none(), "{time}");
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
