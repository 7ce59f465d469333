//! `:in` and `:not-in`: the codes of a ValueSet that is stored here and lists them.
//!
//! Source: hl7.org/fhir/R4/search.html, 3.1.1.4.10; hl7.org/fhir/R4/valueset.html.

use fhirward_engine::policy::Interaction;
use fhirward_engine::values::reference::local;
use serde_json::Value;

use super::token::Codes;
use crate::http::outcome::Failure;
use crate::search::plan;
use crate::search::scope::Scope;

/// The codes of the ValueSet that a value names, by its URL or as `ValueSet/id`.
pub(super) fn codes(scope: &Scope<'_>, name: &str, value: &str) -> Result<Codes, Failure> {
    scope.access.gate("ValueSet", &[Interaction::Search])?;
    let set = find(scope, name, value)?;
    let unsupported = |reason: &str| {
        Failure::not_supported(
            format!("`{name}`: the codes of the ValueSet `{value}` are not all listed in it"),
            reason,
        )
    };
    let mut codes = Codes::default();
    if let Some(expansion) = set.get("expansion") {
        let total = expansion.get("total").and_then(Value::as_u64);
        expanded(expansion, &mut codes);
        if total.is_some_and(|total| total > codes.listed.len() as u64) {
            return Err(unsupported("its expansion has a part of them only"));
        }
        return Ok(codes);
    }
    let Some(compose) = set.get("compose") else {
        return Err(unsupported("it has neither `compose` nor `expansion`"));
    };
    for (part, excluded) in [("include", false), ("exclude", true)] {
        for entry in items(compose, part) {
            let system = entry.get("system").and_then(Value::as_str);
            if entry.get("filter").is_some() || entry.get("valueSet").is_some() {
                return Err(unsupported(
                    "it uses `filter` or other ValueSets, which takes a terminology server; \
                     store it with its expansion",
                ));
            }
            let Some(system) = system else {
                return Err(unsupported("a part of it names no system"));
            };
            let listed: Vec<_> = items(entry, "concept")
                .filter_map(|concept| concept.get("code")?.as_str())
                .map(|code| (Box::from(system), Box::from(code)))
                .collect();
            match (listed.is_empty(), excluded) {
                (false, false) => codes.listed.extend(listed),
                (false, true) => codes.excluded.extend(listed),
                (true, false) => {
                    codes.systems.insert(system.into());
                }
                (true, true) => {
                    return Err(unsupported("it excludes a whole system"));
                }
            }
        }
    }
    Ok(codes)
}

fn items<'v>(of: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn expanded(of: &Value, codes: &mut Codes) {
    let mut open = vec![of];
    while let Some(of) = open.pop() {
        for entry in items(of, "contains") {
            let text = |name: &str| entry.get(name).and_then(Value::as_str);
            let is_abstract = entry.get("abstract").and_then(Value::as_bool) == Some(true);
            if let (Some(code), false) = (text("code"), is_abstract) {
                let system = text("system").unwrap_or_default();
                codes.listed.insert((system.into(), code.into()));
            }
            open.push(entry);
        }
    }
}

/// The ValueSet, as who searches sees it.
fn find(scope: &Scope<'_>, name: &str, value: &str) -> Result<Value, Failure> {
    let unknown = || {
        Failure::invalid(format!(
            "`{name}`: there is no ValueSet `{value}` that you can find here"
        ))
    };
    if let Some(reference) = local(value, Some(scope.base)) {
        let found = scope.view.resolve(reference).ok_or_else(unknown)?;
        if &*found.resource_type != "ValueSet" {
            return Err(unknown());
        }
        return scope.access.find(&found.resource).ok_or_else(unknown);
    }
    let (url, version) = match value.split_once('|') {
        Some((url, version)) => (url, Some(version)),
        None => (value, None),
    };
    let escaped = url
        .replace('\\', r"\\")
        .replace(',', r"\,")
        .replace('$', r"\$");
    let by_url =
        super::compile(scope, "ValueSet", "url", &escaped).map_err(super::Fault::into_failure)?;
    let mut found = plan::matching(scope, "ValueSet", &[by_url]);
    found.retain(|set| {
        let own = set.resource.get("version").and_then(Value::as_str);
        version.is_none() || own == version
    });
    match found.as_slice() {
        [] => Err(unknown()),
        [one] => scope.access.find(&one.resource).ok_or_else(unknown),
        _ => Err(Failure::invalid(format!(
            "`{name}`: there are several ValueSets `{value}`; name one as `ValueSet/id`"
        ))),
    }
}
