//! A request body without an end in sight, for a thread that reads it as a file: it comes in pieces, of which few wait.

use std::io::{self, BufRead, Read};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::web::{Bytes, Payload};
use futures_util::StreamExt;
use tokio::sync::mpsc;

use crate::error::Error;

/// Pieces that may wait for the reader; the network's own are of 64 kB at the most.
const AHEAD: usize = 8;

enum Piece {
    Bytes(Bytes),
    End,
    Broken(Broken),
}

/// Why a body is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Nothing came for too long.
    Idle,
    Off,
}

impl From<Broken> for Error {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Idle => Self::Timeout,
            Broken::Off => Self::MalformedJson("the body broke off".to_owned()),
        }
    }
}

/// The reader's end. Reading blocks: it is for a thread of its own.
pub struct Intake {
    pieces: mpsc::Receiver<Piece>,
    at_hand: Bytes,
    ended: bool,
    broken: Arc<OnceLock<Broken>>,
}

impl Intake {
    /// Lets the body flow, for as long as no pause is longer than `patience`.
    pub fn of(payload: Payload, patience: Duration) -> Self {
        let (sender, pieces) = mpsc::channel(AHEAD);
        actix_web::rt::spawn(pump(payload, sender, patience));
        Self {
            pieces,
            at_hand: Bytes::new(),
            ended: false,
            broken: Arc::default(),
        }
    }

    /// Where it is told afterwards why the body was not whole.
    pub fn broken(&self) -> Arc<OnceLock<Broken>> {
        Arc::clone(&self.broken)
    }
}

/// Ends with the body, or when the reader has gone.
async fn pump(mut payload: Payload, pieces: mpsc::Sender<Piece>, patience: Duration) {
    loop {
        let piece = match actix_web::rt::time::timeout(patience, payload.next()).await {
            Ok(Some(Ok(bytes))) => Piece::Bytes(bytes),
            Ok(Some(Err(_))) => Piece::Broken(Broken::Off),
            Ok(None) => Piece::End,
            Err(_) => Piece::Broken(Broken::Idle),
        };
        let goes_on = matches!(piece, Piece::Bytes(_));
        if pieces.send(piece).await.is_err() || !goes_on {
            return;
        }
    }
}

impl BufRead for Intake {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at_hand.is_empty() && !self.ended {
            // A pump that ends without a word was stopped with its server.
            let piece = self.pieces.blocking_recv();
            match piece.unwrap_or(Piece::Broken(Broken::Off)) {
                Piece::Bytes(bytes) => self.at_hand = bytes,
                Piece::End => self.ended = true,
                Piece::Broken(broken) => {
                    let broken = *self.broken.get_or_init(|| broken);
                    return Err(io::Error::other(Error::from(broken)));
                }
            }
        }
        Ok(&self.at_hand)
    }

    fn consume(&mut self, count: usize) {
        drop(self.at_hand.split_to(count));
    }
}

impl Read for Intake {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Ok(count)
    }
}
