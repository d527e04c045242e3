//! A tree that keeps nothing of a text but how much there is to do for those who make a real one of it and write it out.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, Tracer, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::{Attribute, ExpandedName, LocalName, QualName, local_name, ns};

/// Elements, or places among them, that are looked at over the whole text; at some nanoseconds each, tenths of a second.
const MAX_LOOKS: usize = 20_000_000;
/// Elements that are made, beside those that the text has.
const MAX_COPIES: usize = 500_000;
/// Bytes of attributes, beside those that the text has.
const MAX_WRITTEN: usize = 32 * 1024 * 1024;
/// Bytes looked through for what is to be escaped: a tenth of a second, as measured.
pub const MAX_SCANNED: usize = 4_000_000_000;
/// Names that are kept in a table for all, in which strangers can make them collide; shorter ones are not.
const MAX_NAMES: usize = 2_000;
const LONG_NAME: usize = 7;
/// Attributes of an element that is copied and compared.
const MAX_COMPARED: usize = 500;
/// The sanitiser goes from each of these through all that it is in.
const MAX_SELECTED: usize = 50;

/// Elements that are copied where they were left open.
const FORMATTING: [&str; 14] = [
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];

pub const TANGLED: &str = "nests too many elements, or leaves too many open";

/// What the writer looks through in one piece.
#[derive(Clone, Copy, Default)]
pub struct Stretch {
    bytes: usize,
    /// Bytes at which it stops: `&`, and the first byte of a no-break space, which others have, too.
    stops: usize,
}

impl Stretch {
    pub fn of(text: &str) -> Self {
        let stops = text.bytes().filter(|byte| matches!(byte, b'&' | 0xc2));
        Self {
            bytes: text.len(),
            stops: stops.count(),
        }
    }

    fn add(&mut self, more: Self) {
        self.bytes += more.bytes;
        self.stops += more.stops;
    }

    pub fn scanned(&self) -> usize {
        self.bytes.saturating_mul(self.stops)
    }
}

/// A tree of what the parser makes: who is whose child, and how long its texts are.
pub struct Tree {
    document: Handle,
    /// By number.
    nodes: RefCell<Vec<Node>>,
    /// What the parser has told.
    events: Cell<usize>,
    looks: Cell<usize>,
    /// The long ones.
    names: RefCell<HashSet<LocalName>>,
    elements: Cell<usize>,
    /// Formatting elements, and their attributes, since the last look at the work.
    formatting: Cell<usize>,
    /// That were added to elements that are there.
    late_attributes: Cell<usize>,
    /// In attributes.
    written: Cell<usize>,
    /// In attributes, and in texts, which may still grow.
    scanned: Cell<usize>,
}

/// What the parser knows a node by.
pub type Handle = Rc<Named>;

pub struct Named {
    number: usize,
    name: QualName,
    is_integration_point: bool,
    /// What it is to compare it: itself and its attributes.
    weight: usize,
    /// Of a template.
    contents: Option<Handle>,
}

#[derive(Default)]
struct Node {
    parent: Option<usize>,
    children: Vec<usize>,
    text: Option<Stretch>,
}

impl Default for Tree {
    fn default() -> Self {
        let document = Named {
            number: 0,
            name: QualName::new(None, ns!(), local_name!("")),
            is_integration_point: false,
            weight: 1,
            contents: None,
        };
        Self {
            document: Rc::new(document),
            nodes: RefCell::new(vec![Node::default()]),
            events: Cell::default(),
            looks: Cell::default(),
            names: RefCell::default(),
            elements: Cell::default(),
            formatting: Cell::default(),
            late_attributes: Cell::default(),
            written: Cell::default(),
            scanned: Cell::default(),
        }
    }
}

impl Tree {
    /// # Errors
    /// A phrase, where there is too much to do for a text of so many bytes and tags.
    pub fn judge(&self, bytes: usize, tags: usize) -> Result<(), String> {
        let is_tangled = self.looks.get() > MAX_LOOKS
            || self.elements.get() > tags + MAX_COPIES
            || self.written.get() > bytes + MAX_WRITTEN;
        if self.names.borrow().len() > MAX_NAMES {
            return Err("has too many names of elements and attributes".to_owned());
        }
        if is_tangled {
            return Err(TANGLED.to_owned());
        }
        match self.scanned.get() > MAX_SCANNED {
            true => Err("has too many signs in one stretch of text".to_owned()),
            false => Ok(()),
        }
    }

    /// How much the parser has told of.
    pub fn events(&self) -> usize {
        self.events.get()
    }

    /// Counts what is compared without a word: each formatting element since the last time, attribute by attribute, with
    /// those that are open or were left so, which are of this weight; and other tags by their names.
    pub fn compare(&self, weight: usize, tags: usize) {
        let compared = self.formatting.take() + tags / 16;
        add(&self.looks, weight.saturating_mul(compared));
    }

    pub fn look(&self, count: usize) {
        add(&self.events, 1);
        add(&self.looks, count);
    }

    fn make(&self, name: QualName, weight: usize, flags: ElementFlags) -> Handle {
        let contents = flags.template.then(|| self.make_nameless());
        Rc::new(Named {
            number: self.put(Node::default()),
            name,
            is_integration_point: flags.mathml_annotation_xml_integration_point,
            weight,
            contents,
        })
    }

    fn make_nameless(&self) -> Handle {
        self.make(self.document.name.clone(), 1, ElementFlags::default())
    }

    fn note_name(&self, name: &LocalName) {
        if name.len() > LONG_NAME {
            self.names.borrow_mut().insert(name.clone());
        }
    }

    fn put(&self, node: Node) -> usize {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(node);
        nodes.len() - 1
    }

    /// Puts a child at a place among those of `parent`; text is joined to a text before it.
    fn insert(&self, parent: usize, place: usize, child: NodeOrText<Handle>) {
        let child = match child {
            NodeOrText::AppendNode(node) => {
                self.take_out(node.number);
                node.number
            }
            NodeOrText::AppendText(text) => {
                let more = Stretch::of(&text);
                if self.has_joined(parent, place, more) {
                    return;
                }
                add(&self.scanned, more.scanned());
                self.put(Node {
                    text: Some(more),
                    ..Node::default()
                })
            }
        };
        let mut nodes = self.nodes.borrow_mut();
        nodes[child].parent = Some(parent);
        let siblings = &mut nodes[parent].children;
        let place = place.min(siblings.len());
        siblings.insert(place, child);
        self.look((siblings.len() - place) / MOVED_AT_ONCE);
    }

    fn has_joined(&self, parent: usize, place: usize, more: Stretch) -> bool {
        let mut nodes = self.nodes.borrow_mut();
        let before = place.checked_sub(1);
        let before = before.and_then(|at| nodes[parent].children.get(at).copied());
        let Some(text) = before.and_then(|before| nodes[before].text.as_mut()) else {
            return false;
        };
        let was = text.scanned();
        text.add(more);
        add(&self.scanned, text.scanned() - was);
        true
    }

    /// Where a node stands among its siblings, each of which is looked at for it.
    fn place(&self, node: usize) -> Option<(usize, usize)> {
        let nodes = self.nodes.borrow();
        let parent = nodes[node].parent?;
        let siblings = &nodes[parent].children;
        let place = siblings.iter().position(|sibling| *sibling == node);
        self.look(place.unwrap_or(siblings.len()) + 1);
        Some((parent, place?))
    }

    fn take_out(&self, node: usize) {
        if let Some((parent, place)) = self.place(node) {
            let mut nodes = self.nodes.borrow_mut();
            nodes[parent].children.remove(place);
            nodes[node].parent = None;
        }
    }
}

/// Numbers that are moved in the time of one look.
const MOVED_AT_ONCE: usize = 8;

fn add(sum: &Cell<usize>, more: usize) {
    sum.set(sum.get().saturating_add(more));
}

/// How many elements the parser has to look through.
#[derive(Default)]
pub struct Open {
    count: Cell<usize>,
    weight: Cell<usize>,
}

impl Open {
    pub fn count(&self) -> usize {
        self.count.get()
    }

    /// With their attributes.
    pub fn weight(&self) -> usize {
        self.weight.get()
    }
}

impl Tracer for Open {
    type Handle = Handle;

    fn trace_handle(&self, node: &Handle) {
        add(&self.count, 1);
        add(&self.weight, node.weight);
    }
}

impl TreeSink for Tree {
    type Handle = Handle;
    type Output = Self;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Self {
        self
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Rc::clone(&self.document)
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        self.look(1);
        target.name.expanded()
    }

    fn create_element(
        &self,
        name: QualName,
        attributes: Vec<Attribute>,
        flags: ElementFlags,
    ) -> Handle {
        add(&self.elements, 1);
        self.note_name(&name.local);
        let weight = 1 + attributes.len();
        if FORMATTING.contains(&&*name.local) {
            add(&self.formatting, weight);
            if weight > MAX_COMPARED {
                add(&self.looks, MAX_LOOKS);
            }
        }
        if &*name.local == "selectedcontent" {
            add(&self.looks, MAX_LOOKS / MAX_SELECTED);
        }
        for attribute in attributes {
            self.note_name(&attribute.name.local);
            let value = Stretch::of(&attribute.value);
            add(&self.written, attribute.name.local.len() + value.bytes);
            add(&self.scanned, value.scanned());
        }
        self.make(name, weight, flags)
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.look(0);
        self.make_nameless()
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.make_nameless()
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.look(0);
        let end = self.nodes.borrow()[parent.number].children.len();
        self.insert(parent.number, end, child);
    }

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        if let Some((parent, place)) = self.place(sibling.number) {
            self.insert(parent, place, child);
        }
    }

    fn append_based_on_parent_node(
        &self,
        element: &Handle,
        previous: &Handle,
        child: NodeOrText<Handle>,
    ) {
        let has_parent = self.nodes.borrow()[element.number].parent.is_some();
        match has_parent {
            true => self.append_before_sibling(element, child),
            false => self.append(previous, child),
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Handle) -> Handle {
        Rc::clone(target.contents.as_ref().unwrap_or(target))
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        self.look(1);
        one.number == other.number
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn add_attrs_if_missing(&self, _: &Handle, attributes: Vec<Attribute>) {
        add(&self.late_attributes, attributes.len());
        self.look(self.late_attributes.get());
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.take_out(target.number);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        let mut nodes = self.nodes.borrow_mut();
        let children = std::mem::take(&mut nodes[node.number].children);
        self.look(children.len());
        for child in &children {
            nodes[*child].parent = Some(new_parent.number);
        }
        nodes[new_parent.number].children.extend(children);
    }

    fn is_mathml_annotation_xml_integration_point(&self, node: &Handle) -> bool {
        node.is_integration_point
    }
}
