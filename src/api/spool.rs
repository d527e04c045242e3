//! An answer that is longer than memory and whose caller may be in no hurry to read it: a file without a name, written
//! by one thread while it is sent.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::web::{self, Bytes};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::watch;

/// Bytes that are sent at a time.
const PIECE: u64 = 64 * 1024;

/// How much there is, and whether that is all.
#[derive(Clone, Copy, Default)]
struct Extent {
    length: u64,
    ended: bool,
}

/// The writer's end. Dropped, it ends the answer.
pub struct Spool {
    shared: Arc<Shared>,
}

struct Shared {
    file: Mutex<File>,
    extent: watch::Sender<Extent>,
    unwanted: AtomicBool,
}

/// The reader's end. Dropped, it tells the writer that no one reads any more.
struct Reading {
    shared: Arc<Shared>,
    extent: watch::Receiver<Extent>,
    at: u64,
}

/// Both ends of a new answer.
///
/// # Errors
/// When there is no room for a file.
pub fn spool() -> io::Result<(Spool, impl Stream<Item = io::Result<Bytes>>)> {
    let (sender, extent) = watch::channel(Extent::default());
    let shared = Arc::new(Shared {
        file: Mutex::new(tempfile::tempfile()?),
        extent: sender,
        unwanted: AtomicBool::new(false),
    });
    let reading = Reading {
        shared: Arc::clone(&shared),
        extent,
        at: 0,
    };
    Ok((Spool { shared }, unfold(reading, Reading::next)))
}

impl Spool {
    /// # Errors
    /// When the disk is full.
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.shared.file();
        file.seek(SeekFrom::End(0))?;
        file.write_all(bytes)?;
        drop(file);
        let more = |extent: &mut Extent| extent.length += bytes.len() as u64;
        self.shared.extent.send_modify(more);
        Ok(())
    }

    pub fn length(&self) -> u64 {
        self.shared.extent.borrow().length
    }

    /// Whether the caller has gone away.
    pub fn is_unwanted(&self) -> bool {
        self.shared.unwanted.load(Ordering::SeqCst)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.shared.extent.send_modify(|extent| extent.ended = true);
    }
}

impl Shared {
    fn file(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, at: u64, count: u64) -> io::Result<Bytes> {
        let mut file = self.file();
        file.seek(SeekFrom::Start(at))?;
        let mut bytes = vec![0; count as usize];
        file.read_exact(&mut bytes)?;
        Ok(Bytes::from(bytes))
    }
}

impl Reading {
    /// The next piece, as soon as there is one.
    async fn next(mut self) -> Option<(io::Result<Bytes>, Self)> {
        loop {
            let extent = *self.extent.borrow_and_update();
            let count = (extent.length - self.at).min(PIECE);
            if count == 0 {
                if extent.ended || self.extent.changed().await.is_err() {
                    return None;
                }
                continue;
            }
            let (shared, at) = (Arc::clone(&self.shared), self.at);
            let read = web::block(move || shared.read(at, count)).await;
            let read = read.unwrap_or_else(|error| Err(io::Error::other(error.to_string())));
            self.at += count;
            return Some((read, self));
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.shared.unwanted.store(true, Ordering::SeqCst);
    }
}
