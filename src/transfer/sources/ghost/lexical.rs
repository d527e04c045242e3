//! Lexical, in which Ghost has kept texts since its version 5: a tree of nodes.

use serde_json::{Map, Value};

use crate::transfer::sources::ghost::cards::{self, Card};
use crate::transfer::sources::ghost::editor::text;
use crate::transfer::sources::ghost::written::Written;

/// Bits of a text's format.
const FORMATS: [(u64, &str); 8] = [
    (1, "strong"),
    (2, "em"),
    (4, "s"),
    (8, "u"),
    (16, "code"),
    (32, "sub"),
    (64, "sup"),
    (128, "mark"),
];
pub const HEADINGS: [&str; 6] = ["h1", "h2", "h3", "h4", "h5", "h6"];

type Node = Map<String, Value>;

/// # Errors
/// A phrase, where it is no text of that editor.
pub fn write(value: &Value, written: &mut Written) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    let root = value.get("root").and_then(Value::as_object);
    blocks(root.ok_or("has no root")?, written);
    Ok(())
}

fn children(node: &Node) -> impl Iterator<Item = &Node> {
    let children = node.get("children").and_then(Value::as_array);
    children.into_iter().flatten().filter_map(Value::as_object)
}

fn kind(node: &Node) -> &str {
    let kind = text(node, "type");
    kind.strip_prefix("extended-").unwrap_or(kind)
}

fn is_inline(node: &Node) -> bool {
    let kinds = [
        "text",
        "linebreak",
        "tab",
        "link",
        "autolink",
        "code-highlight",
    ];
    kinds.contains(&kind(node))
}

fn blocks(node: &Node, written: &mut Written) {
    for child in children(node) {
        if written.is_over() {
            return;
        }
        block(child, written);
    }
}

fn block(node: &Node, written: &mut Written) {
    match kind(node) {
        "paragraph" => around(node, "p", written),
        "heading" => {
            let tag = HEADINGS.iter().find(|tag| **tag == text(node, "tag"));
            around(node, tag.unwrap_or(&"h2"), written);
        }
        "quote" | "aside" => {
            written.markup("<blockquote>");
            around(node, "p", written);
            written.markup("</blockquote>");
        }
        "code" => {
            written.markup("<pre>");
            around(node, "code", written);
            written.markup("</pre>");
        }
        "list" => list(node, written),
        _ if is_inline(node) => {
            written.markup("<p>");
            inline(node, written);
            written.markup("</p>");
        }
        _ if node.contains_key("children") => blocks(node, written),
        kind => cards::write(
            &Card {
                kind,
                members: node,
            },
            written,
        ),
    }
}

/// Nothing for a node without anything in it, of which editors leave many.
fn around(node: &Node, tag: &str, written: &mut Written) {
    if children(node).next().is_none() {
        return;
    }
    written.markup(&format!("<{tag}>"));
    inlines(node, written);
    written.markup(&format!("</{tag}>"));
}

/// A list inside a list is an item of its own there, and belongs to the item before it.
fn list(node: &Node, written: &mut Written) {
    let is_ordered = text(node, "listType") == "number" || text(node, "tag") == "ol";
    let (begin, end) = match (is_ordered, node.get("start").and_then(Value::as_u64)) {
        (true, Some(start)) if start != 1 => (format!("<ol start=\"{start}\">"), "</ol>"),
        (true, _) => ("<ol>".to_owned(), "</ol>"),
        (false, _) => ("<ul>".to_owned(), "</ul>"),
    };
    written.markup(&begin);
    let mut is_open = false;
    for item in children(node) {
        if written.is_over() {
            return;
        }
        let is_list = children(item)
            .next()
            .is_some_and(|child| kind(child) == "list");
        if is_open && !is_list {
            written.markup("</li>");
        }
        if !is_open || !is_list {
            written.markup("<li>");
        }
        is_open = true;
        inlines(item, written);
    }
    if is_open {
        written.markup("</li>");
    }
    written.markup(end);
}

fn inlines(node: &Node, written: &mut Written) {
    for child in children(node) {
        if written.is_over() {
            return;
        }
        inline(child, written);
    }
}

fn inline(node: &Node, written: &mut Written) {
    match kind(node) {
        "linebreak" => written.markup("<br>"),
        "tab" => written.text("\t"),
        "link" | "autolink" => {
            written.link(text(node, "url"), |written| inlines(node, written));
        }
        "list" => list(node, written),
        // What an editor was about to link.
        "zwnj" | "at-link" | "at-link-search" => {}
        _ if node.contains_key("children") => inlines(node, written),
        _ if node.contains_key("text") => formatted(node, written),
        kind => cards::write(
            &Card {
                kind,
                members: node,
            },
            written,
        ),
    }
}

fn formatted(node: &Node, written: &mut Written) {
    let format = node.get("format").and_then(Value::as_u64).unwrap_or(0);
    let tags = FORMATS.iter().filter(|(bit, _)| format & bit != 0);
    let tags: Vec<&str> = tags.map(|(_, tag)| *tag).collect();
    for tag in &tags {
        written.markup(&format!("<{tag}>"));
    }
    written.text(text(node, "text"));
    for tag in tags.iter().rev() {
        written.markup(&format!("</{tag}>"));
    }
}
