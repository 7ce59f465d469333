//! Dates in memory: stretches of time, from the first to the last millisecond.

use fhirward_spec::Extracted;
use serde_json::Value;

use crate::medplum::parse::{Filter, Operator, alternatives};
use crate::values::date::interval;

const MILLISECOND: i128 = 1_000_000;
const HOUR: i128 = 3_600_000;
const DAY: i128 = 24 * HOUR;

/// First and last millisecond; an open end reaches for ever.
pub(crate) type Stretch = (i128, i128);

/// Whether a date or period of the resource compares so with one of the dates asked for.
pub(super) fn matches(filter: &Filter, values: &[Extracted<'_>]) -> bool {
    let stored: Vec<Stretch> = values.iter().filter_map(|v| stretch(v.value)).collect();
    let found = alternatives(&filter.value)
        .iter()
        .filter_map(|text| instants(text))
        .any(|wanted| {
            stored
                .iter()
                .any(|s| compares(&filter.operator, *s, wanted))
        });
    found != filter.operator.is_negated()
}

fn compares(operator: &Operator, (start, end): Stretch, (a, b): Stretch) -> bool {
    match operator {
        // An overlap with open edges, not containment.
        Operator::Eq | Operator::Ap | Operator::Ne => start < b && end > a,
        Operator::Lt => start < a,
        Operator::Gt => end > b,
        Operator::Le => start <= b,
        Operator::Ge => end >= a,
        Operator::Sa => start > b,
        Operator::Eb => end < a,
        _ => false,
    }
}

fn stretch(value: &Value) -> Option<Stretch> {
    match value {
        Value::String(text) => instants(text),
        Value::Object(members) => {
            let side = |name: &str| members.get(name).and_then(Value::as_str);
            let (start, end) = (side("start"), side("end"));
            if start.is_none() && end.is_none() {
                return None;
            }
            let start = start.and_then(instants).map_or(i128::MIN, |s| s.0);
            let end = end.and_then(instants).map_or(i128::MAX, |s| s.1);
            Some((start, end))
        }
        _ => None,
    }
}

/// A year, month, day, hour, second or millisecond. Every month ends on its 31st day, which may be
/// a day of the next one.
pub(crate) fn instants(text: &str) -> Option<Stretch> {
    if let Some(hour) = hour(text) {
        return instants(&hour).map(|(start, _)| (start, start + HOUR - 1));
    }
    let range = interval(text)?;
    let start = range.low?.div_euclid(MILLISECOND);
    let end = match text.len() {
        7 => start + 31 * DAY,
        _ => range.high?.div_euclid(MILLISECOND),
    };
    Some((start, end - 1))
}

/// `2024-03-10T15Z` as its first second.
fn hour(text: &str) -> Option<String> {
    let (date, time) = text.split_once('T')?;
    let zone = time.get(2..)?;
    let alone = matches!(zone.bytes().next(), None | Some(b'Z' | b'+' | b'-'));
    alone.then(|| format!("{date}T{}:00:00{zone}", time.get(..2).unwrap_or_default()))
}
