//! The translation group of an article that comes from another store.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::content::article::Reference;
use crate::db::Conn;
use crate::db::schema::articles;
use crate::error::Result;
use crate::store::articles::ArticleRow;
use crate::store::{groups, replica};

/// Which articles are translations of each other, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplicaGroup {
    /// The name that the group has in the store.
    Named(Option<String>),
    /// These, by id or slug, are its translations, and no others that the public sees. One that is not here yet says the
    /// same when it comes.
    With(Vec<Reference>),
    /// Not known; it stays as it is.
    Unknown,
}

/// The group that an article is to be in, and who joins it there.
#[derive(Default)]
pub(super) struct Grouping {
    pub name: Option<String>,
    joining: Vec<ArticleRow>,
}

impl Grouping {
    pub fn of(
        conn: &mut Conn,
        group: &ReplicaGroup,
        before: Option<&ArticleRow>,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let present = before.and_then(|row| row.translation_group.clone());
        let name = match group {
            ReplicaGroup::Named(name) => name.clone(),
            ReplicaGroup::Unknown => present,
            ReplicaGroup::With(names) => return with(conn, names, before, present, now),
        };
        Ok(Self {
            name,
            joining: Vec::new(),
        })
    }

    pub fn is_settled(&self) -> bool {
        self.joining.is_empty()
    }

    /// Brings the others in, and lets those of the group that each comes from know.
    pub fn carry_out(&self, conn: &mut Conn, row: &ArticleRow, now: DateTime<Utc>) -> Result<()> {
        for other in &self.joining {
            diesel::update(articles::table.filter(articles::num.eq(other.num)))
                .set(articles::translation_group.eq(&self.name))
                .execute(conn)?;
            if let Some(left) = &other.translation_group {
                groups::tell_all(conn, left, row.num, now)?;
            }
        }
        Ok(())
    }
}

fn with(
    conn: &mut Conn,
    names: &[Reference],
    before: Option<&ArticleRow>,
    present: Option<String>,
    now: DateTime<Utc>,
) -> Result<Grouping> {
    let num = before.map_or(0, |row| row.num);
    let mut others: Vec<ArticleRow> = Vec::new();
    for name in names {
        let found = replica::find(conn, &name.0)?;
        others.extend(
            found.filter(|row| row.num != num && !others.iter().any(|other| other.num == row.num)),
        );
    }
    // A group in which all of them are already, and no one else that the public sees.
    let shared = present.or_else(|| others.first()?.translation_group.clone());
    if let Some(group) = shared {
        let strangers = groups::members(conn, &group)?.into_iter().any(|member| {
            let is_named = others.iter().any(|other| other.num == member.num);
            member.num != num && !is_named && member.is_public(now)
        });
        let is_common = |other: &ArticleRow| other.translation_group.as_ref() == Some(&group);
        if !strangers {
            others.retain(|other| !is_common(other));
            return Ok(Grouping {
                name: Some(group),
                joining: others,
            });
        }
    }
    Ok(Grouping {
        name: (!others.is_empty()).then(|| Uuid::now_v7().to_string()),
        joining: others,
    })
}
