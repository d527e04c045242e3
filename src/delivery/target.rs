//! Whoever is asked to purge: one address, which takes tags in the headers and the body that the usual caches read.

use std::time::Duration;

use serde_json::json;

use crate::config::PurgeConfig;
use crate::delivery::tags::Tags;

/// What one request may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Varnish ends a connection that has been idle for five seconds.
const IDLE: Duration = Duration::from_secs(3);
const MAX_ANSWER: u64 = 64 << 10;

pub struct Target {
    agent: ureq::Agent,
    config: PurgeConfig,
}

impl Target {
    pub fn new(config: &PurgeConfig) -> Self {
        let agent = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .max_idle_age(IDLE)
            .build()
            .into();
        Self {
            agent,
            config: config.clone(),
        }
    }

    /// # Errors
    /// A phrase, when any of the tags may not have been purged.
    pub(super) fn purge(&self, tags: &Tags, is_stopping: impl Fn() -> bool) -> Result<(), String> {
        for tags in tags.requests() {
            if is_stopping() {
                return Err("the server stops".to_owned());
            }
            self.post(&tags)?;
        }
        Ok(())
    }

    fn post(&self, tags: &[&str]) -> Result<(), String> {
        let mut request = self
            .agent
            .post(&self.config.url)
            .content_type("application/json")
            .header("surrogate-key", tags.join(" "))
            .header("cache-tag", tags.join(","));
        if let Some((name, value)) = &self.config.header {
            request = request.header(name, value.as_str());
        }
        let response = request.send(json!({ "tags": tags }).to_string());
        let mut response = response.map_err(|error| error.to_string())?;
        // Read, so that the connection can be used again; what it says does not matter.
        drop(
            response
                .body_mut()
                .with_config()
                .limit(MAX_ANSWER)
                .read_to_vec(),
        );
        match response.status().is_success() {
            true => Ok(()),
            false => Err(format!("the answer is {}", response.status())),
        }
    }
}
