//! Failed logins, by name and by address: each failure fills a vessel that leaks, and a full one lets no one try.
//!
//! Only failures count, so that a whole newsroom may log in from one address. A vessel leaks steadily, so that whoever
//! fills another's is soon forgotten; guessing on through it takes years.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// Vessels that are kept; beyond, those that are nearly empty are given up.
const MAX_VESSELS: usize = 20_000;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Whose {
    Name(String),
    /// The first 64 bits of an IPv6 address: one customer has all the rest.
    Address([u8; 16]),
}

impl Whose {
    /// Failures in a row, and the seconds after which one is forgotten.
    fn bounds(&self) -> (i64, i64) {
        match self {
            Self::Name(_) => (10, 60),
            Self::Address(_) => (50, 10),
        }
    }
}

#[derive(Default)]
pub struct Attempts(Mutex<HashMap<Whose, DateTime<Utc>>>);

/// Who tries to log in: a name that a user may have, and an address.
pub struct Attempt(Vec<Whose>);

impl Attempt {
    pub fn new(name: Option<&str>, address: Option<IpAddr>) -> Self {
        let name = name.map(|name| Whose::Name(name.to_owned()));
        let address = address.map(|address| Whose::Address(network(address)));
        Self(name.into_iter().chain(address).collect())
    }
}

fn network(address: IpAddr) -> [u8; 16] {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => {
            let mut octets = address.octets();
            octets[8..].fill(0);
            octets
        }
    }
}

impl Attempts {
    /// # Errors
    /// The seconds to wait.
    pub fn may_try(&self, attempt: &Attempt, now: DateTime<Utc>) -> Result<(), u32> {
        let vessels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = attempt.0.iter().filter_map(|whose| {
            let (most, seconds) = whose.bounds();
            // A vessel is kept as the moment at which it will be empty.
            let empty_at = *vessels.get(whose)?;
            let free_at = empty_at - TimeDelta::seconds(seconds * (most - 1));
            let wait = (free_at - now).num_milliseconds();
            (wait > 0).then(|| u32::try_from(wait.div_euclid(1000) + 1).unwrap_or(u32::MAX))
        });
        wait.max().map_or(Ok(()), Err)
    }

    /// Notes a failure.
    pub fn failed(&self, attempt: &Attempt, now: DateTime<Utc>) {
        let mut vessels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for whose in &attempt.0 {
            let (_, seconds) = whose.bounds();
            let empty_at = vessels.get(whose).copied().filter(|at| *at > now);
            let empty_at = empty_at.unwrap_or(now) + TimeDelta::seconds(seconds);
            vessels.insert(whose.clone(), empty_at);
        }
        if vessels.len() > MAX_VESSELS {
            vessels.retain(|_, empty_at| *empty_at > now);
            if vessels.len() > MAX_VESSELS {
                // Those that are fullest are of those who try hardest.
                let mut all: Vec<DateTime<Utc>> = vessels.values().copied().collect();
                let middle = all.len() / 2;
                let (_, median, _) = all.select_nth_unstable(middle);
                let median = *median;
                vessels.retain(|_, empty_at| *empty_at > median);
            }
        }
    }

    /// A right password: the name's failures are forgotten, since they were its owner's.
    pub fn succeeded(&self, name: &str) {
        let mut vessels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        vessels.remove(&Whose::Name(name.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + seconds, 0).unwrap()
    }

    fn of(name: &str, last: u8) -> Attempt {
        Attempt::new(Some(name), Some(IpAddr::from([192, 0, 2, last])))
    }

    #[test]
    fn ten_failures_close_a_name_and_a_minute_opens_it_again() {
        let attempts = Attempts::default();
        for n in 0..10 {
            assert_eq!(attempts.may_try(&of("ada", n), at(0)), Ok(()), "{n}");
            attempts.failed(&of("ada", n), at(0));
        }
        assert_eq!(attempts.may_try(&of("ada", 99), at(0)), Err(61));
        assert!(attempts.may_try(&of("bea", 99), at(0)).is_ok());
        assert!(attempts.may_try(&of("ada", 99), at(59)).is_err());
        assert!(attempts.may_try(&of("ada", 99), at(60)).is_ok());
        attempts.failed(&of("ada", 99), at(60));
        assert!(attempts.may_try(&of("ada", 99), at(61)).is_err());
        attempts.succeeded("ada");
        assert!(attempts.may_try(&of("ada", 99), at(61)).is_ok());
    }

    #[test]
    fn fifty_failures_close_an_address_for_every_name() {
        let attempts = Attempts::default();
        for n in 0..50 {
            attempts.failed(&of(&format!("n{n}"), 1), at(0));
        }
        assert!(attempts.may_try(&of("ada", 1), at(0)).is_err());
        assert!(attempts.may_try(&of("ada", 2), at(0)).is_ok());
        assert!(attempts.may_try(&of("ada", 1), at(10)).is_ok());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let attempts = Attempts::default();
        for n in 0..30_000 {
            attempts.failed(&Attempt::new(Some(&n.to_string()), None), at(0));
            attempts.failed(&Attempt::new(Some("ada"), None), at(0));
        }
        assert!(attempts.0.lock().unwrap().len() <= MAX_VESSELS);
        assert!(attempts.may_try(&of("ada", 1), at(0)).is_err());
    }
}
