//! Money: whole minor units of the club's one currency. No fractions, no floats.

use serde::{Deserialize, Serialize};

/// An amount in minor units (cents, for the euro).
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::BigInt)]
#[serde(transparent)]
pub struct Minor(pub i64);

impl Minor {
    /// Nothing.
    pub const ZERO: Minor = Minor(0);

    /// The sum, unless it does not fit.
    pub fn plus(self, other: Minor) -> Option<Minor> {
        self.0.checked_add(other.0).map(Minor)
    }

    /// The difference, unless it does not fit.
    pub fn minus(self, other: Minor) -> Option<Minor> {
        self.0.checked_sub(other.0).map(Minor)
    }

    /// `self × part ÷ whole`, halves rounded away from zero; `None` when `whole` is 0 or it does not fit.
    pub fn share(self, part: i64, whole: i64) -> Option<Minor> {
        if whole == 0 {
            return None;
        }
        let product = i128::from(self.0).checked_mul(i128::from(part))?;
        let whole = i128::from(whole);
        let (quotient, rest) = (product / whole, product % whole);
        let up = rest.abs().checked_mul(2)? >= whole.abs();
        let away = if (product < 0) == (whole < 0) { 1 } else { -1 };
        i64::try_from(if up { quotient + away } else { quotient }).ok().map(Minor)
    }
}

impl<DB> diesel::serialize::ToSql<diesel::sql_types::BigInt, DB> for Minor
where
    DB: diesel::backend::Backend,
    i64: diesel::serialize::ToSql<diesel::sql_types::BigInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB> diesel::deserialize::FromSql<diesel::sql_types::BigInt, DB> for Minor
where
    DB: diesel::backend::Backend,
    i64: diesel::deserialize::FromSql<diesel::sql_types::BigInt, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
        i64::from_sql(value).map(Minor)
    }
}

#[cfg(feature = "http")]
mod schema {
    use super::Minor;

    impl utoipa::PartialSchema for Minor {
        fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
            <i64 as utoipa::PartialSchema>::schema()
        }
    }

    impl utoipa::ToSchema for Minor {
        fn name() -> std::borrow::Cow<'static, str> {
            "Minor".into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Minor;
    use proptest::prelude::*;

    #[test]
    fn a_share_rounds_halves_away_from_zero() {
        for (amount, part, whole, expected) in [
            (1000, 15, 30, 500),
            (1000, 1, 3, 333),
            (2000, 1, 3, 667),
            (5, 1, 2, 3),
            (-5, 1, 2, -3),
            (5, -1, 2, -3),
        ] {
            assert_eq!(
                Minor(amount).share(part, whole),
                Some(Minor(expected)),
                "{amount} × {part} / {whole}"
            );
        }
        assert_eq!(Minor(5).share(1, 0), None);
        assert_eq!(Minor(i64::MAX).share(2, 1), None);
        assert_eq!(Minor(i64::MAX).share(i64::MAX, i64::MAX), Some(Minor(i64::MAX)));
    }

    proptest! {
        #[test]
        fn a_share_is_never_more_than_half_a_unit_off(amount in -1_000_000i64..1_000_000, part in 0i64..366, whole in 1i64..366) {
            let share = Minor(amount).share(part, whole).expect("it fits").0;
            prop_assert!((share * whole - amount * part).abs() * 2 <= whole);
        }
    }
}
