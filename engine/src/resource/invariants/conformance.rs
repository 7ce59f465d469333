//! Invariants of definitions: value sets, code systems, structures, parameters, tests.

use std::collections::HashSet;

use serde_json::Value;

use super::super::MAX_DEPTH;
use super::{
    Invariant, Object, any, distinct, has, is, is_one_of, items, needs, not_both, objects, text,
};

pub(super) const INVARIANTS: &[Invariant] = &[
    Invariant::new(
        "ValueSet.compose.include",
        "vsd-1",
        "codes come from a `system` or from another value set",
        |o| any(o, &["valueSet", "system"]),
    ),
    Invariant::new(
        "ValueSet.compose.include",
        "vsd-2",
        "concepts and filters need the `system` that they are from",
        |o| !any(o, &["concept", "filter"]) || has(o, "system"),
    ),
    Invariant::new(
        "ValueSet.compose.include",
        "vsd-3",
        "either concepts or filters, not both",
        |o| not_both(o, "concept", "filter"),
    ),
    Invariant::new(
        "ValueSet.expansion.contains",
        "vsd-6",
        "a code of an expansion needs a `code` or a `display`",
        |o| any(o, &["code", "display"]),
    ),
    Invariant::new(
        "ValueSet.expansion.contains",
        "vsd-9",
        "without a `code` it has to be `abstract`",
        |o| has(o, "code") || o.get("abstract") == Some(&Value::Bool(true)),
    ),
    Invariant::new(
        "ValueSet.expansion.contains",
        "vsd-10",
        "a `code` needs a `system`",
        |o| needs(o, "code", "system"),
    ),
    Invariant::new(
        "CodeSystem",
        "csd-1",
        "every concept has a `code` of its own",
        |o| codes_are_distinct(o, 0, &mut HashSet::new()),
    ),
    Invariant::new(
        "ConceptMap.group.element.target",
        "cmd-1",
        "a narrower or inexact match needs a `comment`",
        |o| has(o, "comment") || !is_one_of(o, "equivalence", &["narrower", "inexact"]),
    ),
    Invariant::new(
        "ConceptMap.group.unmapped",
        "cmd-2",
        "the mode `fixed` needs a `code`",
        |o| !is(o, "mode", "fixed") || has(o, "code"),
    ),
    Invariant::new(
        "ConceptMap.group.unmapped",
        "cmd-3",
        "the mode `other-map` needs a `url`",
        |o| !is(o, "mode", "other-map") || has(o, "url"),
    ),
    Invariant::new(
        "CapabilityStatement",
        "cpb-1",
        "a statement needs `rest`, `messaging` or `document`",
        |o| any(o, &["rest", "messaging", "document"]),
    ),
    Invariant::new(
        "CapabilityStatement",
        "cpb-2",
        "a statement needs a `description`, `software` or `implementation`",
        |o| any(o, &["description", "software", "implementation"]),
    ),
    Invariant::new(
        "CapabilityStatement",
        "cpb-14",
        "a statement of an instance needs an `implementation`",
        |o| !is(o, "kind", "instance") || has(o, "implementation"),
    ),
    Invariant::new(
        "CapabilityStatement",
        "cpb-15",
        "a statement of a capability has `software` and no `implementation`",
        |o| !is(o, "kind", "capability") || (has(o, "software") && !has(o, "implementation")),
    ),
    Invariant::new(
        "CapabilityStatement",
        "cpb-16",
        "a statement of requirements has neither `software` nor `implementation`",
        |o| !is(o, "kind", "requirements") || !any(o, &["software", "implementation"]),
    ),
    Invariant::new(
        "CapabilityStatement.rest",
        "cpb-9",
        "every resource type is described once",
        |o| distinct(objects(o, "resource").filter_map(|r| text(r, "type"))),
    ),
    Invariant::new(
        "CapabilityStatement.rest.resource",
        "cpb-12",
        "every search parameter is named once",
        |o| distinct(objects(o, "searchParam").filter_map(|p| text(p, "name"))),
    ),
    Invariant::new(
        "NamingSystem",
        "nsd-1",
        "a root of a naming system has no uuid",
        |o| !is(o, "kind", "root") || !objects(o, "uniqueId").any(|u| is(u, "type", "uuid")),
    ),
    Invariant::new(
        "OperationDefinition.parameter",
        "opd-1",
        "a parameter needs a `type` or parts",
        |o| any(o, &["type", "part"]),
    ),
    Invariant::new(
        "OperationDefinition.parameter",
        "opd-2",
        "only a string has a `searchType`",
        |o| !has(o, "searchType") || is(o, "type", "string"),
    ),
    Invariant::new(
        "OperationDefinition.parameter",
        "opd-3",
        "only a Reference or canonical has a `targetProfile`",
        |o| !has(o, "targetProfile") || is_one_of(o, "type", &["Reference", "canonical"]),
    ),
    Invariant::new(
        "SearchParameter",
        "spd-1",
        "an `xpath` needs an `xpathUsage`",
        |o| needs(o, "xpath", "xpathUsage"),
    ),
    Invariant::new(
        "SearchParameter",
        "spd-2",
        "only a reference can be chained",
        |o| !has(o, "chain") || is(o, "type", "reference"),
    ),
    Invariant::new(
        "StructureDefinition",
        "sdf-4",
        "a structure that is not abstract needs a `baseDefinition`",
        |o| has(o, "baseDefinition") || o.get("abstract") != Some(&Value::Bool(false)),
    ),
    Invariant::new(
        "StructureDefinition",
        "sdf-5",
        "an extension needs a `context`",
        |o| {
            !is(o, "type", "Extension")
                || is(o, "derivation", "specialization")
                || has(o, "context")
        },
    ),
    Invariant::new(
        "StructureDefinition",
        "sdf-6",
        "a structure needs a `snapshot` or a `differential`",
        |o| any(o, &["snapshot", "differential"]),
    ),
    Invariant::new(
        "StructureDefinition",
        "sdf-16",
        "every element of the `snapshot` has an `id` of its own",
        |o| elements_have_ids(o, "snapshot"),
    ),
    Invariant::new(
        "StructureDefinition",
        "sdf-17",
        "every element of the `differential` has an `id` of its own",
        |o| elements_have_ids(o, "differential"),
    ),
    Invariant::new(
        "StructureDefinition",
        "sdf-18",
        "only an extension has a `contextInvariant`",
        |o| !has(o, "contextInvariant") || is(o, "type", "Extension"),
    ),
    Invariant::new(
        "StructureDefinition.mapping",
        "sdf-2",
        "a mapping needs a `name` or a `uri`",
        |o| any(o, &["name", "uri"]),
    ),
    Invariant::new(
        "StructureDefinition.snapshot",
        "sdf-3",
        "every element of a snapshot has a definition, `min` and `max`",
        |o| {
            let names = ["definition", "min", "max"];
            objects(o, "element").all(|e| names.iter().all(|name| has(e, name)))
        },
    ),
    Invariant::new(
        "StructureDefinition.differential",
        "sdf-20",
        "the first element is not sliced",
        |o| !objects(o, "element").any(|e| is_root(e) && has(e, "slicing")),
    ),
    Invariant::new(
        "StructureDefinition.differential",
        "sdf-8a",
        "every element's `path` begins with the type",
        |o| {
            let mut paths = objects(o, "element").filter_map(|e| text(e, "path"));
            let first = paths.next().and_then(|path| path.split('.').next());
            first.is_none_or(|root| paths.all(|path| path.split('.').next() == Some(root)))
        },
    ),
    Invariant::new(
        "StructureMap.group.rule.target",
        "smp-1",
        "an `element` needs a `context`",
        |o| needs(o, "element", "context"),
    ),
    Invariant::new(
        "StructureMap.group.rule.target",
        "smp-2",
        "a `context` needs a `contextType`",
        |o| needs(o, "context", "contextType"),
    ),
    Invariant::new(
        "TestScript.setup.action",
        "tst-1",
        "either an `operation` or an `assert`",
        |o| has(o, "operation") != has(o, "assert"),
    ),
    Invariant::new(
        "TestScript.test.action",
        "tst-2",
        "either an `operation` or an `assert`",
        |o| has(o, "operation") != has(o, "assert"),
    ),
    Invariant::new(
        "TestScript.variable",
        "tst-3",
        "not all of `expression`, `headerField` and `path`",
        |o| {
            !["expression", "headerField", "path"]
                .iter()
                .all(|n| has(o, n))
        },
    ),
    Invariant::new(
        "TestReport.setup.action",
        "inv-1",
        "either an `operation` or an `assert`",
        |o| has(o, "operation") != has(o, "assert"),
    ),
    Invariant::new(
        "TestReport.test.action",
        "inv-2",
        "either an `operation` or an `assert`",
        |o| has(o, "operation") != has(o, "assert"),
    ),
];

fn is_root(element: &Object) -> bool {
    text(element, "path").is_some_and(|path| !path.contains('.'))
}

fn elements_have_ids(object: &Object, name: &str) -> bool {
    let Some(Value::Object(view)) = object.get(name) else {
        return true;
    };
    let count = items(view, "element").len();
    let ids = objects(view, "element").filter_map(|e| text(e, "id"));
    let ids: Vec<&str> = ids.collect();
    ids.len() == count && distinct(ids.into_iter())
}

fn codes_are_distinct<'o>(object: &'o Object, depth: usize, seen: &mut HashSet<&'o str>) -> bool {
    depth > MAX_DEPTH
        || objects(object, "concept").all(|concept| {
            text(concept, "code").is_none_or(|code| seen.insert(code))
                && codes_are_distinct(concept, depth + 1, seen)
        })
}
