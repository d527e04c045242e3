//! Examples in the OpenAPI document: real answers of the demo, held against it by a test.

use serde_json::Value;
use utoipa::openapi::{OpenApi, RefOr};

/// An operation, the request that asks for the example, and what it answers.
pub struct Example {
    pub operation_id: &'static str,
    /// Relative to the demo's address.
    pub path: &'static str,
    /// What is posted, for an operation that takes a body.
    pub body: Option<&'static str>,
    json: &'static str,
}

macro_rules! examples {
    ($($operation:literal, $path:literal, $body:expr;)*) => {
        /// Every example.
        pub const EXAMPLES: &[Example] = &[$(Example {
            operation_id: $operation,
            path: $path,
            body: $body,
            json: include_str!(concat!("../../openapi/examples/", $operation, ".json")),
        }),*];
    };
}

examples! {
    "list_articles", "/v1/articles?limit=1&tag=securite", None;
    "get_article", "/v1/articles/espagne-maroc-tanger-securite", None;
    "list_related_articles", "/v1/articles/espagne-maroc-tanger-securite/related?limit=1", None;
    "list_tags_related_to_article", "/v1/articles/espagne-maroc-tanger-securite/related-tags?limit=2", None;
    "list_related_to_several", "/v1/related?ids=khettaras-jorf-nettoyage,dessalement-agadir-eau-agricole&limit=1", None;
    "relate_text", "/v1/related", Some(TEXT);
    "list_tags", "/v1/tags?limit=2&kind=place", None;
    "get_tag", "/v1/tags/eau", None;
    "list_tags_related_to_tag", "/v1/tags/eau/related?limit=2", None;
    "get_problem", "/problems/invalid_parameter", None;
}

/// The body that the document shows for `POST /v1/related`.
const TEXT: &str = r#"{"headline":"Les oasis du Tafilalet manquent d'eau",
"body":"Les khettaras tarissent et les palmiers souffrent de la sécheresse.","language":"fr","tags":[],"limit":1}"#;

impl Example {
    /// The answer; null where it is not JSON, which a test rules out.
    pub fn value(&self) -> Value {
        serde_json::from_str(self.json).unwrap_or(Value::Null)
    }
}

/// The document with its examples.
pub fn added(mut document: OpenApi) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            let id = operation.operation_id.as_deref().unwrap_or_default();
            let Some(example) = EXAMPLES.iter().find(|example| example.operation_id == id) else {
                continue;
            };
            if let Some(RefOr::T(response)) = operation.responses.responses.get_mut("200")
                && let Some(RefOr::T(content)) = response.content.get_mut("application/json")
            {
                content.example = Some(example.value());
            }
        }
    }
    document
}
