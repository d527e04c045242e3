//! The list of all operations, from which both the router and the OpenAPI document are made.

use actix_web::App;
use actix_web::dev::ResourceDef;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, OpenApi as Document, Ref, RefOr, Required, ResponseBuilder};
use utoipa::{IntoResponses, Modify, OpenApi};
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::api::problem::{self, ProblemView};
use crate::api::{
    article_lists, article_writing, articles, audit, changes, curation, deliveries, feeds, health,
    imports, keys, logout, me, previews, publication, related, related_tags, related_to_several,
    related_to_text, revision_diff, revisions, tag_writing, tags, tokens, translations, usage,
    users, webhooks,
};

/// Every operation of the API; those that are asked for most stand first, for the router tries one after the other.
pub fn operations(config: &mut ServiceConfig) {
    config
        .service(articles::get_article)
        .service(article_lists::list_articles)
        .service(related::list_related_articles)
        .service(tags::get_tag)
        .service(tags::list_tags)
        .service(article_writing::create_article)
        .service(article_writing::replace_article)
        .service(article_writing::update_article)
        .service(article_writing::delete_article)
        .service(publication::publish_article)
        .service(publication::withdraw_article)
        .service(related_tags::list_tags_related_to_article)
        .service(related_to_several::list_related_to_several)
        .service(related_to_text::relate_text)
        .service(tag_writing::create_tag)
        .service(tag_writing::update_tag)
        .service(tag_writing::delete_tag)
        .service(tag_writing::merge_tag)
        .service(related_tags::list_tags_related_to_tag)
        .service(revisions::list_revisions)
        .service(revisions::get_revision)
        .service(revision_diff::compare_revisions)
        .service(revisions::restore_revision)
        .service(previews::list_previews)
        .service(previews::create_preview)
        .service(previews::revoke_preview)
        .service(previews::get_preview)
        .service(curation::get_curation)
        .service(curation::replace_curation)
        .service(translations::list_translations)
        .service(translations::join_translations)
        .service(translations::leave_translations)
        .service(changes::list_changes)
        .service(changes::stream_changes)
        .service(imports::import_articles)
        .service(audit::list_audit)
        .service(tokens::create_token)
        .service(logout::revoke_token)
        .service(tokens::get_public_keys)
        .service(me::get_me)
        .service(me::change_password)
        .service(users::list_users)
        .service(users::create_user)
        .service(users::get_user)
        .service(users::update_user)
        .service(users::delete_user)
        .service(keys::list_keys)
        .service(keys::create_key)
        .service(keys::get_key)
        .service(keys::update_key)
        .service(keys::revoke_key)
        .service(feeds::get_rss_feed)
        .service(feeds::get_atom_feed)
        .service(feeds::get_json_feed)
        .service(feeds::get_ninjs_feed)
        .service(feeds::sitemaps::get_sitemap)
        .service(feeds::sitemaps::get_news_sitemap)
        .service(usage::get_key_usage)
        .service(usage::list_usage)
        .service(webhooks::list_webhooks)
        .service(webhooks::create_webhook)
        .service(webhooks::get_webhook)
        .service(webhooks::update_webhook)
        .service(webhooks::delete_webhook)
        .service(webhooks::rotate_webhook_secret)
        .service(deliveries::test_webhook)
        .service(deliveries::list_deliveries)
        .service(deliveries::get_delivery)
        .service(deliveries::redeliver)
        .service(health::get_liveness)
        .service(health::get_readiness)
        .service(problem::explain);
}

/// What any operation may answer instead.
#[derive(IntoResponses)]
#[allow(dead_code)]
pub enum Failures {
    /// A parameter is unknown, repeated or not valid
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(#[to_schema] ProblemView),
    /// The request has credentials that do not count
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(#[to_schema] ProblemView),
    /// There is no such thing, or it is not public
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(#[to_schema] ProblemView),
    /// The method is not allowed here
    #[response(status = 405, content_type = "application/problem+json")]
    MethodNotAllowed(#[to_schema] ProblemView),
    /// The server failed
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(#[to_schema] ProblemView),
    /// The server cannot answer just now
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(#[to_schema] ProblemView),
    /// The answer took too long
    #[response(status = 504, content_type = "application/problem+json")]
    Timeout(#[to_schema] ProblemView),
}

/// What an operation for known callers may answer besides.
#[derive(IntoResponses)]
#[allow(dead_code)]
pub enum Refusals {
    /// The caller has shown no credentials, or such as do not count
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(#[to_schema] ProblemView),
    /// The caller's role does not allow it
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] ProblemView),
}

/// What an operation that takes a body may answer besides.
#[derive(IntoResponses)]
#[allow(dead_code)]
pub enum BodyFailures {
    /// What is stored stands in the way
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(#[to_schema] ProblemView),
    /// The body is too large
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(#[to_schema] ProblemView),
    /// Not the documented media type
    #[response(status = 415, content_type = "application/problem+json")]
    MediaType(#[to_schema] ProblemView),
    /// The body is not as documented; `errors` points at each fault
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(#[to_schema] ProblemView),
}

/// What an operation on a stated version may answer besides.
#[derive(IntoResponses)]
#[allow(dead_code)]
pub enum VersionFailures {
    /// It has changed since the caller read it
    #[response(status = 412, content_type = "application/problem+json")]
    Moved(#[to_schema] ProblemView),
    /// `If-Match` is missing
    #[response(status = 428, content_type = "application/problem+json")]
    Unconditional(#[to_schema] ProblemView),
}

/// What an operation on something that may have been deleted may answer besides.
#[derive(IntoResponses)]
#[allow(dead_code)]
pub enum Gone {
    /// It was there once and is no more
    #[response(status = 410, content_type = "application/problem+json")]
    Gone(#[to_schema] ProblemView),
}

/// What an operation that saves an article without being sent one may answer besides.
#[derive(IntoResponses)]
#[allow(dead_code)]
pub enum SaveFailures {
    /// What is stored stands in the way
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(#[to_schema] ProblemView),
    /// The article would not be valid
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(#[to_schema] ProblemView),
}

/// Names the security scheme that operations refer to.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "An access token of `POST /v1/tokens`, or an API key. An operation's requirement names the least role \
                 it takes: reader, partner, author, editor, admin.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Kiosque",
        description = "A headless JSON content API for news publishers: articles, tags and related lookups.\n\n\
            Every failure is a problem document (RFC 9457). Every answer has a strong `ETag`: send it back in \
            `If-None-Match` and an unchanged thing costs 304. Times are RFC 3339 in UTC.\n\n\
            Answers to an API key with a rate or a daily quota say in `RateLimit` and `RateLimit-Policy` how it stands \
            with them.",
    ),
    servers((url = "/", description = "Where this document was read")),
    tags(
        (name = "articles", description = "What is published"),
        (name = "related", description = "What is near an article, or a text, and why"),
        (name = "tags", description = "What articles are about"),
        (name = "feeds", description = "Any query in the formats that others read"),
        (name = "history", description = "What articles were, and bringing that back"),
        (name = "previews", description = "One version, shown to whoever has the address"),
        (name = "curation", description = "What editors say of an article's neighbours"),
        (name = "translations", description = "One text in several languages"),
        (name = "changes", description = "What changed, for those who keep a copy"),
        (name = "identity", description = "Who may do what: users, tokens, keys"),
        (name = "webhooks", description = "Who is told of changes, and what was sent"),
        (name = "administration", description = "Who did what, and who may"),
        (name = "operation", description = "Health of the service"),
    ),
    components(schemas(ProblemView)),
    modifiers(&Bearer),
)]
struct Base;

/// The OpenAPI document.
pub fn document() -> Document {
    let (_, document) = App::new()
        .into_utoipa_app()
        .openapi(Base::openapi())
        .configure(operations)
        .split_for_parts();
    crate::api::examples::added(with_limits(with_optional_body(named_once(document))))
}

/// Whatever looks at a key may answer that it has been used too often; where an operation says itself what 429 means, that
/// stands.
fn with_limits(mut document: Document) -> Document {
    let seconds = Header::new(Object::with_type(Type::Integer));
    let used_up = ResponseBuilder::new()
        .description("The rate or the daily quota of the API key is used up")
        .content(
            problem::MEDIA_TYPE,
            Content::new(Some(Ref::from_schema_name("Problem"))),
        )
        .header("Retry-After", seconds)
        .build();
    let paths = document.paths.paths.iter_mut();
    for (_, item) in paths.filter(|(path, _)| path.starts_with("/v1/")) {
        for operation in operations_of(item) {
            let responses = &mut operation.responses.responses;
            let known = responses.entry("429".to_owned());
            known.or_insert_with(|| used_up.clone().into());
        }
    }
    document
}

fn operations_of(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let operations = [
        &mut item.get,
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ];
    operations.into_iter().flatten()
}

/// Logging out goes with a body and without; the macro takes every body for required.
fn with_optional_body(mut document: Document) -> Document {
    let path = document.paths.paths.get_mut("/v1/tokens");
    let operation = path.and_then(|path| path.delete.as_mut());
    if let Some(RefOr::T(body)) = operation.and_then(|operation| operation.request_body.as_mut()) {
        body.required = Some(Required::False);
    }
    document
}

/// The document with the problem's schema named wherever it would be spelt out, which the macros do for each of some
/// hundreds of responses.
fn named_once(mut document: Document) -> Document {
    for item in document.paths.paths.values_mut() {
        for operation in operations_of(item) {
            for response in operation.responses.responses.values_mut() {
                if let RefOr::T(response) = response
                    && let Some(RefOr::T(content)) = response.content.get_mut(problem::MEDIA_TYPE)
                {
                    content.schema = Some(Ref::from_schema_name("Problem").into());
                }
            }
        }
    }
    document
}

/// The document as it is committed and served.
///
/// # Errors
/// When it cannot be serialised.
pub fn document_text() -> Result<String, String> {
    let text = document()
        .to_pretty_json()
        .map_err(|error| format!("cannot serialise the OpenAPI document: {error}"))?;
    Ok(text + "\n")
}

/// The paths of the document with their methods, to tell a wrong method from an unknown path.
pub struct Paths(Vec<(ResourceDef, String)>);

impl Paths {
    pub fn of(document: &Document) -> Self {
        let mut paths: Vec<_> = document
            .paths
            .paths
            .iter()
            .map(|(path, item)| {
                let mut methods = Vec::new();
                if item.get.is_some() {
                    methods.extend(["GET", "HEAD"]);
                }
                let others = [
                    ("POST", &item.post),
                    ("PUT", &item.put),
                    ("PATCH", &item.patch),
                    ("DELETE", &item.delete),
                ];
                methods.extend(
                    others
                        .into_iter()
                        .filter(|(_, operation)| operation.is_some())
                        .map(|(name, _)| name),
                );
                methods.push("OPTIONS");
                (ResourceDef::new(path.as_str()), methods.join(", "))
            })
            .collect();
        let folder = || "GET, HEAD, OPTIONS".to_owned();
        paths.extend(
            ["/", "/docs", "/docs/{_:.*}", "/openapi.json", "/metrics"]
                .map(|path| (ResourceDef::new(path), folder())),
        );
        Self(paths)
    }

    /// The methods of the path, where it is one.
    pub fn allowed(&self, path: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(resource, _)| resource.is_match(path))
            .map(|(_, methods)| methods.as_str())
    }
}
