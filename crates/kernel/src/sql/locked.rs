//! Row locks, where the engine has them.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;

use crate::db::{Conn, MultiBackend};

/// A select whose rows stay locked until the transaction ends: `FOR UPDATE` on PostgreSQL. On SQLite the writer
/// is alone, so nothing is added. A conditional `UPDATE` is better wherever it can say the same.
#[derive(Debug, Clone, Copy)]
pub struct Locked<Q>(pub Q);

impl<Q: QueryId> QueryId for Locked<Q> {
    type QueryId = Locked<Q::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

impl<Q: Query> Query for Locked<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> diesel::RunQueryDsl<Conn> for Locked<Q> {}

impl<Q> QueryFragment<MultiBackend> for Locked<Q>
where
    Q: QueryFragment<MultiBackend>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.0.walk_ast(pass.reborrow())?;
        MultiBackend::walk_variant_ast(&ForUpdate, pass)
    }
}

struct ForUpdate;

impl QueryFragment<Pg> for ForUpdate {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        pass.push_sql(" FOR UPDATE");
        Ok(())
    }
}

impl QueryFragment<Sqlite> for ForUpdate {
    fn walk_ast<'b>(&'b self, _: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        Ok(())
    }
}
