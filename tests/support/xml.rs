//! XML as a reader sees it: elements with attributes, children and text.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

#[derive(Debug, Default, Clone)]
pub struct Element {
    pub name: String,
    attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    pub text: String,
}

/// The root of a document, which must be well-formed.
pub fn parse(document: &str) -> Element {
    let mut reader = Reader::from_str(document);
    reader.config_mut().check_end_names = true;
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Start(start) => open.push(started(&start)),
            Event::Empty(start) => {
                let element = started(&start);
                open.last_mut().expect("a root").children.push(element);
            }
            Event::End(_) => {
                let element = open.pop().expect("an open element");
                open.last_mut().expect("a root").children.push(element);
            }
            Event::Text(text) => {
                let text = text.xml10_content().into_owned();
                open.last_mut().expect("a root").text.push_str(&text);
            }
            Event::GeneralRef(name) => {
                let text = format!("&{};", &*name);
                let text = unescape(&text).expect("an entity of XML").into_owned();
                open.last_mut().expect("a root").text.push_str(&text);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open.len(), 1, "an element is not closed");
    open.remove(0).children.remove(0)
}

fn started(start: &BytesStart) -> Element {
    let attributes = start.attributes().map(|attribute| {
        let attribute = attribute.expect("an attribute");
        let value = unescape(&attribute.value).expect("escaped").into_owned();
        (attribute.key.as_ref().to_owned(), value)
    });
    Element {
        name: start.name().as_ref().to_owned(),
        attributes: attributes.collect(),
        ..Element::default()
    }
}

impl Element {
    pub fn all(&self, name: &str) -> Vec<&Element> {
        let named = self.children.iter().filter(|child| child.name == name);
        named.collect()
    }

    pub fn find(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the child of this name; empty where there is none.
    pub fn says(&self, name: &str) -> &str {
        self.find(name).map_or("", |child| &child.text)
    }

    pub fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// `href` of the link of this relation.
    pub fn link(&self, relation: &str) -> Option<&str> {
        let mut links = self
            .children
            .iter()
            .filter(|child| child.name == "link" || child.name == "atom:link");
        let link = links.find(|link| link.attribute("rel") == Some(relation))?;
        link.attribute("href")
    }
}
