//! The parts of a WordPress export file, read one at a time: the head of its channel, and each item.

use std::io::{self, BufRead, BufReader};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::transfer::sources::clean::{self, Clean};
use crate::transfer::sources::place::{At, Place};

/// Bytes of text that one item may have.
const MAX_ITEM: usize = 16 * 1024 * 1024;
/// Bytes that are read a second time behind what is broken.
const MAX_AGAIN: u64 = 256 * 1024 * 1024;
/// Elements inside each other.
const MAX_DEPTH: usize = 64;
/// Attributes that are read of an element.
const MAX_ATTRIBUTES: usize = 64;

/// An element with what it says, and with what is in it as far as that is wanted.
#[derive(Debug, Default)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub text: String,
    pub children: Vec<Element>,
    /// How many of its children were passed over.
    pub passed: u64,
}

impl Element {
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// What a child says, without blanks around it; nothing where there is none.
    pub fn says(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.trim())
    }

    pub fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// What stands in a channel.
#[derive(Debug)]
pub enum Part {
    /// Something of the head.
    Head(Element),
    Item(Item),
}

#[derive(Debug)]
pub struct Item {
    /// Where in the file it begins.
    pub at: u64,
    /// Or why it cannot be read.
    pub element: Result<Element, String>,
}

/// Reads parts from a place in the file on.
pub struct Parts {
    file: Place,
    reader: Reader<Clean<At>>,
    /// Where `reader` began.
    base: u64,
    event: Vec<u8>,
    /// Elements whose text is not wanted.
    unwanted: &'static [&'static str],
    in_channel: bool,
    replaced: u64,
    /// Bytes of broken items, which are read again for the items inside them.
    read_again: u64,
    ended: bool,
}

impl Parts {
    /// Text and children of elements named in `unwanted` are passed over.
    ///
    pub fn new(file: &Place, unwanted: &'static [&'static str]) -> Self {
        Self::at(file, 0, unwanted)
    }

    /// From an item's beginning.
    pub fn at(file: &Place, at: u64, unwanted: &'static [&'static str]) -> Self {
        Self {
            reader: reader(file, at),
            file: file.clone(),
            base: at,
            event: Vec::new(),
            unwanted,
            in_channel: at > 0,
            replaced: 0,
            read_again: 0,
            ended: false,
        }
    }

    /// Bytes of the file that have been read.
    pub fn position(&self) -> u64 {
        self.base + self.reader.buffer_position()
    }

    /// Bytes that were no characters.
    pub fn replaced(&self) -> u64 {
        self.replaced + self.reader.get_ref().replaced()
    }

    /// The next part, or `None` at the end.
    ///
    /// # Errors
    /// Where the file cannot be read any further, or declares entities.
    pub fn next(&mut self) -> io::Result<Option<Part>> {
        while !self.ended {
            let before = self.position();
            match self.step(before) {
                Ok(Some(part)) => return Ok(Some(part)),
                Ok(None) => {}
                Err(Trouble::Forbidden(reason)) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
                }
                Err(Trouble::File(error)) => return Err(error),
                Err(Trouble::Here(reason)) => {
                    let at = self.resume(before)?;
                    return Ok(Some(Part::Item(Item {
                        at,
                        element: Err(reason),
                    })));
                }
            }
        }
        Ok(None)
    }

    fn step(&mut self, before: u64) -> Result<Option<Part>, Trouble> {
        let (start, is_empty) = match self.event()? {
            Event::Start(start) => (start.into_owned(), false),
            Event::Empty(start) => (start.into_owned(), true),
            Event::Eof => {
                self.ended = true;
                return match self.in_channel {
                    true => Err(Trouble::Here("the file is cut short".to_owned())),
                    false => Ok(None),
                };
            }
            Event::End(end) => {
                if end.name().as_ref() == "channel" {
                    self.in_channel = false;
                }
                return Ok(None);
            }
            _ => return Ok(None),
        };
        if !self.in_channel {
            self.in_channel = start.name().as_ref() == "channel";
            return Ok(None);
        }
        let element = match is_empty {
            true => begun(&start)?,
            false => self.element(&start)?,
        };
        Ok(Some(match element.name.as_str() {
            "item" => Part::Item(Item {
                at: before,
                element: Ok(element),
            }),
            _ => Part::Head(element),
        }))
    }

    /// The element whose start tag was read, to its end.
    fn element(&mut self, start: &BytesStart) -> Result<Element, Trouble> {
        let mut open = vec![begun(start)?];
        let mut size = 0;
        // Elements inside one that is passed over.
        let mut passed = 0;
        loop {
            let event = self.event()?;
            let top = open.len() - 1;
            let text = match event {
                Event::Start(_) if passed > 0 => {
                    passed += 1;
                    check_depth(open.len() + passed)?;
                    continue;
                }
                Event::End(_) if passed > 1 => {
                    passed -= 1;
                    continue;
                }
                Event::Start(start) => {
                    let element = begun(&start)?;
                    match self.unwanted.contains(&element.name.as_str()) {
                        true => passed = 1,
                        false => size += weight(&element),
                    }
                    open.push(element);
                    check_depth(open.len())?;
                    check_size(size)?;
                    continue;
                }
                Event::Empty(start) if passed == 0 => {
                    let element = begun(&start)?;
                    size += weight(&element);
                    check_size(size)?;
                    open[top].children.push(element);
                    continue;
                }
                Event::End(_) => {
                    let was_passed = std::mem::take(&mut passed) > 0;
                    let Some(mut closed) = open.pop() else {
                        return Err(Trouble::Here("an element ends twice".to_owned()));
                    };
                    clean::shown(&mut closed.text);
                    match open.last_mut() {
                        Some(parent) if was_passed => parent.passed += 1,
                        Some(parent) => parent.children.push(closed),
                        None => return Ok(closed),
                    }
                    continue;
                }
                Event::Eof => return Err(Trouble::Here("the file ends inside it".to_owned())),
                _ if passed > 0 => continue,
                Event::Text(text) => text.xml10_content().into_owned(),
                Event::CData(text) => text.xml10_content().into_owned(),
                Event::GeneralRef(entity) => resolved(&entity),
                _ => continue,
            };
            size += text.len();
            check_size(size)?;
            open[top].text.push_str(&text);
        }
    }

    fn event(&mut self) -> Result<Event<'_>, Trouble> {
        self.event.clear();
        // A large one is not kept for ever.
        self.event.shrink_to(1 << 20);
        self.reader.get_ref().allowance().renew();
        match self.reader.read_event_into(&mut self.event) {
            Ok(Event::DocType(_)) => Err(Trouble::Forbidden(
                "it has a document type declaration, by which a file can make a reader run out of memory or read \
                 other files; WordPress writes none"
                    .to_owned(),
            )),
            Ok(event) => Ok(event),
            Err(quick_xml::Error::Io(error)) => match error.kind() {
                io::ErrorKind::FileTooLarge => Err(Trouble::Here(error.to_string())),
                kind => Err(Trouble::File(io::Error::new(kind, error.to_string()))),
            },
            Err(error) => Err(Trouble::Here(format!("is not well-formed XML: {error}"))),
        }
    }

    /// Goes on with the next item after the part that began at `before`, and gives the place of the broken one. That
    /// may have swallowed whole items, which are looked for inside it; not for ever, since each of these may do the
    /// same.
    fn resume(&mut self, before: u64) -> io::Result<u64> {
        let failed = self.base + self.reader.get_ref().given();
        self.read_again += failed.saturating_sub(before);
        let from = match self.read_again <= MAX_AGAIN {
            true => before,
            false => failed.max(before + 1),
        };
        let mut input = BufReader::with_capacity(1 << 16, self.file.at(from));
        let mut at = from;
        loop {
            let passed = skip_to_angle(&mut input)?;
            let Some(passed) = passed else {
                self.ended = true;
                return Ok(before);
            };
            at += passed;
            let is_item = begins_item(&mut input)?;
            // The broken one itself, after the white space before it.
            if is_item && at > before {
                break;
            }
            input.consume(1);
            at += 1;
        }
        self.replaced = self.replaced();
        self.reader = reader(&self.file, at);
        self.base = at;
        self.in_channel = true;
        Ok(before)
    }
}

/// Why a part could not be read.
enum Trouble {
    /// It is broken; the next may not be.
    Here(String),
    Forbidden(String),
    File(io::Error),
}

fn reader(file: &Place, at: u64) -> Reader<Clean<At>> {
    let mut reader = Reader::from_reader(Clean::xml(file.at(at)));
    let config = reader.config_mut();
    // Plug-ins write what they like into titles.
    config.allow_dangling_amp = true;
    // A reader that begins at an item meets the end of the channel.
    config.allow_unmatched_ends = at > 0;
    reader
}

fn begun(start: &BytesStart) -> Result<Element, Trouble> {
    let mut element = Element {
        name: start.name().as_ref().to_owned(),
        ..Element::default()
    };
    for attribute in start.attributes().with_checks(false).take(MAX_ATTRIBUTES) {
        let attribute =
            attribute.map_err(|error| Trouble::Here(format!("is not well-formed XML: {error}")))?;
        let mut value = match attribute.normalized_value(XmlVersion::Implicit1_0) {
            Ok(value) => value.into_owned(),
            // An entity that no one knows.
            Err(_) => attribute.value.to_string(),
        };
        clean::shown(&mut value);
        let name = attribute.key.as_ref().to_owned();
        element.attributes.push((name, value));
    }
    Ok(element)
}

fn weight(element: &Element) -> usize {
    let attributes = element.attributes.iter();
    let bytes: usize = attributes
        .map(|(name, value)| name.len() + value.len())
        .sum();
    // Empty elements take memory, too.
    std::mem::size_of::<Element>() + element.name.len() + bytes
}

fn check_depth(depth: usize) -> Result<(), Trouble> {
    match depth <= MAX_DEPTH {
        true => Ok(()),
        false => Err(Trouble::Here(format!(
            "has elements nested deeper than {MAX_DEPTH}"
        ))),
    }
}

fn check_size(size: usize) -> Result<(), Trouble> {
    match size <= MAX_ITEM {
        true => Ok(()),
        false => Err(Trouble::Here(format!("is larger than {MAX_ITEM} bytes"))),
    }
}

/// The character that a reference stands for. None is ever declared; what HTML knows stays for HTML to read.
fn resolved(entity: &quick_xml::events::BytesRef) -> String {
    let name = entity.xml10_content();
    match entity.resolve_char_ref() {
        Ok(Some(c)) if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => String::new(),
        Ok(Some(c)) => c.to_string(),
        _ => match quick_xml::escape::resolve_predefined_entity(&name) {
            Some(text) => text.to_owned(),
            None => format!("&{name};"),
        },
    }
}

/// Passes over everything before the next `<`; how much, or `None` at the end.
fn skip_to_angle(input: &mut impl BufRead) -> io::Result<Option<u64>> {
    let mut passed = 0;
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return Ok(None);
        }
        match chunk.iter().position(|&byte| byte == b'<') {
            Some(at) => {
                input.consume(at);
                return Ok(Some(passed + at as u64));
            }
            None => {
                let length = chunk.len();
                input.consume(length);
                passed += length as u64;
            }
        }
    }
}

/// Whether the `<` that comes next is that of an item; one that lies across two buffers is passed over.
fn begins_item(input: &mut impl BufRead) -> io::Result<bool> {
    let chunk = input.fill_buf()?;
    Ok(chunk.starts_with(b"<item>") || chunk.starts_with(b"<item "))
}
