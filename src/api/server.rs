//! The HTTP server: layers around the operations, and its life from bind to shutdown.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::{Server, ServerHandle};
use actix_web::http::Method;
use actix_web::http::header;
use actix_web::middleware::{Condition, Logger, from_fn};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use utoipa_actix_web::AppExt;

use crate::api::auth::authenticate;
use crate::api::change_feed::Feed;
use crate::api::docs::{self, Document};
use crate::api::envelope::{REQUEST_ID, envelope};
use crate::api::hits;
use crate::api::log_lines;
use crate::api::metrics;
use crate::api::openapi::{self, Paths};
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::error::Error;

/// Seconds a client may take to send its request's head.
const SLOW_CLIENT: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(75);

pub struct Settings {
    pub listen: SocketAddr,
    pub workers: usize,
    pub shutdown_timeout: Duration,
}

/// Binds the address; the returned server answers when it is awaited.
///
/// # Errors
/// One line for the operator.
pub fn bind(state: State, settings: &Settings) -> Result<(Server, SocketAddr), String> {
    let document = openapi::document();
    let text = serde_json::to_vec(&document)
        .map_err(|error| format!("cannot serialise the OpenAPI document: {error}"))?;
    let document_page = web::Data::new(Document::of(text, state.max_age));
    let paths = web::Data::from(Arc::new(Paths::of(&document)));
    let feed = Arc::clone(&state.feed);
    let state = web::Data::new(state);

    let app = move || {
        let app = App::new()
            .into_utoipa_app()
            .app_data(state.clone())
            .app_data(document_page.clone())
            .app_data(paths.clone())
            .configure(openapi::operations)
            .into_app()
            .service(metrics::get_metrics)
            .service(docs::get_document)
            .service(docs::to_folder)
            .service(docs::from_root)
            .service(docs::swagger_ui())
            .default_service(web::to(elsewhere))
            .wrap(from_fn(authenticate))
            .wrap(from_fn(envelope))
            .wrap(cors())
            .wrap(from_fn(metrics::count))
            // Which writes its line before it looks whether anyone wants it.
            .wrap(Condition::new(
                log::log_enabled!(target: log_lines::ACCESS, log::Level::Info),
                Logger::new(&format!(r#"%a "%{{LINE}}xi" %s %b %Ts %{{{REQUEST_ID}}}o"#))
                    .custom_request_replace("LINE", log_lines::first_line)
                    .log_target(log_lines::ACCESS),
            ));
        hits::before(state.clone(), app)
    };
    let server = HttpServer::new(app)
        .workers(settings.workers)
        .client_request_timeout(SLOW_CLIENT)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(settings.shutdown_timeout.as_secs())
        .bind(settings.listen)
        .map_err(|error| cannot_listen(settings.listen, &error))?;
    let address = server.addrs().first().copied().unwrap_or(settings.listen);
    actix_web::rt::spawn(close_when_told(feed));
    Ok((server.run(), address))
}

/// Ends what waits for changes when the process is told to stop: the server waits for requests that are running, and
/// those would run on.
async fn close_when_told(feed: Arc<Feed>) {
    use actix_web::rt::signal;
    #[cfg(unix)]
    {
        use signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            return log::warn!("streams of changes will not end by themselves at a stop");
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = signal::ctrl_c() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = signal::ctrl_c().await;
    feed.close();
}

/// Lets running requests end, and takes no new ones.
pub async fn stop(handle: ServerHandle) {
    handle.stop(true).await;
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!("cannot listen on {address}: the port is taken"),
        io::ErrorKind::PermissionDenied => format!("cannot listen on {address}: not permitted"),
        _ => format!("cannot listen on {address}: {error}"),
    }
}

/// Open to every site, never with a browser's own credentials: whoever writes sends a token of its own making, which
/// no foreign site has. `envelope` says so on the answers themselves.
fn cors() -> Cors {
    Cors::default()
        .allow_any_origin()
        .send_wildcard()
        .disable_vary_header()
        .allowed_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ])
        .allow_any_header()
        .max_age(86_400)
}

/// A path that is no operation's, or an operation's with another method.
async fn elsewhere(request: HttpRequest, paths: web::Data<Paths>) -> Result<HttpResponse, Problem> {
    match paths.allowed(request.path()) {
        Some(methods) => Ok(HttpResponse::MethodNotAllowed()
            .insert_header((header::ALLOW, methods))
            .finish()),
        None => Err(Error::UnknownRoute.into()),
    }
}
