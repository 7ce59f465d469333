//! The departures of a server that a run accepts, from a file.
//!
//! ```toml
//! [[accept]]
//! departure = "departure/cached-read"
//! scenario = "a-page/a-flow"   # only there; everywhere without it
//! reason = "our clients do not read by id"
//! expires = 2027-01-31
//! ```

use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::semantics::DEPARTURES;
use fhirward_engine::source::Source;
use fhirward_harness::expect::{AcceptedDeparture, UNNAMED};
use toml::de::DeTable;

use super::Date;
use super::fault::{Faults, one_of};

/// What the help says to a file that cannot be read.
const PAGE: &str = "docs/departures.md has an example";

/// Reads the file. What has expired is not accepted, and a warning says so.
pub fn read(source: &Arc<Source>, today: Date) -> (Vec<AcceptedDeparture>, Vec<Diagnostic>) {
    let mut faults = Faults::new(source);
    let mut accepted = Vec::new();
    match DeTable::parse(&source.text) {
        Ok(table) => file(table.get_ref(), today, &mut accepted, &mut faults),
        Err(error) => faults.no_toml(&source.text, &error, PAGE),
    }
    (accepted, faults.into_all())
}

fn file(
    table: &DeTable<'_>,
    today: Date,
    accepted: &mut Vec<AcceptedDeparture>,
    faults: &mut Faults<'_>,
) {
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        if name != "accept" {
            faults.add(
                "config/unknown-key",
                key.span(),
                format!("`{name}` is no key of a file of accepted departures"),
                one_of(name, &["accept"]),
            );
            continue;
        }
        let Some(items) = value.get_ref().as_array() else {
            faults.add(
                "config/shape",
                value.span(),
                "`accept` is no list of tables",
                "each accepted departure begins with `[[accept]]`",
            );
            continue;
        };
        for item in items {
            if let Some(table) = faults.table("accept", item) {
                accepted.extend(departure(table, item.span(), today, faults));
            }
        }
    }
}

fn departure(
    table: &DeTable<'_>,
    whole: std::ops::Range<usize>,
    today: Date,
    faults: &mut Faults<'_>,
) -> Option<AcceptedDeparture> {
    const KNOWN: [&str; 4] = ["departure", "scenario", "reason", "expires"];
    let before = faults.len();
    let (mut id, mut scenario, mut reason, mut expires) = (None, None, String::new(), None);
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "departure" => id = faults.text("departure", value),
            "scenario" => scenario = faults.text("scenario", value).map(|text| text.text),
            "reason" => reason = faults.text("reason", value).unwrap_or_default().text,
            "expires" => expires = faults.date(value),
            other => faults.add(
                "config/unknown-key",
                key.span(),
                format!("`{other}` is no key of an accepted departure"),
                one_of(other, &KNOWN),
            ),
        }
    }
    match &id {
        None => faults.add(
            "config/shape",
            whole.clone(),
            "an accepted departure without `departure`",
            "the report of a run names it: `departure = \"departure/…\"`",
        ),
        Some(text) if !is_known(&text.text) => {
            let names: Vec<&str> = DEPARTURES.iter().map(|known| known.id).collect();
            faults.add(
                "config/unknown-departure",
                text.span.start..text.span.end,
                format!("`{}` is no departure", text.text),
                one_of(&text.text, &names),
            );
        }
        Some(_) => {}
    }
    if reason.trim().is_empty() {
        faults.add(
            "config/no-reason",
            whole.clone(),
            "an accepted departure without `reason`",
            "say why the server may answer so, for whoever reads it in a year",
        );
    }
    let id = id.filter(|_| faults.len() == before)?.text;
    if let Some((last, span)) = expires
        && today > last
    {
        faults.push(
            span.start..span.end,
            Diagnostic::warning(
                "run/departure-expired",
                format!("`{id}` is no longer accepted since {last}"),
            )
            .with_help("mend the server or the policy, or give it a later date and say why"),
        );
        return None;
    }
    Some(AcceptedDeparture {
        id,
        scenario,
        reason,
    })
}

fn is_known(id: &str) -> bool {
    id == UNNAMED || DEPARTURES.iter().any(|known| known.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> (usize, Vec<String>) {
        let today = Date::new(2026, 11, 21).unwrap();
        let (accepted, findings) = read(&Source::new("d.toml", text), today);
        let findings = findings.iter().map(|finding| finding.code.to_owned());
        (accepted.len(), findings.collect())
    }

    #[test]
    fn a_departure_needs_a_name_that_is_known_and_a_reason() {
        let good = "[[accept]]\ndeparture = \"departure/date-not\"\nreason = \"x\"\n";
        assert_eq!(told(good), (1, vec![]));
        let cases = [
            ("accept = 1", "config/shape"),
            ("[[acept]]\n", "config/unknown-key"),
            ("[[accept]]\nreason = \"x\"\n", "config/shape"),
            (
                "[[accept]]\ndeparture = \"departure/date-no\"\nreason = \"x\"\n",
                "config/unknown-departure",
            ),
            (
                "[[accept]]\ndeparture = \"departure/date-not\"\n",
                "config/no-reason",
            ),
            ("[[accept]\n", "config/syntax"),
        ];
        for (text, code) in cases {
            let (accepted, codes) = told(text);
            assert_eq!((accepted, codes), (0, vec![code.to_owned()]), "{text}");
        }
    }

    #[test]
    fn what_has_expired_is_not_accepted() {
        let until = |day: &str| {
            told(&format!(
                "[[accept]]\ndeparture = \"departure/date-not\"\nreason = \"x\"\nexpires = {day}\n"
            ))
        };
        assert_eq!(until("2026-11-21"), (1, vec![]));
        assert_eq!(
            until("2026-11-20"),
            (0, vec!["run/departure-expired".to_owned()])
        );
    }
}
