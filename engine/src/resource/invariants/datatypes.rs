//! Invariants of datatypes.

use serde_json::Value;

use super::{
    Invariant, Object, any, as_number, chosen, has, in_order, is, is_one_of, needs, not_both,
    number, text,
};

const UCUM: &str = "http://unitsofmeasure.org";

pub(super) const INVARIANTS: &[Invariant] = &[
    Invariant::new(
        "Attachment",
        "att-1",
        "an attachment with inline `data` needs a `contentType`",
        |o| needs(o, "data", "contentType"),
    ),
    Invariant::new(
        "ContactPoint",
        "cpt-2",
        "a contact with a `value` needs a `system`, such as `phone`",
        |o| needs(o, "value", "system"),
    ),
    Invariant::new("Period", "per-1", "`start` must not be after `end`", |o| {
        in_order(o, "start", "end")
    }),
    Invariant::new(
        "Quantity",
        "qty-3",
        "a unit's `code` needs the `system` that it is from",
        |o| needs(o, "code", "system"),
    ),
    Invariant::new(
        "Age",
        "age-1",
        "an age is above zero, with a unit of UCUM by its `code`",
        |o| ucum_with_code(o) && number(o, "value").is_none_or(|value| value > 0.0),
    ),
    Invariant::new(
        "Count",
        "cnt-3",
        "a count is a whole number, in the UCUM unit `1`",
        |o| {
            let whole =
                !matches!(o.get("value"), Some(Value::Number(n)) if n.as_str().contains('.'));
            ucum_with_code(o) && (!has(o, "code") || is(o, "code", "1")) && whole
        },
    ),
    Invariant::new(
        "Distance",
        "dis-1",
        "a distance has a unit of UCUM by its `code`",
        ucum_with_code,
    ),
    Invariant::new(
        "Duration",
        "drt-1",
        "a duration with a unit's `code` needs a `value`, and UCUM as its `system`",
        |o| !has(o, "code") || (is(o, "system", UCUM) && has(o, "value")),
    ),
    Invariant::new(
        "Range",
        "rng-2",
        "`low` must not be more than `high`",
        |o| match (bound(o, "low"), bound(o, "high")) {
            (Some((low, low_unit)), Some((high, high_unit))) => {
                low_unit != high_unit || low <= high
            }
            _ => true,
        },
    ),
    Invariant::new(
        "Ratio",
        "rat-1",
        "a ratio has both `numerator` and `denominator`, or neither and an extension",
        |o| {
            has(o, "numerator") == has(o, "denominator")
                && (has(o, "numerator") || has(o, "extension"))
        },
    ),
    Invariant::new(
        "Expression",
        "exp-1",
        "an expression needs an `expression` or a `reference` to one",
        |o| any(o, &["expression", "reference"]),
    ),
    Invariant::new(
        "Timing.repeat",
        "tim-1",
        "a `duration` needs a `durationUnit`",
        |o| needs(o, "duration", "durationUnit"),
    ),
    Invariant::new(
        "Timing.repeat",
        "tim-2",
        "a `period` needs a `periodUnit`",
        |o| needs(o, "period", "periodUnit"),
    ),
    Invariant::new(
        "Timing.repeat",
        "tim-4",
        "`duration` must not be negative",
        |o| number(o, "duration").is_none_or(|n| n >= 0.0),
    ),
    Invariant::new(
        "Timing.repeat",
        "tim-5",
        "`period` must not be negative",
        |o| number(o, "period").is_none_or(|n| n >= 0.0),
    ),
    Invariant::new(
        "Timing.repeat",
        "tim-6",
        "a `periodMax` needs a `period`",
        |o| needs(o, "periodMax", "period"),
    ),
    Invariant::new(
        "Timing.repeat",
        "tim-7",
        "a `durationMax` needs a `duration`",
        |o| needs(o, "durationMax", "duration"),
    ),
    Invariant::new(
        "Timing.repeat",
        "tim-8",
        "a `countMax` needs a `count`",
        |o| needs(o, "countMax", "count"),
    ),
    Invariant::new(
        "Timing.repeat",
        "tim-9",
        "an `offset` needs a `when` other than a meal itself (C, CM, CD, CV)",
        |o| {
            let meals = ["C", "CM", "CD", "CV"];
            let whens = super::items(o, "when");
            let is_meal = |when: &Value| when.as_str().is_some_and(|w| meals.contains(&w));
            !has(o, "offset") || (has(o, "when") && !whens.iter().any(is_meal))
        },
    ),
    Invariant::new(
        "Timing.repeat",
        "tim-10",
        "either `timeOfDay` or `when`, not both",
        |o| not_both(o, "timeOfDay", "when"),
    ),
    Invariant::new(
        "TriggerDefinition",
        "trd-1",
        "either `timing[x]` or `data`, not both",
        |o| !(has(o, "data") && chosen(o, "timing")),
    ),
    Invariant::new(
        "TriggerDefinition",
        "trd-2",
        "a `condition` needs `data`",
        |o| needs(o, "condition", "data"),
    ),
    Invariant::new(
        "TriggerDefinition",
        "trd-3",
        "a named event needs a `name`, a periodic one `timing[x]`, one on data `data`",
        |o| match text(o, "type") {
            Some("named-event") => has(o, "name"),
            Some("periodic") => chosen(o, "timing"),
            Some(kind) if kind.starts_with("data-") => has(o, "data"),
            _ => true,
        },
    ),
    Invariant::new(
        "DataRequirement.codeFilter",
        "drq-1",
        "either `path` or `searchParam`",
        |o| has(o, "path") != has(o, "searchParam"),
    ),
    Invariant::new(
        "DataRequirement.dateFilter",
        "drq-2",
        "either `path` or `searchParam`",
        |o| has(o, "path") != has(o, "searchParam"),
    ),
    Invariant::new(
        "ElementDefinition",
        "eld-2",
        "`min` must not be more than `max`",
        |o| {
            let max = text(o, "max").and_then(|max| max.parse::<f64>().ok());
            match (number(o, "min"), max) {
                (Some(min), Some(max)) => min <= max,
                _ => true,
            }
        },
    ),
    Invariant::new(
        "ElementDefinition",
        "eld-3",
        "`max` is a number or `*`",
        |o| {
            text(o, "max").is_none_or(|max| {
                max == "*" || (!max.is_empty() && max.bytes().all(|b| b.is_ascii_digit()))
            })
        },
    ),
    Invariant::new(
        "ElementDefinition",
        "eld-8",
        "either `fixed[x]` or `pattern[x]`, not both",
        |o| !(chosen(o, "fixed") && chosen(o, "pattern")),
    ),
    Invariant::new(
        "ElementDefinition",
        "eld-15",
        "either `defaultValue[x]` or `meaningWhenMissing`, not both",
        |o| !(chosen(o, "defaultValue") && has(o, "meaningWhenMissing")),
    ),
    Invariant::new(
        "ElementDefinition",
        "eld-14",
        "every constraint has a `key` of its own",
        |o| super::distinct(super::objects(o, "constraint").filter_map(|c| text(c, "key"))),
    ),
    Invariant::new(
        "ElementDefinition",
        "eld-16",
        "a `sliceName` is made of letters, digits and `/-_[]@`",
        |o| {
            let good = |c: char| c.is_ascii_alphanumeric() || "/-_[]@".contains(c);
            text(o, "sliceName").is_none_or(|name| name.chars().all(good))
        },
    ),
    Invariant::new(
        "ElementDefinition",
        "eld-22",
        "`sliceIsConstraining` needs a `sliceName`",
        |o| needs(o, "sliceIsConstraining", "sliceName"),
    ),
    Invariant::new(
        "ElementDefinition.slicing",
        "eld-1",
        "slicing needs a `discriminator` or a `description`",
        |o| any(o, &["discriminator", "description"]),
    ),
    Invariant::new(
        "ElementDefinition.type",
        "eld-4",
        "only a Reference or canonical has an `aggregation`",
        |o| !has(o, "aggregation") || is_one_of(o, "code", &["Reference", "canonical"]),
    ),
    Invariant::new(
        "ElementDefinition.type",
        "eld-17",
        "only a Reference or canonical has a `targetProfile`",
        |o| !has(o, "targetProfile") || is_one_of(o, "code", &["Reference", "canonical"]),
    ),
    Invariant::new(
        "ElementDefinition.binding",
        "eld-12",
        "a value set is named by an absolute URL",
        |o| {
            text(o, "valueSet").is_none_or(|set| {
                ["http:", "https:", "urn:", "#"]
                    .iter()
                    .any(|start| set.starts_with(start))
            })
        },
    ),
];

fn ucum_with_code(object: &Object) -> bool {
    needs(object, "value", "code") && (!has(object, "system") || is(object, "system", UCUM))
}

/// The number and the unit of a bound.
fn bound<'o>(object: &'o Object, name: &str) -> Option<(f64, Option<&'o str>)> {
    let bound = object.get(name)?.as_object()?;
    let unit = text(bound, "code").or_else(|| text(bound, "unit"));
    Some((bound.get("value").and_then(as_number)?, unit))
}
