//! What the engine has in memory of each article.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::frames::Place;
use super::masses::Masses;
use super::record::Record;

/// What a lookup needs of every article it passes by; all else is read from the archive.
pub(super) struct Article {
    pub num: i64,
    pub published_at: i64,
    pub place: Place,
    pub language: u32,
    /// Another one after each edit that is more than slight.
    pub stamp: u32,
    pub alive: bool,
    ranking: AtomicU64,
    masses: [AtomicU32; 4],
}

/// No mass is this.
const STALE: u32 = u32::MAX;
/// In the place of a ranking that is never kept.
const REFUSED: u64 = u64::MAX;

impl Article {
    pub fn new(record: &Record, place: Place) -> Self {
        Self {
            num: record.num(),
            published_at: record.published_at(),
            place,
            language: record.language(),
            stamp: record.stamp(),
            alive: true,
            ranking: AtomicU64::new(Place::NONE),
            masses: std::array::from_fn(|_| AtomicU32::new(STALE)),
        }
    }

    /// `None`: they have moved.
    pub fn masses(&self) -> Option<Masses> {
        let kept = self
            .masses
            .each_ref()
            .map(|mass| mass.load(Ordering::Relaxed));
        let [itself, title, phrase, tags] = kept.map(f32::from_bits);
        (!kept.contains(&STALE)).then_some(Masses {
            itself,
            title,
            phrase,
            tags,
        })
    }

    /// In rankings it stays what this one was, and it has the same itself.
    pub fn keep_standing(&mut self, before: &Self) {
        self.stamp = before.stamp;
        self.ranking = AtomicU64::new(before.ranking.load(Ordering::Acquire));
    }

    /// Where its ranking is.
    pub fn ranking(&self) -> Option<Place> {
        Place::from_bits(self.ranking.load(Ordering::Acquire))
    }

    pub fn set_ranking(&self, place: Option<Place>) {
        let bits = place.map_or(Place::NONE, Place::bits);
        self.ranking.store(bits, Ordering::Release);
    }

    /// None is kept of it as it is.
    pub fn refuse_ranking(&self) {
        self.ranking.store(REFUSED, Ordering::Release);
    }

    /// Whether one may be kept, and is not.
    pub fn lacks_ranking(&self) -> bool {
        self.ranking.load(Ordering::Acquire) == Place::NONE
    }

    pub fn take_ranking(&self) -> Option<Place> {
        Place::from_bits(self.ranking.swap(Place::NONE, Ordering::AcqRel))
    }

    pub fn keep_masses(&self, masses: &Masses) {
        let parts = [masses.itself, masses.title, masses.phrase, masses.tags];
        for (kept, mass) in self.masses.iter().zip(parts) {
            kept.store(mass.to_bits(), Ordering::Relaxed);
        }
    }

    pub fn forget_masses(&self) {
        self.masses
            .iter()
            .for_each(|mass| mass.store(STALE, Ordering::Relaxed));
    }
}
