//! The sitemap of everything that a query finds, in one piece or as an index of parts.
//!
//! A part is a stretch of the numbers that articles have in the database. An article never leaves its part, so a new
//! one changes the last part only, and crawlers need not read the others again.

use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::SemaphorePermit;

use crate::api::address::Address;
use crate::api::article_lists;
use crate::api::article_views;
use crate::api::articles::resolved;
use crate::api::conditional::{Answer, Keep, LISTS};
use crate::api::feeds::{items, sitemaps};
use crate::api::inputs::{ListInput, Shape};
use crate::api::state::State;
use crate::api::tag_views::For;
use crate::cache::Stretch;
use crate::db::{Conn, Reader};
use crate::error::{Error, Result};
use crate::store::listing::{Listing, Scope};
use crate::store::shown;
use crate::store::sitemap::{self as parts, Part};
use crate::syndication::sitemap::{self, MAX_ADDRESSES, Sitemap};

/// Whole sitemaps that are written at a time: each holds a connection for as long as it reads.
pub const AT_A_TIME: usize = 2;
/// How long others wait for their turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// Seconds until a caller whose turn did not come may try again.
const RETRY_AFTER: u32 = 5;

/// Articles that are read at once.
const BATCH: usize = 500;

pub fn answer(
    state: &State,
    reader: &Reader<'_>,
    input: &ListInput,
    part: Option<i64>,
    address: &Address,
    now: DateTime<Utc>,
) -> Result<Answer> {
    let _turn = turn(state)?;
    reader.read(|conn| {
        let shape = &*article_lists::in_snapshot(conn, &input.shape)?;
        let scope = Scope::of(&shape.sight);
        let wanted = resolved(conn, input.tags.as_ref(), &For::of(&shape.sight), now)?;
        let listing = article_lists::asked(input, wanted.filter.clone(), scope, now);
        let made = match part {
            Some(page) => {
                let nums = parts::nums(conn, &listing, Part::of_page(page), MAX_ADDRESSES)?;
                written(conn, state, shape, &nums, now, true)?
            }
            None => whole(conn, state, shape, &listing, address, now)?,
        };
        let Made {
            body,
            changed_at,
            expires_at,
        } = made.ok_or_else(|| Error::Internal("a sitemap's part did not end".to_owned()))?;
        let tags = wanted.cache_tags(&[]);
        let keep = Keep {
            stretch: Some(everything(input)),
            with_time: true,
            ..Keep::default()
        };
        Ok(Answer::of(body, sitemap::MEDIA_TYPE)
            .last_modified(changed_at)
            .until(expires_at)
            .cache_tags(std::iter::once(LISTS.to_owned()).chain(tags))
            .keep(keep))
    })
}

/// On a thread that may wait, before a connection is taken.
fn turn(state: &State) -> Result<SemaphorePermit<'_>> {
    let started = Instant::now();
    loop {
        match state.sitemaps.try_acquire() {
            Ok(permit) => return Ok(permit),
            Err(_) if started.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(20)),
            Err(_) => return Err(Error::TooManyRequests(RETRY_AFTER)),
        }
    }
}

/// A document, when the newest of what is in it changed, and when the first must disappear.
struct Made {
    body: Vec<u8>,
    changed_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
}

fn whole(
    conn: &mut Conn,
    state: &State,
    shape: &Shape,
    listing: &Listing,
    address: &Address,
    now: DateTime<Utc>,
) -> Result<Option<Made>> {
    let nums = parts::nums(conn, listing, Part::ALL, MAX_ADDRESSES + 1)?;
    if nums.len() <= MAX_ADDRESSES
        && let Some(made) = written(conn, state, shape, &nums, now, false)?
    {
        return Ok(Some(made));
    }
    let query = address.query_without(&[]);
    let mark = if query.is_empty() { '?' } else { '&' };
    let own = |(page, changed_at)| {
        let address = format!("{}{query}{mark}page={page}", address.path());
        (state.publication.api(&address), changed_at)
    };
    let parts = parts::parts(conn, listing)?;
    let sitemaps: Vec<(String, DateTime<Utc>)> = parts.into_iter().map(own).collect();
    Ok(Some(Made {
        changed_at: sitemaps.iter().map(|(_, changed_at)| *changed_at).max(),
        body: sitemap::index(&sitemaps),
        expires_at: None,
    }))
}

/// `None` where they do not fit into one sitemap; what is a part is made to.
fn written(
    conn: &mut Conn,
    state: &State,
    shape: &Shape,
    nums: &[i64],
    now: DateTime<Utc>,
    is_part: bool,
) -> Result<Option<Made>> {
    let mut sitemap = Sitemap::default();
    let (mut changed_at, mut expires_at) = (None, None);
    for batch in nums.chunks(BATCH) {
        let shown = shown::by_nums(conn, batch, shape.parts(), now)?;
        let views = article_views::views(conn, state, shown, shape, now)?;
        expires_at = [
            expires_at,
            views.iter().filter_map(|view| view.expires_at).min(),
        ]
        .into_iter()
        .flatten()
        .min();
        for item in items::items(&views, &state.publication) {
            changed_at = changed_at.max(Some(item.changed_at()));
            let entry = sitemaps::entry(item);
            match is_part {
                true => sitemap.add_at_least_address(&entry),
                false if !sitemap.add(&entry) => return Ok(None),
                false => {}
            }
        }
    }
    Ok(Some(Made {
        body: sitemap.finish(),
        changed_at,
        expires_at,
    }))
}

/// Any article of the list counts, wherever it stands.
fn everything(input: &ListInput) -> Stretch {
    let micros = |time: DateTime<Utc>| time.timestamp_micros();
    Stretch {
        language: input.language.clone(),
        source: input.source.clone(),
        tags: None,
        ids: None,
        from: input.from.map(micros),
        to: input.to.map(micros),
        use_date: input.use_date,
        order: input.order,
        after: None,
        last: None,
        whole: true,
    }
}
