//! Departures: where an answer is not what the policy means, by name. Source:
//! policy-semantics 5.3, 5.4, 6.

use fhirward_spec::ParamType;

use super::{Answer, Path, Question, Semantics, Verdict, medplum};
use crate::criteria;
use crate::criteria::Bindings;
use crate::lint::catalogue;
use crate::medplum::parse::{Operator, pairs};
use crate::medplum::probe::{ProbedFilter, kind_of, probe};
use crate::medplum::{AccessPolicy, Version};

/// A named way in which a server departs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// The stable name, `departure/…`.
    pub id: &'static str,
    /// Why, in a line.
    pub why: &'static str,
    /// The rule of `policy check` whose page says more.
    pub rule: &'static str,
}

impl Departure {
    /// The page of the rule, from the project's root.
    pub fn page(&self) -> String {
        // The pages are named by slug, and every rule has one.
        let slug = catalogue::find(self.rule).map_or(self.rule, |rule| rule.slug);
        format!("docs/rules/{slug}.md")
    }
}

/// All departures that have a name.
pub const DEPARTURES: [Departure; 24] = [
    Departure {
        id: "departure/sql-drops-filter",
        why: "the criteria does not begin with its entry's type: the database asks without any policy",
        rule: "L01",
    },
    Departure {
        id: "departure/no-filter",
        why: "the criteria holds no filter, so the server grants every resource of the type",
        rule: "L02",
    },
    Departure {
        id: "departure/second-question-mark",
        why: "the server drops everything behind a second `?`",
        rule: "L03",
    },
    Departure {
        id: "departure/not-in-is-equality",
        why: "the server takes `:not-in` for equality: it grants what was to be excluded",
        rule: "L04",
    },
    Departure {
        id: "departure/modifier-ignored",
        why: "the server does not know the modifier and compares for equality",
        rule: "L05",
    },
    Departure {
        id: "departure/date-not",
        why: "`:not` on a date is always true in memory",
        rule: "L06",
    },
    Departure {
        id: "departure/open-variable",
        why: "a variable without a value stays in the text",
        rule: "L07",
    },
    Departure {
        id: "departure/sql-ignores-interaction",
        why: "before 5.1.1 the database puts all entries of the type together, whatever their interactions",
        rule: "L10",
    },
    Departure {
        id: "departure/sql-ignores-criteria",
        why: "the database looks at an entry's `compartment` and not at its criteria",
        rule: "L16",
    },
    Departure {
        id: "departure/wildcard-in-memory",
        why: "criteria for `*` never match in memory",
        rule: "L20",
    },
    Departure {
        id: "departure/number-in-memory",
        why: "numbers and quantities never match in memory",
        rule: "L21",
    },
    Departure {
        id: "departure/criteria-throws",
        why: "the server cannot read the criteria and refuses every request that meets it",
        rule: "L25",
    },
    Departure {
        id: "departure/unknown-parameter",
        why: "the type does not have the search parameter: false in memory, an error in the database",
        rule: "L23",
    },
    Departure {
        id: "departure/sql-only-search",
        why: "chains, `_has` and `_filter` work in the database only",
        rule: "L24",
    },
    Departure {
        id: "departure/partial-date",
        why: "the database refuses a year or a month, and `ap`",
        rule: "L25",
    },
    Departure {
        id: "departure/date-by-start",
        why: "memory compares stretches of time that overlap, the database the start alone",
        rule: "L26",
    },
    Departure {
        id: "departure/reference-form",
        why: "a reference in another form than `Type/id` is not the same on every path",
        rule: "L27",
    },
    Departure {
        id: "departure/token-case",
        why: "memory folds the case of codes, and the database does not",
        rule: "L28",
    },
    Departure {
        id: "departure/token-text",
        why: "text and display count as codes",
        rule: "L28",
    },
    Departure {
        id: "departure/string-anywhere",
        why: "memory finds a text anywhere in a string or URI, the database by words or beginnings",
        rule: "L29",
    },
    Departure {
        id: "departure/missing",
        why: "`:missing` does not ask for absence in names, addresses and compartments in the database",
        rule: "L30",
    },
    Departure {
        id: "departure/not-on-absent",
        why: "`:not` on a reference that is absent is true in memory and false in the database",
        rule: "L31",
    },
    Departure {
        id: "departure/binary-criteria",
        why: "the server ignores criteria on a Binary",
        rule: "L42",
    },
    Departure {
        id: "departure/revinclude-gate",
        why: "before 5.1.11 `_revinclude` brings in types that the policy does not grant",
        rule: "L59",
    },
];

/// A difference on one path.
#[derive(Debug, Clone)]
pub struct Departed {
    /// On which path.
    pub path: Path,
    /// What the documented semantics answers.
    pub documented: Verdict,
    /// What this one answers.
    pub answer: Answer,
    /// Why, as far as it has a name.
    pub causes: Vec<&'static Departure>,
}

fn named(id: &str) -> Option<&'static Departure> {
    DEPARTURES
        .iter()
        .find(|departure| departure.id.strip_prefix("departure/") == Some(id))
}

/// What a semantics does otherwise on a path, by the entries that the request meets.
pub(super) fn causes(
    question: &Question,
    semantics: Semantics,
    path: Path,
) -> Vec<&'static Departure> {
    let Semantics::Medplum(version) = semantics else {
        return Vec::new();
    };
    let mut found: Vec<&'static Departure> = Vec::new();
    let Ok(policy) = medplum::policy(question, version) else {
        return found;
    };
    let mut add = |id: &str| {
        if let Some(departure) = named(id)
            && !found.contains(&departure)
        {
            found.push(departure);
        }
    };
    let (memory, database) = sides(path);
    for id in ids(question, &policy, version, path) {
        if (memory || !id.ends_with("-in-memory")) && (database || !id.starts_with("sql-")) {
            add(id);
        }
    }
    found
}

/// Which evaluations a path asks: memory, database.
fn sides(path: Path) -> (bool, bool) {
    match path {
        Path::Reference | Path::Create => (true, false),
        Path::DatabaseRead | Path::Search | Path::Revinclude => (false, true),
        _ => (true, true),
    }
}

fn ids(
    question: &Question,
    policy: &AccessPolicy,
    version: Version,
    path: Path,
) -> Vec<&'static str> {
    let mut ids = Vec::new();
    let features = version.features();
    let world = medplum::world(question);
    let stored = medplum::stored(question, &world);
    let kind = stored
        .resource
        .get("resourceType")
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default();
    if path == Path::Revinclude
        && !features.revinclude_gate
        && !policy.grants_type(kind, question.interaction)
    {
        ids.push("revinclude-gate");
    }
    for probed in probe(policy, question.interaction, &stored, &world) {
        let entry = probed.entry;
        let Some(criteria) = &entry.criteria else {
            if !probed.allows && !features.sql_honours_interaction {
                ids.push("sql-ignores-interaction");
            }
            continue;
        };
        if kind == "Binary" {
            ids.push("binary-criteria");
        }
        if !criteria.starts_with(&format!("{}?", entry.resource_type)) {
            ids.push("sql-drops-filter");
        } else if entry.resource_type == "*" {
            ids.push("wildcard-in-memory");
        }
        if entry.compartment.is_some() {
            ids.push("sql-ignores-criteria");
        }
        if criteria.matches('?').count() > 1 {
            ids.push("second-question-mark");
        }
        if !probed.allows && !features.sql_honours_interaction {
            ids.push("sql-ignores-interaction");
        }
        match &probed.filters {
            Err(_) => ids.push("criteria-throws"),
            Ok(filters) if filters.is_empty() => ids.push("no-filter"),
            Ok(filters) => {
                for filter in filters {
                    ids.extend(filter_departs(policy, kind, filter, &stored.resource, path));
                }
                ids.extend(lost(criteria));
            }
        }
    }
    ids
}

/// What the filters that the server made do not show: modifiers that it dropped, variables that
/// stayed in the text.
fn lost(criteria: &str) -> Vec<&'static str> {
    let query = criteria.split('?').nth(1).unwrap_or_default();
    let mut ids = Vec::new();
    for (key, value) in pairs(query) {
        let modifier = key.split_once(':').map_or("", |(_, modifier)| modifier);
        if !matches!(modifier, "" | "not" | "not-in" | "missing") && !key.contains('.') {
            ids.push("modifier-ignored");
        }
        let variable = value
            .split('%')
            .skip(1)
            .any(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
        if variable {
            ids.push("open-variable");
        }
    }
    ids
}

/// What one filter does otherwise, where it says another thing than it means.
fn filter_departs(
    policy: &AccessPolicy,
    kind: &str,
    probed: &ProbedFilter,
    resource: &serde_json::Value,
    path: Path,
) -> Option<&'static str> {
    let filter = &probed.filter;
    let meant = meant(kind, probed, resource);
    let memory = probed.memory.clone().ok();
    let database = probed
        .database
        .clone()
        .ok()
        .map(|truth| truth == Some(true));
    let (in_memory, in_database) = sides(path);
    let same = (!in_memory || memory == meant) && (!in_database || database == meant);
    if meant.is_some() && same {
        return None;
    }
    if filter.value.contains('%') {
        return Some("open-variable");
    }
    if filter.code.contains('.') || filter.code.starts_with("_has") || filter.code == "_filter" {
        return Some("sql-only-search");
    }
    let Some(param_type) = kind_of(policy, kind, filter) else {
        return Some("unknown-parameter");
    };
    match (&filter.operator, param_type) {
        (Operator::NotIn, _) => return Some("not-in-is-equality"),
        (Operator::Missing | Operator::Present, _) => return Some("missing"),
        (Operator::Not, ParamType::Date) => return Some("date-not"),
        (Operator::Not, ParamType::Reference) => return Some("not-on-absent"),
        (
            Operator::In
            | Operator::Above
            | Operator::Below
            | Operator::Text
            | Operator::Exact
            | Operator::Contains
            | Operator::OfType
            | Operator::Identifier
            | Operator::Iterate
            | Operator::Other(_),
            _,
        ) => return Some("modifier-ignored"),
        _ => {}
    }
    Some(match param_type {
        ParamType::Number | ParamType::Quantity => "number-in-memory",
        ParamType::Date if filter.value.len() < 10 || filter.operator == Operator::Ap => {
            "partial-date"
        }
        ParamType::Date => "date-by-start",
        ParamType::Reference => "reference-form",
        ParamType::String | ParamType::Uri => "string-anywhere",
        ParamType::Token if filter.code == "_id" => "reference-form",
        ParamType::Token if memory == Some(true) && database == Some(true) => "token-text",
        ParamType::Token => "token-case",
        ParamType::Composite | ParamType::Special => "criteria-throws",
    })
}

/// What the filter means by the documented semantics; `None` where it means nothing.
fn meant(kind: &str, probed: &ProbedFilter, resource: &serde_json::Value) -> Option<bool> {
    let filter = &probed.filter;
    let (modifier, prefix) = match &filter.operator {
        Operator::Eq => (String::new(), ""),
        Operator::Not | Operator::Missing => (format!(":{}", filter.operator.as_str()), ""),
        Operator::Ne
        | Operator::Lt
        | Operator::Le
        | Operator::Gt
        | Operator::Ge
        | Operator::Sa
        | Operator::Eb
        | Operator::Ap => (String::new(), filter.operator.as_str()),
        _ => return None,
    };
    // The value is decoded already.
    let value: String = filter
        .value
        .chars()
        .map(|c| match c {
            '%' | '&' | '+' | '#' | '?' => format!("%{:02X}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    let text = format!("{kind}?{}{modifier}={prefix}{value}", filter.code);
    let (parsed, faults) = criteria::parse(&text, &[]);
    let compiled = criteria::compile(&parsed, kind, &Bindings::none(), None);
    let broken = faults.iter().any(crate::diagnostic::Diagnostic::is_error);
    let filters = compiled.filters.get(kind).filter(|_| !broken)?;
    Some(filters.iter().all(|filter| filter.matches(resource)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_point_at_a_rule() {
        let mut ids: Vec<&str> = DEPARTURES.iter().map(|d| d.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), DEPARTURES.len());
        for departure in DEPARTURES {
            assert!(departure.id.starts_with("departure/"));
            assert!(departure.rule.starts_with('L') && departure.rule.len() == 3);
        }
    }
}
