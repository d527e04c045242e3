//! `/metrics`: what Prometheus scrapes.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, get, web};
use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use crate::api::problem::Problem;
use crate::api::state::State;
use crate::delivery::Told;
use crate::error::Error;

/// Counts and times every request by route, and tells how far the indexes have come and how full the cache is.
#[derive(Clone)]
pub struct Metrics(Arc<Collectors>);

struct Collectors {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    /// Requests by what the cache had to say.
    asked: IntCounterVec,
    hits: IntCounter,
    /// Those of reads that were looked up, by route.
    routes: RwLock<HashMap<String, Meters>>,
    purges: IntCounterVec,
    webhooks: IntCounterVec,
    webhook_lag: IntGauge,
    webhook_pending: IntGauge,
    positions: IntGaugeVec,
    cached_bytes: IntGauge,
    cached_answers: IntGauge,
    rankings: IntGauge,
}

/// Of one route, ready at hand: counts without looking anything up.
#[derive(Clone)]
pub struct Meters {
    hits: IntCounter,
    by_form: [Meter; 4],
}

#[derive(Clone)]
struct Meter {
    requests: IntCounter,
    durations: Histogram,
}

impl Metrics {
    /// # Errors
    /// When the metrics' names clash, which is a fault of this program.
    pub fn new() -> Result<Self, String> {
        Self::collectors().map_err(|error| format!("cannot set up the metrics: {error}"))
    }

    fn collectors() -> prometheus::Result<Self> {
        const BY: [&str; 3] = ["endpoint", "method", "status"];
        let registry = Registry::new();
        let requests = Opts::new("kiosque_http_requests_total", "Requests answered");
        let requests = registered(&registry, IntCounterVec::new(requests, &BY)?)?;
        let durations = HistogramOpts::new(
            "kiosque_http_requests_duration_seconds",
            "Time until the answer was ready to be sent",
        );
        let durations = registered(&registry, HistogramVec::new(durations, &BY)?)?;
        let asked = Opts::new(
            "kiosque_cache_requests_total",
            "Requests by result: hit, miss (made and perhaps kept), shared (made once for several)",
        );
        let asked = registered(&registry, IntCounterVec::new(asked, &["result"])?)?;
        let purges = Opts::new(
            "kiosque_purges_total",
            "Attempts to purge caches outside, by result: done, failed",
        );
        let purges = registered(&registry, IntCounterVec::new(purges, &["result"])?)?;
        let webhooks = Opts::new(
            "kiosque_webhook_attempts_total",
            "Attempts at webhooks, by result: delivered, failed; given_up counts events that are not tried again",
        );
        let webhooks = registered(&registry, IntCounterVec::new(webhooks, &["result"])?)?;
        let positions = Opts::new(
            "kiosque_index_position",
            "Line of the change log that a derived index has come to; -1 while it is built",
        );
        let gauge = |name: &str, help: &str| registered(&registry, IntGauge::new(name, help)?);
        Ok(Self(Arc::new(Collectors {
            hits: asked.with_label_values(&["hit"]),
            routes: RwLock::default(),
            positions: registered(&registry, IntGaugeVec::new(positions, &["index"])?)?,
            cached_bytes: gauge("kiosque_cache_bytes", "Memory of the answers that are kept")?,
            cached_answers: gauge("kiosque_cache_answers", "Answers that are kept")?,
            rankings: gauge(
                "kiosque_related_rankings",
                "Articles whose nearest ones are kept, whether or not they still are",
            )?,
            webhook_lag: gauge(
                "kiosque_webhook_lag",
                "Lines of the change log that the webhook furthest behind has not been told of",
            )?,
            webhook_pending: gauge(
                "kiosque_webhook_pending",
                "Events that wait for another attempt at a webhook, or for an answer that does not come",
            )?,
            requests,
            durations,
            asked,
            purges,
            webhooks,
            registry,
        })))
    }

    /// The meters of a route's reads.
    pub fn route(&self, endpoint: &str) -> Meters {
        let routes = &self.0.routes;
        let known = routes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(meters) = known.get(endpoint) {
            return meters.clone();
        }
        drop(known);
        let mut known = routes.write().unwrap_or_else(PoisonError::into_inner);
        let meters = known.entry(endpoint.to_owned());
        meters.or_insert_with(|| self.looked_up(endpoint)).clone()
    }

    fn looked_up(&self, endpoint: &str) -> Meters {
        let meter = |method: &str, status: &str| {
            let labels = [endpoint, method, status];
            Meter {
                requests: self.0.requests.with_label_values(&labels),
                durations: self.0.durations.with_label_values(&labels),
            }
        };
        Meters {
            hits: self.0.hits.clone(),
            by_form: [
                meter("GET", "200"),
                meter("GET", "304"),
                meter("HEAD", "200"),
                meter("HEAD", "304"),
            ],
        }
    }

    /// Counts a request that the cache was asked for in vain: `miss` or `shared`.
    pub fn count_asked(&self, result: &str) {
        self.0.asked.with_label_values(&[result]).inc();
    }

    pub fn count_hit(&self) {
        self.0.hits.inc();
    }

    /// Counts an attempt to purge caches outside.
    pub fn count_purge(&self, is_done: bool) {
        let result = if is_done { "done" } else { "failed" };
        self.0.purges.with_label_values(&[result]).inc();
    }

    /// Takes over what is told of webhooks.
    pub fn tell_webhooks(&self, told: Told) {
        let result = match told {
            Told::Attempt { is_success: true } => "delivered",
            Told::Attempt { is_success: false } => "failed",
            Told::GivenUp => "given_up",
            Told::Lag(lines) => return self.0.webhook_lag.set(lines),
            Told::Pending(events) => return self.0.webhook_pending.set(events),
        };
        self.0.webhooks.with_label_values(&[result]).inc();
    }

    fn count(&self, endpoint: &str, method: &str, status: StatusCode, took: Duration) {
        let labels = [endpoint, method, status.as_str()];
        self.0.requests.with_label_values(&labels).inc();
        let durations = self.0.durations.with_label_values(&labels);
        durations.observe(took.as_secs_f64());
    }

    /// Takes the present state of the server over.
    fn observe(&self, state: &State) {
        for (name, position) in state.progress.positions() {
            self.0
                .positions
                .with_label_values(&[name])
                .set(position.unwrap_or(-1));
        }
        let (answers, bytes) = state.cache.as_ref().map_or((0, 0), |cache| cache.size());
        let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.0.cached_answers.set(number(answers as u64));
        self.0.cached_bytes.set(number(bytes));
        let ranked = state.engine(state.clock.now()).ranked();
        self.0.rankings.set(number(ranked as u64));
    }
}

impl Meters {
    /// Counts an answer from the cache.
    pub fn count(&self, method: &Method, status: StatusCode, started: Instant) {
        let place = 2 * usize::from(method == Method::HEAD)
            + usize::from(status == StatusCode::NOT_MODIFIED);
        let meter = &self.by_form[place];
        meter.requests.inc();
        meter.durations.observe(started.elapsed().as_secs_f64());
        self.hits.inc();
    }
}

fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: C,
) -> prometheus::Result<C> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

#[get("/metrics")]
pub async fn get_metrics(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let metrics = &state.metrics;
    metrics.observe(&state);
    let text = TextEncoder::new()
        .encode_to_string(&metrics.0.registry.gather())
        .map_err(|error| Error::Internal(format!("the metrics cannot be told: {error}")))?;
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "no-store"))
        .content_type(prometheus::TEXT_FORMAT)
        .body(text))
}

/// The layer that counts every request but those that the cache answers, which counts them itself.
///
/// # Errors
/// Those of the layers within.
pub async fn count(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let started = Instant::now();
    let method = known(request.method());
    let state = request.app_data::<web::Data<State>>().cloned();
    let response = next.call(request).await?;
    if let Some(state) = state {
        let pattern = response.request().match_pattern();
        let endpoint = pattern.as_deref().unwrap_or("unknown");
        let status = response.status();
        state
            .metrics
            .count(endpoint, method, status, started.elapsed());
    }
    Ok(response)
}

/// Anyone may make up methods; each label costs memory.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
