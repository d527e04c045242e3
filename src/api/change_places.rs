//! The places of those who wait for changes: so many altogether, and so many for one client.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::HttpRequest;

use crate::api::auth::Viewer;
use crate::api::door::Door;
use crate::error::{Error, Result};
use crate::identity::attempts::{Network, network};

/// Who waits: by what it has shown, or by where it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    Credential(String),
    Network(Network),
}

impl Client {
    pub fn of(request: &HttpRequest, viewer: &Viewer, door: &Door) -> Self {
        match viewer.identity() {
            Some(identity) => Self::Credential(identity.name.clone()),
            None => Self::Network(door.address(request).map(network).unwrap_or_default()),
        }
    }
}

/// How many may wait, and who does.
pub struct Places {
    all: usize,
    /// Of one client.
    share: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_client: HashMap<Client, usize>,
}

/// One place among those who wait; it is free again when this is dropped.
pub struct Place {
    client: Client,
    taken: Arc<Mutex<Taken>>,
}

impl Places {
    pub fn new(all: usize, share: usize) -> Self {
        let taken = Arc::default();
        Self { all, share, taken }
    }

    /// # Errors
    /// [`Error::Busy`] where as many wait as may, altogether or of this client.
    pub fn enter(&self, client: Client) -> Result<Place> {
        let mut taken = lock(&self.taken);
        if taken.all >= self.all {
            return Err(Error::Busy(
                "as many as may are waiting for changes; ask without `wait`, or later",
            ));
        }
        let own = taken.by_client.get(&client).copied().unwrap_or(0);
        if own >= self.share {
            return Err(Error::Busy(
                "as many of your requests as may are waiting for changes; end one of them, or ask without `wait`",
            ));
        }
        taken.all += 1;
        taken.by_client.insert(client.clone(), own + 1);
        drop(taken);
        Ok(Place {
            client,
            taken: Arc::clone(&self.taken),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.all = taken.all.saturating_sub(1);
        let left = taken.by_client.get_mut(&self.client).map(|own| {
            *own = own.saturating_sub(1);
            *own
        });
        if left == Some(0) {
            taken.by_client.remove(&self.client);
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> Client {
        Client::Network(network(address.parse().unwrap()))
    }

    #[test]
    fn one_client_takes_its_share_and_leaves_the_rest() {
        let places = Places::new(4, 2);
        let one = [
            places.enter(from("192.0.2.1")),
            places.enter(from("192.0.2.1")),
        ];
        assert!(one.iter().all(Result::is_ok));
        assert!(places.enter(from("192.0.2.1")).is_err());
        assert!(places.enter(from("::ffff:192.0.2.1")).is_err(), "the same");
        let key = Client::Credential("key:partner".to_owned());
        let _other = places.enter(key).unwrap();
        let _last = places.enter(from("2001:db8::1")).unwrap();
        assert!(places.enter(from("192.0.2.9")).is_err(), "none is left");
        drop(one);
        assert!(places.enter(from("192.0.2.1")).is_ok());
        assert!(places.enter(from("192.0.2.1")).is_ok());
    }

    #[test]
    fn whoever_has_left_is_forgotten() {
        let places = Places::new(4, 2);
        for n in 0..100 {
            drop(places.enter(from(&format!("192.0.2.{n}"))).unwrap());
        }
        let taken = lock(&places.taken);
        assert_eq!((taken.all, taken.by_client.len()), (0, 0));
    }
}
