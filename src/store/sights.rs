//! Which articles a caller sees: as a condition of a query, and of rows that were read.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::{not, sql};
use diesel::helper_types::InnerJoinQuerySource;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::content::rights::{Facts, Rights};
use crate::content::sight::Sight;
use crate::content::tag_filter::TagFilter;
use crate::content::time::to_stored;
use crate::content::visibility::Standing;
use crate::db::schema::{article_tags, articles};
use crate::db::{Backend, Conn};
use crate::error::Result;
use crate::store::articles::ArticleRow;
use crate::store::{changes, tags};

type On<'a, Source> = Box<dyn BoxableExpression<Source, Backend, SqlType = Bool> + 'a>;

/// A condition on articles.
pub type Condition<'a> = On<'a, articles::table>;

/// Taggings with the article of each.
pub type Taggings = InnerJoinQuerySource<article_tags::table, articles::table>;

/// Whether a caller of this sight sees an article with these tags at `now`.
pub fn sees(sight: &Sight, row: &ArticleRow, tags: &[i64], now: DateTime<Utc>) -> bool {
    match sight {
        Sight::Partner(rights) => {
            row.deleted_at.is_none()
                && rights.are_timely(&row.visibility(), now)
                && rights.admit(facts(row), tags)
        }
        sight => {
            row.deleted_at.is_none()
                && (row.is_public(now) || sight.reaches(row.created_by.as_deref()))
        }
    }
}

/// Whether an article with these tags is in the scope of a caller of this sight, public or not.
pub fn admits(sight: &Sight, row: &ArticleRow, tags: &[i64]) -> bool {
    let rights = sight.rights();
    rights.is_none_or(|rights| rights.admit(facts(row), tags))
}

/// What a caller of this sight finds of an article with these tags, where it does not see it: a partner is told that it
/// is gone only where it once could see it.
///
/// # Errors
/// When the database fails.
pub fn standing(
    conn: &mut Conn,
    sight: &Sight,
    row: &ArticleRow,
    tags: &[i64],
    now: DateTime<Utc>,
) -> Result<Standing> {
    standing_before(conn, sight, row, tags, i64::MAX, now)
}

/// The same for an article as it was before this line of the log.
///
/// # Errors
/// When the database fails.
pub fn standing_before(
    conn: &mut Conn,
    sight: &Sight,
    row: &ArticleRow,
    tags: &[i64],
    seq: i64,
    now: DateTime<Utc>,
) -> Result<Standing> {
    let Some(rights) = sight.rights() else {
        return Ok(row.standing(now));
    };
    let admits = rights.admit(facts(row), tags);
    Ok(
        match admits && opened_in_time(conn, rights, row, seq, now)? {
            true => row.standing(rights.opened_by(now).min(now)),
            false => Standing::Hidden,
        },
    )
}

/// Whether a partner that waits had its turn before the article was withdrawn, was deleted or expired.
fn opened_in_time(
    conn: &mut Conn,
    rights: &Rights,
    row: &ArticleRow,
    seq: i64,
    now: DateTime<Utc>,
) -> Result<bool> {
    if rights.shift <= TimeDelta::zero() {
        return Ok(true);
    }
    let opens = row
        .published_at
        .map(|at| at.max(row.embargoed_until.unwrap_or(at)));
    let opened = row.first_published_at.into_iter().chain(opens).min();
    let is_out = row
        .visibility()
        .window()
        .is_some_and(|(from, _)| from <= now);
    let taken_back = match is_out {
        true => None,
        // Where the log does not tell: the last save is that which took it back, or a later one.
        false => Some(
            changes::taken_back(conn, row.num, seq)?.map_or(row.updated_at, |at| at.naive_utc()),
        ),
    };
    let expired = row.expires_at.filter(|at| at.and_utc() <= now);
    let ended = [row.deleted_at, expired, taken_back]
        .into_iter()
        .flatten()
        .min();
    let seen_from = opened.and_then(|opened| opened.checked_add_signed(rights.shift));
    Ok(match (seen_from, ended) {
        (Some(from), Some(ended)) => from < ended,
        (Some(_), None) => true,
        (None, _) => false,
    })
}

fn facts(row: &ArticleRow) -> Facts<'_> {
    Facts {
        language: &row.language,
        source: row.source_name.as_deref(),
        syndicatable: row.syndicatable,
    }
}

/// The tags of these articles that it takes to say whether a caller of this sight sees them: none, but for a partner
/// whose scope names some.
pub fn tags_for(conn: &mut Conn, sight: &Sight, nums: &[i64]) -> Result<HashMap<i64, Vec<i64>>> {
    let is_asked = sight.rights().is_some_and(|rights| rights.tags.is_some());
    if !is_asked || nums.is_empty() {
        return Ok(HashMap::new());
    }
    tags::nums_of(conn, nums)
}

/// Those of these articles that are in the scope of a partner with these rights, whether they are out or not.
///
/// # Errors
/// When the database fails.
pub fn in_scope(conn: &mut Conn, rights: &Rights, nums: &[i64]) -> Result<Vec<i64>> {
    let scope: Condition = within(rights);
    Ok(articles::table
        .filter(articles::num.eq_any(nums))
        .filter(scope)
        .select(articles::num)
        .load(conn)?)
}

/// Those of these rows that a caller of this sight sees at `now`.
pub fn seen(
    conn: &mut Conn,
    sight: &Sight,
    mut rows: Vec<ArticleRow>,
    now: DateTime<Utc>,
) -> Result<Vec<ArticleRow>> {
    let nums: Vec<i64> = rows.iter().map(|row| row.num).collect();
    let tags = tags_for(conn, sight, &nums)?;
    let of = |num: &i64| tags.get(num).map(Vec::as_slice).unwrap_or_default();
    rows.retain(|row| sees(sight, row, of(&row.num), now));
    Ok(rows)
}

/// The conditions for queries on `$source`, of which articles are a part.
macro_rules! conditions {
    ($condition:ident, $public:ident, $partner:ident, $within:ident, $tagged:ident, $joined:ident, $source:ty) => {
        /// What someone of this sight sees at `now`.
        pub fn $condition<'a>(sight: &'a Sight, now: DateTime<Utc>) -> On<'a, $source> {
            match sight {
                Sight::All => Box::new(articles::deleted_at.is_null()),
                Sight::Public => $public(now),
                Sight::Partner(rights) => $partner(rights, now),
                Sight::Own(name) => {
                    let maker = articles::created_by;
                    let own = maker.is_not_null().and(maker.assume_not_null().eq(name));
                    let own = own.and(articles::deleted_at.is_null());
                    Box::new(own.or($public(now)))
                }
            }
        }

        /// What the public sees at `now`.
        pub fn $public<'a>(now: DateTime<Utc>) -> On<'a, $source> {
            open!(now, now)
        }

        /// What a partner with these rights sees at `now`.
        pub fn $partner<'a>(rights: &'a Rights, now: DateTime<Utc>) -> On<'a, $source> {
            let opened = rights.opened_by(now);
            let mut condition: On<'a, $source> = open!(opened, now);
            // For the public a window that ends before it begins is never open; earlier eyes might find it so.
            if opened > now {
                let expires = || articles::expires_at.assume_not_null();
                let (published, embargo) = (articles::published_at, articles::embargoed_until);
                let ends = articles::expires_at.is_not_null();
                let never = ends.and(expires().le(published.assume_not_null()));
                let ends = ends.and(embargo.is_not_null());
                let embargoed = ends.and(expires().le(embargo.assume_not_null()));
                condition = Box::new(condition.and(not(never)).and(not(embargoed)));
            }
            Box::new(condition.and($within(rights)))
        }

        /// What is in the scope of a partner with these rights.
        fn $within<'a>(rights: &'a Rights) -> On<'a, $source> {
            let mut condition: On<'a, $source> = Box::new(articles::syndicatable.eq(true));
            // Said so that no index answers to them: a list walks the one that has its order.
            if let Some(languages) = &rights.languages {
                condition = Box::new(condition.and(not(articles::language.ne_all(languages))));
            }
            if let Some(sources) = &rights.sources {
                let named = articles::source_name.assume_not_null().ne_all(sources);
                let source = articles::source_name.is_not_null().and(not(named));
                condition = Box::new(condition.and(source));
            }
            if let Some(tags) = &rights.tags {
                condition = Box::new(condition.and($tagged(tags)));
            }
            condition
        }

        /// What bears these tags.
        pub fn $tagged<'a>(filter: &TagFilter<i64>) -> On<'a, $source> {
            match filter {
                TagFilter::Is(tag) => {
                    let borne = diesel::alias!(article_tags as borne);
                    let bearers = borne
                        .filter(borne.field(article_tags::tag_num).eq(*tag))
                        .select(borne.field(article_tags::article_num));
                    Box::new(articles::num.eq_any(bearers))
                }
                TagFilter::Not(inner) => Box::new(not($tagged(inner))),
                TagFilter::All(filters) => {
                    $joined(filters, |left, right| Box::new(left.and(right)))
                }
                TagFilter::Any(filters) => $joined(filters, |left, right| Box::new(left.or(right))),
            }
        }

        fn $joined<'a>(
            filters: &[TagFilter<i64>],
            join: impl Fn(On<'a, $source>, On<'a, $source>) -> On<'a, $source>,
        ) -> On<'a, $source> {
            let conditions = filters.iter().map($tagged);
            conditions
                .reduce(join)
                .unwrap_or_else(|| Box::new(true.into_sql::<Bool>()))
        }
    };
}

/// Said so that no index answers to it. SQLite keeps no statistics and takes any date that is compared for a rare one:
/// it would fetch all that has been published and sort that, where an index has the order that is asked for.
macro_rules! open {
    ($opened:expr, $now:expr) => {{
        let (opened, now) = (to_stored($opened), to_stored($now));
        let out = articles::status
            .eq("published")
            .or(articles::status.eq("scheduled"));
        let ahead = articles::published_at
            .is_null()
            .or(articles::published_at.assume_not_null().gt(opened));
        let embargoed = articles::embargoed_until
            .is_not_null()
            .and(articles::embargoed_until.assume_not_null().gt(opened));
        let expired = articles::expires_at
            .is_not_null()
            .and(articles::expires_at.assume_not_null().le(now));
        Box::new(
            out.and(articles::deleted_at.is_null())
                .and(not(ahead))
                .and(not(embargoed))
                .and(not(expired)),
        )
    }};
}

conditions!(
    condition,
    public,
    partner,
    within,
    tagged,
    joined,
    articles::table
);
conditions!(
    condition_of_tagging,
    public_tagging,
    partner_tagging,
    within_tagging,
    tagged_tagging,
    joined_tagging,
    Taggings
);

/// What is withheld from every partner, told by the index of these, which are few.
pub fn withheld_tagging() -> diesel::expression::SqlLiteral<Bool> {
    sql("article_tags.article_num IN (SELECT num FROM articles WHERE NOT syndicatable)")
}
