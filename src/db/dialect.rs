//! Where the two databases differ: one body, compiled for each.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Text};
use diesel::sqlite::Sqlite;

/// Runs `$body` with `$conn` bound to the connection of the variant in use: for the few statements that
/// diesel builds for one backend at a time, such as a batch insert, and for those that are run so often that building
/// their text each time would cost more than running them.
macro_rules! each {
    ($multi:expr, $conn:ident => $body:expr) => {
        match $multi {
            $crate::db::Conn::Sqlite($conn) => $body,
            $crate::db::Conn::Postgres($conn) => $body,
        }
    };
}
pub(crate) use each;

/// The words that the databases do not share.
pub trait Dialect: Backend {
    /// Before and after the columns that a subquery gathers: its rows as one JSON array of arrays, in no order; null or
    /// an empty array where it has none.
    const GATHER: (&str, &str);
    /// The same for one column of texts: its rows with commas between them, in no order; null where it has none.
    const COMMAS: (&str, &str);
}

impl Dialect for Sqlite {
    const GATHER: (&str, &str) = ("json_group_array(json_array(", "))");
    const COMMAS: (&str, &str) = ("group_concat(", ")");
}

impl Dialect for Pg {
    const GATHER: (&str, &str) = ("CAST(json_agg(json_build_array(", ")) AS text)");
    const COMMAS: (&str, &str) = ("string_agg(", ", ',')");
}

/// Makes a struct whose text is its own an expression of this type, for any query. Its text does not depend on its
/// values, so it can stay prepared. For subqueries that are gathered: as the library's types they take the compiler
/// minutes.
macro_rules! expression {
    ($name:ty, $id:ty => $sql_type:ty) => {
        impl diesel::expression::Expression for $name {
            type SqlType = $sql_type;
        }
        impl<Source> diesel::expression::SelectableExpression<Source> for $name {}
        impl<Source> diesel::expression::AppearsOnTable<Source> for $name {}
        impl<Groups> diesel::expression::ValidGrouping<Groups> for $name {
            type IsAggregate = diesel::expression::is_aggregate::Never;
        }
        impl diesel::query_builder::QueryId for $name {
            type QueryId = $id;
            const HAS_STATIC_QUERY_ID: bool = true;
        }
    };
}
pub(crate) use expression;

/// Runs `$body` with `$these` bound to the condition that `$column` is one of `$nums`. For one number that is a
/// comparison: [`among`] has SQLite make a table of its numbers first, which costs more than to find a row by its own.
macro_rules! for_these {
    ($column:expr, $nums:expr, $these:ident => $body:expr) => {
        match $nums {
            [num] => {
                let $these = diesel::ExpressionMethods::eq($column, *num);
                $body
            }
            nums => {
                let $these = $crate::db::dialect::among($column, nums);
                $body
            }
        }
    };
}
pub(crate) use for_these;

/// Whether a column's number is one of these. All of them are one value, so that the statement is the same however many
/// they are and stays prepared; diesel's `eq_any` is a new one on SQLite each time.
pub fn among<Column>(column: Column, nums: &[i64]) -> Among<'_, Column> {
    Among {
        column,
        nums,
        json: json(nums),
    }
}

/// A table `wanted` with these numbers, each of them once, as its column `value`, to be joined with what they are the numbers
/// of. That is less work than [`among`], for which SQLite makes a table of its own.
pub fn wanted(nums: &[i64]) -> Wanted<'_> {
    Wanted {
        nums,
        json: json(nums),
    }
}

#[derive(Debug)]
pub struct Wanted<'a> {
    nums: &'a [i64],
    json: String,
}

impl QueryId for Wanted<'_> {
    type QueryId = Wanted<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Sqlite> for Wanted<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("json_each(");
        out.push_bind_param::<Text, _>(&self.json)?;
        out.push_sql(") wanted");
        Ok(())
    }
}

impl QueryFragment<Pg> for Wanted<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("unnest(CAST(");
        out.push_bind_param::<Array<BigInt>, _>(&self.nums)?;
        out.push_sql(" AS bigint[])) wanted (value)");
        Ok(())
    }
}

fn json(nums: &[i64]) -> String {
    let words: Vec<String> = nums.iter().map(i64::to_string).collect();
    format!("[{}]", words.join(","))
}

#[derive(Clone, Debug)]
pub struct Among<'a, Column> {
    column: Column,
    nums: &'a [i64],
    json: String,
}

impl<Column: QueryId> QueryId for Among<'_, Column> {
    type QueryId = Among<'static, Column::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = Column::HAS_STATIC_QUERY_ID;
}

impl<Column: Expression> Expression for Among<'_, Column> {
    type SqlType = Bool;
}

impl<Column, Source> SelectableExpression<Source> for Among<'_, Column>
where
    Column: SelectableExpression<Source>,
    Self: AppearsOnTable<Source>,
{
}

impl<Column: AppearsOnTable<Source>, Source> AppearsOnTable<Source> for Among<'_, Column> where
    Self: Expression
{
}

impl<Column: ValidGrouping<Groups>, Groups> ValidGrouping<Groups> for Among<'_, Column> {
    type IsAggregate = Column::IsAggregate;
}

impl<Column: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Among<'_, Column> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" IN (SELECT value FROM json_each(");
        out.push_bind_param::<Text, _>(&self.json)?;
        out.push_sql("))");
        Ok(())
    }
}

impl<Column: QueryFragment<Pg>> QueryFragment<Pg> for Among<'_, Column> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ANY(");
        out.push_bind_param::<Array<BigInt>, _>(&self.nums)?;
        out.push_sql(")");
        Ok(())
    }
}
