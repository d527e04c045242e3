//! Where a page was, as its generator makes addresses of patterns: Hugo's `permalinks` and Jekyll's `permalink`.

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use serde_json::{Map, Value};

use crate::content::language::primary;
use crate::transfer::sources::dates;
use crate::transfer::sources::markdown::fields::Fields;
use crate::transfer::sources::markdown::site::{Kind, Text};

/// Characters of an address that is made.
const MAX_ADDRESS: usize = 2_000;
/// Words of a pattern that differ from article to article: a part without one names none.
const OWN: [&str; 4] = [":slug", ":title", ":filename", ":contentbasename"];

/// What a site's configuration says of addresses.
#[derive(Debug, Default)]
pub struct Permalinks {
    /// Hugo: a pattern for each section.
    by_section: HashMap<String, String>,
    /// Hugo: the same for articles in one language.
    by_language: HashMap<String, HashMap<String, String>>,
    /// Hugo: addresses end in `.html`.
    is_ugly: bool,
    /// Hugo: the texts in the site's own language are in a folder, too.
    has_language_folder: bool,
    /// Jekyll: the pattern of all articles.
    of_all: Option<String>,
}

/// What patterns are filled with.
pub struct Page<'a> {
    pub fields: &'a Fields<'a>,
    pub file: &'a Text,
    /// The day on which it appeared, where it says one.
    pub day: Option<NaiveDateTime>,
    pub default_language: Option<&'a str>,
    /// What Hugo takes for it.
    pub content_language: Option<&'a str>,
}

/// An address below the site's, and whether its last part names the article.
#[derive(Debug, PartialEq, Eq)]
pub struct Made {
    pub path: String,
    pub is_own: bool,
}

impl Permalinks {
    /// With the patterns of all languages and those of each, by section.
    pub fn hugo(
        config: &Map<String, Value>,
        by_section: HashMap<String, String>,
        by_language: impl IntoIterator<Item = (String, HashMap<String, String>)>,
    ) -> Self {
        let fields = Fields(config);
        Self {
            by_section,
            by_language: by_language.into_iter().collect(),
            is_ugly: fields.truth("uglyurls") == Some(Ok(true)),
            has_language_folder: fields.truth("defaultcontentlanguageinsubdir") == Some(Ok(true)),
            ..Self::default()
        }
    }

    pub fn jekyll(config: &Map<String, Value>) -> Self {
        let fields = Fields(config);
        let posts = fields.inner("collections");
        let posts = posts.and_then(|all| all.inner("posts")?.text(&["permalink"]));
        Self {
            of_all: posts.or_else(|| fields.text(&["permalink"])),
            ..Self::default()
        }
    }

    /// Where the page was. `None` where that takes what is not known here.
    pub fn address(&self, kind: Kind, said: Option<&str>, page: &Page) -> Option<Made> {
        match kind {
            Kind::Plain => None,
            Kind::Hugo => self.of_hugo(said, page),
            Kind::Jekyll => self.of_jekyll(said, page),
        }
    }

    fn of_hugo(&self, said: Option<&str>, page: &Page) -> Option<Made> {
        let file = page.file;
        let pattern = said.or_else(|| self.of_section(page));
        let mut made = match pattern {
            Some(pattern) => made(pattern, |word, which| page.hugo(word, which))?,
            None => {
                let folders = file.folders.iter().map(|name| part(name));
                let own = page.fields.text(&["slug"]).map(|slug| part(&slug));
                let parts = folders.chain([own.unwrap_or_else(|| part(&page.base_name()))]);
                Made {
                    path: format!("{}/", parts.collect::<Vec<_>>().join("/")),
                    is_own: false,
                }
            }
        };
        if self.is_ugly && made.path.ends_with('/') {
            made.path = format!("{}.html", made.path.trim_end_matches('/'));
        }
        // What the page itself says is already in its language.
        let language = file.language.as_deref().filter(|tag| {
            said.is_none() && (self.has_language_folder || Some(*tag) != page.default_language)
        });
        if let Some(language) = language {
            let below = made.path.trim_start_matches('/');
            made.path = format!("{}/{below}", language.to_lowercase());
        }
        Some(made)
    }

    /// The pattern for the page's section, in its language before that of the whole site.
    fn of_section(&self, page: &Page) -> Option<&str> {
        let section = page.file.folders.first()?.to_lowercase();
        let language = page.file.language.as_deref().or(page.content_language);
        let language = language.or(page.default_language);
        let own = language.and_then(|language| self.in_language(language)?.get(&section));
        own.or_else(|| self.by_section.get(&section))
            .map(String::as_str)
    }

    /// The patterns for a language, else the only ones for one that differs by region.
    fn in_language(&self, language: &str) -> Option<&HashMap<String, String>> {
        let near = self.by_language.iter();
        let mut near = near.filter(|(tag, _)| primary(tag) == primary(language));
        self.by_language
            .get(language)
            .or_else(|| match (near.next(), near.next()) {
                (Some((_, only)), None) => Some(only),
                _ => None,
            })
    }

    fn of_jekyll(&self, said: Option<&str>, page: &Page) -> Option<Made> {
        let pattern = said.or(self.of_all.as_deref()).unwrap_or("date");
        let pattern = match pattern {
            "date" => "/:categories/:year/:month/:day/:title:output_ext",
            "pretty" => "/:categories/:year/:month/:day/:title/",
            "ordinal" => "/:categories/:year/:y_day/:title:output_ext",
            "weekdate" => "/:categories/:year/W:week/:short_day/:title:output_ext",
            "none" => "/:categories/:title:output_ext",
            pattern => pattern,
        };
        made(pattern, |word, which| match which {
            None => page.jekyll(word),
            Some(_) => None,
        })
    }
}

/// Hugo's patterns by section.
pub fn by_section(config: &Map<String, Value>) -> HashMap<String, String> {
    let mut by_section = HashMap::new();
    if let Some(declared) = config.get("permalinks").and_then(Value::as_object) {
        // By section, or by kind of page and then by section.
        let pages = declared.get("page").and_then(Value::as_object);
        for (section, pattern) in pages.into_iter().flatten().chain(declared) {
            if let Value::String(pattern) = pattern {
                by_section
                    .entry(section.to_lowercase())
                    .or_insert_with(|| pattern.clone());
            }
        }
    }
    by_section
}

/// Whether what a page says of its address is a pattern to be filled.
pub fn is_pattern(said: &str, kind: Kind) -> bool {
    let styles = ["date", "pretty", "ordinal", "weekdate", "none"];
    kind != Kind::Plain
        && !said.contains("://")
        && (said.contains(':') || kind == Kind::Jekyll && styles.contains(&said))
}

/// The day as the page writes it: generators go by its own clock, not by UTC.
pub fn day(written: &str) -> Option<NaiveDateTime> {
    let utc = dates::parse(written)?.at;
    let written = written.trim();
    let own = written.get(..10);
    let own = own.and_then(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok());
    let hour = written.get(11..19);
    let hour = hour.and_then(|hour| NaiveTime::parse_from_str(hour, "%H:%M:%S").ok());
    Some(match own {
        Some(day) => day.and_time(hour.unwrap_or_default()),
        None => utc.naive_utc(),
    })
}

impl Page<'_> {
    /// The file's name, of which only Jekyll takes the date away.
    fn base_name(&self) -> String {
        match &self.file.date {
            Some(date) => format!("{date}-{}", self.file.stem),
            None => self.file.stem.clone(),
        }
    }

    fn title(&self) -> String {
        let title = self.fields.text(&["title"]);
        part(&title.unwrap_or_else(|| self.base_name()))
    }

    fn dated(&self, form: &str) -> Option<String> {
        Some(self.day?.format(form).to_string())
    }

    /// `which`: of several parts, as a pattern chooses them.
    fn hugo(&self, word: &str, which: Option<&str>) -> Option<String> {
        if which.is_some() && word != "sections" {
            return None;
        }
        let slug = || self.fields.text(&["slug"]).map(|slug| part(&slug));
        let folders = || self.file.folders.iter().map(|name| part(name));
        Some(match word {
            "year" => self.dated("%Y")?,
            "month" => self.dated("%m")?,
            "monthname" => self.dated("%B")?,
            "day" => self.dated("%d")?,
            "weekday" => self.dated("%w")?,
            "weekdayname" => self.dated("%A")?,
            "yearday" => self.day?.ordinal().to_string(),
            "section" => folders().next().unwrap_or_default(),
            "sections" => {
                let folders: Vec<String> = folders().collect();
                chosen(&folders, which)?.join("/")
            }
            "title" => self.title(),
            "slug" => slug().unwrap_or_else(|| self.title()),
            "filename" | "contentbasename" => part(&self.base_name()),
            "slugorfilename" | "slugorcontentbasename" => {
                slug().unwrap_or_else(|| part(&self.base_name()))
            }
            _ => return None,
        })
    }

    fn jekyll(&self, word: &str) -> Option<String> {
        Some(match word {
            "year" => self.dated("%Y")?,
            "short_year" => self.dated("%y")?,
            "month" => self.dated("%m")?,
            "i_month" => self.dated("%-m")?,
            "short_month" => self.dated("%b")?,
            "long_month" => self.dated("%B")?,
            "day" => self.dated("%d")?,
            "i_day" => self.dated("%-d")?,
            "short_day" => self.dated("%a")?,
            "long_day" => self.dated("%A")?,
            "y_day" => self.dated("%j")?,
            "w_year" => self.dated("%G")?,
            "week" => self.dated("%V")?,
            "w_day" => self.dated("%u")?,
            "hour" => self.dated("%H")?,
            "minute" => self.dated("%M")?,
            "second" => self.dated("%S")?,
            "title" | "slug" => {
                let slug = self.fields.text(&["slug"]);
                slug.unwrap_or_else(|| self.file.stem.clone())
            }
            "categories" | "slugified_categories" => {
                let above = self.file.folders.iter();
                let above = above.take_while(|folder| !folder.starts_with('_'));
                let own = self.fields.list(&["categories", "category"], true);
                let mut parts: Vec<String> = Vec::new();
                let mut length = 0;
                for name in above.cloned().chain(own) {
                    length += name.len() + 1;
                    if length > MAX_ADDRESS {
                        return None;
                    }
                    let name = match word {
                        "categories" => name.to_lowercase(),
                        _ => part(&name),
                    };
                    if !parts.contains(&name) {
                        parts.push(name);
                    }
                }
                parts.join("/")
            }
            "output_ext" => ".html".to_owned(),
            _ => return None,
        })
    }
}

/// The parts that a pattern of Hugo's chooses: `[n]`, `[last]`, or `[from:to]` without the one at `to`, either of which
/// may be left out. Parts that are not there are left out, too; `None` where it says something else.
fn chosen<'a>(parts: &'a [String], which: Option<&str>) -> Option<&'a [String]> {
    let Some(which) = which else {
        return Some(parts);
    };
    let place = |said: &str| match said.trim() {
        "last" => Some(parts.len().saturating_sub(1)),
        number => number.parse().ok(),
    };
    let (from, to) = match which.split_once(':') {
        None => {
            let at = place(which)?;
            (at, at.checked_add(1)?)
        }
        Some((from, to)) => (
            if from.trim().is_empty() {
                0
            } else {
                place(from)?
            },
            if to.trim().is_empty() {
                parts.len()
            } else {
                place(to)?
            },
        ),
    };
    let to = to.min(parts.len());
    Some(parts.get(from..to).unwrap_or_default())
}

/// The pattern with its words filled in, `None` where one is not known. `fill` takes a word, and what stands in brackets
/// behind it.
fn made(pattern: &str, fill: impl Fn(&str, Option<&str>) -> Option<String>) -> Option<Made> {
    let mut path = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(':') {
        path.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_');
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        let (which, after) = match after.strip_prefix('[') {
            Some(inside) => {
                let (which, after) = inside.split_once(']')?;
                (Some(which), after)
            }
            None => (None, after),
        };
        path.push_str(&fill(word, which)?);
        rest = after;
        if path.len() > MAX_ADDRESS {
            return None;
        }
    }
    path.push_str(rest);
    let mut dense = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !dense.ends_with('/') {
            dense.push(c);
        }
    }
    let last = pattern.trim_end_matches('/').rsplit('/').next();
    let last = last.unwrap_or_default();
    Some(Made {
        path: dense.trim_start_matches('/').to_owned(),
        is_own: OWN.iter().any(|word| last.contains(word)),
    })
}

/// A name as a part of an address, as Hugo makes them: small letters, hyphens for spaces, accents kept.
fn part(name: &str) -> String {
    let mut made = String::new();
    for c in name.trim().to_lowercase().chars() {
        match c {
            c if c.is_alphanumeric() || "._~+".contains(c) || is_mark(c) => made.push(c),
            c if (c.is_whitespace() || c == '-') && !made.ends_with('-') => made.push('-'),
            _ => {}
        }
    }
    made.trim_end_matches('-').to_owned()
}

/// What stands on or under a letter.
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

#[cfg(test)]
mod tests;
