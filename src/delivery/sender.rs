//! One request to someone else's server: bounded in time and in what is read, to a checked address, without redirects.

use std::io::Read;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use ureq::http::header::RETRY_AFTER;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body};

use crate::config::WebhookConfig;
use crate::delivery::address::{Guard, Refused};
use crate::delivery::schedule::retry_after;
use crate::store::deliveries::AttemptLine;

/// What is read of an answer, so that its connection may be used again.
const MAX_ANSWER: u64 = 16 << 10;
/// What is kept of it, in characters.
const MAX_KEPT: usize = 500;
const MAX_HEADERS: usize = 16 << 10;
/// How long the rest of an answer is waited for, once its status is known.
const BODY_WITHIN: Duration = Duration::from_secs(3);
/// The usual servers end a connection that has been idle for five seconds.
const IDLE: Duration = Duration::from_secs(3);
const IDLE_CONNECTIONS: usize = 200;
const AGENT: &str = concat!("Kiosque/", env!("CARGO_PKG_VERSION"));

#[derive(Clone)]
pub(super) struct Sender {
    agent: Agent,
}

/// What came of a request.
pub(super) struct Outcome {
    pub line: AttemptLine,
    pub retry_after: Option<Duration>,
}

impl Outcome {
    pub(super) fn is_success(&self) -> bool {
        self.line.error.is_none()
    }
}

impl Sender {
    pub(super) fn new(config: &WebhookConfig) -> Self {
        let settings = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            // Not from the environment: a proxy would connect to what we must not.
            .proxy(None)
            .timeout_global(Some(config.timeout))
            .timeout_recv_body(Some(BODY_WITHIN))
            .max_response_header_size(MAX_HEADERS)
            .max_idle_age(IDLE)
            .max_idle_connections(IDLE_CONNECTIONS)
            .max_idle_connections_per_host(config.connections)
            .user_agent(AGENT)
            .build();
        Self {
            agent: Agent::with_parts(settings, DefaultConnector::default(), Guard::new(config)),
        }
    }

    /// Posts it; `now` is the time that is told of it.
    pub(super) fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
        now: DateTime<Utc>,
    ) -> Outcome {
        let started = Instant::now();
        let mut request = self.agent.post(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send(body);
        let mut line = AttemptLine {
            at: now,
            status: None,
            error: None,
            duration_ms: 0,
            answer: None,
        };
        let mut asked = None;
        match response {
            Err(error) => line.error = Some(told(&error)),
            Ok(mut response) => {
                let status = response.status();
                line.status = Some(status.as_u16());
                line.error = (!status.is_success()).then(|| match status.as_u16() {
                    300..=399 => format!("the answer is {status}; redirects are not followed"),
                    _ => format!("the answer is {status}"),
                });
                let header = response.headers().get(RETRY_AFTER);
                let header = header.and_then(|value| value.to_str().ok());
                asked = header.and_then(|text| retry_after(text, now));
                line.answer = beginning(response.body_mut());
            }
        }
        line.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Outcome {
            line,
            retry_after: asked,
        }
    }
}

/// The beginning of an answer. What follows, or that it breaks off, does not matter: its status is known.
fn beginning(body: &mut Body) -> Option<String> {
    let mut bytes = Vec::new();
    let _ = body.as_reader().take(MAX_ANSWER).read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    // PostgreSQL's text has no NUL, and a log should not be drawn upon.
    let text: String = text
        .chars()
        .filter(|c| !c.is_control() || c.is_ascii_whitespace())
        .take(MAX_KEPT)
        .collect();
    (!text.is_empty()).then_some(text)
}

/// Why there is no answer, in words that tell no more than whoever set the URL may know.
fn told(error: &ureq::Error) -> String {
    use ureq::Error;
    let words = match error {
        Error::Io(io) if io.get_ref().is_some_and(|inner| inner.is::<Refused>()) => {
            return Refused.to_string();
        }
        Error::Timeout(_) => "there was no answer in time",
        Error::HostNotFound => "the name was not found",
        Error::ConnectionFailed => "no connection was made",
        Error::Tls(_) | Error::Rustls(_) | Error::TlsRequired => "no secure connection was made",
        Error::Io(io) => match io.kind() {
            std::io::ErrorKind::ConnectionRefused
            | std::io::ErrorKind::HostUnreachable
            | std::io::ErrorKind::NetworkUnreachable => "no connection was made",
            std::io::ErrorKind::TimedOut => "there was no answer in time",
            std::io::ErrorKind::InvalidData => "no secure connection was made",
            _ => "the connection broke off",
        },
        Error::LargeResponseHeader(..) => "the answer's headers are too large",
        _ => "the answer is not HTTP",
    };
    words.to_owned()
}
