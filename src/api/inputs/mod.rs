//! What callers may ask for, parsed at the edge: inside, types are proof.

mod feeds;
mod related;
mod shape;

use utoipa::IntoParams;

pub use feeds::{FeedParams, NewsParams, SitemapInput, SitemapParams};
pub use shape::Shape;
use shape::ShapeOf;

pub use related::{
    DEFAULT_RELATED, MAX_EXCLUDED, MAX_RELATED, RelatedInput, RelatedParams, RelatedTagParams,
    SeveralInput, SeveralParams, parse_related_tags,
};

use crate::api::params::Params;
use crate::content::language::Language;
use crate::content::listing::{Order, UseDate};
use crate::content::tag_filter::TagFilter;
use crate::content::time::DateMeans;
use crate::content::visibility::Status;
use crate::error::{Error, Result};
use crate::search::Text;

/// Characters of a search.
const MAX_QUERY: usize = 500;
/// Articles a page of a list has at the most.
const MAX_LIMIT: usize = 100;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub struct ListParams {
    /// Words that must all occur, in any field; `"a phrase"` in quotes, `-word` not. Accents and case do not
    /// matter, and a word finds its other forms in French, English, Arabic and Spanish. A partner's key that does not
    /// get the whole text searches what it gets.
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
    /// Articles by id, parted by commas; at most 100. Those that are not public are left out.
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
    /// Articles on a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `page.next` of the page before, with the same other parameters; `limit`, `fields`, `include` and
    /// `count` may change on the way.
    cursor: Option<String>,
    /// `exact` counts the whole list.
    #[param(inline)]
    count: Option<CountWord>,
    /// Only these members of each article, parted by commas.
    #[param(example = "slug,headline,published_at")]
    fields: Option<String>,
    /// More about each article, parted by commas: `body`, `related`, `related_tags`, `translations`, `json_ld`.
    include: Option<String>,
    /// For authors and editors: also what is not public, by status, parted by commas: `draft`, `scheduled`,
    /// `published`, `withdrawn`, or `any`. Authors see their own. Ordered by `updated` unless `use_date` says otherwise;
    /// not together with `q`.
    status: Option<String>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident),* }) => {
        $(#[$doc])*
        #[derive(utoipa::ToSchema)]
        #[schema(rename_all = "snake_case")]
        #[allow(dead_code)]
        enum $name { $($variant),* }
    };
}
words!(UseDateWord {
    Published,
    Updated,
    FirstPublished
});
words!(OrderWord {
    Newest,
    Oldest,
    Relevance
});
words!(TagOrderWord { Name, Count });
words!(CountWord { None, Exact });
words!(KindWord {
    Keyword,
    Person,
    Place,
    Organisation,
    Series,
    Section,
    Contributor
});

/// A list of articles as asked for; tags are still slugs.
pub struct ListInput {
    pub text: Option<Text>,
    pub language: Option<String>,
    pub source: Option<String>,
    pub tags: Option<TagFilter<String>>,
    pub ids: Option<Vec<uuid::Uuid>>,
    pub from: Option<chrono::DateTime<chrono::Utc>>,
    pub to: Option<chrono::DateTime<chrono::Utc>>,
    pub use_date: UseDate,
    pub order: Order,
    pub limit: usize,
    pub cursor: Option<String>,
    pub count: bool,
    pub shape: Shape,
    /// Also what is not public, of these; for known callers only.
    pub statuses: Option<Vec<Status>>,
    /// Only what others may take over.
    pub syndicatable: bool,
    /// What a cursor of this list is bound to.
    pub fingerprint: String,
}

impl ListInput {
    /// # Errors
    /// 400, naming every parameter that is not as documented.
    pub fn parse(query: &str) -> Result<Self> {
        Self::read(Params::of::<ListParams>(query), 20, MAX_LIMIT)
    }

    /// Of these parameters; those that the operation does not document are not among them.
    fn read(mut params: Params, default_limit: usize, max_limit: usize) -> Result<Self> {
        let q = params.text("q");
        let text = q.as_deref().and_then(|q| search_text(&mut params, q));
        let tags = params.parsed("tag", TagFilter::parse);
        let language = language(&mut params);
        let source = params.text("source");
        let ids = params.ids("ids", MAX_LIMIT);
        let from = params.time("from", DateMeans::ItsStart);
        let to = params.time("to", DateMeans::ItsEnd);
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            params.fault("from", "is after to");
        }
        let use_date = params.choice(
            "use_date",
            &[
                ("published", UseDate::Published),
                ("updated", UseDate::Updated),
                ("first_published", UseDate::FirstPublished),
            ],
        );
        let order = params.choice(
            "order_by",
            &[
                ("newest", Order::Newest),
                ("oldest", Order::Oldest),
                ("relevance", Order::Relevance),
            ],
        );
        if order == Some(Order::Relevance) && q.is_none() {
            params.fault("order_by", "is relevance, which needs q");
        }
        let limit = params.number("limit", 1..=max_limit);
        let cursor = params.text("cursor");
        let count = params.choice("count", &[("none", false), ("exact", true)]);
        let shape = Shape::read(&mut params, ShapeOf::List);
        let statuses = statuses(&mut params);
        if statuses.is_some() && q.is_some() {
            params.fault("status", "cannot be given together with q");
        }
        params.finish()?;
        // Drafts have no other date.
        let use_date = use_date.unwrap_or(match statuses {
            Some(_) => UseDate::Updated,
            None => UseDate::Published,
        });
        // Whoever searches wants the best first.
        let order = order.unwrap_or(if text.is_some() {
            Order::Relevance
        } else {
            Order::Newest
        });
        let mut fingerprint = format!(
            "{:?}",
            (
                "articles", &q, &tags, &language, &source, &ids, &from, &to, use_date, order
            )
        );
        if let Some(statuses) = &statuses {
            fingerprint += &format!("{statuses:?}");
        }
        Ok(Self {
            text,
            language,
            source,
            tags,
            ids,
            from,
            to,
            use_date,
            order,
            limit: limit.unwrap_or(default_limit),
            cursor,
            count: count.unwrap_or(false),
            shape,
            statuses,
            syndicatable: false,
            fingerprint,
        })
    }
}

impl ListInput {
    /// The same for all requests that ask the same.
    pub fn question(&self) -> String {
        let page = (self.limit, &self.cursor, self.count);
        format!("{} {page:?} {}", self.fingerprint, self.shape.question())
    }
}

fn statuses(params: &mut Params) -> Option<Vec<Status>> {
    let words = params.words(
        "status",
        &["draft", "scheduled", "published", "withdrawn", "any"],
    )?;
    Some(match words.contains(&"any") {
        true => Status::ALL.to_vec(),
        false => words.into_iter().filter_map(Status::parse).collect(),
    })
}

fn search_text(params: &mut Params, q: &str) -> Option<Text> {
    if q.chars().count() > MAX_QUERY {
        params.fault("q", format!("is longer than {MAX_QUERY} characters"));
        return None;
    }
    match Text::parse(q) {
        Ok(text) => Some(text),
        Err(error) => {
            params.fault("q", error.to_string());
            None
        }
    }
}

fn language(params: &mut Params) -> Option<String> {
    params.parsed("language", |text| {
        Language::parse(text).map(|language| language.as_str().to_owned())
    })
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub struct ArticleParams {
    /// Only these members, parted by commas.
    #[param(example = "slug,headline,body_html")]
    fields: Option<String>,
    /// More about the article, parted by commas: `related`, `related_tags`, `json_ld`; `body` and `translations` are
    /// there already.
    #[param(example = "related,related_tags")]
    include: Option<String>,
}

/// # Errors
/// 400, naming every parameter that is not as documented.
pub fn parse_article(query: &str) -> Result<Shape> {
    let mut params = Params::of::<ArticleParams>(query);
    let shape = Shape::read(&mut params, ShapeOf::One);
    params.finish()?;
    Ok(shape)
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub struct TagListParams {
    /// Only tags of this kind.
    #[param(inline)]
    kind: Option<KindWord>,
    /// What the name begins with, whatever its case and accents.
    #[param(example = "secu")]
    q: Option<String>,
    /// `count`: the most used first.
    #[param(inline)]
    order_by: Option<TagOrderWord>,
    /// Tags on a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `page.next` of the page before, with the same `kind`, `q` and `order_by`.
    cursor: Option<String>,
    /// `exact` counts the whole list.
    #[param(inline)]
    count: Option<CountWord>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagOrder {
    Name,
    Count,
}

pub struct TagListInput {
    pub kind: Option<&'static str>,
    pub prefix: Option<String>,
    pub order: TagOrder,
    pub limit: usize,
    pub cursor: Option<String>,
    pub count: bool,
    pub fingerprint: String,
}

impl TagListInput {
    /// # Errors
    /// 400, naming every parameter that is not as documented.
    pub fn parse(query: &str) -> Result<Self> {
        use crate::content::tag::TagKind;
        let mut params = Params::of::<TagListParams>(query);
        let kinds = TagKind::ALL.map(|kind| (kind.as_str(), kind.as_str()));
        let kind = params.choice("kind", &kinds);
        let prefix = params.parsed("q", |text| match text.chars().count() <= MAX_QUERY {
            true => Ok(crate::content::analysis::fold(text)),
            false => Err(format!("is longer than {MAX_QUERY} characters")),
        });
        let order = params.choice(
            "order_by",
            &[("name", TagOrder::Name), ("count", TagOrder::Count)],
        );
        let limit = params.number("limit", 1..=MAX_LIMIT);
        let cursor = params.text("cursor");
        let count = params.choice("count", &[("none", false), ("exact", true)]);
        params.finish()?;
        let order = order.unwrap_or(TagOrder::Name);
        Ok(Self {
            fingerprint: format!("{:?}", ("tags", kind, &prefix, order)),
            kind,
            prefix,
            order,
            limit: limit.unwrap_or(20),
            cursor,
            count: count.unwrap_or(false),
        })
    }
}

impl TagListInput {
    /// The same for all requests that ask the same.
    pub fn question(&self) -> String {
        let page = (self.limit, &self.cursor, self.count);
        format!("{} {page:?}", self.fingerprint)
    }
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub struct PageParams {
    /// Items on a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `page.next` of the page before.
    cursor: Option<String>,
    /// `exact` counts the whole list.
    #[param(inline)]
    count: Option<CountWord>,
}

/// A page of a list that has one order and no filters.
pub struct PageInput {
    pub limit: usize,
    pub cursor: Option<String>,
    pub count: bool,
}

impl PageInput {
    /// # Errors
    /// 400, naming every parameter that is not as documented.
    pub fn parse(query: &str) -> Result<Self> {
        let mut params = Params::of::<PageParams>(query);
        let limit = params.number("limit", 1..=MAX_LIMIT);
        let cursor = params.text("cursor");
        let count = params.choice("count", &[("none", false), ("exact", true)]);
        params.finish()?;
        Ok(Self {
            limit: limit.unwrap_or(20),
            cursor,
            count: count.unwrap_or(false),
        })
    }

    /// One more than the page has, to know whether there is another.
    pub fn rows(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX - 1) + 1
    }
}

/// For operations that take no parameter.
#[derive(IntoParams)]
struct NoParams {}

/// # Errors
/// 400, naming what was given.
pub fn parse_none(query: &str) -> Result<()> {
    Params::of::<NoParams>(query).finish()
}

/// An unknown tag in a filter.
pub fn unknown_tag(slug: &str) -> Error {
    Error::parameter("tag", format!("names {slug:?}, which is no tag"))
}
