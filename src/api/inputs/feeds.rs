//! What feeds and sitemaps may be asked for: what lists may, but for the form of their JSON.

use utoipa::IntoParams;

use super::{ListInput, MAX_LIMIT, OrderWord, UseDateWord};
use crate::api::params::Params;
use crate::content::listing::UseDate;
use crate::error::Result;

/// Articles of a news sitemap (Google).
const MAX_NEWS: usize = 1_000;
/// Sitemaps of an index (sitemaps.org).
const MAX_PAGES: i64 = 50_000;

macro_rules! feed_params {
    ($(#[$doc:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$doc])*
        #[derive(IntoParams)]
        #[into_params(parameter_in = Query)]
        #[allow(dead_code)]
        pub struct $name {
            /// Words that must all occur, as in `GET /v1/articles`.
            #[param(example = "securite", max_length = 500)]
            q: Option<String>,
            /// Tags by slug: `a,b` both, `a|b` either, `-a` not, `(a|b),-c`.
            #[param(example = "maroc")]
            tag: Option<String>,
            /// BCP 47.
            #[param(example = "fr")]
            language: Option<String>,
            /// The exact name of the source.
            source: Option<String>,
            /// Articles by id, parted by commas; at most 100.
            ids: Option<String>,
            /// Not before: an RFC 3339 time or a date, whose start is meant.
            #[param(example = "2024-01-01")]
            from: Option<String>,
            /// Not after: an RFC 3339 time or a date, whose end is meant.
            to: Option<String>,
            /// Which date `from`, `to` and the order go by.
            #[param(inline)]
            use_date: Option<UseDateWord>,
            /// `relevance` needs `q`.
            #[param(inline)]
            order_by: Option<OrderWord>,
            $($own)*
            /// That of the page before, as the link to the next page has it, with the same other parameters.
            cursor: Option<String>,
        }
    };
}

feed_params!(FeedParams {
    /// Articles on a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
});
feed_params!(NewsParams {
    /// Articles in the sitemap.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<u32>,
});
feed_params!(SitemapParams {
    /// Articles on a page, instead of all. `q`, `ids` and `cursor` make it a page, too, of 20 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// A sitemap of the index; not together with `q`, `ids`, `limit` or `cursor`.
    #[param(minimum = 1, maximum = 50000)]
    page: Option<u32>,
});

impl ListInput {
    /// A page of a feed, of what others may take over.
    ///
    /// # Errors
    /// 400, naming every parameter that is not as documented.
    pub fn parse_feed(query: &str) -> Result<Self> {
        let mut input = Self::read(Params::of::<FeedParams>(query), 20, MAX_LIMIT)?;
        input.shape.body = true;
        input.syndicatable = true;
        Ok(input)
    }

    /// # Errors
    /// As [`ListInput::parse_feed`].
    pub fn parse_news(query: &str) -> Result<Self> {
        let mut params = Params::of::<NewsParams>(query);
        if params.has("use_date") {
            params.choice("use_date", &[("published", UseDate::Published)]);
        }
        Self::read(params, MAX_NEWS, MAX_NEWS)
    }
}

/// A sitemap as asked for.
pub enum SitemapInput {
    /// A page of a list.
    Page(ListInput),
    /// All that the query finds, or one part of it, counted from 1.
    Whole(ListInput, Option<i64>),
}

impl SitemapInput {
    /// # Errors
    /// 400, naming every parameter that is not as documented.
    pub fn parse(query: &str) -> Result<Self> {
        let mut params = Params::of::<SitemapParams>(query);
        let paged = ["q", "ids", "limit", "cursor"];
        let paged: Vec<&str> = paged.into_iter().filter(|name| params.has(name)).collect();
        let page = params.number("page", 1..=MAX_PAGES);
        if let (Some(_), Some(other)) = (page, paged.first()) {
            params.fault("page", format!("cannot be given together with {other}"));
        }
        let mut input = ListInput::read(params, 20, MAX_LIMIT)?;
        input.shape.translations = true;
        Ok(match paged.is_empty() {
            true => Self::Whole(input, page),
            false => Self::Page(input),
        })
    }
}
