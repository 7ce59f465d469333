//! Numbers: a value stands for the range that its precision implies.

use fhirward_spec::{Extracted, member};
use serde_json::Value;

use super::decimal::Decimal;
use super::{BadValue, Prefix, Range};

/// A prefix and a range of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NumberPattern {
    prefix: Prefix,
    wanted: Range<Decimal>,
}

impl NumberPattern {
    /// Reads `[prefix]number`.
    ///
    /// # Errors
    /// A text that is no number.
    pub fn parse(text: &str) -> Result<Self, BadValue> {
        let (prefix, number) = Prefix::split(text);
        let Some(number) = Decimal::parse(number) else {
            return Err(BadValue::new(
                "is no number",
                "write a decimal such as `100` or `5.4`, after one of the prefixes \
                 eq ne gt lt ge le sa eb ap, or none",
            ));
        };
        let (low, high) = match prefix {
            Prefix::Equal | Prefix::NotEqual => number.implied(),
            Prefix::Approximately => number.about(),
            // R4: the precision does not count for the other prefixes.
            _ => (number, number),
        };
        Ok(Self {
            prefix,
            wanted: Range {
                low: Some(low),
                high: Some(high),
            },
        })
    }

    /// Whether the element compares so.
    pub fn matches(&self, element: Extracted<'_>) -> bool {
        match (element.value, element.data_type) {
            (Value::Number(number), _) => {
                Decimal::stored(number.as_str()).is_some_and(|n| self.holds(n))
            }
            (range @ Value::Object(_), "Range") => {
                let side = |name: &str| {
                    let number = member(member(range, name)?, "value")?;
                    Decimal::stored(number.as_number()?.as_str())
                };
                self.holds_range(Range {
                    low: side("low"),
                    high: side("high"),
                })
            }
            _ => false,
        }
    }

    /// Whether a range of numbers compares so; one without any side never does.
    pub(super) fn holds_range(&self, stored: Range<Decimal>) -> bool {
        (stored.low.is_some() || stored.high.is_some()) && self.prefix.holds(stored, self.wanted)
    }

    /// Whether one number compares so.
    pub fn holds(&self, number: Decimal) -> bool {
        let wanted = self.wanted;
        let inside = wanted.low.is_some_and(|low| number >= low)
            && wanted
                .high
                .is_some_and(|high| number < high || (number == high && low_is_high(wanted)));
        let above = wanted.high.is_some_and(|high| number > high);
        let below = wanted.low.is_some_and(|low| number < low);
        match self.prefix {
            Prefix::Equal | Prefix::Approximately => inside || self.at_the_rim(number),
            Prefix::NotEqual => !inside,
            Prefix::Greater | Prefix::StartsAfter => above,
            Prefix::Less | Prefix::EndsBefore => below,
            Prefix::GreaterOrEqual => above || inside,
            Prefix::LessOrEqual => below || inside,
        }
    }

    /// `ap` includes its upper end: a tenth more is still about.
    fn at_the_rim(&self, number: Decimal) -> bool {
        self.prefix == Prefix::Approximately && self.wanted.high == Some(number)
    }
}

fn low_is_high(range: Range<Decimal>) -> bool {
    range.low == range.high
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::precision("100", "100.4", true)]
    #[case::precision_end("100", "100.5", false)]
    #[case::finer("100.00", "100.004", true)]
    #[case::finer_out("100.00", "100.01", false)]
    #[case::gt("gt70", "80", true)]
    #[case::gt_equal("gt80", "80", false)]
    #[case::ge("ge80", "80", true)]
    #[case::le("le80", "80", true)]
    #[case::lt("lt80", "80", false)]
    #[case::ne("ne80", "80", false)]
    #[case::ap("ap100", "109", true)]
    #[case::ap_rim("ap100", "110", true)]
    #[case::ap_out("ap100", "111", false)]
    #[case::exponent("1e2", "100", true)]
    #[case::exponent_is_coarse("1e2", "97", true)]
    #[case::exponent_end("1e2", "150", false)]
    fn r6_number(#[case] asked: &str, #[case] stored: &str, #[case] expected: bool) {
        let value: Value = serde_json::from_str(stored).unwrap();
        let element = Extracted {
            value: &value,
            data_type: "decimal",
        };
        assert_eq!(
            NumberPattern::parse(asked).unwrap().matches(element),
            expected
        );
    }

    #[test]
    fn a_text_is_no_number() {
        let value = json!("80");
        let element = Extracted {
            value: &value,
            data_type: "string",
        };
        assert!(!NumberPattern::parse("80").unwrap().matches(element));
        assert!(NumberPattern::parse("eighty").is_err());
    }
}
