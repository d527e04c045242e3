//! An input that can be read once and comes in pieces of any size: its beginning is kept until someone knows what it is.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use serde::de::IgnoredAny;

/// Bytes that are kept at the most.
const HEAD: usize = 64 * 1024;

/// The input from its first byte on.
pub type Stream = Chain<Cursor<Vec<u8>>, BufReader<Box<dyn Read + Send>>>;

/// Reads so much of the input that it can be told what it is: the first line that is not blank, if that is a value of
/// its own, or else as much as is ever looked at.
///
/// # Errors
/// When it cannot be read.
pub fn begun(input: Box<dyn Read + Send>) -> io::Result<Stream> {
    let mut input = BufReader::new(input);
    let mut head = Vec::new();
    // Where the present line begins.
    let mut from = 0;
    let mut is_first = true;
    while head.len() < HEAD {
        let room = (HEAD - head.len()) as u64;
        let read = (&mut input).take(room).read_until(b'\n', &mut head)?;
        if read == 0 {
            break;
        }
        let line = &head[from..];
        if is_first && is_value(line) {
            break;
        }
        is_first &= line.trim_ascii().is_empty();
        from = head.len();
    }
    Ok(Cursor::new(head).chain(input))
}

/// What was kept.
pub fn head(stream: &Stream) -> &[u8] {
    stream.get_ref().0.get_ref()
}

/// Whether a line is JSON by itself. What goes on in the next line is no line of an import.
fn is_value(line: &[u8]) -> bool {
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    line.ends_with(b"\n") && serde_json::from_slice::<IgnoredAny>(line).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Slow(Cursor<Vec<u8>>);

    impl Read for Slow {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = into.len().min(1);
            self.0.read(&mut into[..length])
        }
    }

    fn kept(text: &str) -> (String, String) {
        let input = Slow(Cursor::new(text.as_bytes().to_vec()));
        let mut stream = begun(Box::new(input)).unwrap();
        let head = String::from_utf8(head(&stream).to_vec()).unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        (head, all)
    }

    #[test]
    fn the_first_whole_line_is_kept_and_nothing_is_lost() {
        for (text, expected) in [
            ("{\"a\":1}\n{\"b\":2}\n", "{\"a\":1}\n"),
            ("\u{feff}{\"a\":1}\n{\"b\":2}\n", "\u{feff}{\"a\":1}\n"),
            ("\n \n{\"a\":1}\nb", "\n \n{\"a\":1}\n"),
            ("{\n\"a\":1}\nb\n", "{\n\"a\":1}\nb\n"),
            ("<a>\n<b>", "<a>\n<b>"),
            ("", ""),
        ] {
            assert_eq!(kept(text), (expected.to_owned(), text.to_owned()));
        }
        let long = format!("\"{}\"\nx", "y".repeat(HEAD));
        let (head, all) = kept(&long);
        assert_eq!((head.len(), all), (HEAD, long));
    }
}
