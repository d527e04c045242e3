//! `/v1/imports`: many articles at once, lines in and lines out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::api::auth::{self, Caller, Editor, Identity};
use crate::api::body;
use crate::api::envelope::RequestId;
use crate::api::intake::Intake;
use crate::api::openapi::{Failures, Refusals};
use crate::api::params::Params;
use crate::api::problem::{Problem, ProblemView};
use crate::api::spool::{Spool, spool};
use crate::api::state::State;
use crate::content::article::Fault;
use crate::error::{Error, Result};
use crate::store::audit::Target;
use crate::store::changes;
use crate::transfer::import::{self, Fate, Options, Permit, Summary, Verdict, Watcher};

const NDJSON: &str = "application/x-ndjson";
/// The same under its other name.
const JSON_LINES: &str = "application/jsonl";
/// Imports at a time; each writes in long transactions, and others want to write, too.
const MAX_IMPORTS: usize = 2;
/// Seconds after which it is worth asking for a free place again.
const RETRY_AFTER: u32 = 10;
/// Bytes the results of one import may have.
const MAX_RESULTS: u64 = 1 << 30;
/// Bytes of results that are written to the file together.
const FLUSH: usize = 64 * 1024;
/// How long the answer waits at its end for the indexes to have come as far.
const VISIBLE_WITHIN: Duration = Duration::from_secs(30);

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
struct ImportParams {
    /// `true` checks everything and writes nothing.
    #[param(default = false)]
    dry_run: Option<bool>,
}

/// What became of a line.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportResult)]
struct ResultView<'a> {
    /// Counted from 1.
    #[schema(example = 1)]
    line: u64,
    #[schema(value_type = FateWord, inline)]
    result: Fate,
    /// The article's; null where there is none.
    #[schema(required)]
    id: Option<&'a str>,
    #[schema(required, example = "khettaras-jorf-nettoyage")]
    slug: Option<&'a str>,
    #[schema(required, example = 1)]
    version: Option<i64>,
    /// Why the line did not go in.
    errors: Vec<LineFaultView<'a>>,
    /// What could not be done though the line went in, such as a pin to an article that does not exist.
    warnings: Vec<LineFaultView<'a>>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code)]
enum FateWord {
    Created,
    Updated,
    Unchanged,
    Failed,
}

/// One fault of a line.
#[derive(Serialize, ToSchema)]
#[schema(as = LineFault)]
struct LineFaultView<'a> {
    /// Where in the line (RFC 6901); empty for the whole.
    #[schema(example = "/pins/0")]
    pointer: &'a str,
    #[schema(example = "there is no article \"nobody\"")]
    detail: &'a str,
}

/// The last line of an import that has come to its end.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportSummary)]
struct SummaryView {
    summary: CountsView,
}

/// How many lines came to what.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportCounts)]
struct CountsView {
    created: u64,
    updated: u64,
    unchanged: u64,
    failed: u64,
    /// Of those that went in, such as refer to an article that does not exist.
    dangling: u64,
    dry_run: bool,
}

/// The last line of an import that was broken off. What the lines before it tell is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportFailure)]
struct FailureView {
    error: ProblemView,
}

/// A line of the answer.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportLine)]
#[serde(untagged)]
#[allow(dead_code)]
enum LineView<'a> {
    Result(ResultView<'a>),
    Summary(SummaryView),
    Failure(FailureView),
}

/// Import articles
///
/// One article a line, in the format of `kiosque import`: NDJSON, of any length; a line may have 8 MiB. The answer
/// comes while the body is still being sent: a line for each line, and a last one with a `summary`, or with an
/// `error` where the import was broken off. It is broken off, too, when its caller's credentials cease to count. Lines that refer to articles further down are told at the end.
///
/// Articles are known by their names, so whatever breaks off may be sent again from the start: what is in already
/// comes back as `unchanged`. An `Idempotency-Key` is therefore not needed, and not looked at.
#[utoipa::path(
    tag = "articles",
    operation_id = "import_articles",
    security(("bearer" = ["editor"])),
    params(ImportParams),
    request_body(description = "An article a line", content((String = "application/x-ndjson"), (String = "application/jsonl"))),
    responses(
        (status = 200, description = "What became of each line", body = LineView, content_type = "application/x-ndjson"),
        Failures,
        Refusals,
        (status = 415, description = "Not NDJSON, or coded", body = ProblemView, content_type = "application/problem+json"),
        (status = 429, description = "As many imports as may are running; `Retry-After` says when to try again",
         body = ProblemView, content_type = "application/problem+json"),
    )
)]
#[post("/v1/imports")]
pub async fn import_articles(
    caller: Caller<Editor>,
    request: HttpRequest,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let dry_run = parse(request.query_string())?;
    body::check_form(&request, NDJSON).or_else(|_| body::check_form(&request, JSON_LINES))?;
    let slot = state.imports.take()?;
    let (spool, results) = web::block(spool)
        .await
        .map_err(|_| Error::Internal("making a file panicked".to_owned()))?
        .map_err(|error| Error::Internal(format!("cannot make a file for results: {error}")))?;
    let job = Job {
        state: State::clone(&state),
        by: caller.identity,
        request_id: RequestId::of(&request),
        path: request.path().to_owned(),
        dry_run,
    };
    let intake = Intake::of(payload, state.request_timeout);
    std::thread::Builder::new()
        .name("import".to_owned())
        .spawn(move || job.run(slot, intake, spool))
        .map_err(|error| Error::Internal(format!("cannot start a thread: {error}")))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, NDJSON))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .streaming(results))
}

fn parse(query: &str) -> Result<bool> {
    let mut params = Params::of::<ImportParams>(query);
    let dry_run = params.choice("dry_run", &[("true", true), ("false", false)]);
    params.finish()?;
    Ok(dry_run.unwrap_or(false))
}

/// The places for imports.
#[derive(Clone, Default)]
pub struct Slots(Arc<AtomicUsize>);

/// A place taken, until it is dropped.
struct Slot(Arc<AtomicUsize>);

impl Slots {
    fn take(&self) -> Result<Slot> {
        let one_more = |taken: usize| (taken < MAX_IMPORTS).then_some(taken + 1);
        match self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more)
        {
            Ok(_) => Ok(Slot(Arc::clone(&self.0))),
            Err(_) => Err(Error::TooManyRequests(RETRY_AFTER)),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An import on its thread.
struct Job {
    state: State,
    by: Identity,
    request_id: String,
    path: String,
    dry_run: bool,
}

impl Job {
    fn run(self, slot: Slot, intake: Intake, spool: Spool) {
        let broken = intake.broken();
        let mut teller = Teller::new(spool);
        let options = Options {
            dry_run: self.dry_run,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            clock: self.state.clock.clone(),
            by: Some(self.by.name.clone()),
            permit: Some(self.permit()),
        };
        let database = &self.state.database;
        let ran = catch_unwind(AssertUnwindSafe(|| {
            import::run(database, intake, &options, &mut teller)
        }));
        let ran = ran.unwrap_or_else(|_| Err(Error::Internal("an import panicked".to_owned())));
        let summary = match &ran {
            Ok(summary) => *summary,
            Err(_) => teller.so_far,
        };
        let outcome = match (ran, teller.failure.take(), broken.get()) {
            (_, Some(failure), _) => Err(failure),
            (Err(_), None, Some(broken)) => Err(Error::from(*broken)),
            (Err(error), None, None) => Err(error),
            (Ok(_), None, _) => Ok(()),
        };
        let outcome = self.conclude(&summary).and(outcome);
        // Before the caller learns of the end, who may then start the next.
        drop(slot);
        let last = match outcome {
            Ok(()) => LineView::Summary(self.counts(&summary)),
            Err(error) => {
                // A caller that stops or goes away is no failure of ours.
                let ours = broken.get().is_none() && !teller.spool.is_unwanted();
                if error.is_ours() && ours {
                    log::error!("{} failed, request {}: {error}", self.path, self.request_id);
                }
                LineView::Failure(FailureView {
                    error: Problem(error).view(&self.path),
                })
            }
        };
        teller.end(&last);
    }

    /// An import may run for hours, in which its caller may lose the right to it.
    fn permit(&self) -> Permit {
        let (identity, clock) = (self.by.clone(), self.state.clock.clone());
        Arc::new(move |conn| auth::still_counts(conn, &identity, clock.now()))
    }

    /// Notes what was done, and waits until readers see it.
    fn conclude(&self, summary: &Summary) -> Result<()> {
        if self.dry_run {
            return Ok(());
        }
        let target = Target {
            kind: "request",
            id: &self.request_id,
            name: "",
        };
        let State {
            database, clock, ..
        } = &self.state;
        import::note(database, clock, &self.by.name, target, summary)?;
        let last = database.read(changes::last)?;
        self.state.wait_until_visible(last, VISIBLE_WITHIN);
        Ok(())
    }

    fn counts(&self, summary: &Summary) -> SummaryView {
        SummaryView {
            summary: CountsView {
                created: summary.created,
                updated: summary.updated,
                unchanged: summary.unchanged,
                failed: summary.failed,
                dangling: summary.dangling,
                dry_run: self.dry_run,
            },
        }
    }
}

/// Tells the caller what becomes of the lines.
struct Teller {
    spool: Spool,
    buffer: Vec<u8>,
    so_far: Summary,
    failure: Option<Error>,
}

impl Teller {
    fn new(spool: Spool) -> Self {
        Self {
            spool,
            buffer: Vec::with_capacity(2 * FLUSH),
            so_far: Summary::default(),
            failure: None,
        }
    }

    fn write(&mut self, line: &LineView) {
        // Plain data, which serialises into memory.
        if serde_json::to_writer(&mut self.buffer, line).is_ok() {
            self.buffer.push(b'\n');
        }
        if self.buffer.len() >= FLUSH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.failure.is_none() {
            let length = self.spool.length() + self.buffer.len() as u64;
            self.failure = match self.spool.write(&self.buffer) {
                Ok(()) if length <= MAX_RESULTS => None,
                Ok(()) => Some(Error::member(
                    "",
                    format!("has results of more than {MAX_RESULTS} bytes; send it in parts"),
                )),
                Err(error) => Some(Error::Internal(format!("cannot keep results: {error}"))),
            };
        }
        self.buffer.clear();
    }

    fn end(mut self, line: &LineView) {
        self.write(line);
        self.failure = None;
        self.flush();
    }
}

impl Watcher for Teller {
    fn progress(&mut self, _: u64, summary: &Summary) {
        self.so_far = *summary;
        self.flush();
    }

    fn tell(&mut self, verdict: &Verdict) {
        let article = verdict.article.as_ref();
        self.write(&LineView::Result(ResultView {
            line: verdict.line,
            result: verdict.fate,
            id: article.map(|article| article.id.as_str()),
            slug: article.map(|article| article.slug.as_str()),
            version: article.map(|article| article.version),
            errors: faults(&verdict.errors),
            warnings: faults(&verdict.warnings),
        }));
    }

    fn is_called_off(&self) -> bool {
        self.failure.is_some() || self.spool.is_unwanted()
    }
}

fn faults(faults: &[Fault]) -> Vec<LineFaultView<'_>> {
    faults
        .iter()
        .map(|fault| LineFaultView {
            pointer: &fault.pointer,
            detail: &fault.detail,
        })
        .collect()
}
