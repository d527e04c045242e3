//! Where an engine keeps what it knows, and how it takes that in at a start.

use std::io;
use std::path::PathBuf;

use super::Settings;
use super::archive::{Archive, Label};
use super::article::Article;
use super::engine::{Engine, schedule, shown};
use super::frames::Place;
use super::postings::Slot;
use super::rankings::{Held, Rankings};
use super::record::{self, Record};

/// Where an engine keeps what it knows.
#[derive(Clone, Debug)]
pub struct Home {
    /// A folder for this engine alone.
    pub dir: PathBuf,
    /// The name of the store whose articles these are.
    pub store: String,
    /// The last line of the change log: a file that is ahead of it is of another past. `None`: what is there does not
    /// count.
    pub last: Option<i64>,
    /// Microseconds for which a ranking is given whatever changes far from it; 0: each change ends all of them.
    pub lasts: i64,
}

impl Engine {
    /// One that keeps its profiles in a file. Takes in what the file holds at the time `now` (unix microseconds), and
    /// tells up to which line of the change log it goes; `None`: nothing that can be used. Works with `threads`.
    ///
    /// # Errors
    /// When the file cannot be opened, read or made.
    pub fn open(
        settings: Settings,
        home: &Home,
        now: i64,
        threads: usize,
    ) -> io::Result<(Self, Option<i64>)> {
        let (rankings, held) = open_rankings(&settings, home).unzip();
        let held = held.flatten();
        let label = Label {
            file: "related.profiles",
            opening: [
                b"kiosque related ",
                &record::VERSION.to_le_bytes()[..],
                home.store.as_bytes(),
            ]
            .concat(),
        };
        let since = held.as_ref().map(|held| held.position);
        let (archive, found) = Archive::open(&home.dir, label, home.last, since)?;
        let mut engine = Self::over(archive, settings, threads);
        engine.now = now;
        (engine.rankings, engine.lasts) = (rankings, home.lasts);
        let Some(found) = found else {
            engine.archive.read_anywhere();
            engine.clear_rankings();
            return Ok((engine, None));
        };
        engine.position = found.position;
        let moment = held.as_ref().map_or(i64::MAX, |held| held.moment);
        engine.fill(found.places.into_values().collect(), moment);
        engine.archive.read_anywhere();
        engine.came.extend(found.changed);
        engine.came.sort_unstable();
        engine.came.dedup();
        match held {
            Some(held) => engine.take_over(held.places),
            None => engine.clear_rankings(),
        }
        Ok((engine, Some(found.position)))
    }

    /// Takes over where the rankings of articles are.
    pub(super) fn take_over(&self, rankings: impl IntoIterator<Item = (i64, Place)>) {
        for (num, place) in rankings {
            if let Some(article) = self.counted(num) {
                article.set_ranking(Some(place));
            }
        }
    }

    /// Takes in many profiles that lie in the archive; all their weights have moved. What opened after a moment (unix
    /// microseconds) has come.
    pub(super) fn fill(&mut self, mut places: Vec<Place>, moment: i64) {
        /// Articles taken in at a time: a thread sorts its part of their terms, eight bytes each.
        const BATCH: usize = 16_384;
        // In the order of the file, which is read the faster for it.
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
                    if record.visible().from > moment {
                        self.came.push(record.num());
                    }
                    batch.push((slot, record));
                } else {
                    self.aside.insert(record.num(), *place);
                }
            }
            self.index
                .add_all(&batch, &self.settings.formula, self.threads);
        }
        self.index.shrink();
        // Lookups compute what they need of it.
        self.moved.extend(0..self.slots.len() as Slot);
    }
}

/// The rankings that are kept there, if any are; without them the engine works all the same.
fn open_rankings(settings: &Settings, home: &Home) -> Option<(Rankings, Option<Held>)> {
    Rankings::open(&home.dir, &home.store, settings, home.last)
        .inspect_err(|error| log::error!("rankings are not kept: {error}"))
        .ok()
}
