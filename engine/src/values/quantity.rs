//! Quantities: a number with a unit, compared without conversion.

use fhirward_spec::{Extracted, member};
use serde_json::Value;

use super::decimal::Decimal;
use super::number::NumberPattern;
use super::{BadValue, Range};

/// `[prefix]number`, `[prefix]number|system|code` or `[prefix]number||code`.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantityPattern {
    number: NumberPattern,
    unit: Unit,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Unit {
    Any,
    /// A code or the printed unit.
    Named(Box<str>),
    Coded {
        system: Box<str>,
        code: Box<str>,
    },
}

impl QuantityPattern {
    /// Makes the pattern of the parts between the pipes.
    ///
    /// # Errors
    /// No number in front, or another number of parts.
    pub fn parse(parts: &[&str]) -> Result<Self, BadValue> {
        let (number, unit) = match parts {
            [number] => (number, Unit::Any),
            [number, "", code] if !code.is_empty() => (number, Unit::Named((*code).into())),
            [number, system, code] if !code.is_empty() => (
                number,
                Unit::Coded {
                    system: (*system).into(),
                    code: (*code).into(),
                },
            ),
            _ => {
                return Err(BadValue::new(
                    "is no quantity",
                    "write `number`, `number|system|code` or `number||code`",
                ));
            }
        };
        Ok(Self {
            number: NumberPattern::parse(number)?,
            unit,
        })
    }

    /// Whether the element compares so, in the same unit. A quantity with a comparator (`<5`) has
    /// no known value and matches nothing; of a Range, each side that is there must have the unit.
    pub fn matches(&self, element: Extracted<'_>) -> bool {
        let value = element.value;
        if element.data_type == "Range" {
            let side = |name: &str| match member(value, name) {
                Some(side) => self.number_in_unit(side, "Quantity").map(Some),
                None => Some(None),
            };
            return match (side("low"), side("high")) {
                (Some(low), Some(high)) => self.number.holds_range(Range { low, high }),
                _ => false,
            };
        }
        self.number_in_unit(value, element.data_type)
            .is_some_and(|number| self.number.holds(number))
    }

    /// The number of a quantity in the wanted unit.
    fn number_in_unit(&self, quantity: &Value, data_type: &str) -> Option<Decimal> {
        let text = |name: &str| member(quantity, name).and_then(Value::as_str);
        let unit = match &self.unit {
            Unit::Any => true,
            Unit::Named(name) => {
                [text("code"), text("unit"), text("currency")].contains(&Some(name))
            }
            Unit::Coded { system, code } if data_type == "Money" => {
                &**system == "urn:iso:std:iso:4217" && text("currency") == Some(code)
            }
            Unit::Coded { system, code } => {
                text("system") == Some(system) && text("code") == Some(code)
            }
        };
        if !unit || member(quantity, "comparator").is_some() {
            return None;
        }
        Decimal::stored(member(quantity, "value")?.as_number()?.as_str())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::number(&["80"], true)]
    #[case::prefix(&["gt70"], true)]
    #[case::coded(&["80", "http://unitsofmeasure.org", "/min"], true)]
    #[case::other_system(&["80", "http://x", "/min"], false)]
    #[case::unit(&["80", "", "bpm"], true)]
    #[case::code(&["80", "", "/min"], true)]
    #[case::other_unit(&["80", "", "kg"], false)]
    #[case::other_number(&["81"], false)]
    fn r6_quantity(#[case] parts: &[&str], #[case] expected: bool) {
        let value = json!({"value": 80, "unit": "bpm", "system": "http://unitsofmeasure.org", "code": "/min"});
        let element = Extracted {
            value: &value,
            data_type: "Quantity",
        };
        assert_eq!(
            QuantityPattern::parse(parts).unwrap().matches(element),
            expected
        );
    }

    #[rstest]
    #[case::inside(&["10"], json!({"low": {"value": 9.6, "code": "mg"}, "high": {"value": 10.4, "code": "mg"}}), true)]
    #[case::overlaps_only(&["10"], json!({"low": {"value": 9.6}, "high": {"value": 12}}), false)]
    #[case::above(&["gt11", "", "mg"], json!({"low": {"value": 9.6, "code": "mg"}, "high": {"value": 12, "code": "mg"}}), true)]
    #[case::open(&["gt11"], json!({"low": {"value": 5}}), true)]
    #[case::other_unit(&["gt5", "", "kg"], json!({"low": {"value": 9.6, "code": "mg"}}), false)]
    #[case::one_side_in_another_unit(&["gt5", "", "mg"], json!({"low": {"value": 9, "code": "mg"}, "high": {"value": 1, "code": "g"}}), false)]
    #[case::comparator(&["gt5"], json!({"low": {"value": 9, "comparator": ">"}}), false)]
    #[case::nothing(&["gt5"], json!({}), false)]
    fn r6_quantity_of_a_range(
        #[case] parts: &[&str],
        #[case] value: Value,
        #[case] expected: bool,
    ) {
        let element = Extracted {
            value: &value,
            data_type: "Range",
        };
        assert_eq!(
            QuantityPattern::parse(parts).unwrap().matches(element),
            expected
        );
    }

    #[test]
    fn a_comparator_hides_the_value() {
        let value = json!({"value": 80, "comparator": "<"});
        let element = Extracted {
            value: &value,
            data_type: "Quantity",
        };
        assert!(!QuantityPattern::parse(&["80"]).unwrap().matches(element));
        assert!(QuantityPattern::parse(&["80", "x"]).is_err());
    }
}
