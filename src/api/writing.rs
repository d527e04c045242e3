//! Writing: what surrounds every operation that changes something.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::api::auth::{self, Caller, Identity, Rank};
use crate::api::conditional::Answer;
use crate::api::envelope::RequestId;
use crate::api::precondition::Precondition;
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::api::wish::Wish;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::identity::secret;
use crate::store::audit::{self, Entry, Target};
use crate::store::changes;
use crate::store::idempotency::{self, Claimed, Repeatable};
use crate::store::save::{Manner, Save};

pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Characters an Idempotency-Key may have.
const MAX_KEY: usize = 255;
/// How long an answer waits for the indexes to have the change too.
const VISIBLE_WITHIN: Duration = Duration::from_secs(2);

/// A write on its way: who asks for it, and under which conditions.
pub struct Write {
    caller: Identity,
    wish: Wish,
    precondition: Precondition,
    request_id: String,
    repeatable: Option<Repeatable>,
}

/// What the work of a write goes by.
pub struct Act<'a> {
    pub state: &'a State,
    pub now: DateTime<Utc>,
    pub caller: &'a Identity,
    /// Which state of the thing the caller means.
    pub precondition: &'a Precondition,
    request_id: &'a str,
}

impl Write {
    /// # Errors
    /// 412 where a condition cannot be read.
    pub fn of<R: Rank>(request: &HttpRequest, caller: Caller<R>) -> Result<Self> {
        Ok(Self {
            caller: caller.identity,
            wish: Wish::of(request.method(), request),
            precondition: Precondition::of(request)?,
            request_id: RequestId::of(request),
            repeatable: None,
        })
    }

    /// Lets the caller send it again under the same `Idempotency-Key`, if it names one.
    ///
    /// # Errors
    /// 400 where the key is no such.
    pub fn repeatable(mut self, request: &HttpRequest, body: &[u8]) -> Result<Self> {
        let mut given = request.headers().get_all(IDEMPOTENCY_KEY);
        let Some(value) = given.next() else {
            return Ok(self);
        };
        if given.next().is_some() {
            let fault = "is given more than once".to_owned();
            return Err(Error::parameter("Idempotency-Key", fault));
        }
        let key = value
            .to_str()
            .ok()
            .filter(|key| (1..=MAX_KEY).contains(&key.len()))
            .ok_or_else(|| {
                Error::parameter(
                    "Idempotency-Key",
                    format!("takes 1 to {MAX_KEY} visible ASCII characters"),
                )
            })?;
        let mut digest = Sha256::new();
        digest.update(format!("{} {}\n", request.method(), request.uri()));
        digest.update(body);
        self.repeatable = Some(Repeatable {
            caller: self.caller.name.clone(),
            key: key.to_owned(),
            fingerprint: format!("{:x}", digest.finalize()),
            claim: secret::new("")?,
        });
        Ok(self)
    }

    /// Does the work in one transaction, waits until readers see it, and answers.
    ///
    /// # Errors
    /// Those of the work, which then has changed nothing.
    pub async fn carry_out(
        self,
        state: &State,
        work: impl FnOnce(&Act, &mut Conn) -> Result<Answer> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let wish = self.wish.clone();
        state
            .finished(wish, move |state, now| {
                Ok(self.done(state, now, work)?.private(true))
            })
            .await
    }

    fn done(
        &self,
        state: &State,
        now: DateTime<Utc>,
        work: impl FnOnce(&Act, &mut Conn) -> Result<Answer>,
    ) -> Result<Answer> {
        if let Some(request) = &self.repeatable {
            let claimed = state.database.write(|conn| {
                auth::still_counts(conn, &self.caller, now)?;
                idempotency::claim(conn, request, now)
            })?;
            if let Claimed::Answered(stored) = claimed {
                // The first attempt may still wait for the followers.
                let last = state.database.read(changes::last)?;
                state.wait_until_visible(last, VISIBLE_WITHIN);
                let answer = Answer::from_stored(&stored)?;
                return Ok(answer.header(REPLAYED, HeaderValue::from_static("true")));
            }
        }
        let write = |conn: &mut Conn| {
            // As late as this: while it waited for its turn, an article's hour may have come and been logged.
            let now = state.clock.now();
            auth::still_counts(conn, &self.caller, now)?;
            let act = Act {
                state,
                now,
                caller: &self.caller,
                precondition: &self.precondition,
                request_id: &self.request_id,
            };
            let answer = work(&act, conn)?;
            if let Some(request) = &self.repeatable {
                idempotency::answer(conn, request, &answer.to_stored()?)?;
            }
            Ok((answer, changes::last(conn)?))
        };
        // A panic has changed nothing either, and must not keep the key.
        let written = catch_unwind(AssertUnwindSafe(|| state.database.write(write)));
        let panicked = || Err(Error::Internal("a handler panicked".to_owned()));
        match written.unwrap_or_else(|_| panicked()) {
            Ok((answer, seq)) => {
                state.wait_until_visible(seq, VISIBLE_WITHIN);
                Ok(answer)
            }
            Err(error) => {
                self.release(state);
                Err(error)
            }
        }
    }

    /// What failed may be tried again under the same key.
    fn release(&self, state: &State) {
        if let Some(request) = &self.repeatable {
            let released = state
                .database
                .write(|conn| idempotency::release(conn, request));
            if let Err(error) = released {
                log::warn!("an Idempotency-Key stays taken until its lease ends: {error}");
            }
        }
    }
}

impl Act<'_> {
    /// How articles are saved here.
    pub fn save(&self) -> Save<'_> {
        Save {
            now: self.now,
            by: Some(&self.caller.name),
            manner: Manner::Edit,
            sight: self.caller.sight(),
        }
    }

    /// Notes what the caller has done.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note(
        &self,
        conn: &mut Conn,
        action: &'static str,
        target: Target,
        detail: Option<Value>,
    ) -> Result<()> {
        let entry = Entry {
            actor: &self.caller.name,
            action,
            target,
            request_id: Some(self.request_id),
            detail,
        };
        audit::append(conn, &entry, self.now)
    }
}
