//! One webhook in the hands of this server: until when it is ours, how far it has been read, how it fares.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::delivery::flight::News;

/// Failures in a row after which a receiver is taken for dead: it is then tried with one request at a time, and what
/// comes stays in the log.
const DEAD: u32 = 10;
/// With so many answers that it is not there, and none that it has taken anything, a receiver is believed.
const ABSENT: u32 = 3;

pub(super) struct Receiver {
    pub id: String,
    /// Names this claim, and no other of this server or another.
    pub owner: String,
    /// The line up to which the log has been read for it.
    read: AtomicI64,
    /// The line up to which it may be told.
    readable: AtomicI64,
    held_until: Mutex<Instant>,
    rest_until: Mutex<Option<Instant>>,
    failures: AtomicU32,
    /// How often it has said, since it last took anything, that it is not there.
    absences: AtomicU32,
    running: AtomicBool,
    /// Wakes those who send to it, where they wait.
    bell: Mutex<Option<Sender<News>>>,
}

/// A round that runs, until this is dropped.
pub(super) struct Running<'a>(&'a Receiver);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.store(false, Ordering::SeqCst);
    }
}

impl Receiver {
    pub(super) fn new(id: String, owner: String, position: i64, held_until: Instant) -> Self {
        Self {
            id,
            owner,
            read: AtomicI64::new(position),
            readable: AtomicI64::new(position),
            held_until: Mutex::new(held_until),
            rest_until: Mutex::new(None),
            failures: AtomicU32::new(0),
            absences: AtomicU32::new(0),
            running: AtomicBool::new(false),
            bell: Mutex::new(None),
        }
    }

    /// Says by what those who send to it wish to be woken.
    pub(super) fn listen(&self, bell: Sender<News>) {
        *self.bell.lock().unwrap_or_else(PoisonError::into_inner) = Some(bell);
    }

    /// Says that there may be something to send.
    pub(super) fn ring(&self) {
        let bell = self.bell.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = &*bell {
            // Where no one listens any more, there is nothing to wake.
            let _ = bell.send(News::Look);
        }
    }

    /// Begins, unless it runs.
    pub(super) fn begin(&self) -> Option<Running<'_>> {
        match self.running.swap(true, Ordering::SeqCst) {
            true => None,
            false => Some(Running(self)),
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.load(Ordering::SeqCst)
    }

    pub(super) fn read(&self) -> i64 {
        self.read.load(Ordering::SeqCst)
    }

    pub(super) fn set_read(&self, line: i64) {
        self.read.store(line, Ordering::SeqCst);
    }

    pub(super) fn readable(&self) -> i64 {
        self.readable.load(Ordering::SeqCst)
    }

    pub(super) fn set_readable(&self, line: i64) {
        self.readable.store(line, Ordering::SeqCst);
    }

    pub(super) fn hold_until(&self, until: Instant) {
        *self
            .held_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// Whether it is ours for so long from now on.
    pub(super) fn is_held_for(&self, duration: Duration) -> bool {
        let held_until = *self
            .held_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Instant::now() + duration < held_until
    }

    /// Leaves it alone for a while.
    pub(super) fn rest(&self, duration: Duration) {
        let until = Instant::now() + duration;
        let mut rest_until = self
            .rest_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *rest_until = Some(rest_until.map_or(until, |known| known.max(until)));
    }

    pub(super) fn is_resting(&self) -> bool {
        let rest_until = *self
            .rest_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        rest_until.is_some_and(|until| Instant::now() < until)
    }

    pub(super) fn note(&self, is_success: bool) {
        match is_success {
            true => {
                self.failures.store(0, Ordering::SeqCst);
                self.absences.store(0, Ordering::SeqCst);
            }
            false => {
                self.failures.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// Whether an answer that asks for a rest (RFC 9110 section 10.2.3) asks it for everything. Too many requests are the
    /// client's (RFC 6585 section 4). That the service is not there is believed when it says so again: of one event
    /// alone it may be what that event runs into, and others must not wait for that.
    pub(super) fn wants_rest(&self, status: u16) -> bool {
        match status {
            429 => true,
            503 => self.absences.fetch_add(1, Ordering::SeqCst) + 1 >= ABSENT,
            _ => false,
        }
    }

    pub(super) fn forgive(&self) {
        self.failures.store(0, Ordering::SeqCst);
    }

    /// Whether the last attempt failed.
    pub(super) fn seems_dead_still(&self) -> bool {
        self.failures.load(Ordering::SeqCst) > 0
    }

    pub(super) fn seems_dead(&self) -> bool {
        self.failures.load(Ordering::SeqCst) >= DEAD
    }
}
