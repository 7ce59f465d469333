//! Several requests at once: batches, transactions and races; and what is waited for.

use std::time::Duration;

use super::expectation::Assertion;
use super::node::{Kind, Node};
use super::parse::{Made, MadeKind, Use, Wanted, is_valid_name};
use super::parse_expect::{assertions, expect, number};
use super::parse_step::{is_watched, time};
use super::parse_verb::{action, extras};
use super::read::{Fields, Findings};
use super::step::{Action, Delivery, Entry, Racer};
use super::template::Field;
use super::vocabulary::{self, ENTRY, RACER};

/// How long to wait for what the server sends, where nobody says so.
const WITHIN: Duration = Duration::from_secs(5);

pub(super) fn bundle(
    transaction: bool,
    node: &Node,
    findings: &mut Findings,
    uses: &mut Vec<Use>,
    made: &mut Vec<Made>,
) -> Option<Action> {
    let what = if transaction {
        "`transaction`"
    } else {
        "`batch`"
    };
    let (mut entries, mut faulty) = (Vec::new(), false);
    let (mut needed, mut own) = (Vec::new(), Vec::new());
    for item in findings.list(node, what) {
        let fields = Fields::read(item, &ENTRY, findings);
        if !matches!(item.kind, Kind::Map(_)) {
            continue;
        }
        let action = action(&fields, &ENTRY, findings, &mut needed, made);
        let extras = extras(&fields, findings, &mut needed);
        let expect = expect(
            fields.get("expect"),
            &vocabulary::EXPECT_ENTRY,
            findings,
            uses,
        );
        let capture = fields.get("capture").and_then(|node| {
            let name = findings.text(node, "`capture`")?;
            is_valid_name(&name, node.span, "a resource", findings);
            let watched = action.as_ref().is_some_and(is_watched);
            own.push(Made {
                name: name.clone(),
                span: node.span,
                kind: if watched {
                    MadeKind::Watched
                } else {
                    MadeKind::Resource
                },
            });
            Some(name)
        });
        let Some(action) = action else {
            faulty = true;
            continue;
        };
        for (key, fits) in [
            (
                "if-match",
                matches!(action.verb(), "update" | "patch" | "delete"),
            ),
            ("if-none-exist", action.verb() == "create"),
            (
                "body",
                matches!(action.verb(), "create" | "update" | "upsert" | "patch"),
            ),
            ("capture", !matches!(action.verb(), "search" | "delete")),
        ] {
            if let Some(entry) = fields.entry(key)
                && !fits
            {
                let message = format!("`{}` takes no `{key}`", action.verb());
                findings.error("scenario/value", message, entry.key_span, "not here", "");
            }
        }
        entries.push(Entry {
            action,
            extras,
            capture,
            expect,
        });
    }
    for usage in needed {
        let inside = own.iter().any(|made| made.name == usage.name);
        match usage.wanted {
            Wanted::Reference(Field::Reference) if inside && transaction => {}
            Wanted::Reference(_) if inside => findings.error(
                "scenario/capture-order",
                format!("`{}` has no id before the request", usage.name),
                usage.span,
                "made by another entry",
                if transaction {
                    "in a transaction only the reference itself stands for what another entry makes"
                } else {
                    "the entries of a batch know nothing of each other; make it a `transaction`"
                },
            ),
            _ => uses.push(usage),
        }
    }
    made.append(&mut own);
    if faulty {
        return None;
    }
    (!entries.is_empty()).then_some(()).or_else(|| {
        findings.wrong_kind(node, what, "a list of one request or more");
        None
    })?;
    Some(Action::Bundle {
        transaction,
        entries,
    })
}

pub(super) fn race(node: &Node, findings: &mut Findings, uses: &mut Vec<Use>) -> Option<Action> {
    let mut racers = Vec::new();
    let parts = findings.list(node, "`race`");
    for item in parts {
        let fields = Fields::read(item, &RACER, findings);
        if !matches!(item.kind, Kind::Map(_)) {
            continue;
        }
        let acting = fields.require("as", findings).and_then(|node| {
            let name = findings.text(node, "`as`")?;
            uses.push(Use {
                wanted: Wanted::Acting,
                name: name.clone(),
                span: node.span,
            });
            Some(name)
        });
        let action = action(&fields, &RACER, findings, uses, &mut Vec::new());
        let extras = extras(&fields, findings, uses);
        let expect = fields
            .get("expect")
            .map(|node| expect(Some(node), &vocabulary::EXPECT_ENTRY, findings, uses));
        if let (Some(actor), Some(action)) = (acting, action) {
            racers.push(Racer {
                actor,
                action,
                extras,
                expect,
            });
        }
    }
    let is_list = matches!(node.kind, Kind::List(_));
    if is_list && parts.len() < 2 {
        findings.error(
            "scenario/value",
            "a race has two parts or more",
            node.span,
            "nobody to race against",
            "",
        );
    }
    // A race without one of its parts is another one.
    (racers.len() == parts.len() && is_list).then_some(Action::Race(racers))
}

pub(super) fn delivery(
    node: &Node,
    findings: &mut Findings,
    uses: &mut Vec<Use>,
) -> Option<Action> {
    let fields = Fields::read(node, &vocabulary::DELIVERY, findings);
    let sink_node = fields.require("sink", findings)?;
    let sink = findings.text(sink_node, "`sink`")?;
    uses.push(Use {
        wanted: Wanted::Sink(None),
        name: sink.clone(),
        span: sink_node.span,
    });
    let matching: Vec<Assertion> = fields
        .get("match")
        .map(|node| assertions(node, "`match`", findings, uses))
        .unwrap_or_default();
    let count = match fields.get("count") {
        None => 1,
        Some(node) => usize::from(number(node, "`count`", 0..=1000, findings)?),
    };
    let within = match fields.get("within") {
        None => WITHIN,
        Some(node) => time(node, "`within`", findings)?,
    };
    Some(Action::Await(Delivery {
        sink,
        matching,
        count,
        within,
    }))
}
