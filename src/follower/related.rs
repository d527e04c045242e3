//! Keeps the related engine up to date.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::cache::Ledger;
use crate::content::time::Clock;
use crate::error::{Error, Result};
use crate::follower::{Derived, Paced, ahead};
use crate::related::{Article, Engine, Home, Pin, Profile, Settings, Window};
use crate::store::state::Whole;

/// So many articles, as a newsroom writes them, are analysed here: a new thread costs more, for its memory is new, too.
const FEW: usize = 8;
/// With more articles at once, as in an import, it is not asked whose neighbours each may be: any list may be concerned.
const MANY: usize = 32;

/// The engine, filled from its file and then from the change log.
pub struct RelatedIndex {
    engine: Arc<RwLock<Engine>>,
    settings: Settings,
    home: Home,
    clock: Clock,
    position: Option<i64>,
    /// Who is to know whose neighbourhood something has come into.
    ledger: Option<Arc<Ledger>>,
    /// The line up to which the rankings that are kept have followed.
    told: Option<i64>,
    /// The first so many of the articles that came are known to concern any list.
    known_to_all: usize,
    /// Makes rankings ahead, where they last.
    ahead: Option<Paced>,
    /// Slots in the engine of articles whose weights are to be computed: of what was loaded at the start, and of what has
    /// moved since.
    loaded: Vec<u32>,
    moved: Vec<u32>,
    committed: Option<Instant>,
    threads: usize,
}

impl RelatedIndex {
    pub const NAME: &'static str = "related";

    pub fn new(
        engine: Arc<RwLock<Engine>>,
        settings: Settings,
        home: Home,
        ledger: Option<Arc<Ledger>>,
        clock: Clock,
        threads: usize,
    ) -> Self {
        Self {
            engine,
            settings,
            home,
            clock,
            position: None,
            ledger,
            told: None,
            known_to_all: 0,
            ahead: None,
            loaded: Vec::new(),
            moved: Vec::new(),
            committed: None,
            threads: threads.max(1),
        }
    }

    fn write<T>(&self, work: impl FnOnce(&mut Engine) -> T) -> T {
        work(&mut self.engine.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn now(&self) -> i64 {
        self.clock.now().timestamp_micros()
    }

    fn reading(&self) -> RwLockReadGuard<'_, Engine> {
        self.engine.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whose neighbours the next of those articles may be that came; whether there are more.
    fn tell_who_is_near(&mut self) -> bool {
        /// As many as whoever has just written may have to wait for.
        const TURN: usize = 4;
        self.tell_of_many();
        let now = self.now();
        let engine = self.reading();
        let came: Vec<i64> = engine.came().iter().take(TURN).copied().collect();
        if came.is_empty() {
            if self.told != self.position {
                engine.commit_rankings();
            }
            drop(engine);
            self.told = self.position;
            return false;
        }
        let known_to_all = self.known_to_all.min(came.len());
        if self.ledger.is_some() || engine.keeps_rankings() {
            let near: Vec<_> = came.iter().map(|num| near(&engine, *num, now)).collect();
            let told = near.get(known_to_all..).unwrap_or_default();
            if let Some(ledger) = self.ledger.as_ref().filter(|_| !told.is_empty()) {
                ledger.record_near(Some(&told.concat()));
            }
            engine.forget_rankings(&near.concat());
        }
        drop(engine);
        self.write(|engine| engine.told(came.len()));
        self.known_to_all -= known_to_all;
        true
    }

    /// Where so many came that it would take long to ask of each, any list may be concerned.
    fn tell_of_many(&mut self) {
        let engine = self.reading();
        let (came, all) = (engine.came().len(), engine.len());
        drop(engine);
        let is_all = came > MANY.max(all / MANY);
        let new = came.saturating_sub(self.known_to_all);
        if new > MANY || is_all && new > 0 {
            if let Some(ledger) = &self.ledger {
                ledger.record_near(None);
            }
            self.known_to_all = came;
        }
        if is_all {
            // None is kept while there are some that came.
            self.reading().clear_rankings();
            self.write(|engine| engine.told(came));
            self.known_to_all = 0;
        }
    }
}

/// The articles that one is nearest to. It is a neighbour of a dozen, on the average, and they are not always those.
fn near(engine: &Engine, num: i64, now: i64) -> Vec<i64> {
    const NEAR: usize = 50;
    let near = catch_unwind(AssertUnwindSafe(|| engine.near(num, NEAR, now)));
    near.unwrap_or_else(|_| {
        log::error!("it is not known what article {num} is near to: the engine failed");
        Vec::new()
    })
}

impl Derived for RelatedIndex {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn open(&mut self) -> Result<()> {
        let started = Instant::now();
        // The file is opened by one engine at a time.
        self.ahead = None;
        self.known_to_all = 0;
        self.write(|present| *present = Engine::new(self.settings.clone()));
        let opened = Engine::open(self.settings.clone(), &self.home, self.now(), self.threads);
        let (mut engine, position) = opened.map_err(unusable)?;
        self.position = position;
        if self.position.is_some() {
            let (count, seconds) = (engine.len(), started.elapsed().as_secs_f32());
            log::info!("loaded the related index of {count} articles in {seconds:.1} s");
        }
        (self.loaded, self.moved) = (engine.take_moved(), Vec::new());
        self.write(|present| *present = engine);
        // Where each change ends all rankings, none are made that no one asks for.
        if self.home.lasts > 0 {
            let ahead = ahead::start(Arc::clone(&self.engine), self.clock.clone());
            self.ahead = ahead
                .inspect_err(|error| log::error!("nothing is ranked ahead: {error}"))
                .ok();
        }
        Ok(())
    }

    fn position(&self) -> Option<i64> {
        self.position
    }

    fn clear(&mut self) -> Result<()> {
        self.position = None;
        self.loaded.clear();
        self.moved.clear();
        self.write(Engine::clear).map_err(unusable)
    }

    fn put(&mut self, articles: &[Whole]) -> Result<()> {
        // The analysis takes the time and needs no lock; taking a profile in is short.
        let profiles = match articles.len() {
            ..=FEW => articles.iter().map(profile_or_none).collect(),
            _ => profiles_of_many(articles, self.threads),
        };
        let now = self.now();
        self.write(|engine| engine.advance(now));
        for (num, profile) in profiles {
            self.write(|engine| match &profile {
                Some(profile) => engine.upsert(profile),
                None => engine.remove(num).map(drop),
            })
            .map_err(unusable)?;
        }
        // While very much is written there may be no rest.
        self.tell_of_many();
        Ok(())
    }

    fn remove(&mut self, num: i64) -> Result<()> {
        self.write(|engine| engine.remove(num)).map_err(unusable)?;
        Ok(())
    }

    fn commit(&mut self, position: i64) -> Result<()> {
        self.write(|engine| engine.commit(position))
            .map_err(unusable)?;
        self.position = Some(position);
        let moved = self.write(Engine::take_moved);
        self.moved.extend(moved);
        self.moved.sort_unstable();
        self.moved.dedup();
        self.committed = Some(Instant::now());
        Ok(())
    }

    fn rest(&mut self) -> Result<bool> {
        /// As many as whoever has just written may have to wait for.
        const TURN: usize = 250;
        /// Rest before that: among many writes the same weights move again and again, and lookups compute what they need.
        const QUIET: Duration = Duration::from_secs(2);
        if self.tell_who_is_near() {
            return Ok(true);
        }
        let is_quiet = self.committed.is_none_or(|last| last.elapsed() >= QUIET);
        let stale = match self.loaded.is_empty() {
            true if !is_quiet => return Ok(false),
            true => &mut self.moved,
            false => &mut self.loaded,
        };
        let turn = stale.split_off(stale.len().saturating_sub(TURN));
        self.reading().refresh(&turn);
        Ok(!(self.loaded.is_empty() && self.moved.is_empty()))
    }
}

fn unusable(error: std::io::Error) -> Error {
    Error::Internal(format!("the related engine's file: {error}"))
}

fn profiles_of_many(articles: &[Whole], threads: usize) -> Vec<(i64, Option<Profile>)> {
    let share = articles.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let shares: Vec<_> = articles
            .chunks(share)
            .map(|articles| {
                scope.spawn(|| articles.iter().map(profile_or_none).collect::<Vec<_>>())
            })
            .collect();
        shares
            .into_iter()
            .flat_map(|share| share.join().unwrap_or_default())
            .collect()
    })
}

/// An article at which the analysis fails is left out alone, and told.
fn profile_or_none(article: &Whole) -> (i64, Option<Profile>) {
    catch_unwind(AssertUnwindSafe(|| profile(article))).unwrap_or_else(|_| {
        let id = &article.row.id;
        log::error!("article {id} cannot be analysed: it takes no part in related lookups");
        (article.row.num, None)
    })
}

/// What the engine keeps of an article; none of one that the public will not see as it stands.
fn profile(article: &Whole) -> (i64, Option<Profile>) {
    let row = &article.row;
    let window = row.visibility().window().zip(row.published_at);
    let profile = window.map(|((from, until), published_at)| {
        let pins = pins(article);
        let tags: Vec<i64> = article.tags.iter().map(|tag| tag.num).collect();
        Profile::of(&Article {
            num: row.num,
            language: &row.language,
            headline: &row.headline,
            standfirst: row.standfirst.as_deref(),
            body: &article.body.text,
            tags: &tags,
            published_at: published_at.and_utc().timestamp(),
            visible: Window {
                from: from.timestamp_micros(),
                until: until.map_or(i64::MAX, |until| until.timestamp_micros()),
            },
            translation_group: row.translation_group.as_deref(),
            pins: &pins,
            bans: &article.curation.bans,
            sensitive: row.related == "never",
            source: row.source_name.as_deref(),
            syndicatable: row.syndicatable,
        })
    });
    (row.num, profile)
}

/// Its own pins, else those it takes over.
fn pins(article: &Whole) -> Vec<Pin> {
    let own = article.curation.pins.iter();
    let own = own.map(|&num| Pin {
        num,
        by: article.row.num,
    });
    let shared = article.shared_pins.iter();
    own.chain(shared.map(|&(num, by)| Pin { num, by }))
        .collect()
}
