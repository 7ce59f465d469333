//! AccessPolicy resources as they are written, with the place of everything.

mod constraint;
mod entry;

use std::sync::Arc;

use serde_json::Value;

pub(super) use constraint::constraint_help;
use entry::EntryReader;

use super::fields::FieldPath;
use super::interaction::Interactions;
use super::ip::IpRule;
use super::membership::Membership;
use crate::criteria::{self, Bindings};
use crate::diagnostic::Diagnostic;
use crate::source::json::Document;
use crate::source::{Source, Span};

/// Entries that one policy may have; a policy with more is refused.
pub const MAX_ENTRIES: usize = 10_000;

/// Entries on `*` with criteria that the policies of a member may have together; with more the member is
/// granted nothing. Each of them is compiled for every resource type.
pub const MAX_WILDCARDS: usize = 200;

/// How long the criteria of such entries may be together, in bytes.
pub const MAX_WILDCARD_TEXT: usize = 16 * 1024;

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
        let pointers = resources(&json, &mut findings);
        let torn = repeated_around(&json, &pointers);
        for pointer in pointers {
            let Some(value) = json.value().pointer(&pointer) else {
                continue;
            };
            match value.get("resourceType").and_then(Value::as_str) {
                Some("AccessPolicy") => policies.push(Self::read(&json, pointer, &mut findings)),
                // A key that stands twice is reported already; nobody knows what is meant.
                Some("ProjectMembership") if torn.is_some() || is_repeated(&json, &pointer) => {}
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
        if let Some(message) = torn {
            policies
                .iter_mut()
                .for_each(|policy| policy.break_all(&message));
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
            compartment: reference_in(value.get("compartment")),
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
        if policy.has_too_many_wildcards() {
            findings.push(
                too_many_wildcards("policy/too-many-wildcards", "the policy has")
                    .with_label(json.nearest_span(&entries), "grants nothing")
                    .with_source(json.source()),
            );
        }
        policy.break_repeated();
        for entry in &policy.entries {
            if let Some((_, found)) = policy.compile_criteria(entry, &Bindings::open(), None) {
                findings.extend(found);
            }
        }
        policy
    }

    /// A key that stands twice breaks the entry it stands in, and outside of the entries and of the
    /// rules for addresses, which do the same, all entries: readers disagree on which one counts.
    fn break_repeated(&mut self) {
        let Some(place) = self.json.span_of(&self.pointer) else {
            return;
        };
        if self.json.repeated_within(place).is_none() {
            return;
        }
        let within = |json: &Document, pointer: &str| {
            let place = json.span_of(pointer)?;
            Some((
                place,
                json.repeated_within(place).map(|f| f.message.clone()),
            ))
        };
        let mut parts = Vec::new();
        for at in 0..self.ip_rules.len() {
            parts.extend(within(
                &self.json,
                &format!("{}/ipAccessRule/{at}", self.pointer),
            ));
        }
        for entry in &mut self.entries {
            if let Some((place, message)) = within(&self.json, &entry.pointer) {
                entry.broken = entry.broken.take().or(message.clone());
                parts.push((place, message));
            }
        }
        let is_in_part = |at: usize| {
            parts
                .iter()
                .any(|(place, message)| message.is_some() && (place.start..place.end).contains(&at))
        };
        let outside = self.json.repeated_keys().iter().find(|finding| {
            let at = finding.labels.first().map(|label| label.span.start);
            at.is_some_and(|at| (place.start..place.end).contains(&at) && !is_in_part(at))
        });
        if let Some(message) = outside.map(|finding| finding.message.clone()) {
            self.break_all(&message);
        }
    }

    /// No entry grants anything.
    fn break_all(&mut self, message: &str) {
        for entry in &mut self.entries {
            entry.broken.get_or_insert_with(|| message.to_owned());
        }
    }

    /// How many entries on `*` have criteria, and how long these are together, in bytes.
    pub(super) fn wildcards(&self) -> (usize, usize) {
        let of_all_types = self.entries.iter().filter(|one| one.resource_type == "*");
        of_all_types
            .filter_map(|entry| entry.criteria.as_deref())
            .fold((0, 0), |(count, bytes), text| {
                (count + 1, bytes + text.len())
            })
    }

    fn has_too_many_wildcards(&self) -> bool {
        let (count, bytes) = self.wildcards();
        count > MAX_WILDCARDS || bytes > MAX_WILDCARD_TEXT
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

/// What is wrong with a file, if a key stands twice in what its resources stand in: which of them are
/// meant nobody knows.
fn repeated_around(json: &Document, pointers: &[String]) -> Option<String> {
    if json.repeated_keys().is_empty() {
        return None;
    }
    // In the order of the text, and apart.
    let places: Vec<Span> = pointers
        .iter()
        .filter_map(|one| json.span_of(one))
        .collect();
    let is_within = |at: usize| {
        let next = places.partition_point(|place| place.start <= at);
        let place = next.checked_sub(1).and_then(|before| places.get(before));
        place.is_some_and(|place| at < place.end)
    };
    let around = json.repeated_keys().iter().find(|finding| {
        let at = finding.labels.first().map(|label| label.span.start);
        at.is_some_and(|at| !is_within(at))
    });
    around.map(|finding| finding.message.clone())
}

fn is_repeated(json: &Document, pointer: &str) -> bool {
    let place = json.span_of(pointer);
    place.is_some_and(|place| json.repeated_within(place).is_some())
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

fn reference_in(value: Option<&Value>) -> Option<String> {
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
        let near = crate::words::nearest(key, known.iter().copied());
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

/// What is said of policies that ask too much of every type. `who_has` begins the sentence.
pub(super) fn too_many_wildcards(code: &'static str, who_has: &str) -> Diagnostic {
    Diagnostic::error(
        code,
        format!(
            "{who_has} more than {MAX_WILDCARDS} entries on `*` with criteria, or more than \
             {MAX_WILDCARD_TEXT} bytes of such criteria together"
        ),
    )
    .with_help(
        "nothing at all is granted: name the types that are meant, or the values in one entry, \
         separated by commas",
    )
}
