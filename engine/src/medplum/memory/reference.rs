//! References in memory: texts that are equal or not.

use fhirward_spec::Extracted;
use serde_json::Value;

use crate::medplum::parse::{Filter, Operator, alternatives};

/// Whether a reference of the resource is one of those asked for. `_compartment` also matches what
/// ends in `/` and the value.
pub(super) fn matches(filter: &Filter, values: &[Extracted<'_>]) -> bool {
    let negated = filter.operator.is_negated();
    if filter.value.is_empty() && values.is_empty() {
        return filter.operator == Operator::Eq;
    }
    let stored = searchable(values);
    let compartment = filter.code == "_compartment";
    let found = alternatives(&filter.value).iter().any(|wanted| {
        stored.iter().any(|reference| {
            reference == wanted
                || (compartment
                    && reference
                        .strip_suffix(wanted.as_str())
                        .is_some_and(|before| before.ends_with('/')))
        })
    });
    found != negated
}

/// The texts that stand for references: canonicals and references as they are, an identifier
/// without reference as a placeholder.
pub(crate) fn searchable(values: &[Extracted<'_>]) -> Vec<String> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    values
        .iter()
        .filter_map(|extracted| match extracted.value {
            Value::String(text) => Some(text.clone()),
            value => text(value.get("reference")).or_else(|| {
                let identifier = value.get("identifier")?;
                let part =
                    |name: &str| text(identifier.get(name)).unwrap_or_else(|| "undefined".into());
                Some(format!("identifier:{}|{}", part("system"), part("value")))
            }),
        })
        .filter(|text| !text.is_empty())
        .collect()
}
