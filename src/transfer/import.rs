//! Importing NDJSON: lines are read and prepared on every core, and written in batches.

use std::io::BufRead;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use serde::{Deserialize, Serialize};

use crate::content::article::Fault;
use crate::content::sight::Sight;
use crate::content::time::Clock;
use crate::db::{Conn, Database};
use crate::error::{Error, Result};
use crate::store::audit::{self, Entry, Target};
use crate::store::linking::Left;
use crate::store::naming;
use crate::store::save::{Manner, Outcome, Save, Saved};
use crate::store::tagging::Tagger;
use crate::transfer::lines::{self, Asked, Batch, Ndjson, Prepared, Source};
use crate::transfer::rehearsed::Rehearsed;
use crate::transfer::waiting::{Again, Noted, Waiting};

pub use crate::transfer::verdicts::{Complaint, Fate, Made, Summary, Verdict, Watcher};

/// Asked at the beginning of each batch, in its transaction: an error ends the import there.
pub type Permit = Arc<dyn Fn(&mut Conn) -> Result<()> + Send + Sync>;

/// Batches that may wait between two stages; bounds the memory.
const AHEAD: usize = 2;

#[derive(Clone)]
pub struct Options {
    /// Check everything and write nothing.
    pub dry_run: bool,
    /// Threads that prepare lines.
    pub threads: usize,
    pub clock: Clock,
    /// Who imports, where that is known.
    pub by: Option<String>,
    /// Whether who imports still may, where that can change meanwhile.
    pub permit: Option<Permit>,
}

/// Imports every line of `input`. A bad line is complained of and the others go in.
///
/// # Errors
/// When the input cannot be read or the database fails; the batches written by then stay, and the same
/// import can be run again.
pub fn run(
    database: &Database,
    input: impl BufRead + Send,
    options: &Options,
    watcher: &mut dyn Watcher,
) -> Result<Summary> {
    run_from(database, &mut Ndjson(input), options, watcher)
}

/// The same for lines that are made of something else.
///
/// # Errors
/// As [`run`].
pub fn run_from(
    database: &Database,
    source: &mut dyn Source,
    options: &Options,
    watcher: &mut dyn Watcher,
) -> Result<Summary> {
    let is_foreign = source.is_foreign();
    let (sender, batches) = sync_channel(AHEAD);
    thread::scope(|scope| {
        // The sender must end with the reader, or the writer would wait for ever.
        let reading = scope.spawn(move || lines::read(source, options.threads.max(1), sender));
        let mut writer = Writer {
            is_foreign,
            ..Writer::new(database, options, watcher)
        };
        let written = writer.write_all(batches);
        let read = reading
            .join()
            .map_err(|_| Error::Internal("the reader failed".to_owned()))?;
        written?;
        read.map_err(|error| Error::Internal(format!("cannot read the input: {error}")))?;
        writer.second_pass()?;
        Ok(writer.summary)
    })
}

/// Notes an import in the audit trail. One that has failed is noted, too: its first batches stay.
///
/// # Errors
/// When the database fails.
pub fn note(
    database: &Database,
    clock: &Clock,
    actor: &str,
    target: Target,
    summary: &Summary,
) -> Result<()> {
    let entry = Entry {
        actor,
        action: "article.import",
        target,
        request_id: (target.kind == "request").then_some(target.id),
        detail: serde_json::to_value(summary).ok(),
    };
    database.write(|conn| audit::append(conn, &entry, clock.now()))
}

struct Writer<'a> {
    database: &'a Database,
    options: &'a Options,
    watcher: &'a mut dyn Watcher,
    summary: Summary,
    /// Lines that refer to articles which had not come yet.
    waiting: Waiting,
    /// In a dry run, the articles that the lines would have made.
    rehearsed: Rehearsed,
    tagger: Tagger,
    /// Slugs of the lines name no article of ours.
    is_foreign: bool,
}

/// What a save came to, or why it did not go in; `None` where it was of an article that is not here.
type Attempt = Result<Option<Saved>, Vec<Fault>>;

/// Saves a line, for the first time or again.
type SaveLine<'a> =
    fn(&mut Writer<'a>, &mut Conn, (&Prepared, &Asked), Option<&First>) -> Result<Option<Saved>>;

/// How a line fared at first.
#[derive(Serialize, Deserialize)]
struct First {
    name: Option<String>,
    fate: Fate,
    made: Option<Made>,
    /// Slugs that the article claims once all are in, so that no article loses its own to them.
    former: Vec<String>,
}

impl<'a> Writer<'a> {
    fn new(database: &'a Database, options: &'a Options, watcher: &'a mut dyn Watcher) -> Self {
        Self {
            database,
            options,
            watcher,
            summary: Summary::default(),
            waiting: Waiting::default(),
            rehearsed: Rehearsed::default(),
            tagger: Tagger::enriching(),
            is_foreign: false,
        }
    }

    fn write_all(&mut self, batches: Receiver<Batch>) -> Result<()> {
        for batch in batches {
            if batch.lines.is_empty() && !self.watcher.is_called_off() {
                self.watcher.progress(batch.bytes, &self.summary);
                continue;
            }
            let attempts = self.write(&batch.lines, &[])?;
            for (line, attempt) in batch.lines.into_iter().zip(attempts) {
                self.first(line, attempt)?;
            }
            self.watcher.progress(batch.bytes, &self.summary);
        }
        Ok(())
    }

    /// Now that every article is in, links between them can be.
    fn second_pass(&mut self) -> Result<()> {
        let mut again: Again = std::mem::take(&mut self.waiting).again()?;
        loop {
            let (noted, lines) = again.batch::<First>()?;
            if noted.is_empty() {
                break;
            }
            let prepared = lines::prepare(lines, self.options.threads.max(1));
            let attempts = self.write(&prepared, &noted)?;
            for (noted, attempt) in noted.into_iter().zip(attempts) {
                self.second(noted, attempt);
            }
        }
        if self.options.dry_run {
            return Ok(());
        }
        let tagger = &mut self.tagger;
        self.database.write(|conn| {
            tagger.begin(conn)?;
            tagger.settle(conn, self.options.clock.now())
        })
    }

    /// Writes a batch in one transaction; if the database refuses that, each line in a part of its own, so
    /// that one impossible line takes no other with it.
    fn write(&mut self, lines: &[Prepared], noted: &[Noted<First>]) -> Result<Vec<Attempt>> {
        if self.watcher.is_called_off() {
            return Err(Error::Internal("the import was called off".to_owned()));
        }
        let orphans = self.tagger.orphans();
        self.attempt(lines, noted, Self::save).or_else(|error| {
            log::debug!("a batch failed and is tried line by line: {error}");
            self.tagger.take_back(orphans);
            self.attempt(lines, noted, Self::save_apart)
        })
    }

    fn attempt(
        &mut self,
        lines: &[Prepared],
        noted: &[Noted<First>],
        save: SaveLine<'a>,
    ) -> Result<Vec<Attempt>> {
        let database = self.database;
        if self.options.dry_run {
            self.tagger = Tagger::enriching();
            return database.rehearse(|conn| self.attempts(conn, lines, noted, save));
        }
        database.write(|conn| self.attempts(conn, lines, noted, save))
    }

    fn attempts(
        &mut self,
        conn: &mut Conn,
        lines: &[Prepared],
        noted: &[Noted<First>],
        save: SaveLine<'a>,
    ) -> Result<Vec<Attempt>> {
        if let Some(permit) = &self.options.permit {
            permit(conn)?;
        }
        self.tagger.begin(conn)?;
        let mut attempts = Vec::with_capacity(lines.len());
        for (at, line) in lines.iter().enumerate() {
            let first = noted.get(at).map(|noted| &noted.told);
            attempts.push(match &line.asked {
                Err(faults) => Err(faults.clone()),
                Ok(asked) => match save(self, conn, (line, asked), first) {
                    Err(Error::InvalidBody(faults) | Error::Conflict(faults)) => Err(faults),
                    saved => Ok(saved?),
                },
            });
        }
        Ok(attempts)
    }

    /// At first the whole article. Then only its links: others may have corrected it meanwhile.
    fn save(
        &mut self,
        conn: &mut Conn,
        (line, asked): (&Prepared, &Asked),
        first: Option<&First>,
    ) -> Result<Option<Saved>> {
        let save = Save {
            // Not the start of the import, which may be long ago: meanwhile hours have come and been logged.
            now: self.options.clock.now(),
            by: self.options.by.as_deref(),
            manner: Manner::Import,
            sight: Sight::All,
        };
        let draft = match asked {
            Asked::Article(draft) => draft,
            Asked::Withdrawal(withdrawal) => {
                return save.withdraw(conn, withdrawal, line.elsewhere.as_ref());
            }
        };
        let mut found = None;
        if let Some(elsewhere) = &line.elsewhere
            && let Some(row) =
                naming::came_otherwise(conn, draft.external_id.as_deref(), elsewhere)?
        {
            if elsewhere.is_by_feed {
                return Ok(Some(Saved {
                    outcome: Outcome::Unchanged,
                    row,
                    missing: Vec::new(),
                    dangling: Vec::new(),
                }));
            }
            found = Some(row);
        }
        // A dry run has left nothing of the first time.
        if let Some(first) = first.filter(|_| !self.options.dry_run)
            && let Some(made) = &first.made
        {
            let left = Left {
                id: &made.id,
                version: made.version,
                made: first.fate != Fate::Unchanged,
                former: &first.former,
            };
            return save.link(conn, draft, &left).map(Some);
        }
        let saved = match self.is_foreign {
            true => save.foreign_article(conn, found, draft, &mut self.tagger),
            false => save.article(conn, draft, &mut self.tagger),
        };
        saved.map(Some)
    }

    fn save_apart(
        &mut self,
        conn: &mut Conn,
        line: (&Prepared, &Asked),
        first: Option<&First>,
    ) -> Result<Option<Saved>> {
        let orphans = self.tagger.orphans();
        let saved = conn.in_savepoint(|conn| self.save(conn, line, first));
        saved.map_err(|error| {
            self.tagger.take_back(orphans);
            match error {
                Error::Database(cause) => Error::InvalidBody(vec![Fault::new(
                    "",
                    format!("the database refuses it: {cause}"),
                )]),
                error => error,
            }
        })
    }

    fn first(&mut self, line: Prepared, attempt: Attempt) -> Result<()> {
        let saved = match attempt {
            Ok(Some(saved)) => saved,
            Ok(None) => return Ok(()),
            Err(errors) => {
                self.summary.failed += 1;
                self.complain(
                    line.line,
                    line.name,
                    Error::InvalidBody(errors.clone()).detail(),
                );
                self.watcher.tell(&Verdict {
                    line: line.line,
                    fate: Fate::Failed,
                    article: None,
                    errors,
                    warnings: Vec::new(),
                });
                return Ok(());
            }
        };
        let first = First {
            name: line.name.clone(),
            fate: self.fate(&line, &saved),
            made: self.made(&saved),
            former: line.former.iter().map(ToString::to_string).collect(),
        };
        match first.fate {
            Fate::Created => self.summary.created += 1,
            Fate::Updated => self.summary.updated += 1,
            Fate::Unchanged | Fate::Failed => self.summary.unchanged += 1,
        }
        if first.fate == Fate::Updated && matches!(line.asked, Ok(Asked::Withdrawal(_))) {
            self.summary.withdrawn += 1;
        }
        if self.options.dry_run
            && let Some(draft) = line.draft()
        {
            self.rehearsed.note(draft, &saved.row);
        }
        if saved.missing.is_empty() && first.former.is_empty() {
            self.watcher.tell(&told(line.line, first, Vec::new()));
            return Ok(());
        }
        let text = line.text.unwrap_or_default();
        self.waiting.push(line.line, first, &text)
    }

    fn fate(&self, line: &Prepared, saved: &Saved) -> Fate {
        match saved.outcome {
            // In a dry run, an earlier batch that would have made it has been taken back.
            Outcome::Created
                if self.options.dry_run
                    && self.rehearsed.has_made(line.draft(), self.is_foreign) =>
            {
                Fate::Updated
            }
            Outcome::Created => Fate::Created,
            Outcome::Updated => Fate::Updated,
            Outcome::Unchanged => Fate::Unchanged,
        }
    }

    /// A dry run makes no article, and the id that a new one would have is made anew.
    fn made(&self, saved: &Saved) -> Option<Made> {
        let exists = !self.options.dry_run || saved.outcome != Outcome::Created;
        exists.then(|| Made {
            id: saved.row.id.clone(),
            slug: saved.row.slug.clone(),
            version: saved.row.version,
        })
    }

    fn second(&mut self, mut noted: Noted<First>, attempt: Attempt) {
        let (warnings, reason) = match attempt {
            Err(faults) => (faults.clone(), Error::InvalidBody(faults).detail()),
            // Only articles come a second time.
            Ok(None) => return,
            Ok(Some(saved)) => {
                if let Some(made) = self.made(&saved) {
                    noted.told.made = Some(made);
                }
                let is_late = saved.outcome == Outcome::Updated && !self.options.dry_run;
                if is_late && noted.told.fate == Fate::Unchanged {
                    noted.told.fate = Fate::Updated;
                    self.summary.unchanged -= 1;
                    self.summary.updated += 1;
                }
                let dangling: Vec<_> = saved
                    .missing
                    .into_iter()
                    .zip(saved.dangling)
                    .filter(|(name, _)| !self.rehearsed.has(&name.0))
                    .collect();
                if dangling.is_empty() {
                    self.watcher.tell(&told(noted.line, noted.told, Vec::new()));
                    return;
                }
                let names: Vec<_> = dangling
                    .iter()
                    .map(|(name, _)| format!("{:?}", name.0))
                    .collect();
                let fate = match self.options.dry_run {
                    true => "would go in",
                    false => "is in",
                };
                let reason = format!("it {fate}, but there is no article {}", names.join(", "));
                (
                    dangling.into_iter().map(|(_, fault)| fault).collect(),
                    reason,
                )
            }
        };
        self.summary.dangling += 1;
        self.complain(noted.line, noted.told.name.take(), reason);
        self.watcher.tell(&told(noted.line, noted.told, warnings));
    }

    fn complain(&mut self, line: u64, name: Option<String>, reason: String) {
        self.watcher.complain(&Complaint { line, name, reason });
    }
}

fn told(line: u64, first: First, warnings: Vec<Fault>) -> Verdict {
    Verdict {
        line,
        fate: first.fate,
        article: first.made,
        errors: Vec::new(),
        warnings,
    }
}
