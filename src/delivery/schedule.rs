//! When an attempt that failed is made again.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, SubsecRound, TimeDelta, Utc};

/// Part by which a rest is longer or shorter by chance, so that what failed together does not come again together.
const JITTER: f64 = 0.2;
/// The longest rest that a receiver may ask for.
const LONGEST: Duration = Duration::from_secs(86_400);

#[derive(Clone, Debug)]
pub(super) struct Schedule(Vec<Duration>);

impl Schedule {
    pub(super) fn new(rests: &[Duration]) -> Self {
        Self(rests.to_vec())
    }

    /// How long an event is tried for, and how long a receiver may fail before nothing is sent to it any more.
    pub(super) fn patience(&self) -> TimeDelta {
        let all: Duration = self.0.iter().sum();
        delta(all.mul_f64(1.0 + JITTER))
    }

    /// When an event is tried again that was tried so often, first at `begun`; `None`: it is given up. `asked` is how
    /// long its receiver wants to be left alone.
    pub(super) fn next(
        &self,
        tries: i64,
        begun: NaiveDateTime,
        asked: Option<Duration>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let place = usize::try_from(tries.max(1) - 1).unwrap_or(usize::MAX);
        // Time decides what is given up, for tries may have been hurried.
        let rest = self.0.get(place).or(self.0.last())?;
        let rest = rest.mul_f64(1.0 - JITTER + 2.0 * JITTER * chance());
        let rest = rest.max(asked.unwrap_or_default().min(LONGEST));
        // To the microsecond, which both databases keep.
        let next = (now + delta(rest)).trunc_subsecs(6);
        (next - begun.and_utc() <= self.patience()).then_some(next)
    }
}

/// `Retry-After` (RFC 9110 section 10.2.3).
pub(super) fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?.to_utc();
    Some((date - now).to_std().unwrap_or_default().min(LONGEST))
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

/// From 0 to 1. Without randomness everything comes in the middle.
fn chance() -> f64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_tried_from_seconds_to_days_and_then_given_up() {
        let rests = [
            5, 30, 120, 600, 3600, 10_800, 21_600, 43_200, 86_400, 86_400,
        ];
        let schedule = Schedule::new(&rests.map(Duration::from_secs));
        let start: DateTime<Utc> = "2025-06-01T12:00:00Z".parse().unwrap();
        for _ in 0..200 {
            let (mut now, mut tries) = (start, 1);
            while let Some(next) = schedule.next(tries, start.naive_utc(), None, now) {
                assert!(next > now && next - now < TimeDelta::hours(29));
                (now, tries) = (next, tries + 1);
            }
            assert!(tries > 10, "given up after {tries}");
            let took = now - start;
            assert!(
                took > TimeDelta::days(2) && took < TimeDelta::days(4),
                "{took}"
            );
        }
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_rest_and_not_for_a_shorter_one() {
        let schedule = Schedule::new(&[10, 86_400].map(Duration::from_secs));
        let now: DateTime<Utc> = "2025-06-01T12:00:00Z".parse().unwrap();
        let rest = |asked| {
            let next = schedule.next(1, now.naive_utc(), Some(Duration::from_secs(asked)), now);
            (next.unwrap() - now).num_seconds()
        };
        assert!((8..=12).contains(&rest(1)));
        assert_eq!(rest(3600), 3600);
        assert_eq!(rest(1_000_000), 86_400);
        let after = |text| retry_after(text, now).map(|rest| rest.as_secs());
        assert_eq!(after("120"), Some(120));
        assert_eq!(after("Sun, 01 Jun 2025 12:01:00 GMT"), Some(60));
        assert_eq!(after("Sun, 01 Jun 2025 11:01:00 GMT"), Some(0));
        assert_eq!(after("soon"), None);
        assert_eq!(after("-1"), None);
    }
}
