//! Date columns: one moment, the start of what is stored, compared with one moment.

use fhirward_spec::Extracted;
use serde_json::Value;

use super::{Outcome, Row, refused};
use crate::medplum::memory::date::instants;
use crate::medplum::parse::{Filter, Operator};
use crate::values::date::interval;

const MILLISECOND: i128 = 1_000_000;
const DAY: i128 = 86_400_000_000_000;

pub(super) fn condition(filter: &Filter, values: &[Extracted<'_>], day: bool) -> Outcome {
    compare(filter, stored(values), day)
}

pub(super) fn last_updated(filter: &Filter, row: Row<'_>) -> Outcome {
    let stored = row
        .resource
        .get("meta")
        .and_then(|meta| meta.get("lastUpdated"))
        .and_then(Value::as_str)
        .and_then(moment);
    compare(filter, stored, false)
}

fn compare(filter: &Filter, stored: Option<i128>, day: bool) -> Outcome {
    let Some(mut wanted) = searched(&filter.value) else {
        return refused(format!("Invalid date value: {}", filter.value));
    };
    if day {
        wanted = wanted.div_euclid(DAY) * DAY;
    }
    let holds: fn(i128, i128) -> bool = match &filter.operator {
        Operator::Eq | Operator::Exact => |s, w| s == w,
        Operator::Ne | Operator::Not => |s, w| s != w,
        Operator::Lt | Operator::Eb => |s, w| s < w,
        Operator::Le => |s, w| s <= w,
        Operator::Gt | Operator::Sa => |s, w| s > w,
        Operator::Ge => |s, w| s >= w,
        other => return refused(format!("Unknown FHIR operator: {}", other.as_str())),
    };
    Ok(stored.map(|stored| holds(stored, wanted)))
}

/// The moment of a value: a day, or a day with hours, minutes and seconds.
fn searched(text: &str) -> Option<i128> {
    if text.len() < 10 {
        return None;
    }
    moment(text)
}

/// What the column holds: the start of a period, or the last millisecond of its end
/// where it has no start.
pub(super) fn stored(values: &[Extracted<'_>]) -> Option<i128> {
    values.iter().find_map(|extracted| match extracted.value {
        Value::String(text) => moment(text),
        Value::Object(period) => {
            let side = |name: &str| period.get(name).and_then(Value::as_str);
            match (side("start"), side("end")) {
                (Some(start), _) => moment(start),
                (None, end) => end.and_then(last),
            }
        }
        _ => None,
    })
}

/// The last millisecond of a date.
fn last(text: &str) -> Option<i128> {
    instants(text).map(|(_, end)| end * MILLISECOND)
}

fn moment(text: &str) -> Option<i128> {
    interval(text)?.low
}
