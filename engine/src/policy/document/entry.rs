//! One element of `AccessPolicy.resource`, read from its JSON.

use std::sync::Arc;

use fhirward_spec::spec;
use serde_json::Value;

use super::{EntryDocument, MAX_ITEMS, reference_in, unknown_keys};
use crate::diagnostic::Diagnostic;
use crate::policy::fields::FieldPath;
use crate::policy::interaction::{Interaction, Interactions};
use crate::source::json::Document;
use crate::values::reference;
use crate::words;

const ENTRY_KEYS: [&str; 10] = [
    "id",
    "extension",
    "resourceType",
    "compartment",
    "criteria",
    "readonly",
    "interaction",
    "hiddenFields",
    "readonlyFields",
    "writeConstraint",
];

const LISTS: [&str; 4] = [
    "interaction",
    "hiddenFields",
    "readonlyFields",
    "writeConstraint",
];

/// Reads one element of `AccessPolicy.resource`.
pub(super) struct EntryReader<'a> {
    pub(super) json: &'a Arc<Document>,
    pub(super) pointer: &'a str,
    pub(super) item: &'a Value,
    pub(super) findings: &'a mut Vec<Diagnostic>,
}

impl EntryReader<'_> {
    pub(super) fn read(mut self, index: usize) -> EntryDocument {
        let before = self.findings.len();
        let shorter = self.without_long_lists();
        let rest = EntryReader {
            item: shorter.as_ref().unwrap_or(self.item),
            ..self
        };
        rest.read_parts(index, before)
    }

    /// The entry; what was found since `before` breaks it.
    fn read_parts(mut self, index: usize, before: usize) -> EntryDocument {
        unknown_keys(
            self.json,
            self.pointer,
            "AccessPolicy.resource",
            &ENTRY_KEYS,
            self.findings,
        );
        let resource_type = self.resource_type();
        let readonly = match self.item.get("readonly") {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.fault(
                    "policy/shape",
                    "/readonly",
                    "`readonly` is neither true nor false",
                    None,
                );
                true
            }
        };
        let entry = EntryDocument {
            index,
            criteria: self.text("criteria"),
            interactions: self.interactions(readonly),
            compartment: reference_in(self.item.get("compartment")),
            hidden_fields: self.fields("hiddenFields", &resource_type),
            readonly_fields: self.fields("readonlyFields", &resource_type),
            write_constraints: self.constraints(),
            broken: None,
            pointer: self.pointer.to_owned(),
            resource_type,
        };
        if let Some(compartment) = &entry.compartment
            && reference::local(compartment, None).is_none()
            && !compartment.contains("://")
            && !compartment.contains('%')
        {
            let message = format!("`{compartment}` is no compartment");
            let help = "a compartment is `Type/id`".to_owned();
            self.fault("policy/shape", "/compartment", message, Some(help));
        }
        if self.item.get("compartment").is_some() && entry.compartment.is_none() {
            self.fault(
                "policy/shape",
                "/compartment",
                "`compartment` has no `reference`",
                None,
            );
        }
        let broken = self
            .findings
            .iter()
            .skip(before)
            .find(|finding| finding.is_error())
            .map(|finding| finding.message.clone());
        EntryDocument { broken, ..entry }
    }

    /// Reports each list that is too long. The entry without them is left to be read, so that the
    /// other things that are wrong with it are found.
    fn without_long_lists(&mut self) -> Option<Value> {
        let long: Vec<(&str, usize)> = LISTS
            .into_iter()
            .filter_map(|name| Some((name, self.item.get(name)?.as_array()?.len())))
            .filter(|(_, length)| *length > MAX_ITEMS)
            .collect();
        if long.is_empty() {
            return None;
        }
        for (name, length) in &long {
            self.fault(
                "policy/too-many-items",
                &format!("/{name}"),
                format!("`{name}` has {length} items, more than the limit of {MAX_ITEMS}"),
                Some("several entries can share them; grants add up".to_owned()),
            );
        }
        let members = self.item.as_object().into_iter().flatten();
        Some(
            members
                .filter(|(name, _)| !long.iter().any(|(long, _)| long == name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    }

    pub(super) fn fault(
        &mut self,
        code: &'static str,
        below: &str,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        let place = self.json.nearest_span(&format!("{}{below}", self.pointer));
        let mut finding = Diagnostic::error(code, message)
            .with_label(place, "the entry grants nothing")
            .with_source(self.json.source());
        finding.help = help;
        self.findings.push(finding);
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.item.get(name) {
            None => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.fault(
                    "policy/shape",
                    &format!("/{name}"),
                    format!("`{name}` is no text"),
                    None,
                );
                None
            }
        }
    }

    fn resource_type(&mut self) -> String {
        match self.item.get("resourceType") {
            Some(Value::String(name)) => {
                if name != "*" && spec().resource(name).is_none() {
                    let near = words::nearest(name, spec().resource_types());
                    self.fault(
                        "policy/unknown-type",
                        "/resourceType",
                        format!("`{name}` is no resource type of R4"),
                        near.map(|near| format!("did you mean `{near}`?")),
                    );
                }
                name.clone()
            }
            _ => {
                self.fault(
                    "policy/shape",
                    "",
                    "the entry has no `resourceType`",
                    Some("name a resource type, or `*`".to_owned()),
                );
                String::new()
            }
        }
    }

    fn interactions(&mut self, readonly: bool) -> Interactions {
        match self.item.get("interaction") {
            None if readonly => Interactions::READING,
            None => Interactions::EVERY,
            Some(Value::Array(items)) => {
                if items.is_empty() {
                    self.fault(
                        "policy/no-interaction",
                        "/interaction",
                        "`interaction` is empty",
                        Some("leave it out to allow every interaction, or name some".to_owned()),
                    );
                }
                if readonly {
                    let place = self
                        .json
                        .nearest_span(&format!("{}/readonly", self.pointer));
                    self.findings.push(
                        Diagnostic::warning(
                            "policy/readonly-ignored",
                            "`readonly` is ignored next to `interaction`",
                        )
                        .with_label(place, "has no effect")
                        .with_source(self.json.source())
                        .with_help("delete `readonly`; the list alone counts"),
                    );
                }
                let mut set = Interactions::default();
                for (at, item) in items.iter().enumerate() {
                    let code = item.as_str().unwrap_or_default();
                    match code.parse::<Interaction>() {
                        Ok(interaction) if Interaction::POLICY_CODES.contains(&code) => {
                            set = set.with(interaction);
                        }
                        _ => {
                            let help = match code {
                                "patch" => "`update` covers patch".to_owned(),
                                "write" => "name `create`, `update`, `delete`".to_owned(),
                                "search-type" => "did you mean `search`?".to_owned(),
                                _ => format!(
                                    "the interactions are {}",
                                    Interaction::POLICY_CODES.join(", ")
                                ),
                            };
                            self.fault(
                                "policy/unknown-interaction",
                                &format!("/interaction/{at}"),
                                format!("`{code}` is no interaction of a policy"),
                                Some(help),
                            );
                        }
                    }
                }
                set
            }
            Some(_) => {
                self.fault(
                    "policy/shape",
                    "/interaction",
                    "`interaction` is no array",
                    None,
                );
                Interactions::default()
            }
        }
    }

    fn fields(&mut self, name: &str, resource_type: &str) -> Vec<FieldPath> {
        let items = match self.item.get(name) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.fault(
                    "policy/shape",
                    &format!("/{name}"),
                    format!("`{name}` is no array"),
                    None,
                );
                return Vec::new();
            }
        };
        let hidden = name == "hiddenFields";
        let mut paths = Vec::new();
        for (at, item) in items.iter().enumerate() {
            match FieldPath::parse(item.as_str().unwrap_or_default(), resource_type, hidden) {
                Ok(path) => paths.push(path),
                Err(bad) => self.fault(
                    "policy/field",
                    &format!("/{name}/{at}"),
                    bad.message,
                    Some(bad.help),
                ),
            }
        }
        paths
    }
}
