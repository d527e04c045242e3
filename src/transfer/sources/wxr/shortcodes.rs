//! The marks that WordPress reads in a text: shortcodes in square brackets.
//!
//! Only WordPress with all its plug-ins knows which words are shortcodes. Those that it brings itself are carried out;
//! of others, what has attributes or an end of its own, or the name of a usual plug-in's, is taken for one, and its marks
//! go while its text stays. So "[sic]" and "[celui-ci]" are words.

use crate::content::line::MAX_LINE;
use crate::transfer::sources::place::Place;
use crate::transfer::sources::tally::Tally;
use crate::transfer::sources::wxr::codes::{self, Code};
use crate::transfer::sources::wxr::site::Site;
use crate::transfer::sources::{html, text};

/// Pictures that one gallery may have.
const MAX_GALLERY: usize = 500;
/// Those of which what they surround is part.
const SURROUNDING: [&str; 5] = ["caption", "wp_caption", "embed", "audio", "video"];

pub struct Writer<'a> {
    pub site: &'a Site,
    pub place: &'a Place,
    pub tally: &'a mut Tally,
    /// What the article is called in messages.
    pub name: &'a str,
    /// The article's number.
    pub post: u64,
}

impl Writer<'_> {
    /// The text with its shortcodes carried out or taken away.
    pub fn written(&mut self, content: &str) -> String {
        let ended = codes::ended(content);
        let mut written = String::with_capacity(content.len());
        let mut rest = content;
        while let Some(at) = rest.find('[') {
            written.push_str(&rest[..at]);
            rest = &rest[at..];
            // "[[word]]" is how one writes of shortcodes.
            let Some(code) = Code::at(rest) else {
                written.push('[');
                rest = &rest[1..];
                continue;
            };
            if rest.as_bytes().get(code.length) == Some(&b']') && written.ends_with('[') {
                written.push_str(&rest[1..code.length]);
                rest = &rest[code.length + 1..];
                continue;
            }
            rest = match code.is_shortcode(&ended) {
                true => {
                    let at = content.len() - rest.len();
                    let has_end = ended.get(code.name).is_some_and(|end| *end > at);
                    self.carry_out(&code, rest, has_end, &mut written)
                }
                false => {
                    written.push_str(&rest[..code.length]);
                    &rest[code.length..]
                }
            };
        }
        written.push_str(rest);
        written
    }

    /// Writes what a shortcode stands for and gives what comes after it.
    fn carry_out<'t>(
        &mut self,
        code: &Code,
        from: &'t str,
        has_end: bool,
        written: &mut String,
    ) -> &'t str {
        let after = &from[code.length..];
        if code.is_end {
            return after;
        }
        // What it surrounds, where it has an end of its own.
        let end = format!("[/{}]", code.name);
        let inner = match has_end && !code.is_closed && SURROUNDING.contains(&code.name) {
            true => after.split_once(end.as_str()),
            false => None,
        };
        match (code.name, inner) {
            ("caption" | "wp_caption", Some((inner, after))) => {
                written.push_str(&captioned(inner, code.value("caption").as_deref()));
                after
            }
            ("embed", Some((address, after))) => {
                if let Some(address) = text::address(address) {
                    written.push_str(&format!("\n\n{}\n\n", html::paragraph_link(&address)));
                }
                after
            }
            ("gallery", _) => {
                self.gallery(code, written);
                after
            }
            (kind @ ("audio" | "video"), inner) => {
                self.player(kind, code, written);
                inner.map_or(after, |(_, after)| after)
            }
            (name, _) => {
                let reason = format!("shortcodes [{name}] (the text that they surround stays)");
                self.tally.leave_out(&reason, self.name);
                after
            }
        }
    }

    fn gallery(&mut self, code: &Code, written: &mut String) {
        let numbers = code.value("ids").or_else(|| code.value("include"));
        let numbers: Vec<Option<u64>> = match &numbers {
            Some(numbers) => numbers
                .split(',')
                .map(|number| number.trim().parse().ok())
                .collect(),
            None => self.site.pictures_of(self.post).map(Some).collect(),
        };
        if numbers.is_empty() {
            self.tally
                .leave_out("galleries of which the file has no pictures", self.name);
            return;
        }
        written.push_str("\n\n");
        for number in numbers.into_iter().take(MAX_GALLERY) {
            // Either is told in the end: no line holds it, or no more is looked up.
            if written.len() > MAX_LINE || self.site.look_ups.is_spent() {
                return;
            }
            let media = number.and_then(|number| self.site.look_ups.media(self.place, number));
            let Some(media) = media else {
                self.tally
                    .leave_out("pictures that the file does not describe", self.name);
                continue;
            };
            let caption = media.caption.as_deref().map(html::escaped);
            written.push_str(&html::figure(
                &media.url,
                media.alt.as_deref(),
                caption.as_deref(),
            ));
            written.push('\n');
        }
        written.push('\n');
    }

    fn player(&mut self, kind: &str, code: &Code, written: &mut String) {
        let names = [
            "src", "mp4", "mp3", "m4v", "webm", "ogv", "m4a", "ogg", "wav", "flac",
        ];
        let address = names.into_iter().find_map(|name| code.value(name));
        match address.as_deref().and_then(text::address) {
            Some(address) => {
                let address = html::escaped(&address);
                written.push_str(&format!(
                    "\n\n<figure><{kind} controls src=\"{address}\"></{kind}></figure>\n\n"
                ));
            }
            None => self.tally.leave_out(
                &format!("shortcodes [{kind}] without an address"),
                self.name,
            ),
        }
    }
}

/// A picture and the words behind it, or those of an attribute, as older WordPress had it.
fn captioned(inner: &str, attribute: Option<&str>) -> String {
    let inner = inner.trim();
    // The picture may be inside a link.
    let picture_end = match inner.rfind("</a>") {
        Some(at) if inner.starts_with("<a") => at + 4,
        _ => inner.find('>').map_or(0, |at| at + 1),
    };
    let (picture, words) = inner.split_at(picture_end);
    let words = match (words.trim(), attribute) {
        ("", Some(attribute)) => attribute,
        (words, _) => words,
    };
    let caption = match words.is_empty() {
        true => String::new(),
        false => format!("<figcaption>{words}</figcaption>"),
    };
    format!("\n\n<figure>{picture}{caption}</figure>\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(content: &str) -> (String, Tally) {
        let mut tally = Tally::default();
        let mut writer = Writer {
            site: &Site::default(),
            place: &Place::keep(&b""[..]).unwrap(),
            tally: &mut tally,
            name: "x",
            post: 0,
        };
        let written = writer.written(content);
        (written, tally)
    }

    #[test]
    fn words_in_brackets_stay() {
        for same in [
            "a [sic] b",
            "[1]",
            "a[i] = [b, c]",
            "[…]",
            "[",
            "[a [b",
            "[Mise à jour]",
            "[a-t-il] [celui-ci] [ex-ministre] [Ait-Baha] [Saint-Louis] [test_x]",
            "[la table des matières]",
        ] {
            assert_eq!(written(same).0, same);
        }
        assert_eq!(written("[[gallery]]").0, "[gallery]");
    }

    #[test]
    fn shortcodes_are_carried_out_or_taken_away() {
        for (content, expected) in [
            (
                "[caption id=\"a\" width=\"3\"]<img src=\"x\"> Un <b>mot</b>[/caption]",
                "<figure><img src=\"x\"><figcaption>Un <b>mot</b></figcaption></figure>",
            ),
            (
                "[caption caption=\"Un\"]<a href=\"y\"><img src=\"x\"></a>[/caption]",
                "<figure><a href=\"y\"><img src=\"x\"></a><figcaption>Un</figcaption></figure>",
            ),
            (
                "[embed]https://v.example/1[/embed]",
                "<p><a href=\"https://v.example/1\">https://v.example/1</a></p>",
            ),
            (
                "[video mp4=\"https://v.example/1.mp4\"][/video]",
                "<figure><video controls src=\"https://v.example/1.mp4\"></video></figure>",
            ),
            ("[vc_row css=\"x\"]a [b]c[/b][/vc_row]", "a c"),
            ("[gallery]", ""),
        ] {
            assert_eq!(written(content).0.trim(), expected);
        }
        let plugins =
            "[vc_row]a [su_spacer] [contact-form-7] [contact-form-7 id=\"1\"] [my_x][/my_x]";
        assert_eq!(written(plugins).0.trim(), "a");
        let (_, tally) = written("[vc_row]a[/vc_row] [form id=1]");
        assert_eq!(tally.left_out.len(), 2, "{tally:?}");
    }

    #[test]
    fn many_brackets_take_no_time() {
        for odd in ["[", "[a ", "[caption]", "[a=\"", "[/b]", "[b x=1]"] {
            written(&odd.repeat(100_000));
        }
    }
}
