//! The mirror's life: from where it stands to the end of the source's log, and on.

use std::thread;
use std::time::{Duration, Instant};

use crate::content::time::Clock;
use crate::db::Database;
use crate::error::Error;
use crate::mirror::apply;
use crate::mirror::check::check;
use crate::mirror::feed::{Page, Place};
use crate::mirror::source::{Failure, LIMIT, Source};
use crate::store::mirrors::{self, MirrorRow};

/// Rests after failures: each twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(60);
/// Failures in a row after which a mirror that is to end gives up.
const GIVES_UP: u32 = 8;
/// Between two words about how far it has come.
const REPORTS: Duration = Duration::from_secs(10);

/// A store that follows a source.
pub struct Mirror {
    pub database: Database,
    pub source: Source,
    pub clock: Clock,
    /// Stop when the end of the log has been reached.
    pub once: bool,
}

/// How far the mirror had come when it ended.
#[derive(Debug)]
pub struct Ended {
    pub seq: i64,
}

/// Why a step failed.
enum Stopped {
    Passing(String, Option<Duration>),
    /// Passing where it has gone well before.
    Refused(String),
    Lasting(String),
}

/// What is known of the source by now.
struct Course {
    /// Whether the log that is followed is still the one that was.
    known: bool,
    /// Whether a page of it was taken in since the start.
    followed: bool,
    /// Lines that are asked for.
    limit: u32,
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Passing(what, rest) => Self::Passing(what, rest),
            Failure::Refused(what) => Self::Refused(what),
            Failure::Beyond(what) | Failure::Unreadable(what) => Self::Lasting(what),
            Failure::TooLong => Self::Refused("what it answers is longer than a page".to_owned()),
        }
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(_) => Self::Passing(error.to_string(), None),
            error => Self::Lasting(error.to_string()),
        }
    }
}

impl Mirror {
    /// Follows the source until the end of its log where it is to end there, else for ever.
    ///
    /// # Errors
    /// One line for the operator, where going on would not help.
    pub fn run(&self) -> Result<Ended, String> {
        let mut failures = 0;
        let mut course = Course {
            known: false,
            followed: false,
            limit: LIMIT,
        };
        let mut reported = Instant::now();
        loop {
            match self.step(&mut course) {
                Ok((seq, latest)) => {
                    failures = 0;
                    course.followed = true;
                    let has_caught_up = seq >= latest;
                    if has_caught_up && self.once {
                        return Ok(Ended { seq });
                    }
                    if !has_caught_up && reported.elapsed() >= REPORTS {
                        reported = Instant::now();
                        log::info!("line {seq} of {latest}");
                    }
                }
                Err(stopped) => {
                    failures += 1;
                    course.known = false;
                    let rest = self.rest(stopped, course.followed, failures)?;
                    thread::sleep(rest);
                }
            }
        }
    }

    /// How long to rest after a failure, where it helps to go on.
    fn rest(&self, stopped: Stopped, followed: bool, failures: u32) -> Result<Duration, String> {
        let (what, rest) = match stopped {
            Stopped::Passing(what, rest) if !self.once || failures < GIVES_UP => (what, rest),
            Stopped::Refused(what) if !self.once && followed => (what, None),
            Stopped::Passing(what, _) | Stopped::Refused(what) | Stopped::Lasting(what) => {
                return Err(format!("{}: {what}", self.source.url()));
            }
        };
        let rest = rest
            .unwrap_or(Duration::ZERO)
            .clamp(pause(failures), LAST_PAUSE);
        log::warn!("tried again in {:.1} s: {what}", rest.as_secs_f32());
        Ok(rest)
    }

    /// Takes one page in; how far that is, and how far the log goes.
    fn step(&self, course: &mut Course) -> Result<(i64, i64), Stopped> {
        let before = self.database.read(mirrors::position)?;
        if !course.known {
            self.recognise(before.as_ref())?;
            course.known = true;
        }
        let after = before.as_ref().map_or(0, |row| row.seq);
        let page = self.page(after, course)?;
        is_same_store(before.as_ref(), &page.page)?;
        let (seq, latest) = (page.page.next, page.page.latest);
        if before.is_some() && seq == after {
            return Ok((seq, latest));
        }
        self.take_in(before.as_ref(), page)?;
        Ok((seq, latest))
    }

    /// With fewer lines where it is too long.
    fn page(&self, after: i64, course: &mut Course) -> Result<Page, Stopped> {
        loop {
            match self.source.page(after, course.limit, !self.once) {
                Err(Failure::TooLong) if course.limit > 1 => course.limit /= 2,
                found => {
                    let page = found?;
                    course.limit = LIMIT.min(course.limit * 2);
                    return Ok(page);
                }
            }
        }
    }

    fn take_in(&self, before: Option<&MirrorRow>, page: Page) -> Result<(), Stopped> {
        let last = page.data.last().map(|line| (line.seq, line.digest()));
        let seen = last.or_else(|| Some((before?.seen_seq?, before?.seen.clone()?)));
        let row = MirrorRow {
            store: page.page.store.clone(),
            source: self.source.url().to_owned(),
            seq: page.page.next,
            seen_seq: seen.as_ref().map(|(seq, _)| *seq),
            seen: seen.map(|(_, said)| said),
        };
        let checked = check(page, before.map_or(0, |row| row.seq))?;
        self.database.write(|conn| {
            mirrors::advance(conn, before, &row)?;
            apply::write(conn, &checked, self.clock.now())
        })?;
        Ok(())
    }

    /// Whether the source is the one that was followed so far, and has not lost what it told: numbers of a store that
    /// was restored to an earlier state go on with other lines.
    fn recognise(&self, before: Option<&MirrorRow>) -> Result<(), Stopped> {
        let Some(before) = before else {
            return match self.database.read(mirrors::holds_anything)? {
                true => Err(Stopped::Lasting(
                    "the local store has articles or tags of its own; a mirror begins with an empty one".to_owned(),
                )),
                false => Ok(()),
            };
        };
        let Some(seen) = before.seen_seq else {
            is_same_store(Some(before), &self.source.line_after(0)?.page)?;
            return Ok(());
        };
        let found = match self.source.line_after(seen - 1) {
            // Beyond its end.
            Err(Failure::Beyond(_)) => {
                is_same_store(Some(before), &self.source.line_after(0)?.page)?;
                return Err(lost(seen));
            }
            found => found?,
        };
        is_same_store(Some(before), &found.page)?;
        if found.data.is_empty() && found.page.latest < seen {
            return self.told_less(before, seen);
        }
        let is_partner = self.source.is_known();
        let line = found.data.first().filter(|line| line.seq == seen);
        let is_same = match (line, &before.seen) {
            (Some(line), Some(said)) => line.is_known_by(said, is_partner),
            // What a partner alone was told may have been replaced by a later line.
            (None, _) => is_partner && found.page.latest >= seen,
            (Some(_), None) => false,
        };
        match is_same {
            true => Ok(()),
            false => Err(lost(seen)),
        }
    }

    /// Why a source does not tell the line that it told before. It refuses a place beyond its log's end; while the log
    /// has the line, this server or this cache is only behind the one that told it.
    fn told_less(&self, before: &MirrorRow, seen: i64) -> Result<(), Stopped> {
        match self.source.line_after(seen) {
            Err(Failure::Beyond(_)) => Err(lost(seen)),
            found => {
                is_same_store(Some(before), &found?.page)?;
                let what = format!("it does not tell line {seen} yet, which it told before");
                Err(Stopped::Passing(what, None))
            }
        }
    }
}

fn lost(seen: i64) -> Stopped {
    Stopped::Lasting(format!(
        "its log does not have line {seen} as it told it: it was restored to an earlier state, or hides it from this key; \
         begin anew with an empty local store"
    ))
}

fn is_same_store(before: Option<&MirrorRow>, place: &Place) -> Result<(), Stopped> {
    match before {
        Some(before) if before.store != place.store => Err(Stopped::Lasting(format!(
            "its store is {}, and the local store mirrors {}; begin anew with an empty local store",
            place.store, before.store
        ))),
        _ => Ok(()),
    }
}

/// Longer with each failure, and not the same for all who wait for one source.
fn pause(failures: u32) -> Duration {
    let pause = FIRST_PAUSE * 2_u32.pow((failures - 1).min(7));
    let spread = getrandom::u32().unwrap_or(0) % 256;
    LAST_PAUSE.min(pause * (256 + spread) / 512)
}
