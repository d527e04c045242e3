//! When each API key was last used, noted now and then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::state::State;
use crate::store::keys::{self, KeyRow};

/// When each key was last noted to be in use.
#[derive(Clone, Default)]
pub struct KeyUses(Arc<Mutex<HashMap<String, DateTime<Utc>>>>);

impl KeyUses {
    /// Once a minute, and aside: no request waits for it or fails with it.
    pub fn note(&self, state: &State, key: &KeyRow, now: DateTime<Utc>) {
        let recent = |at: DateTime<Utc>| now - at < TimeDelta::minutes(1);
        if key.last_used_at.is_some_and(|at| recent(at.and_utc())) {
            return;
        }
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(&key.id).copied().is_some_and(recent) {
            return;
        }
        noted.retain(|_, at| recent(*at));
        noted.insert(key.id.clone(), now);
        drop(noted);
        let (database, id) = (state.database.clone(), key.id.clone());
        let aside = move || {
            let written = database.write(|conn| keys::note_use(conn, &id, now));
            if let Err(error) = written {
                log::warn!("the use of an API key could not be noted: {error}");
            }
        };
        if let Err(error) = std::thread::Builder::new().spawn(aside) {
            log::warn!("the use of an API key could not be noted: {error}");
        }
    }
}
