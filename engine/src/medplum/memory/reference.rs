//! References in memory: texts that are equal or not.

use fhirward_spec::{Extracted, SearchParam};
use serde_json::Value;

use crate::medplum::parameters::single_target;
use crate::medplum::parse::{Filter, Operator, alternatives};
use crate::medplum::version::Features;

/// Whether a reference of the resource is one of those asked for. `_compartment`, and from 5.1.10 a
/// parameter with one target type, also matches what ends in `/` and the value.
pub(super) fn matches(
    filter: &Filter,
    param: &SearchParam,
    values: &[Extracted<'_>],
    features: &Features,
) -> bool {
    let negated = filter.operator.is_negated();
    if filter.value.is_empty() && values.is_empty() {
        return filter.operator == Operator::Eq;
    }
    let stored = searchable(values);
    let compartment = filter.code == "_compartment";
    let completes =
        compartment || (features.bare_ref_single_target && single_target(param).is_some());
    let found = alternatives(&filter.value).iter().any(|wanted| {
        let (whole, end) = match features.canonical_slash {
            true => (wanted.contains('/'), !wanted.contains('/')),
            false => (true, true),
        };
        stored.iter().any(|reference| {
            (whole && reference == wanted)
                || (end
                    && completes
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
