//! What a server begins with: resources that are there before the first request.

use std::collections::HashMap;

use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_engine::policy::{Membership, PolicyDocument};
use fhirward_engine::words::nearest;
use fhirward_spec::spec;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::app::is_id;
use crate::config::Validation;
use crate::rest::input;

/// Resources that are stored when the server starts: all of them, or it does not start.
///
/// They keep their ids. One that is in the data folder already becomes its next version, unless it
/// is the same. Nobody is asked whether they may be stored: who starts the server may do all.
#[derive(Debug, Clone, Default)]
pub struct Seed {
    pub(crate) resources: Vec<Seeded>,
    /// By `Type/id`, where each was found.
    places: HashMap<String, String>,
    /// What each must satisfy.
    validation: Validation,
}

#[derive(Debug, Clone)]
pub(crate) struct Seeded {
    pub(crate) resource_type: String,
    pub(crate) id: String,
    pub(crate) content: Value,
    /// Of a ClientApplication: what it signs in with.
    pub(crate) secret: Option<SecretString>,
}

/// What is wrong with a document of a seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedFault {
    /// Where, as a JSON pointer into the document.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl SeedFault {
    fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            message: message.into(),
            help: None,
        }
    }

    fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The types of Bundles that hold resources to begin with.
const BUNDLES: [&str; 4] = ["batch", "collection", "searchset", "transaction"];

impl Seed {
    /// A seed whose resources must satisfy this.
    #[must_use]
    pub fn checked(validation: Validation) -> Self {
        Self {
            validation,
            ..Self::default()
        }
    }

    /// How many resources there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    /// Adds a resource, or those of a Bundle (`collection`, `searchset`, `transaction`, `batch`).
    /// In a Bundle, references to the `fullUrl` of another entry become references to its id.
    /// `place` says where the document was found.
    ///
    /// # Errors
    /// All that is wrong with it. Then nothing of it is added.
    pub fn add(&mut self, place: &str, document: &Value) -> Result<(), Vec<SeedFault>> {
        let mut faults = Vec::new();
        let found = match document.get("resourceType").and_then(Value::as_str) {
            Some("Bundle") => entries(document, self.validation, &mut faults),
            _ => resource(document, String::new(), None, self.validation, &mut faults)
                .into_iter()
                .collect(),
        };
        let mut new: HashMap<String, &str> = HashMap::new();
        for (pointer, seeded) in &found {
            let reference = format!("{}/{}", seeded.resource_type, seeded.id);
            let before = self.places.get(&reference).map(String::as_str);
            if let Some(before) = before.or(new.get(&reference).copied()) {
                faults.push(
                    SeedFault::new(
                        format!("{pointer}/id"),
                        format!("{reference} is there twice, first in {before}"),
                    )
                    .with_help("of each resource only one version can be seeded"),
                );
            }
            new.insert(reference, place);
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let new = new
            .into_keys()
            .map(|reference| (reference, place.to_owned()));
        self.places.extend(new);
        self.resources
            .extend(found.into_iter().map(|(_, seeded)| seeded));
        Ok(())
    }
}

type Found = (String, Seeded);

/// The resources of a Bundle.
fn entries(bundle: &Value, validation: Validation, faults: &mut Vec<SeedFault>) -> Vec<Found> {
    let kind = bundle.get("type").and_then(Value::as_str);
    if !kind.is_some_and(|kind| BUNDLES.contains(&kind)) {
        let message = match kind {
            Some(kind) => format!("a Bundle of type `{kind}` is nothing to begin with"),
            None => "the Bundle has no `type`".to_owned(),
        };
        let help = format!("allowed: {}", BUNDLES.join(", "));
        faults.push(SeedFault::new("/type", message).with_help(help));
        return Vec::new();
    }
    let none = Vec::new();
    let entries = bundle.get("entry").and_then(Value::as_array);
    let mut found = Vec::new();
    let mut targets = HashMap::new();
    for (index, entry) in entries.unwrap_or(&none).iter().enumerate() {
        let pointer = format!("/entry/{index}");
        let mode = entry.pointer("/search/mode").and_then(Value::as_str);
        if mode == Some("outcome") {
            continue;
        }
        check_request(entry, &pointer, faults);
        let Some(content) = entry.get("resource") else {
            faults.push(SeedFault::new(pointer, "the entry has no `resource`"));
            continue;
        };
        let full_url = entry.get("fullUrl").and_then(Value::as_str);
        let id = full_url
            .and_then(|url| url.strip_prefix("urn:uuid:"))
            .filter(|id| is_id(id));
        let Some((pointer, seeded)) = resource(
            content,
            format!("{pointer}/resource"),
            id,
            validation,
            faults,
        ) else {
            continue;
        };
        if let Some(url) = full_url {
            let target = format!("{}/{}", seeded.resource_type, seeded.id);
            targets.insert(url.to_owned(), target);
        }
        found.push((pointer, seeded));
    }
    for (pointer, seeded) in &mut found {
        resolve(&mut seeded.content, pointer, &targets, faults);
    }
    found
}

/// A seed is what there is, not what is to be done.
fn check_request(entry: &Value, pointer: &str, faults: &mut Vec<SeedFault>) {
    let Some(request) = entry.get("request") else {
        return;
    };
    match request.get("method").and_then(Value::as_str) {
        Some("POST" | "PUT") => {}
        method => faults.push(
            SeedFault::new(
                format!("{pointer}/request/method"),
                format!("`{}` is no way to begin", method.unwrap_or_default()),
            )
            .with_help("entries of a seed are POST or PUT; send others to the running server"),
        ),
    }
    for name in ["ifNoneExist", "ifMatch", "ifNoneMatch", "ifModifiedSince"] {
        if request.get(name).is_some() {
            faults.push(
                SeedFault::new(
                    format!("{pointer}/request/{name}"),
                    format!("`{name}` asks what is there, and nothing is there yet"),
                )
                .with_help("send such a Bundle to the running server"),
            );
        }
    }
}

/// One resource, with the id that it has, or else `id`, or else a new one.
fn resource(
    document: &Value,
    pointer: String,
    id: Option<&str>,
    validation: Validation,
    faults: &mut Vec<SeedFault>,
) -> Option<Found> {
    let Some(members) = document.as_object() else {
        faults.push(SeedFault::new(pointer, "a resource is a JSON object"));
        return None;
    };
    let Some(resource_type) = members.get("resourceType").and_then(Value::as_str) else {
        faults.push(SeedFault::new(pointer, "there is no `resourceType`"));
        return None;
    };
    if spec().resource(resource_type).is_none() {
        let fault = SeedFault::new(
            format!("{pointer}/resourceType"),
            format!("there is no resource type `{resource_type}`"),
        );
        let near = nearest(resource_type, spec().resource_types());
        faults.push(match near {
            Some(near) => fault.with_help(format!("did you mean `{near}`?")),
            None => fault,
        });
        return None;
    }
    let mut content = members.clone();
    let secret = secret_of(resource_type, &mut content);
    input::keep_client_meta(&mut content, None, true);
    let id = match content.get("id") {
        Some(Value::String(own)) => own.clone(),
        // The validator says what is wrong with it.
        Some(_) => String::new(),
        None => id.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned),
    };
    let content = Value::Object(content);
    let before = faults.len();
    for finding in input::findings(&content, validation) {
        if finding.severity == Severity::Error {
            faults.push(SeedFault {
                pointer: format!("{pointer}{}", finding.pointer),
                message: finding.message,
                help: finding.help,
            });
        }
    }
    let access: Vec<Diagnostic> = match resource_type {
        "AccessPolicy" => PolicyDocument::from_value(&content).1,
        "ProjectMembership" => Membership::from_value(&content).err().into_iter().collect(),
        _ => Vec::new(),
    };
    let errors = access.into_iter().filter(Diagnostic::is_error);
    faults.extend(errors.map(|error| SeedFault {
        pointer: pointer.clone(),
        message: error.message,
        help: error.help,
    }));
    if faults.len() > before {
        return None;
    }
    let seeded = Seeded {
        resource_type: resource_type.to_owned(),
        id,
        content,
        secret,
    };
    Some((pointer, seeded))
}

/// The secret of a client does not stay in the resource.
fn secret_of(resource_type: &str, content: &mut Map<String, Value>) -> Option<SecretString> {
    if resource_type != "ClientApplication" || !content.get("secret")?.is_string() {
        return None;
    }
    match content.shift_remove("secret") {
        Some(Value::String(secret)) => Some(SecretString::from(secret)),
        _ => None,
    }
}

/// Points references at what stands beside them in the Bundle.
fn resolve(
    value: &mut Value,
    pointer: &str,
    targets: &HashMap<String, String>,
    faults: &mut Vec<SeedFault>,
) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let pointer = format!("{pointer}/{name}");
                match member {
                    Value::String(text) if name == "reference" || name == "url" => {
                        if let Some(target) = targets.get(text.as_str()) {
                            text.clone_from(target);
                        } else if name == "reference" {
                            faults.extend(astray(text, pointer));
                        }
                    }
                    member => resolve(member, &pointer, targets, faults),
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                resolve(item, &format!("{pointer}/{index}"), targets, faults);
            }
        }
        _ => {}
    }
}

/// A reference that would lead nowhere once it is stored.
fn astray(reference: &str, pointer: String) -> Option<SeedFault> {
    if reference.starts_with("urn:uuid:") || reference.starts_with("urn:oid:") {
        let message = format!("`{reference}` is no `fullUrl` of this Bundle");
        return Some(SeedFault::new(pointer, message));
    }
    let (kind, _) = reference.split_once('?')?;
    spec().resource(kind)?;
    let message = format!("the conditional reference `{reference}` cannot be followed in a seed");
    Some(
        SeedFault::new(pointer, message)
            .with_help("name the resource as Type/id, or send the Bundle to the running server"),
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn references(seed: &Seed) -> Vec<String> {
        let resources = seed.resources.iter();
        resources
            .map(|seeded| format!("{}/{}", seeded.resource_type, seeded.id))
            .collect()
    }

    #[test]
    fn a_bundle_gives_its_resources_their_ids_and_their_links() {
        let mut seed = Seed::default();
        seed.add(
            "a.json",
            &json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
                { "fullUrl": "urn:uuid:11111111-1111-4111-8111-111111111111",
                  "resource": { "resourceType": "Patient" },
                  "request": { "method": "POST", "url": "Patient" } },
                { "fullUrl": "https://h/fhir/Communication/c",
                  "resource": { "resourceType": "Communication", "id": "c", "status": "completed",
                    "meta": { "versionId": "7", "tag": [{ "code": "t" }] },
                    "subject": { "reference": "urn:uuid:11111111-1111-4111-8111-111111111111" },
                    "partOf": [{ "reference": "https://h/fhir/Communication/c" }] },
                  "request": { "method": "PUT", "url": "Communication/c" } },
            ] }),
        )
        .unwrap();
        assert_eq!(
            references(&seed),
            [
                "Patient/11111111-1111-4111-8111-111111111111",
                "Communication/c"
            ]
        );
        let message = &seed.resources[1].content;
        assert_eq!(
            message["subject"]["reference"],
            "Patient/11111111-1111-4111-8111-111111111111"
        );
        assert_eq!(message["partOf"][0]["reference"], "Communication/c");
        assert_eq!(message["meta"], json!({ "tag": [{ "code": "t" }] }));
    }

    #[test]
    fn a_clients_secret_is_no_part_of_the_resource() {
        let mut seed = Seed::default();
        let client = json!({ "resourceType": "ClientApplication", "id": "c", "name": "C", "secret": "swordfish" });
        seed.add("c.json", &client).unwrap();
        assert!(seed.resources[0].secret.is_some());
        assert!(!format!("{seed:?}").contains("swordfish"));
    }

    #[rstest]
    #[case::no_resource(json!([1]), "", "a resource is a JSON object")]
    #[case::no_type(json!({ "id": "a" }), "", "there is no `resourceType`")]
    #[case::other_type(json!({ "resourceType": "Patent" }), "/resourceType", "no resource type `Patent`")]
    #[case::invalid(json!({ "resourceType": "Patient", "birthDate": "yesterday" }), "/birthDate", "yesterday")]
    #[case::bad_id(json!({ "resourceType": "Patient", "id": "a b" }), "/id", "a b")]
    #[case::bad_policy(
        json!({ "resourceType": "AccessPolicy", "resource": [{ "resourceType": "Task", "criteria": "Task?nope=1" }] }),
        "", "nope")]
    #[case::history(json!({ "resourceType": "Bundle", "type": "history" }), "/type", "type `history`")]
    #[case::delete(
        json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
            { "resource": { "resourceType": "Patient" }, "request": { "method": "DELETE", "url": "Patient/a" } }] }),
        "/entry/0/request/method", "`DELETE`")]
    #[case::conditional_create(
        json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
            { "resource": { "resourceType": "Patient" },
              "request": { "method": "POST", "url": "Patient", "ifNoneExist": "identifier=1" } }] }),
        "/entry/0/request/ifNoneExist", "`ifNoneExist`")]
    #[case::dangling(
        json!({ "resourceType": "Bundle", "type": "collection", "entry": [
            { "resource": { "resourceType": "Task", "status": "draft", "intent": "order",
              "focus": { "reference": "urn:uuid:1" } } }] }),
        "/entry/0/resource/focus/reference", "no `fullUrl`")]
    #[case::conditional_reference(
        json!({ "resourceType": "Bundle", "type": "collection", "entry": [
            { "resource": { "resourceType": "Task", "status": "draft", "intent": "order",
              "focus": { "reference": "Patient?identifier=1" } } }] }),
        "/entry/0/resource/focus/reference", "conditional reference")]
    #[case::twice(
        json!({ "resourceType": "Bundle", "type": "collection", "entry": [
            { "resource": { "resourceType": "Patient", "id": "a" } },
            { "resource": { "resourceType": "Patient", "id": "a" } }] }),
        "/entry/1/resource/id", "twice")]
    fn what_cannot_be_stored_is_named_with_its_place(
        #[case] document: Value,
        #[case] pointer: &str,
        #[case] words: &str,
    ) {
        let mut seed = Seed::default();
        let faults = seed.add("x.json", &document).unwrap_err();
        assert!(
            faults
                .iter()
                .any(|fault| fault.pointer == pointer && fault.message.contains(words)),
            "{faults:?}"
        );
        assert!(seed.is_empty(), "all or nothing");
    }
}
