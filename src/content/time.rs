//! Points in time: how they are read, written and asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{
    DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, SubsecRound, TimeDelta,
    Utc,
};

/// What an input gives for a bare date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateMeans {
    ItsStart,
    /// The last microsecond of the day, so that `to` takes the whole of it.
    ItsEnd,
}

/// Reads an RFC 3339 time or a date `YYYY-MM-DD` (in UTC), to the microsecond, which is what both
/// databases keep.
///
/// # Errors
/// A phrase that says what is expected.
pub fn parse(text: &str, date_means: DateMeans) -> Result<DateTime<Utc>, String> {
    let expected = || format!("{text:?} is neither an RFC 3339 time nor a date YYYY-MM-DD");
    let time = match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        Ok(date) if text.len() == 10 => {
            let start = date.and_time(NaiveTime::MIN).and_utc();
            match date_means {
                DateMeans::ItsStart => start,
                DateMeans::ItsEnd => start + TimeDelta::days(1) - TimeDelta::microseconds(1),
            }
        }
        _ => DateTime::parse_from_rfc3339(text)
            .map_err(|_| expected())?
            .to_utc()
            .trunc_subsecs(6),
    };
    // RFC 3339 has four digits for the year.
    if (1..=9999).contains(&time.year()) {
        Ok(time)
    } else {
        Err(expected())
    }
}

/// As the database keeps it: UTC without saying so.
pub fn to_stored(time: DateTime<Utc>) -> NaiveDateTime {
    time.naive_utc()
}

/// A stored time as RFC 3339 in UTC, with as many decimals as it needs.
pub fn utc_text(stored: NaiveDateTime) -> String {
    stored
        .and_utc()
        .to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Where "now" comes from; tests choose the hour.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// A clock that stands at `time` until it is set.
    pub fn at(time: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(AtomicI64::new(time.timestamp_micros()))))
    }

    /// Moves a standing clock, in every copy of it; the system's clock cannot be moved.
    pub fn set(&self, time: DateTime<Utc>) {
        if let Some(micros) = &self.0 {
            micros.store(time.timestamp_micros(), Ordering::SeqCst);
        }
    }

    pub fn now(&self) -> DateTime<Utc> {
        let set = self
            .0
            .as_ref()
            .and_then(|micros| DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst)));
        set.unwrap_or_else(|| Utc::now().trunc_subsecs(6))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_date_is_a_whole_day() {
        let start = parse("2024-04-23", DateMeans::ItsStart).unwrap();
        let end = parse("2024-04-23", DateMeans::ItsEnd).unwrap();
        assert_eq!(start.to_rfc3339(), "2024-04-23T00:00:00+00:00");
        assert_eq!(end - start, TimeDelta::days(1) - TimeDelta::microseconds(1));
    }

    #[test]
    fn offsets_are_brought_to_utc() {
        let time = parse("2024-04-23T10:00:00.1234567+01:00", DateMeans::ItsStart).unwrap();
        assert_eq!(time.to_rfc3339(), "2024-04-23T09:00:00.123456+00:00");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "",
            "yesterday",
            "2024-13-01",
            "2024-04-23 10:00",
            "24-4-3",
            "1713866400",
        ] {
            assert!(parse(bad, DateMeans::ItsStart).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_standing_clock_moves_only_when_set() {
        let noon = parse("2024-04-23T12:00:00Z", DateMeans::ItsStart).unwrap();
        let clock = Clock::at(noon);
        let copy = clock.clone();
        copy.set(noon + TimeDelta::hours(1));
        assert_eq!(clock.now(), noon + TimeDelta::hours(1));
    }
}
