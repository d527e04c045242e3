//! Lines of an import that are to be read again at its end, in a file rather than in memory: there may be millions.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};

use crate::content::line::MAX_LINE;
use crate::error::{Error, Result};
use crate::transfer::lines::{BATCH, BATCH_BYTES, Content, Line};

/// What became of a line at first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Noted<T> {
    pub line: u64,
    pub told: T,
    /// Bytes of the line, which stands behind this.
    length: usize,
}

/// The lines, first written and then read.
#[derive(Default)]
pub struct Waiting {
    file: Option<BufWriter<File>>,
}

impl Waiting {
    /// # Errors
    /// When there is no room for a file.
    pub fn push<T: Serialize>(&mut self, line: u64, told: T, text: &[u8]) -> Result<()> {
        let noted = Noted {
            line,
            told,
            length: text.len(),
        };
        self.write(&noted, text).map_err(|error| {
            Error::Internal(format!("cannot keep a line that refers to others: {error}"))
        })
    }

    fn write<T: Serialize>(&mut self, noted: &Noted<T>, text: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            // Without a name, so that a killed process leaves nothing.
            file => file.insert(BufWriter::new(tempfile::tempfile()?)),
        };
        serde_json::to_writer(&mut *file, noted)?;
        file.write_all(b"\n")?;
        file.write_all(text)
    }

    /// From the first line on.
    ///
    /// # Errors
    /// When the file fails.
    pub fn again(self) -> Result<Again> {
        let Some(file) = self.file else {
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
    /// The next lines, as many as make a batch; none at the end.
    ///
    /// # Errors
    /// When the file fails.
    pub fn batch<T: for<'de> Deserialize<'de>>(&mut self) -> Result<(Vec<Noted<T>>, Vec<Line>)> {
        let mut all = Vec::new();
        let mut lines = Vec::new();
        let Some(file) = &mut self.0 else {
            return Ok((all, lines));
        };
        let mut size = 0;
        while lines.len() < BATCH
            && size < BATCH_BYTES
            && let Some((noted, text)) = next(file).map_err(unreadable)?
        {
            size += text.len();
            lines.push(Line {
                number: noted.line,
                name: None,
                content: Ok(Content::Article(text)),
                former: Vec::new(),
                elsewhere: None,
            });
            all.push(noted);
        }
        Ok((all, lines))
    }
}

fn next<T: for<'de> Deserialize<'de>>(
    file: &mut BufReader<File>,
) -> io::Result<Option<(Noted<T>, Vec<u8>)>> {
    let mut head = Vec::new();
    if file.read_until(b'\n', &mut head)? == 0 {
        return Ok(None);
    }
    let noted: Noted<T> = serde_json::from_slice(&head)?;
    let mut text = vec![0; noted.length.min(MAX_LINE)];
    file.read_exact(&mut text)?;
    Ok(Some((noted, text)))
}

fn unreadable(error: io::Error) -> Error {
    Error::Internal(format!("cannot read the lines that were kept: {error}"))
}
