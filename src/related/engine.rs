//! The engine's entries: put in, replaced and taken out in place.

use std::collections::HashMap;

use super::Settings;
use super::index::{Index, Slot};
use super::profile::Profile;

/// Every article's profile and the index over them.
///
/// After any edits the engine answers as one built afresh from the same profiles.
pub struct Engine {
    pub(super) settings: Settings,
    entries: Vec<Option<Profile>>,
    free: Vec<Slot>,
    slots: HashMap<i64, Slot>,
    pub(super) index: Index,
}

impl Engine {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            entries: Vec::new(),
            free: Vec::new(),
            slots: HashMap::new(),
            index: Index::default(),
        }
    }

    /// Puts an article in, in place of what the engine had of it.
    pub fn upsert(&mut self, profile: Profile) {
        self.remove(profile.num);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            (self.entries.len() - 1) as Slot
        });
        self.index.add(slot, &profile, &self.settings.formula);
        self.slots.insert(profile.num, slot);
        if let Some(entry) = self.entries.get_mut(slot as usize) {
            *entry = Some(profile);
        }
    }

    /// Whether there was such an article.
    pub fn remove(&mut self, num: i64) -> bool {
        let Some(slot) = self.slots.remove(&num) else {
            return false;
        };
        if let Some(profile) = self.entries.get_mut(slot as usize).and_then(Option::take) {
            self.index.remove(slot, &profile);
            self.free.push(slot);
        }
        true
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub fn contains(&self, num: i64) -> bool {
        self.slots.contains_key(&num)
    }

    pub(super) fn entry(&self, slot: Slot) -> Option<&Profile> {
        self.entries.get(slot as usize)?.as_ref()
    }

    pub(super) fn article(&self, num: i64) -> Option<&Profile> {
        self.entry(*self.slots.get(&num)?)
    }

    pub(super) fn slot(&self, num: i64) -> Option<Slot> {
        self.slots.get(&num).copied()
    }

    pub(super) fn capacity(&self) -> usize {
        self.entries.len()
    }
}
