//! `/docs` and `/openapi.json`: Swagger UI, whose every file is in the program, and the document it shows.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, web};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::api::conditional::Answer;
use crate::api::finished::Finished;
use crate::api::problem::Problem;
use crate::api::state::State;

/// The OpenAPI document, made once.
pub struct Document(Arc<Finished>);

impl Document {
    pub fn of(json: Vec<u8>, max_age: u32) -> Self {
        Self(Arc::new(Answer::of_json(json).finish(max_age)))
    }
}

#[get("/openapi.json")]
pub async fn get_document(
    request: HttpRequest,
    state: web::Data<State>,
    document: web::Data<Document>,
) -> Result<HttpResponse, Problem> {
    state.give(&request, Arc::clone(&document.0)).await
}

/// The page's files are named relative to a folder.
#[get("/docs")]
pub async fn to_folder() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header(("Location", "/docs/"))
        .finish()
}

/// For whoever opens the address in a browser.
#[get("/")]
pub async fn from_root() -> HttpResponse {
    HttpResponse::TemporaryRedirect()
        .insert_header(("Location", "/docs/"))
        .finish()
}

pub fn swagger_ui() -> SwaggerUi {
    let config = Config::from("/openapi.json")
        .try_it_out_enabled(true)
        .display_request_duration(true)
        .default_models_expand_depth(0)
        .validator_url("none");
    SwaggerUi::new("/docs/{_:.*}").config(config)
}
