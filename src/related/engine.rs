//! The engine's articles: put in, replaced and taken out in place, each counted while it may be seen.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Mutex;

use super::Settings;
use super::archive::Archive;
use super::article::Article;
use super::edit::{self, TouchedUp};
use super::frames::Place;
use super::index::{Index, Stale};
use super::masses::{Masses, Steps};
use super::postings::Slot;
use super::profile::Profile;
use super::rankings::Rankings;
use super::record::Record;
use super::scratch::Scratch;

/// Every article's profile and the index over those that may be seen now.
///
/// After any edits the engine answers as one built afresh from the same profiles.
pub struct Engine {
    pub(super) settings: Settings,
    pub(super) archive: Archive,
    pub(super) threads: usize,
    pub(super) index: Index,
    /// Never handed out again, so that lists of slots only grow at their end.
    pub(super) slots: Vec<Article>,
    pub(super) live: HashMap<i64, Slot>,
    /// Known, but not counted: scheduled, expired or sensitive ones.
    pub(super) aside: HashMap<i64, Place>,
    /// When which articles begin or cease to be seen, in unix microseconds.
    pub(super) turns: BTreeSet<(i64, i64)>,
    /// Whose weights have moved since this was last taken.
    pub(super) moved: Vec<Slot>,
    /// `None`: each is computed when it is asked for.
    pub(super) rankings: Option<Rankings>,
    /// Microseconds for which a ranking is given whatever changes far from it.
    pub(super) lasts: i64,
    /// Articles that were edited but slightly.
    pub(super) touched_up: HashMap<i64, TouchedUp>,
    /// Articles that came, or moved among the others, of which it has not been told yet.
    pub(super) came: Vec<i64>,
    /// The line of the change log up to which the engine has followed.
    pub(super) position: i64,
    pub(super) now: i64,
    /// Room for lookups to work in, one for each that runs at a time.
    pub(super) scratch: Mutex<Vec<Scratch>>,
}

impl Engine {
    /// One that keeps everything in memory.
    pub fn new(settings: Settings) -> Self {
        Self::over(Archive::in_memory(), settings, 1)
    }

    pub(super) fn over(archive: Archive, settings: Settings, threads: usize) -> Self {
        Self {
            index: Index::new(&settings.formula),
            settings,
            archive,
            threads: threads.max(1),
            slots: Vec::new(),
            live: HashMap::new(),
            aside: HashMap::new(),
            turns: BTreeSet::new(),
            moved: Vec::new(),
            rankings: None,
            lasts: 0,
            touched_up: HashMap::new(),
            came: Vec::new(),
            position: 0,
            now: 0,
            scratch: Mutex::new(Vec::new()),
        }
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn clear(&mut self) -> io::Result<()> {
        let mut archive = std::mem::replace(&mut self.archive, Archive::in_memory());
        let cleared = archive.clear();
        let (now, lasts, rankings) = (self.now, self.lasts, self.rankings.take());
        *self = Self::over(archive, self.settings.clone(), self.threads);
        (self.now, self.lasts, self.rankings) = (now, lasts, rankings);
        self.clear_rankings();
        cleared
    }

    /// Puts an article in, in place of what the engine had of it. Unless it is as it was, but for a few of its words, it
    /// has come.
    ///
    /// # Errors
    /// When the file cannot be written; the engine is then as it was.
    pub fn upsert(&mut self, profile: &Profile) -> io::Result<()> {
        let Some(record) = profile.record() else {
            return Ok(());
        };
        let num = record.num();
        let known = self.place(num);
        if known.and_then(|place| self.archive.get(place)) == Some(profile.bytes()) {
            return Ok(());
        }
        let touched_up = self.touched_up.get(&num);
        let told_as = touched_up.map(|edited| edited.told_as).or(known);
        let before = told_as.and_then(|place| Record::parse(self.archive.get(place)?));
        let is_slight = before.is_some_and(|before| edit::is_slight(&before, &record));
        let place = self.archive.put(profile.bytes())?;
        if !self.exchange(&record, place, is_slight) {
            self.take_out(num);
            self.take_in(&record, place);
        }
        match told_as.filter(|_| is_slight) {
            Some(told_as) => {
                let line = self.position;
                let edited = TouchedUp { told_as, line };
                self.touched_up.insert(num, edited);
            }
            None => {
                self.touched_up.remove(&num);
                self.came.push(num);
            }
        }
        self.renumber_when_due();
        Ok(())
    }

    /// Counts an article in the place of what it was, if it counted before and does now, in the same language.
    fn exchange(&mut self, record: &Record, place: Place, is_slight: bool) -> bool {
        let num = record.num();
        let Some(slot) = self.slot(num).filter(|_| shown(record, self.now)) else {
            return false;
        };
        if !is_slight {
            self.forget_rankings(&[num]);
        }
        let Self {
            index,
            slots,
            live,
            settings,
            archive,
            turns,
            moved,
            now,
            ..
        } = self;
        let before = slots.get(slot as usize).map(|article| article.place);
        let before = before.and_then(|place| Record::parse(archive.get(place)?));
        let Some(before) = before.filter(|before| before.language() == record.language()) else {
            return false;
        };
        unschedule(turns, &before);
        schedule(turns, record, *now);
        let mut article = Article::new(record, place);
        if let Some(before) = slots.get_mut(slot as usize) {
            before.alive = false;
            if is_slight {
                article.keep_standing(before);
            }
        }
        let slot = slots.len() as Slot;
        slots.push(article);
        live.insert(num, slot);
        moved.push(slot);
        let alive = |slot: Slot| slots.get(slot as usize).is_some_and(|one| one.alive);
        let mut forget = |stale: Stale| forget(slots, stale, moved);
        index.replace(
            (&before, &alive),
            (slot, record),
            &settings.formula,
            &mut forget,
        );
        true
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
        self.touched_up.remove(&num);
        self.take_out(num);
        self.renumber_when_due();
        Ok(true)
    }

    /// Notes up to which line of the change log the engine has followed.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn commit(&mut self, position: i64) -> io::Result<()> {
        self.archive.commit(position)?;
        self.position = position;
        Ok(())
    }

    /// The line of the change log up to which the engine has followed.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// Whether an article begins or ceases to be seen by `now` (unix microseconds).
    pub fn is_behind(&self, now: i64) -> bool {
        self.turns.first().is_some_and(|(at, _)| *at <= now)
    }

    /// Counts those articles, and only those, that may be seen at `now` (unix microseconds). Time does not go back.
    pub fn advance(&mut self, now: i64) {
        self.now = self.now.max(now);
        while let Some((_, num)) = self.turns.first().filter(|(at, _)| *at <= now).copied() {
            self.turns.pop_first();
            self.turn(num);
        }
    }

    /// Counts an article or ceases to, as its window says.
    fn turn(&mut self, num: i64) {
        let Some(place) = self.place(num) else {
            return;
        };
        let Some(bytes) = self.archive.get(place).map(<[u8]>::to_vec) else {
            return;
        };
        let Some(record) = Record::parse(&bytes) else {
            return;
        };
        if shown(&record, self.now) != self.live.contains_key(&num) {
            self.take_out(num);
            self.take_in(&record, place);
            if self.live.contains_key(&num) {
                self.came.push(num);
            }
        }
    }

    /// Notes where an article is, and counts it if it may be seen.
    fn take_in(&mut self, record: &Record, place: Place) {
        schedule(&mut self.turns, record, self.now);
        match shown(record, self.now) {
            true => self.count(record, place),
            false => {
                self.aside.insert(record.num(), place);
            }
        }
    }

    fn count(&mut self, record: &Record, place: Place) {
        let slot = self.slots.len() as Slot;
        self.slots.push(Article::new(record, place));
        self.live.insert(record.num(), slot);
        self.moved.push(slot);
        let Self {
            index,
            slots,
            settings,
            moved,
            ..
        } = self;
        index.add(slot, record, &settings.formula, &mut |stale| {
            forget(slots, stale, moved)
        });
    }

    /// Forgets where and that an article is, and takes it out of the counts.
    fn take_out(&mut self, num: i64) {
        let Some(place) = self.place(num) else {
            return;
        };
        self.forget_rankings(&[num]);
        self.aside.remove(&num);
        let slot = self.live.remove(&num);
        if let Some(article) = slot.and_then(|slot| self.slots.get_mut(slot as usize)) {
            article.alive = false;
        }
        let Self {
            index,
            slots,
            settings,
            archive,
            turns,
            moved,
            ..
        } = self;
        let Some(record) = archive.get(place).and_then(Record::parse) else {
            return;
        };
        unschedule(turns, &record);
        if slot.is_some() {
            let alive = |slot: Slot| slots.get(slot as usize).is_some_and(|one| one.alive);
            index.remove(&record, &settings.formula, &alive, &mut |stale| {
                forget(slots, stale, moved);
            });
        }
    }

    /// Slots of articles that are gone cost little, but not nothing: when they are most of the table it is made
    /// anew.
    fn renumber_when_due(&mut self) {
        const LEAST: usize = 100_000;
        let gone = self.slots.len() - self.live.len();
        if gone < LEAST || gone < 2 * self.live.len() {
            return;
        }
        let slots = std::mem::take(&mut self.slots);
        self.index = Index::new(&self.settings.formula);
        self.live.clear();
        self.moved.clear();
        let alive = || slots.iter().filter(|article| article.alive);
        self.fill(alive().map(|article| article.place).collect(), i64::MAX);
        self.take_over(alive().filter_map(|article| Some((article.num, article.ranking()?))));
    }

    fn place(&self, num: i64) -> Option<Place> {
        match self.slot(num) {
            Some(slot) => self.slots.get(slot as usize).map(|article| article.place),
            None => self.aside.get(&num).copied(),
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
        let table = |capacity: usize| (capacity * 8 / 7).next_power_of_two() * 17;
        let tables = table(self.live.capacity()) + table(self.aside.capacity());
        let turns = self.turns.len() * 32;
        self.index.heap_bytes() + self.slots.capacity() * size_of::<Article>() + tables + turns
    }

    /// Slots handed out, those of articles that are gone too.
    pub(super) fn slot_count(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn slot(&self, num: i64) -> Option<Slot> {
        self.live.get(&num).copied()
    }

    /// Unix microseconds: what is seen then is counted.
    pub(super) fn now(&self) -> i64 {
        self.now
    }

    pub(super) fn articles(&self) -> impl Iterator<Item = &Article> {
        self.slots.iter().filter(|article| article.alive)
    }

    /// The article of a number, if it may be seen.
    pub(super) fn counted(&self, num: i64) -> Option<&Article> {
        self.article(self.slot(num)?)
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

    /// The first byte of the record at a slot.
    pub(super) fn head_at(&self, slot: Slot) -> Option<u8> {
        self.archive.head(self.slots.get(slot as usize)?.place)
    }

    /// What is known of an article, also where it may not be seen now.
    pub(super) fn record(&self, num: i64) -> Option<Record<'_>> {
        Record::parse(self.archive.get(self.place(num)?)?)
    }

    /// Articles that begin to be seen after `now` and not after `opened`, the soonest first.
    pub(super) fn opening(&self, now: i64, opened: i64) -> impl Iterator<Item = Record<'_>> {
        // No span of time is where nothing opens early.
        let until = opened.max(now);
        self.turns
            .range((now, i64::MAX)..=(until, i64::MAX))
            .filter_map(move |(at, num)| {
                let record = self.record(*num)?;
                (record.visible().from == *at).then_some(record)
            })
    }

    /// What an article's terms weigh today, computed when first asked for after they moved.
    pub(super) fn masses(&self, article: &Article, record: &Record) -> Masses {
        article.masses().unwrap_or_else(|| {
            let masses = Masses::of(record, &self.index, &self.settings.formula);
            article.keep_masses(&masses);
            masses
        })
    }

    /// The slots of articles whose weights have moved since this was last asked.
    pub fn take_moved(&mut self) -> Vec<Slot> {
        std::mem::take(&mut self.moved)
    }

    /// Computes what of the weights of the articles at these slots is stale, so that lookups need not.
    pub fn refresh(&self, slots: &[Slot]) {
        /// Of so many it is worth it to remember in how many articles their terms are.
        const MANY: usize = 50;
        if slots.len() < MANY {
            let each = slots.iter();
            return each.for_each(|slot| self.refresh_one(*slot, |term| self.index.step(term)));
        }
        let mut steps = Steps::of(&self.index);
        for slot in slots {
            self.refresh_one(*slot, |term| steps.step(term));
        }
    }

    fn refresh_one(&self, slot: Slot, step: impl FnMut(u32) -> i32) {
        if let Some(article) = self.article(slot)
            && article.masses().is_none()
            && let Some(record) = self.record_at(slot)
        {
            let formula = &self.settings.formula;
            article.keep_masses(&Masses::by(&record, &self.index, formula, step));
        }
    }
}

/// Whether an article takes part at `now`.
pub(super) fn shown(record: &Record, now: i64) -> bool {
    !record.sensitive() && record.visible().contains(now)
}

pub(super) fn schedule(turns: &mut BTreeSet<(i64, i64)>, record: &Record, now: i64) {
    let window = record.visible();
    for at in [window.from, window.until] {
        if at > now && at < i64::MAX && !record.sensitive() {
            turns.insert((at, record.num()));
        }
    }
}

fn unschedule(turns: &mut BTreeSet<(i64, i64)>, record: &Record) {
    let window = record.visible();
    for at in [window.from, window.until] {
        turns.remove(&(at, record.num()));
    }
}

/// Adds those that were not forgotten already to `moved`.
fn forget(slots: &[Article], stale: Stale, moved: &mut Vec<Slot>) {
    let mut forget = |slot: Slot, article: &Article| {
        if article.masses().is_some() {
            article.forget_masses();
            moved.push(slot);
        }
    };
    match stale {
        Stale::Bearers(postings) => postings.for_each(|slot, _| {
            if let Some(article) = slots.get(slot as usize) {
                forget(slot, article);
            }
        }),
        Stale::All => (0..)
            .zip(slots)
            .for_each(|(slot, article)| forget(slot, article)),
        Stale::Language(language) => (0..)
            .zip(slots)
            .filter(|(_, article)| article.language == language)
            .for_each(|(slot, article)| forget(slot, article)),
    }
}
