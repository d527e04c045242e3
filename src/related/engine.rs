//! The engine's articles: put in, replaced and taken out in place, each counted while it may be seen.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::Settings;
use super::archive::{Archive, Found, Place};
use super::index::{Index, Slot, Stale};
use super::lookup::Scratch;
use super::profile::Profile;
use super::record::Record;
use super::score::Masses;

/// Every article's profile and the index over those that may be seen now.
///
/// After any edits the engine answers as one built afresh from the same profiles.
pub struct Engine {
    pub(super) settings: Settings,
    archive: Archive,
    store: String,
    pub(super) index: Index,
    /// Never handed out again, so that lists of slots only grow at their end.
    slots: Vec<Article>,
    live: HashMap<i64, Slot>,
    /// Known, but not counted: scheduled, expired or sensitive ones.
    aside: HashMap<i64, Place>,
    /// When articles begin or cease to be seen, in unix microseconds.
    turns: BTreeMap<i64, Vec<i64>>,
    now: i64,
    /// Room for lookups to work in, one for each that runs at a time.
    pub(super) scratch: Mutex<Vec<Scratch>>,
}

/// What a lookup needs of every article it passes by; all else is read from the archive.
pub(super) struct Article {
    pub num: i64,
    pub published_at: i64,
    place: Place,
    pub language: u32,
    alive: bool,
    masses: [AtomicU32; 4],
}

/// No mass is this.
const STALE: u32 = u32::MAX;

impl Article {
    fn new(record: &Record, place: Place) -> Self {
        Self {
            num: record.num(),
            published_at: record.published_at(),
            place,
            language: record.language(),
            alive: true,
            masses: std::array::from_fn(|_| AtomicU32::new(STALE)),
        }
    }

    fn forget_masses(&self) {
        self.masses
            .iter()
            .for_each(|mass| mass.store(STALE, Ordering::Relaxed));
    }
}

impl Engine {
    /// One that keeps everything in memory.
    pub fn new(settings: Settings) -> Self {
        Self::over(Archive::in_memory(), settings, String::new())
    }

    /// One that keeps its profiles in a file in `dir`, which belongs to the store of this name. Takes in what
    /// the file holds at the time `now` (unix microseconds), and tells up to which line of the change
    /// log that is; `None`: nothing that can be used.
    ///
    /// # Errors
    /// When the file cannot be opened, read or made.
    pub fn open(
        settings: Settings,
        dir: &Path,
        store: &str,
        now: i64,
        threads: usize,
    ) -> io::Result<(Self, Option<i64>)> {
        let (archive, found) = Archive::open(dir, store)?;
        let mut engine = Self::over(archive, settings, store.to_owned());
        engine.now = now;
        let position = found.as_ref().map(|found| found.position);
        if let Some(found) = found {
            engine.load(&found, threads);
        }
        Ok((engine, position))
    }

    fn over(archive: Archive, settings: Settings, store: String) -> Self {
        Self {
            index: Index::new(&settings.formula),
            settings,
            archive,
            store,
            slots: Vec::new(),
            live: HashMap::new(),
            aside: HashMap::new(),
            turns: BTreeMap::new(),
            now: 0,
            scratch: Mutex::new(Vec::new()),
        }
    }

    fn load(&mut self, found: &Found, threads: usize) {
        /// Articles taken in at a time: a thread goes through them once for its part of the terms.
        const BATCH: usize = 4_096;
        let mut places: Vec<Place> = found.places.values().copied().collect();
        places.sort_unstable();
        for places in places.chunks(BATCH) {
            let mut batch = Vec::with_capacity(places.len());
            for place in places {
                let Some(record) = self.archive.get(*place).and_then(Record::parse) else {
                    continue;
                };
                schedule(&mut self.turns, &record, self.now);
                if shown(&record, self.now) {
                    let slot = self.slots.len() as Slot;
                    self.slots.push(Article::new(&record, *place));
                    self.live.insert(record.num(), slot);
                    batch.push((slot, record));
                } else {
                    self.aside.insert(record.num(), *place);
                }
            }
            self.index.add_all(&batch, &self.settings.formula, threads);
        }
        self.index.shrink();
        let share = self.slots.len().div_ceil(threads.max(1));
        thread::scope(|scope| {
            for first in (0..self.slots.len()).step_by(share.max(1)) {
                let engine = &*self;
                scope.spawn(move || engine.refresh(first, share));
            }
        });
        self.archive.forget_pages();
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn clear(&mut self) -> io::Result<()> {
        let mut archive = std::mem::replace(&mut self.archive, Archive::in_memory());
        let cleared = archive.clear(&self.store);
        let (settings, store) = (self.settings.clone(), std::mem::take(&mut self.store));
        let now = self.now;
        *self = Self::over(archive, settings, store);
        self.now = now;
        cleared
    }

    /// Puts an article in, in place of what the engine had of it.
    ///
    /// # Errors
    /// When the file cannot be written; the engine is then as it was.
    pub fn upsert(&mut self, profile: &Profile) -> io::Result<()> {
        let Some(record) = profile.record() else {
            return Ok(());
        };
        let place = self.archive.put(profile.bytes())?;
        self.take_out(record.num());
        schedule(&mut self.turns, &record, self.now);
        match shown(&record, self.now) {
            true => self.count(&record, place),
            false => {
                self.aside.insert(record.num(), place);
            }
        }
        Ok(())
    }

    /// Whether there was such an article.
    ///
    /// # Errors
    /// When the file cannot be written; the engine is then as it was.
    pub fn remove(&mut self, num: i64) -> io::Result<bool> {
        if !self.contains(num) {
            return Ok(false);
        }
        self.archive.remove(num)?;
        self.take_out(num);
        Ok(true)
    }

    /// Notes up to which line of the change log the engine has followed.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn commit(&mut self, position: i64) -> io::Result<()> {
        self.archive.commit(position)
    }

    /// Whether an article begins or ceases to be seen by `now` (unix microseconds).
    pub fn is_behind(&self, now: i64) -> bool {
        self.turns
            .first_key_value()
            .is_some_and(|(at, _)| *at <= now)
    }

    /// Counts those articles, and only those, that may be seen at `now` (unix microseconds). Time does not go back.
    pub fn advance(&mut self, now: i64) {
        self.now = self.now.max(now);
        while let Some(turn) = self.turns.first_entry().filter(|turn| *turn.key() <= now) {
            for num in turn.remove() {
                self.turn(num);
            }
        }
    }

    /// Counts an article or ceases to, as its window says.
    fn turn(&mut self, num: i64) {
        let slot = self.live.get(&num).copied();
        let place = match slot {
            Some(slot) => self.slots.get(slot as usize).map(|article| article.place),
            None => self.aside.get(&num).copied(),
        };
        let Some(bytes) = place
            .and_then(|place| self.archive.get(place))
            .map(<[u8]>::to_vec)
        else {
            return;
        };
        let (Some(record), Some(place)) = (Record::parse(&bytes), place) else {
            return;
        };
        let shown = shown(&record, self.now);
        if shown == slot.is_some() {
            return;
        }
        self.take_out(num);
        match shown {
            true => self.count(&record, place),
            false => {
                self.aside.insert(num, place);
            }
        }
    }

    fn count(&mut self, record: &Record, place: Place) {
        let slot = self.slots.len() as Slot;
        self.slots.push(Article::new(record, place));
        self.live.insert(record.num(), slot);
        let Self {
            index,
            slots,
            settings,
            ..
        } = self;
        index.add(slot, record, &settings.formula, &mut |stale| {
            forget(slots, stale)
        });
    }

    fn take_out(&mut self, num: i64) {
        self.aside.remove(&num);
        let Some(slot) = self.live.remove(&num) else {
            return;
        };
        let Some(article) = self.slots.get_mut(slot as usize) else {
            return;
        };
        article.alive = false;
        let place = article.place;
        let Self {
            index,
            slots,
            settings,
            archive,
            ..
        } = self;
        if let Some(record) = archive.get(place).and_then(Record::parse) {
            let alive = |slot: Slot| slots.get(slot as usize).is_some_and(|one| one.alive);
            index.remove(&record, &settings.formula, &alive, &mut |stale| {
                forget(slots, stale)
            });
        }
        self.renumber_when_due();
    }

    /// Slots of articles that are gone cost little, but not nothing: when they are most of the table it is made
    /// anew.
    fn renumber_when_due(&mut self) {
        const LEAST: usize = 100_000;
        let gone = self.slots.len() - self.live.len();
        if gone < LEAST || gone < 2 * self.live.len() {
            return;
        }
        let places = self
            .live
            .values()
            .filter_map(|slot| self.slots.get(*slot as usize));
        let mut places: Vec<Place> = places.map(|article| article.place).collect();
        places.sort_unstable();
        (self.index, self.slots) = (
            Index::new(&self.settings.formula),
            Vec::with_capacity(places.len()),
        );
        for place in places {
            let bytes = self.archive.get(place).map(<[u8]>::to_vec);
            if let Some(record) = bytes.as_deref().and_then(Record::parse) {
                self.count(&record, place);
            }
        }
    }

    /// Articles that may be seen.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    pub fn contains(&self, num: i64) -> bool {
        self.live.contains_key(&num) || self.aside.contains_key(&num)
    }

    /// Bytes of memory for what is not mapped from the file, near enough.
    pub fn heap_bytes(&self) -> usize {
        let table = (self.live.capacity() * 8 / 7).next_power_of_two() * 17;
        self.index.heap_bytes() + self.slots.capacity() * size_of::<Article>() + table
    }

    pub(super) fn capacity(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn slot(&self, num: i64) -> Option<Slot> {
        self.live.get(&num).copied()
    }

    /// The article at a slot, unless it is gone.
    pub(super) fn article(&self, slot: Slot) -> Option<&Article> {
        self.slots
            .get(slot as usize)
            .filter(|article| article.alive)
    }

    pub(super) fn record_at(&self, slot: Slot) -> Option<Record<'_>> {
        Record::parse(self.archive.get(self.article(slot)?.place)?)
    }

    /// What is known of an article, also where it may not be seen now.
    pub(super) fn record(&self, num: i64) -> Option<Record<'_>> {
        match self.slot(num) {
            Some(slot) => self.record_at(slot),
            None => Record::parse(self.archive.get(*self.aside.get(&num)?)?),
        }
    }

    /// What an article's terms weigh today, computed when first asked for after they moved.
    pub(super) fn masses(&self, article: &Article, record: &Record) -> Masses {
        let kept = article
            .masses
            .each_ref()
            .map(|mass| mass.load(Ordering::Relaxed));
        if !kept.contains(&STALE) {
            let [itself, title, phrase, tags] = kept.map(f32::from_bits);
            return Masses {
                itself,
                title,
                phrase,
                tags,
            };
        }
        let masses = Masses::of(record, &self.index, &self.settings.formula);
        let parts = [masses.itself, masses.title, masses.phrase, masses.tags];
        for (kept, mass) in article.masses.iter().zip(parts) {
            kept.store(mass.to_bits(), Ordering::Relaxed);
        }
        masses
    }

    /// Computes what of the weights of `count` articles from `first` on is stale, so that lookups need not.
    /// Tells where to go on; `None`: that was the last.
    pub fn refresh(&self, first: usize, count: usize) -> Option<usize> {
        let slots = self.slots.get(first..)?;
        for (at, article) in slots.iter().enumerate().take(count) {
            let stale = article
                .masses
                .iter()
                .any(|mass| mass.load(Ordering::Relaxed) == STALE);
            if article.alive
                && stale
                && let Some(record) = self.record_at((first + at) as Slot)
            {
                self.masses(article, &record);
            }
        }
        (count < slots.len()).then_some(first + count)
    }
}

/// Whether an article takes part at `now`.
fn shown(record: &Record, now: i64) -> bool {
    !record.sensitive() && record.visible().contains(now)
}

fn schedule(turns: &mut BTreeMap<i64, Vec<i64>>, record: &Record, now: i64) {
    let window = record.visible();
    for at in [window.from, window.until] {
        if at > now && at < i64::MAX && !record.sensitive() {
            turns.entry(at).or_default().push(record.num());
        }
    }
}

fn forget(slots: &[Article], stale: Stale) {
    match stale {
        Stale::Bearers(postings) => postings.for_each(|slot, _| {
            if let Some(article) = slots.get(slot as usize) {
                article.forget_masses();
            }
        }),
        Stale::All => slots.iter().for_each(Article::forget_masses),
        Stale::Language(language) => slots
            .iter()
            .filter(|article| article.language == language)
            .for_each(Article::forget_masses),
    }
}
