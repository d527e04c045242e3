//! `/v1/feeds/{sitemap,news-sitemap}`: what search engines read. Sitemaps are the site's own, so they have what may not be
//! syndicated, too.

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, TimeDelta, Utc};

use crate::api::address::Address;
use crate::api::article_lists::{self, ListPage, Reading};
use crate::api::auth::Viewer;
use crate::api::conditional::Answer;
use crate::api::feeds::{items, question, whole};
use crate::api::inputs::{ListInput, NewsParams, SitemapInput, SitemapParams};
use crate::api::openapi::Failures;
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::api::views::ArticleView;
use crate::db::Reader;
use crate::error::Result;
use crate::store::listing::Scope;
use crate::syndication::item::Item;
use crate::syndication::sitemap::{self, Entry, News, Sitemap};

/// How long an article is news to Google.
const NEWS: TimeDelta = TimeDelta::days(2);

/// Read a sitemap
///
/// Of all articles that the query finds, with pictures and translations. Beyond 50,000 addresses or 50 MB it is an
/// index, whose sitemaps stay the same as articles are added: each is this operation with `page`. With `limit`,
/// `cursor`, `q` or `ids` it is a page of the list instead.
#[utoipa::path(
    tag = "feeds",
    operation_id = "get_sitemap",
    params(SitemapParams),
    responses(
        (status = 200, description = "A sitemap, or an index of sitemaps", body = String, content_type = "application/xml",
         headers(("ETag" = String), ("Last-Modified" = String), ("Link" = String, description = "The next page"))),
        (status = 304, description = "Not modified"),
        (status = 429, description = "Other whole sitemaps are being written; `Retry-After` says when to come back",
         body = crate::api::problem::ProblemView, content_type = "application/problem+json"),
        Failures,
    )
)]
#[get("/v1/feeds/sitemap")]
pub async fn get_sitemap(
    request: HttpRequest,
    state: web::Data<State>,
    viewer: Viewer,
) -> Result<HttpResponse, Problem> {
    let input = SitemapInput::parse(request.query_string())?;
    let address = Address::of(&request);
    match input {
        SitemapInput::Page(mut input) => {
            input.shape.sight = viewer.published_sight();
            let question = question("sitemap", &request, &input);
            state
                .answer_question(&request, question, move |state, reader, now| {
                    page(state, reader, &input, &address, now)
                })
                .await
        }
        SitemapInput::Whole(mut input, part) => {
            input.shape.sight = viewer.published_sight();
            let question = question(&format!("whole sitemap {part:?}"), &request, &input);
            state
                .answer_question(&request, question, move |state, reader, now| {
                    whole::answer(state, reader, &input, part, &address, now)
                })
                .await
        }
    }
}

/// Read a news sitemap
///
/// For Google News: what was published in the last two days, the newest first, at most 1,000 articles.
#[utoipa::path(
    tag = "feeds",
    operation_id = "get_news_sitemap",
    params(NewsParams),
    responses(
        (status = 200, description = "A news sitemap", body = String, content_type = "application/xml",
         headers(("ETag" = String), ("Last-Modified" = String), ("Link" = String, description = "The next page"))),
        (status = 304, description = "Not modified"),
        Failures,
    )
)]
#[get("/v1/feeds/news-sitemap")]
pub async fn get_news_sitemap(
    request: HttpRequest,
    state: web::Data<State>,
    viewer: Viewer,
) -> Result<HttpResponse, Problem> {
    let mut input = ListInput::parse_news(request.query_string())?;
    input.shape.sight = viewer.published_sight();
    let address = Address::of(&request);
    let question = question("news sitemap", &request, &input);
    state
        .answer_question(&request, question, move |state, reader, now| {
            news(state, reader, input, &address, now)
        })
        .await
}

fn page(
    state: &State,
    reader: &Reader<'_>,
    input: &ListInput,
    address: &Address,
    now: DateTime<Utc>,
) -> Result<Answer> {
    let scope = Scope::of(&input.shape.sight);
    article_lists::settle(state, input)?;
    let found =
        reader.read(|conn| article_lists::find(conn, state, input, scope, Reading::Rows, now));
    let ListPage {
        articles,
        page,
        mut frame,
    } = found?;
    let views = super::views(articles);
    frame.cache_tags.extend(translations(&views));
    let mut sitemap = Sitemap::default();
    for item in items::items(&views, &state.publication) {
        sitemap.add_at_least_address(&entry(item));
    }
    let answer = Answer::of(sitemap.finish(), sitemap::MEDIA_TYPE);
    Ok(frame.around(answer).next(address.next(&page)))
}

/// The addresses of translations may change by themselves.
fn translations(views: &[ArticleView]) -> Vec<String> {
    let translations = views.iter().flat_map(|view| &view.translations).flatten();
    translations
        .map(|translation| format!("article-{}", translation.id))
        .collect()
}

pub fn entry(item: Item) -> Entry {
    Entry {
        changed_at: item.changed_at(),
        address: item.address,
        language: item.language,
        image: item.image.map(|image| image.url),
        translations: item.translations,
    }
}

fn news(
    state: &State,
    reader: &Reader<'_>,
    mut input: ListInput,
    address: &Address,
    now: DateTime<Utc>,
) -> Result<Answer> {
    input.from = input.from.max(Some(now - NEWS));
    let scope = Scope::of(&input.shape.sight);
    article_lists::settle(state, &input)?;
    let found =
        reader.read(|conn| article_lists::find(conn, state, &input, scope, Reading::Rows, now));
    let ListPage {
        articles,
        page,
        mut frame,
    } = found?;
    let views = super::views(articles);
    let of_item = |item: Item| {
        Some(News {
            published_at: item.published_at?,
            address: item.address,
            headline: item.headline,
            language: item.language,
        })
    };
    let items = items::items(&views, &state.publication);
    let news: Vec<News> = items.into_iter().filter_map(of_item).collect();
    // It changes when the oldest is news no more.
    let ends = news.iter().map(|news| news.published_at + NEWS).min();
    frame.expiry = [frame.expiry, ends].into_iter().flatten().min();
    let body = sitemap::news(&state.publication.publisher, &news);
    let answer = Answer::of(body, sitemap::MEDIA_TYPE);
    Ok(frame.around(answer).next(address.next(&page)))
}
