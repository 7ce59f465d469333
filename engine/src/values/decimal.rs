//! Decimals as FHIR writes them: their precision is part of them.

use std::cmp::Ordering;
use std::fmt::Write;

use arrayvec::ArrayString;

/// A decimal, `digits × 10^-scale`.
#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    digits: i128,
    scale: u32,
    /// What the last written digit counts, as a power of ten of the last digit of `digits`: 2 for
    /// `1e2`.
    coarse: u32,
}

/// Digits that a decimal may have before and after the point together; R4 asks for 18.
pub const MAX_DIGITS: u32 = 18;

impl Decimal {
    /// Reads `12`, `-1.50`, `1e3`. `None` for other texts and for more than [`MAX_DIGITS`] digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (sign, body) = match mantissa.strip_prefix('-') {
            Some(body) => (-1, body),
            None => (1, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
        if whole.is_empty() && fraction.is_empty()
            || !(whole.bytes().chain(fraction.bytes())).all(|b| b.is_ascii_digit())
        {
            return None;
        }
        if body.ends_with('.') {
            return None;
        }
        let mut digits: i128 = 0;
        for b in whole.bytes().chain(fraction.bytes()) {
            digits = digits * 10 + i128::from(b - b'0');
            if digits >= 10_i128.pow(MAX_DIGITS) {
                return None;
            }
        }
        let limit = i32::try_from(MAX_DIGITS).ok()?;
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        if scale > limit || scale < -limit {
            return None;
        }
        let mut digits = sign * digits;
        let coarse = if scale < 0 { scale.unsigned_abs() } else { 0 };
        digits = digits.checked_mul(10_i128.checked_pow(coarse)?)?;
        Some(Self {
            digits,
            scale: u32::try_from(scale).unwrap_or(0),
            coarse,
        })
    }

    /// Half a unit of the last digit below and above: what the text as written stands for.
    pub fn implied(self) -> (Self, Self) {
        let half = 5 * 10_i128.saturating_pow(self.coarse);
        (self.moved(-half), self.moved(half))
    }

    /// A tenth of the value below and above, as R4 suggests for `ap`.
    pub fn about(self) -> (Self, Self) {
        let tenth = self.digits.abs();
        (self.moved(-tenth), self.moved(tenth))
    }

    /// Moved by so many tenths of the last digit.
    fn moved(self, tenths: i128) -> Self {
        Self {
            digits: self.digits.saturating_mul(10).saturating_add(tenths),
            scale: self.scale + 1,
            coarse: 0,
        }
    }

    /// A stored number: digits that [`Decimal::parse`] refuses are cut off, and what is too large
    /// is larger than every number that can be asked for.
    pub fn stored(text: &str) -> Option<Self> {
        Self::parse(text).or_else(|| {
            let value: f64 = text.parse().ok()?;
            let sign = if value < 0.0 { -1 } else { 1 };
            if value.abs() >= 1e18 {
                return Some(Self {
                    digits: sign * 10_i128.pow(30),
                    scale: 0,
                    coarse: 0,
                });
            }
            // Below 10^18, a sign, a point and two places fit.
            let rounded = |places: usize| {
                let mut text = ArrayString::<32>::new();
                write!(text, "{value:.places$}").ok()?;
                Self::parse(&text)
            };
            rounded(2).or_else(|| rounded(0))
        })
    }

    fn rescaled(self, scale: u32) -> i128 {
        // 18 digits, one more from `implied`, and at most 19 places more: under 38 digits.
        self.digits
            .saturating_mul(10_i128.saturating_pow(scale.saturating_sub(self.scale)))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let scale = self.scale.max(other.scale);
        Some(self.rescaled(scale).cmp(&other.rescaled(scale)))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1.50", "1.5", Ordering::Equal)]
    #[case("-2", "1", Ordering::Less)]
    #[case("1e3", "1000", Ordering::Equal)]
    #[case("0.1", "0.10000000000000001", Ordering::Less)]
    #[case("100e-2", "1", Ordering::Equal)]
    fn compares_by_value(#[case] a: &str, #[case] b: &str, #[case] expected: Ordering) {
        let (a, b) = (Decimal::parse(a).unwrap(), Decimal::parse(b).unwrap());
        assert_eq!(a.partial_cmp(&b), Some(expected));
    }

    #[rstest]
    #[case::huge("1e30", "999999999999999999", Ordering::Greater)]
    #[case::huge_below("-1e30", "-999999999999999999", Ordering::Less)]
    #[case::many_digits("5.00000000000000000000001", "5", Ordering::Equal)]
    fn stored_numbers_have_a_place(#[case] a: &str, #[case] b: &str, #[case] expected: Ordering) {
        let (a, b) = (Decimal::stored(a).unwrap(), Decimal::parse(b).unwrap());
        assert_eq!(a.partial_cmp(&b), Some(expected));
    }

    #[rstest]
    #[case::word("x")]
    #[case::empty("")]
    #[case::point_only(".")]
    #[case::point_last("1.")]
    #[case::huge("1e99")]
    #[case::too_many_digits("1234567890123456789012")]
    fn refuses(#[case] text: &str) {
        assert!(Decimal::parse(text).is_none());
    }
}
