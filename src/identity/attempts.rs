//! Logins, counted by name and by network: each fills vessels that leak, and a full one lets no one try.
//!
//! Failures count for a name from a network, for a network, and loosely for a name from anywhere, so that many networks
//! together cannot guess for ever. The last would let strangers keep a name's owner out; so it does not hold where the
//! owner has logged in from before. Right logins count loosely, too: each costs a hash, and they are not to take all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// Vessels that are kept; beyond, those that are nearly empty are given up.
const MAX_VESSELS: usize = 20_000;
/// Pairs of a name and a network of a right login that are kept; beyond, the older half is given up.
const MAX_KNOWN: usize = 20_000;

/// The first 64 bits of an IPv6 address, since one customer has all the rest; zeros where there is no address.
pub type Network = [u8; 16];

#[derive(Clone, PartialEq, Eq, Hash)]
enum Vessel {
    Failures(String, Network),
    FailuresOfName(String),
    FailuresFrom(Network),
    Logins(String),
    LoginsFrom(Network),
}

impl Vessel {
    /// How many fill it, and the seconds after which one is forgotten.
    fn bounds(&self) -> (i64, i64) {
        match self {
            Self::Failures(..) => (10, 60),
            Self::FailuresOfName(_) => (100, 10),
            Self::FailuresFrom(_) => (50, 10),
            Self::Logins(_) => (150, 1),
            Self::LoginsFrom(_) => (3_000, 1),
        }
    }
}

#[derive(Default)]
pub struct Attempts(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    /// Each as the moment at which it will be empty.
    vessels: HashMap<Vessel, DateTime<Utc>>,
    /// From where names have logged in, and when last.
    known: HashMap<(String, Network), DateTime<Utc>>,
}

/// Who tries to log in: a name that a user may have, and a network.
pub struct Attempt {
    name: Option<String>,
    network: Network,
}

impl Attempt {
    pub fn new(name: Option<&str>, address: Option<IpAddr>) -> Self {
        Self {
            name: name.map(str::to_owned),
            network: address.map(network).unwrap_or_default(),
        }
    }

    fn failures(&self) -> Vec<Vessel> {
        let mut vessels = vec![Vessel::FailuresFrom(self.network)];
        if let Some(name) = &self.name {
            vessels.push(Vessel::Failures(name.clone(), self.network));
            vessels.push(Vessel::FailuresOfName(name.clone()));
        }
        vessels
    }

    fn logins(&self) -> Vec<Vessel> {
        let mut vessels = vec![Vessel::LoginsFrom(self.network)];
        vessels.extend(self.name.clone().map(Vessel::Logins));
        vessels
    }
}

/// The network that an address belongs to: one customer's.
pub fn network(address: IpAddr) -> Network {
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
        let counts = self.counts();
        let name = attempt.name.clone().unwrap_or_default();
        let is_known = counts.known.contains_key(&(name, attempt.network));
        let vessels = attempt.failures().into_iter().chain(attempt.logins());
        let wait = vessels.filter_map(|vessel| match vessel {
            Vessel::FailuresOfName(_) if is_known => None,
            vessel => counts.wait(&vessel, now),
        });
        wait.max().map_or(Ok(()), Err)
    }

    /// Notes a failure.
    pub fn failed(&self, attempt: &Attempt, now: DateTime<Utc>) {
        self.counts().fill(attempt.failures(), now);
    }

    /// Notes a right password. Failures of the name from this network are forgotten, since they were its owner's.
    pub fn succeeded(&self, attempt: &Attempt, now: DateTime<Utc>) {
        let mut counts = self.counts();
        counts.fill(attempt.logins(), now);
        if let Some(name) = &attempt.name {
            let own = Vessel::Failures(name.clone(), attempt.network);
            counts.vessels.remove(&own);
            counts.known.insert((name.clone(), attempt.network), now);
            if counts.known.len() > MAX_KNOWN {
                let middle = median(counts.known.values());
                counts.known.retain(|_, at| *at > middle);
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn wait(&self, vessel: &Vessel, now: DateTime<Utc>) -> Option<u32> {
        let (most, seconds) = vessel.bounds();
        let empty_at = *self.vessels.get(vessel)?;
        let free_at = empty_at - TimeDelta::seconds(seconds * (most - 1));
        let wait = (free_at - now).num_milliseconds();
        (wait > 0).then(|| u32::try_from(wait.div_euclid(1000) + 1).unwrap_or(u32::MAX))
    }

    fn fill(&mut self, vessels: Vec<Vessel>, now: DateTime<Utc>) {
        for vessel in vessels {
            let (_, seconds) = vessel.bounds();
            let empty_at = self.vessels.get(&vessel).copied().filter(|at| *at > now);
            let empty_at = empty_at.unwrap_or(now) + TimeDelta::seconds(seconds);
            self.vessels.insert(vessel, empty_at);
        }
        if self.vessels.len() > MAX_VESSELS {
            self.vessels.retain(|_, empty_at| *empty_at > now);
            if self.vessels.len() > MAX_VESSELS {
                // Those that are fullest are of those who try hardest.
                let middle = median(self.vessels.values());
                self.vessels.retain(|_, empty_at| *empty_at > middle);
            }
        }
    }
}

fn median<'a>(times: impl Iterator<Item = &'a DateTime<Utc>>) -> DateTime<Utc> {
    let mut all: Vec<DateTime<Utc>> = times.copied().collect();
    let middle = all.len() / 2;
    *all.select_nth_unstable(middle).1
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
    fn ten_failures_close_a_name_for_their_network_and_a_minute_opens_it_again() {
        let attempts = Attempts::default();
        for n in 0..10 {
            assert_eq!(attempts.may_try(&of("ada", 1), at(0)), Ok(()), "{n}");
            attempts.failed(&of("ada", 1), at(0));
        }
        assert_eq!(attempts.may_try(&of("ada", 1), at(0)), Err(61));
        assert!(attempts.may_try(&of("bea", 1), at(0)).is_ok());
        assert!(
            attempts.may_try(&of("ada", 2), at(0)).is_ok(),
            "its owner is elsewhere"
        );
        assert!(attempts.may_try(&of("ada", 1), at(59)).is_err());
        assert!(attempts.may_try(&of("ada", 1), at(60)).is_ok());
        attempts.failed(&of("ada", 1), at(60));
        assert!(attempts.may_try(&of("ada", 1), at(61)).is_err());
        attempts.succeeded(&of("ada", 1), at(61));
        assert!(attempts.may_try(&of("ada", 1), at(61)).is_ok());
    }

    #[test]
    fn a_hundred_failures_close_a_name_but_not_where_its_owner_has_been() {
        let attempts = Attempts::default();
        attempts.succeeded(&of("ada", 200), at(0));
        for n in 0..100 {
            assert!(attempts.may_try(&of("ada", n), at(0)).is_ok(), "{n}");
            attempts.failed(&of("ada", n), at(0));
        }
        assert_eq!(attempts.may_try(&of("ada", 150), at(0)), Err(11));
        assert!(attempts.may_try(&of("ada", 150), at(10)).is_ok());
        assert!(attempts.may_try(&of("ada", 200), at(0)).is_ok());
        for _ in 0..10 {
            attempts.failed(&of("ada", 200), at(0));
        }
        assert!(attempts.may_try(&of("ada", 200), at(0)).is_err());
    }

    #[test]
    fn fifty_failures_close_a_network_for_every_name() {
        let attempts = Attempts::default();
        for n in 0..50 {
            attempts.failed(&of(&format!("n{n}"), 1), at(0));
        }
        assert!(attempts.may_try(&of("ada", 1), at(0)).is_err());
        assert!(attempts.may_try(&of("ada", 2), at(0)).is_ok());
        assert!(attempts.may_try(&of("ada", 1), at(10)).is_ok());
    }

    #[test]
    fn right_logins_count_loosely() {
        let attempts = Attempts::default();
        for n in 0..150 {
            assert!(attempts.may_try(&of("ada", n), at(0)).is_ok(), "{n}");
            attempts.succeeded(&of("ada", n), at(0));
        }
        assert_eq!(attempts.may_try(&of("ada", 1), at(0)), Err(2));
        assert!(attempts.may_try(&of("ada", 1), at(1)).is_ok());
        assert!(attempts.may_try(&of("bea", 1), at(0)).is_ok());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let attempts = Attempts::default();
        for n in 0..30_000 {
            attempts.failed(&Attempt::new(Some(&n.to_string()), None), at(0));
            attempts.failed(&of("ada", 1), at(0));
            attempts.succeeded(&Attempt::new(Some(&n.to_string()), None), at(n));
        }
        assert!(attempts.counts().vessels.len() <= MAX_VESSELS);
        assert!(attempts.counts().known.len() <= MAX_KNOWN);
        assert!(attempts.may_try(&of("ada", 1), at(0)).is_err());
    }
}
