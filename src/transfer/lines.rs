//! Reading the lines of an import, and preparing them on every core.

use std::io::{self, BufRead};
use std::sync::mpsc::SyncSender;
use std::thread;

use crate::content::article::{Draft, Fault};
use crate::content::line::{self, MAX_LINE};

/// Lines that are prepared, and then written in one transaction, together.
pub const BATCH: usize = 500;
/// Fewer of them where they are long; what is over by the last line is one line.
pub const BATCH_BYTES: usize = 4 * 1024 * 1024;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A line's number, counted from 1, and its text.
pub type Line = (u64, Vec<u8>);

/// A line of the input, prepared or found wanting.
pub struct Prepared {
    pub line: u64,
    pub draft: Result<Box<Draft>, Vec<Fault>>,
    /// As it came, where it refers to other articles and may have to be read again.
    pub text: Option<Vec<u8>>,
}

pub struct Batch {
    pub lines: Vec<Prepared>,
    /// Bytes of the input up to and with the last line.
    pub bytes: u64,
}

/// Reads and prepares; ends quietly when the writer has gone.
pub fn read(mut input: impl BufRead, threads: usize, batches: SyncSender<Batch>) -> io::Result<()> {
    let mut number = 0;
    let mut bytes = 0;
    loop {
        let mut lines = Vec::with_capacity(BATCH);
        let mut size = 0;
        while lines.len() < BATCH && size < BATCH_BYTES {
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
                size += line.len();
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

pub fn prepare(lines: Vec<Line>, threads: usize) -> Vec<Prepared> {
    let share = lines.len().div_ceil(threads).max(1);
    let prepare_share = |lines: &[Line]| -> Vec<Prepared> {
        lines
            .iter()
            .map(|(line, text)| prepared(*line, text))
            .collect()
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

fn prepared(line: u64, text: &[u8]) -> Prepared {
    let draft = line::parse(text).map(Box::new);
    let refers = draft.as_ref().is_ok_and(|draft| {
        draft.translation_of.is_some() || !draft.pins.is_empty() || !draft.bans.is_empty()
    });
    Prepared {
        line,
        draft,
        text: refers.then(|| text.to_owned()),
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
        .map(|(line, _)| Prepared {
            line: *line,
            draft: Err(fault()),
            text: None,
        })
        .collect()
}
