//! What stands before the application: gives what is kept before anything else is looked at.
//!
//! A hit touches no database, no JSON and no other thread, and passes by every layer and the router. So it sets the
//! headers that `envelope` sets on other answers, and counts and logs itself. Whoever shows credentials is passed on:
//! what is kept is the public's.

use std::future::{Ready, ready};
use std::time::Instant;

use actix_http::Request;
use actix_service::{IntoServiceFactory, Service, ServiceFactory, forward_ready};
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{AppConfig, Response, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpMessage, web};
use futures_util::future::{Either, LocalBoxFuture, MapOk};
use futures_util::{FutureExt, TryFutureExt};

use crate::api::envelope::{self, SERVER_TIMING};
use crate::api::in_transit;
use crate::api::log_lines;
use crate::api::state::State;
use crate::api::wish::Wish;
use crate::delivery::Purges;

/// The application with the cache before it.
pub fn before<F, I>(state: web::Data<State>, application: I) -> Hits<F>
where
    I: IntoServiceFactory<F, Request>,
    F: ServiceFactory<Request>,
{
    Hits {
        state,
        within: application.into_factory(),
    }
}

pub struct Hits<F> {
    state: web::Data<State>,
    within: F,
}

pub struct HitsService<S> {
    state: web::Data<State>,
    within: S,
}

/// An answer that was kept, or one of the application's.
type Given<B> = Response<EitherBody<BoxBody, B>>;

impl<F, B> ServiceFactory<Request> for Hits<F>
where
    F: ServiceFactory<Request, Response = ServiceResponse<B>, Config = AppConfig>,
    F::Future: 'static,
    B: MessageBody,
{
    type Response = Given<B>;
    type Error = F::Error;
    type Config = AppConfig;
    type Service = HitsService<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, F::InitError>>;

    fn new_service(&self, config: AppConfig) -> Self::Future {
        let state = self.state.clone();
        let within = self.within.new_service(config);
        within
            .map_ok(|within| HitsService { state, within })
            .boxed_local()
    }
}

impl<S, B> Service<Request> for HitsService<S>
where
    S: Service<Request, Response = ServiceResponse<B>>,
    B: MessageBody,
{
    type Response = Given<B>;
    type Error = S::Error;
    type Future = Either<
        Ready<Result<Given<B>, S::Error>>,
        MapOk<S::Future, fn(ServiceResponse<B>) -> Given<B>>,
    >;

    forward_ready!(within);

    fn call(&self, request: Request) -> Self::Future {
        match hit(&self.state, &request) {
            Some(response) => Either::Left(ready(Ok(
                response.map_body(|_, body| EitherBody::left(body))
            ))),
            None => Either::Right(self.within.call(request).map_ok(widened)),
        }
    }
}

fn widened<B>(response: ServiceResponse<B>) -> Given<B> {
    Response::from(response).map_body(|_, body| EitherBody::right(body))
}

fn hit(state: &State, request: &Request) -> Option<Response<BoxBody>> {
    let cache = state.cache.as_ref()?;
    let method = request.method();
    if !matches!(*method, Method::GET | Method::HEAD)
        || request.headers().contains_key(header::AUTHORIZATION)
    {
        return None;
    }
    let started = Instant::now();
    // Before the look: what was good then may not be when it is sent.
    let on_its_way = state.purges.as_ref().map(Purges::enter);
    let now = state.clock.now();
    let address = request.uri().path_and_query()?.as_str();
    let kept = cache.at_address(address, now.timestamp_micros())?;
    let page = &kept.answer;
    let wish = Wish::of(method, request);
    if page.finished.is_to_be_prepared(&wish) {
        return None;
    }
    let mut response = page.finished.respond(&wish, now);
    let id = envelope::request_id(request.headers());
    let headers = response.headers_mut();
    headers.insert(SERVER_TIMING, HeaderValue::from_static("cache;desc=hit"));
    envelope::set_common(headers, id);
    page.meters.count(method, response.status(), started);
    log_lines::log_hit(request, &response, started);
    Some(in_transit::holding(response, on_its_way).into())
}
