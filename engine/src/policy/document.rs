//! AccessPolicy resources as they are written, with the place of everything.

mod constraint;

use std::sync::Arc;

use fhirward_spec::spec;
use serde_json::Value;

pub(super) use constraint::constraint_help;

use super::fields::FieldPath;
use super::interaction::{Interaction, Interactions};
use super::ip::IpRule;
use super::membership::Membership;
use crate::criteria::{self, Bindings};
use crate::diagnostic::Diagnostic;
use crate::source::json::Document;
use crate::source::{Source, Span};
use crate::values::reference;

/// Entries that one policy may have; a policy with more is refused.
pub const MAX_ENTRIES: usize = 10_000;

/// Items that one list of an entry may have; an entry with a longer one grants nothing.
pub const MAX_ITEMS: usize = 1_000;

/// Unknown keys of one object that are reported one by one.
const MAX_UNKNOWN_KEYS: usize = 20;

const POLICY_KEYS: [&str; 13] = [
    "resourceType",
    "id",
    "meta",
    "implicitRules",
    "language",
    "text",
    "contained",
    "extension",
    "name",
    "basedOn",
    "compartment",
    "resource",
    "ipAccessRule",
];
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

/// An AccessPolicy.
#[derive(Debug, Clone)]
pub struct PolicyDocument {
    json: Arc<Document>,
    pointer: String,
    id: Option<String>,
    name: Option<String>,
    compartment: Option<String>,
    entries: Vec<EntryDocument>,
    ip_rules: Vec<IpRule>,
}

/// An element of `AccessPolicy.resource`.
#[derive(Debug, Clone)]
pub struct EntryDocument {
    /// Its place in the policy, from 0.
    pub index: usize,
    /// The resource type, or `*`.
    pub resource_type: String,
    /// The criteria as written.
    pub criteria: Option<String>,
    /// What it allows.
    pub interactions: Interactions,
    /// `compartment.reference`, the deprecated form of a `_compartment` filter.
    pub compartment: Option<String>,
    /// Fields that no output shows.
    pub hidden_fields: Vec<FieldPath>,
    /// Fields that no write changes.
    pub readonly_fields: Vec<FieldPath>,
    /// The FHIRPath expressions that a write must satisfy.
    pub write_constraints: Vec<String>,
    /// What is wrong with its shape: why it grants nothing.
    pub broken: Option<String>,
    pointer: String,
}

impl PolicyDocument {
    /// Reads the AccessPolicies and ProjectMemberships of a JSON text: a single resource, an
    /// array of resources, or a Bundle. The findings say all that is wrong with them on their own,
    /// without any membership.
    pub fn from_json(json: &Document) -> (Vec<Self>, Vec<Membership>, Vec<Diagnostic>) {
        let json = Arc::new(json.clone());
        let mut policies = Vec::new();
        let mut memberships = Vec::new();
        let mut findings = json.repeated_keys().to_vec();
        for pointer in resources(&json, &mut findings) {
            let Some(value) = json.value().pointer(&pointer) else {
                continue;
            };
            match value.get("resourceType").and_then(Value::as_str) {
                Some("AccessPolicy") => policies.push(Self::read(&json, pointer, &mut findings)),
                Some("ProjectMembership") => match Membership::from_value(value) {
                    Ok(membership) => memberships.push(membership),
                    Err(fault) => findings.push(
                        fault
                            .with_label(json.nearest_span(&pointer), "this membership")
                            .with_source(json.source()),
                    ),
                },
                other => findings.push(not_a_policy(&json, &pointer, other)),
            }
        }
        (policies, memberships, findings)
    }

    /// Reads a stored AccessPolicy. Places in the findings are places in its JSON, indented.
    pub fn from_value(resource: &Value) -> (Self, Vec<Diagnostic>) {
        let name = match resource.get("id").and_then(Value::as_str) {
            Some(id) => format!("AccessPolicy/{id}"),
            None => "AccessPolicy".to_owned(),
        };
        let source = Source::new(name, format!("{resource:#}"));
        match Document::parse(&source) {
            Ok(json) => {
                let json = Arc::new(json);
                let mut findings = json.repeated_keys().to_vec();
                let policy = Self::read(&json, String::new(), &mut findings);
                (policy, findings)
            }
            // Only a size or depth limit can refuse what was a value already.
            Err(fault) => (
                Self::nothing(Arc::new(Document::empty(&source))),
                vec![fault],
            ),
        }
    }

    fn nothing(json: Arc<Document>) -> Self {
        Self {
            json,
            pointer: String::new(),
            id: None,
            name: None,
            compartment: None,
            entries: Vec::new(),
            ip_rules: Vec::new(),
        }
    }

    /// `AccessPolicy.id`.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// `AccessPolicy.name`.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What to call it: its name, or its reference.
    pub fn title(&self) -> String {
        match (&self.name, &self.id) {
            (Some(name), _) => name.clone(),
            (None, Some(id)) => format!("AccessPolicy/{id}"),
            (None, None) => "AccessPolicy".to_owned(),
        }
    }

    /// `AccessPolicy.compartment.reference`, the account of what the actor creates.
    pub fn compartment(&self) -> Option<&str> {
        self.compartment.as_deref()
    }

    /// The entries, in order.
    pub fn entries(&self) -> &[EntryDocument] {
        &self.entries
    }

    /// The `ipAccessRule`s, in order.
    pub fn ip_rules(&self) -> &[IpRule] {
        &self.ip_rules
    }

    /// The text it was read from.
    pub fn source(&self) -> &Arc<Source> {
        self.json.source()
    }

    /// The resource itself.
    pub fn value(&self) -> Option<&Value> {
        self.json.value().pointer(&self.pointer)
    }

    fn read(json: &Arc<Document>, pointer: String, findings: &mut Vec<Diagnostic>) -> Self {
        let value = json.value().pointer(&pointer).unwrap_or(&Value::Null);
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let mut policy = Self {
            json: Arc::clone(json),
            id: text("id"),
            name: text("name"),
            compartment: reference(value.get("compartment")),
            entries: Vec::new(),
            ip_rules: Vec::new(),
            pointer,
        };
        if value.get("compartment").is_some() && policy.compartment.is_none() {
            findings.push(
                Diagnostic::error("policy/shape", "`compartment` has no `reference`")
                    .with_label(
                        policy.place("/compartment"),
                        "what is created gets no account",
                    )
                    .with_source(json.source())
                    .with_help(
                        "write `{\"reference\": \"Organization/123\"}`, or a variable there",
                    ),
            );
        }
        policy.ip_rules = IpRule::read_all(json, &policy.title(), &policy.pointer, findings);
        unknown_keys(
            json,
            &policy.pointer,
            "AccessPolicy",
            &POLICY_KEYS,
            findings,
        );
        let entries = format!("{}/resource", policy.pointer);
        match value.get("resource") {
            None => findings.push(
                Diagnostic::warning("policy/no-entries", "the policy has no `resource` entries")
                    .with_label(json.nearest_span(&policy.pointer), "grants nothing")
                    .with_source(json.source())
                    .with_help("each entry of `resource` grants one resource type"),
            ),
            Some(Value::Array(items)) if items.len() > MAX_ENTRIES => findings.push(
                Diagnostic::error(
                    "policy/too-many-entries",
                    format!(
                        "the policy has {} entries, more than the limit of {MAX_ENTRIES}",
                        items.len()
                    ),
                )
                .with_label(json.nearest_span(&policy.pointer), "grants nothing")
                .with_source(json.source()),
            ),
            Some(Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    let pointer = format!("{entries}/{index}");
                    let entry = EntryReader {
                        json,
                        pointer: &pointer,
                        item,
                        findings,
                    }
                    .read(index);
                    policy.entries.push(entry);
                }
            }
            Some(_) => findings.push(
                Diagnostic::error("policy/shape", "`resource` is no array")
                    .with_label(json.nearest_span(&entries), "grants nothing")
                    .with_source(json.source())
                    .with_help("entries stand in `[…]`"),
            ),
        }
        for entry in &policy.entries {
            if let Some((_, found)) = policy.compile_criteria(entry, &Bindings::open(), None) {
                findings.extend(found);
            }
        }
        policy
    }

    /// Compiles an entry's criteria with the values of variables; findings have their places in
    /// the policy's text. `None` when the entry has no criteria.
    pub(crate) fn compile_criteria(
        &self,
        entry: &EntryDocument,
        bindings: &Bindings,
        base: Option<&str>,
    ) -> Option<(criteria::Compiled, Vec<Diagnostic>)> {
        let text = entry.criteria.as_deref()?;
        let (criteria, mut findings) = criteria::parse(text, &bindings.names());
        let mut compiled = criteria::compile(&criteria, &entry.resource_type, bindings, base);
        findings.append(&mut compiled.findings);
        if findings.iter().any(Diagnostic::is_error) {
            compiled.filters.clear();
        }
        if findings.is_empty() {
            return Some((compiled, findings));
        }
        let pointer = format!("{}/criteria", entry.pointer);
        let map = self.json.string_map(&pointer);
        let whole = self.json.nearest_span(&pointer);
        let findings: Vec<Diagnostic> = findings
            .into_iter()
            .map(|finding| {
                finding
                    .relocated(|span| map.as_ref().map_or(whole, |map| map.locate(span)))
                    .with_source(self.json.source())
            })
            .collect();
        compiled.findings.clone_from(&findings);
        Some((compiled, findings))
    }

    /// The place of a part of the policy, or of what is nearest around it.
    pub(crate) fn place(&self, below: &str) -> Span {
        self.json.nearest_span(&format!("{}{below}", self.pointer))
    }

    /// The place of an entry's criteria, or of the entry.
    pub(crate) fn criteria_span(&self, entry: &EntryDocument) -> Option<Span> {
        Some(
            self.json
                .nearest_span(&format!("{}/criteria", entry.pointer)),
        )
    }
}

/// Pointers to the resources of a file.
fn resources(json: &Document, findings: &mut Vec<Diagnostic>) -> Vec<String> {
    match json.value() {
        Value::Array(items) => (0..items.len()).map(|at| format!("/{at}")).collect(),
        value if value.get("resourceType").and_then(Value::as_str) == Some("Bundle") => {
            let entries = value.get("entry").and_then(Value::as_array);
            let count = entries.map_or(0, Vec::len);
            (0..count)
                .map(|at| format!("/entry/{at}/resource"))
                .filter(|pointer| {
                    let there = value.pointer(pointer).is_some();
                    if !there {
                        findings.push(
                            Diagnostic::warning(
                                "policy/no-resource",
                                "a Bundle entry without a resource",
                            )
                            .with_label(json.nearest_span(pointer), "nothing to check")
                            .with_source(json.source()),
                        );
                    }
                    there
                })
                .collect()
        }
        _ => vec![String::new()],
    }
}

fn not_a_policy(json: &Document, pointer: &str, found: Option<&str>) -> Diagnostic {
    let place = match found {
        Some(_) => json.nearest_span(&format!("{pointer}/resourceType")),
        None => json.nearest_span(pointer),
    };
    let message = match found {
        Some(found) => format!("`{found}` is neither AccessPolicy nor ProjectMembership"),
        None => "neither an AccessPolicy nor a ProjectMembership".to_owned(),
    };
    Diagnostic::error("policy/not-a-policy", message)
        .with_label(place, "not checked")
        .with_source(json.source())
        .with_help("a file holds one of these resources, an array of them, or a Bundle")
}

fn reference(value: Option<&Value>) -> Option<String> {
    value?.get("reference")?.as_str().map(str::to_owned)
}

fn unknown_keys(
    json: &Document,
    pointer: &str,
    what: &str,
    known: &[&str],
    findings: &mut Vec<Diagnostic>,
) -> bool {
    let Some(object) = json.value().pointer(pointer).and_then(Value::as_object) else {
        return false;
    };
    let before = findings.len();
    let unknown = object.keys().filter(|key| !known.contains(&key.as_str()));
    for key in unknown.take(MAX_UNKNOWN_KEYS) {
        let escaped = key.replace('~', "~0").replace('/', "~1");
        let place = json
            .key_span_of(&format!("{pointer}/{escaped}"))
            .unwrap_or_else(|| json.nearest_span(pointer));
        let near = crate::criteria::nearest(key, known.iter().copied());
        findings.push(
            Diagnostic::error(
                "policy/unknown-key",
                format!("`{key}` is no element of {what}"),
            )
            .with_label(place, "unknown")
            .with_source(json.source())
            .with_help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its elements are {}", known.join(", ")),
            }),
        );
    }
    findings.len() > before
}

struct EntryReader<'a> {
    json: &'a Arc<Document>,
    pointer: &'a str,
    item: &'a Value,
    findings: &'a mut Vec<Diagnostic>,
}

impl EntryReader<'_> {
    fn read(mut self, index: usize) -> EntryDocument {
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
            compartment: reference(self.item.get("compartment")),
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

    fn fault(
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
                    let near = criteria::nearest(name, spec().resource_types());
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
