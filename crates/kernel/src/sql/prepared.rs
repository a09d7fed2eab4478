//! SQL written by hand that is prepared once.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Untyped};
use diesel::sqlite::Sqlite;

use crate::db::{Conn, MultiBackend};

/// A statement with numbers as its parameters, `$1`, `$2` and so on as often as they are needed, whose rows are read by
/// name. diesel's own `sql_query` is prepared anew each time it runs.
#[derive(Debug, Clone)]
pub struct Prepared(Inner);

#[derive(Debug, Clone)]
struct Inner {
    text: &'static str,
    numbers: Vec<i64>,
}

impl Prepared {
    /// A statement.
    pub fn new(text: &'static str, numbers: impl Into<Vec<i64>>) -> Prepared {
        Prepared(Inner { text, numbers: numbers.into() })
    }
}

impl QueryId for Prepared {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Prepared {
    type SqlType = Untyped;
}

impl diesel::RunQueryDsl<Conn> for Prepared {}

impl QueryFragment<MultiBackend> for Prepared {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        MultiBackend::walk_variant_ast(&self.0, pass)
    }
}

impl Inner {
    /// The text in pieces, each but the first with the number that stands before it.
    fn pieces(&self) -> impl Iterator<Item = (Option<&i64>, &'static str)> + '_ {
        self.text.split('$').enumerate().map(|(at, piece)| {
            let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
            let (place, rest) = piece.split_at(if at == 0 { 0 } else { digits });
            let number =
                place.parse::<usize>().ok().and_then(|place| self.numbers.get(place.wrapping_sub(1)));
            (number, rest)
        })
    }
}

macro_rules! walked_on {
    ($engine:ty) => {
        impl QueryFragment<$engine> for Inner {
            fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, $engine>) -> QueryResult<()> {
                for (number, rest) in self.pieces() {
                    if let Some(number) = number {
                        pass.push_bind_param::<BigInt, _>(number)?;
                    }
                    pass.push_sql(rest);
                }
                Ok(())
            }
        }
    };
}

walked_on!(Sqlite);
walked_on!(Pg);
