//! Sums of amounts.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::BigInt;

/// The sum of a 64-bit column, 0 over no rows. (PostgreSQL's own `sum` of one is a decimal.)
///
/// A sum that does not fit is an error of the engine, never a wrong number.
pub fn total<E>(expr: E) -> Total<E> {
    Total(expr)
}

/// Made by [`total`].
#[derive(Debug, Clone, Copy, QueryId)]
pub struct Total<E>(E);

impl<E: Expression> Expression for Total<E> {
    type SqlType = BigInt;
}

impl<E, GB> ValidGrouping<GB> for Total<E> {
    type IsAggregate = is_aggregate::Yes;
}

impl<E: AppearsOnTable<QS>, QS> AppearsOnTable<QS> for Total<E> {}
impl<E: SelectableExpression<QS>, QS> SelectableExpression<QS> for Total<E> {}

impl<E: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Total<E> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.push_sql("CAST(COALESCE(SUM(");
        self.0.walk_ast(pass.reborrow())?;
        pass.push_sql("), 0) AS BIGINT)");
        Ok(())
    }
}
