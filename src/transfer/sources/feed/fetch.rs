//! Getting a page of a feed over the network, or from a file, without more of it than fits.

use std::fmt::Display;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use ureq::Body;
use ureq::http::{Response, Uri};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use url::{Origin, Url};

use crate::content::network::is_public;
use crate::transfer::sources::place::Place;

/// Bytes that one page may have.
const MAX_PAGE: u64 = 50 * 1024 * 1024;
/// From the first byte sent to the last one received, wherever the server sends us.
const PATIENCE: Duration = Duration::from_secs(60);
const REDIRECTS: usize = 5;
const ACCEPTED: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/json;q=0.9, \
                        application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1";

/// A page, and where it was found in the end.
pub struct Page {
    pub bytes: Vec<u8>,
    pub url: Option<Url>,
    /// What the server says that it is encoded in.
    pub charset: Option<String>,
}

/// Fetches what an operator asked for, whatever network that is in, and what it leads to elsewhere, in public networks
/// alone: whoever writes a feed does not choose what is asked from here.
pub struct Fetcher {
    asked: Origin,
    here: ureq::Agent,
    elsewhere: ureq::Agent,
}

impl Fetcher {
    /// For the feed at this address.
    pub fn new(asked: &Url) -> Self {
        let config = || {
            ureq::Agent::config_builder()
                .max_redirects(0)
                .user_agent(concat!("kiosque/", env!("CARGO_PKG_VERSION")))
                .accept(ACCEPTED)
        };
        // Not through a proxy, which would connect to what we must not.
        let guarded = config().proxy(None).build();
        Self {
            asked: asked.origin(),
            here: config().build().into(),
            elsewhere: ureq::Agent::with_parts(guarded, DefaultConnector::default(), Public),
        }
    }

    /// # Errors
    /// Why it cannot be fetched.
    pub fn page(&self, url: &Url) -> io::Result<Page> {
        let end = Instant::now() + PATIENCE;
        let mut at = url.clone();
        let mut is_here = true;
        for _ in 0..=REDIRECTS {
            // Whoever is led elsewhere is not led back to what only we can reach.
            is_here &= self.is_asked(&at);
            let mut response = self.answer(&at, is_here, end)?;
            if !response.status().is_redirection() {
                return page(&mut response, at);
            }
            at = redirect(&response, &at)?;
        }
        Err(cannot(url, "it is redirected too often"))
    }

    /// Whether the address is of the server that was named, also where that has it asked over TLS.
    fn is_asked(&self, url: &Url) -> bool {
        let upgraded =
            |url: &Url| url.scheme() == "https" && url.port_or_known_default() == Some(443);
        match &self.asked {
            asked if *asked == url.origin() => true,
            Origin::Tuple(scheme, host, 80) if scheme == "http" => {
                upgraded(url) && url.host().map(|host| host.to_owned()).as_ref() == Some(host)
            }
            _ => false,
        }
    }

    fn answer(&self, url: &Url, is_here: bool, end: Instant) -> io::Result<Response<Body>> {
        let agent = match is_here {
            true => &self.here,
            false => &self.elsewhere,
        };
        // Nothing is left at the end, which is not the same as no end.
        let left = end.saturating_duration_since(Instant::now());
        let left = left.max(Duration::from_millis(1));
        let request = agent.get(url.as_str()).config();
        let answer = request.timeout_global(Some(left)).build().call();
        answer.map_err(|error| cannot(url, error))
    }
}

fn page(response: &mut Response<Body>, url: Url) -> io::Result<Page> {
    let charset = response.body().charset().map(str::to_owned);
    let body = response.body_mut().with_config().limit(MAX_PAGE);
    let bytes = body.read_to_vec().map_err(|error| cannot(&url, error))?;
    Ok(Page {
        bytes,
        url: Some(url),
        charset,
    })
}

/// Where an answer sends us.
fn redirect(response: &Response<Body>, from: &Url) -> io::Result<Url> {
    let location = response.headers().get("location");
    let location = location.and_then(|value| from.join(value.to_str().ok()?).ok());
    location
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| cannot(from, "it is redirected to no address"))
}

fn cannot(url: &Url, reason: impl Display) -> io::Error {
    io::Error::other(format!("cannot fetch {url}: {reason}"))
}

/// Finds the addresses of a name, if all of them are public: which is connected to is not ours to say.
#[derive(Debug)]
struct Public;

impl Resolver for Public {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let addresses = DefaultResolver::default().resolve(uri, config, timeout)?;
        match addresses.iter().all(|address| is_public(address.ip())) {
            true => Ok(addresses),
            false => {
                let reason =
                    "it is at an address that is not public, and another server leads there";
                Err(io::Error::new(io::ErrorKind::PermissionDenied, reason).into())
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_that_was_named_is_known_again_over_tls() {
        let named = Fetcher::new(&Url::parse("http://intranet.example/feed").unwrap());
        let is_asked = |url: &str| named.is_asked(&Url::parse(url).unwrap());
        assert!(is_asked("http://intranet.example/other"));
        assert!(is_asked("https://intranet.example/feed"));
        assert!(!is_asked("https://intranet.example:8443/feed"));
        assert!(!is_asked("http://intranet.example:8080/feed"));
        assert!(!is_asked("https://www.intranet.example/feed"));
        let other = Fetcher::new(&Url::parse("https://a.example:444/").unwrap());
        assert!(!other.is_asked(&Url::parse("http://a.example:444/").unwrap()));
    }
}
