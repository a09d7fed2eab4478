//! Instants: `TIMESTAMPTZ` on PostgreSQL, microseconds since 1970 as an integer on SQLite. Both keep exactly
//! what [`Timestamp`] holds, and both compare and index in the order of time.

use std::io::Write;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql};
use diesel::pg::Pg;
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, HasSqlType, SqlType};
use diesel::sqlite::Sqlite;

use crate::Timestamp;
use crate::db::MultiBackend;

/// The SQL type of an instant. (`table!` knows the word `Timestamptz`, so it has a name of its own.)
#[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
#[diesel(sqlite_type(name = "Long"))]
pub struct Moment;

/// PostgreSQL counts microseconds from the first day of 2000.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;
/// The first instant it knows, by that count: Julian day 0, in 4714 BC. It knows later ones than chrono does.
const POSTGRES_FIRST: i64 = -211_813_488_000_000_000;

impl HasSqlType<Moment> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        MultiBackend::lookup_sql_type::<Moment>(lookup)
    }
}

impl ToSql<Moment, Sqlite> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.micros());
        Ok(IsNull::No)
    }
}

impl ToSql<Moment, Pg> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        // Refused here it is an error of this one value; the server's answer would cost the connection.
        let micros = self
            .micros()
            .checked_sub(POSTGRES_EPOCH)
            .filter(|&micros| micros >= POSTGRES_FIRST)
            .ok_or("an instant too far in the past")?;
        out.write_all(&micros.to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<Moment, MultiBackend> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Moment, self));
        Ok(IsNull::No)
    }
}

impl FromSql<Moment, Sqlite> for Timestamp {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<BigInt, Sqlite>>::from_sql(value)?;
        Timestamp::from_micros(micros).ok_or_else(|| "an instant out of range".into())
    }
}

impl FromSql<Moment, Pg> for Timestamp {
    fn from_sql(value: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<BigInt, Pg>>::from_sql(value)?;
        micros
            .checked_add(POSTGRES_EPOCH)
            .and_then(Timestamp::from_micros)
            .ok_or_else(|| "an instant out of range".into())
    }
}

impl FromSql<Moment, MultiBackend> for Timestamp {
    fn from_sql(value: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Timestamp, Moment>()
    }
}
