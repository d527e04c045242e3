//! A thread that works in small steps and rests between them.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What such a thread does.
pub trait Work: Send + 'static {
    /// Does a little; how long to rest then.
    fn step(&mut self) -> Duration;
    /// What is still to be done when the thread is to end.
    fn end(&mut self) {}
}

/// The thread, which ends with this.
pub struct Paced {
    name: &'static str,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Paced {
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(name: &'static str, mut work: impl Work) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                loop {
                    let rest = work.step();
                    // Nothing is ever sent: the other end is dropped.
                    if stopped.recv_timeout(rest) != Err(RecvTimeoutError::Timeout) {
                        return work.end();
                    }
                }
            })?;
        Ok(Self {
            name,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread {} had panicked", self.name);
        }
    }
}
