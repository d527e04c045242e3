//! Reading a JSON request body, strictly and within its bounds.

use std::fmt;

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::api::state::State;
use crate::content::article::Fault;
use crate::content::json::{self, Unread};
use crate::error::{Error, Result};

pub const JSON: &str = "application/json";
/// Bytes of a body with a few short members, which anyone may send.
const SMALL: usize = 8 * 1024;
pub const MERGE_PATCH: &str = "application/merge-patch+json";

/// The body of a request as the type that documents it.
///
/// # Errors
/// 413, 415, 400 where it is no JSON, 422 pointing at the member that is not as documented.
pub async fn json<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: web::Payload,
    state: &State,
) -> Result<T> {
    read_json(&bytes(request, payload, state, JSON).await?)
}

/// As [`json`], where a few kilobytes are enough.
///
/// # Errors
/// As [`json`].
pub async fn small_json<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: web::Payload,
    state: &State,
) -> Result<T> {
    read_json(&small_bytes(request, payload, state, JSON).await?)
}

/// As [`bytes`], where a few kilobytes are enough.
///
/// # Errors
/// As [`bytes`].
pub async fn small_bytes(
    request: &HttpRequest,
    payload: web::Payload,
    state: &State,
    media_type: &str,
) -> Result<web::Bytes> {
    bytes_within(request, payload, state, media_type, SMALL).await
}

/// Whether a request says that it has a body.
pub fn is_announced(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let length = headers.get(header::CONTENT_LENGTH);
    headers.contains_key(header::TRANSFER_ENCODING)
        || length.is_some_and(|length| length.as_bytes() != b"0")
}

/// The bytes of a body of this media type.
///
/// # Errors
/// 413, 415, 400 where it breaks off, 504 where it does not come.
pub async fn bytes(
    request: &HttpRequest,
    payload: web::Payload,
    state: &State,
    media_type: &str,
) -> Result<web::Bytes> {
    bytes_within(request, payload, state, media_type, state.max_body).await
}

async fn bytes_within(
    request: &HttpRequest,
    payload: web::Payload,
    state: &State,
    media_type: &str,
    most: usize,
) -> Result<web::Bytes> {
    check_form(request, media_type)?;
    let most = most.min(state.max_body);
    let body = payload.to_bytes_limited(most);
    // A caller that sends a byte now and then must not hold on for ever.
    let body = actix_web::rt::time::timeout(state.request_timeout, body).await;
    match body.map_err(|_| Error::Timeout)? {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Error::MalformedJson("the body broke off".to_owned())),
        Err(_) => Err(Error::BodyTooLarge(most)),
    }
}

/// # Errors
/// 415 for another media type than this, or a body that is coded.
pub fn check_form(request: &HttpRequest, media_type: &str) -> Result<()> {
    let headers = request.headers();
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Error::UnsupportedMediaType(
            "a body with a Content-Encoding is not taken".to_owned(),
        ));
    }
    let value = headers.get(header::CONTENT_TYPE);
    let given = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    match essence.eq_ignore_ascii_case(media_type) {
        true => Ok(()),
        false => Err(Error::UnsupportedMediaType(format!(
            "{essence:?} is not {media_type}"
        ))),
    }
}

/// A merge patch (RFC 7396): an object whose members replace those of what it is applied to.
///
/// # Errors
/// 400 where it is no JSON, 422 where it is no object or names a member twice.
pub fn read_patch(bytes: &[u8]) -> Result<Map<String, Value>> {
    match read_json::<Strict>(bytes)?.0 {
        Value::Object(members) => Ok(members),
        _ => Err(Error::member("", "is not an object")),
    }
}

/// What is wrong with the members that a merge patch names: those that are not `known` (a null would otherwise remove
/// nothing unseen), and nulls of those that must be there.
pub fn faults_of_patch(patch: &Map<String, Value>, known: &[&str], needed: &[&str]) -> Vec<Fault> {
    let fault = |(name, value): (&String, &Value)| {
        let detail = match () {
            () if !known.contains(&name.as_str()) => format!("unknown field `{name}`"),
            () if value.is_null() && needed.contains(&name.as_str()) => {
                "cannot be removed".to_owned()
            }
            () => return None,
        };
        Some(Fault::new(format!("/{}", escaped(name)), detail))
    };
    patch.iter().filter_map(fault).collect()
}

/// A name as a step of a JSON pointer (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Applies a merge patch: null removes, objects are merged, everything else replaces.
pub fn merge(target: &mut Value, patch: Map<String, Value>) {
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else {
        return;
    };
    for (name, value) in patch {
        match value {
            Value::Null => {
                members.shift_remove(&name);
            }
            Value::Object(inner) => merge(members.entry(name).or_insert(Value::Null), inner),
            value => {
                members.insert(name, value);
            }
        }
    }
}

/// What has been put together from JSON, as the type that documents it.
///
/// # Errors
/// 422 pointing at the member that is not as documented.
pub fn read_value<T: DeserializeOwned>(value: Value) -> Result<T> {
    json::read_value(value).map_err(|fault| Error::InvalidBody(vec![fault]))
}

/// Any JSON in which no object names a member twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if map.contains_key(&name) {
                return Err(A::Error::custom(format!("duplicate field `{name}`")));
            }
            let Strict(value) = members.next_value()?;
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

/// JSON text as the type that documents it.
///
/// # Errors
/// 400 where it is no JSON, 422 pointing at the member that is not as documented.
pub fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    json::read(bytes).map_err(|unread| match unread {
        Unread::NotJson(error) => Error::MalformedJson(error.to_string()),
        Unread::NotAsDocumented { fault, .. } => Error::InvalidBody(vec![fault]),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_merge_patch_replaces_merges_and_removes() {
        let mut target = json!({"a": 1, "b": {"c": 2, "d": 3}, "e": [1, 2], "f": "x"});
        let patch =
            br#"{"a": null, "b": {"c": 4, "g": {"h": null, "i": 5}}, "e": [3], "f": {"j": 6}}"#;
        merge(&mut target, read_patch(patch).unwrap());
        assert_eq!(
            target,
            json!({"b": {"c": 4, "d": 3, "g": {"i": 5}}, "e": [3], "f": {"j": 6}})
        );
    }

    #[test]
    fn a_member_named_twice_is_pointed_at() {
        let Err(Error::InvalidBody(faults)) = read_patch(br#"{"a": {"b": 1, "b": 2}}"#) else {
            panic!("it was taken");
        };
        assert!(faults[0].pointer.starts_with("/a"), "{faults:?}");
        assert!(faults[0].detail.contains("duplicate field `b`"));
        assert!(read_patch(b"[]").is_err() && read_patch(b"7").is_err());
        let deep = format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200));
        assert!(matches!(
            read_patch(deep.as_bytes()),
            Err(Error::MalformedJson(_))
        ));
    }
}
