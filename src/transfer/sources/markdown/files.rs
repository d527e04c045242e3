//! Reading small files, and only such: a pipe or a device might never end.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// The bytes of a regular file.
///
/// # Errors
/// Why it cannot be read; also where it is larger than `max`.
pub fn read(path: &Path, max: u64) -> Result<Vec<u8>, String> {
    let cannot = |error| format!("cannot be read: {error}");
    // Asked before it is opened, for opening a pipe waits for its other end.
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err("is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(cannot)?;
    file.take(max + 1).read_to_end(&mut bytes).map_err(cannot)?;
    match bytes.len() as u64 > max {
        true => Err(format!("is larger than {max} bytes")),
        false => Ok(bytes),
    }
}

/// What the bytes say, each of its lines with an end that all readers know.
///
/// # Errors
/// Where it is not UTF-8.
pub fn text(bytes: Vec<u8>) -> Result<String, String> {
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    // PostgreSQL's text has no NUL, and no text needs one.
    let text = match text.contains('\0') {
        true => text.replace('\0', ""),
        false => text,
    };
    Ok(match has_lone_returns(&text) {
        true => text.replace("\r\n", "\n").replace('\r', "\n"),
        false => text,
    })
}

/// Some old editors end a line with a carriage return alone.
fn has_lone_returns(text: &str) -> bool {
    let mut returns = text.match_indices('\r');
    returns.any(|(at, _)| text.as_bytes().get(at + 1) != Some(&b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_this_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "abc").unwrap();
        assert_eq!(read(&path, 3), Ok(b"abc".to_vec()));
        assert_eq!(read(&path, 2), Err("is larger than 2 bytes".to_owned()));
        assert_eq!(read(folder.path(), 2), Err("is no regular file".to_owned()));
    }

    #[test]
    fn ends_of_lines() {
        for (bytes, expected) in [
            ("a\rb\r\nc\n", "a\nb\nc\n"),
            ("a\r\nb\r\n", "a\r\nb\r\n"),
            ("a\0b", "ab"),
            ("a\r", "a\n"),
        ] {
            assert_eq!(text(bytes.into()).as_deref(), Ok(expected));
        }
        assert!(text(vec![0xe9]).is_err());
    }
}
