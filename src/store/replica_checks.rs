//! Whether an article of another store can be what an article here is.

use crate::content::article::Fault;
use crate::content::time::to_stored;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::store::aliases;
use crate::store::articles::ArticleRow;
use crate::store::naming::{self, Owner};
use crate::store::replica::ReplicaArticle;
use crate::store::state::Whole;

/// Whether all names are free, or the article's own. A slug is never passed on, so it is no question of order.
pub(super) fn check_names(
    conn: &mut Conn,
    (slug, external_id, aliases): (&str, Option<&str>, &[(String, bool)]),
    before: Option<&ArticleRow>,
) -> Result<()> {
    let num = before.map(|before| before.num);
    let mut faults = Vec::new();
    let slugs = aliases
        .iter()
        .map(|(alias, _)| ("/former_slugs", alias.as_str()));
    for (pointer, slug) in std::iter::once(("/slug", slug)).chain(slugs) {
        if let Some(Owner { num: owner, .. }) = naming::owner(conn, slug)?
            && Some(owner) != num
        {
            let detail = format!("{slug:?} is, or was, the slug of another article");
            faults.push(Fault::new(pointer, detail));
        }
    }
    if let Some(external_id) = external_id
        && let Some(other) = naming::by_external_id(conn, external_id)?
        && Some(other.num) != num
    {
        let detail = format!("is that of another article, {}", other.id);
        faults.push(Fault::new("/external_id", detail));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Error::Conflict(faults)),
    }
}

/// Whether what is stored is the very state that comes, or one of its past.
pub(super) fn check_descent(whole: &Whole, replica: &ReplicaArticle) -> Result<()> {
    let (here, there) = (whole.row.version, replica.version);
    if here > there {
        let detail = format!("is in version {here} here, and comes in version {there}");
        return Err(Error::conflict("/version", detail));
    }
    let Some(inside) = &replica.inside else {
        return Ok(());
    };
    let saved_at = match here == there {
        true => Some(inside.saved_at.unwrap_or(replica.updated_at)),
        false => {
            let past = inside.past.iter().find(|(version, _)| *version == here);
            past.map(|(_, saved_at)| *saved_at)
        }
    };
    match saved_at.map(to_stored) == Some(whole.saved_at()) {
        true => Ok(()),
        false => {
            let detail = format!(
                "version {here}, which is stored here, is not the version {here} that this article had"
            );
            Err(Error::conflict("/version", detail))
        }
    }
}

/// What it was called here, for who does not know what it was called.
pub(super) fn kept_aliases(
    conn: &mut Conn,
    row: &ArticleRow,
    before: Option<&Whole>,
) -> Result<Vec<(String, bool)>> {
    let Some(before) = before else {
        return Ok(Vec::new());
    };
    let mut kept = aliases::of(conn, &[row.num])?.remove(&row.num);
    kept.get_or_insert_default()
        .push((before.row.slug.clone(), true));
    Ok(kept.unwrap_or_default())
}

/// Each once, and none the article's own slug.
pub(super) fn in_order(mut aliases: Vec<(String, bool)>, slug: &str) -> Vec<(String, bool)> {
    aliases.retain(|(alias, _)| alias != slug);
    aliases.sort_unstable();
    aliases.dedup_by(|one, other| one.0 == other.0);
    aliases
}
