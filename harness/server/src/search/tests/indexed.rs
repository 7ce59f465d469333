//! An index may only narrow: with it the same is found as by looking at every resource.

use std::collections::BTreeSet;

use fhirward_engine::policy::Policy;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{BASE, filters, put, scope, store};
use crate::search::index::{Lookup, Order};
use crate::search::plan;
use crate::search::scope::Scope;
use crate::store::{Store, View};

/// One write: which resource, and its content; none is a deletion.
#[derive(Debug, Clone)]
struct Write {
    id: u8,
    content: Option<Value>,
}

fn reference() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => (0u8..4, prop_oneof![Just("Patient"), Just("Practitioner"), Just("Group")])
            .prop_map(|(id, kind)| json!({ "reference": format!("{kind}/p{id}") })),
        1 => (0u8..4).prop_map(|id| json!({ "reference": format!("{BASE}Patient/p{id}") })),
        1 => (0u8..4).prop_map(|id| json!({ "reference": format!("Patient/p{id}/_history/7") })),
        1 => Just(json!({ "reference": "https://elsewhere/Patient/p0" })),
        1 => Just(json!({ "display": "somebody" })),
    ]
}

fn time() -> impl Strategy<Value = Value> {
    prop_oneof![
        (1u8..28, 0u8..24).prop_map(|(d, h)| json!(format!("2024-02-{d:02}T{h:02}:30:00Z"))),
        (1u8..13).prop_map(|month| json!(format!("2024-{month:02}"))),
        Just(json!("2023")),
        Just(json!("nonsense")),
    ]
}

fn concept() -> impl Strategy<Value = Value> {
    let coding = (0u8..3, 0u8..3).prop_map(|(system, code)| json!({ "system": format!("http://s{system}"), "code": format!("c{code}") }));
    prop_oneof![
        prop::collection::vec(coding, 1..3).prop_map(|coding| json!({ "coding": coding })),
        Just(json!({ "text": "free" })),
    ]
}

fn communication() -> impl Strategy<Value = Value> {
    (
        prop::sample::select(vec!["in-progress", "completed", "preparation"]),
        prop::collection::vec(reference(), 0..3),
        prop::option::of(reference()),
        prop::option::of(0u8..3),
        prop::option::of(time()),
        prop::collection::vec(concept(), 0..2),
        prop::option::of(0u8..4),
    )
        .prop_map(
            |(status, recipient, subject, thread, sent, category, identifier)| {
                let mut made = json!({ "resourceType": "Communication", "status": status });
                if !recipient.is_empty() {
                    made["recipient"] = recipient.into();
                }
                if let Some(subject) = subject {
                    made["subject"] = subject;
                }
                if let Some(thread) = thread {
                    made["partOf"] = json!([{ "reference": format!("Communication/m{thread}") }]);
                }
                if let Some(sent) = sent {
                    made["sent"] = sent;
                }
                if !category.is_empty() {
                    made["category"] = category.into();
                }
                if let Some(number) = identifier {
                    made["identifier"] =
                        json!([{ "system": "http://ids", "value": format!("i{number}") }]);
                    made["instantiatesCanonical"] = json!([format!("http://plans/{number}|1")]);
                }
                made
            },
        )
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let write = (0u8..12, prop::option::weighted(0.85, communication()))
        .prop_map(|(id, content)| Write { id, content });
    prop::collection::vec(write, 1..30)
}

fn query() -> impl Strategy<Value = String> {
    let one = prop_oneof![
        (0u8..4).prop_map(|id| format!("recipient=Patient/p{id}")),
        (0u8..4).prop_map(|id| format!("recipient=p{id}")),
        (0u8..4).prop_map(|id| format!("subject:Patient=p{id}")),
        (0u8..4, 0u8..4).prop_map(|(a, b)| format!("recipient=Patient/p{a},Practitioner/p{b}")),
        (0u8..3).prop_map(|id| format!("part-of=Communication/m{id}")),
        Just("part-of:missing=true".to_owned()),
        Just("part-of:missing=false".to_owned()),
        Just("category:missing=true".to_owned()),
        Just("sent:missing=true".to_owned()),
        Just("status=completed".to_owned()),
        Just("status=completed,preparation".to_owned()),
        Just("status:not=completed".to_owned()),
        (0u8..4).prop_map(|id| format!("identifier=http://ids|i{id}")),
        (0u8..4).prop_map(|id| format!("instantiates-canonical=http://plans/{id}")),
        (0u8..3, 0u8..3).prop_map(|(s, c)| format!("category=http://s{s}|c{c}")),
        (0u8..3).prop_map(|s| format!("category=http://s{s}|")),
        (0u8..12).prop_map(|id| format!("_id=m{id},m3")),
        (
            prop::sample::select(vec!["", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap"]),
            prop::sample::select(vec![
                "2024",
                "2024-02",
                "2024-02-10",
                "2024-02-10T10:30:00Z",
                "2023-06"
            ])
        )
            .prop_map(|(prefix, date)| format!("sent={prefix}{date}")),
        prop::sample::select(vec!["gt2020", "lt2020", "le2999", "eq2020"])
            .prop_map(|date| format!("_lastUpdated={date}")),
        (0u8..4).prop_map(|id| format!("_compartment=Patient/p{id}")),
        (0u8..4).prop_map(|id| format!("subject:Patient._id=p{id}")),
        Just("part-of:Communication.status=completed".to_owned()),
        Just("part-of:Communication.part-of:missing=true".to_owned()),
        Just("_has:Communication:part-of:status=completed".to_owned()),
    ];
    prop::collection::vec(one, 1..4).prop_map(|all| all.join("&"))
}

fn apply(store: &Store, write: &Write) {
    let id = format!("m{}", write.id);
    match &write.content {
        Some(content) => {
            let mut content = content.clone();
            content["id"] = id.into();
            put(store, &[content]);
        }
        None => {
            let transaction = store.begin();
            if let Some(current) = transaction.current("Communication", &id) {
                transaction.delete(&current);
            }
            transaction.commit().unwrap();
        }
    }
}

/// The ids that a search finds, and those that looking at everything finds.
fn both_ways(scope: &Scope<'_>, query: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let compiled = || filters(scope, "Communication", query).unwrap();
    let with_index = plan::matching(scope, "Communication", &compiled());
    let filters = compiled();
    let by_scan = scope.view.scan("Communication");
    let ids = |rows: Vec<std::sync::Arc<crate::store::Version>>| {
        rows.iter().map(|row| row.id.to_string()).collect()
    };
    let by_scan = by_scan
        .into_iter()
        .filter(|row| filters.iter().all(|f| f.matches(scope, &row.resource)))
        .collect();
    (ids(with_index), ids(by_scan))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_only_narrows(
        committed in writes(),
        staged in writes(),
        patients in prop::collection::vec(0u8..4, 0..4),
        queries in prop::collection::vec(query(), 1..6),
    ) {
        let store = store();
        for id in patients {
            put(&store, &[json!({ "resourceType": "Patient", "id": format!("p{id}") })]);
        }
        for write in &committed {
            apply(&store, write);
        }
        let policy = Policy::full_access();
        for query in &queries {
            let (indexed, scanned) = both_ways(&scope(&store, &policy), query);
            prop_assert_eq!(indexed, scanned, "{}", query);
        }
        // A transaction finds what it wrote itself, and nobody else does.
        let before: Vec<_> = store.scan("Communication");
        let transaction = store.begin();
        for write in &staged {
            let id = format!("m{}", write.id);
            match (&write.content, transaction.current("Communication", &id)) {
                (Some(content), known) => {
                    let draft = crate::store::Draft::new("Communication", id, content.clone());
                    match known.is_some() || transaction.newest("Communication", &format!("m{}", write.id)).is_some() {
                        true => transaction.replace(draft),
                        false => transaction.insert(draft),
                    };
                }
                (None, Some(current)) => { transaction.delete(&current); }
                (None, None) => {}
            }
        }
        for query in &queries {
            let (indexed, scanned) = both_ways(&scope(&transaction, &policy), query);
            prop_assert_eq!(indexed, scanned, "in a transaction: {}", query);
            let (indexed, scanned) = both_ways(&scope(&store, &policy), query);
            prop_assert_eq!(indexed, scanned, "beside a transaction: {}", query);
        }
        drop(transaction);
        prop_assert_eq!(store.scan("Communication").len(), before.len());
        // Indexed anew, as after a start on a data folder, it knows the same.
        store.index_for(BASE);
        for query in &queries {
            let (indexed, scanned) = both_ways(&scope(&store, &policy), query);
            prop_assert_eq!(indexed, scanned, "indexed anew: {}", query);
        }
    }

    /// What is walked in order is the beginning of all in that order.
    #[test]
    fn a_walk_keeps_the_order(committed in writes(), limit in 1usize..8, behind in prop::option::of(0usize..8), descending: bool, created: bool) {
        let store = store();
        for write in &committed {
            apply(&store, write);
        }
        let mut all = store.scan("Communication");
        let key = |row: &crate::store::Version| if created { row.created } else { row.sequence };
        all.sort_by_key(|row| key(row));
        if descending && !created {
            all.reverse();
        }
        let start = behind.filter(|behind| *behind < all.len());
        let place = start.map(|at| key(&all[at]));
        let order = match created {
            true => Order::Created { behind: place },
            false => Order::Updated { behind: place, descending },
        };
        let lookup = Lookup { order, limit: Some(limit), ..Lookup::default() };
        let walked: Vec<u64> = store.candidates("Communication", &lookup).unwrap().iter().map(|row| row.sequence).collect();
        let expected: Vec<u64> = all.iter().skip(start.map_or(0, |at| at + 1)).take(limit).map(|row| row.sequence).collect();
        prop_assert_eq!(walked, expected);
    }
}

/// A search by a recipient looks at its messages, not at all of them.
#[test]
fn few_are_looked_at() {
    let store = store();
    let messages: Vec<Value> = (0..500)
        .map(|n| {
            json!({ "resourceType": "Communication", "id": format!("m{n}"), "status": "completed",
                "sent": format!("2024-01-{:02}T00:00:00Z", n % 28 + 1),
                "identifier": [{ "value": format!("i{n}") }],
                "partOf": [{ "reference": format!("Communication/t{}", n % 50) }],
                "sender": { "reference": format!("Practitioner/s{}", n % 100) },
                "recipient": [{ "reference": format!("Practitioner/r{}", n % 25) }] })
        })
        .collect();
    put(&store, &messages);
    let policy = Policy::full_access();
    let scope = scope(&store, &policy);
    for (query, most) in [
        ("recipient=Practitioner/r3", 20),
        ("part-of=Communication/t7&status=completed", 10),
        ("status=completed&sender=Practitioner/s7", 5),
        ("identifier=i77", 1),
        ("_id=m3,m4", 2),
        ("part-of:missing=true", 0),
        ("sent=2024-01-05", 18),
        ("recipient=Practitioner/nobody", 0),
        ("_lastUpdated=lt2020", 0),
    ] {
        let filters = filters(&scope, "Communication", query).unwrap();
        let looked_at = plan::candidates(&scope, "Communication", &filters).len();
        assert!(looked_at <= most, "{query}: {looked_at}");
    }
}
