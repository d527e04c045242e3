//! Who publishes, and where: what is the same in every feed.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Position, Url};

use crate::config::{Config, FeedsConfig, PLACES};

/// Everything outside RFC 3986's unreserved characters.
const PATH_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What no address has (RFC 3986 appendix A).
const UNKNOWN: &AsciiSet = &CONTROLS
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

#[derive(Clone, Debug)]
pub struct Publication {
    /// What addresses of this API begin with; no slash at the end.
    api_url: String,
    pub site_url: String,
    /// Whether that is a site's, and not this API's.
    has_site: bool,
    article_url: Option<String>,
    pub title: String,
    pub description: String,
    pub publisher: String,
    pub language: Option<String>,
    pub copyright: Option<String>,
    pub icon: Option<String>,
}

/// What an article's address is made of.
#[derive(Clone, Copy)]
pub struct Named<'a> {
    pub id: &'a str,
    pub slug: &'a str,
    pub language: &'a str,
    pub canonical_url: Option<&'a str>,
}

impl Publication {
    /// Addresses in feeds are absolute, so where the operator has not said what the public one is, the one that is
    /// listened on stands in. What a request calls the server is not asked: an answer that is kept would carry one
    /// caller's `Host` to all others.
    pub fn new(config: &Config) -> Self {
        let listen = config.listen;
        let api_url = config.public_url.clone();
        let api_url = api_url.unwrap_or_else(|| match listen.ip().is_unspecified() {
            true => format!("http://localhost:{}", listen.port()),
            false => format!("http://{listen}"),
        });
        let FeedsConfig {
            site_url,
            article_url,
            title,
            description,
            publisher,
            language,
            copyright,
            icon,
        } = config.feeds.clone();
        let site_url = site_url.and_then(|url| uri(&url));
        Self {
            has_site: site_url.is_some(),
            site_url: site_url.unwrap_or_else(|| format!("{api_url}/")),
            api_url,
            article_url,
            title,
            description,
            publisher,
            language,
            copyright,
            icon: icon.and_then(|url| uri(&url)),
        }
    }

    /// Where the article is read: on the operator's site; where that is not known, at its canonical address; else in
    /// this API.
    pub fn article(&self, named: Named) -> String {
        let segment = |text| utf8_percent_encode(text, PATH_SEGMENT).to_string();
        let values = [named.slug, named.id, named.language].map(segment);
        let on_site = self.article_url.as_ref().map(|pattern| {
            let pairs = PLACES.iter().zip(&values);
            pairs.fold(pattern.clone(), |url, (place, value)| {
                url.replace(place, value)
            })
        });
        on_site
            .as_deref()
            .or(named.canonical_url)
            .and_then(uri)
            .unwrap_or_else(|| self.api_article(named.slug))
    }

    /// Where the article is in this API.
    pub fn api_article(&self, slug: &str) -> String {
        let slug = utf8_percent_encode(slug, PATH_SEGMENT);
        format!("{}/v1/articles/{slug}", self.api_url)
    }

    /// Where the relative addresses in its text lead from: its page, else the site; `None` where neither is known.
    pub fn base(&self, named: Named) -> Option<String> {
        let has_page = self.article_url.is_some() || named.canonical_url.is_some();
        match has_page {
            true => Some(self.article(named)),
            false => self.has_site.then(|| self.site_url.clone()),
        }
    }

    /// An address of this API.
    pub fn api(&self, path_and_query: &str) -> String {
        let address = format!("{}{path_and_query}", self.api_url);
        uri(&address).unwrap_or(address)
    }

    /// What the kind of a tag stands for as a scheme of categories.
    pub fn tags(&self, kind: &str) -> String {
        format!("{}/v1/tags?kind={kind}", self.api_url)
    }

    pub fn tag(&self, slug: &str) -> String {
        let slug = utf8_percent_encode(slug, PATH_SEGMENT);
        format!("{}/v1/tags/{slug}", self.api_url)
    }
}

/// The address as RFC 3986 has it, in ASCII: what was typed may be an IRI. `None` where it is no http or https address.
pub fn uri(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https");
    // The URL standard lets some through that RFC 3986 does not know; a host may have brackets.
    let (host, rest) = (&url[..Position::BeforePath], &url[Position::BeforePath..]);
    let rest = utf8_percent_encode(rest, UNKNOWN);
    is_web.then(|| format!("{host}{rest}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn publication(variables: &[(&str, &str)]) -> Publication {
        let variables: BTreeMap<String, String> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Publication::new(&Config::from_variables(&variables).unwrap())
    }

    fn named(canonical_url: Option<&str>) -> Named<'_> {
        Named {
            id: "0192",
            slug: "l'été",
            language: "fr",
            canonical_url,
        }
    }

    #[test]
    fn an_article_is_read_on_the_site_else_at_its_canonical_address_else_here() {
        let site = (
            "KIOSQUE_ARTICLE_URL",
            "https://é.example/{language}/{slug}?id={id}",
        );
        let canonical = named(Some("https://news.example/été"));
        for (variables, named, expected) in [
            (
                vec![site],
                canonical,
                "https://xn--9ca.example/fr/l%27%C3%A9t%C3%A9?id=0192",
            ),
            (vec![], canonical, "https://news.example/%C3%A9t%C3%A9"),
            (
                vec![],
                named(None),
                "http://127.0.0.1:8080/v1/articles/l%27%C3%A9t%C3%A9",
            ),
            (
                vec![("KIOSQUE_LISTEN", "[::]:80")],
                named(None),
                "http://localhost:80/v1/articles/l%27%C3%A9t%C3%A9",
            ),
            (
                vec![("KIOSQUE_PUBLIC_URL", "https://api.example/")],
                named(None),
                "https://api.example/v1/articles/l%27%C3%A9t%C3%A9",
            ),
        ] {
            assert_eq!(publication(&variables).article(named), expected);
        }
    }

    #[test]
    fn only_what_is_an_address_of_the_web_is_one() {
        for no in ["", "x", "/x", "javascript:alert(1)", "mailto:a@b.example"] {
            assert_eq!(uri(no), None, "{no}");
        }
        assert_eq!(
            uri("https://[::1]/b c?d=\"|e{f}[g]").as_deref(),
            Some("https://[::1]/b%20c?d=%22%7Ce%7Bf%7D%5Bg%5D")
        );
    }
}
