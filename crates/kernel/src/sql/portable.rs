//! Statements that both engines know but the multi-backend does not compose.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;

use crate::db::{Conn, MultiBackend};

/// A statement that is walked by the real backend: `Portable(insert.on_conflict_do_nothing())`.
#[derive(Debug, Clone, Copy)]
pub struct Portable<Q>(pub Q);

impl<Q: QueryId> QueryId for Portable<Q> {
    type QueryId = Portable<Q::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

impl<Q: Query> Query for Portable<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> diesel::RunQueryDsl<Conn> for Portable<Q> {}

impl<Q> QueryFragment<MultiBackend> for Portable<Q>
where
    Q: QueryFragment<Sqlite> + QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        MultiBackend::walk_variant_ast(&self.0, pass)
    }
}
