//! What a class comes to.

use muster_kernel::Minor;
use muster_kernel::fault::{Code, Fault};

use crate::terms::Terms;

/// What a class comes to by these terms with so many who attended: so much for the class, so much for each head above
/// a number, but not less than a minimum and not more than a maximum.
pub(crate) fn pay_of(terms: &Terms, heads: i32) -> Result<Minor, Fault> {
    let paid_heads = i64::from(heads).saturating_sub(terms.heads_above.into()).max(0);
    let pay = terms.per_head.0.checked_mul(paid_heads).and_then(|pay| pay.checked_add(terms.per_class.0));
    let Some(pay) = pay else {
        return Err(Fault::new(
            Code::InvalidState,
            "By these terms the class comes to more than can be paid.",
        ));
    };
    let pay = terms.minimum.map_or(pay, |minimum| pay.max(minimum.0));
    Ok(Minor(terms.maximum.map_or(pay, |maximum| pay.min(maximum.0))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::TermsId;
    use chrono::NaiveDate;

    fn terms(per_class: i64, per_head: i64, heads_above: i32, bounds: (Option<i64>, Option<i64>)) -> Terms {
        Terms {
            id: TermsId(1),
            starts_on: NaiveDate::MIN,
            per_class: Minor(per_class),
            per_head: Minor(per_head),
            heads_above,
            minimum: bounds.0.map(Minor),
            maximum: bounds.1.map(Minor),
        }
    }

    #[test]
    fn a_class_is_paid_by_heads_above_a_number_between_a_minimum_and_a_maximum() {
        for (terms, heads, pay) in [
            (terms(3000, 0, 0, (None, None)), 12, 3000),
            (terms(3000, 100, 0, (None, None)), 12, 4200),
            (terms(3000, 100, 10, (None, None)), 12, 3200),
            (terms(3000, 100, 10, (None, None)), 10, 3000),
            (terms(3000, 100, 10, (None, None)), 0, 3000),
            (terms(0, 500, 0, (Some(2000), None)), 3, 2000),
            (terms(0, 500, 0, (Some(2000), None)), 5, 2500),
            (terms(0, 500, 0, (None, Some(2400))), 5, 2400),
            (terms(3000, 0, 0, (Some(1), Some(2000))), 5, 2000),
        ] {
            assert_eq!(pay_of(&terms, heads).expect("it fits"), Minor(pay), "{terms:?} with {heads}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(pay_of(&terms(1, i64::MAX, 0, (None, None)), 2).is_err());
        assert!(pay_of(&terms(i64::MAX, 1, 0, (None, None)), 1).is_err());
        assert_eq!(pay_of(&terms(0, 1, i32::MAX, (None, None)), i32::MIN).expect("it fits"), Minor::ZERO);
    }
}
