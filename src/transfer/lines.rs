//! Reading the lines of an import, and preparing them on every core.

use std::io::{self, BufRead};
use std::ops::ControlFlow;
use std::sync::mpsc::SyncSender;
use std::thread;

use crate::content::article::{Draft, Fault};
use crate::content::line::{self, MAX_LINE};
use crate::content::slug::Slug;
use crate::store::foreign::Withdrawal;
use crate::store::naming::Elsewhere;

/// Lines that are prepared, and then written in one transaction, together.
pub const BATCH: usize = 500;
/// The first are fewer, and each has twice as many as the one before: the writer has something to do the sooner.
const FIRST_BATCH: usize = 50;
/// Fewer of them where they are long; what is over by the last line is one line.
pub const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// What some editors and shells put before the first line.
pub const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A line of an import.
pub struct Line {
    /// Counted from 1.
    pub number: u64,
    /// What it is called where it comes from, if a number would say nothing.
    pub name: Option<String>,
    /// Or why it could not be made.
    pub content: Result<Content, String>,
    /// Slugs that the article had where it comes from.
    pub former: Vec<Slug>,
    /// By what an article that came another way is this one, and is left alone.
    pub elsewhere: Option<Elsewhere>,
}

/// What a line has to say.
pub enum Content {
    /// The article, in the import format.
    Article(Vec<u8>),
    /// The article, where it is here, is not for the public any more.
    Withdrawal(Withdrawal),
}

impl Line {
    /// An article's text.
    fn text(&self) -> Option<&Vec<u8>> {
        match &self.content {
            Ok(Content::Article(text)) => Some(text),
            _ => None,
        }
    }
}

/// Where lines come from: a file of them, or what another system wrote.
pub trait Source: Send {
    /// Hands all lines to `sink`, until that wants no more.
    ///
    /// # Errors
    /// When the input cannot be read, or not any further.
    fn read(&mut self, sink: &mut dyn Sink) -> io::Result<()>;

    /// Whether the lines were made of what another system wrote, which did not choose its slugs among ours.
    fn is_foreign(&self) -> bool {
        true
    }
}

/// Takes lines. A break means: no more of them.
pub trait Sink {
    /// The line, and how many bytes of the input have been read with it.
    fn take(&mut self, line: Line, bytes: u64) -> ControlFlow<()>;
    /// Bytes of the input that have been read by now, without a line.
    fn pass(&mut self, bytes: u64) -> ControlFlow<()>;
}

/// A line of the input, prepared or found wanting.
pub struct Prepared {
    pub line: u64,
    pub name: Option<String>,
    pub asked: Result<Asked, Vec<Fault>>,
    /// As it came, where it refers to other articles or claims slugs, and may have to be read again.
    pub text: Option<Vec<u8>>,
    pub former: Vec<Slug>,
    pub elsewhere: Option<Elsewhere>,
}

/// The content of a line, checked.
pub enum Asked {
    Article(Box<Draft>),
    Withdrawal(Withdrawal),
}

impl Prepared {
    pub fn draft(&self) -> Option<&Draft> {
        match &self.asked {
            Ok(Asked::Article(draft)) => Some(draft),
            _ => None,
        }
    }
}

pub struct Batch {
    pub lines: Vec<Prepared>,
    /// Bytes of the input up to and with the last line.
    pub bytes: u64,
}

/// Reads and prepares; ends quietly when the writer has gone.
pub fn read(source: &mut dyn Source, threads: usize, batches: SyncSender<Batch>) -> io::Result<()> {
    let mut batcher = Batcher {
        threads,
        batches,
        lines: Vec::with_capacity(BATCH),
        most: FIRST_BATCH,
        size: 0,
        bytes: 0,
    };
    source.read(&mut batcher)?;
    let _ = batcher.send();
    Ok(())
}

struct Batcher {
    threads: usize,
    batches: SyncSender<Batch>,
    lines: Vec<Line>,
    /// Of them, in the next batch.
    most: usize,
    size: usize,
    bytes: u64,
}

impl Sink for Batcher {
    fn take(&mut self, line: Line, bytes: u64) -> ControlFlow<()> {
        self.size += line.text().map_or(0, Vec::len);
        self.bytes = bytes;
        self.lines.push(line);
        match self.lines.len() < self.most && self.size < BATCH_BYTES {
            true => ControlFlow::Continue(()),
            false => self.send(),
        }
    }

    fn pass(&mut self, bytes: u64) -> ControlFlow<()> {
        self.bytes = bytes;
        match self.lines.is_empty() {
            true => self.send(),
            false => ControlFlow::Continue(()),
        }
    }
}

impl Batcher {
    fn send(&mut self) -> ControlFlow<()> {
        self.size = 0;
        // Not where there is nothing but progress to tell.
        if !self.lines.is_empty() {
            self.most = (2 * self.most).min(BATCH);
        }
        let lines = prepare(std::mem::take(&mut self.lines), self.threads);
        let batch = Batch {
            lines,
            bytes: self.bytes,
        };
        match self.batches.send(batch) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// NDJSON: the import format itself.
pub struct Ndjson<R>(pub R);

impl<R: BufRead + Send> Source for Ndjson<R> {
    fn is_foreign(&self) -> bool {
        false
    }

    fn read(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        let mut number = 0;
        let mut bytes = 0;
        while let Some(text) = read_line(&mut self.0, &mut bytes)? {
            number += 1;
            let text = match text.strip_prefix(BYTE_ORDER_MARK) {
                Some(rest) if number == 1 => rest.to_vec(),
                _ => text,
            };
            if line::is_blank(&text) {
                continue;
            }
            let line = Line {
                number,
                name: None,
                content: Ok(Content::Article(text)),
                former: Vec::new(),
                elsewhere: None,
            };
            if sink.take(line, bytes).is_break() {
                break;
            }
        }
        Ok(())
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

pub fn prepare(lines: Vec<Line>, threads: usize) -> Vec<Prepared> {
    let share = lines.len().div_ceil(threads).max(1);
    let prepare_share = |lines: &[Line]| -> Vec<Prepared> { lines.iter().map(prepared).collect() };
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

fn prepared(line: &Line) -> Prepared {
    let asked = match &line.content {
        Ok(Content::Article(text)) => {
            line::parse(text).map(|draft| Asked::Article(Box::new(draft)))
        }
        Ok(Content::Withdrawal(withdrawal)) => Ok(Asked::Withdrawal(withdrawal.clone())),
        Err(reason) => Err(vec![Fault::new("", reason.as_str())]),
    };
    let refers = matches!(&asked, Ok(Asked::Article(draft)) if !line.former.is_empty()
        || draft.translation_of.is_some()
        || !draft.pins.is_empty()
        || !draft.bans.is_empty());
    Prepared {
        line: line.number,
        name: line.name.clone(),
        asked,
        text: line.text().filter(|_| refers).cloned(),
        former: line.former.clone(),
        elsewhere: line.elsewhere.clone(),
    }
}

/// A panic in a library must cost the lines it met, not the import.
fn failed(lines: &[Line]) -> Vec<Prepared> {
    let fault = || {
        vec![Fault::new(
            "",
            "could not be read: a fault in kiosque; please report it",
        )]
    };
    lines
        .iter()
        .map(|line| Prepared {
            line: line.number,
            name: line.name.clone(),
            asked: Err(fault()),
            text: None,
            former: Vec::new(),
            elsewhere: None,
        })
        .collect()
}
