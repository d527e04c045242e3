//! `GET /v1/articles`: lists of articles.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::address::Address;
use crate::api::article_views;
use crate::api::articles::{Page, cache_tags, resolved};
use crate::api::auth::Viewer;
use crate::api::conditional::{Answer, Keep, LISTS};
use crate::api::cursor;
use crate::api::feeds;
use crate::api::inputs::{ListInput, ListParams, Shape};
use crate::api::listed::{FORM, Listed};
use crate::api::openapi::Failures;
use crate::api::problem::Problem;
use crate::api::state::{Question, State};
use crate::api::tag_views::For;
use crate::api::views::ArticleView;
use crate::cache::Stretch;
use crate::content::listing::UseDate;
use crate::content::role::Role;
use crate::content::sight::Sight;
use crate::content::tag_filter::TagFilter;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::search;
use crate::store::articles::ArticleRow;
use crate::store::cards::{self, Found};
use crate::store::listing::{self, Key, Listing, Scope};
use crate::store::shown;
use crate::store::{rights, sights};

/// Articles of a page that is read and written in less than a millisecond.
const LONGEST_BRIEF: usize = 50;

/// Articles, and where the page stands in its list.
#[derive(Serialize, ToSchema)]
#[schema(as = ArticleList)]
pub struct ArticleListView {
    #[schema(value_type = Vec<ArticleView>)]
    pub data: Vec<Listed>,
    pub page: Page,
}

/// List articles
///
/// Newest first, or by relevance where words are searched for. Follow `page.next`, or the `Link` header, until it
/// is null: every article comes exactly once, also while others are being published.
#[utoipa::path(
    tag = "articles",
    operation_id = "list_articles",
    params(ListParams),
    responses(
        (status = 200, description = "A page of articles", body = ArticleListView,
         headers(("ETag" = String), ("Last-Modified" = String), ("Link" = String, description = "The next page"))),
        (status = 304, description = "Not modified"),
        Failures,
    )
)]
#[get("/v1/articles")]
pub async fn list_articles(
    request: HttpRequest,
    state: web::Data<State>,
    viewer: Viewer,
) -> Result<HttpResponse, Problem> {
    let mut input = ListInput::parse(request.query_string())?;
    let scope = match &input.statuses {
        None => Scope::of(&viewer.sight()),
        Some(statuses) => Scope::Newsroom(statuses.clone(), viewer.must_be(Role::Author)?.sight()),
    };
    if let Scope::Partner(rights) = &scope {
        input.shape.sight = Sight::Partner(Arc::clone(rights));
    }
    let address = Address::of(&request);
    let question = Question {
        text: input.question(),
        brief: (is_walked(&scope) && is_brief(&input)).into(),
    };
    state
        .answer_question(&request, question, move |state, reader, now| {
            settle(state, &input)?;
            reader.read(|conn| list(conn, state, &input, scope, &address, now))
        })
        .await
}

fn list(
    conn: &mut Conn,
    state: &State,
    input: &ListInput,
    scope: Scope,
    address: &Address,
    now: DateTime<Utc>,
) -> Result<Answer> {
    let is_public = scope == Scope::Public;
    // Cards do not tell what others may take over.
    let is_listed = is_public && input.shape.is_listed() && !input.syndicatable;
    let reading = match is_listed {
        true => Reading::Cards,
        false => Reading::Rows,
    };
    let ListPage {
        articles,
        page,
        frame,
    } = find(conn, state, input, scope, reading, now)?;
    let shape = &input.shape;
    let link = address.next(&page);
    let answer = match shape.members {
        None => Answer::json(&ArticleListView {
            data: articles,
            page,
        })?,
        Some(_) => {
            let data = articles
                .iter()
                .map(|article| article_views::shaped(article, shape))
                .collect::<Result<Vec<_>>>()?;
            Answer::json(&serde_json::json!({ "data": data, "page": page }))?
        }
    };
    let answer = frame.around(answer.embeddable(shape.json_ld)).next(link);
    Ok(match is_public {
        true => feeds::alternates(address, answer),
        false => answer,
    })
}

/// A page of a list, in whatever form it is to be written.
pub struct ListPage {
    pub articles: Vec<Listed>,
    pub page: Page,
    pub frame: Frame,
}

/// What the articles of a page are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    Rows,
    /// Their cards, where there are such: enough for a page of a plain list that the public sees.
    Cards,
}

/// What an answer with a page of a list says of itself.
pub struct Frame {
    pub last_modified: Option<DateTime<Utc>>,
    /// When the first of what it shows must disappear.
    pub expiry: Option<DateTime<Utc>>,
    pub cache_tags: Vec<String>,
    pub keep: Keep,
    pub incomplete: bool,
}

impl Frame {
    pub fn around(self, answer: Answer) -> Answer {
        answer
            .last_modified(self.last_modified)
            .until(self.expiry)
            .cache_tags(self.cache_tags)
            .keep(self.keep)
            .not_cached(self.incomplete)
    }
}

/// Lets the index take in what it must know, where words are looked for; to be called before a connection is taken, for
/// that may take a while.
///
/// # Errors
/// [`Error::NotReady`] while the index is not what it should be.
pub fn settle(state: &State, input: &ListInput) -> Result<()> {
    match input.text {
        Some(_) if state.progress.is_ready(crate::follower::SearchIndex::NAME) => {
            state.search.settle().map_err(of_search)
        }
        _ => Ok(()),
    }
}

fn of_search(error: search::Error) -> Error {
    match error {
        search::Error::Stopped => Error::NotReady("the full-text index is being put right"),
        error => Error::Search(error.into()),
    }
}

/// Finds the articles of a page.
pub fn find(
    conn: &mut Conn,
    state: &State,
    input: &ListInput,
    scope: Scope,
    reading: Reading,
    now: DateTime<Utc>,
) -> Result<ListPage> {
    let shape = &*in_snapshot(conn, &input.shape)?;
    let scope = match scope {
        Scope::Partner(_) => Scope::of(&shape.sight),
        scope => scope,
    };
    let whom = match &scope {
        Scope::Newsroom(..) => For::Newsroom,
        Scope::Public | Scope::Partner(_) => For::of(&shape.sight),
    };
    let wanted = resolved(conn, input.tags.as_ref(), &whom, now)?;
    let listing = asked(input, wanted.filter.clone(), scope, now);
    let mut found = match &input.text {
        Some(text) => search_page(conn, state, text.clone(), input, listing, reading)?,
        None => plain_page(conn, input, listing, reading)?,
    };
    let derived = shape.related || shape.related_tags;
    let incomplete = derived && !state.related_is_complete();
    let on_page = std::mem::take(&mut found.articles);
    let nums = on_page.iter().map(Found::num).collect();
    let articles = article_views::listed(conn, state, on_page, shape, now)?;
    let next = found
        .next
        .as_ref()
        .map(|key| cursor::encode(&input.fingerprint, &key));
    let cache_tags = std::iter::once(LISTS.to_owned())
        .chain(cache_tags(&articles, shape))
        .chain(found.after.iter().map(|id| format!("article-{id}")))
        .chain(wanted.cache_tags(&articles))
        // Words are looked for in the names of tags, too.
        .chain(input.text.is_some().then(|| "tags".to_owned()))
        .collect();
    let keep = Keep {
        stretch: Some(stretch(input, wanted.filter, &found)),
        with_time: true,
        derived: derived || input.text.is_some(),
        neighbours_of: nums,
        ..Keep::default()
    };
    let frame = Frame {
        last_modified: article_views::last_modified(&articles),
        expiry: article_views::first_expiry(&articles),
        cache_tags,
        keep,
        incomplete,
    };
    let page = Page {
        limit: input.limit,
        next,
        count: found.count,
    };
    Ok(ListPage {
        articles,
        page,
        frame,
    })
}

/// The same shape for whose eyes it is by this snapshot.
///
/// # Errors
/// When the database fails.
pub fn in_snapshot<'a>(conn: &mut Conn, shape: &'a Shape) -> Result<Cow<'a, Shape>> {
    let overtaken = rights::overtaken(conn, &shape.sight)?;
    Ok(overtaken.map_or(Cow::Borrowed(shape), |sight| {
        Cow::Owned(Shape {
            sight,
            ..shape.clone()
        })
    }))
}

/// What is asked of the database, from the list's beginning on.
pub fn asked(
    input: &ListInput,
    tags: Option<TagFilter<i64>>,
    scope: Scope,
    now: DateTime<Utc>,
) -> Listing {
    Listing {
        language: input.language.clone(),
        source: input.source.clone(),
        tags,
        ids: input.ids.clone(),
        from: input.from,
        to: input.to,
        use_date: input.use_date,
        order: input.order,
        after: None,
        // One more than asked for shows whether there is a next page.
        limit: input.limit + 1,
        syndicatable: input.syndicatable,
        scope,
        now,
    }
}

/// Whether nearly all that an index leads to is shown.
fn is_walked(scope: &Scope) -> bool {
    match scope {
        Scope::Public => true,
        Scope::Partner(rights) => rights.are_unscoped(),
        Scope::Newsroom(..) => false,
    }
}

/// Whether an index leads straight to all of it, and it is short.
fn is_brief(input: &ListInput) -> bool {
    let (language, source) = (input.language.is_some(), input.source.is_some());
    let in_order_of_an_index = match input.use_date {
        UseDate::Published => !(language && source),
        UseDate::Updated => !source,
        UseDate::FirstPublished => !language && !source,
    };
    let found_by_walking = input.text.is_none() && input.tags.is_none() && !input.count;
    let is_short = input.limit <= LONGEST_BRIEF && !input.shape.body && input.shape.is_plain();
    in_order_of_an_index && found_by_walking && is_short
}

/// A page of articles, the key after which the next begins, and the count where it was asked for.
struct OnPage {
    articles: Vec<Found>,
    next: Option<(i64, Uuid)>,
    /// The key after which it begins itself.
    begins_after: Option<(i64, Uuid)>,
    /// The id of the first article after the page.
    after: Option<String>,
    count: Option<i64>,
}

fn plain_page(
    conn: &mut Conn,
    input: &ListInput,
    mut listing: Listing,
    reading: Reading,
) -> Result<OnPage> {
    if let Some(word) = &input.cursor {
        let (micros, id) = cursor::decode(&input.fingerprint, word)?;
        let date = DateTime::from_timestamp_micros(micros);
        let date = date.ok_or(Error::InvalidCursor("is not one that this API gave"))?;
        listing.after = Some(Key { date, id });
    }
    let mut found = listing::page(conn, &listing)?;
    let after = found.drain(input.limit.min(found.len())..).next();
    let nums: Vec<i64> = found.iter().map(|(num, _)| *num).collect();
    let on_page = read(conn, &nums, &input.shape, reading, listing.now)?;
    let key = found
        .last()
        .map(|(_, key)| *key)
        .filter(|_| after.is_some());
    let count = input
        .count
        .then(|| listing::count(conn, &listing))
        .transpose()?;
    Ok(OnPage {
        articles: on_page,
        next: key.map(|key| (key.date.timestamp_micros(), key.id)),
        begins_after: listing
            .after
            .map(|key| (key.date.timestamp_micros(), key.id)),
        after: after.map(|(_, key)| key.id.to_string()),
        count,
    })
}

/// The articles of these numbers, in their order, as the page needs them.
fn read(
    conn: &mut Conn,
    nums: &[i64],
    shape: &Shape,
    reading: Reading,
    now: DateTime<Utc>,
) -> Result<Vec<Found>> {
    match reading {
        Reading::Cards => cards::public(conn, nums, FORM, now),
        Reading::Rows => {
            let shown = shown::by_nums(conn, nums, shape.parts(), now)?;
            Ok(shown.into_iter().map(Found::from).collect())
        }
    }
}

/// The index decides what matches and in which order; the database, what it is and whether it may be seen.
fn search_page(
    conn: &mut Conn,
    state: &State,
    text: search::Text,
    input: &ListInput,
    listing: Listing,
    reading: Reading,
) -> Result<OnPage> {
    if !state.progress.is_ready(crate::follower::SearchIndex::NAME) {
        return Err(Error::NotReady("the full-text index is being built"));
    }
    let after = match &input.cursor {
        Some(word) => {
            let (rank, id) = cursor::decode(&input.fingerprint, word)?;
            Some(search::Key { rank, id })
        }
        None => None,
    };
    let now = listing.now;
    let sight = listing.scope.sight();
    let query = search::Query {
        rights: sight.rights().cloned().map(Arc::new),
        text,
        language: listing.language,
        source: listing.source,
        tags: listing.tags,
        ids: listing.ids,
        from: listing.from.map(|time| time.timestamp_micros()),
        to: listing.to.map(|time| time.timestamp_micros()),
        use_date: listing.use_date,
        order: listing.order,
        after,
        limit: listing.limit,
        count: input.count,
        visible_at: Some(now.timestamp_micros()),
    };
    let mut found = state.search.search(&query).map_err(of_search)?;
    let more = found.hits.len() > input.limit;
    found.hits.truncate(input.limit);
    let nums: Vec<i64> = found.hits.iter().map(|hit| hit.num).collect();
    let mut on_page = read(conn, &nums, &input.shape, reading, now)?;
    let is_wanted = |row: &ArticleRow| !input.syndicatable || row.syndicatable;
    on_page.retain(|found| match found {
        // Only those that the public sees were found.
        Found::Card(..) => true,
        Found::Row(shown) => {
            is_wanted(&shown.row) && sights::sees(&sight, &shown.row, &shown.tag_nums(), now)
        }
    });
    let last = found.hits.last().filter(|_| more);
    Ok(OnPage {
        articles: on_page,
        next: last.map(|hit| (hit.key.rank, hit.key.id)),
        // Whatever moves may change the order.
        begins_after: None,
        after: None,
        count: found
            .count
            .map(|count| i64::try_from(count).unwrap_or(i64::MAX)),
    })
}

/// Which articles would change the page if they came to stand in it.
fn stretch(input: &ListInput, tags: Option<TagFilter<i64>>, found: &OnPage) -> Stretch {
    let place = |key: &(i64, Uuid)| (key.0, key.1.to_string());
    let micros = |time: DateTime<Utc>| time.timestamp_micros();
    Stretch {
        language: input.language.clone(),
        source: input.source.clone(),
        tags,
        ids: input
            .ids
            .as_ref()
            .map(|ids| ids.iter().map(Uuid::to_string).collect()),
        from: input.from.map(micros),
        to: input.to.map(micros),
        use_date: input.use_date,
        order: input.order,
        after: found.begins_after.as_ref().map(place),
        last: found.next.as_ref().map(place),
        whole: input.count || input.text.is_some(),
    }
}
