//! Quantities: a number with a unit, compared without conversion.

use fhirward_spec::{Extracted, member};
use serde_json::Value;

use super::BadValue;
use super::decimal::Decimal;
use super::number::NumberPattern;

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
    /// no known value and matches nothing.
    pub fn matches(&self, element: Extracted<'_>) -> bool {
        let quantity = element.value;
        if member(quantity, "comparator").is_some() {
            return false;
        }
        let value = member(quantity, "value").and_then(Value::as_number);
        let text = |name: &str| member(quantity, name).and_then(Value::as_str);
        let unit = match &self.unit {
            Unit::Any => true,
            Unit::Named(name) => {
                [text("code"), text("unit"), text("currency")].contains(&Some(name))
            }
            Unit::Coded { system, code } if element.data_type == "Money" => {
                &**system == "urn:iso:std:iso:4217" && text("currency") == Some(code)
            }
            Unit::Coded { system, code } => {
                text("system") == Some(system) && text("code") == Some(code)
            }
        };
        unit && value
            .and_then(|number| Decimal::stored(number.as_str()))
            .is_some_and(|number| self.number.holds(number))
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
