//! `/docs` and `/openapi.json`: Swagger UI, whose every file is in the program, and the document it shows.

use actix_web::{HttpRequest, HttpResponse, get, web};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::api::conditional::{Answer, Wish};
use crate::api::problem::Problem;
use crate::api::state::State;

/// The OpenAPI document, serialised once.
pub struct Document(pub Vec<u8>);

#[get("/openapi.json")]
pub async fn get_document(
    request: HttpRequest,
    state: web::Data<State>,
    document: web::Data<Document>,
) -> Result<HttpResponse, Problem> {
    let answer = Answer::of_json(document.0.clone());
    Ok(answer.fulfil(&Wish::of(&request), state.max_age).respond())
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
