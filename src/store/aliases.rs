//! Former slugs of articles.

use diesel::prelude::*;

use crate::db::Conn;
use crate::db::schema::{article_aliases, articles};
use crate::error::Result;
use crate::store::articles::ArticleRow;

/// The article that once had this slug.
pub fn find(conn: &mut Conn, slug: &str) -> Result<Option<ArticleRow>> {
    Ok(article_aliases::table
        .inner_join(articles::table)
        .filter(article_aliases::slug.eq(slug))
        .select(articles::all_columns)
        .first(conn)
        .optional()?)
}

/// The articles that once had any of these slugs, in no order.
pub fn find_all(conn: &mut Conn, slugs: &[&str]) -> Result<Vec<ArticleRow>> {
    Ok(article_aliases::table
        .inner_join(articles::table)
        .filter(article_aliases::slug.eq_any(slugs))
        .select(articles::all_columns)
        .load(conn)?)
}

/// Lets the article be found by a slug that it no longer has.
pub fn add(conn: &mut Conn, slug: &str, article_num: i64) -> Result<()> {
    diesel::insert_into(article_aliases::table)
        .values((
            article_aliases::slug.eq(slug),
            article_aliases::article_num.eq(article_num),
        ))
        .execute(conn)?;
    Ok(())
}

/// Forgets an alias, for the slug is a proper one again.
pub fn remove(conn: &mut Conn, slug: &str) -> Result<()> {
    diesel::delete(article_aliases::table.filter(article_aliases::slug.eq(slug))).execute(conn)?;
    Ok(())
}
