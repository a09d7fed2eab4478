//! Enums kept as text, so that a person reading the database can read them too.

/// Declares an enum with one fixed word for each value, used in the database, in JSON and in the documentation.
///
/// ```
/// muster_kernel::text_enum! {
///     /// How a thing was paid.
///     pub enum Method {
///         /// In notes and coins.
///         Cash = "cash",
///         /// Through the club's account.
///         Bank = "bank",
///     }
/// }
/// assert_eq!(Method::Cash.as_str(), "cash");
/// assert_eq!("bank".parse(), Ok(Method::Bank));
/// ```
#[macro_export]
macro_rules! text_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive($crate::macros::diesel::expression::AsExpression, $crate::macros::diesel::deserialize::FromSqlRow)]
        #[derive($crate::macros::serde::Serialize, $crate::macros::serde::Deserialize)]
        #[diesel(sql_type = $crate::macros::diesel::sql_types::Text)]
        #[serde(crate = "muster_kernel::macros::serde")]
        $vis enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::convert::From<$name> for $crate::csv::Cell {
            fn from(word: $name) -> Self {
                $crate::csv::Cell::Text(word.as_str().to_owned())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::sql::UnknownWord;
            fn from_str(word: &str) -> ::std::result::Result<Self, Self::Err> {
                match word {
                    $($word => Ok($name::$variant),)+
                    _ => Err($crate::sql::UnknownWord),
                }
            }
        }

        impl<DB> $crate::macros::diesel::serialize::ToSql<$crate::macros::diesel::sql_types::Text, DB> for $name
        where
            DB: $crate::macros::diesel::backend::Backend,
            str: $crate::macros::diesel::serialize::ToSql<$crate::macros::diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(
                &'b self,
                out: &mut $crate::macros::diesel::serialize::Output<'b, '_, DB>,
            ) -> $crate::macros::diesel::serialize::Result {
                let word: &'static str = self.as_str();
                $crate::macros::diesel::serialize::ToSql::<$crate::macros::diesel::sql_types::Text, DB>::to_sql(word, out)
            }
        }

        impl<DB> $crate::macros::diesel::deserialize::FromSql<$crate::macros::diesel::sql_types::Text, DB> for $name
        where
            DB: $crate::macros::diesel::backend::Backend,
            String: $crate::macros::diesel::deserialize::FromSql<$crate::macros::diesel::sql_types::Text, DB>,
        {
            fn from_sql(value: DB::RawValue<'_>) -> $crate::macros::diesel::deserialize::Result<Self> {
                let word = <String as $crate::macros::diesel::deserialize::FromSql<
                    $crate::macros::diesel::sql_types::Text, DB,
                >>::from_sql(value)?;
                Ok(word.parse::<$name>()?)
            }
        }

        $crate::__word_schema!($name { $($word),+ });
    };
}

/// A word that is none of an enum's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an unknown word")]
pub struct UnknownWord;

/// The OpenAPI schema of a [`text_enum!`](crate::text_enum), where HTTP is compiled in.
#[cfg(feature = "http")]
#[doc(hidden)]
#[macro_export]
macro_rules! __word_schema {
    ($name:ident { $($word:literal),+ }) => {
        impl $crate::macros::utoipa::PartialSchema for $name {
            fn schema() -> $crate::macros::utoipa::openapi::RefOr<$crate::macros::utoipa::openapi::schema::Schema> {
                $crate::macros::utoipa::openapi::ObjectBuilder::new()
                    .schema_type($crate::macros::utoipa::openapi::schema::Type::String)
                    .enum_values(Some([$($word),+]))
                    .into()
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
macro_rules! __word_schema {
    ($($any:tt)*) => {};
}
