//! Translation groups: joining one, leaving it, and whose answers change with it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::Conn;
use crate::db::dialect::each;
use crate::db::schema::{articles, curations};
use crate::error::{Error, Result};
use crate::store::articles::ArticleRow;
use crate::store::changes::Action;
use crate::store::save::{Manner, Save};
use crate::store::transitions;

/// The articles of a group that are not deleted, in order of language.
pub fn members(conn: &mut Conn, group: &str) -> Result<Vec<ArticleRow>> {
    Ok(each!(conn, conn =>
        articles::table
            .filter(articles::translation_group.eq(group))
            .filter(articles::deleted_at.is_null())
            .order((articles::language, articles::slug))
            .load(conn))?)
}

/// The article and its translations, in order of language.
pub fn around(conn: &mut Conn, row: &ArticleRow) -> Result<Vec<ArticleRow>> {
    match &row.translation_group {
        Some(group) => members(conn, group),
        None => Ok(vec![row.clone()]),
    }
}

impl Save<'_> {
    /// # Errors
    /// [`Error::Conflict`] where another of its translations is in the article's own language.
    pub(super) fn alone_in_language(&self, conn: &mut Conn, row: &ArticleRow) -> Result<()> {
        let members = around(conn, row)?;
        let mut others = members.iter().filter(|other| other.num != row.num);
        match others.find(|other| other.language == row.language) {
            Some(other) => Err(self.two_of(row, other)),
            None => Ok(()),
        }
    }

    /// With the names of those that the caller may know.
    fn two_of(&self, one: &ArticleRow, other: &ArticleRow) -> Error {
        let language = &one.language;
        let mut detail = format!("its translations would be two articles in {language:?}");
        if self.sees(one) && self.sees(other) {
            detail.push_str(&format!(", {:?} and {:?}", one.slug, other.slug));
        }
        Error::conflict("", detail)
    }

    /// Makes one group of the article's and the other's, as a version of the article. `None`: they are of one group.
    ///
    /// # Errors
    /// [`Error::Conflict`] where that group would have two articles of one language.
    pub fn join(
        &self,
        conn: &mut Conn,
        mut before: ArticleRow,
        other: &ArticleRow,
    ) -> Result<Option<ArticleRow>> {
        let common = before.translation_group.is_some()
            && before.translation_group == other.translation_group;
        if common || before.num == other.num {
            return Ok(None);
        }
        let (ours, theirs) = (around(conn, &before)?, around(conn, other)?);
        for their in &theirs {
            if let Some(our) = ours.iter().find(|our| our.language == their.language) {
                return Err(self.two_of(our, their));
            }
        }
        transitions::settle(conn, &mut before, self.now)?;
        let group = before.translation_group.clone();
        let group = group.or_else(|| other.translation_group.clone());
        let group = group.unwrap_or_else(|| Uuid::now_v7().to_string());
        let row = self.with_row(conn, &before, |row| ArticleRow {
            translation_group: Some(group.clone()),
            ..row
        })?;
        log_same(conn, &row, self.now)?;
        match &other.translation_group {
            Some(theirs) => rename(conn, theirs, &group)?,
            None => {
                diesel::update(articles::table.filter(articles::num.eq(other.num)))
                    .set(articles::translation_group.eq(&group))
                    .execute(conn)?;
            }
        }
        tell_all(conn, &group, row.num, self.now)?;
        Ok(Some(row))
    }

    /// Takes the article out of its group, as a version of it. `None`: it is in none.
    ///
    /// # Errors
    /// When the database fails.
    pub fn leave(&self, conn: &mut Conn, mut before: ArticleRow) -> Result<Option<ArticleRow>> {
        let Some(group) = before.translation_group.clone() else {
            return Ok(None);
        };
        // Before it leaves: whoever shows it in the place of a translation is to look again.
        tell_all(conn, &group, before.num, self.now)?;
        transitions::settle(conn, &mut before, self.now)?;
        let row = self.with_row(conn, &before, |row| ArticleRow {
            translation_group: None,
            ..row
        })?;
        log_same(conn, &row, self.now)?;
        if group == row.id {
            // A later group of this article would have the name.
            rename(conn, &group, &Uuid::now_v7().to_string())?;
        }
        Ok(Some(row))
    }

    /// Lets the translations know of other pins, or of the article in another language or come back.
    pub(super) fn stay_in_group(
        &self,
        conn: &mut Conn,
        row: &ArticleRow,
        same_place: bool,
    ) -> Result<()> {
        let Some(group) = &row.translation_group else {
            return Ok(());
        };
        match same_place {
            true => tell_those_with_its_pins(conn, row, self.now),
            false => {
                if self.manner == Manner::Edit {
                    self.alone_in_language(conn, row)?;
                }
                tell_all(conn, group, row.num, self.now)
            }
        }
    }
}

fn rename(conn: &mut Conn, group: &str, name: &str) -> Result<()> {
    diesel::update(articles::table.filter(articles::translation_group.eq(group)))
        .set(articles::translation_group.eq(name))
        .execute(conn)?;
    Ok(())
}

/// Lets the followers look again at all of a group but one, and at those that show one of it by a pin they share.
pub fn tell_all(conn: &mut Conn, group: &str, but: i64, now: DateTime<Utc>) -> Result<()> {
    let members = members(conn, group)?;
    tell(conn, group, members, but, now)
}

/// Lets the followers look again at the articles that show what this one pins, for want of pins of their own, and at
/// those that may show it in the place of a translation.
pub fn tell_those_with_its_pins(
    conn: &mut Conn,
    row: &ArticleRow,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(group) = &row.translation_group else {
        return Ok(());
    };
    let members = without_pins(conn, group)?;
    tell(conn, group, members, row.num, now)
}

/// The groups in which an article pins one of this group.
fn groups_that_pin(conn: &mut Conn, group: &str) -> Result<BTreeSet<String>> {
    let targets = articles::table
        .filter(articles::translation_group.eq(group))
        .select(articles::num);
    let pinning: Vec<i64> = curations::table
        .filter(curations::target_num.eq_any(targets))
        .filter(curations::kind.eq("pin"))
        .select(curations::article_num)
        .distinct()
        .load(conn)?;
    let mut groups = BTreeSet::new();
    // SQLite takes 32,766 values in a query.
    for pinning in pinning.chunks(10_000) {
        let of_them: Vec<Option<String>> = articles::table
            .filter(articles::num.eq_any(pinning))
            .select(articles::translation_group)
            .distinct()
            .load(conn)?;
        groups.extend(of_them.into_iter().flatten());
    }
    Ok(groups)
}

/// The articles of a group that have no pins of their own.
fn without_pins(conn: &mut Conn, group: &str) -> Result<Vec<ArticleRow>> {
    let pinning: Vec<i64> = curations::table
        .inner_join(articles::table.on(articles::num.eq(curations::article_num)))
        .filter(articles::translation_group.eq(group))
        .filter(curations::kind.eq("pin"))
        .select(curations::article_num)
        .distinct()
        .load(conn)?;
    let mut members = members(conn, group)?;
    members.retain(|member| !pinning.contains(&member.num));
    Ok(members)
}

/// A line in the log for each of these members and for each article that shows one of the group by a shared pin: their
/// answers have changed, though they were not saved.
fn tell(
    conn: &mut Conn,
    group: &str,
    members: Vec<ArticleRow>,
    but: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut rows = members;
    for pinning in groups_that_pin(conn, group)? {
        if pinning != group {
            rows.extend(without_pins(conn, &pinning)?);
        }
    }
    rows.retain(|row| row.num != but);
    rows.sort_by_key(|row| row.num);
    rows.dedup_by_key(|row| row.num);
    for mut row in rows {
        transitions::settle(conn, &mut row, now)?;
        log_same(conn, &row, now)?;
    }
    Ok(())
}

fn log_same(conn: &mut Conn, row: &ArticleRow, now: DateTime<Utc>) -> Result<()> {
    let public = row.is_public(now);
    transitions::log(conn, row, Action::between(public, public), now)
}
