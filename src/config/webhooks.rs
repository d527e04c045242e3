//! The settings of webhooks, and of the hub that is told of changes in feeds.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::values::Values;

/// Retries that may be listed.
const MOST_RETRIES: usize = 30;
const DAY: u64 = 86_400;
/// Feeds of which a hub is told always, below the public address.
const FEEDS: [&str; 3] = ["/v1/feeds/rss", "/v1/feeds/atom", "/v1/feeds/json"];

#[derive(Clone, Debug)]
pub struct WebhookConfig {
    /// Networks that may be sent to though they are not public.
    pub allow: Vec<IpNet>,
    /// Whether http URLs are taken, too.
    pub http: bool,
    pub timeout: Duration,
    /// Requests to one receiver at a time.
    pub connections: usize,
    /// Rests between the attempts at one event.
    pub retries: Vec<Duration>,
}

#[derive(Clone, Debug)]
pub struct WebSubConfig {
    pub hub: String,
    /// The addresses of the feeds that it is told of.
    pub feeds: Vec<String>,
}

impl WebhookConfig {
    pub(super) fn read(values: &Values) -> Result<Self, String> {
        let http = match values.text("KIOSQUE_WEBHOOK_HTTP") {
            "true" => true,
            "false" => false,
            text => {
                return Err(format!(
                    "KIOSQUE_WEBHOOK_HTTP is {text:?}; it takes true or false"
                ));
            }
        };
        Ok(Self {
            allow: networks(values.text("KIOSQUE_WEBHOOK_ALLOW"))?,
            http,
            timeout: values.seconds("KIOSQUE_WEBHOOK_TIMEOUT", 1..=30)?,
            connections: values.number("KIOSQUE_WEBHOOK_CONNECTIONS", 1..=32)?,
            retries: retries(values.text("KIOSQUE_WEBHOOK_RETRIES"))?,
        })
    }
}

impl WebSubConfig {
    pub(super) fn read(values: &Values, public_url: Option<&str>) -> Result<Option<Self>, String> {
        let (hub, feeds) = (
            values.text("KIOSQUE_WEBSUB_HUB"),
            values.text("KIOSQUE_WEBSUB_FEEDS"),
        );
        if hub.is_empty() {
            return match feeds.is_empty() {
                true => Ok(None),
                false => {
                    Err("KIOSQUE_WEBSUB_FEEDS is set, and KIOSQUE_WEBSUB_HUB is not".to_owned())
                }
            };
        }
        if !is_link(hub) {
            return Err(format!(
                "KIOSQUE_WEBSUB_HUB is {hub:?}; it takes an http or https URL"
            ));
        }
        let Some(public_url) = public_url else {
            return Err(
                "KIOSQUE_WEBSUB_HUB needs KIOSQUE_PUBLIC_URL: a hub is told the addresses of feeds"
                    .to_owned(),
            );
        };
        let mut all: Vec<String> = FEEDS.map(|feed| format!("{public_url}{feed}")).into();
        for feed in feeds
            .split(',')
            .map(str::trim)
            .filter(|feed| !feed.is_empty())
        {
            all.push(match feed.starts_with('/') {
                true => format!("{public_url}{feed}"),
                false if is_link(feed) => feed.to_owned(),
                false => {
                    return Err(format!(
                        "KIOSQUE_WEBSUB_FEEDS has {feed:?}; it takes paths and URLs, parted by commas"
                    ));
                }
            });
        }
        Ok(Some(Self {
            hub: hub.to_owned(),
            feeds: all,
        }))
    }
}

/// An address that can stand between the angle brackets of a `Link`.
fn is_link(text: &str) -> bool {
    let known = text.starts_with("http://") || text.starts_with("https://");
    known
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"<>\"".contains(&byte))
}

fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    let words = text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    words
        .map(|word| {
            let network = word.parse::<IpNet>().ok();
            network
                .or_else(|| word.parse::<IpAddr>().ok().map(IpNet::from))
                .ok_or_else(|| {
                    format!(
                        "KIOSQUE_WEBHOOK_ALLOW has {word:?}; it takes networks, as in 10.1.0.0/16, parted by commas"
                    )
                })
        })
        .collect()
}

fn retries(text: &str) -> Result<Vec<Duration>, String> {
    let rests: Option<Vec<Duration>> = text
        .split(',')
        .map(|word| {
            let seconds = word.trim().parse().ok();
            let sound = seconds.filter(|seconds| (1..=DAY).contains(seconds));
            sound.map(Duration::from_secs)
        })
        .collect();
    rests
        .filter(|rests| rests.len() <= MOST_RETRIES)
        .ok_or_else(|| {
            format!(
                "KIOSQUE_WEBHOOK_RETRIES is {text:?}; it takes 1 to {MOST_RETRIES} numbers of seconds up to {DAY}, \
                 parted by commas"
            )
        })
}
