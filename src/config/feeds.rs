//! What feeds and sitemaps say of the publication, and where its articles are read.

use super::values::Values;

#[derive(Clone, Debug)]
pub struct FeedsConfig {
    /// The site's home page; `None`: the API's address stands in.
    pub site_url: Option<String>,
    /// Where an article is read, with `{slug}`, `{id}` or `{language}` in it.
    pub article_url: Option<String>,
    pub title: String,
    pub description: String,
    pub publisher: String,
    /// Of feeds whose articles are in several.
    pub language: Option<String>,
    pub copyright: Option<String>,
    /// A square image.
    pub icon: Option<String>,
}

/// What may stand in [`FeedsConfig::article_url`] in the place of an article's own.
pub const PLACES: [&str; 3] = ["{slug}", "{id}", "{language}"];

impl FeedsConfig {
    pub(super) fn read(values: &Values) -> Result<Self, String> {
        let text = |name| {
            let text = values.text(name).to_owned();
            (!text.is_empty()).then_some(text)
        };
        let title = values.text("KIOSQUE_FEED_TITLE").to_owned();
        Ok(Self {
            site_url: url(values, "KIOSQUE_SITE_URL")?,
            article_url: article_url(values)?,
            description: values.text("KIOSQUE_FEED_DESCRIPTION").to_owned(),
            publisher: text("KIOSQUE_FEED_PUBLISHER").unwrap_or_else(|| title.clone()),
            title,
            language: language(values)?,
            copyright: text("KIOSQUE_FEED_COPYRIGHT"),
            icon: url(values, "KIOSQUE_FEED_ICON")?,
        })
    }
}

fn url(values: &Values, name: &str) -> Result<Option<String>, String> {
    match values.text(name) {
        "" => Ok(None),
        text if is_url(text) => Ok(Some(text.to_owned())),
        text => Err(format!("{name} is {text:?}; it takes an http or https URL")),
    }
}

fn is_url(text: &str) -> bool {
    let url = url::Url::parse(text);
    url.is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

fn article_url(values: &Values) -> Result<Option<String>, String> {
    let pattern = values.text("KIOSQUE_ARTICLE_URL");
    if pattern.is_empty() {
        return Ok(None);
    }
    let names_one = ["{slug}", "{id}"]
        .iter()
        .any(|place| pattern.contains(place));
    let filled = PLACES
        .iter()
        .fold(pattern.to_owned(), |text, place| text.replace(place, "x"));
    // Whatever is filled in must not be part of the host.
    let host_is_fixed = pattern.find('{').is_some_and(|place| {
        let start = pattern.find("://").map_or(0, |at| at + 3);
        pattern[start..]
            .find('/')
            .is_some_and(|at| start + at < place)
    });
    let is_sound = names_one && host_is_fixed && !filled.contains(['{', '}']) && is_url(&filled);
    match is_sound {
        true => Ok(Some(pattern.to_owned())),
        false => Err(format!(
            "KIOSQUE_ARTICLE_URL is {pattern:?}; it takes an http or https URL with {{slug}} or {{id}}, and {{language}} \
             if wanted, after the host"
        )),
    }
}

/// RFC 5646, loosely: what comes of it is only written.
fn language(values: &Values) -> Result<Option<String>, String> {
    let tag = values.text("KIOSQUE_FEED_LANGUAGE");
    let subtag = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    match tag {
        "" => Ok(None),
        tag if tag.split('-').all(subtag) => Ok(Some(tag.to_owned())),
        tag => Err(format!(
            "KIOSQUE_FEED_LANGUAGE is {tag:?}; it takes a language tag such as fr or en-GB"
        )),
    }
}
