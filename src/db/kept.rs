//! Statements that stay prepared though the library would have them parsed anew each time.

use diesel::QueryResult;
use diesel::RunQueryDsl;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};

/// An update, which the library keeps no prepared statement of, since the columns that it sets may be others each time.
/// It is found again by its text. What is prepared stays until the connection closes, so there must be few texts.
pub struct Kept<Statement>(pub Statement);

impl<Statement> QueryId for Kept<Statement> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB: Backend, Statement: QueryFragment<DB>> QueryFragment<DB> for Kept<Statement> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Conn, Statement> RunQueryDsl<Conn> for Kept<Statement> {}
