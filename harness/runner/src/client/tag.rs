//! The tag of a run, on everything that it creates, so that leftovers can be found.

use serde_json::{Map, Value, json};

/// The system of the tag; its code is the id of the run.
pub const RUN_TAG_SYSTEM: &str = "urn:fhirward:run";

/// The body with the tag of a run on the resource, or on every resource that a Bundle writes.
/// Nothing where there is none: in JSON Patches, Parameters and what is no resource.
pub(super) fn tagged(body: &Value, run: &str) -> Option<Value> {
    let mut body = body.clone();
    let members = body.as_object_mut()?;
    match members.get("resourceType").and_then(Value::as_str)? {
        "Parameters" => None,
        "Bundle" if is_request(members) => {
            let entries = members.get_mut("entry")?.as_array_mut()?;
            for resource in entries.iter_mut().filter_map(written) {
                mark(resource, run);
            }
            Some(body)
        }
        _ => {
            mark(members, run);
            Some(body)
        }
    }
}

fn is_request(bundle: &Map<String, Value>) -> bool {
    matches!(
        bundle.get("type").and_then(Value::as_str),
        Some("batch" | "transaction")
    )
}

/// The resource of an entry that creates or replaces it. In a PATCH it is the patch.
fn written(entry: &mut Value) -> Option<&mut Map<String, Value>> {
    let method = entry.pointer("/request/method")?.as_str()?.to_owned();
    if !matches!(method.as_str(), "POST" | "PUT") {
        return None;
    }
    let resource = entry.get_mut("resource")?.as_object_mut()?;
    let kind = resource.get("resourceType").and_then(Value::as_str)?;
    (kind != "Parameters").then_some(resource)
}

fn mark(resource: &mut Map<String, Value>, run: &str) {
    let meta = resource.entry("meta").or_insert_with(|| json!({}));
    let Some(meta) = meta.as_object_mut() else {
        // A scenario that tests what the server makes of it.
        return;
    };
    let tags = meta.entry("tag").or_insert_with(|| json!([]));
    if let Some(tags) = tags.as_array_mut() {
        let known = tags.iter().any(|tag| run_of_tag(tag) == Some(run));
        if !known {
            tags.push(json!({ "system": RUN_TAG_SYSTEM, "code": run }));
        }
    }
}

fn run_of_tag(tag: &Value) -> Option<&str> {
    (tag.get("system")?.as_str()? == RUN_TAG_SYSTEM).then_some(tag.get("code")?.as_str()?)
}

/// The run that a resource belongs to.
pub fn run_of(resource: &Value) -> Option<&str> {
    resource
        .pointer("/meta/tag")?
        .as_array()?
        .iter()
        .find_map(run_of_tag)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::resource(json!({ "resourceType": "Task" }), Some(1))]
    #[case::with_other_tags(
        json!({ "resourceType": "Task", "meta": { "tag": [{ "code": "x" }] } }),
        Some(2)
    )]
    #[case::already(
        json!({ "resourceType": "Task", "meta": { "tag": [{ "system": RUN_TAG_SYSTEM, "code": "r" }] } }),
        Some(1)
    )]
    #[case::patch(json!([{ "op": "remove", "path": "/x" }]), None)]
    #[case::parameters(json!({ "resourceType": "Parameters" }), None)]
    #[case::no_resource(json!({ "name": "x" }), None)]
    fn what_is_tagged(#[case] body: Value, #[case] tags: Option<usize>) {
        let tagged = tagged(&body, "r");
        let found = tagged.as_ref().map(|body| {
            assert_eq!(run_of(body), Some("r"));
            body.pointer("/meta/tag").unwrap().as_array().unwrap().len()
        });
        assert_eq!(found, tags);
    }

    #[test]
    fn entries_that_write_are_tagged_and_no_others() {
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
            { "request": { "method": "POST" }, "resource": { "resourceType": "Task" } },
            { "request": { "method": "PATCH" }, "resource": { "resourceType": "Binary" } },
            { "request": { "method": "GET" } },
        ] });
        let tagged = tagged(&bundle, "r").unwrap();
        let runs: Vec<Option<&str>> = (0..3)
            .map(|at| {
                tagged
                    .pointer(&format!("/entry/{at}/resource"))
                    .and_then(run_of)
            })
            .collect();
        assert_eq!(runs, [Some("r"), None, None]);
        assert!(tagged.get("meta").is_none());
    }
}
