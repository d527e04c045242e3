//! `/metrics`: what Prometheus scrapes.

use actix_web_prom::{PrometheusMetrics, PrometheusMetricsBuilder};
use prometheus::{IntGaugeVec, Opts};

use crate::follower::Progress;

/// Counts and times every request by route, and tells how far the indexes have come.
#[derive(Clone)]
pub struct Metrics {
    pub middleware: PrometheusMetrics,
    positions: IntGaugeVec,
}

impl Metrics {
    /// # Errors
    /// When the metrics' names clash, which is a fault of this program.
    pub fn new() -> Result<Self, String> {
        let describe =
            |error: &dyn std::fmt::Display| format!("cannot set up the metrics: {error}");
        let middleware = PrometheusMetricsBuilder::new("kiosque")
            .endpoint("/metrics")
            .mask_unmatched_patterns("unknown")
            .build()
            .map_err(|error| describe(&error))?;
        let opts = Opts::new(
            "kiosque_index_position",
            "Line of the change log that a derived index has come to; -1 while it is built",
        );
        let positions = IntGaugeVec::new(opts, &["index"]).map_err(|error| describe(&error))?;
        middleware
            .registry
            .register(Box::new(positions.clone()))
            .map_err(|error| describe(&error))?;
        Ok(Self {
            middleware,
            positions,
        })
    }

    /// Takes the present positions over.
    pub fn observe(&self, progress: &Progress) {
        for (name, position) in progress.positions() {
            self.positions
                .with_label_values(&[name])
                .set(position.unwrap_or(-1));
        }
    }
}
