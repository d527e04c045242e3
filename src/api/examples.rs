//! Examples in the OpenAPI document: real answers of the demo, held against it by a test.

use serde_json::Value;
use utoipa::openapi::{OpenApi, RefOr};

/// An operation, the path that asks for the example, and what it answers.
pub struct Example {
    pub operation_id: &'static str,
    /// Relative to the demo's address.
    pub path: &'static str,
    json: &'static str,
}

macro_rules! examples {
    ($($operation:literal, $path:literal;)*) => {
        /// Every example.
        pub const EXAMPLES: &[Example] = &[$(Example {
            operation_id: $operation,
            path: $path,
            json: include_str!(concat!("../../openapi/examples/", $operation, ".json")),
        }),*];
    };
}

examples! {
    "list_articles", "/v1/articles?limit=1&tag=geoparc";
}

impl Example {
    /// # Panics
    /// Never: a test parses every example.
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
