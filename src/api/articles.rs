//! `/v1/articles`: lists of articles, and one.

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::address::Address;
use crate::api::article_views;
use crate::api::auth::Viewer;
use crate::api::conditional::{Answer, Keep, LISTS};
use crate::api::cursor;
use crate::api::inputs::{self, ArticleParams, ListInput, ListParams, Shape};
use crate::api::openapi::Failures;
use crate::api::precondition::StateTag;
use crate::api::problem::Problem;
use crate::api::state::{Question, State};
use crate::api::views::ArticleView;
use crate::cache::{RANKINGS, Stretch};
use crate::content::listing::UseDate;
use crate::content::role::Role;
use crate::content::sight::Sight;
use crate::content::tag_filter::TagFilter;
use crate::content::visibility::Standing;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::search;
use crate::store::articles::ArticleRow;
use crate::store::listing::{self, Key, Listing, Scope};
use crate::store::shown::{self, Shown};
use crate::store::tags;

/// Articles of a page that is read and written in less than a millisecond.
const LONGEST_BRIEF: usize = 50;

/// Where a page stands in its list.
#[derive(Serialize, ToSchema)]
pub struct Page {
    /// Items a page has at the most.
    #[schema(example = 20)]
    pub limit: usize,
    /// The `cursor` of the next page; null on the last.
    #[schema(required)]
    pub next: Option<String>,
    /// Items in the whole list; only with `count=exact`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub count: Option<i64>,
}

impl Page {
    /// Cuts what was found down to a page; there is a next one where more was found than asked for. `key` is where an
    /// item stands in its list, whose name or digest `fingerprint` is.
    pub fn cut<T, K: Serialize>(
        found: &mut Vec<T>,
        limit: usize,
        fingerprint: &str,
        key: impl Fn(&T) -> K,
    ) -> Self {
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more);
        Self {
            limit,
            next: last.map(|last| cursor::encode(fingerprint, &key(last))),
            count: None,
        }
    }
}

/// Articles, and where the page stands in its list.
#[derive(Serialize, ToSchema)]
#[schema(as = ArticleList)]
pub struct ArticleListView {
    pub data: Vec<ArticleView>,
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
    let input = ListInput::parse(request.query_string())?;
    let scope = match &input.statuses {
        None => Scope::Public,
        Some(statuses) => Scope::Newsroom(statuses.clone(), viewer.must_be(Role::Author)?.sight()),
    };
    let address = Address::of(&request);
    let question = Question {
        text: input.question(),
        is_brief: scope == Scope::Public && is_brief(&input),
    };
    state
        .answer_question(&request, question, move |state, reader, now| {
            reader.read(|conn| list(conn, state, &input, scope, &address, now))
        })
        .await
}

/// Read an article
///
/// By its slug, or by its id in the slug's place. A former slug leads to the present one.
#[utoipa::path(
    tag = "articles",
    operation_id = "get_article",
    params(("slug" = String, Path, description = "Slug or id", example = "espagne-maroc-tanger-securite"), ArticleParams),
    responses(
        (status = 200, description = "The article", body = ArticleView,
         headers(("ETag" = String), ("Last-Modified" = String))),
        (status = 301, description = "The slug is a former one; `Location` has the present one"),
        (status = 304, description = "Not modified"),
        (status = 410, description = "It was public and is no more", body = crate::api::problem::ProblemView,
         content_type = "application/problem+json"),
        Failures,
    )
)]
#[get("/v1/articles/{slug}")]
pub async fn get_article(
    request: HttpRequest,
    state: web::Data<State>,
    viewer: Viewer,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut shape = inputs::parse_article(request.query_string())?;
    shape.sight = viewer.sight();
    let address = Address::of(&request);
    let question = Question {
        text: format!("article {slug:?} {}", shape.question()),
        is_brief: shape.is_plain(),
    };
    state
        .answer_question(&request, question, move |state, reader, now| {
            let work = |conn: &mut Conn| one(conn, state, &slug, &shape, &address, now);
            match shape.is_plain() {
                true => reader.glance(work),
                false => reader.read(work),
            }
        })
        .await
}

/// Where an article is found under a name.
pub enum Located {
    Here(Box<ArticleRow>),
    /// The name is a former slug; this is the present one.
    Moved(String),
}

/// Finds an article that the public sees at `now`.
///
/// # Errors
/// 410 where it was public and is no more, 404 where it is unknown or never was.
pub fn locate(conn: &mut Conn, name: &str, now: DateTime<Utc>) -> Result<Located> {
    locate_for(conn, name, &Sight::Public, now)
}

/// Finds an article that a caller of this sight sees at `now`.
///
/// # Errors
/// As [`locate`].
pub fn locate_for(
    conn: &mut Conn,
    name: &str,
    sight: &Sight,
    now: DateTime<Utc>,
) -> Result<Located> {
    let row = match name.contains('\0') {
        true => None,
        false => shown::row_by_name(conn, name)?,
    };
    let row = row.ok_or_else(|| missing(name))?;
    Ok(match is_moved(name, &row, sight, now)? {
        true => Located::Moved(row.slug),
        false => Located::Here(Box::new(row)),
    })
}

fn missing(name: &str) -> Error {
    Error::NotFound(format!("there is no article {name:?}"))
}

/// Whether the name is a former one of the article that it leads to.
///
/// # Errors
/// As [`locate`], where a caller of this sight does not see the article.
fn is_moved(name: &str, row: &ArticleRow, sight: &Sight, now: DateTime<Utc>) -> Result<bool> {
    let seen = row.is_public(now) || sight.reaches(row.created_by.as_deref());
    if row.deleted_at.is_none() && seen {
        return Ok(shown::is_former(row, name));
    }
    match row.standing(now) {
        Standing::Hidden => Err(missing(name)),
        Standing::Visible | Standing::Gone => Err(Error::Gone(format!(
            "the article {name:?} is no longer available"
        ))),
    }
}

/// The article and all that is plain of it come in one statement.
fn one(
    conn: &mut Conn,
    state: &State,
    name: &str,
    shape: &Shape,
    address: &Address,
    now: DateTime<Utc>,
) -> Result<Answer> {
    let derived = shape.related || shape.related_tags;
    let incomplete = derived && !state.related_is_complete();
    let shown = match name.contains('\0') {
        true => None,
        false => shown::by_name(conn, name, shape.parts(), now)?,
    };
    let shown = shown.ok_or_else(|| missing(name))?;
    if is_moved(name, &shown.row, &shape.sight, now)? {
        return Ok(Answer::moved(address.article(&shown.row.slug, "")));
    }
    // A translation may be about to appear.
    let in_group = shown.row.translation_group.is_some();
    let views = article_views::views(conn, state, vec![shown], shape, now)?;
    let Some(view) = views.first() else {
        return Err(Error::Internal("an article lost its view".to_owned()));
    };
    let answer = match shape.members {
        Some(_) => Answer::json(&article_views::shaped(view, shape)?)?,
        None => Answer::json(view)?,
    };
    Ok(answer
        .stands_for(StateTag::of(&view.id, view.version))
        .last_modified(article_views::last_modified(&views))
        .until(article_views::first_expiry(&views))
        .cache_tags(cache_tags(&views, shape))
        .keep(Keep {
            with_time: derived || in_group,
            derived,
            ..Keep::default()
        })
        .not_cached(incomplete))
}

fn list(
    conn: &mut Conn,
    state: &State,
    input: &ListInput,
    scope: Scope,
    address: &Address,
    now: DateTime<Utc>,
) -> Result<Answer> {
    let wanted = resolved(conn, input.tags.as_ref(), scope == Scope::Public, now)?;
    let listing = Listing {
        language: input.language.clone(),
        source: input.source.clone(),
        tags: wanted.filter.clone(),
        ids: input.ids.clone(),
        from: input.from,
        to: input.to,
        use_date: input.use_date,
        order: input.order,
        after: None,
        // One more than asked for shows whether there is a next page.
        limit: input.limit + 1,
        scope,
        now,
    };
    let mut found = match &input.text {
        Some(text) => search_page(conn, state, text.clone(), input, listing)?,
        None => plain_page(conn, input, listing)?,
    };
    let shape = &input.shape;
    let derived = shape.related || shape.related_tags;
    let incomplete = derived && !state.related_is_complete();
    let shown = std::mem::take(&mut found.shown);
    let views = article_views::views(conn, state, shown, shape, now)?;
    let next = found
        .next
        .as_ref()
        .map(|key| cursor::encode(&input.fingerprint, &key));
    let page = Page {
        limit: input.limit,
        next,
        count: found.count,
    };
    let link = address.next(&page);
    let expiry = article_views::first_expiry(&views);
    let tags: Vec<String> = std::iter::once(LISTS.to_owned())
        .chain(cache_tags(&views, shape))
        .chain(found.after.iter().map(|id| format!("article-{id}")))
        .chain(wanted.cache_tags(&views))
        // Words are looked for in the names of tags, too.
        .chain(input.text.is_some().then(|| "tags".to_owned()))
        .collect();
    let keep = Keep {
        stretch: Some(stretch(input, wanted.filter, &found)),
        with_time: true,
        derived: derived || input.text.is_some(),
        until: None,
    };
    let modified = article_views::last_modified(&views);
    let answer = match shape.members {
        None => Answer::json(&ArticleListView { data: views, page })?,
        Some(_) => {
            let data = views
                .iter()
                .map(|view| article_views::shaped(view, shape))
                .collect::<Result<Vec<_>>>()?;
            Answer::json(&serde_json::json!({ "data": data, "page": page }))?
        }
    };
    Ok(answer
        .last_modified(modified)
        .until(expiry)
        .next(link)
        .cache_tags(tags)
        .keep(keep)
        .not_cached(incomplete))
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
struct Found {
    shown: Vec<Shown>,
    next: Option<(i64, Uuid)>,
    /// The key after which it begins itself.
    begins_after: Option<(i64, Uuid)>,
    /// The id of the first article after the page.
    after: Option<String>,
    count: Option<i64>,
}

fn plain_page(conn: &mut Conn, input: &ListInput, mut listing: Listing) -> Result<Found> {
    if let Some(word) = &input.cursor {
        let (micros, id) = cursor::decode(&input.fingerprint, word)?;
        let date = DateTime::from_timestamp_micros(micros);
        let date = date.ok_or(Error::InvalidCursor("is not one that this API gave"))?;
        listing.after = Some(Key { date, id });
    }
    let mut found = listing::page(conn, &listing)?;
    let after = found.drain(input.limit.min(found.len())..).next();
    let nums: Vec<i64> = found.iter().map(|(num, _)| *num).collect();
    let shown = shown::by_nums(conn, &nums, input.shape.parts(), listing.now)?;
    let key = shown
        .last()
        .filter(|_| after.is_some())
        .and_then(|last| Key::of(&last.row, input.use_date));
    let count = input
        .count
        .then(|| listing::count(conn, &listing))
        .transpose()?;
    Ok(Found {
        shown,
        next: key.map(|key| (key.date.timestamp_micros(), key.id)),
        begins_after: listing
            .after
            .map(|key| (key.date.timestamp_micros(), key.id)),
        after: after.map(|(_, id)| id),
        count,
    })
}

/// The index decides what matches and in which order; the database, what it is and whether it may be seen.
fn search_page(
    conn: &mut Conn,
    state: &State,
    text: search::Text,
    input: &ListInput,
    listing: Listing,
) -> Result<Found> {
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
    let query = search::Query {
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
    let mut found = state
        .search
        .search(&query)
        .map_err(|error| Error::Search(error.into()))?;
    let more = found.hits.len() > input.limit;
    found.hits.truncate(input.limit);
    let nums: Vec<i64> = found.hits.iter().map(|hit| hit.num).collect();
    let mut shown = shown::by_nums(conn, &nums, input.shape.parts(), now)?;
    shown.retain(|shown| shown.row.is_public(now));
    let last = found.hits.last().filter(|_| more);
    Ok(Found {
        shown,
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
fn stretch(input: &ListInput, tags: Option<TagFilter<i64>>, found: &Found) -> Stretch {
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

/// A filter with tags by number, and the tags' ids.
#[derive(Default)]
pub struct Resolved {
    pub filter: Option<TagFilter<i64>>,
    ids: Vec<String>,
}

impl Resolved {
    /// What is to be told to a cache of a list with this filter: the tags, and, of those that no article shown bears,
    /// whether any article does at all. For a tag without articles is not known.
    pub fn cache_tags(&self, views: &[ArticleView]) -> Vec<String> {
        let is_borne = |id: &String| {
            let mut borne = views.iter().flat_map(|view| &view.tags);
            borne.any(|tag| tag.id == *id)
        };
        let of_tag = |id: &String| {
            let counted = (!is_borne(id)).then(|| format!("tagged-{id}"));
            std::iter::once(format!("tag-{id}")).chain(counted)
        };
        self.ids.iter().flat_map(of_tag).collect()
    }
}

/// The filter with tags by number.
///
/// # Errors
/// 400 naming a slug that is no tag's, or none that the public may know of.
pub fn resolved(
    conn: &mut Conn,
    filter: Option<&TagFilter<String>>,
    for_public: bool,
    now: DateTime<Utc>,
) -> Result<Resolved> {
    let mut ids = Vec::new();
    let mut resolve = |slug: &String| {
        let found = match for_public {
            true => tags::find_public(conn, slug, now)?,
            false => tags::find(conn, slug)?,
        };
        let tag = found.map(tags::Found::into_row);
        let tag = tag.ok_or_else(|| inputs::unknown_tag(slug))?;
        ids.push(tag.id);
        Ok::<i64, Error>(tag.num)
    };
    let filter = filter
        .map(|filter| filter.try_map(&mut resolve))
        .transpose()?;
    Ok(Resolved { filter, ids })
}

/// Each article's and each tag's name: what a cache is told when one changes. What rests on neighbours changes with
/// any article.
fn cache_tags(views: &[ArticleView], shape: &Shape) -> Vec<String> {
    let mut cache_tags = Vec::new();
    for view in views {
        let neighbours = view
            .related
            .iter()
            .flatten()
            .map(|related| &*related.article);
        for article in std::iter::once(view).chain(neighbours) {
            cache_tags.push(format!("article-{}", article.id));
            cache_tags.extend(article.tags.iter().map(|tag| format!("tag-{}", tag.id)));
        }
    }
    if shape.related || shape.related_tags {
        cache_tags.push(RANKINGS.to_owned());
    }
    if shape.related_tags {
        cache_tags.push("tags".to_owned());
    }
    cache_tags
}
