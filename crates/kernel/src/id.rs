//! Ids that cannot be mixed up.

/// Declares an id of its own kind around a 64-bit number.
///
/// ```
/// muster_kernel::id_type! {
///     /// A class.
///     pub struct ClassId;
/// }
/// assert_eq!(ClassId(7).to_string(), "7");
/// ```
#[macro_export]
macro_rules! id_type {
    ($(#[$meta:meta])* $vis:vis struct $name:ident;) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive($crate::macros::diesel::expression::AsExpression, $crate::macros::diesel::deserialize::FromSqlRow)]
        #[derive($crate::macros::serde::Serialize, $crate::macros::serde::Deserialize)]
        #[diesel(sql_type = $crate::macros::diesel::sql_types::BigInt)]
        #[serde(crate = "muster_kernel::macros::serde", transparent)]
        $vis struct $name(pub i64);

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl<DB> $crate::macros::diesel::serialize::ToSql<$crate::macros::diesel::sql_types::BigInt, DB> for $name
        where
            DB: $crate::macros::diesel::backend::Backend,
            i64: $crate::macros::diesel::serialize::ToSql<$crate::macros::diesel::sql_types::BigInt, DB>,
        {
            fn to_sql<'b>(
                &'b self,
                out: &mut $crate::macros::diesel::serialize::Output<'b, '_, DB>,
            ) -> $crate::macros::diesel::serialize::Result {
                self.0.to_sql(out)
            }
        }

        impl<DB> $crate::macros::diesel::deserialize::FromSql<$crate::macros::diesel::sql_types::BigInt, DB> for $name
        where
            DB: $crate::macros::diesel::backend::Backend,
            i64: $crate::macros::diesel::deserialize::FromSql<$crate::macros::diesel::sql_types::BigInt, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> $crate::macros::diesel::deserialize::Result<Self> {
                <i64 as $crate::macros::diesel::deserialize::FromSql<
                    $crate::macros::diesel::sql_types::BigInt, DB,
                >>::from_sql(value).map($name)
            }
        }

        impl ::std::convert::From<$name> for $crate::csv::Cell {
            fn from(id: $name) -> Self {
                $crate::csv::Cell::Number(id.0)
            }
        }

        impl $crate::sql::Id for $name {
            fn number(&self) -> i64 {
                self.0
            }
        }

        $crate::__id_schema!($name);
    };
}

/// The OpenAPI schema of an [`id_type!`](crate::id_type), where HTTP is compiled in.
#[cfg(feature = "http")]
#[doc(hidden)]
#[macro_export]
macro_rules! __id_schema {
    ($name:ident) => {
        impl $crate::macros::utoipa::PartialSchema for $name {
            fn schema()
            -> $crate::macros::utoipa::openapi::RefOr<$crate::macros::utoipa::openapi::schema::Schema> {
                <i64 as $crate::macros::utoipa::PartialSchema>::schema()
            }
        }
        impl $crate::macros::utoipa::ToSchema for $name {
            fn name() -> ::std::borrow::Cow<'static, str> {
                ::std::stringify!($name).into()
            }
        }
    };
}

/// Without HTTP there is no schema to give.
#[cfg(not(feature = "http"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __id_schema {
    ($($any:tt)*) => {};
}

crate::id_type! {
    /// A user: somebody who can sign in, or for whom somebody else acts. A member's and a coach's id is the same.
    pub struct UserId;
}
