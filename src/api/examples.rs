//! Examples in the OpenAPI document: real answers of the demo, and bodies of requests that it takes; a test holds both
//! against it.

use serde_json::Value;
use utoipa::openapi::path::Operation;
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
    "list_changes", "/v1/changes?limit=2", None;
    "get_rss_feed", "/v1/feeds/rss?limit=1&tag=securite", None;
    "get_atom_feed", "/v1/feeds/atom?limit=1&tag=securite", None;
    "get_json_feed", "/v1/feeds/json?limit=1&tag=securite", None;
    "get_ninjs_feed", "/v1/feeds/ninjs?limit=1&tag=securite", None;
    "get_sitemap", "/v1/feeds/sitemap?limit=2", None;
    "get_news_sitemap", "/v1/feeds/news-sitemap?limit=2", None;
    "get_problem", "/problems/invalid_parameter", None;
}

/// The body that the document shows for `POST /v1/related`.
const TEXT: &str = r#"{"headline":"Les oasis du Tafilalet manquent d'eau",
"body":"Les khettaras tarissent et les palmiers souffrent de la sécheresse.","language":"fr","tags":[],"limit":1}"#;

/// An operation and the body that the document shows for it; in an order in which each can be sent to the demo.
pub const BODIES: &[(&str, &str)] = &[
    (
        "create_article",
        r#"{"headline":"La crue du Ziz coupe la route d’Erfoud","slug":"crue-ziz-erfoud","language":"fr",
"standfirst":"Trois villages sont isolés depuis mardi.","byline":"Salma Idrissi",
"body":"<p>La circulation est interrompue depuis mardi.</p>","body_format":"html",
"tags":["Crues",{"slug":"ziz","name":"Ziz","kind":"place"}],
"source":{"name":"Agence Atlas Presse","url":"https://www.atlas-presse.example/"}}"#,
    ),
    (
        "replace_article",
        r#"{"headline":"La crue du Ziz a coupé la route d’Erfoud","language":"fr",
"body":"La route est **rouverte**.","body_format":"markdown","tags":["Crues"]}"#,
    ),
    (
        "update_article",
        r#"{"standfirst":"La route est rouverte depuis jeudi.","rights":{"license":"CC-BY-4.0"},"byline":null}"#,
    ),
    (
        "replace_curation",
        r#"{"pins":["khettaras-jorf-nettoyage"],"bans":[],"related":"auto"}"#,
    ),
    ("create_preview", r#"{"expires_in":86400}"#),
    (
        "publish_article",
        r#"{"published_at":"2027-01-15T06:00:00Z","embargoed_until":null,"expires_at":null}"#,
    ),
    (
        "create_tag",
        r#"{"name":"Inondations","slug":"inondations","kind":"keyword","description":"Crues qui débordent.","parent":"eau"}"#,
    ),
    (
        "update_tag",
        r#"{"description":"Crues qui débordent et ce qu’elles laissent.","aliases":["debordements"]}"#,
    ),
    ("merge_tag", r#"{"into":"crues"}"#),
    (
        "import_articles",
        r#"{"external_id":"cms-21379","headline":"Une ligne","body":"Un article.","body_format":"text","language":"fr"}
"#,
    ),
    ("relate_text", TEXT),
    (
        "create_user",
        r#"{"name":"salma@news.example","role":"author","password":"une phrase de passe"}"#,
    ),
    (
        "create_token",
        r#"{"name":"salma@news.example","password":"une phrase de passe"}"#,
    ),
    (
        "revoke_token",
        r#"{"refresh_token":"kqr_Zm9yIGV4YW1wbGUgb25seQ.01921c5e-7a1a-7000-8000-000000000001"}"#,
    ),
    (
        "change_password",
        r#"{"current_password":"une phrase de passe","password":"une autre phrase"}"#,
    ),
    ("update_user", r#"{"role":"editor","disabled":false}"#),
    (
        "create_key",
        r#"{"name":"agence","role":"partner","expires_at":"2027-12-31T00:00:00Z",
"scope":{"tags":"securite|maroc","languages":["fr"]},"text":"excerpt","delay_minutes":60,
"daily_quota":10000,"rate_per_minute":60}"#,
    ),
    (
        "update_key",
        r#"{"scope":{"languages":null},"text":"full","delay_minutes":null,"lead_minutes":30}"#,
    ),
    (
        "create_webhook",
        r#"{"url":"https://hooks.partner.example/kiosque","description":"Le site partenaire",
"events":["article.published","article.updated","article.withdrawn","article.deleted"],"languages":["fr"],"tags":[],
"from_seq":1}"#,
    ),
    (
        "update_webhook",
        r#"{"events":[],"tags":["eau"],"enabled":true}"#,
    ),
    (
        "rotate_webhook_secret",
        r#"{"secret":null,"overlap":86400}"#,
    ),
];

impl Example {
    /// The answer, as a text where it is XML; null where it is not JSON, which a test rules out.
    pub fn value(&self) -> Value {
        serde_json::from_str(self.json).unwrap_or(Value::Null)
    }
}

/// The document with its examples.
pub fn added(mut document: OpenApi) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            add(operation);
        }
    }
    document
}

fn add(operation: &mut Operation) {
    let id = operation.operation_id.as_deref().unwrap_or_default();
    if let Some(example) = EXAMPLES.iter().find(|example| example.operation_id == id)
        && let Some(RefOr::T(response)) = operation.responses.responses.get_mut("200")
        && let Some((_, RefOr::T(content))) = response.content.iter_mut().next()
    {
        content.example = Some(example.value());
    }
    if let Some((_, body)) = BODIES.iter().find(|(operation, _)| *operation == id)
        && let Some(RefOr::T(request)) = &mut operation.request_body
    {
        for (media_type, content) in &mut request.content {
            if let RefOr::T(content) = content {
                content.example = Some(
                    match media_type.contains("jsonl") || media_type.contains("ndjson") {
                        true => Value::from(*body),
                        false => serde_json::from_str(body).unwrap_or(Value::Null),
                    },
                );
            }
        }
    }
}
