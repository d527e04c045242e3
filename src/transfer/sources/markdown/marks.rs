//! The marks that Hugo and Jekyll read in a text: shortcodes and Liquid. What they stand for is made where it is known;
//! the others are taken away and counted, while the text that they surround stays.

use url::Url;

use crate::transfer::sources::html;
use crate::transfer::sources::markdown::pages::Around;
use crate::transfer::sources::tally::Tally;

const NOT_FOUND: &str = "references to other pages that are not found, by their path";

/// A text with Hugo's shortcodes, `{{< name … >}}` and `{{% name … %}}`.
pub fn without_shortcodes(text: &str, around: &Around, tally: &mut Tally, name: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        written.push_str(&rest[..at]);
        rest = &rest[at..];
        let close = match rest.as_bytes().get(2) {
            Some(b'<') => ">}}",
            Some(b'%') => "%}}",
            _ => "",
        };
        let end = match close.is_empty() {
            true => None,
            // The next one begins only behind it: so every byte is looked at once.
            false => rest[3..]
                .find("{{")
                .map_or(rest.len(), |next| next + 3)
                .checked_sub(3),
        };
        let end = end.and_then(|limit| rest[3..3 + limit].find(close));
        let Some(end) = end else {
            written.push_str("{{");
            rest = &rest[2..];
            continue;
        };
        let inner = rest[3..3 + end].trim();
        rest = &rest[3 + end + 3..];
        if let Some(shown) = inner
            .strip_prefix("/*")
            .and_then(|inner| inner.strip_suffix("*/"))
        {
            // How one writes of shortcodes.
            let open = if close == ">}}" { "{{<" } else { "{{%" };
            written.push_str(&format!("{open}{shown}{close}"));
            continue;
        }
        if let Some(ended) = inner.strip_prefix('/') {
            if ended.trim() == "highlight" {
                end_code(&mut written, rest);
            }
            continue;
        }
        shortcode(&mut written, inner, around, tally, name);
        if inner.starts_with("highlight") && !rest.starts_with(['\r', '\n']) {
            written.push('\n');
        }
    }
    written.push_str(rest);
    written
}

fn shortcode(written: &mut String, inner: &str, around: &Around, tally: &mut Tally, name: &str) {
    let inner = inner.trim_end_matches('/').trim();
    let (word, arguments) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
    let attributes = format!("<x {arguments}>");
    let value = |attribute: &str| match html::tag(&attributes) {
        html::Ended::Tag(tag) => tag.value(attribute),
        html::Ended::Text(_) => None,
    };
    let first = arguments
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .trim_matches(['"', '\'', '`'])
        .to_owned();
    let id = value("id").unwrap_or_else(|| first.clone());
    let link = |address: String| format!("\n\n{}\n\n", html::paragraph_link(&address));
    let made = match word {
        "figure" => {
            let Some(address) = value("src") else {
                return;
            };
            let caption = value("caption").or_else(|| value("title"));
            let caption = caption.as_deref().map(html::escaped);
            let figure = html::figure(&address, value("alt").as_deref(), caption.as_deref());
            format!("\n\n{figure}\n\n")
        }
        "youtube" => link(format!("https://www.youtube.com/watch?v={id}")),
        "vimeo" => link(format!("https://vimeo.com/{id}")),
        "instagram" => link(format!("https://www.instagram.com/p/{id}/")),
        "tweet" | "x" | "twitter" => {
            let user = value("user").unwrap_or_else(|| "i".to_owned());
            link(format!("https://twitter.com/{user}/status/{id}"))
        }
        "highlight" => format!("\n```{first}"),
        "ref" | "relref" => {
            let said = value("path").unwrap_or(first);
            if around.link(written, &said, value("lang").as_deref()) {
                return;
            }
            tally.change(NOT_FOUND, name);
            said.trim_end_matches(".md")
                .trim_end_matches("/index")
                .to_owned()
        }
        word => {
            let reason =
                format!("shortcodes {{{{< {word} >}}}} (the text that they surround stays)");
            tally.leave_out(&reason, name);
            String::new()
        }
    };
    written.push_str(&made);
}

/// A text with Liquid, `{% tag %}` and `{{ value }}`, and with kramdown's lists of attributes.
pub fn without_liquid(text: &str, around: &Around, tally: &mut Tally, name: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    // Once a part has no end, none behind it has one.
    let mut endless: Vec<&str> = Vec::new();
    while let Some(at) = rest.find('{') {
        written.push_str(&rest[..at]);
        rest = &rest[at..];
        let (close, is_tag) = match rest.as_bytes().get(1) {
            Some(b'%') => ("%}", true),
            Some(b'{') => ("}}", false),
            Some(b':') => ("}", false),
            _ => {
                written.push('{');
                rest = &rest[1..];
                continue;
            }
        };
        let is_attributes = close == "}";
        // A mark is on one line, and the next one begins behind it.
        let limit = rest[2..]
            .find(['{', '\n'])
            .map_or(rest.len(), |next| next + 2);
        let Some(end) = rest[2..limit].find(close) else {
            written.push_str(&rest[..2]);
            rest = &rest[2..];
            continue;
        };
        let inner = rest[2..2 + end].trim_matches('-').trim();
        let after = &rest[2 + end + close.len()..];
        if is_attributes {
            rest = after;
            continue;
        }
        if !is_tag {
            written.push_str(&value(inner, around.site, tally, name));
            rest = after;
            continue;
        }
        let (word, arguments) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
        rest = match word {
            "raw" | "comment" if !endless.contains(&word) => match closing(after, word) {
                Some((from, to)) => {
                    if word == "raw" {
                        written.push_str(&after[..from]);
                    }
                    &after[to..]
                }
                None => {
                    endless.push(word);
                    after
                }
            },
            "highlight" => {
                let language = arguments.split_whitespace().next().unwrap_or_default();
                written.push_str(&format!("\n```{language}"));
                if !after.starts_with(['\r', '\n']) {
                    written.push('\n');
                }
                after
            }
            "endhighlight" => {
                end_code(&mut written, after);
                after
            }
            "post_url" | "link" => {
                let said = arguments.trim();
                if !around.link(&mut written, said, None) {
                    tally.change(NOT_FOUND, name);
                    written.push_str(said.trim_end_matches(".md"));
                }
                after
            }
            word => {
                if !word.starts_with("end") {
                    let reason =
                        format!("Liquid {{% {word} %}} (the text that it surrounds stays)");
                    tally.leave_out(&reason, name);
                }
                after
            }
        };
    }
    written.push_str(rest);
    written
}

/// Ends a block of code, on a line of its own.
fn end_code(written: &mut String, after: &str) {
    if !written.ends_with('\n') {
        written.push('\n');
    }
    written.push_str("```");
    if !after.starts_with(['\r', '\n']) {
        written.push('\n');
    }
}

/// Where a part ends, and where what comes after it begins; with or without blanks and hyphens. Nothing is looked at
/// behind the end, for a text may have very many of them.
fn closing(after: &str, word: &str) -> Option<(usize, usize)> {
    after.match_indices("{%").find_map(|(at, _)| {
        let inner = &after[at + 2..];
        let rest = inner.strip_prefix('-').unwrap_or(inner).trim_start();
        let rest = rest.strip_prefix("end")?.strip_prefix(word)?.trim_start();
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        let rest = rest.strip_prefix("%}")?;
        Some((at, after.len() - rest.len()))
    })
}

fn value(inner: &str, site: Option<&Url>, tally: &mut Tally, name: &str) -> String {
    let below = || {
        site.map_or("", |url| url.path().trim_end_matches('/'))
            .to_owned()
    };
    let (expression, filters) = inner.split_once('|').unwrap_or((inner, ""));
    match expression.trim() {
        "site.url" => site.map_or_else(String::new, |url| url.origin().ascii_serialization()),
        "site.baseurl" => below(),
        // `{{ "/assets/a.png" | relative_url }}`.
        text if text.starts_with(['"', '\'']) => {
            let text = text.trim_matches(['"', '\'']);
            match filters.contains("_url") && text.starts_with('/') {
                true => below() + text,
                false => text.to_owned(),
            }
        }
        _ => {
            tally.leave_out("values of Liquid {{ … }}", name);
            String::new()
        }
    }
}

#[cfg(test)]
mod tests;
