//! Reading the lines of an export, a batch at a time.

use std::io::{self, BufRead, Read};
use std::thread;

use crate::content::article::Fault;
use crate::content::line;
use crate::error::{Error, Result};
use crate::transfer::lines::BYTE_ORDER_MARK;
use crate::transfer::records::{self, MAX_EXPORT_LINE, Parsed};

/// Lines that are written in one transaction, at the most.
pub const BATCH: usize = 500;
/// Fewer of them where they are long.
pub const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// How every export begins.
pub const BEGINNING: &[u8] = b"{\"kiosque\":{\"export\":";
const TAG: &[u8] = b"{\"kiosque\":{\"tag\":";
pub const REVISION: &[u8] = b"{\"kiosque\":{\"revision\":";

/// A line of an export.
pub struct Line {
    /// Counted from 1.
    pub number: u64,
    pub text: Vec<u8>,
}

pub type Parsing = Result<Parsed, Vec<Fault>>;

/// The lines of the input, a batch at a time.
pub struct Lines<R> {
    input: R,
    pub number: u64,
    pub bytes: u64,
    /// Read already, and of the next batch.
    next: Option<Line>,
}

impl<R: BufRead> Lines<R> {
    pub fn new(input: R) -> Self {
        Self {
            input,
            number: 0,
            bytes: 0,
            next: None,
        }
    }

    /// The next lines; none at the end. Those of tags are not in one batch with others.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn batch(&mut self) -> Result<Vec<Line>> {
        let mut lines: Vec<Line> = Vec::new();
        let mut size = 0;
        while lines.len() < BATCH && size < BATCH_BYTES {
            let read =
                |error: io::Error| Error::Internal(format!("cannot read the input: {error}"));
            let Some(line) = self
                .next
                .take()
                .map_or_else(|| self.line(), |line| Ok(Some(line)))
                .map_err(read)?
            else {
                break;
            };
            if lines
                .first()
                .is_some_and(|first| is_head(first) != is_head(&line))
            {
                self.next = Some(line);
                break;
            }
            size += line.text.len();
            lines.push(line);
        }
        Ok(lines)
    }

    /// The next line that is not blank; of one that is too long, only as much as shows that it is.
    fn line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let mut text = Vec::new();
            let limit = MAX_EXPORT_LINE as u64 + 2;
            let read = (&mut self.input).take(limit).read_until(b'\n', &mut text)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.bytes += read as u64;
            match text.pop_if(|last| *last == b'\n') {
                Some(_) => {}
                None => self.bytes += self.skip_line()?,
            }
            if self.number == 1 && text.starts_with(BYTE_ORDER_MARK) {
                text.drain(..BYTE_ORDER_MARK.len());
            }
            if !line::is_blank(&text) {
                return Ok(Some(Line {
                    number: self.number,
                    text,
                }));
            }
        }
    }

    /// To the end of the line, in pieces.
    fn skip_line(&mut self) -> io::Result<u64> {
        let mut skipped = 0;
        loop {
            let piece = self.input.fill_buf()?;
            if piece.is_empty() {
                return Ok(skipped);
            }
            let end = piece.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(piece.len(), |end| end + 1);
            self.input.consume(taken);
            skipped += taken as u64;
            if end.is_some() {
                return Ok(skipped);
            }
        }
    }
}

/// Whether it stands before the articles: they bear tags.
pub fn is_head(line: &Line) -> bool {
    line.text.starts_with(TAG) || line.text.starts_with(BEGINNING)
}

/// On every core, for HTML is sanitised and text derived from it.
pub fn parse_all(lines: &[Line]) -> Vec<Parsing> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = lines.len().div_ceil(threads).max(1);
    let failed = || {
        let detail = "could not be read: a fault in kiosque; please report it";
        vec![Fault::new("", detail)]
    };
    thread::scope(|scope| {
        let shares: Vec<_> = lines
            .chunks(share)
            .map(|lines| {
                let parse = || {
                    let parsed = lines.iter().map(|line| records::parse(&line.text));
                    parsed.collect::<Vec<_>>()
                };
                (lines.len(), scope.spawn(parse))
            })
            .collect();
        shares
            .into_iter()
            .flat_map(|(count, share)| {
                // A panic in a library must cost the lines it met, not the rest.
                let lost = |_| (0..count).map(|_| Err(failed())).collect();
                share.join().unwrap_or_else(lost)
            })
            .collect()
    })
}
