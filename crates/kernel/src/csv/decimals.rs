//! Amounts as people and spreadsheets write them: with the currency's number of decimals. No floats.

use crate::Minor;

/// How many decimals a currency has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimals(usize);

/// Not an amount of this currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an amount")]
pub struct NotAnAmount;

impl Decimals {
    /// Those of a currency, as ISO 4217 has them.
    pub fn of(currency: &str) -> Decimals {
        Decimals(match currency {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
            | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            "CLF" | "UYW" => 4,
            _ => 2,
        })
    }

    /// How many.
    pub fn number(self) -> usize {
        self.0
    }

    /// An amount with all of its decimals: `-12.50`.
    pub fn show(self, amount: Minor) -> String {
        let sign = if amount.0 < 0 { "-" } else { "" };
        // At least one digit before the point.
        let digits = format!("{:0>1$}", amount.0.unsigned_abs(), self.0 + 1);
        let (whole, part) = digits.split_at(digits.len() - self.0);
        if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
    }

    /// Reads an amount: digits, perhaps a minus before them, perhaps a point and up to so many decimals. A comma could
    /// mean either thousands or decimals, so it is refused.
    ///
    /// # Errors
    /// When it is anything else, has more decimals than the currency, or does not fit.
    pub fn read(self, text: &str) -> Result<Minor, NotAnAmount> {
        let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let are_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let ends_in_point = digits.ends_with('.');
        if whole.is_empty() || ends_in_point || !are_digits(whole) || !are_digits(part) || part.len() > self.0
        {
            return Err(NotAnAmount);
        }
        let all = format!("{sign}{whole}{part:0<0$}", self.0);
        all.parse().map(Minor).map_err(|_| NotAnAmount)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_currency_has_its_decimals() {
        for (currency, shown) in
            [("EUR", "12.34"), ("JPY", "1234"), ("KWD", "1.234"), ("CLF", "0.1234"), ("XYZ", "12.34")]
        {
            assert_eq!(Decimals::of(currency).show(Minor(1234)), shown, "{currency}");
        }
        let euro = Decimals::of("EUR");
        for (amount, shown) in [
            (0, "0.00"),
            (5, "0.05"),
            (-5, "-0.05"),
            (-1250, "-12.50"),
            (i64::MIN, "-92233720368547758.08"),
            (i64::MAX, "92233720368547758.07"),
        ] {
            assert_eq!(euro.show(Minor(amount)), shown);
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        let euro = Decimals::of("EUR");
        for (text, amount) in [("12", 1200), ("12.5", 1250), ("-0.05", -5), ("007.00", 700), ("-0", 0)] {
            assert_eq!(euro.read(text), Ok(Minor(amount)), "{text}");
        }
        for text in [
            "",
            "-",
            ".5",
            "5.",
            "1.234",
            "12,50",
            "1.2.3",
            "+5",
            " 5",
            "1e3",
            "--5",
            "٣",
            "99999999999999999999",
        ] {
            assert_eq!(euro.read(text), Err(NotAnAmount), "{text}");
        }
        assert_eq!(Decimals::of("JPY").read("12.0"), Err(NotAnAmount));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_as_the_same(amount: i64, currency in "EUR|JPY|KWD|CLF") {
            let decimals = Decimals::of(&currency);
            prop_assert_eq!(decimals.read(&decimals.show(Minor(amount))), Ok(Minor(amount)));
        }

        #[test]
        fn nonsense_is_never_a_panic(text in ".{0,40}") {
            let _ = Decimals::of("EUR").read(&text);
        }
    }
}
