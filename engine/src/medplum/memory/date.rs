//! Dates in memory: stretches of time, from the first to the last millisecond.

use fhirward_spec::Extracted;
use serde_json::Value;

use crate::medplum::datetime::{self, NoMoment, Stretch};
use crate::medplum::parse::{Filter, Operator, alternatives};

/// 9999-01-01T00:00:00Z.
const YEAR_9999: i128 = 253_370_764_800_000;

/// Whether a date or period of the resource compares so with one of the dates asked for.
///
/// # Errors
/// A date of the resource that has no moment: the comparison ends with an error.
pub(super) fn matches(filter: &Filter, values: &[Extracted<'_>]) -> Result<bool, NoMoment> {
    let mut stored = Vec::new();
    for extracted in values {
        stored.extend(period(extracted.value)?);
    }
    let mut found = false;
    for one in &stored {
        for text in alternatives(&filter.value) {
            if let Some(wanted) = datetime::stretch(&text) {
                found = found || compares(&filter.operator, *one, wanted?);
            }
        }
    }
    Ok(found != filter.operator.is_negated())
}

/// Times are compared as texts, and an end that is open is the text `9999`: earlier than any moment
/// of that year.
fn compares(operator: &Operator, (start, end): (i128, End), (a, b): Stretch) -> bool {
    let end = match end {
        End::At(end) => end * 2,
        End::Open => YEAR_9999 * 2 - 1,
    };
    let (start, a, b) = (start.saturating_mul(2), a * 2, b * 2);
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

#[derive(Clone, Copy)]
enum End {
    At(i128),
    Open,
}

fn period(value: &Value) -> Result<Option<(i128, End)>, NoMoment> {
    match value {
        Value::String(text) => match datetime::stretch(text) {
            Some(stretch) => stretch.map(|(start, end)| Some((start, End::At(end)))),
            None => Ok(None),
        },
        Value::Object(members) => {
            let side = |name: &str| members.get(name).and_then(Value::as_str);
            let (start, end) = (side("start"), side("end"));
            let is_date = |text: Option<&str>| text.is_some_and(datetime::is_date_time);
            if !is_date(start) && !is_date(end) {
                return Ok(None);
            }
            // One side that is a date makes a period; the other one has to have a moment then.
            let moment = |text: Option<&str>| match text.filter(|text| !text.is_empty()) {
                Some(text) => datetime::side(text).map(Some),
                None => Ok(None),
            };
            let start = moment(start)?.map_or(i128::MIN, |s| s.0);
            let end = moment(end)?.map_or(End::Open, |s| End::At(s.1));
            Ok(Some((start, end)))
        }
        _ => Ok(None),
    }
}

/// First and last millisecond of a date that has moments.
pub(crate) fn instants(text: &str) -> Option<Stretch> {
    datetime::stretch(text)?.ok()
}
