//! Who is making which answer: of many who want the same, one does the work.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The answers that are being made.
#[derive(Default)]
pub struct Flights(Mutex<HashMap<Box<str>, watch::Receiver<()>>>);

/// What falls to someone who wants an answer.
pub enum Turn<'a> {
    /// To make it, for the others, too.
    Mine(Flight<'a>),
    /// To wait for whoever makes it.
    Theirs(Waiting),
}

/// The making of an answer. It ends when this is dropped, whatever came of it.
pub struct Flight<'a> {
    flights: &'a Flights,
    question: Box<str>,
    _done: watch::Sender<()>,
}

pub struct Waiting(watch::Receiver<()>);

impl Flights {
    pub fn join(&self, question: &str) -> Turn<'_> {
        let mut flights = self.lock();
        if let Some(waiting) = flights.get(question) {
            return Turn::Theirs(Waiting(waiting.clone()));
        }
        let (done, waiting) = watch::channel(());
        flights.insert(question.into(), waiting);
        Turn::Mine(Flight {
            flights: self,
            question: question.into(),
            _done: done,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, watch::Receiver<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.question);
    }
}

impl Waiting {
    /// Until the flight has ended.
    pub async fn ended(mut self) {
        // Nothing is ever sent: the sender's end is the message.
        while self.0.changed().await.is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_works_and_the_others_wait_until_it_ends() {
        let flights = Flights::default();
        let Turn::Mine(flight) = flights.join("q") else {
            panic!("the first one works");
        };
        let Turn::Theirs(waiting) = flights.join("q") else {
            panic!("the second one waits");
        };
        assert!(matches!(flights.join("other"), Turn::Mine(_)));
        drop(flight);
        actix_web::rt::System::new().block_on(waiting.ended());
        assert!(matches!(flights.join("q"), Turn::Mine(_)));
    }
}
