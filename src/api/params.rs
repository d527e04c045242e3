//! Query parameters, read strictly: nothing unknown, nothing twice, nothing half understood.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use percent_encoding::percent_decode;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::content::article::Fault;
use crate::content::time::{self, DateMeans};
use crate::error::{Error, Result};

/// Bytes the value of a parameter may have, decoded.
const MAX_VALUE: usize = 5_000;
/// Parameters of which no request needs more.
const MAX_PARAMETERS: usize = 100;

/// The parameters of one request. Each reading takes one; faults are kept until [`Params::finish`], so that
/// the caller is told all of them at once.
pub struct Params {
    values: Vec<(String, String)>,
    faults: Vec<Fault>,
}

impl Params {
    /// Reads a raw query string. The names allowed are those that `T` documents, so that what is taken and
    /// what is written in the OpenAPI document cannot drift apart.
    pub fn of<T: IntoParams + 'static>(query: &str) -> Self {
        let mut params = Self {
            values: Vec::new(),
            faults: Vec::new(),
        };
        for pair in query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .take(MAX_PARAMETERS)
        {
            params.take_pair(pair, &names_of::<T>());
        }
        params
    }

    fn take_pair(&mut self, pair: &str, allowed: &[String]) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = match decoded(name) {
            Ok(name) => name,
            Err(_) => {
                return self.fault(
                    "query string",
                    "has a parameter whose name is not UTF-8 text",
                );
            }
        };
        if !allowed.contains(&name) {
            let mut known = allowed.join(", ");
            if known.is_empty() {
                known = "none is".to_owned();
            }
            let shown: String = name.chars().take(60).collect();
            return self.fault(&shown, format!("is not a parameter here; known: {known}"));
        }
        if self.values.iter().any(|(known, _)| *known == name) {
            return self.fault(&name, "is given more than once");
        }
        match decoded(value) {
            Ok(value) => self.values.push((name, value)),
            Err(what) => self.fault(&name, what),
        }
    }

    /// Whether a parameter was given and has not been read yet.
    pub fn has(&self, name: &str) -> bool {
        self.values.iter().any(|(known, _)| known == name)
    }

    pub fn fault(&mut self, name: &str, detail: impl Into<String>) {
        self.faults.push(Fault::new(name, detail));
    }

    /// A value that is not blank.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let at = self.values.iter().position(|(known, _)| known == name)?;
        let value = self.values.swap_remove(at).1;
        if value.trim().is_empty() {
            self.fault(name, "is empty");
            return None;
        }
        Some(value)
    }

    /// A value read by `parse`, whose error is a phrase.
    pub fn parsed<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match parse(&self.text(name)?) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.fault(name, detail);
                None
            }
        }
    }

    /// Faults a parameter that was neither given nor faulted already.
    pub fn required<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.faults.iter().any(|fault| fault.pointer == name) {
            self.fault(name, "is missing");
        }
        value
    }

    /// A whole number in `range`.
    pub fn number<T>(&mut self, name: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + PartialOrd + Display,
    {
        self.parsed(name, |text| {
            let plain = text.bytes().all(|b| b.is_ascii_digit());
            let number = text
                .parse()
                .ok()
                .filter(|number| plain && range.contains(number));
            number.ok_or_else(|| {
                let shown: String = text.chars().take(40).collect();
                format!(
                    "is {shown}; it takes a whole number from {} to {}",
                    range.start(),
                    range.end()
                )
            })
        })
    }

    /// One of some words.
    pub fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        self.parsed(name, |text| {
            let chosen = choices.iter().find(|(word, _)| *word == text);
            chosen
                .map(|(_, value)| *value)
                .ok_or_else(|| not_among(text, choices.iter().map(|(word, _)| *word)))
        })
    }

    pub fn time(&mut self, name: &str, date_means: DateMeans) -> Option<DateTime<Utc>> {
        self.parsed(name, |text| time::parse(text, date_means))
    }

    /// Words parted by commas, each one of `known`.
    pub fn words(&mut self, name: &str, known: &[&'static str]) -> Option<Vec<&'static str>> {
        self.parsed(name, |text| {
            let mut words = Vec::new();
            for word in text.split(',') {
                let Some(known) = known.iter().find(|known| **known == word) else {
                    return Err(not_among(word, known.iter().copied()));
                };
                if !words.contains(known) {
                    words.push(*known);
                }
            }
            Ok(words)
        })
    }

    /// Ids parted by commas, at most `max`.
    pub fn ids(&mut self, name: &str, max: usize) -> Option<Vec<Uuid>> {
        self.parsed(name, |text| {
            let ids: Vec<Uuid> = text
                .split(',')
                .map(|id| {
                    Uuid::try_parse(id).map_err(|_| format!("has {id:?}, which is not an id"))
                })
                .collect::<Result<_, _>>()?;
            if ids.len() > max {
                return Err(format!("has more than {max} ids"));
            }
            Ok(ids)
        })
    }

    /// # Errors
    /// All faults that were found.
    pub fn finish(self) -> Result<()> {
        debug_assert!(
            !self.faults.is_empty() || self.values.is_empty(),
            "documented but never read: {:?}",
            self.values
        );
        match self.faults.is_empty() {
            true => Ok(()),
            false => Err(Error::InvalidParameter(self.faults)),
        }
    }
}

/// The names that a type documents. To describe it takes longer than most reads, so it is done once.
fn names_of<T: IntoParams + 'static>() -> Arc<[String]> {
    static KNOWN: LazyLock<RwLock<HashMap<TypeId, Arc<[String]>>>> = LazyLock::new(RwLock::default);
    let of = TypeId::of::<T>();
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(names) = known.get(&of) {
        return Arc::clone(names);
    }
    drop(known);
    let described = T::into_params(|| None).into_iter();
    let names: Arc<[String]> = described.map(|param| param.name).collect();
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(known.entry(of).or_insert(names))
}

fn not_among<'a>(text: &str, choices: impl Iterator<Item = &'a str>) -> String {
    let shown: String = text.chars().take(60).collect();
    format!(
        "has {shown:?}, which is none of {}",
        choices.collect::<Vec<_>>().join(", ")
    )
}

fn decoded(text: &str) -> Result<String, &'static str> {
    let spaced = text.replace('+', " ");
    let escapes_are_whole = spaced.split('%').skip(1).all(|escape| {
        escape.len() >= 2 && escape.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit)
    });
    if !escapes_are_whole {
        return Err("has a broken percent escape");
    }
    let decoded = percent_decode(spaced.as_bytes())
        .decode_utf8()
        .map_err(|_| "is not UTF-8 text")?;
    if decoded.contains('\0') {
        return Err("contains a NUL character");
    }
    if decoded.len() > MAX_VALUE {
        return Err("is too long");
    }
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(IntoParams)]
    #[allow(dead_code)]
    struct Documented {
        limit: Option<u8>,
        q: Option<String>,
    }

    fn faults(query: &str) -> Vec<String> {
        let mut params = Params::of::<Documented>(query);
        params.number("limit", 1..=100);
        params.text("q");
        match params.finish() {
            Err(error) => error
                .faults()
                .iter()
                .map(|fault| fault.pointer.clone())
                .collect(),
            Ok(()) => Vec::new(),
        }
    }

    #[test]
    fn what_is_documented_is_taken() {
        let mut params = Params::of::<Documented>("q=l%27eau+%C3%A0&limit=7");
        assert_eq!(params.number("limit", 1..=100), Some(7));
        assert_eq!(params.text("q").unwrap(), "l'eau à");
        assert!(params.finish().is_ok());
    }

    #[test]
    fn every_fault_names_its_parameter() {
        for (query, named) in [
            ("lim=1", "lim"),
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=+5", "limit"),
            ("limit=-1", "limit"),
            ("limit=99999999999999999999", "limit"),
            ("limit=", "limit"),
            ("limit", "limit"),
            ("limit=1&limit=2", "limit"),
            ("q=%FF", "q"),
            ("q=%zz", "q"),
            ("q=%4", "q"),
            ("q=a%00b", "q"),
            ("q=%20", "q"),
            ("%FF=1", "query string"),
        ] {
            assert_eq!(faults(query), [named], "{query}");
        }
        assert_eq!(faults(&format!("q={}", "x".repeat(10_000))), ["q"]);
        assert_eq!(faults("limit=0&q=%FF&x=1").len(), 3);
    }
}
