//! Rankings that are kept, in a file that whoever looks something up may add to.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::archive::{Archive, Label};
use super::frames::{Place, i64_at};
use super::ranking::{Ranking, VERSION};
use super::weights::Settings;
use super::{ranking, record};

/// In the place of an article's number: what stands there is when the file was last committed.
const MOMENT: i64 = i64::MIN;

/// Rankings of all articles, of which some may no longer hold.
///
/// The file says up to which line of the change log, and which moment, all that came has been told: what came later
/// may belong into any ranking in it. A ranking that could not be taken out makes the rest worth nothing after a
/// restart, so nothing is committed from then on.
pub(super) struct Rankings {
    archive: RwLock<Archive>,
    is_broken: AtomicBool,
    /// The last one could not be written.
    is_full: AtomicBool,
    /// Rises with each that is taken out.
    forgotten: AtomicU64,
}

/// What a file held.
pub(super) struct Held {
    pub places: HashMap<i64, Place>,
    /// What came up to this line of the change log has been told.
    pub position: i64,
    /// What began to be seen up to then has been told; unix microseconds.
    pub moment: i64,
}

impl Rankings {
    /// Opens the file in `dir` of the store of this name, made with these settings. One that is ahead of `last`, the
    /// last line of the log, is of another past.
    pub fn open(
        dir: &Path,
        store: &str,
        settings: &Settings,
        last: Option<i64>,
    ) -> io::Result<(Self, Option<Held>)> {
        let versions = (record::VERSION, VERSION, ranking::RANKED);
        let label = Label {
            file: "related.rankings",
            opening: format!("kiosque rankings {versions:?} {settings:?} {store}").into_bytes(),
        };
        let (mut archive, found) = Archive::open(dir, label, last, None)?;
        archive.read_anywhere();
        let held = found.and_then(|mut found| {
            let moment = found.places.remove(&MOMENT);
            let moment = moment.and_then(|place| i64_at(archive.get(place)?.get(8..)?))?;
            Some(Held {
                places: found.places,
                position: found.position,
                moment,
            })
        });
        Ok((Self::over(archive), held))
    }

    fn over(archive: Archive) -> Self {
        Self {
            archive: RwLock::new(archive),
            is_broken: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
            forgotten: AtomicU64::new(0),
        }
    }

    pub fn get(&self, place: Place) -> Option<Ranking> {
        Ranking::parse(self.read().get(place)?)
    }

    /// Where it is now; `None`: there is no room.
    pub fn put(&self, ranking: &Ranking) -> Option<Place> {
        let bytes = ranking.to_bytes();
        match self.write().put(&bytes) {
            Ok(place) => {
                self.is_full.store(false, Ordering::Release);
                Some(place)
            }
            Err(error) => {
                if !self.is_full.swap(true, Ordering::AcqRel) {
                    log::error!("rankings are not kept: {error}");
                }
                None
            }
        }
    }

    pub fn remove(&self, num: i64) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        let removed = self.write().remove(num);
        if let Err(error) = removed {
            self.give_up(&error);
        }
    }

    /// Rises with each that is taken out.
    pub fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Acquire)
    }

    pub fn clear(&self) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        match self.write().clear() {
            Ok(()) => self.is_broken.store(false, Ordering::Release),
            Err(error) => self.give_up(&error),
        }
    }

    /// Notes that all which came up to this line of the log and this moment (unix microseconds) has been told.
    pub fn commit(&self, position: i64, moment: i64) {
        if self.is_broken.load(Ordering::Acquire) {
            return;
        }
        let mut archive = self.write();
        let bytes = [MOMENT.to_le_bytes(), moment.to_le_bytes()].concat();
        let noted = archive.put(&bytes).and_then(|_| archive.commit(position));
        drop(archive);
        if let Err(error) = noted {
            self.give_up(&error);
        }
    }

    /// Bytes that were written, past rankings included.
    pub fn written(&self) -> usize {
        self.read().written()
    }

    fn give_up(&self, error: &io::Error) {
        if !self.is_broken.swap(true, Ordering::AcqRel) {
            log::error!("rankings are not kept beyond this run: {error}");
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Archive> {
        self.archive.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Archive> {
        self.archive.write().unwrap_or_else(PoisonError::into_inner)
    }
}
