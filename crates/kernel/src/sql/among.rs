//! One of several ids or words, as a single parameter.

use diesel::QueryResult;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Bool, Text};
use diesel::sqlite::Sqlite;

use crate::db::MultiBackend;

/// Whether a column is one of these ids. diesel's own `eq_any` has a parameter for each, which is another statement for
/// each number of them, and is prepared anew every time; this is one statement, prepared once.
pub fn among<C, I>(column: C, ids: I) -> Among<C, Numbers>
where
    I: IntoIterator,
    I::Item: Id,
{
    let ids: Vec<String> = ids.into_iter().map(|id| id.number().to_string()).collect();
    Among { column, list: Numbers(ids.join(",")) }
}

/// The same of words: letters, digits, `.` and `_`, which both engines write alike.
pub fn among_words<C>(column: C, words: &[&'static str]) -> Among<C, Words> {
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    Among { column, list: Words(words.join(",")) }
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
pub struct Among<C, L> {
    column: C,
    list: L,
}

/// Numbers with commas between them.
#[derive(Debug, Clone)]
pub struct Numbers(String);

/// Words in quotes, with commas between them.
#[derive(Debug, Clone)]
pub struct Words(String);

impl<C: QueryId, L: 'static> QueryId for Among<C, L> {
    type QueryId = Among<C::QueryId, L>;
    const HAS_STATIC_QUERY_ID: bool = C::HAS_STATIC_QUERY_ID;
}

impl<C: Expression, L> Expression for Among<C, L> {
    type SqlType = Bool;
}

impl<C, L, QS> AppearsOnTable<QS> for Among<C, L> where C: Expression + AppearsOnTable<QS> {}

impl<C, L, QS> SelectableExpression<QS> for Among<C, L> where C: Expression + SelectableExpression<QS> {}

impl<C, L> ValidGrouping<()> for Among<C, L> {
    type IsAggregate = is_aggregate::No;
}

impl<C, L> QueryFragment<MultiBackend> for Among<C, L>
where
    C: QueryFragment<MultiBackend>,
    L: QueryFragment<Sqlite> + QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.column.walk_ast(pass.reborrow())?;
        MultiBackend::walk_variant_ast(&self.list, pass)
    }
}

macro_rules! walked {
    ($list:ident, $of:literal) => {
        impl QueryFragment<Sqlite> for $list {
            fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
                pass.push_sql(" IN (SELECT value FROM json_each('[' || ");
                pass.push_bind_param::<Text, _>(&self.0)?;
                pass.push_sql(" || ']'))");
                Ok(())
            }
        }

        impl QueryFragment<Pg> for $list {
            fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                pass.push_sql(" = ANY (CAST('{' || ");
                pass.push_bind_param::<Text, _>(&self.0)?;
                pass.push_sql(concat!(" || '}' AS ", $of, "[]))"));
                Ok(())
            }
        }
    };
}

walked!(Numbers, "BIGINT");
walked!(Words, "TEXT");
