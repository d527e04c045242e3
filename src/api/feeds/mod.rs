//! `/v1/feeds/{rss,atom,json,ninjs}`: the articles of any query, page by page, in the formats of feeds.

pub mod items;
pub mod sitemaps;
pub mod whole;

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};

use crate::api::address::Address;
use crate::api::article_lists::{self, ListPage, Reading};
use crate::api::auth::Viewer;
use crate::api::conditional::Answer;
use crate::api::inputs::{FeedParams, ListInput};
use crate::api::listed::Listed;
use crate::api::openapi::Failures;
use crate::api::problem::Problem;
use crate::api::state::{Question, State};
use crate::api::views::ArticleView;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::store::listing::Scope;
use crate::syndication::item::{Feed, Links};
use crate::syndication::{atom, json_feed, ninjs, rss};

/// Bytes of a query that lists name feeds for: each of some links has all of it.
const MAX_NAMED_QUERY: usize = 500;

/// Read articles as RSS
///
/// RSS 2.0 with the whole text, tags as categories and the picture; pages are linked with `atom:link`, `rel="first"` and
/// `rel="next"` (RFC 5005); there is no `previous`, for a cursor leads on only. What may not be syndicated is left out. Addresses are those that `KIOSQUE_ARTICLE_URL` describes.
#[utoipa::path(
    tag = "feeds",
    operation_id = "get_rss_feed",
    params(FeedParams),
    responses(
        (status = 200, description = "A page of the feed", body = String, content_type = "application/rss+xml",
         headers(("ETag" = String), ("Last-Modified" = String), ("Link" = String, description = "The next page"))),
        (status = 304, description = "Not modified"),
        Failures,
    )
)]
#[get("/v1/feeds/rss")]
pub async fn get_rss_feed(
    request: HttpRequest,
    state: web::Data<State>,
    viewer: Viewer,
) -> Result<HttpResponse, Problem> {
    feed(&request, &state, &viewer, Format::Rss).await
}

/// Read articles as Atom
///
/// Atom 1.0 (RFC 4287) in pages (RFC 5005): `first` and `next`, but no `previous`, for a cursor leads on only. What may not be syndicated is left out.
#[utoipa::path(
    tag = "feeds",
    operation_id = "get_atom_feed",
    params(FeedParams),
    responses(
        (status = 200, description = "A page of the feed", body = String, content_type = "application/atom+xml",
         headers(("ETag" = String), ("Last-Modified" = String), ("Link" = String, description = "The next page"))),
        (status = 304, description = "Not modified"),
        Failures,
    )
)]
#[get("/v1/feeds/atom")]
pub async fn get_atom_feed(
    request: HttpRequest,
    state: web::Data<State>,
    viewer: Viewer,
) -> Result<HttpResponse, Problem> {
    feed(&request, &state, &viewer, Format::Atom).await
}

/// Read articles as JSON Feed
///
/// JSON Feed 1.1; `next_url` is the next page. `_kiosque` has what the format has no member for. What may not be
/// syndicated is left out.
#[utoipa::path(
    tag = "feeds",
    operation_id = "get_json_feed",
    params(FeedParams),
    responses(
        (status = 200, description = "A page of the feed", body = serde_json::Value, content_type = "application/feed+json",
         headers(("ETag" = String), ("Last-Modified" = String), ("Link" = String, description = "The next page"))),
        (status = 304, description = "Not modified"),
        Failures,
    )
)]
#[get("/v1/feeds/json")]
pub async fn get_json_feed(
    request: HttpRequest,
    state: web::Data<State>,
    viewer: Viewer,
) -> Result<HttpResponse, Problem> {
    feed(&request, &state, &viewer, Format::Json).await
}

/// Read articles as ninjs
///
/// News objects of ninjs 3.1 (IPTC). The page is one of type `composite`; the articles are its `associations`, each
/// complete in itself. The next page is in `Link`. What may not be syndicated is left out.
#[utoipa::path(
    tag = "feeds",
    operation_id = "get_ninjs_feed",
    params(FeedParams),
    responses(
        (status = 200, description = "A page of the feed", body = serde_json::Value, content_type = "application/json",
         headers(("ETag" = String), ("Last-Modified" = String), ("Link" = String, description = "The next page"))),
        (status = 304, description = "Not modified"),
        Failures,
    )
)]
#[get("/v1/feeds/ninjs")]
pub async fn get_ninjs_feed(
    request: HttpRequest,
    state: web::Data<State>,
    viewer: Viewer,
) -> Result<HttpResponse, Problem> {
    feed(&request, &state, &viewer, Format::Ninjs).await
}

#[derive(Clone, Copy, Debug)]
enum Format {
    Rss,
    Atom,
    Json,
    Ninjs,
}

impl Format {
    fn media_type(self) -> &'static str {
        match self {
            Self::Rss => rss::MEDIA_TYPE,
            Self::Atom => atom::MEDIA_TYPE,
            Self::Json => json_feed::MEDIA_TYPE,
            Self::Ninjs => ninjs::MEDIA_TYPE,
        }
    }

    fn write(self, feed: &Feed) -> Result<Vec<u8>> {
        let written = match self {
            Self::Rss => Ok(rss::write(feed)),
            Self::Atom => Ok(atom::write(feed)),
            Self::Json => json_feed::write(feed),
            Self::Ninjs => ninjs::write(feed),
        };
        written.map_err(|error| Error::Internal(format!("cannot serialise a feed: {error}")))
    }
}

async fn feed(
    request: &HttpRequest,
    state: &State,
    viewer: &Viewer,
    format: Format,
) -> Result<HttpResponse, Problem> {
    let mut input = ListInput::parse_feed(request.query_string())?;
    input.shape.sight = viewer.published_sight();
    let address = Address::of(request);
    let question = question(&format!("{format:?}"), request, &input);
    state
        .answer_question(request, question, move |state, reader, now| {
            page(state, reader, &input, &address, format, now)
        })
        .await
}

/// A feed says what its own address is, so what is asked is this very spelling of it.
fn question(name: &str, request: &HttpRequest, input: &ListInput) -> Question {
    let spelling = request.query_string();
    Question::long(format!("feed {name} {spelling} {}", input.question()))
}

fn page(
    state: &State,
    reader: &Reader<'_>,
    input: &ListInput,
    address: &Address,
    format: Format,
    now: DateTime<Utc>,
) -> Result<Answer> {
    let scope = Scope::of(&input.shape.sight);
    article_lists::settle(state, input)?;
    let found =
        reader.read(|conn| article_lists::find(conn, state, input, scope, Reading::Rows, now));
    // From here on without a connection.
    let ListPage {
        articles,
        page,
        frame,
    } = found?;
    let views = views(articles);
    let publication = &*state.publication;
    let own = |query: &str| publication.api(&format!("{}{query}", address.path()));
    let next = address.next(&page);
    let feed = Feed {
        publication,
        language: input.language.clone(),
        links: Links {
            this: own(&address.query_without(&[])),
            first: own(&address.query_without(&["cursor"])),
            next: page.next.as_ref().map(|cursor| {
                let query = address.query_without(&["cursor"]);
                let mark = if query.is_empty() { '?' } else { '&' };
                own(&format!("{query}{mark}cursor={cursor}"))
            }),
            hubs: hubs(state),
        },
        items: items::items(&views, publication),
    };
    let answer = Answer::of(format.write(&feed)?, format.media_type());
    let mut answer = frame
        .around(answer)
        .last_modified(feed.changed_at())
        .next(next);
    if feed.links.this != feed.links.first {
        answer = answer.linked(&feed.links.first, "rel=\"first\"");
    }
    if !feed.links.hubs.is_empty() {
        // A subscriber asks a hub for the feed under this name (WebSub section 4).
        answer = answer.linked(&feed.links.this, "rel=\"self\"");
    }
    for hub in &feed.links.hubs {
        answer = answer.linked(hub, "rel=\"hub\"");
    }
    Ok(answer)
}

/// The articles of a page that was read by rows.
fn views(articles: Vec<Listed>) -> Vec<ArticleView> {
    articles.into_iter().filter_map(Listed::made).collect()
}

/// The hubs that tell of changes in feeds.
fn hubs(state: &State) -> Vec<String> {
    state.hub.iter().map(|hub| hub.to_string()).collect()
}

/// What lists name as the same in other forms: each operation, its media type, and parameters of the list that it does not
/// take, or that would make less of it.
const ALTERNATES: [(&str, &str, &[&str]); 6] = [
    ("rss", "application/rss+xml", &[]),
    ("atom", "application/atom+xml", &[]),
    ("json", json_feed::MEDIA_TYPE, &[]),
    ("ninjs", ninjs::MEDIA_TYPE, &[]),
    ("sitemap", "application/xml", &["limit"]),
    ("news-sitemap", "application/xml", &["limit", "use_date"]),
];

/// Names the feeds of a list in its answer.
pub fn alternates(address: &Address, answer: Answer) -> Answer {
    let form = ["cursor", "fields", "include", "count", "status"];
    if address.query_without(&form).len() > MAX_NAMED_QUERY {
        return answer;
    }
    let named = |answer: Answer, (name, media_type, others): &(&str, &str, &[&str])| {
        let query = address.query_without(&[&form, *others].concat());
        let feed = address.other(&format!("/v1/feeds/{name}{query}"));
        let what = format!("rel=\"alternate\"; type=\"{media_type}\"; title=\"{name}\"");
        answer.linked(&feed, &what)
    };
    ALTERNATES.iter().fold(answer, named)
}
