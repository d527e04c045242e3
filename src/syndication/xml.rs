//! XML 1.0, written element by element; whatever a text holds stays text.

use std::borrow::Cow;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

pub type Attributes<'a> = &'a [(&'a str, &'a str)];

/// A document in memory, to which writing does not fail.
pub struct Xml(Writer<Vec<u8>>);

impl Xml {
    /// A document whose root is open.
    pub fn document(root: &str, attributes: Attributes) -> Self {
        let mut xml = Self(Writer::new(Vec::new()));
        xml.write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        xml.write(Event::Text(BytesText::new("\n")));
        xml.open(root, attributes);
        xml
    }

    pub fn open(&mut self, name: &str, attributes: Attributes) {
        self.write(Event::Start(start(name, attributes)));
    }

    pub fn close(&mut self, name: &str) {
        self.write(Event::End(BytesEnd::new(name)));
    }

    pub fn empty(&mut self, name: &str, attributes: Attributes) {
        self.write(Event::Empty(start(name, attributes)));
    }

    /// An element that holds text.
    pub fn text(&mut self, name: &str, text: &str) {
        self.text_with(name, &[], text);
    }

    pub fn text_with(&mut self, name: &str, attributes: Attributes, text: &str) {
        self.open(name, attributes);
        self.write(Event::Text(BytesText::new(&clean(text))));
        self.close(name);
    }

    /// The same, where there is a text.
    pub fn optional(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// How long it is so far.
    pub fn bytes(&self) -> usize {
        self.0.get_ref().len()
    }

    /// Forgets what was written after the document was so long.
    pub fn cut(&mut self, len: usize) {
        self.0.get_mut().truncate(len);
    }

    /// The document, its root closed.
    pub fn finish(mut self, root: &str) -> Vec<u8> {
        self.close(root);
        self.write(Event::Text(BytesText::new("\n")));
        self.0.into_inner()
    }

    fn write(&mut self, event: Event) {
        let _memory_takes_everything = self.0.write_event(event);
    }
}

fn start<'a>(name: &'a str, attributes: Attributes<'a>) -> BytesStart<'a> {
    let mut start = BytesStart::new(name);
    for (name, value) in attributes {
        start.push_attribute((*name, &*clean(value)));
    }
    start
}

/// Without the characters that XML 1.0 forbids (section 2.2) or advises against: controls and what is no character.
/// An escape would not let them in.
fn clean(text: &str) -> Cow<'_, str> {
    let is_fine = |c: char| {
        let c = u32::from(c);
        matches!(c, 0x9 | 0xA | 0x20..=0x7E | 0xA0..=0xFDCF | 0xFDF0..)
            && !matches!(c & 0xFFFF, 0xFFFE | 0xFFFF)
    };
    match text.chars().all(is_fine) {
        true => Cow::Borrowed(text),
        // Readers would make a line's end of a carriage return, too (section 2.11).
        false => text
            .replace("\r\n", "\n")
            .replace('\r', "\n")
            .chars()
            .filter(|c| is_fine(*c))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_element() {
        for (text, expected) in [
            ("a & b", "a &amp; b"),
            ("]]></a><b>", "]]&gt;&lt;/a&gt;&lt;b&gt;"),
            ("\u{0}\u{1b}a\u{85}\u{fffe}\u{1ffff}b", "ab"),
            ("a\r\nb\rc\td", "a\nb\nc\td"),
            ("\u{202e}été 👩‍🚒", "\u{202e}été 👩‍🚒"),
        ] {
            let mut xml = Xml::document("r", &[]);
            xml.text("a", text);
            let written = String::from_utf8(xml.finish("r")).unwrap();
            assert!(
                written.ends_with(&format!("<r><a>{expected}</a></r>\n")),
                "{written}"
            );
        }
    }

    #[test]
    fn no_value_leaves_its_attribute() {
        let mut xml = Xml::document("r", &[]);
        xml.empty("a", &[("b", "\"'<>&\u{1}")]);
        let written = String::from_utf8(xml.finish("r")).unwrap();
        assert!(
            written.contains("<a b=\"&quot;&apos;&lt;&gt;&amp;\"/>"),
            "{written}"
        );
    }
}
