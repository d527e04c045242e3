//! Tells the response cache what has moved.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::cache::{Ledger, Moved, Moves, RANKINGS, Seen};
use crate::content::time::Clock;
use crate::db::Conn;
use crate::error::Result;
use crate::follower::Derived;
use crate::store::articles::{self, ArticleRow};
use crate::store::changes::{Action, ChangeKind, ChangeRow};
use crate::store::groups;
use crate::store::state::Whole;
use crate::store::tags::{self, TagRow};

/// With more lines at once than this, as in an import, everything counts as moved.
const MANY: usize = 200;

/// The ledger, filled from the change log.
pub struct ResponseCache {
    ledger: Arc<Ledger>,
    clock: Clock,
    position: i64,
    /// What the lines since the last commit moved; `None`: too much to be told.
    moves: Option<Moves>,
}

impl ResponseCache {
    pub const NAME: &'static str = "cache";

    /// Begins where the ledger stands: before that, nothing was kept.
    pub fn new(ledger: Arc<Ledger>, clock: Clock) -> Self {
        Self {
            position: ledger.position(),
            moves: Some(Moves::default()),
            ledger,
            clock,
        }
    }
}

impl Derived for ResponseCache {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn open(&mut self) -> Result<()> {
        // After a panic it may not have told what moved.
        self.ledger.record_all(self.position);
        Ok(())
    }

    fn position(&self) -> Option<i64> {
        Some(self.position)
    }

    fn clear(&mut self) -> Result<()> {
        Ok(())
    }

    fn wants_articles(&self) -> bool {
        false
    }

    fn read(&mut self, conn: &mut Conn, lines: &[ChangeRow]) -> Result<()> {
        self.moves = match lines.len() > MANY {
            true => None,
            false => Some(moves(conn, lines, self.clock.now())?),
        };
        Ok(())
    }

    fn put(&mut self, _: &[Whole]) -> Result<()> {
        Ok(())
    }

    fn remove(&mut self, _: i64) -> Result<()> {
        Ok(())
    }

    fn commit(&mut self, position: i64) -> Result<()> {
        match self.moves.take() {
            Some(moves) => self.ledger.record(position, &moves),
            None => self.ledger.record_all(position),
        }
        self.moves = Some(Moves::default());
        self.position = position;
        Ok(())
    }
}

/// What these lines move for the public, in groups with the names of the answers' cache tags.
///
/// # Errors
/// When the database fails.
pub fn moves(conn: &mut Conn, lines: &[ChangeRow], now: DateTime<Utc>) -> Result<Moves> {
    let (of_articles, of_tags): (Vec<&ChangeRow>, Vec<&ChangeRow>) = lines
        .iter()
        .partition(|line| line.kind == ChangeKind::Article.as_str());
    let mut moves = Moves::default();
    let mut groups = Groups::default();
    articles_moved(conn, &of_articles, now, &mut groups, &mut moves)?;
    tags_moved(conn, &of_tags, &mut groups)?;
    moves.groups = groups.0.into_iter().collect();
    Ok(moves)
}

#[derive(Default)]
struct Groups(BTreeSet<String>);

impl Groups {
    fn add(&mut self, name: impl Into<String>) {
        self.0.insert(name.into());
    }

    /// How many articles bear the tag.
    fn count_of(&mut self, tag: &TagRow) {
        self.add(format!("tagged-{}", tag.id));
        self.add("tags");
    }
}

fn articles_moved(
    conn: &mut Conn,
    lines: &[&ChangeRow],
    now: DateTime<Utc>,
    groups: &mut Groups,
    moves: &mut Moves,
) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let nums: BTreeSet<i64> = lines.iter().map(|line| line.num).collect();
    let nums: Vec<i64> = nums.into_iter().collect();
    let rows = articles::by_nums(conn, &nums)?;
    let borne = tags::of_articles(conn, &nums)?;
    let visible: BTreeSet<i64> = rows
        .iter()
        .filter(|row| row.is_public(now))
        .map(|row| row.num)
        .collect();
    // What was saved in secret may have come out meanwhile by itself, and have been read as it was before.
    let public: Vec<&&ChangeRow> = lines
        .iter()
        .filter(|line| line.action != Action::Saved.as_str() || visible.contains(&line.num))
        .collect();
    let of_public: BTreeSet<i64> = public.iter().map(|line| line.num).collect();
    moves.articles = rows
        .iter()
        .map(|row| Moved {
            is_public: of_public.contains(&row.num),
            ..moved(row, &borne, now)
        })
        .collect();
    if public.is_empty() {
        return Ok(());
    }
    groups.add("articles");
    groups.add(RANKINGS);
    let mut counted = BTreeSet::new();
    for line in public {
        groups.add(format!("article-{}", line.id));
        let stays = line.action == Action::Updated.as_str();
        let all = borne
            .get(&line.num)
            .into_iter()
            .flatten()
            .map(|tag| tag.num);
        match line.moved_tags() {
            // Seen before and after: only what it gained or lost counts differently.
            Some(moved) if stays => counted.extend(moved),
            moved => counted.extend(all.chain(moved.into_iter().flatten())),
        }
    }
    for tag in tags::by_nums(conn, &counted.into_iter().collect::<Vec<_>>())?.values() {
        groups.count_of(tag);
    }
    // The others of a translation group name it.
    let translated: BTreeSet<&str> = rows
        .iter()
        .filter_map(|row| row.translation_group.as_deref())
        .collect();
    for group in translated {
        for member in groups::members(conn, group)? {
            groups.add(format!("article-{}", member.id));
        }
    }
    Ok(())
}

fn moved(row: &ArticleRow, borne: &HashMap<i64, Vec<TagRow>>, now: DateTime<Utc>) -> Moved {
    let micros = |time: NaiveDateTime| time.and_utc().timestamp_micros();
    let turns_at = match row.deleted_at {
        Some(_) => None,
        None => row.visibility().next_change(now),
    };
    let tags = borne.get(&row.num).into_iter().flatten();
    Moved {
        id: row.id.clone(),
        is_public: false,
        turns_at: turns_at.map(|time| time.timestamp_micros()),
        seen: row.is_public(now).then(|| Seen {
            language: row.language.clone(),
            source: row.source_name.clone(),
            tags: tags.map(|tag| tag.num).collect(),
            published_at: row.published_at.map(micros),
            updated_at: micros(row.updated_at),
            first_published_at: row.first_published_at.map(micros),
        }),
    }
}

fn tags_moved(conn: &mut Conn, lines: &[&ChangeRow], groups: &mut Groups) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    groups.add("tags");
    // What bears a new tag has a line of its own.
    let lines: Vec<&&ChangeRow> = lines.iter().filter(|line| line.version > 1).collect();
    if lines.is_empty() {
        return Ok(());
    }
    groups.add("articles");
    groups.add(RANKINGS);
    let nums: Vec<i64> = lines.iter().map(|line| line.num).collect();
    let rows = tags::by_nums(conn, &nums)?;
    for line in lines {
        groups.add(format!("tag-{}", line.id));
        groups.add(format!("tagged-{}", line.id));
        // A merged tag's line has the id of what is gone, and the number of what it became.
        if let Some(row) = rows.get(&line.num) {
            groups.add(format!("tag-{}", row.id));
            groups.count_of(row);
        }
    }
    Ok(())
}
