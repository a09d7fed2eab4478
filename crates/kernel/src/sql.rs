//! Portable SQL: what diesel's multi-backend does not do by itself, once, for both engines.
//!
//! | wanted | here |
//! |---|---|
//! | `ON CONFLICT …`, unions with it | [`Portable`] around the statement |
//! | `SELECT … FOR NO KEY UPDATE` | [`Locked`] around the select |
//! | one of several ids or words, as one parameter | [`among`], [`among_words`] |
//! | several selects in one order, each from its index | [`Merged`] |
//! | many rows in one insert, hot queries | [`on!`](crate::on) |
//! | a statement written by hand, prepared once | [`Prepared`] |
//! | an instant | SQL type [`Moment`], Rust type [`Timestamp`](crate::Timestamp) |
//! | a document | SQL type [`Document`], Rust type [`Json`] |
//! | an enum kept as text | [`text_enum!`](crate::text_enum) |
//! | `sum` of amounts | [`total`] |
//! | a join with another crate's published table | [`join_across!`](crate::join_across) |
//! | a row's columns, named once | [`columns!`](crate::columns) |
//! | an id type of its own | [`id_type!`](crate::id_type) |

mod among;
mod document;
mod locked;
mod merged;
mod moment;
mod portable;
mod prepared;
mod text_enum;
mod total;

pub use among::{Among, Id, Numbers, Words, among, among_words};
pub use document::{Document, Json};
pub use locked::Locked;
pub use merged::{First, Merged};
pub use moment::Moment;
pub use portable::Portable;
pub use prepared::Prepared;
pub use text_enum::UnknownWord;
pub use total::{Total, total};

/// Runs the same code on whichever real connection is inside: `on!(conn, c => rows.execute(c))`.
///
/// Both branches are compiled, so the statement is checked against both engines.
///
/// Rows that are inserted at once say all of their columns: derive `Insertable` with
/// `#[diesel(treat_none_as_default_value = false)]`. For others diesel opens a transaction of its own on SQLite, which
/// fails inside of the one that `Db` has opened.
#[macro_export]
macro_rules! on {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn.real() {
            $crate::db::Real::Sqlite($c) => $body,
            $crate::db::Real::Postgres($c) => $body,
        }
    };
}

/// Names the columns of a table that a row is read from, once: as the type `Columns` and as the value `COLUMNS`, for
/// `select` and `returning`.
///
/// ```
/// diesel::table! { rooms (id) { id -> BigInt, name -> Text, } }
/// muster_kernel::columns!(rooms { id, name });
/// let _ = COLUMNS;
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! columns {
    ($table:ident { $($column:ident),+ $(,)? }) => {
        pub(crate) type Columns = ($($table::$column,)+);
        pub(crate) const COLUMNS: Columns = ($($table::$column,)+);
    };
}

/// Lets a crate's own table be joined with one that another crate publishes to be read.
///
/// diesel's own `allow_tables_to_appear_in_same_query!` also speaks for wrappers of PostgreSQL's, which a crate may
/// not do for somebody else's table.
#[macro_export]
macro_rules! join_across {
    ($published:ident, $own:ident) => {
        impl $crate::macros::diesel::query_source::TableNotEqual<$published::table> for $own::table {}
        impl $crate::macros::diesel::query_source::TableNotEqual<$own::table> for $published::table {}
    };
}
