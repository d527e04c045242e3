//! The members of a token's parts, read strictly: each once, each of its type.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::identity::jws::Fault;

/// Seconds by which clocks may differ.
pub const LEEWAY: f64 = 30.0;
/// The last second of the year 9999, after which no time can be stored.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// A JSON object in which no name stands twice, so that no two readers of it disagree.
#[derive(Debug)]
pub struct Members(Map<String, Value>);

impl Members {
    /// # Errors
    /// A phrase.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        serde_json::from_slice(bytes).map_err(|_| "holds no JSON object with each member once")
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// # Errors
    /// Where it is no text.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Fault> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err("has a member that should be text and is not"),
        }
    }

    /// A NumericDate (RFC 7519 section 2), in seconds.
    ///
    /// # Errors
    /// Where it is no number, or none that is a time.
    pub fn time(&self, name: &str) -> Result<Option<f64>, Fault> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let seconds = value.as_f64().filter(|_| value.is_number());
        let sound = seconds.filter(|seconds| (0.0..=LAST_SECOND).contains(seconds));
        sound
            .map(Some)
            .ok_or("has a time that is no number of seconds")
    }

    /// # Errors
    /// Where it is meant for others, or does not say so in one of the two ways of RFC 7519.
    pub fn is_for(&self, audience: &str) -> Result<(), Fault> {
        let meant = match self.0.get("aud") {
            Some(Value::String(text)) => text == audience,
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                items.iter().any(|item| item == audience)
            }
            _ => return Err("has no audience, or one of a wrong type"),
        };
        match meant {
            true => Ok(()),
            false => Err("is meant for another audience"),
        }
    }

    /// Checks `exp`, `nbf` and `iat` against our clock, and gives the first.
    ///
    /// # Errors
    /// Where it is not valid yet, or no more.
    pub fn is_timely(&self, now: DateTime<Utc>) -> Result<f64, Fault> {
        let now = seconds(now);
        let expires = self.time("exp")?.ok_or("never expires")?;
        if now >= expires + LEEWAY {
            return Err("has expired");
        }
        if self.time("nbf")?.is_some_and(|from| from > now + LEEWAY) {
            return Err("is not valid yet");
        }
        if self.time("iat")?.is_some_and(|at| at > now + LEEWAY) {
            return Err("was issued in the future");
        }
        Ok(expires)
    }
}

/// A time as tokens have it.
pub fn seconds(time: DateTime<Utc>) -> f64 {
    // Exact: microseconds of our millennia fit into the 53 bits of a double.
    #[allow(clippy::cast_precision_loss)]
    let micros = time.timestamp_micros() as f64;
    micros / 1e6
}

/// A time of a token; what is beyond all times is the last one.
pub fn moment(seconds: f64) -> DateTime<Utc> {
    // In bounds: `Members::time` lets no other through.
    #[allow(clippy::cast_possible_truncation)]
    let micros = (seconds.min(LAST_SECOND) * 1e6) as i64;
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> Result<Members, A::Error> {
        let mut members = Map::new();
        while let Some((name, value)) = given.next_entry::<String, Value>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(text: &str) -> Members {
        Members::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_member_stands_once_and_is_of_its_type() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            "[]",
            "7",
            "",
            "{} {}",
        ] {
            assert!(Members::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(members(r#"{"sub":7}"#).text("sub").is_err());
        for time in [r#""1""#, "null", "true", "-1", "1e300", "[1]"] {
            assert!(
                members(&format!(r#"{{"exp":{time}}}"#))
                    .time("exp")
                    .is_err(),
                "{time}"
            );
        }
        assert_eq!(members(r#"{"exp":1.5}"#).time("exp"), Ok(Some(1.5)));
    }

    #[test]
    fn an_audience_is_text_or_a_list_of_texts() {
        for (audience, good) in [
            (r#""k""#, true),
            (r#"["a","k"]"#, true),
            (r#"["a"]"#, false),
            (r#"["k",7]"#, false),
            (r#"{"k":1}"#, false),
            (r#""kk""#, false),
            ("[]", false),
            ("null", false),
        ] {
            let members = members(&format!(r#"{{"aud":{audience}}}"#));
            assert_eq!(members.is_for("k").is_ok(), good, "{audience}");
        }
    }

    #[test]
    fn clocks_may_differ_by_half_a_minute() {
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        for (claims, good) in [
            (r#"{"exp":999971}"#, true),
            (r#"{"exp":999970}"#, false),
            (r#"{"exp":1000900,"nbf":1000030,"iat":1000030}"#, true),
            (r#"{"exp":1000900,"nbf":1000031}"#, false),
            (r#"{"exp":1000900,"iat":1000031}"#, false),
            (r#"{"iat":1000000}"#, false),
        ] {
            assert_eq!(members(claims).is_timely(now).is_ok(), good, "{claims}");
        }
    }
}
