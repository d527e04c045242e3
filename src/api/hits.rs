//! The outermost layer: gives what is kept before anything else is looked at.
//!
//! A hit touches no database, no JSON and no other thread, and passes by every other layer. So it sets the headers that
//! `envelope` sets on other answers, and counts and logs itself. Whoever shows credentials is passed on: what is kept is
//! the public's.

use std::future::{Ready, ready};
use std::rc::Rc;
use std::time::Instant;

use actix_web::body::{BoxBody, EitherBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, web};
use futures_util::TryFutureExt;
use futures_util::future::{Either, MapOk};

use crate::api::envelope::{self, SERVER_TIMING};
use crate::api::log_lines;
use crate::api::state::State;
use crate::api::wish::Wish;

pub struct Hits(pub web::Data<State>);

pub struct HitsService<S> {
    state: web::Data<State>,
    service: Rc<S>,
}

impl<S, B> Transform<S, ServiceRequest> for Hits
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
{
    type Response = ServiceResponse<EitherBody<BoxBody, B>>;
    type Error = actix_web::Error;
    type Transform = HitsService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(HitsService {
            state: self.0.clone(),
            service: Rc::new(service),
        }))
    }
}

type Widened<B> = fn(ServiceResponse<B>) -> ServiceResponse<EitherBody<BoxBody, B>>;
type Given<B> = Ready<Result<ServiceResponse<EitherBody<BoxBody, B>>, actix_web::Error>>;

impl<S, B> Service<ServiceRequest> for HitsService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
{
    type Response = ServiceResponse<EitherBody<BoxBody, B>>;
    type Error = actix_web::Error;
    type Future = Either<Given<B>, MapOk<S::Future, Widened<B>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        match hit(&self.state, &request) {
            Some(response) => {
                let response = request.into_response(response).map_into_left_body();
                Either::Left(ready(Ok(response)))
            }
            None => {
                let widened: Widened<B> = ServiceResponse::map_into_right_body;
                Either::Right(self.service.call(request).map_ok(widened))
            }
        }
    }
}

fn hit(state: &State, request: &ServiceRequest) -> Option<HttpResponse> {
    let cache = state.cache.as_ref()?;
    let method = request.method();
    if !matches!(*method, Method::GET | Method::HEAD)
        || request.headers().contains_key(header::AUTHORIZATION)
    {
        return None;
    }
    let started = Instant::now();
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
    Some(response)
}
