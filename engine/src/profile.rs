//! The rules about one resource as FHIR profiles, for servers and validators that know nothing
//! of this engine.
//!
//! Each rule of the [catalogue](crate::thread::rules) that can be said in FHIRPath about one
//! resource is an invariant of a profile, with the rule's id as its key. What rules say about
//! several resources, histories or policies cannot be an invariant and is not there.
//!
//! ```
//! let profiles = fhirward_engine::profile::profiles();
//! let names: Vec<_> = profiles.iter().map(|p| p["name"].as_str().unwrap_or_default()).collect();
//! assert_eq!(names, ["ThreadHeader", "ThreadMessage", "ThreadCorrection", "ThreadReceiptTask"]);
//! ```

use serde_json::{Map, Value, json};

use crate::thread::{Level, Rule, Subject, rules};

/// Where the profiles' URLs begin. The name is reserved for examples: whoever publishes the profiles
/// puts their own in its place.
pub const BASE: &str = "https://fhirward.example/fhir/StructureDefinition/";

const R4: &str = "http://hl7.org/fhir/StructureDefinition/";

/// A profile, before it is written as a StructureDefinition.
#[derive(Debug)]
struct Profile {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    resource_type: &'static str,
    /// The profile or type that it narrows.
    parent: Parent,
    /// Whose rules it holds.
    subjects: &'static [Subject],
    /// Whether a rule belongs to it, of those about its subjects.
    holds: fn(&Rule) -> bool,
    elements: &'static [Narrowed],
}

#[derive(Debug, Clone, Copy)]
enum Parent {
    Type,
    Profile(&'static str),
}

/// An element with another cardinality than in the parent.
#[derive(Debug)]
struct Narrowed {
    path: &'static str,
    min: Option<u32>,
    max: Option<&'static str>,
    must_support: bool,
}

const PLAIN: Narrowed = Narrowed {
    path: "",
    min: None,
    max: None,
    must_support: false,
};

const fn never(path: &'static str) -> Narrowed {
    Narrowed {
        path,
        max: Some("0"),
        ..PLAIN
    }
}

const fn at_least_one(path: &'static str) -> Narrowed {
    Narrowed {
        path,
        min: Some(1),
        must_support: true,
        ..PLAIN
    }
}

const fn supported(path: &'static str) -> Narrowed {
    Narrowed {
        path,
        must_support: true,
        ..PLAIN
    }
}

static PROFILES: [Profile; 4] = [
    Profile {
        name: "ThreadHeader",
        title: "Header of a message thread",
        description: "A Communication that stands for a whole conversation: its topic, whom it \
                      is about, and everybody who takes part. It has no text of its own and is \
                      part of nothing.",
        resource_type: "Communication",
        parent: Parent::Type,
        subjects: &[Subject::Communication, Subject::Header],
        holds: |rule| rule.subject == Subject::Header || is_about_form(rule),
        elements: &[
            never("partOf"),
            supported("status"),
            supported("subject"),
            supported("topic"),
            supported("recipient"),
            supported("sender"),
            never("payload"),
        ],
    },
    Profile {
        name: "ThreadMessage",
        title: "Message of a thread",
        description: "A Communication with text or attachments that is part of exactly one \
                      header.",
        resource_type: "Communication",
        parent: Parent::Type,
        subjects: &[Subject::Communication, Subject::Message],
        holds: |rule| !rule.id.starts_with("C-"),
        elements: &[
            Narrowed {
                path: "partOf",
                min: Some(1),
                max: Some("1"),
                must_support: true,
            },
            supported("status"),
            supported("recipient"),
            supported("sender"),
            at_least_one("payload"),
        ],
    },
    Profile {
        name: "ThreadCorrection",
        title: "Correction of a message",
        description: "A message that says again what an earlier one, now entered in error, said \
                      wrongly.",
        resource_type: "Communication",
        parent: Parent::Profile("ThreadMessage"),
        subjects: &[Subject::Communication, Subject::Message],
        holds: |rule| rule.id.starts_with("C-"),
        elements: &[at_least_one("inResponseTo"), at_least_one("category")],
    },
    Profile {
        name: "ThreadReceiptTask",
        title: "Receipt of a message",
        description: "A Task that asks one reader to read a message of a thread, and that is \
                      completed when it was read.",
        resource_type: "Task",
        parent: Parent::Type,
        subjects: &[Subject::Task],
        holds: |rule| !is_about_answers(rule),
        elements: &[
            supported("status"),
            at_least_one("code"),
            at_least_one("focus"),
            at_least_one("owner"),
        ],
    },
];

/// A rule about any Communication that a header can break: one about payloads it cannot.
fn is_about_form(rule: &Rule) -> bool {
    rule.fhirpath.is_some_and(|text| !text.contains("payload")) && !rule.id.starts_with("C-")
}

/// A rule about Tasks that ask for an answer, which a receipt does not.
fn is_about_answers(rule: &Rule) -> bool {
    rule.fhirpath
        .is_some_and(|text| text.contains("output") || text.contains("performerType"))
}

/// The rules that a profile holds as invariants, by the profile's name.
pub fn invariants(profile: &str) -> impl Iterator<Item = (&'static Rule, &'static str)> {
    let profile = PROFILES.iter().find(|p| p.name == profile);
    profile.into_iter().flat_map(|p| p.invariants())
}

/// The profiles as StructureDefinitions, with differentials.
pub fn profiles() -> Vec<Value> {
    PROFILES.iter().map(Profile::to_value).collect()
}

impl Profile {
    fn invariants(&'static self) -> impl Iterator<Item = (&'static Rule, &'static str)> {
        rules()
            .iter()
            .filter(|rule| self.subjects.contains(&rule.subject) && (self.holds)(rule))
            .filter_map(|rule| Some((rule, rule.fhirpath?)))
    }

    fn to_value(&'static self) -> Value {
        let parent = match self.parent {
            Parent::Type => format!("{R4}{}", self.resource_type),
            Parent::Profile(name) => format!("{BASE}{name}"),
        };
        let mut elements = vec![self.root()];
        elements.extend(self.elements.iter().map(|e| self.element(e)));
        json!({
            "resourceType": "StructureDefinition",
            "id": self.name,
            "url": format!("{BASE}{}", self.name),
            "version": env!("CARGO_PKG_VERSION"),
            "name": self.name,
            "title": self.title,
            "status": "active",
            "publisher": "fhirward",
            "description": self.description,
            "fhirVersion": "4.0.1",
            "kind": "resource",
            "abstract": false,
            "type": self.resource_type,
            "baseDefinition": parent,
            "derivation": "constraint",
            "differential": {"element": elements},
        })
    }

    fn root(&'static self) -> Value {
        let mut root = Map::new();
        root.insert("id".to_owned(), self.resource_type.into());
        root.insert("path".to_owned(), self.resource_type.into());
        let constraints: Vec<Value> = self
            .invariants()
            .map(|(rule, expression)| {
                // HL7 knows two severities.
                let severity = match rule.level {
                    Level::Must => "error",
                    Level::Should | Level::May => "warning",
                };
                json!({
                    "key": rule.id,
                    "requirements": rule.why,
                    "severity": severity,
                    "human": rule.summary,
                    "expression": expression,
                    "source": format!("{BASE}{}", self.name),
                })
            })
            .collect();
        if !constraints.is_empty() {
            root.insert("constraint".to_owned(), constraints.into());
        }
        Value::Object(root)
    }

    fn element(&self, narrowed: &Narrowed) -> Value {
        let path = format!("{}.{}", self.resource_type, narrowed.path);
        let mut element = Map::new();
        element.insert("id".to_owned(), path.clone().into());
        element.insert("path".to_owned(), path.into());
        if let Some(min) = narrowed.min {
            element.insert("min".to_owned(), min.into());
        }
        if let Some(max) = narrowed.max {
            element.insert("max".to_owned(), max.into());
        }
        if narrowed.must_support {
            element.insert("mustSupport".to_owned(), true.into());
        }
        Value::Object(element)
    }
}
