//! Dates as other systems write them.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, SecondsFormat, SubsecRound, Utc};

/// A point in time, and whether its offset from UTC was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dated {
    pub at: DateTime<Utc>,
    /// Otherwise it was taken for UTC.
    pub has_offset: bool,
}

const WITH_OFFSET: [&str; 5] = [
    "%Y-%m-%d %H:%M:%S%.f %z",
    "%Y-%m-%d %H:%M:%S%.f%:z",
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%Y-%m-%d %H:%M %z",
    "%Y-%m-%dT%H:%M%:z",
];
const WITHOUT_OFFSET: [&str; 4] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
];
const DAYS: [&str; 4] = ["%Y-%m-%d", "%Y/%m/%d", "%d %B %Y", "%B %d, %Y"];

/// `None` where it is no date, also for the zeroes that stand for none.
pub fn parse(text: &str) -> Option<Dated> {
    let text = text.trim();
    let utc = text
        .strip_suffix(" UTC")
        .or_else(|| text.strip_suffix(" GMT"));
    let exact = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc2822(text))
        .ok()
        .or_else(|| {
            let parse = |form: &&str| DateTime::parse_from_str(text, form).ok();
            WITH_OFFSET.iter().find_map(parse)
        });
    let dated = match exact {
        Some(at) => Dated {
            at: at.to_utc(),
            has_offset: true,
        },
        None => Dated {
            at: naive(utc.unwrap_or(text))?.and_utc(),
            has_offset: utc.is_some(),
        },
    };
    // Four digits, as everywhere else.
    let at = dated.at.trunc_subsecs(6);
    (1..=9999)
        .contains(&at.year())
        .then_some(Dated { at, ..dated })
}

/// As an import line has it.
pub fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn naive(text: &str) -> Option<NaiveDateTime> {
    let time = |form: &&str| NaiveDateTime::parse_from_str(text, form).ok();
    let day = |form: &&str| {
        let day = NaiveDate::parse_from_str(text, form).ok()?;
        day.and_hms_opt(0, 0, 0)
    };
    WITHOUT_OFFSET
        .iter()
        .find_map(time)
        .or_else(|| DAYS.iter().find_map(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_wordpress_ghost_hugo_and_jekyll() {
        for (text, expected, has_offset) in [
            ("2024-01-02 03:04:05", "2024-01-02T03:04:05Z", false),
            ("2024-01-02 03:04:05 +0100", "2024-01-02T02:04:05Z", true),
            ("2024-01-02 03:04:05+01:00", "2024-01-02T02:04:05Z", true),
            ("2024-01-02T03:04:05.123Z", "2024-01-02T03:04:05.123Z", true),
            ("2024-01-02 03:04:05 UTC", "2024-01-02T03:04:05Z", true),
            ("2024-01-02 03:04", "2024-01-02T03:04:00Z", false),
            ("2024-01-02", "2024-01-02T00:00:00Z", false),
            (
                "Tue, 02 Jan 2024 03:04:05 +0000",
                "2024-01-02T03:04:05Z",
                true,
            ),
        ] {
            let dated = parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(written(dated.at), expected, "{text}");
            assert_eq!(dated.has_offset, has_offset, "{text}");
        }
        for none in ["0000-00-00 00:00:00", "", "hier", "-0001-11-30 00:00:00"] {
            assert_eq!(parse(none), None, "{none}");
        }
        assert_eq!(parse("Mon, 30 Nov -0001 00:00:00 +0000"), None);
    }
}
