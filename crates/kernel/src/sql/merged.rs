//! Several selects read as one, in one order.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType};
use diesel::sqlite::Sqlite;

use crate::db::{Conn, MultiBackend};

/// The first rows of several selects of the same columns, put together in one order. When each select can be read in
/// that order from an index, no more rows are read than are returned; with an `OR` or `IN` in one select, all of them
/// would be read and sorted.
#[derive(Debug, Clone)]
pub struct Merged<Q> {
    /// The selects, without an order of their own: at least one.
    pub selects: Vec<Q>,
    /// Which rows of them.
    pub first: First,
}

/// How many selects there are is not in the type: statements are told apart by their text.
impl<Q> QueryId for Merged<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Merged<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> diesel::RunQueryDsl<Conn> for Merged<Q> {}

impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Merged<Q> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        for (n, select) in self.selects.iter().enumerate() {
            if n > 0 {
                pass.push_sql(" UNION ALL ");
            }
            if self.selects.len() == 1 {
                select.walk_ast(pass.reborrow())?;
            } else {
                MultiBackend::walk_variant_ast(&Opening, pass.reborrow())?;
                select.walk_ast(pass.reborrow())?;
                MultiBackend::walk_variant_ast(&self.first, pass.reborrow())?;
            }
        }
        self.first.end(pass)
    }
}

/// PostgreSQL takes the way over the indexes only when each select says for itself that its first rows are enough;
/// SQLite takes it by itself, and does not know selects in brackets.
struct Opening;

impl QueryFragment<Pg> for Opening {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        pass.push_sql("(");
        Ok(())
    }
}

impl QueryFragment<Sqlite> for Opening {
    fn walk_ast<'b>(&'b self, _: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        Ok(())
    }
}

/// The first rows in an order.
#[derive(Debug, Clone, Copy)]
pub struct First {
    /// By which columns they are ordered: the first is 1.
    pub order: &'static [u8],
    /// Whether the last comes first.
    pub descending: bool,
    /// So many rows at most.
    pub limit: i64,
}

impl First {
    fn end<'b, DB>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()>
    where
        DB: Backend + HasSqlType<BigInt>,
        i64: ToSql<BigInt, DB>,
    {
        for (n, column) in self.order.iter().enumerate() {
            pass.push_sql(if n == 0 { " ORDER BY " } else { ", " });
            pass.push_sql(&column.to_string());
            if self.descending {
                pass.push_sql(" DESC");
            }
        }
        pass.push_sql(" LIMIT ");
        pass.push_bind_param::<BigInt, _>(&self.limit)
    }
}

impl QueryFragment<Pg> for First {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.end(pass.reborrow())?;
        pass.push_sql(")");
        Ok(())
    }
}

impl QueryFragment<Sqlite> for First {
    fn walk_ast<'b>(&'b self, _: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        Ok(())
    }
}
