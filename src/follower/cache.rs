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

    /// An edit moves what the article itself tells; but tags that it gained or lost, and translations, must be asked for.
    fn knows_by(&mut self, lines: &[ChangeRow], articles: &[Whole]) -> bool {
        let present = articles.iter().map(|article| Present {
            row: &article.row,
            tags: &article.tags,
        });
        let mut moves = Moves::default();
        let mut groups = Groups::default();
        let lines: Vec<&ChangeRow> = lines.iter().collect();
        let now = self.clock.now();
        let asked = articles_moved(&lines, present, now, &mut groups, &mut moves);
        moves.groups = groups.0.into_iter().collect();
        self.moves = Some(moves);
        asked.is_nothing()
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
    if !of_articles.is_empty() {
        let nums: BTreeSet<i64> = of_articles.iter().map(|line| line.num).collect();
        let nums: Vec<i64> = nums.into_iter().collect();
        let rows = articles::by_nums(conn, &nums)?;
        let borne = tags::of_articles(conn, &nums)?;
        let present = rows.iter().map(|row| Present {
            row,
            tags: borne.get(&row.num).map_or(&[], Vec::as_slice),
        });
        let asked = articles_moved(&of_articles, present, now, &mut groups, &mut moves);
        around_articles_moved(conn, &asked, &mut groups)?;
    }
    tags_moved(conn, &of_tags, &mut groups)?;
    moves.groups = groups.0.into_iter().collect();
    Ok(moves)
}

/// An article as it is now.
struct Present<'a> {
    row: &'a ArticleRow,
    tags: &'a [TagRow],
}

/// What moves with articles and is not told by them.
#[derive(Default)]
struct Asked<'a> {
    /// Numbers of tags whose articles count differently.
    counted: BTreeSet<i64>,
    /// Translation groups, whose members name each other.
    translated: BTreeSet<&'a str>,
}

impl Asked<'_> {
    fn is_nothing(&self) -> bool {
        self.counted.is_empty() && self.translated.is_empty()
    }
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

fn articles_moved<'a>(
    lines: &[&ChangeRow],
    present: impl Iterator<Item = Present<'a>>,
    now: DateTime<Utc>,
    groups: &mut Groups,
    moves: &mut Moves,
) -> Asked<'a> {
    let present: Vec<Present> = present.collect();
    let visible: BTreeSet<i64> = present
        .iter()
        .filter(|article| article.row.is_public(now))
        .map(|article| article.row.num)
        .collect();
    // What was saved in secret may have come out meanwhile by itself, and have been read as it was before.
    let public: Vec<&&ChangeRow> = lines
        .iter()
        .filter(|line| line.action != Action::Saved.as_str() || visible.contains(&line.num))
        .collect();
    let of_public: BTreeSet<i64> = public.iter().map(|line| line.num).collect();
    moves.articles = present
        .iter()
        .map(|article| Moved {
            is_public: of_public.contains(&article.row.num),
            ..moved(article, now)
        })
        .collect();
    if public.is_empty() {
        return Asked::default();
    }
    groups.add("articles");
    groups.add(RANKINGS);
    let borne: HashMap<i64, &[TagRow]> = present
        .iter()
        .map(|article| (article.row.num, article.tags))
        .collect();
    let mut counted = BTreeSet::new();
    for line in public {
        groups.add(format!("article-{}", line.id));
        let stays = line.action == Action::Updated.as_str();
        let all = borne.get(&line.num).copied().unwrap_or_default();
        let all = all.iter().map(|tag| tag.num);
        match line.moved_tags() {
            // Seen before and after: only what it gained or lost counts differently.
            Some(moved) if stays => counted.extend(moved),
            moved => counted.extend(all.chain(moved.into_iter().flatten())),
        }
    }
    Asked {
        counted,
        translated: present
            .iter()
            .filter_map(|article| article.row.translation_group.as_deref())
            .collect(),
    }
}

fn around_articles_moved(conn: &mut Conn, asked: &Asked, groups: &mut Groups) -> Result<()> {
    let counted: Vec<i64> = asked.counted.iter().copied().collect();
    for tag in tags::by_nums(conn, &counted)?.values() {
        groups.count_of(tag);
    }
    // The others of a translation group name it.
    for group in &asked.translated {
        for member in groups::members(conn, group)? {
            groups.add(format!("article-{}", member.id));
        }
    }
    Ok(())
}

fn moved(article: &Present, now: DateTime<Utc>) -> Moved {
    let Present { row, tags } = article;
    let micros = |time: NaiveDateTime| time.and_utc().timestamp_micros();
    let turns_at = match row.deleted_at {
        Some(_) => None,
        None => row.visibility().next_change(now),
    };
    Moved {
        id: row.id.clone(),
        is_public: false,
        turns_at: turns_at.map(|time| time.timestamp_micros()),
        seen: row.is_public(now).then(|| Seen {
            language: row.language.clone(),
            source: row.source_name.clone(),
            tags: tags.iter().map(|tag| tag.num).collect(),
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
