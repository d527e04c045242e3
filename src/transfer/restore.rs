//! Taking an export in: each thing as it was in its store, and whatever cannot be told line by line.

use std::io::BufRead;

use crate::content::article::Fault;
use crate::content::time::Clock;
use crate::db::{Conn, Database};
use crate::error::{Error, Result};
use crate::store::replica::{Precedence, Replicas};
use crate::store::revisions::{self, RevisionRow};
use crate::store::save::Outcome;
use crate::transfer::export_lines::{
    self, BATCH, BATCH_BYTES, BEGINNING, Line, Lines, Parsing, REVISION, parse_all,
};
use crate::transfer::left_over::LeftOver;
use crate::transfer::lines::BYTE_ORDER_MARK;
use crate::transfer::records::{self, Counts, FORMAT, Parsed, RevisionRecord};

/// What became of the things in an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Articles and tags.
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    /// Lines that did not go in.
    pub failed: u64,
    /// Lines that went in although something they refer to does not exist.
    pub dangling: u64,
    /// Past states that were not here.
    pub revisions: u64,
}

/// Is told how it goes.
pub trait Watcher {
    fn progress(&mut self, bytes: u64, summary: &Summary);
    fn complain(&mut self, line: u64, reason: &str);
}

/// Whether this is how an export begins, perhaps behind a byte order mark.
pub fn is_export(beginning: &[u8]) -> bool {
    let unmarked = beginning.strip_prefix(BYTE_ORDER_MARK);
    unmarked.unwrap_or(beginning).starts_with(BEGINNING)
}

/// Takes a whole export in. What is stored already as it comes is left alone, so that it can be begun again after
/// whatever ended it.
///
/// # Errors
/// When the input cannot be read, is no whole export, or the database fails; the batches written by then stay.
pub fn run(
    database: &Database,
    input: impl BufRead,
    dry_run: bool,
    clock: &Clock,
    watcher: &mut dyn Watcher,
) -> Result<Summary> {
    let mut restore = Restore {
        database,
        dry_run,
        clock,
        watcher,
        summary: Summary::default(),
        read: Counts::default(),
        said: None,
        article: Some((String::new(), None)),
        left_over: LeftOver::default(),
        in_tags: true,
    };
    let mut lines = Lines::new(input);
    loop {
        let batch = lines.batch()?;
        if batch.is_empty() {
            break;
        }
        if restore.in_tags && batch.iter().any(|line| !export_lines::is_head(line)) {
            // Articles bear them, and tags are nested in each other: first they all have to be whole.
            restore.finish_left_over()?;
            restore.in_tags = false;
        }
        restore.take(&batch)?;
        restore.watcher.progress(lines.bytes, &restore.summary);
    }
    restore.finish_left_over()?;
    restore.check_end(lines.number)?;
    Ok(restore.summary)
}

struct Restore<'a> {
    database: &'a Database,
    dry_run: bool,
    clock: &'a Clock,
    watcher: &'a mut dyn Watcher,
    summary: Summary,
    /// What was read so far, and what the last line says.
    read: Counts,
    said: Option<Counts>,
    /// The article of the last line, and its number where it is in; `None` where it could not be read.
    article: Option<(String, Option<i64>)>,
    /// Lines that refer to what had not come yet.
    left_over: LeftOver,
    in_tags: bool,
}

/// What a line came to.
enum Done {
    Thing {
        outcome: Outcome,
        /// What it refers to and is not there, or not yet.
        missing: Vec<Fault>,
    },
    Revision(Outcome),
    /// It goes with an article that did not go in, which was told.
    Passed,
    Read,
}

type Attempt = Result<Done, Vec<Fault>>;
type SaveLine<'a> = fn(&mut Restore<'a>, &mut Conn, &mut Replicas, &Parsed) -> Result<Done>;

impl<'a> Restore<'a> {
    fn take(&mut self, batch: &[Line]) -> Result<()> {
        let parsed = parse_all(batch);
        for (line, parsed) in batch.iter().zip(&parsed) {
            self.check_place(line.number, parsed)?;
        }
        let attempts = self.write(batch, &parsed)?;
        if self.dry_run
            && let Some((_, num)) = &mut self.article
        {
            // It is not in: its past states are passed by from here on.
            *num = None;
        }
        for (line, attempt) in batch.iter().zip(attempts) {
            match attempt {
                Ok(Done::Thing { outcome, missing }) => {
                    self.count(outcome);
                    if !missing.is_empty() && !self.dry_run {
                        self.left_over.push(line)?;
                    }
                }
                Ok(Done::Revision(Outcome::Created | Outcome::Updated)) => {
                    self.summary.revisions += 1;
                }
                Ok(Done::Revision(Outcome::Unchanged) | Done::Passed | Done::Read) => {}
                Err(faults) => {
                    self.summary.failed += 1;
                    self.complain(line.number, faults);
                }
            }
        }
        Ok(())
    }

    /// The first line says what it is, and what stands behind the last was not exported.
    fn check_place(&mut self, number: u64, parsed: &Parsing) -> Result<()> {
        match parsed {
            Ok(Parsed::Header(header)) if number == 1 => {
                if header.format != FORMAT {
                    return Err(Error::Internal(format!(
                        "this export has the format {}, and this program reads {FORMAT}",
                        header.format
                    )));
                }
            }
            Ok(Parsed::Header(_)) => {
                let detail = format!("line {number}: another export begins; import one at a time");
                return Err(Error::Internal(detail));
            }
            Err(faults) if number == 1 => {
                let faults = Error::InvalidBody(faults.clone()).detail();
                return Err(Error::Internal(format!("line 1: {faults}")));
            }
            _ if self.said.is_some() => {
                let detail = format!("line {number}: stands behind the end of the export");
                return Err(Error::Internal(detail));
            }
            Ok(Parsed::End(counts)) => self.said = Some(*counts),
            Ok(Parsed::Tag(_)) => self.read.tags += 1,
            Ok(Parsed::Article(_)) => self.read.articles += 1,
            Ok(Parsed::Revision(_)) => self.read.revisions += 1,
            Err(_) => {}
        }
        Ok(())
    }

    /// In one transaction; if the database refuses that, each line in a part of its own, so that one impossible line
    /// takes no other with it.
    fn write(&mut self, lines: &[Line], parsed: &[Parsing]) -> Result<Vec<Attempt>> {
        let article = self.article.clone();
        self.attempt(lines, parsed, Self::save).or_else(|error| {
            log::debug!("a batch failed and is tried line by line: {error}");
            self.article = article;
            self.attempt(lines, parsed, Self::save_apart)
        })
    }

    fn attempt(
        &mut self,
        lines: &[Line],
        parsed: &[Parsing],
        save: SaveLine<'a>,
    ) -> Result<Vec<Attempt>> {
        let (database, dry_run) = (self.database, self.dry_run);
        let now = self.clock.now();
        let work = |conn: &mut Conn| {
            let mut replicas = Replicas::new(Precedence::Stored, now);
            let mut attempts = Vec::with_capacity(parsed.len());
            for (line, parsed) in lines.iter().zip(parsed) {
                attempts.push(match parsed {
                    Err(faults) => {
                        if !line.text.starts_with(REVISION) {
                            self.article = None;
                        }
                        Err(faults.clone())
                    }
                    Ok(parsed) => match save(self, conn, &mut replicas, parsed) {
                        Err(Error::InvalidBody(faults) | Error::Conflict(faults)) => Err(faults),
                        saved => Ok(saved?),
                    },
                });
            }
            Ok(attempts)
        };
        match dry_run {
            true => database.rehearse(work),
            false => database.write(work),
        }
    }

    fn save(&mut self, conn: &mut Conn, replicas: &mut Replicas, parsed: &Parsed) -> Result<Done> {
        match parsed {
            Parsed::Header(_) | Parsed::End(_) => Ok(Done::Read),
            Parsed::Tag(tag) => {
                let saved = replicas.tag(conn, tag)?;
                let parent = tag.parent.as_ref().filter(|_| saved.missing_parent);
                let missing = parent.map(|parent| {
                    let detail = format!("there is no tag {:?}", parent.as_str());
                    Fault::new("/kiosque/tag/parent", detail)
                });
                Ok(Done::Thing {
                    outcome: saved.outcome,
                    missing: missing.into_iter().collect(),
                })
            }
            Parsed::Article(article) => {
                self.article = Some((article.id.to_string(), None));
                let saved = replicas.article(conn, article)?;
                self.article = Some((saved.row.id, Some(saved.row.num)));
                Ok(Done::Thing {
                    outcome: saved.outcome,
                    missing: saved.dangling,
                })
            }
            Parsed::Revision(revision) => self.save_revision(conn, revision),
        }
    }

    fn save_apart(
        &mut self,
        conn: &mut Conn,
        replicas: &mut Replicas,
        parsed: &Parsed,
    ) -> Result<Done> {
        let saved = conn.in_savepoint(|conn| self.save(conn, replicas, parsed));
        saved.map_err(|error| {
            // What it looked up may have been taken back with it.
            *replicas = Replicas::new(Precedence::Stored, self.clock.now());
            if let Some((_, num)) = &mut self.article
                && matches!(parsed, Parsed::Article(_))
            {
                *num = None;
            }
            match error {
                Error::Database(cause) => {
                    let detail = format!("the database refuses it: {cause}");
                    Error::InvalidBody(vec![Fault::new("", detail)])
                }
                error => error,
            }
        })
    }

    fn save_revision(&self, conn: &mut Conn, revision: &RevisionRecord) -> Result<Done> {
        let id = revision.article.to_string();
        let num = match &self.article {
            Some((article, num)) if *article == id => *num,
            // The line of its article could not be read.
            None => None,
            Some(_) => return Err(Error::member("", "does not follow its article")),
        };
        let Some(article_num) = num else {
            return Ok(Done::Passed);
        };
        if !revision.state.is_object() {
            return Err(Error::member("/kiosque/revision/state", "is no object"));
        }
        let row = RevisionRow {
            article_num,
            version: revision.version,
            saved_at: records::kept(revision.saved_at).naive_utc(),
            saved_by: revision.saved_by.clone(),
            state: revision.state.to_string(),
        };
        Ok(Done::Revision(revisions::replicate(conn, &row)?))
    }

    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Created => self.summary.created += 1,
            Outcome::Updated => self.summary.updated += 1,
            Outcome::Unchanged => self.summary.unchanged += 1,
        }
    }

    /// Now that everything is in, what refers to it can be whole.
    fn finish_left_over(&mut self) -> Result<()> {
        let mut again = std::mem::take(&mut self.left_over).again()?;
        loop {
            let lines = again.batch(BATCH, BATCH_BYTES)?;
            if lines.is_empty() {
                return Ok(());
            }
            let parsed = parse_all(&lines);
            let attempts = self.write(&lines, &parsed)?;
            for (line, attempt) in lines.iter().zip(attempts) {
                let faults = match attempt {
                    Ok(Done::Thing { missing, .. }) if !missing.is_empty() => missing,
                    Ok(_) => continue,
                    Err(faults) => faults,
                };
                self.summary.dangling += 1;
                let reason = Error::InvalidBody(faults).detail();
                let reason = format!("it is in, but {reason}");
                self.watcher.complain(line.number, &reason);
            }
        }
    }

    fn check_end(&self, lines: u64) -> Result<()> {
        match self.said {
            None => Err(Error::Internal(format!(
                "the export is cut short after line {lines}; what came is in"
            ))),
            Some(said) if said != self.read && self.summary.failed == 0 => {
                Err(Error::Internal(format!(
                    "the export says that it has {}, and has {}; what came is in",
                    counted(&said),
                    counted(&self.read)
                )))
            }
            Some(_) => Ok(()),
        }
    }

    fn complain(&mut self, line: u64, faults: Vec<Fault>) {
        let reason = Error::InvalidBody(faults).detail();
        self.watcher.complain(line, &reason);
    }
}

fn counted(counts: &Counts) -> String {
    format!(
        "{} tags, {} articles and {} past states",
        counts.tags, counts.articles, counts.revisions
    )
}
