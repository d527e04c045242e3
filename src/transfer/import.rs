//! Importing NDJSON: lines are read and prepared on every core, and written in batches.

use std::collections::{HashSet, VecDeque};
use std::io::{self, BufRead};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use chrono::{DateTime, Utc};

use crate::content::article::{Draft, Fault};
use crate::content::line::{self, MAX_LINE};
use crate::db::{Conn, Database};
use crate::error::{Error, Result};
use crate::store::save::{Manner, Outcome, Save, Saved};
use crate::store::tagging::Tagger;

/// Lines that are prepared, and then written in one transaction, together.
const BATCH: usize = 500;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// Batches that may wait between two stages; bounds the memory.
const AHEAD: usize = 2;

#[derive(Clone, Debug)]
pub struct Options {
    /// Check everything and write nothing.
    pub dry_run: bool,
    /// Threads that prepare lines.
    pub threads: usize,
    pub now: DateTime<Utc>,
    /// Who imports, where that is known.
    pub by: Option<String>,
}

/// What became of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub failed: u64,
    /// Lines that went in although something they refer to does not exist.
    pub dangling: u64,
}

/// A line that did not go in, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// Counted from 1.
    pub line: u64,
    pub reason: String,
}

/// Is told how the import goes.
pub trait Watcher: Send {
    /// After each batch: bytes read so far, and what became of the lines.
    fn progress(&mut self, bytes: u64, summary: &Summary);
    fn complain(&mut self, complaint: &Complaint);
}

/// A line of the input, prepared or found wanting.
struct Prepared {
    line: u64,
    draft: Result<Box<Draft>, Vec<Fault>>,
}

struct Batch {
    lines: Vec<Prepared>,
    /// Bytes of the input up to and with the last line.
    bytes: u64,
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
    let (sender, batches) = sync_channel(AHEAD);
    thread::scope(|scope| {
        // The sender must end with the reader, or the writer would wait for ever.
        let reading = scope.spawn(move || read(input, options.threads.max(1), sender));
        let mut writer = Writer::new(database, options, watcher);
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

/// Reads and prepares; ends quietly when the writer has gone.
fn read(mut input: impl BufRead, threads: usize, batches: SyncSender<Batch>) -> io::Result<()> {
    let mut number = 0;
    let mut bytes = 0;
    loop {
        let mut lines = Vec::with_capacity(BATCH);
        while lines.len() < BATCH {
            let Some(line) = read_line(&mut input, &mut bytes)? else {
                break;
            };
            number += 1;
            // What some editors put before the first line.
            let line = match line.strip_prefix(BYTE_ORDER_MARK) {
                Some(rest) if number == 1 => rest.to_vec(),
                _ => line,
            };
            if !line::is_blank(&line) {
                lines.push((number, line));
            }
        }
        let end = lines.is_empty();
        let prepared = prepare(lines, threads);
        if end
            || batches
                .send(Batch {
                    lines: prepared,
                    bytes,
                })
                .is_err()
        {
            return Ok(());
        }
    }
}

/// The next line without its end; of one that is too long, only as much as shows that it is.
fn read_line(input: &mut impl BufRead, bytes: &mut u64) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut any = false;
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() {
            return Ok(any.then_some(line));
        }
        any = true;
        let end = chunk.iter().position(|&byte| byte == b'\n');
        let taken = end.map_or(chunk.len(), |end| end + 1);
        let room = (MAX_LINE + 1).saturating_sub(line.len());
        line.extend_from_slice(&chunk[..end.unwrap_or(chunk.len()).min(room)]);
        input.consume(taken);
        *bytes += taken as u64;
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

fn prepare(lines: Vec<(u64, Vec<u8>)>, threads: usize) -> Vec<Prepared> {
    let share = lines.len().div_ceil(threads).max(1);
    let prepare_share = |lines: &[(u64, Vec<u8>)]| -> Vec<Prepared> {
        let one = |(line, text): &(u64, Vec<u8>)| Prepared {
            line: *line,
            draft: line::parse(text).map(Box::new),
        };
        lines.iter().map(one).collect()
    };
    thread::scope(|scope| {
        let shares: Vec<_> = lines
            .chunks(share)
            .map(|lines| (lines, scope.spawn(move || prepare_share(lines))))
            .collect();
        shares
            .into_iter()
            .flat_map(|(lines, share)| share.join().unwrap_or_else(|_| failed(lines)))
            .collect()
    })
}

/// A panic in a library must cost the lines it met, not the import.
fn failed(lines: &[(u64, Vec<u8>)]) -> Vec<Prepared> {
    let fault = || {
        vec![Fault::new(
            "",
            "could not be read: a fault in kiosque; please report it",
        )]
    };
    lines
        .iter()
        .map(|(line, _)| Prepared {
            line: *line,
            draft: Err(fault()),
        })
        .collect()
}

struct Writer<'a> {
    database: &'a Database,
    options: &'a Options,
    watcher: &'a mut dyn Watcher,
    summary: Summary,
    /// Lines that refer to articles which had not come yet.
    waiting: VecDeque<Prepared>,
    /// In a dry run, the names that the lines would have given to articles.
    rehearsed: HashSet<String>,
    tagger: Tagger,
}

/// What a line came to, or why it did not go in.
type Verdict = Result<Saved, String>;

impl<'a> Writer<'a> {
    fn new(database: &'a Database, options: &'a Options, watcher: &'a mut dyn Watcher) -> Self {
        Self {
            database,
            options,
            watcher,
            summary: Summary::default(),
            waiting: VecDeque::new(),
            rehearsed: HashSet::new(),
            tagger: Tagger::enriching(),
        }
    }

    fn write_all(&mut self, batches: Receiver<Batch>) -> Result<()> {
        for batch in batches {
            let verdicts = self.write(&batch.lines)?;
            for (line, verdict) in batch.lines.into_iter().zip(verdicts) {
                self.first_verdict(line, verdict);
            }
            self.watcher.progress(batch.bytes, &self.summary);
        }
        Ok(())
    }

    /// Now that every article is in, links between them can be.
    fn second_pass(&mut self) -> Result<()> {
        while !self.waiting.is_empty() {
            let count = self.waiting.len().min(BATCH);
            let lines: Vec<Prepared> = self.waiting.drain(..count).collect();
            let verdicts = self.write(&lines)?;
            for (line, verdict) in lines.iter().zip(verdicts) {
                self.second_verdict(line, verdict);
            }
        }
        if self.options.dry_run {
            return Ok(());
        }
        let (tagger, now) = (&mut self.tagger, self.options.now);
        self.database.write(|conn| {
            tagger.begin(conn)?;
            tagger.settle(conn, now)
        })
    }

    /// Writes a batch in one transaction; if the database refuses that, each line in a part of its own, so
    /// that one impossible line takes no other with it.
    fn write(&mut self, lines: &[Prepared]) -> Result<Vec<Verdict>> {
        self.attempt(lines, Self::save).or_else(|error| {
            log::debug!("a batch failed and is tried line by line: {error}");
            self.tagger = Tagger::enriching();
            self.attempt(lines, Self::save_apart)
        })
    }

    fn attempt(
        &mut self,
        lines: &[Prepared],
        save: fn(&mut Self, &mut Conn, &Draft) -> Result<Saved>,
    ) -> Result<Vec<Verdict>> {
        let database = self.database;
        if self.options.dry_run {
            self.tagger = Tagger::enriching();
            return database.rehearse(|conn| self.verdicts(conn, lines, save));
        }
        database.write(|conn| self.verdicts(conn, lines, save))
    }

    fn verdicts(
        &mut self,
        conn: &mut Conn,
        lines: &[Prepared],
        save: fn(&mut Self, &mut Conn, &Draft) -> Result<Saved>,
    ) -> Result<Vec<Verdict>> {
        self.tagger.begin(conn)?;
        let mut verdicts = Vec::with_capacity(lines.len());
        for line in lines {
            verdicts.push(match &line.draft {
                Err(faults) => Err(Error::InvalidBody(faults.clone()).detail()),
                Ok(draft) => match save(self, conn, draft) {
                    Err(Error::InvalidBody(faults)) => Err(Error::InvalidBody(faults).detail()),
                    saved => Ok(saved?),
                },
            });
        }
        Ok(verdicts)
    }

    fn save(&mut self, conn: &mut Conn, draft: &Draft) -> Result<Saved> {
        let save = Save {
            now: self.options.now,
            by: self.options.by.as_deref(),
            manner: Manner::Import,
        };
        save.article(conn, draft, &mut self.tagger)
    }

    fn save_apart(&mut self, conn: &mut Conn, draft: &Draft) -> Result<Saved> {
        let saved = conn.in_savepoint(|conn| self.save(conn, draft));
        saved.map_err(|error| match error {
            Error::Database(cause) => {
                self.tagger = Tagger::enriching();
                Error::InvalidBody(vec![Fault::new(
                    "",
                    format!("the database refuses it: {cause}"),
                )])
            }
            error => error,
        })
    }

    fn first_verdict(&mut self, line: Prepared, verdict: Verdict) {
        let saved = match verdict {
            Ok(saved) => saved,
            Err(reason) => {
                self.summary.failed += 1;
                return self.watcher.complain(&Complaint {
                    line: line.line,
                    reason,
                });
            }
        };
        let again = self.options.dry_run && self.is_rehearsed(&line);
        match saved.outcome {
            // In a dry run, an earlier batch that would have made it has been taken back.
            Outcome::Created if again => self.summary.updated += 1,
            Outcome::Created => self.summary.created += 1,
            Outcome::Updated => self.summary.updated += 1,
            Outcome::Unchanged => self.summary.unchanged += 1,
        }
        if self.options.dry_run {
            let external_id = line
                .draft
                .as_ref()
                .ok()
                .and_then(|draft| draft.external_id.clone());
            self.rehearsed.extend(
                [saved.row.id, saved.row.slug]
                    .into_iter()
                    .chain(external_id),
            );
        }
        if !saved.missing.is_empty() {
            self.waiting.push_back(line);
        }
    }

    /// Whether an earlier line of this dry run would have made the article that this one names.
    fn is_rehearsed(&self, line: &Prepared) -> bool {
        let Ok(draft) = &line.draft else { return false };
        let id = draft.id.map(|id| id.to_string());
        let slug = draft.slug.as_ref().map(ToString::to_string);
        let names = [id, draft.external_id.clone(), slug];
        names
            .iter()
            .flatten()
            .any(|name| self.rehearsed.contains(name))
    }

    fn second_verdict(&mut self, line: &Prepared, verdict: Verdict) {
        let reason = match verdict {
            Err(reason) => reason,
            Ok(saved) => {
                let mut missing = saved.missing;
                missing.retain(|reference| !self.rehearsed.contains(&reference.0));
                if missing.is_empty() {
                    return;
                }
                let names: Vec<String> =
                    missing.iter().map(|name| format!("{:?}", name.0)).collect();
                let fate = match self.options.dry_run {
                    true => "would go in",
                    false => "is in",
                };
                format!("it {fate}, but there is no article {}", names.join(", "))
            }
        };
        self.summary.dangling += 1;
        self.watcher.complain(&Complaint {
            line: line.line,
            reason,
        });
    }
}
