//! Every tag with its public articles counted, kept up to date by following the change log.
//!
//! A census is of one state of the store, which the last line of the log names, and of a span of time in which no
//! article appears or disappears. Within both it is exact. Outside, only what has been written or has turned visible
//! since is counted again; everything is, once, at the start, and where tags were merged or very much has changed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::api::bearings::Bearings;
use crate::api::inputs::{TagListInput, TagOrder};
use crate::api::tag_views::For;
use crate::api::tags::Found;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::store::tags::TagOutline;
use crate::store::{census, changes, tags};

/// Where a tag stands in a list: how often it is used, negated, its folded name, its slug.
pub type Key = (i64, String, String);

/// Lines of the log, and articles, that are caught up with; of more a new census is taken.
const MOST: usize = 5_000;
/// A request may be older by this than the latest that brought the census up to date.
const LATENESS: TimeDelta = TimeDelta::seconds(30);
/// Articles whose taggings are read at a time.
const PART: i64 = 50_000;
/// How long a request waits for another that counts.
const PATIENCE: Duration = Duration::from_millis(500);

/// The census, shared by all requests.
#[derive(Clone, Default)]
pub struct Kept {
    census: Arc<RwLock<Option<Census>>>,
    /// Whose turn it is to bring it up to date: one is enough.
    turn: Arc<Mutex<()>>,
}

/// All tags as they are counted.
struct Census {
    seq: i64,
    at: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
    /// In no order; a tag stays in its place.
    tags: Vec<Counted>,
    places: HashMap<i64, u32>,
    /// Places in `tags`.
    by_name: Vec<u32>,
    /// The most used first.
    by_count: Vec<u32>,
    /// What was counted of which article.
    bearings: Bearings,
}

struct Counted {
    outline: TagOutline,
    count: i64,
}

/// What has changed since a census.
struct News {
    seq: i64,
    at: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
    /// Articles, each with the tags that it now counts for.
    articles: HashMap<i64, Vec<u32>>,
    tags: Vec<TagOutline>,
}

impl Kept {
    /// A page of the list of tags, as this connection's transaction sees them at `now`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn page(
        &self,
        conn: &mut Conn,
        input: &TagListInput,
        whom: &For,
        after: Option<&Key>,
        now: DateTime<Utc>,
    ) -> Result<Found> {
        let seq = changes::last(conn)?;
        loop {
            if let Some(found) = self.ask(seq, now, |census| census.page(input, whom, after)) {
                return Ok(found);
            }
            if !self.catch_up(conn, seq, now)? {
                return Err(Error::NotReady("the tags are being counted"));
            }
        }
    }

    /// How many public articles bear each of these tags: from the census where there is one, else counted for these
    /// alone. Zeros are missing.
    ///
    /// # Errors
    /// When the database fails.
    pub fn counts(
        &self,
        conn: &mut Conn,
        nums: &[i64],
        now: DateTime<Utc>,
    ) -> Result<HashMap<i64, i64>> {
        if nums.is_empty() {
            return Ok(HashMap::new());
        }
        let seq = changes::last(conn)?;
        let is_taken = self.read(|census| census.is_some());
        if is_taken {
            self.catch_up(conn, seq, now)?;
        }
        match self.ask(seq, now, |census| census.counts(nums)) {
            Some(counts) => Ok(counts),
            None => tags::counts(conn, nums, now),
        }
    }

    /// Takes the first census, so that no request has to wait for it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn take(&self, conn: &mut Conn, now: DateTime<Utc>) -> Result<()> {
        let seq = changes::last(conn)?;
        self.catch_up(conn, seq, now).map(drop)
    }

    fn read<T>(&self, ask: impl FnOnce(Option<&Census>) -> T) -> T {
        let census = self.census.read().unwrap_or_else(PoisonError::into_inner);
        ask(census.as_ref())
    }

    fn ask<T>(&self, seq: i64, now: DateTime<Utc>, ask: impl FnOnce(&Census) -> T) -> Option<T> {
        self.read(|census| census.filter(|census| census.holds(seq, now)).map(ask))
    }

    /// False where another has been counting for so long that it is not waited for: who waits holds a connection.
    fn catch_up(&self, conn: &mut Conn, seq: i64, now: DateTime<Utc>) -> Result<bool> {
        if self.ask(seq, now, |_| ()).is_some() {
            return Ok(true);
        }
        let Some(_turn) = self.turn() else {
            return Ok(false);
        };
        let since = self.read(|census| {
            let census = census.filter(|census| !census.is_ahead(now))?;
            Some((census.seq, census.at, census.until, census.holds(seq, now)))
        });
        let news = match since {
            Some((.., true)) => return Ok(true),
            Some((from, at, until, false)) => News::since(conn, (from, at, until), seq, now)?,
            None => None,
        };
        let whole = match &news {
            Some(_) => None,
            None => Some(Census::take(conn, seq, now)?),
        };
        let mut kept = self.census.write().unwrap_or_else(PoisonError::into_inner);
        match (whole, news, kept.as_mut()) {
            (None, Some(news), Some(census)) => census.learn(news),
            (whole, ..) => *kept = whole,
        }
        Ok(true)
    }

    fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        let began = Instant::now();
        loop {
            match self.turn.try_lock() {
                Ok(turn) => return Some(turn),
                Err(TryLockError::Poisoned(turn)) => return Some(turn.into_inner()),
                Err(TryLockError::WouldBlock) if began.elapsed() > PATIENCE => return None,
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(2)),
            }
        }
    }
}

impl News {
    /// `None`: too much has changed, or in a way that the log does not tell one by one.
    fn since(
        conn: &mut Conn,
        (from, was, until): (i64, DateTime<Utc>, Option<DateTime<Utc>>),
        seq: i64,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>> {
        let lines = changes::after(conn, from, MOST as i64 + 1)?;
        let mut nums = BTreeSet::new();
        let mut named = BTreeSet::new();
        for line in &lines {
            match line.kind.as_str() {
                "tag" => drop(named.insert((line.num, line.id.as_str()))),
                _ => drop(nums.insert(line.num)),
            }
        }
        // A request that is late must not take the time back.
        let at = now.max(was);
        let has_turned = until.is_some_and(|until| until <= at);
        if has_turned {
            nums.extend(census::turned(conn, was, at)?);
        }
        if lines.len() > MOST || nums.len() > MOST {
            return Ok(None);
        }
        let tag_nums: BTreeSet<i64> = named.iter().map(|(num, _)| *num).collect();
        let tag_nums: Vec<i64> = tag_nums.into_iter().collect();
        let outlines = census::outlines(conn, &tag_nums)?;
        let present: HashSet<(i64, &str)> = outlines
            .iter()
            .map(|(id, tag)| (tag.num, id.as_str()))
            .collect();
        // The line of a tag that was merged or deleted names one that is no more.
        if !named.iter().all(|line| present.contains(line)) {
            return Ok(None);
        }
        let mut articles: HashMap<i64, Vec<u32>> =
            nums.iter().map(|num| (*num, Vec::new())).collect();
        let nums: Vec<i64> = nums.into_iter().collect();
        for (article, tag) in census::public_taggings(conn, &nums, at)? {
            articles.entry(article).or_default().push(tag as u32);
        }
        Ok(Some(Self {
            seq,
            at,
            // A moment that a new article brings is among them, too.
            until: match lines.is_empty() && !has_turned {
                true => until,
                false => tags::next_moment(conn, at)?,
            },
            articles,
            tags: outlines.into_iter().map(|(_, tag)| tag).collect(),
        }))
    }
}

/// A page of all tags with these counts, which are not kept: a partner's.
///
/// # Errors
/// When the database fails.
pub fn page_of(
    conn: &mut Conn,
    counts: &HashMap<i64, i64>,
    input: &TagListInput,
    whom: &For,
    after: Option<&Key>,
) -> Result<Found> {
    let tags = tags::all_outlines(conn)?;
    let census = Census::of(
        tags,
        counts,
        Bearings::default(),
        (0, DateTime::UNIX_EPOCH, None),
    );
    Ok(census.page(input, whom, after))
}

impl Census {
    fn take(conn: &mut Conn, seq: i64, now: DateTime<Utc>) -> Result<Self> {
        let hidden = census::hidden(conn, now)?;
        let last = census::last_article(conn)?;
        let mut bearings = Bearings::default();
        let mut counts: HashMap<i64, i64> = HashMap::new();
        for after in (0..last).step_by(PART as usize) {
            for (article, tag) in census::taggings(conn, after, after + PART)? {
                if !hidden.contains(&article) {
                    bearings.append(article, tag as u32);
                    *counts.entry(tag).or_default() += 1;
                }
            }
        }
        let tags = tags::all_outlines(conn)?;
        let until = tags::next_moment(conn, now)?;
        Ok(Self::of(tags, &counts, bearings, (seq, now, until)))
    }

    /// Tags come in order of name.
    fn of(
        tags: Vec<TagOutline>,
        counts: &HashMap<i64, i64>,
        bearings: Bearings,
        (seq, at, until): (i64, DateTime<Utc>, Option<DateTime<Utc>>),
    ) -> Self {
        let tags: Vec<Counted> = tags
            .into_iter()
            .map(|outline| Counted {
                count: counts.get(&outline.num).copied().unwrap_or(0),
                outline,
            })
            .collect();
        let by_name: Vec<u32> = (0..tags.len() as u32).collect();
        let mut by_count = by_name.clone();
        // Stable, so that those used alike stay in order of name.
        by_count.sort_by_key(|&place| -tags[place as usize].count);
        Self {
            seq,
            at,
            until,
            places: (0..)
                .zip(&tags)
                .map(|(at, tag)| (tag.outline.num, at))
                .collect(),
            tags,
            by_name,
            by_count,
            bearings,
        }
    }

    fn holds(&self, seq: i64, now: DateTime<Utc>) -> bool {
        self.seq >= seq && !self.is_ahead(now) && self.until.is_none_or(|until| now < until)
    }

    /// Whether the clock has been put back.
    fn is_ahead(&self, now: DateTime<Utc>) -> bool {
        self.at > now + LATENESS
    }

    fn learn(&mut self, news: News) {
        for tag in news.tags {
            self.outline(tag);
        }
        for (article, tags) in news.articles {
            for tag in self.bearings.of(article).to_vec() {
                self.count(i64::from(tag), -1);
            }
            for tag in &tags {
                self.count(i64::from(*tag), 1);
            }
            self.bearings.replace(article, tags);
        }
        (self.seq, self.at, self.until) = (news.seq, news.at, news.until);
    }

    /// Takes a tag in, or takes over what it is now.
    fn outline(&mut self, outline: TagOutline) {
        let known = self.places.get(&outline.num).copied();
        if let Some(place) = known {
            self.take_out(place);
            self.tags[place as usize].outline = outline;
            return self.put_in(place);
        }
        let place = self.tags.len() as u32;
        self.places.insert(outline.num, place);
        self.tags.push(Counted { outline, count: 0 });
        self.put_in(place);
    }

    fn count(&mut self, tag: i64, change: i64) {
        if let Some(place) = self.places.get(&tag).copied() {
            let at = self.find(TagOrder::Count, place);
            self.by_count.remove(at);
            self.tags[place as usize].count += change;
            let at = self.find(TagOrder::Count, place);
            self.by_count.insert(at, place);
        }
    }

    fn take_out(&mut self, place: u32) {
        let at = self.find(TagOrder::Name, place);
        self.by_name.remove(at);
        let at = self.find(TagOrder::Count, place);
        self.by_count.remove(at);
    }

    fn put_in(&mut self, place: u32) {
        let at = self.find(TagOrder::Name, place);
        self.by_name.insert(at, place);
        let at = self.find(TagOrder::Count, place);
        self.by_count.insert(at, place);
    }

    /// Where a tag is in an order, or belongs.
    fn find(&self, order: TagOrder, place: u32) -> usize {
        let key = self.tags[place as usize].key(order);
        self.in_order(order)
            .partition_point(|&other| self.tags[other as usize].key(order) < key)
    }

    fn in_order(&self, order: TagOrder) -> &[u32] {
        match order {
            TagOrder::Name => &self.by_name,
            TagOrder::Count => &self.by_count,
        }
    }

    fn counts(&self, nums: &[i64]) -> HashMap<i64, i64> {
        let counted = |num: &i64| {
            let place = *self.places.get(num)?;
            let count = self.tags.get(place as usize)?.count;
            (count > 0).then_some((*num, count))
        };
        nums.iter().filter_map(counted).collect()
    }

    /// The page of a list that comes after a key.
    fn page(&self, input: &TagListInput, whom: &For, after: Option<&Key>) -> Found {
        let all = self.in_order(input.order);
        let tag = |place: &u32| &self.tags[*place as usize];
        let passed = after.map_or(0, |after| {
            all.partition_point(|place| tag(place).key(input.order) <= key_of(after))
        });
        let is_in = |place: &&u32| tag(place).is_in(input, whom);
        let mut rest = all[passed..].iter().filter(is_in).map(tag);
        let shown: Vec<&Counted> = rest.by_ref().take(input.limit).collect();
        let last = shown.last().filter(|_| rest.next().is_some());
        Found {
            nums: shown.iter().map(|tag| tag.outline.num).collect(),
            next: last.map(|tag| {
                let (count, name, slug) = tag.key(input.order);
                (count, name.to_owned(), slug.to_owned())
            }),
            count: input.count.then(|| all.iter().filter(is_in).count() as i64),
        }
    }
}

impl Counted {
    fn is_in(&self, input: &TagListInput, whom: &For) -> bool {
        (whom.is_newsroom() || self.outline.listed || self.count > 0)
            && input.kind.is_none_or(|kind| self.outline.kind == kind)
            && input
                .prefix
                .as_ref()
                .is_none_or(|prefix| self.outline.folded_name.starts_with(prefix))
    }

    fn key(&self, order: TagOrder) -> (i64, &str, &str) {
        let count = match order {
            TagOrder::Name => 0,
            // Negated, so that one ascending order does for both.
            TagOrder::Count => -self.count,
        };
        (count, &self.outline.folded_name, &self.outline.slug)
    }
}

fn key_of(key: &Key) -> (i64, &str, &str) {
    (key.0, &key.1, &key.2)
}
