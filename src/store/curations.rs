//! What editors say of an article's neighbours: pins and bans.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::db::Conn;
use crate::db::dialect::{each, for_these};
use crate::db::schema::curations;
use crate::error::Result;

/// Pins in their order, and bans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Curation {
    pub pins: Vec<i64>,
    pub bans: Vec<i64>,
}

#[derive(Insertable)]
#[diesel(table_name = curations)]
struct NewCuration {
    article_num: i64,
    target_num: i64,
    kind: &'static str,
    position: i32,
}

/// The curations of these articles, by number; an article without one is missing.
pub fn of(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, Curation>> {
    let rows: Vec<(i64, i64, String)> = for_these!(curations::article_num, nums, these =>
        each!(conn, conn =>
            curations::table
                .filter(these)
                .order((curations::article_num, curations::position, curations::target_num))
                .select((curations::article_num, curations::target_num, curations::kind))
                .load(conn)))?;
    let mut by_article: HashMap<i64, Curation> = HashMap::new();
    for (article, target, kind) in rows {
        let curation = by_article.entry(article).or_default();
        match kind.as_str() {
            "pin" => curation.pins.push(target),
            _ => curation.bans.push(target),
        }
    }
    Ok(by_article)
}

/// Puts `curation` in the place of what the article had.
pub fn replace(conn: &mut Conn, article_num: i64, curation: &Curation) -> Result<()> {
    diesel::delete(curations::table.filter(curations::article_num.eq(article_num)))
        .execute(conn)?;
    let kinds = [("pin", &curation.pins), ("ban", &curation.bans)];
    let rows: Vec<NewCuration> = kinds
        .into_iter()
        .flat_map(|(kind, targets)| {
            (0..)
                .zip(targets)
                .map(move |(position, &target_num)| NewCuration {
                    article_num,
                    target_num,
                    kind,
                    position,
                })
        })
        .collect();
    if !rows.is_empty() {
        each!(conn, conn => diesel::insert_into(curations::table).values(&rows).execute(conn))?;
    }
    Ok(())
}
