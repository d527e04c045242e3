//! Which addresses other people's URLs may lead to: public ones, and networks that the operator allows.
//!
//! A name is resolved once for each connection, every address it has is looked at, and only these are connected to. So
//! a name that changes its address between the look and the connection gains nothing.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use url::{Host, Url};

use crate::config::WebhookConfig;
use crate::content::network::is_public;

/// Characters an address may have.
const MAX_URL: usize = 2_000;

/// Looks at addresses before they are connected to.
#[derive(Clone, Debug)]
pub struct Guard {
    allow: Arc<[IpNet]>,
    http: bool,
}

/// Why an attempt was not made.
#[derive(Debug)]
pub(super) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the address is not public")
    }
}

impl std::error::Error for Refused {}

impl Guard {
    pub fn new(config: &WebhookConfig) -> Self {
        Self {
            allow: config.allow.as_slice().into(),
            http: config.http,
        }
    }

    /// The URL in one spelling.
    ///
    /// # Errors
    /// A phrase that says what stands in the way. A name is not looked up: that is done at each connection.
    pub fn check(&self, text: &str) -> Result<String, String> {
        if text.len() > MAX_URL {
            return Err(format!("is longer than {MAX_URL} characters"));
        }
        let url = Url::parse(text).map_err(|error| format!("is no URL: {error}"))?;
        match url.scheme() {
            "https" => {}
            "http" if self.http => {}
            "http" => return Err("must be https here".to_owned()),
            _ => return Err("must be an https URL".to_owned()),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not have a name or password in it".to_owned());
        }
        if url.fragment().is_some() {
            return Err("must not have a fragment".to_owned());
        }
        let address = match url.host() {
            Some(Host::Domain(_)) => None,
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            None => return Err("has no host".to_owned()),
        };
        if address.is_some_and(|address| !self.allows(address)) {
            return Err("leads to an address that is not public".to_owned());
        }
        let url = url.to_string();
        // As it will be read when it is sent to.
        match url.parse::<Uri>() {
            Ok(uri) if uri.host().is_some() => Ok(url),
            _ => Err("is no URL that can be sent to".to_owned()),
        }
    }

    fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let allowed = self.allow.iter().any(|network| network.contains(&address));
        allowed || is_public(address)
    }
}

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let addresses = DefaultResolver::default().resolve(uri, config, timeout)?;
        // One of several is as bad as all: which is connected to is not ours to say.
        match addresses.iter().all(|address| self.allows(address.ip())) {
            true => Ok(addresses),
            false => Err(io::Error::new(io::ErrorKind::PermissionDenied, Refused).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(allow: &[&str], http: bool) -> Guard {
        Guard {
            allow: allow.iter().map(|net| net.parse().unwrap()).collect(),
            http,
        }
    }

    #[test]
    fn only_public_addresses_are_sent_to() {
        let guard = guard(&[], false);
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.168.1.1",
            "198.19.0.1",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!guard.allows(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "172.32.0.1",
            "192.0.1.1",
            "2606:4700::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(guard.allows(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn the_operator_allows_networks() {
        let guard = guard(&["10.1.0.0/16", "fd00::/8"], false);
        for (address, is_allowed) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("10.2.0.1", false),
            ("fd12::1", true),
            ("fe80::1", false),
        ] {
            assert_eq!(guard.allows(address.parse().unwrap()), is_allowed);
        }
    }

    #[test]
    fn a_url_is_looked_at_before_it_is_kept() {
        let strict = guard(&[], false);
        for url in [
            "",
            "hook",
            "ftp://hook.example/",
            "http://hook.example/",
            "https://",
            "https://name:secret@hook.example/",
            "https://name@hook.example/",
            "https://hook.example/#here",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest/meta-data/",
            "file:///etc/passwd",
            "https://hook example/",
            &format!("https://hook.example/{}", "x".repeat(2_000)),
        ] {
            assert!(strict.check(url).is_err(), "{url}");
        }
        assert_eq!(
            strict.check("https://Hook.example:8443/a?b=c d").unwrap(),
            "https://hook.example:8443/a?b=c%20d"
        );
        let open = guard(&["127.0.0.0/8"], true);
        assert!(open.check("http://127.0.0.1:9000/").is_ok());
        assert!(open.check("http://10.0.0.1/").is_err());
    }
}
