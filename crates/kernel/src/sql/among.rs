//! One of several ids, as a single parameter.

use diesel::QueryResult;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Bool, Text};
use diesel::sqlite::Sqlite;

use crate::db::MultiBackend;

/// Whether a column is one of these ids. diesel's own `eq_any` has a parameter for each, which is another statement for
/// each number of them, and is prepared anew every time; this is one statement, prepared once.
pub fn among<C, I>(column: C, ids: I) -> Among<C>
where
    I: IntoIterator,
    I::Item: Id,
{
    let ids: Vec<String> = ids.into_iter().map(|id| id.number().to_string()).collect();
    Among { column, list: List(ids.join(",")) }
}

/// What has a number in the database.
pub trait Id {
    /// The number.
    fn number(&self) -> i64;
}

impl<T: Id> Id for &T {
    fn number(&self) -> i64 {
        (*self).number()
    }
}

/// What [`among`] makes.
#[derive(Debug, Clone)]
pub struct Among<C> {
    column: C,
    list: List,
}

/// Numbers with commas between them.
#[derive(Debug, Clone)]
struct List(String);

impl<C> QueryId for Among<C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C: Expression> Expression for Among<C> {
    type SqlType = Bool;
}

impl<C, QS> AppearsOnTable<QS> for Among<C> where C: Expression + AppearsOnTable<QS> {}

impl<C, QS> SelectableExpression<QS> for Among<C> where C: Expression + SelectableExpression<QS> {}

impl<C> ValidGrouping<()> for Among<C> {
    type IsAggregate = is_aggregate::No;
}

impl<C> QueryFragment<MultiBackend> for Among<C>
where
    C: QueryFragment<MultiBackend>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.column.walk_ast(pass.reborrow())?;
        MultiBackend::walk_variant_ast(&self.list, pass)
    }
}

impl QueryFragment<Sqlite> for List {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        pass.push_sql(" IN (SELECT value FROM json_each('[' || ");
        pass.push_bind_param::<Text, _>(&self.0)?;
        pass.push_sql(" || ']'))");
        Ok(())
    }
}

impl QueryFragment<Pg> for List {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        pass.push_sql(" = ANY (CAST('{' || ");
        pass.push_bind_param::<Text, _>(&self.0)?;
        pass.push_sql(" || '}' AS BIGINT[]))");
        Ok(())
    }
}
