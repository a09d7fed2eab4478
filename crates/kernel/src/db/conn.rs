//! The one connection type: SQLite or PostgreSQL behind diesel's multi-backend.

use std::any::TypeId;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diesel::backend::Backend;
use diesel::connection::{
    CacheSize, ConnectionSealed, Instrumentation, LoadConnection, SimpleConnection, TransactionManager,
    TransactionManagerStatus,
};
use diesel::expression::QueryMetadata;
// As diesel's own multi-backend tells one walk from another.
use diesel::internal::derives::multiconnection::AstPassHelper;
use diesel::pg::PgConnection;
use diesel::query_builder::{AstPass, Query, QueryBuilder as _, QueryFragment, QueryId};
use diesel::sqlite::SqliteConnection;
use diesel::{Connection, ConnectionResult, QueryResult};

/// The connection that is inside of a [`Conn`], for what only one of the engines can.
#[derive(diesel::MultiConnection)]
pub enum Real {
    /// The embedded engine.
    Sqlite(SqliteConnection),
    /// A PostgreSQL server.
    Postgres(PgConnection),
}

/// A connection to either engine. Queries written against it compile for both.
///
/// It remembers how statements are written. diesel's multi-backend writes a statement out two or three times whenever
/// it runs, though the engine has had it prepared for long; here that is done once for each whose type says all about it,
/// and once a run for the others. And it lets an `UPDATE` stay prepared, which diesel never does, since one can be written
/// in as many ways as there are choices of columns; here those are few.
pub struct Conn {
    real: Real,
    texts: HashMap<TypeId, Text>,
    updates: HashSet<Arc<str>>,
}

/// So many different `UPDATE`s stay prepared.
const UPDATES: usize = 500;

/// A statement as the engine is given it.
#[derive(Clone)]
struct Text {
    sql: Arc<str>,
    /// Whether it may stay prepared.
    is_safe: bool,
}

/// A query whose text is known.
struct Known<T> {
    query: T,
    text: Text,
}

impl From<Real> for Conn {
    fn from(real: Real) -> Conn {
        Conn { real, texts: HashMap::new(), updates: HashSet::new() }
    }
}

impl Conn {
    /// The connection inside.
    pub fn real(&mut self) -> &mut Real {
        &mut self.real
    }

    /// Which engine this connection speaks to.
    pub fn engine(&self) -> Engine {
        match self.real {
            Real::Sqlite(_) => Engine::Sqlite,
            Real::Postgres(_) => Engine::Postgres,
        }
    }

    fn known<T>(&mut self, query: T) -> QueryResult<Known<T>>
    where
        T: QueryFragment<MultiBackend> + QueryId,
    {
        let engine = self.engine();
        let text = match T::query_id().map(|id| self.texts.entry(id)) {
            Some(Entry::Occupied(text)) => text.get().clone(),
            Some(Entry::Vacant(place)) => place.insert(text_of(engine, &query)?).clone(),
            None => {
                let text = text_of(engine, &query)?;
                let is_safe = text.is_safe || self.stays(&text.sql);
                Text { is_safe, ..text }
            }
        };
        Ok(Known { query, text })
    }

    /// Whether this is an `UPDATE` that stays prepared.
    fn stays(&mut self, sql: &Arc<str>) -> bool {
        sql.starts_with("UPDATE ")
            && (self.updates.contains(sql)
                || self.updates.len() < UPDATES && self.updates.insert(sql.clone()))
    }
}

type Builder = <MultiBackend as Backend>::QueryBuilder;

fn text_of(engine: Engine, query: &impl QueryFragment<MultiBackend>) -> QueryResult<Text> {
    let (backend, mut builder) = match engine {
        Engine::Sqlite => (MultiBackend::Sqlite(Default::default()), Builder::Sqlite(Default::default())),
        Engine::Postgres => {
            (MultiBackend::Postgres(Default::default()), Builder::Postgres(Default::default()))
        }
    };
    query.to_sql(&mut builder, &backend)?;
    Ok(Text { sql: builder.finish().into(), is_safe: query.is_safe_to_cache_prepared(&backend)? })
}

impl<T: QueryId> QueryId for Known<T> {
    type QueryId = T::QueryId;
    const HAS_STATIC_QUERY_ID: bool = T::HAS_STATIC_QUERY_ID;
}

impl<T: Query> Query for Known<T> {
    type SqlType = T::SqlType;
}

impl<T: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Known<T> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        // The query itself is asked for its values alone.
        if pass.bind_collector().is_some() || pass.debug_binds().is_some() {
            return self.query.walk_ast(pass);
        }
        pass.push_sql(&self.text.sql);
        if !self.text.is_safe {
            pass.unsafe_to_cache_prepared();
        }
        Ok(())
    }
}

impl ConnectionSealed for Conn {}

impl SimpleConnection for Conn {
    fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.real.batch_execute(query)
    }
}

impl Connection for Conn {
    type Backend = MultiBackend;
    type TransactionManager = Transactions;

    fn establish(url: &str) -> ConnectionResult<Conn> {
        Real::establish(url).map(Conn::from)
    }

    fn execute_returning_count<T>(&mut self, query: &T) -> QueryResult<usize>
    where
        T: QueryFragment<MultiBackend> + QueryId,
    {
        let query = self.known(query)?;
        self.real.execute_returning_count(&query)
    }

    fn transaction_state(&mut self) -> &mut Real {
        &mut self.real
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        self.real.instrumentation()
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.real.set_instrumentation(instrumentation);
    }

    fn set_prepared_statement_cache_size(&mut self, size: CacheSize) {
        self.real.set_prepared_statement_cache_size(size);
    }
}

impl LoadConnection for Conn {
    type Cursor<'conn, 'query> = <Real as LoadConnection>::Cursor<'conn, 'query>;
    type Row<'conn, 'query> = <Real as LoadConnection>::Row<'conn, 'query>;

    fn load<'conn, 'query, T>(&'conn mut self, query: T) -> QueryResult<Self::Cursor<'conn, 'query>>
    where
        T: Query + QueryFragment<MultiBackend> + QueryId + 'query,
        MultiBackend: QueryMetadata<T::SqlType>,
    {
        let query = self.known(query)?;
        self.real.load(query)
    }
}

/// diesel's transactions, which are those of the connection inside. Nothing here uses them: [`Db`](super::Db) has its own.
pub struct Transactions;

impl TransactionManager<Conn> for Transactions {
    type TransactionStateData = Real;

    fn begin_transaction(conn: &mut Conn) -> QueryResult<()> {
        <Real as TransactionManager<Real>>::begin_transaction(&mut conn.real)
    }

    fn rollback_transaction(conn: &mut Conn) -> QueryResult<()> {
        <Real as TransactionManager<Real>>::rollback_transaction(&mut conn.real)
    }

    fn commit_transaction(conn: &mut Conn) -> QueryResult<()> {
        <Real as TransactionManager<Real>>::commit_transaction(&mut conn.real)
    }

    fn transaction_manager_status_mut(conn: &mut Conn) -> &mut TransactionManagerStatus {
        <Real as TransactionManager<Real>>::transaction_manager_status_mut(&mut conn.real)
    }
}

/// The two engines that Muster runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// SQLite, embedded in the program.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Engine::Sqlite => "SQLite",
            Engine::Postgres => "PostgreSQL",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use diesel::connection::InstrumentationEvent;
    use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};

    use super::*;
    use crate::sql::among;

    diesel::table! {
        things (id) {
            id -> BigInt,
            name -> Nullable<Text>,
        }
    }

    struct Thing(i64);

    impl crate::sql::Id for Thing {
        fn number(&self) -> i64 {
            self.0
        }
    }

    #[test]
    fn a_statement_is_prepared_once_whatever_its_values() {
        let mut conn = Conn::establish("sqlite://:memory:").expect("a database");
        conn.batch_execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)").expect("a table");
        let kept = Arc::new(Mutex::new(Vec::new()));
        let into = kept.clone();
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::CacheQuery { sql, .. } = event {
                into.lock().expect("a list").push(sql.to_owned());
            }
        });
        for id in 1..=3 {
            let name = (id != 2).then(|| format!("thing {id}"));
            diesel::insert_into(things::table)
                .values(things::id.eq(id))
                .execute(&mut conn)
                .expect("an insert");
            let changed =
                diesel::update(things::table.find(id)).set(things::name.eq(&name)).execute(&mut conn);
            assert_eq!(changed.expect("an update"), 1);
            let found: Option<String> =
                things::table.find(id).select(things::name).get_result(&mut conn).expect("a row");
            assert_eq!(found, name);
            let ids: Vec<i64> = things::table
                .filter(among(things::id, (1..=id).map(Thing)))
                .order(things::id)
                .select(things::id)
                .load(&mut conn)
                .expect("rows");
            assert_eq!(ids, (1..=id).collect::<Vec<_>>());
        }
        let kept = kept.lock().expect("a list");
        let begin = |sql: &String| sql.split(' ').next().map(str::to_owned);
        assert_eq!(
            kept.iter().filter_map(begin).collect::<Vec<_>>(),
            ["INSERT", "UPDATE", "SELECT", "SELECT"]
        );
    }
}
