//! A file that is read at several places at once, and what becomes one: standard input, other encodings.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use encoding_rs::Encoding;
use encoding_rs_io::DecodeReaderBytesBuilder;

use crate::transfer::sources::clean;

/// Bytes in which an XML declaration is looked for.
const DECLARATION: usize = 256;

/// A file without a position of its own.
#[derive(Clone, Debug)]
pub struct Place(Arc<File>);

/// A reader of it.
#[derive(Debug)]
pub struct At {
    file: Place,
    position: u64,
}

impl Place {
    pub fn new(file: File) -> Self {
        Self(Arc::new(file))
    }

    /// Keeps what can be read once in a file without a name, so that a killed process leaves nothing.
    ///
    /// # Errors
    /// When reading fails, or there is no room for it.
    pub fn keep(mut input: impl Read) -> io::Result<Self> {
        let mut file = tempfile::tempfile()?;
        io::copy(&mut input, &mut file)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Self::new(file))
    }

    pub fn at(&self, position: u64) -> At {
        At {
            file: self.clone(),
            position,
        }
    }

    /// # Errors
    /// When the system does not know.
    pub fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    /// The same file in UTF-8, whatever its XML declaration says it is in.
    ///
    /// # Errors
    /// When reading fails, or there is no room for a copy.
    pub fn in_utf8(self) -> io::Result<Self> {
        let mut head = Vec::new();
        self.at(0).take(DECLARATION as u64).read_to_end(&mut head)?;
        let Some(encoding) = encoding(&head) else {
            return Ok(self);
        };
        let decoded = DecodeReaderBytesBuilder::new()
            .encoding(Some(encoding))
            .bom_override(true)
            .build(BufReader::new(self.at(0)));
        Self::keep(decoded)
    }
}

/// A text as characters.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    pub text: String,
    /// Characters that stand for bytes that are none.
    pub replaced: u64,
}

/// A text as characters: by its byte order mark, else by what its server says, else by its XML declaration. The
/// declaration is taken away, for whoever reads on would decode once more.
///
/// # Errors
/// Where it is JSON and not in UTF-8, which JSON always is (RFC 8259 section 8.1).
pub fn decoded(bytes: &[u8], charset: Option<&str>) -> Result<Decoded, String> {
    let said = charset.and_then(|label| Encoding::for_label(label.as_bytes()));
    let is_json = bytes.trim_ascii_start().starts_with(b"{");
    let encoding = match (said, two_bytes(bytes)) {
        _ if is_json => None,
        (_, Some(encoding)) => Some(encoding),
        (Some(said), _) => Some(said),
        (None, _) => declared(&bytes[..bytes.len().min(DECLARATION)]),
    };
    let (text, _, has_bad) = encoding.unwrap_or(encoding_rs::UTF_8).decode(bytes);
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if text.starts_with('{')
        && let Err(error) = std::str::from_utf8(bytes)
    {
        return Err(clean::not_utf8(error.valid_up_to() as u64));
    }
    let replaced = match has_bad {
        true => text.matches('\u{fffd}').count() as u64,
        false => 0,
    };
    let text = match text
        .strip_prefix("<?xml")
        .and_then(|rest| rest.split_once("?>"))
    {
        Some((declaration, rest)) if !declaration.contains('<') => rest.trim_start().to_owned(),
        _ => text.to_owned(),
    };
    Ok(Decoded { text, replaced })
}

/// UTF-16 without a byte order mark, by how a declaration begins (XML 1.0 appendix F).
fn two_bytes(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes.get(..4)? {
        [b'<', 0, b'?', 0] => Some(encoding_rs::UTF_16LE),
        [0, b'<', 0, b'?'] => Some(encoding_rs::UTF_16BE),
        _ => None,
    }
}

/// What a text is encoded in, unless that is UTF-8.
fn encoding(head: &[u8]) -> Option<&'static Encoding> {
    let marked = Encoding::for_bom(head).map(|(encoding, _)| encoding);
    let encoding = marked.or_else(|| two_bytes(head));
    let encoding = encoding.or_else(|| declared(head))?;
    (encoding != encoding_rs::UTF_8).then_some(encoding)
}

fn declared(head: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(head);
    let declaration = head.trim_start().strip_prefix("<?xml")?.split_once("?>")?.0;
    let (_, rest) = declaration.split_once("encoding")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| "'\"".contains(*c))?;
    let encoding = Encoding::for_label(rest[1..].split(quote).next()?.as_bytes())?;
    // One that can be read like this is not in two bytes a character, whatever it says.
    encoding.is_ascii_compatible().then_some(encoding)
}

impl Read for At {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file.0, into, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, position)
}

#[cfg(windows)]
fn read_at(file: &File, into: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, position)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> String {
        let place = Place::keep(bytes).unwrap().in_utf8().unwrap();
        let mut text = String::new();
        place.at(0).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn other_encodings_are_read() {
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>";
        assert!(read(latin).ends_with("<a>é</a>"));
        let utf16: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain("<a>é</a>".encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert_eq!(read(&utf16), "<a>é</a>");
        let same = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?><a>é</a>";
        assert_eq!(read(same.as_bytes()), same);
    }

    #[test]
    fn bytes_that_are_no_text_are_counted_and_in_json_refused() {
        let read = decoded(b"<a>\xe9t\xe9</a>", None).unwrap();
        let text = "<a>\u{fffd}t\u{fffd}</a>".to_owned();
        assert_eq!(read, Decoded { text, replaced: 2 });
        let marked = [b"\xef\xbb\xbf", &b"{\"\xe9\":1}"[..]].concat();
        for bad in [&b"{\"\xe9\":1}"[..], &marked] {
            let refused = decoded(bad, Some("iso-8859-1")).unwrap_err();
            assert!(refused.contains("not in UTF-8"), "{refused}");
        }
    }

    #[test]
    fn a_mark_stands_before_the_server_and_that_before_the_declaration() {
        let text = |bytes: &[u8], charset| decoded(bytes, charset).unwrap().text;
        let latin = b"<?xml version='1.0' encoding='utf-8'?>\n<a>\xe9</a>";
        assert_eq!(text(latin, Some("iso-8859-1")), "<a>é</a>");
        let utf8 = "\u{feff}<?xml version='1.0' encoding='ISO-8859-1'?><a>é</a>";
        assert_eq!(text(utf8.as_bytes(), Some("iso-8859-1")), "<a>é</a>");
        let utf16: Vec<u8> = "<?xml version='1.0' encoding='utf-16'?><a>é</a>"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(text(&utf16, None), "<a>é</a>");
        let false_16 = "<?xml version='1.0' encoding='utf-16'?><a>é</a>";
        assert_eq!(text(false_16.as_bytes(), None), "<a>é</a>");
        assert_eq!(
            text("{\"a\":\"é\"}".as_bytes(), Some("latin1")),
            "{\"a\":\"é\"}"
        );
    }

    #[test]
    fn two_readers_do_not_move_each_other() {
        let place = Place::keep(&b"abcd"[..]).unwrap();
        let (mut one, mut two) = (place.at(0), place.at(2));
        let mut byte = [0];
        let mut next = |at: &mut At| {
            at.read_exact(&mut byte).unwrap();
            byte[0]
        };
        assert_eq!(
            [
                next(&mut one),
                next(&mut two),
                next(&mut one),
                next(&mut two)
            ],
            *b"acbd"
        );
    }
}
