//! `/v1/changes`: what changed, for those who keep a copy.

use std::time::{Duration, Instant};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use utoipa::IntoParams;

use crate::api::auth::Viewer;
use crate::api::change_feed::{self, Asked, ChangeListView, Kind, Woken};
use crate::api::change_places::Client;
use crate::api::change_stream;
use crate::api::envelope;
use crate::api::openapi::Failures;
use crate::api::params::Params;
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::content::sight::Sight;
use crate::error::{Error, Result};

const KINDS: [(&str, Kind); 2] = [("article", Kind::Article), ("tag", Kind::Tag)];
const INCLUDED: [&str; 1] = ["articles"];
const MAX_LIMIT: i64 = 1_000;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
struct ChangeParams {
    /// The line to go on from: `page.next` of the page before. 0 begins with the first.
    #[param(default = 0, minimum = 0, example = 0)]
    after: Option<i64>,
    /// Lines on a page. With `include` a page ends early where it would pass 8 MiB, about.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// Only lines about `article` or `tag`.
    kind: Option<String>,
    /// `articles`: the present state of each article and tag, in the last line of the page that is about it.
    include: Option<String>,
    /// Seconds to wait for a line where there is none yet.
    #[param(minimum = 1, maximum = 60)]
    wait: Option<u64>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
struct StreamParams {
    /// The line to go on from; without it, and without `Last-Event-ID`, the stream begins with what changes next.
    #[param(minimum = 0, example = 0)]
    after: Option<i64>,
    /// Only lines about `article` or `tag`.
    kind: Option<String>,
    /// `articles`: the present state of each article and tag.
    include: Option<String>,
}

struct ChangeInput {
    asked: Asked,
    wait: Option<Duration>,
}

impl ChangeInput {
    fn parse(query: &str, sight: Sight) -> Result<Self> {
        let mut params = Params::of::<ChangeParams>(query);
        let after = params.number("after", 0..=i64::MAX);
        let limit = params.number("limit", 1..=MAX_LIMIT);
        let kind = params.choice("kind", &KINDS);
        let include = params.words("include", &INCLUDED);
        let wait = params.number("wait", 1..=60);
        params.finish()?;
        Ok(Self {
            asked: Asked::page(
                after.unwrap_or(0),
                kind,
                include.is_some(),
                limit.unwrap_or(100),
                sight,
            ),
            wait: wait.map(Duration::from_secs),
        })
    }
}

/// List what changed
///
/// The lines of the change log that tell the public something, oldest first, without a gap and in the order in which
/// the changes were committed: what was published, updated, withdrawn, deleted or merged, by editors or by the passing
/// of time. Whoever follows from 0 and keeps, of each article and tag, what the last line about it embeds ends with
/// what is public, and misses no deletion. A line says that a thing changed, not what it was then: with
/// `include=articles` it embeds what it is now, from the same snapshot as the page.
///
/// A tag that is public only because an article bears it has no line when it comes and goes; it is in `replica` of the
/// article. How many articles bear a tag is not told.
///
/// To begin with a large store, follow from 0: a line is looked at once, however many articles there are. Or note
/// `page.latest`, list all articles, and follow from there. A line is told once this server's other answers show what
/// it tells. 400 for an `after` beyond the log's end: the store is another, or was restored to an earlier state, as
/// `page.store` and the log's numbers tell; begin anew then.
///
/// A partner is told of what it may read, as much of it as its rights go. An article that it could read and may read no
/// more is told as `withdrawn` or `deleted`, under the slug that it had, also where the public still reads it; of what it
/// never could read there is no line. With `delay_minutes` each line comes that much later, and `page.latest` with it, while
/// an article that is withdrawn is gone at once. With `lead_minutes` a line comes when the public's does: reads show the
/// article earlier; where it is pulled before its hour, that is told. What a merger of tags moves into a scope is told as
/// `updated`, what it moves out as `withdrawn`. After a change of its rights a partner begins anew.
#[utoipa::path(
    tag = "changes",
    operation_id = "list_changes",
    params(ChangeParams),
    responses(
        (status = 200, description = "A page of the log; with `wait`, as soon as there is a line, or empty at the end of the wait",
         body = ChangeListView, headers(("ETag" = String))),
        (status = 304, description = "Not modified"),
        Failures,
    )
)]
#[get("/v1/changes")]
pub async fn list_changes(
    request: HttpRequest,
    state: web::Data<State>,
    viewer: Viewer,
) -> Result<HttpResponse, Problem> {
    let input = ChangeInput::parse(request.query_string(), viewer.published_sight())?;
    match input.wait {
        Some(wait) => {
            let client = Client::of(&request, &viewer, &state.door);
            let _place = state.feed.places.enter(client)?;
            wait_for_changes(&request, &state, input.asked, wait).await
        }
        None => {
            state
                .answer(&request, move |state, now| {
                    let readable = state.feed.readable();
                    let found = state
                        .database
                        .read(|conn| change_feed::read(conn, state, &input.asked, readable, now))?;
                    change_feed::answer(&found.view)
                })
                .await
        }
    }
}

async fn wait_for_changes(
    request: &HttpRequest,
    state: &State,
    mut asked: Asked,
    wait: Duration,
) -> Result<HttpResponse, Problem> {
    let until = Instant::now() + wait;
    let mut waiter = state.feed.waiter();
    loop {
        waiter.look();
        let found = state.feed.page(state, &asked).await?;
        // Lines that are not told are passed by once.
        asked.after = found.view.page.next;
        if found.is_empty()
            && Instant::now() < until
            && (found.is_short_of_end()
                || waiter.rest(found.rests_until(until)).await != Woken::Closing)
            && Instant::now() < until
        {
            continue;
        }
        return state.give(request, found.finished()?).await;
    }
}

/// Follow what changes
///
/// The lines of the change log as server-sent events (WHATWG HTML section 9.2), as they come: the event `change`, whose
/// `id` is the line's number and whose data is the line as in `GET /v1/changes`. A browser's `EventSource` goes on where
/// it was by itself. A comment comes every 15 seconds where nothing else does. The stream ends after an hour, when the
/// server stops, where nothing of it is taken for a minute, and within a minute when the caller's credentials cease to
/// count. Changed rights of a key count within that minute, too. 503 where as many wait as may, altogether or of one
/// client.
#[utoipa::path(
    tag = "changes",
    operation_id = "stream_changes",
    params(
        StreamParams,
        ("Last-Event-ID" = Option<i64>, Header, description = "The last event that was received; goes before `after`"),
    ),
    responses(
        (status = 200, description = "Events, without an end", body = String, content_type = "text/event-stream"),
        Failures,
    )
)]
#[get("/v1/changes/stream")]
pub async fn stream_changes(
    request: HttpRequest,
    state: web::Data<State>,
    viewer: Viewer,
) -> Result<HttpResponse, Problem> {
    let mut params = Params::of::<StreamParams>(request.query_string());
    let after = params.number("after", 0..=i64::MAX);
    let kind = params.choice("kind", &KINDS);
    let include = params.words("include", &INCLUDED);
    params.finish()?;
    let after = last_event(&request)?.or(after);
    let sight = viewer.published_sight();
    let client = Client::of(&request, &viewer, &state.door);
    let place = state.feed.places.enter(client)?;
    // What is asked for that is not there is told before the stream begins.
    let first = match after {
        Some(after) => Asked::page(after, kind, false, 1, sight.clone()),
        None => Asked::page(0, kind, false, 1, sight.clone()),
    };
    let found = state.feed.page(&state, &first).await?;
    let asked = change_stream::asked(
        after.unwrap_or(found.view.page.latest),
        kind,
        include.is_some(),
        sight,
    );
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "accept-encoding, authorization"))
        // Proxies that gather what they pass on would hold events back.
        .insert_header(("x-accel-buffering", "no"));
    Ok(match envelope::is_head(&request) {
        true => response.finish(),
        false => response.streaming(change_stream::events(
            state.into_inner(),
            asked,
            place,
            viewer,
        )),
    })
}

/// The line that a reader of events came to before it lost the connection. None where it has none yet.
fn last_event(request: &HttpRequest) -> Result<Option<i64>> {
    let fault = |detail: &str| Error::parameter("Last-Event-ID", detail);
    let mut given = request.headers().get_all("last-event-id");
    let Some(value) = given.next() else {
        return Ok(None);
    };
    if given.next().is_some() {
        return Err(fault("is given more than once"));
    }
    let text = value.to_str().unwrap_or("?").trim();
    if text.is_empty() {
        return Ok(None);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number
        .map(Some)
        .ok_or_else(|| fault("is not the number of a line"))
}
