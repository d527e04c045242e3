//! Former slugs of articles.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::content::visibility::Standing;
use crate::db::Conn;
use crate::db::dialect::{among, each};
use crate::db::schema::{article_aliases, articles};
use crate::error::Result;
use crate::store::articles::ArticleRow;
use crate::store::changes;

/// The article that once had this slug.
pub fn find(conn: &mut Conn, slug: &str) -> Result<Option<ArticleRow>> {
    Ok(each!(conn, conn =>
        article_aliases::table
            .inner_join(articles::table)
            .filter(article_aliases::slug.eq(slug))
            .select(articles::all_columns)
            .first(conn)
            .optional())?)
}

/// The articles that once had any of these slugs, in no order.
pub fn find_all(conn: &mut Conn, slugs: &[&str]) -> Result<Vec<ArticleRow>> {
    Ok(article_aliases::table
        .inner_join(articles::table)
        .filter(article_aliases::slug.eq_any(slugs))
        .select(articles::all_columns)
        .load(conn)?)
}

/// The former slugs of these articles, by number, in order, each with whether the public knew it; an article without one
/// is missing.
pub fn of(conn: &mut Conn, nums: &[i64]) -> Result<HashMap<i64, Vec<(String, bool)>>> {
    let rows: Vec<(i64, String, bool)> = each!(conn, conn =>
        article_aliases::table
            .filter(among(article_aliases::article_num, nums))
            .order((article_aliases::article_num, article_aliases::slug))
            .select((
                article_aliases::article_num,
                article_aliases::slug,
                article_aliases::public,
            ))
            .load(conn))?;
    let mut by_article: HashMap<i64, Vec<(String, bool)>> = HashMap::new();
    for (article, slug, public) in rows {
        by_article.entry(article).or_default().push((slug, public));
    }
    Ok(by_article)
}

/// Lets the article be found by a slug that it no longer has.
pub fn add(conn: &mut Conn, slug: &str, article_num: i64) -> Result<()> {
    add_for(conn, slug, article_num, true)
}

/// The same, for the newsroom alone where the public never knew the slug.
pub fn add_for(conn: &mut Conn, slug: &str, article_num: i64, public: bool) -> Result<()> {
    diesel::insert_into(article_aliases::table)
        .values((
            article_aliases::slug.eq(slug),
            article_aliases::article_num.eq(article_num),
            article_aliases::public.eq(public),
        ))
        .execute(conn)?;
    Ok(())
}

/// Whether a former slug is one that the public knew.
pub fn is_public(conn: &mut Conn, slug: &str) -> Result<bool> {
    let public: Option<bool> = article_aliases::table
        .filter(article_aliases::slug.eq(slug))
        .select(article_aliases::public)
        .first(conn)
        .optional()?;
    Ok(public.unwrap_or(false))
}

/// Whether the public knew the article by its present slug: it may have got that while it was hidden.
pub fn is_known_by_slug(conn: &mut Conn, row: &ArticleRow, standing: Standing) -> Result<bool> {
    Ok(match standing {
        Standing::Visible => true,
        Standing::Hidden => changes::told_slug(conn, row.num, &row.slug)?,
        // What the log never spoke of is known as it is.
        Standing::Gone => {
            changes::told_slug(conn, row.num, &row.slug)?
                || changes::last_told_slug(conn, row.num)?.is_none()
        }
    })
}

/// Forgets an alias, for the slug is a proper one again.
pub fn remove(conn: &mut Conn, slug: &str) -> Result<()> {
    diesel::delete(article_aliases::table.filter(article_aliases::slug.eq(slug))).execute(conn)?;
    Ok(())
}
