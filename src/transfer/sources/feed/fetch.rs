//! Getting a page of a feed over the network, or from a file, without more of it than fits.

use std::io::{self, Read};
use std::time::Duration;

use url::Url;

use crate::transfer::sources::place::Place;

/// Bytes that one page may have.
const MAX_PAGE: u64 = 50 * 1024 * 1024;
/// From the first byte sent to the last one received.
const PATIENCE: Duration = Duration::from_secs(60);
const REDIRECTS: u32 = 5;
const ACCEPTED: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/json;q=0.9, \
                        application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1";

/// A page, and where it was found in the end.
pub struct Page {
    pub bytes: Vec<u8>,
    pub url: Option<Url>,
    /// What the server says that it is encoded in.
    pub charset: Option<String>,
}

pub struct Fetcher(ureq::Agent);

impl Fetcher {
    pub fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .max_redirects(REDIRECTS)
            .timeout_global(Some(PATIENCE))
            .user_agent(concat!("kiosque/", env!("CARGO_PKG_VERSION")))
            .accept(ACCEPTED);
        Self(config.build().into())
    }

    /// # Errors
    /// Why it cannot be fetched.
    pub fn page(&self, url: &Url) -> io::Result<Page> {
        use ureq::ResponseExt;
        let said = |error: ureq::Error| io::Error::other(format!("cannot fetch {url}: {error}"));
        let mut response = self.0.get(url.as_str()).call().map_err(said)?;
        let found = Url::parse(&response.get_uri().to_string()).ok();
        let charset = response.body().charset().map(str::to_owned);
        let body = response.body_mut().with_config().limit(MAX_PAGE);
        Ok(Page {
            bytes: body.read_to_vec().map_err(said)?,
            url: found.or_else(|| Some(url.clone())),
            charset,
        })
    }
}

/// # Errors
/// When it cannot be read, or is too large.
pub fn file(place: &Place) -> io::Result<Page> {
    let mut bytes = Vec::new();
    place.at(0).take(MAX_PAGE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_PAGE {
        return Err(io::Error::other(format!(
            "a feed is read up to {MAX_PAGE} bytes"
        )));
    }
    Ok(Page {
        bytes,
        url: None,
        charset: None,
    })
}
