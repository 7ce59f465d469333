//! What a person who wrote a filter wrongly probably meant.

use fhirward_spec::spec;

use crate::words::nearest;

/// Parameters that shape a result and filter nothing.
pub(super) const RESULT_PARAMETERS: [&str; 16] = [
    "_sort",
    "_count",
    "_include",
    "_revinclude",
    "_summary",
    "_elements",
    "_total",
    "_offset",
    "_cursor",
    "_format",
    "_pretty",
    "_type",
    "_fields",
    "_contained",
    "_containedType",
    "_",
];

/// Search features that need more than the resource itself.
pub(super) const UNSUPPORTED_PARAMETERS: [&str; 6] = [
    "_filter", "_text", "_content", "_list", "_query", "_deleted",
];

/// Advice for a parameter that the type does not have.
pub(super) fn unknown_parameter(resource_type: &str, code: &str) -> String {
    let known = spec()
        .search_params(resource_type)
        .map(|param| &*param.code);
    if let Some(near) = nearest(code, known) {
        return format!("did you mean `{near}`?");
    }
    if spec()
        .resource(resource_type)
        .is_some_and(|def| def.element(code).is_some())
    {
        return format!(
            "`{code}` is an element of {resource_type}, but R4 defines no search parameter for it; {}",
            list(resource_type)
        );
    }
    list(resource_type)
}

fn list(resource_type: &str) -> String {
    let mut codes: Vec<&str> = spec()
        .search_params(resource_type)
        .map(|param| &*param.code)
        .filter(|code| !code.starts_with('_'))
        .collect();
    codes.sort_unstable();
    format!(
        "the search parameters of {resource_type} are {}",
        codes.join(", ")
    )
}

/// Advice for a modifier that criteria do not have.
pub(super) fn modifier(param: &str, modifier: &str, value: &str) -> String {
    match modifier {
        "contains" => format!(
            "criteria know only `:not` and `:missing`; plain `{param}={value}` compares whole values, or beginnings for strings"
        ),
        "exact" => format!(
            "criteria know only `:not` and `:missing`; plain `{param}={value}` is exact for tokens, references and URIs"
        ),
        "not-in" | "in" => {
            "criteria know only `:not` and `:missing`; list the codes with commas: `param=a,b`"
                .to_owned()
        }
        "identifier" => format!(
            "criteria know only `:not` and `:missing`; name the resource itself: `{param}=Type/id`"
        ),
        other if spec().resource(other).is_some() => {
            format!("the type belongs into the value: `{param}={other}/{value}`")
        }
        other => match nearest(other, ["not", "missing"]) {
            Some(near) => format!(
                "did you mean `:{near}`? The modifiers of criteria are `:not` and `:missing`"
            ),
            None => "the modifiers of criteria are `:not` and `:missing`".to_owned(),
        },
    }
}

/// Advice for a variable that has no value.
pub(super) fn variable(name: &str, id: bool, known: &[&str]) -> String {
    if let Some((head, tail)) = name.split_once('.') {
        if head == "user" {
            return "the acting person is `%profile` (their resource), for example `Practitioner/123`".to_owned();
        }
        if tail == "reference" && known.contains(&head) {
            return format!("`%{head}` already is the reference; write `%{head}`");
        }
        if known.contains(&head) {
            return format!("after a variable only `.id` is allowed: `%{head}` or `%{head}.id`");
        }
    }
    if id && known.contains(&name) {
        return format!("`%{name}` is a text and has no `.id`; only references have one");
    }
    if matches!(
        name,
        "user" | "practitioner" | "me" | "current_user" | "user_id"
    ) {
        return "the acting person is `%profile` (their resource), for example `Practitioner/123`"
            .to_owned();
    }
    if let Some(head) = known
        .iter()
        .filter(|k| !k.is_empty() && name.starts_with(**k))
        .max_by_key(|k| k.len())
    {
        return format!(
            "a server that replaces text would read this as `%{head}` with more text after it; give the membership a parameter `{name}`"
        );
    }
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `%{near}`?"),
        None => {
            let names: Vec<String> = known.iter().map(|name| format!("`%{name}`")).collect();
            format!(
                "the variables with a value are {}; others come from the membership's parameters",
                names.join(", ")
            )
        }
    }
}
