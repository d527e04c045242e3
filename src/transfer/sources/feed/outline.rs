//! A feed in XML before its parser reads it: whether that may, and what it does not tell.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Elements inside each other.
const MAX_DEPTH: usize = 128;
/// Entries of one page, all of which are in memory at once, and elements in all.
const MAX_ENTRIES: usize = 100_000;
const MAX_ELEMENTS: usize = 1_000_000;
/// Bytes that a language is looked for in.
const MAX_LANGUAGE: usize = 100;

#[derive(Default)]
pub struct Outline {
    /// The next page (RFC 5005 section 3).
    pub next: Option<String>,
    /// In their order.
    pub entries: Vec<Beside>,
}

/// What the parser does not tell of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// By `xml:lang`, else by `dc:language`.
    pub language: Option<String>,
    /// Whether it has a date, also one that cannot be read.
    pub has_date: bool,
}

/// What the next text belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Language,
    Date,
    Other,
}

/// Looks through the whole document.
///
/// # Errors
/// What must not be in it.
pub fn of(text: &str) -> Result<Outline, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    let mut path = Vec::new();
    let (mut entries, mut elements) = (0, 0);
    let mut outline = Outline::default();
    let mut reading = Text::Other;
    loop {
        let (start, is_empty) = match reader.read_event() {
            Ok(Event::DocType(_)) => {
                return Err(
                    "it has a document type declaration, by which a file can make a reader run out of memory or \
                     read other files"
                        .to_owned(),
                );
            }
            // The parser would go on in another encoding than what was looked through here.
            Ok(Event::Decl(_)) => {
                return Err("it has an XML declaration that is not at its beginning".to_owned());
            }
            Ok(Event::Start(start)) => (start, false),
            Ok(Event::Empty(start)) => (start, true),
            Ok(Event::End(_)) => {
                reading = Text::Other;
                path.pop();
                continue;
            }
            Ok(Event::Text(text)) => {
                outline.note(reading, &text.xml10_content());
                continue;
            }
            Ok(Event::CData(text)) => {
                outline.note(reading, &text.xml10_content());
                continue;
            }
            Ok(Event::Eof) => return Ok(outline),
            Ok(_) => continue,
            // What is behind it has not been looked through.
            Err(error) => return Err(format!("is not well-formed XML: {error}")),
        };
        elements += 1;
        if elements > MAX_ELEMENTS {
            return Err(format!("it has more than {MAX_ELEMENTS} elements"));
        }
        let name = start.local_name().as_ref().to_owned();
        if matches!(name.as_str(), "item" | "entry") {
            entries += 1;
            check_entries(entries)?;
        }
        if outline.next.is_none() && name == "link" && is_feed(&path) {
            outline.next = next_of(&start);
        }
        reading = match is_entry(&path) {
            true => what(&name),
            false => Text::Other,
        };
        path.push(name);
        if path.len() > MAX_DEPTH {
            return Err(format!("it has elements nested deeper than {MAX_DEPTH}"));
        }
        if is_entry(&path) {
            outline.entries.push(Beside {
                language: attribute(&start, "xml:lang"),
                has_date: false,
            });
        }
        if is_empty {
            reading = Text::Other;
            path.pop();
        }
    }
}

impl Outline {
    fn note(&mut self, of: Text, text: &str) {
        let text = text.trim();
        let Some(entry) = self.entries.last_mut().filter(|_| !text.is_empty()) else {
            return;
        };
        match of {
            Text::Language if entry.language.is_none() && text.len() <= MAX_LANGUAGE => {
                entry.language = Some(text.to_owned());
            }
            Text::Date => entry.has_date = true,
            _ => {}
        }
    }
}

/// # Errors
/// Where there are more than may be in memory.
pub fn check_entries(number: usize) -> Result<(), String> {
    match number <= MAX_ENTRIES {
        true => Ok(()),
        false => Err(format!("it has more than {MAX_ENTRIES} entries")),
    }
}

fn what(name: &str) -> Text {
    match name {
        "language" => Text::Language,
        "pubDate" | "date" | "published" | "updated" => Text::Date,
        _ => Text::Other,
    }
}

/// Whether a link in these elements is one of the feed itself: of Atom, or of a channel of RSS.
fn is_feed(path: &[String]) -> bool {
    match path {
        [root] => root == "feed",
        [root, channel] => matches!(root.as_str(), "rss" | "RDF") && channel == "channel",
        _ => false,
    }
}

/// Whether these elements end with an entry of the feed, or are one that stands alone.
fn is_entry(path: &[String]) -> bool {
    match path {
        [entry] => entry == "entry",
        [root, entry] if root == "feed" => entry == "entry",
        [root, item] if root == "RDF" => item == "item",
        [.., item] => item == "item" && is_feed(&path[..path.len() - 1]),
        [] => false,
    }
}

fn next_of(link: &BytesStart) -> Option<String> {
    match attribute(link, "rel").as_deref() {
        Some("next") => attribute(link, "href"),
        _ => None,
    }
}

fn attribute(start: &BytesStart, name: &str) -> Option<String> {
    let attribute = start.try_get_attribute(name).ok()??;
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_and_dates_are_those_of_the_entries() {
        let beside = |text: &str| -> Vec<(Option<String>, bool)> {
            let entries = of(text).unwrap().entries.into_iter();
            entries.map(|one| (one.language, one.has_date)).collect()
        };
        let some = |text: &str| Some(text.to_owned());
        let rss = "<rss xmlns:dc='d'><channel><language>fr</language><pubDate>x</pubDate>\
             <item><dc:language> ar </dc:language><pubDate>hier</pubDate></item>\
             <item xml:lang='en'><dc:language>ar</dc:language><pubDate> </pubDate></item>\
             <item><source><language>de</language></source></item></channel></rss>";
        assert_eq!(
            beside(rss),
            [(some("ar"), true), (some("en"), false), (None, false)]
        );
        let atom = "<feed xml:lang='fr'><updated>x</updated><entry xml:lang='ar'><updated><![CDATA[y]]></updated>\
             <content><entry xml:lang='de'/></content></entry><entry/></feed>";
        assert_eq!(beside(atom), [(some("ar"), true), (None, false)]);
        let rdf = "<rdf:RDF><channel/><item><dc:date>x</dc:date></item></rdf:RDF>";
        assert_eq!(beside(rdf), [(None, true)]);
    }
}
