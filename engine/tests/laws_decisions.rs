//! R.1 to R.4 twice: compiled decisions against ones written out entry by entry.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot set up its case fails"
)]

use std::sync::Arc;

use fhirward_engine::policy::{
    Membership, Options, Policy, PolicyDocument, Request, Verdict, assemble,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

/// Filters with what they ask, written out.
type Asks = fn(&Value) -> bool;

fn named(resource: &Value, element: &str, wanted: &[&str]) -> bool {
    let items = match &resource[element] {
        Value::Array(items) => items.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    items.iter().any(|item| {
        item["reference"]
            .as_str()
            .is_some_and(|r| wanted.contains(&r))
    })
}

const FILTERS: [(&str, Asks); 10] = [
    ("recipient=Practitioner/a", |r| {
        named(r, "recipient", &["Practitioner/a"])
    }),
    ("recipient=%profile,Patient/c", |r| {
        named(r, "recipient", &["Practitioner/a", "Patient/c"])
    }),
    ("recipient:not=Patient/c", |r| {
        !named(r, "recipient", &["Patient/c"])
    }),
    ("sender=Practitioner/b", |r| {
        named(r, "sender", &["Practitioner/b"])
    }),
    ("sender:missing=true", |r| r.get("sender").is_none()),
    ("part-of:missing=false", |r| r.get("partOf").is_some()),
    ("status=completed", |r| r["status"] == "completed"),
    ("status:not=completed,stopped", |r| {
        r["status"] != "completed" && r["status"] != "stopped"
    }),
    ("_id=x", |r| r["id"] == "x"),
    ("_id=y,x&status=in-progress", |r| {
        r["id"] == "x" && r["status"] == "in-progress"
    }),
];
/// Criteria that break R.5, and so grant nothing.
const BROKEN: [&str; 6] = [
    "nonsense=1",
    "status=",
    "_count=1",
    "recipient=%nobody",
    "status:in=x",
    "sender.name=x",
];
const CODES: [&str; 7] = [
    "create", "read", "update", "delete", "search", "history", "vread",
];
const READING: [&str; 4] = ["read", "vread", "history", "search"];

#[derive(Debug, Clone)]
struct Entry {
    kind: &'static str,
    filters: Vec<usize>,
    broken: Option<&'static str>,
    interaction: Option<Vec<&'static str>>,
    readonly: bool,
}

impl Entry {
    fn written(&self) -> Value {
        let mut entry = json!({"resourceType": self.kind, "readonly": self.readonly});
        if let Some(interaction) = &self.interaction {
            entry["interaction"] = json!(interaction);
        }
        let filters = self
            .filters
            .iter()
            .map(|at| FILTERS[*at].0)
            .chain(self.broken);
        let filters: Vec<&str> = filters.collect();
        if !filters.is_empty() {
            entry["criteria"] = json!(format!("{}?{}", self.kind, filters.join("&")));
        }
        entry
    }

    /// R.2 without the resource: whether it is about the type and the interaction at all.
    fn is_about(&self, kind: &str, interaction: &str) -> bool {
        let reserved = matches!(self.kind, "Login" | "User");
        let covers = match self.kind {
            "*" => !matches!(kind, "Login" | "User"),
            own => own == kind,
        };
        let allowed = match &self.interaction {
            Some(list) => list.contains(&interaction),
            None => !self.readonly || READING.contains(&interaction),
        };
        // No Login, no User: they have none of the parameters either, but for `_id`.
        covers && !reserved && allowed && self.broken.is_none() && self.has_parameters(kind)
    }

    /// A wildcard is not about a type that lacks one of its parameters.
    fn has_parameters(&self, kind: &str) -> bool {
        let codes = self.filters.iter().map(|at| FILTERS[*at].0);
        kind == "Communication" || codes.into_iter().all(|code| code.starts_with("_id=x"))
    }

    /// R.2.
    fn applies(&self, interaction: &str, resource: &Value) -> bool {
        let kind = resource["resourceType"].as_str().unwrap();
        self.is_about(kind, interaction) && self.filters.iter().all(|at| FILTERS[*at].1(resource))
    }
}

fn entry() -> impl Strategy<Value = Entry> {
    let kind = select(vec![
        "Communication",
        "Communication",
        "Communication",
        "*",
        "Basic",
        "Login",
        "User",
    ]);
    let filters = subsequence((0..FILTERS.len()).collect::<Vec<_>>(), 0..3);
    let broken = proptest::option::weighted(0.15, select(BROKEN.to_vec()));
    let interaction = proptest::option::of(subsequence(CODES.to_vec(), 1..=7));
    (kind, filters, broken, interaction, any::<bool>()).prop_map(
        |(kind, filters, broken, interaction, readonly)| {
            let own = matches!(kind, "Communication" | "*");
            Entry {
                kind,
                filters: if own { filters } else { Vec::new() },
                broken,
                interaction,
                readonly,
            }
        },
    )
}

fn policy(entries: &[Entry]) -> Policy {
    let entries: Vec<Value> = entries.iter().map(Entry::written).collect();
    let (document, _) = PolicyDocument::from_value(
        &json!({"resourceType": "AccessPolicy", "id": "p", "resource": entries}),
    );
    let document = Arc::new(document);
    let member = Membership::of("Practitioner/a", &["AccessPolicy/p"]);
    assemble(
        &member,
        &|_| Some(Arc::clone(&document)),
        &Options::default(),
    )
    .policy
}

/// R.3 and R.4: what must hold, in order, and what its failure looks like.
fn verdict(entries: &[Entry], request: &Request<'_>) -> Verdict {
    use Verdict::{Allowed, Forbidden, Hidden};
    let (codes, steps): (&[&str], Vec<(&str, &Value, Verdict)>) = match *request {
        Request::Read(r) => (&["read"], vec![("read", r, Hidden)]),
        Request::Search(r) => (&["search"], vec![("search", r, Hidden)]),
        Request::Create(r) => (&["create"], vec![("create", r, Forbidden)]),
        Request::Delete(r) => (
            &["read", "delete"],
            vec![("read", r, Hidden), ("delete", r, Forbidden)],
        ),
        Request::Update { existing, result } | Request::Patch { existing, result } => (
            &["read", "update"],
            vec![
                ("read", existing, Hidden),
                ("update", existing, Forbidden),
                ("update", result, Forbidden),
            ],
        ),
        Request::Vread { current, version } => (
            &["read", "vread"],
            vec![
                ("read", current, Hidden),
                ("vread", current, Forbidden),
                ("vread", version, Hidden),
            ],
        ),
        Request::History { current, version } => (
            &["read", "history"],
            vec![
                ("read", current, Hidden),
                ("history", current, Forbidden),
                ("history", version, Hidden),
            ],
        ),
    };
    let kind = request.resource_type();
    if codes
        .iter()
        .any(|code| !entries.iter().any(|entry| entry.is_about(kind, code)))
    {
        return Forbidden;
    }
    for (code, resource, otherwise) in steps {
        if !entries.iter().any(|entry| entry.applies(code, resource)) {
            return otherwise;
        }
    }
    Allowed
}

fn resource() -> impl Strategy<Value = Value> {
    let people = ["Practitioner/a", "Practitioner/b", "Patient/c"];
    let kind = select(vec![
        "Communication",
        "Communication",
        "Communication",
        "Basic",
        "Login",
    ]);
    let sender = proptest::option::of(select(people.to_vec()));
    let status = proptest::option::of(select(vec!["completed", "in-progress"]));
    (
        kind,
        sender,
        subsequence(people.to_vec(), 0..3),
        status,
        any::<bool>(),
    )
        .prop_map(|(kind, sender, recipient, status, part)| {
            let mut resource = json!({"resourceType": kind, "id": "x"});
            if kind != "Communication" {
                return resource;
            }
            if let Some(sender) = sender {
                resource["sender"] = json!({"reference": sender});
            }
            if !recipient.is_empty() {
                resource["recipient"] = recipient.iter().map(|r| json!({"reference": r})).collect();
            }
            if let Some(status) = status {
                resource["status"] = json!(status);
            }
            if part {
                resource["partOf"] = json!([{"reference": "Communication/h"}]);
            }
            resource
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn r1_to_r4_decide_as_written(
        entries in proptest::collection::vec(entry(), 0..8),
        before in resource(),
        after in resource(),
    ) {
        let mut after = after;
        let same_kind = before["resourceType"] == after["resourceType"];
        if !same_kind {
            after = before.clone();
        }
        let policy = policy(&entries);
        let (before, after) = (&before, &after);
        for request in [
            Request::Read(before),
            Request::Search(before),
            Request::Create(after),
            Request::Delete(before),
            Request::Update { existing: before, result: after },
            Request::Patch { existing: before, result: after },
            Request::Vread { current: before, version: after },
            Request::History { current: before, version: after },
        ] {
            prop_assert_eq!(policy.decide(&request).verdict, verdict(&entries, &request), "{:?}", request);
        }
    }
}
