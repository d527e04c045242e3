//! The other Kiosque: its change feed over HTTP.

use std::time::Duration;

use crate::mirror::feed::{Page, Unread};

/// Lines that are taken in together: one transaction.
pub(super) const LIMIT: u32 = 500;
/// Seconds that the source is asked to wait for a line.
pub const WAIT: u32 = 25;
/// What one request may take, beside the waiting.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a page: the source stops at about 8 MiB, but for the first line; JSON takes more than what it spells.
const MAX_PAGE: u64 = 64 << 20;
/// The same where there is but one line, however long its text may be there.
const MAX_LINE: u64 = 1 << 30;
const MAX_PROBLEM: u64 = 64 << 10;

/// Where the feed is, and as whom it is read.
pub struct Source {
    agent: ureq::Agent,
    url: String,
    authorization: Option<String>,
}

/// Why there is no page.
#[derive(Debug)]
pub enum Failure {
    /// It may be different in a while, of which the source may have said how long it is.
    Passing(String, Option<Duration>),
    /// It says that something is wrong with the question, or answers what is no feed. It, or a proxy before it: that may
    /// be over in a while, too, where the same was answered before.
    Refused(String),
    /// Its log ends before the place that was asked for.
    Beyond(String),
    /// A line of it is none that this program could take in.
    Unreadable(String),
    /// The page is longer than one may be; it is not with fewer lines.
    TooLong,
}

impl Source {
    /// # Errors
    /// A phrase that says what an address is.
    pub fn new(url: &str, key: Option<&str>) -> Result<Self, String> {
        let parsed: Option<ureq::http::Uri> = url.parse().ok();
        let is_sound = parsed.is_some_and(|uri| {
            let scheme = uri.scheme_str().unwrap_or_default();
            matches!(scheme, "http" | "https") && uri.host().is_some() && uri.query().is_none()
        });
        if !is_sound {
            return Err(format!(
                "{url:?} is no address of a Kiosque, as in https://news.example"
            ));
        }
        let agent = ureq::Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE + Duration::from_secs(WAIT.into())))
            .build()
            .into();
        Ok(Self {
            agent,
            url: url.trim_end_matches('/').to_owned(),
            authorization: key.map(|key| format!("Bearer {key}")),
        })
    }

    /// Whether it is told who asks, so that it may answer by what that one may read.
    pub fn is_known(&self) -> bool {
        self.authorization.is_some()
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The next page, of so many lines, with the present state of what it is about; waits for a line where there is none and `waits`.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn page(&self, after: i64, limit: u32, waits: bool) -> Result<Page, Failure> {
        let wait = match waits {
            true => format!("&wait={WAIT}"),
            false => String::new(),
        };
        let path = format!("/v1/changes?after={after}&limit={limit}&include=articles{wait}");
        self.get(&path, if limit > 1 { MAX_PAGE } else { MAX_LINE })
    }

    /// The first line after this one, without anything in it.
    ///
    /// # Errors
    /// As [`Source::page`].
    pub(super) fn line_after(&self, after: i64) -> Result<Page, Failure> {
        self.get(&format!("/v1/changes?after={after}&limit=1"), MAX_PAGE)
    }

    fn get(&self, path: &str, max: u64) -> Result<Page, Failure> {
        let passing = |error: ureq::Error| Failure::Passing(error.to_string(), None);
        let mut request = self.agent.get(format!("{}{path}", self.url));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let mut response = request.call().map_err(passing)?;
        let status = response.status().as_u16();
        if status == 200 {
            let body = response.body_mut().with_config().limit(max);
            let bytes = body.read_to_vec().map_err(|error| match error {
                ureq::Error::BodyExceedsLimit(_) => Failure::TooLong,
                error => passing(error),
            })?;
            return Page::read(&bytes).map_err(|unread| match unread {
                Unread::NoFeed(error) => {
                    Failure::Refused(format!("what it answers is no change feed: {error}"))
                }
                Unread::Line(what) => Failure::Unreadable(what),
            });
        }
        let retry_after = response.headers().get("retry-after");
        let seconds = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let body = response.body_mut().with_config().limit(MAX_PROBLEM);
        let said = body.read_to_string().unwrap_or_default();
        let said = detail(&said).unwrap_or_default();
        let what = format!("it answers {status} {said}").trim_end().to_owned();
        Err(match status {
            408 | 425 | 429 | 500.. => Failure::Passing(what, seconds.map(Duration::from_secs)),
            400 if what.contains("the log ends with") => Failure::Beyond(what),
            _ => Failure::Refused(what),
        })
    }
}

/// What a problem document says.
fn detail(text: &str) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(problem.get("detail")?.as_str()?.to_owned())
}
