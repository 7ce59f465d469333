//! Columns of numbers, and of the values of quantities without their units.

use fhirward_spec::Extracted;
use serde_json::Value;

use super::{Fault, Outcome, any, refused};
use crate::medplum::parse::{Filter, Operator, alternatives};

/// What `priority-order` makes of an urgent task.
const URGENT: f64 = 30.0;

pub(super) fn condition(filter: &Filter, values: &[Extracted<'_>], integer: bool) -> Outcome {
    compare(filter, &stored(values), integer)
}

/// `Task?priority-order`, which is Medplum's own: the priority as a number, without one as for a
/// routine task. What is measured is that urgent is 30, routine less, asap and stat more.
pub(super) fn priority_order(filter: &Filter, task: &Value) -> Outcome {
    let priority = task.get("priority").and_then(Value::as_str);
    let rank = match priority {
        Some("stat" | "asap") => URGENT + 1.0,
        Some("urgent") => URGENT,
        _ => URGENT - 1.0,
    };
    match filter.operator {
        Operator::Missing => Ok(Some(filter.value != "true")),
        Operator::Present => Ok(Some(filter.value == "true")),
        _ => {
            let truth = compare(filter, &[rank], true)?;
            let asked = |value: &String| value.trim().parse::<f64>() == Ok(URGENT);
            if priority == Some("urgent") || alternatives(&filter.value).iter().all(asked) {
                return Ok(truth);
            }
            Err(Fault::Unknown(
                "the numbers of priorities other than urgent are not known".to_owned(),
            ))
        }
    }
}

/// Whether one of the stored numbers compares so with one of those asked for.
fn compare(filter: &Filter, stored: &[f64], integer: bool) -> Outcome {
    let compare = comparison(&filter.operator)?;
    let wanted = alternatives(&filter.value)
        .iter()
        .map(|value| number(value, integer))
        .collect::<Result<Vec<f64>, Fault>>()?;
    Ok(any(wanted.into_iter().flat_map(|wanted| {
        stored
            .iter()
            .map(move |stored| Some(compare(*stored, wanted)))
    })))
}

/// Everything before the first bar is read as a number; system and unit are ignored. A column of
/// several quantities cannot be compared with one.
pub(super) fn quantity(filter: &Filter, values: &[Extracted<'_>], array: bool) -> Outcome {
    let compare = comparison(&filter.operator)?;
    let text = filter.value.split('|').next().unwrap_or_default();
    if array {
        return Err(Fault::Database(format!(
            "malformed array literal: \"{text}\""
        )));
    }
    let wanted = number(text, false)?;
    Ok(stored(values)
        .first()
        .map(|stored| compare(*stored, wanted)))
}

pub(super) fn stored(values: &[Extracted<'_>]) -> Vec<f64> {
    values
        .iter()
        .filter_map(|extracted| match extracted.value {
            Value::Number(number) => number.as_f64(),
            object => object.get("value")?.as_f64(),
        })
        .collect()
}

fn number(text: &str, integer: bool) -> Result<f64, Fault> {
    let kind = if integer {
        "integer"
    } else {
        "double precision"
    };
    let parsed = match integer {
        true => text.trim().parse::<i32>().ok().map(f64::from),
        false => text.trim().parse::<f64>().ok(),
    };
    parsed
        .ok_or_else(|| Fault::Database(format!("invalid input syntax for type {kind}: \"{text}\"")))
}

fn comparison(operator: &Operator) -> Result<fn(f64, f64) -> bool, Fault> {
    #[expect(clippy::float_cmp, reason = "the database compares doubles exactly")]
    let compare: fn(f64, f64) -> bool = match operator {
        Operator::Eq | Operator::Exact => |s, w| s == w,
        Operator::Ne | Operator::Not => |s, w| s != w,
        Operator::Lt | Operator::Eb => |s, w| s < w,
        Operator::Le => |s, w| s <= w,
        Operator::Gt | Operator::Sa => |s, w| s > w,
        Operator::Ge => |s, w| s >= w,
        other => return refused(format!("Unknown FHIR operator: {}", other.as_str())),
    };
    Ok(compare)
}
