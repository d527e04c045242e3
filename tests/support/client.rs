//! What a caller sees of an answer.

use std::collections::BTreeMap;

use serde_json::Value;

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(&self.bytes)))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The address that `Link` names with these words, as in `rel="next"` (RFC 8288).
    pub fn link(&self, what: &str) -> Option<String> {
        let mut links = self.header("link").split(", <");
        let found = links.find(|link| link.contains(what))?;
        let address = found.trim_start_matches('<').split('>').next()?;
        Some(address.to_owned())
    }

    /// The slugs of a list of articles or tags, or of neighbours.
    pub fn slugs(&self) -> Vec<String> {
        let slug = |item: &Value| {
            let inner = item
                .get("article")
                .or_else(|| item.get("tag"))
                .unwrap_or(item);
            inner["slug"].as_str().expect("a slug").to_owned()
        };
        let json = self.json();
        json["data"]
            .as_array()
            .expect("a list")
            .iter()
            .map(slug)
            .collect()
    }

    /// The parameters that a problem names.
    pub fn named(&self) -> Vec<String> {
        let json = self.json();
        let errors = json["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|error| error["parameter"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

pub fn send(method: &str, url: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Reply {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = match body {
        Some(body) => agent.run(request.body(body).expect("a request")),
        None => agent.run(request.body(()).expect("a request")),
    };
    let mut response = response.expect("the server answers");
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let bytes = response
        .body_mut()
        .read_to_vec()
        .expect("the body is whole");
    Reply {
        status: response.status().as_u16(),
        headers,
        bytes,
    }
}
