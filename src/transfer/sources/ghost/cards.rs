//! The cards of Ghost's editors: whatever is more than text, the same in both.

use serde_json::{Map, Value};

use crate::content::body;
use crate::transfer::sources::ghost::editor::text;
use crate::transfer::sources::ghost::written::Written;
use crate::transfer::sources::{html, text as plain};

pub const FOR_MEMBERS: &str = "parts for members of public articles";

pub struct Card<'a> {
    pub kind: &'a str,
    pub members: &'a Map<String, Value>,
}

impl Card<'_> {
    fn text(&self, name: &str) -> &str {
        text(self.members, name).trim()
    }

    fn is(&self, name: &str) -> bool {
        self.members.get(name).and_then(Value::as_bool) == Some(true)
    }

    /// What a member holds as HTML, as words.
    fn words(&self, name: &str) -> String {
        plain::plain(self.text(name))
    }

    /// A member of what the card says of a page elsewhere.
    fn said(&self, name: &str) -> &str {
        let said = self.members.get("metadata").and_then(Value::as_object);
        said.map_or("", |said| text(said, name)).trim()
    }

    /// Whether visitors do not see it.
    fn is_hidden(&self) -> bool {
        let visibility = self.members.get("visibility");
        let says = |pointer: &str| visibility?.pointer(pointer)?.as_bool();
        says("/web/nonMember").or_else(|| says("/showOnWeb")) == Some(false)
    }
}

/// A picture without words.
pub fn image(address: &str, written: &mut Written) {
    figure(written, None, |written| picture(written, address, "", None));
}

pub fn write(card: &Card, written: &mut Written) {
    if card.is_hidden() {
        return written.leave_out(FOR_MEMBERS);
    }
    let caption = Some(card.text("caption"));
    match card.kind {
        "image" => figure(written, caption, |written| {
            written.link(card.text("href"), |written| {
                let size = Some(card.members);
                picture(written, card.text("src"), card.text("alt"), size);
            });
        }),
        "gallery" => figure(written, caption, |written| {
            let images = card.members.get("images").and_then(Value::as_array);
            let images = images.into_iter().flatten().filter_map(Value::as_object);
            for image in images {
                picture(written, text(image, "src"), text(image, "alt"), Some(image));
            }
        }),
        "html" | "card-html" => written.markup(card.text("html")),
        "markdown" | "card-markdown" => {
            written.markup(&body::markdown_as_html(card.text("markdown")));
        }
        "hr" | "horizontalrule" | "card-hr" => written.markup("<hr>"),
        "code" | "codeblock" => code(card, written),
        "embed" => embed(card, written),
        "bookmark" => bookmark(card, written),
        "callout" => callout(card, written),
        "toggle" => toggle(card, written),
        "file" => {
            let title = [card.text("fileTitle"), card.text("fileName")];
            linked(card, "src", title, card.text("fileCaption"), written);
        }
        "audio" => linked(card, "src", [card.text("title"), ""], "", written),
        "video" => {
            let title = [card.text("title"), card.text("fileName")];
            linked(card, "src", title, card.text("caption"), written);
        }
        "button" => written.lone_link(card.text("buttonUrl"), card.text("buttonText")),
        "header" => header(card, written),
        "product" => product(card, written),
        "call-to-action" => call_to_action(card, written),
        // Only parts what everyone may read from the rest, and such an article is a draft as a whole.
        "paywall" => {}
        "email" | "email-cta" => written.leave_out("cards that are only mailed"),
        kind => written.leave_out_card(kind),
    }
}

fn figure(written: &mut Written, caption: Option<&str>, inside: impl FnOnce(&mut Written)) {
    written.markup("<figure>");
    inside(written);
    if let Some(caption) = caption.filter(|caption| !caption.is_empty()) {
        written.markup("<figcaption>");
        written.markup(caption);
        written.markup("</figcaption>");
    }
    written.markup("</figure>");
}

fn picture(written: &mut Written, address: &str, alt: &str, size: Option<&Map<String, Value>>) {
    if address.is_empty() {
        return;
    }
    let (address, alt) = (html::escaped(address), html::escaped(alt));
    written.markup(&format!("<img src=\"{address}\" alt=\"{alt}\""));
    for name in ["width", "height"] {
        let pixels = size.and_then(|size| size.get(name)?.as_u64());
        if let Some(pixels) = pixels {
            written.markup(&format!(" {name}=\"{pixels}\""));
        }
    }
    written.markup(">");
}

/// A paragraph of HTML; what brings its own blocks stays as it is.
fn paragraph(html: &str, written: &mut Written) {
    if html.is_empty() {
        return;
    }
    let has_blocks = html.starts_with('<')
        && ["<p", "<ul", "<ol", "<div", "<h"]
            .iter()
            .any(|tag| html.starts_with(tag));
    let (begin, end) = if has_blocks {
        ("", "")
    } else {
        ("<p>", "</p>")
    };
    written.markup(begin);
    written.markup(html);
    written.markup(end);
}

fn code(card: &Card, written: &mut Written) {
    written.markup("<pre><code>");
    // Its first line may be indented.
    written.text(text(card.members, "code"));
    written.markup("</code></pre>");
    paragraph(card.text("caption"), written);
}

/// What other sites give to be shown is mostly a frame or a quotation; a script alone shows nothing here.
fn embed(card: &Card, written: &mut Written) {
    let source = card.text("html");
    let shows = ["<iframe", "<blockquote", "<img", "<video", "<p"];
    let inside = |written: &mut Written| match shows.iter().any(|tag| source.contains(tag)) {
        true => written.markup(source),
        false => written.lone_link(card.text("url"), card.said("title")),
    };
    match card.text("caption") {
        "" => inside(written),
        caption => figure(written, Some(caption), inside),
    }
}

fn bookmark(card: &Card, written: &mut Written) {
    let url = match card.text("url") {
        "" => card.said("url"),
        url => url,
    };
    written.lone_link(url, card.said("title"));
    if !card.said("description").is_empty() {
        written.markup("<p>");
        written.text(card.said("description"));
        written.markup("</p>");
    }
    paragraph(card.text("caption"), written);
}

fn callout(card: &Card, written: &mut Written) {
    written.markup("<aside>");
    let (sign, said) = (card.text("calloutEmoji"), card.text("calloutText"));
    match sign {
        "" => paragraph(said, written),
        // In the paragraph that there may be already.
        sign => match said.strip_prefix("<p>") {
            Some(rest) => {
                written.markup("<p>");
                written.text(sign);
                written.markup(&format!(" {rest}"));
            }
            None => paragraph(&format!("{} {said}", html::escaped(sign)), written),
        },
    }
    written.markup("</aside>");
}

fn toggle(card: &Card, written: &mut Written) {
    written.markup("<details><summary>");
    written.text(&card.words("heading"));
    written.markup("</summary>");
    paragraph(card.text("content"), written);
    written.markup("</details>");
}

/// A file that the site holds, with the first of its names.
fn linked(card: &Card, member: &str, names: [&str; 2], caption: &str, written: &mut Written) {
    let name = names.into_iter().find(|name| !name.is_empty());
    written.lone_link(card.text(member), &plain::plain(name.unwrap_or_default()));
    paragraph(caption, written);
}

fn heading(tag: &str, words: &str, written: &mut Written) {
    if !words.is_empty() {
        written.markup(&format!("<{tag}>"));
        written.text(words);
        written.markup(&format!("</{tag}>"));
    }
}

fn header(card: &Card, written: &mut Written) {
    heading("h2", &card.words("header"), written);
    paragraph(card.text("subheader"), written);
    if card.is("buttonEnabled") {
        written.lone_link(card.text("buttonUrl"), card.text("buttonText"));
    }
}

fn product(card: &Card, written: &mut Written) {
    if !card.text("productImageSrc").is_empty() {
        image(card.text("productImageSrc"), written);
    }
    heading("h4", &card.words("productTitle"), written);
    paragraph(card.text("productDescription"), written);
    if card.is("productButtonEnabled") {
        written.lone_link(card.text("productUrl"), card.text("productButton"));
    }
}

fn call_to_action(card: &Card, written: &mut Written) {
    if card.is("hasSponsorLabel") {
        paragraph(card.text("sponsorLabel"), written);
    }
    if !card.text("imageUrl").is_empty() {
        image(card.text("imageUrl"), written);
    }
    paragraph(card.text("textValue"), written);
    if card.is("showButton") {
        written.lone_link(card.text("buttonUrl"), card.text("buttonText"));
    }
}
