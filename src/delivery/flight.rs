//! Requests that are on their way to one receiver, and the threads that make them.
//!
//! They may outlast a round of sending, so that a receiver that does not answer about one thing is told of others
//! meanwhile.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use crate::delivery::round::Office;
use crate::delivery::sender::Outcome;
use crate::delivery::signature::signatures;
use crate::delivery::work::{Attempt, Group};
use crate::store::webhooks::WebhookRow;

/// What those who send to a webhook hear meanwhile.
pub(super) enum News {
    Ended(Ended),
    /// There may be more to send.
    Look,
}

/// A request that has ended.
pub(super) struct Ended {
    /// What its event is about: of one thing, no two are on their way.
    pub thing: String,
    /// `None`: no attempt was made after all.
    pub outcome: Option<Outcome>,
}

/// A request to be made.
struct Task {
    row: Arc<WebhookRow>,
    thing: String,
    id: String,
    payload: String,
}

/// What is on its way to one webhook.
pub(super) struct Flight<'scope, 'env> {
    office: &'env Office,
    scope: &'scope Scope<'scope, 'env>,
    tasks: Sender<Task>,
    queue: Arc<Mutex<Receiver<Task>>>,
    workers: usize,
    heard: Receiver<News>,
    news: Sender<News>,
    /// Since when, by thing.
    since: HashMap<String, Instant>,
    ended: Vec<Ended>,
    /// Jobs of earlier rounds, one in each, whose deliveries have rows.
    pub carried: Vec<Group>,
}

impl<'scope, 'env> Flight<'scope, 'env> {
    /// `heard` is the other end of `news`.
    pub(super) fn new(
        office: &'env Office,
        scope: &'scope Scope<'scope, 'env>,
        news: Sender<News>,
        heard: Receiver<News>,
    ) -> Self {
        let (tasks, queue) = mpsc::channel();
        Self {
            office,
            scope,
            tasks,
            queue: Arc::new(Mutex::new(queue)),
            workers: 0,
            heard,
            news,
            since: HashMap::new(),
            ended: Vec::new(),
            carried: Vec::new(),
        }
    }

    /// How many requests are on their way.
    pub(super) fn count(&self) -> usize {
        self.since.len().saturating_sub(self.ended.len())
    }

    /// Whether none is, and none has ended that was not looked at.
    pub(super) fn is_empty(&self) -> bool {
        self.since.is_empty()
    }

    /// What both are about.
    pub(super) fn things(&self) -> Vec<&str> {
        self.since.keys().map(String::as_str).collect()
    }

    /// When the latest of those that are on their way began.
    pub(super) fn latest(&self) -> Option<Instant> {
        self.since.values().max().copied()
    }

    /// Sends the event whose turn it is to the webhook as it is in this row.
    pub(super) fn begin(&mut self, row: &Arc<WebhookRow>, group: &mut Group) {
        let Some(job) = group.head() else { return };
        let version = row.version;
        job.attempt = Attempt::OnItsWay { version };
        let thing = job.delivery.thing.clone();
        let task = Task {
            row: Arc::clone(row),
            thing: thing.clone(),
            id: job.delivery.id.clone(),
            payload: std::mem::take(&mut job.payload),
        };
        if self.workers <= self.since.len() {
            self.hire();
        }
        self.since.insert(thing, Instant::now());
        // Where no thread can be had at all, this one does it.
        let left = match self.workers {
            0 => Some(task),
            _ => self.tasks.send(task).err().map(|unsent| unsent.0),
        };
        if let Some(task) = left {
            self.ended.push(make(self.office, task));
        }
    }

    /// Another thread; without it, the others do its work.
    fn hire(&mut self) {
        let (office, queue, news) = (self.office, Arc::clone(&self.queue), self.news.clone());
        let work = move || {
            loop {
                let task = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(task) = task else { return };
                if news.send(News::Ended(make(office, task))).is_err() {
                    return;
                }
            }
        };
        let worker = thread::Builder::new().name("webhook".to_owned());
        match worker.spawn_scoped(self.scope, work) {
            Ok(_) => self.workers += 1,
            Err(error) => log::warn!("no thread for a webhook: {error}"),
        }
    }

    /// Waits until something is heard.
    pub(super) fn wait(&mut self) {
        if self.ended.is_empty()
            && let Ok(news) = self.heard.recv()
        {
            self.hear(news);
        }
    }

    /// The same, for so long at most.
    pub(super) fn wait_for(&mut self, most: Duration) {
        match self.heard.recv_timeout(most) {
            Ok(news) => self.hear(news),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }

    fn hear(&mut self, news: News) {
        for news in std::iter::once(news).chain(self.heard.try_iter()) {
            match news {
                News::Ended(ended) => self.ended.push(ended),
                News::Look => {}
            }
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Those that have ended since this was asked last.
    pub(super) fn take_ended(&mut self) -> Vec<Ended> {
        let ended = std::mem::take(&mut self.ended);
        for one in &ended {
            self.since.remove(&one.thing);
        }
        ended
    }
}

/// Makes one attempt.
fn make(office: &Office, task: Task) -> Ended {
    let outcome = catch_unwind(AssertUnwindSafe(|| attempt(office, &task)));
    if outcome.is_err() {
        log::error!("sending to the webhook {} panicked", task.row.id);
    }
    Ended {
        thing: task.thing,
        outcome: outcome.ok(),
    }
}

fn attempt(office: &Office, task: &Task) -> Outcome {
    let now = office.clock.now();
    let timestamp = now.timestamp();
    let secrets = task.row.secrets(now);
    let signature = signatures(&secrets, &task.id, timestamp, &task.payload);
    let timestamp = timestamp.to_string();
    let headers = [
        ("content-type", "application/json"),
        ("webhook-id", task.id.as_str()),
        ("webhook-timestamp", timestamp.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    office
        .sender
        .post(&task.row.url, &headers, &task.payload, now)
}
