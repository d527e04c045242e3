//! A reader that stands between a hostile file and its parser, and lets no single part of it be larger than memory. For
//! XML, what is no UTF-8 or no character of XML is replaced byte for byte, so that places in the file stay places in the
//! file. JSON is in UTF-8 or refused (RFC 8259 section 8.1).

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

const BUFFER: usize = 64 * 1024;
/// Bytes that one tag or one stretch of text may have.
pub const MAX_EVENT: usize = 16 * 1024 * 1024;
/// Stands in the place of a byte that is no UTF-8, as it did on paper tape: XML has no such character.
const SUBSTITUTE: char = '\u{1a}';

/// What may still be read of the present event; whoever knows where events begin renews it.
#[derive(Clone)]
pub struct Allowance(Rc<Cell<usize>>);

impl Allowance {
    /// Begins the next event.
    pub fn renew(&self) {
        self.0.set(MAX_EVENT);
    }
}

pub struct Clean<R> {
    inner: R,
    buffer: Box<[u8]>,
    /// What has been given away.
    start: usize,
    /// What has been looked at.
    clean: usize,
    filled: usize,
    at_end: bool,
    left: Allowance,
    replaced: u64,
    given: u64,
    is_json: bool,
}

/// A text of XML with the usual sign where a byte was no UTF-8.
pub fn shown(text: &mut String) {
    if text.contains(SUBSTITUTE) {
        *text = text.replace(SUBSTITUTE, "\u{fffd}");
    }
}

impl<R: Read> Clean<R> {
    /// For XML, whose texts are to be [`shown`].
    pub fn xml(inner: R) -> Self {
        Self::new(inner, false)
    }

    /// For JSON: what is no UTF-8 is an error.
    pub fn json(inner: R) -> Self {
        Self::new(inner, true)
    }

    fn new(inner: R, is_json: bool) -> Self {
        Self {
            inner,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            clean: 0,
            filled: 0,
            at_end: false,
            left: Allowance(Rc::new(Cell::new(MAX_EVENT))),
            replaced: 0,
            given: 0,
            is_json,
        }
    }

    pub fn allowance(&self) -> Allowance {
        self.left.clone()
    }

    /// Bytes that have been replaced.
    pub fn replaced(&self) -> u64 {
        self.replaced
    }

    /// Bytes that have been given away.
    pub fn given(&self) -> u64 {
        self.given
    }

    fn refill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.clean..self.filled, 0);
        self.filled -= self.clean;
        (self.start, self.clean) = (0, 0);
        while self.clean == 0 && !self.at_end {
            let read = match self.inner.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            self.filled += read;
            self.at_end = read == 0;
            self.look()?;
        }
        Ok(())
    }

    /// Looks at what has come; the beginning of a character whose end has not come yet is left for later.
    fn look(&mut self) -> io::Result<()> {
        while self.clean < self.filled {
            let (length, bad) = match std::str::from_utf8(&self.buffer[self.clean..self.filled]) {
                Ok(text) => (text.len(), 0),
                Err(error) => match error.error_len() {
                    Some(bad) => (error.valid_up_to(), bad),
                    None if self.at_end => {
                        let valid = error.valid_up_to();
                        (valid, self.filled - self.clean - valid)
                    }
                    None => (error.valid_up_to(), 0),
                },
            };
            if self.is_json && bad > 0 {
                let at = self.given + (self.clean + length - self.start) as u64;
                return Err(io::Error::new(io::ErrorKind::InvalidData, not_utf8(at)));
            }
            let valid = &mut self.buffer[self.clean..self.clean + length];
            for byte in valid {
                // XML 1.0 section 2.2. A parser of JSON sees to that itself.
                if !self.is_json && *byte < 0x20 && !matches!(*byte, b'\t' | b'\n' | b'\r') {
                    *byte = b' ';
                    self.replaced += 1;
                }
            }
            self.clean += length;
            self.buffer[self.clean..self.clean + bad].fill(SUBSTITUTE as u8);
            self.clean += bad;
            self.replaced += bad as u64;
            if bad == 0 {
                break;
            }
        }
        Ok(())
    }
}

/// Why JSON is refused; `at` is the first byte that is wrong.
pub fn not_utf8(at: u64) -> String {
    format!("it is not in UTF-8, as JSON has to be (RFC 8259): see the byte at {at}")
}

impl<R: Read> Read for Clean<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let from = self.fill_buf()?;
        let length = from.len().min(into.len());
        into[..length].copy_from_slice(&from[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: Read> BufRead for Clean<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = self.left.0.get();
        if left == 0 {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("a part of it is larger than {MAX_EVENT} bytes"),
            ));
        }
        if self.start == self.clean {
            self.refill()?;
        }
        let end = self.clean.min(self.start + left);
        Ok(&self.buffer[self.start..end])
    }

    fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.given += bytes as u64;
        self.left.0.set(self.left.0.get().saturating_sub(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(1);
            into[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    #[test]
    fn bad_bytes_are_replaced_in_their_place() {
        let bytes = b"\xc3\xa9t\xc3 \xff\x00\x0b\n\xf0\x9f\x98\x80\xf0\x9f";
        for slow in [true, false] {
            let mut text = String::new();
            let replaced = match slow {
                true => {
                    let mut clean = Clean::xml(Slow(bytes));
                    clean.read_to_string(&mut text).unwrap();
                    clean.replaced()
                }
                false => {
                    let mut clean = Clean::xml(&bytes[..]);
                    clean.read_to_string(&mut text).unwrap();
                    clean.replaced()
                }
            };
            assert_eq!(text.len(), bytes.len());
            shown(&mut text);
            let expected = "ét\u{fffd} \u{fffd}  \n😀\u{fffd}\u{fffd}";
            assert_eq!((text.as_str(), replaced), (expected, 6));
        }
    }

    #[test]
    fn json_is_in_utf8_or_refused() {
        let mut text = String::new();
        let good = "{\"é\": 1}".as_bytes();
        Clean::json(Slow(good)).read_to_string(&mut text).unwrap();
        assert_eq!(text.as_bytes(), good);
        for bad in [&b"{\"\xe9\""[..], b"{\"\xc3"] {
            let read = Clean::json(Slow(bad)).read_to_string(&mut text);
            assert_eq!(read.unwrap_err().to_string(), not_utf8(2));
            let read = Clean::json(bad).read_to_string(&mut text);
            assert_eq!(read.unwrap_err().to_string(), not_utf8(2));
        }
    }

    #[test]
    fn an_event_has_an_end() {
        let mut clean = Clean::xml(io::repeat(b'x'));
        assert!(clean.read_to_string(&mut String::new()).is_err());
        clean.allowance().renew();
        assert!(clean.fill_buf().is_ok());
    }
}
