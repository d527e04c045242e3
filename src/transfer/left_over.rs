//! Lines of an export that are to be read again, in a file rather than in memory: there may be millions.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use crate::error::{Error, Result};
use crate::transfer::export_lines::Line;

/// First written and then read.
#[derive(Default)]
pub struct LeftOver(Option<BufWriter<File>>);

impl LeftOver {
    /// # Errors
    /// When there is no room for a file.
    pub fn push(&mut self, line: &Line) -> Result<()> {
        self.write(line).map_err(|error| {
            Error::Internal(format!("cannot keep a line that refers to others: {error}"))
        })
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        let file = match &mut self.0 {
            Some(file) => file,
            // Without a name, so that a killed process leaves nothing.
            file => file.insert(BufWriter::new(tempfile::tempfile()?)),
        };
        file.write_all(&line.number.to_le_bytes())?;
        file.write_all(&(line.text.len() as u64).to_le_bytes())?;
        file.write_all(&line.text)
    }

    /// From the first line on.
    ///
    /// # Errors
    /// When the file fails.
    pub fn again(self) -> Result<Again> {
        let Some(file) = self.0 else {
            return Ok(Again(None));
        };
        let file = file.into_inner().map_err(io::IntoInnerError::into_error);
        let rewound = file.and_then(|mut file| {
            file.seek(SeekFrom::Start(0))?;
            Ok(Again(Some(BufReader::new(file))))
        });
        rewound.map_err(unreadable)
    }
}

pub struct Again(Option<BufReader<File>>);

impl Again {
    /// The next lines, so many or so much; none at the end.
    ///
    /// # Errors
    /// When the file fails.
    pub fn batch(&mut self, lines: usize, bytes: usize) -> Result<Vec<Line>> {
        let mut batch = Vec::new();
        let Some(file) = &mut self.0 else {
            return Ok(batch);
        };
        let mut size = 0;
        while batch.len() < lines
            && size < bytes
            && let Some(line) = next(file).map_err(unreadable)?
        {
            size += line.text.len();
            batch.push(line);
        }
        Ok(batch)
    }
}

fn next(file: &mut BufReader<File>) -> io::Result<Option<Line>> {
    let mut number = [0; 8];
    match file.read_exact(&mut number) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let mut text = Vec::new();
    let length = u64::from_le_bytes(length);
    if file.take(length).read_to_end(&mut text)? as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(Line {
        number: u64::from_le_bytes(number),
        text,
    }))
}

fn unreadable(error: io::Error) -> Error {
    Error::Internal(format!("cannot read the lines that were kept: {error}"))
}
