//! The addresses that answers name, made from that of the request.

use actix_web::{HttpRequest, web};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::api::articles::Page;
use crate::api::state::State;

/// Everything outside RFC 3986's unreserved characters.
const PATH_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The address of a request, from which others are made.
pub struct Address {
    path: String,
    query: String,
    public_url: String,
}

impl Address {
    pub fn of(request: &HttpRequest) -> Self {
        let state = request.app_data::<web::Data<State>>();
        Self {
            path: request.path().to_owned(),
            query: request.query_string().to_owned(),
            public_url: state
                .map(|state| state.public_url.to_string())
                .unwrap_or_default(),
        }
    }

    /// The same list from `cursor` on.
    pub fn with_cursor(&self, cursor: &str) -> String {
        let kept = self
            .query
            .split('&')
            .filter(|pair| !pair.is_empty() && !is_parameter(pair, "cursor"));
        let mut query: Vec<&str> = kept.collect();
        let cursor = format!("cursor={cursor}");
        query.push(&cursor);
        format!("{}{}?{}", self.public_url, self.path, query.join("&"))
    }

    /// The query without the parameters of these names, in whatever spelling, with its question mark.
    pub fn query_without(&self, names: &[&str]) -> String {
        let is_kept =
            |pair: &&str| !pair.is_empty() && !names.iter().any(|name| is_parameter(pair, name));
        let query: Vec<&str> = self.query.split('&').filter(is_kept).collect();
        match query.is_empty() {
            true => String::new(),
            false => format!("?{}", query.join("&")),
        }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// Another list, without the parts of this address.
    pub fn other(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.public_url)
    }

    /// The page after this one, where there is one.
    pub fn next(&self, page: &Page) -> Option<String> {
        Some(self.with_cursor(page.next.as_ref()?))
    }

    /// A thing by itself, without the parameters of this request.
    pub fn resource(&self, collection: &str, name: &str) -> String {
        let name = utf8_percent_encode(name, PATH_SEGMENT);
        format!("{}/v1/{collection}/{name}", self.public_url)
    }

    /// The same operation on another article.
    pub fn article(&self, slug: &str, operation: &str) -> String {
        self.in_collection("articles", slug, operation)
    }

    /// The same operation on another tag.
    pub fn tag(&self, slug: &str, operation: &str) -> String {
        self.in_collection("tags", slug, operation)
    }

    /// Where a preview is read.
    pub fn preview(&self, token: &str) -> String {
        format!("{}/v1/previews/{token}", self.public_url)
    }

    fn in_collection(&self, collection: &str, slug: &str, operation: &str) -> String {
        let slug = utf8_percent_encode(slug, PATH_SEGMENT);
        let query = match self.query.is_empty() {
            true => String::new(),
            false => format!("?{}", self.query),
        };
        format!(
            "{}/v1/{collection}/{slug}{operation}{query}",
            self.public_url
        )
    }
}

/// Whether a pair of a query string is the parameter of this name, in whatever spelling.
fn is_parameter(pair: &str, wanted: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default();
    percent_decode_str(name).eq(wanted.bytes())
}
