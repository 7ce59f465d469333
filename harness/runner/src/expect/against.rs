//! Two servers, or one twice: what of the same scenarios they do differently.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::diff::{Difference, Recorded, compare, names};
use super::noise::covers;
use super::snapshot::Snapshot;
use crate::report::{Report, ScenarioReport, Verdict};

/// What a run saw of a scenario, in names that hold for every server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// What happened.
    pub snapshot: Snapshot,
    /// The steps of which nothing can be said.
    pub unknown: BTreeSet<String>,
}

/// What two servers do differently.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Comparison {
    /// The first server.
    pub a: String,
    /// The other one.
    pub b: String,
    /// The scenarios, in the order of the suite.
    pub scenarios: Vec<ScenarioComparison>,
}

/// What two servers do differently in a scenario.
#[derive(Debug, Clone, Serialize)]
pub struct ScenarioComparison {
    /// The scenario, `page/id`.
    pub scenario: String,
    /// How it ended on the first server.
    pub on_a: Verdict,
    /// How it ended on the other.
    pub on_b: Verdict,
    /// The differences.
    pub differences: Vec<Unlike>,
    /// How many differences were left out, because the first server differs there from itself.
    pub noise: usize,
    /// Steps that could not be compared, and on which server nothing was seen.
    pub unknown: Vec<String>,
    /// Why nothing could be compared.
    pub reason: Option<String>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unlike {
    /// What kind.
    pub kind: UnlikeKind,
    /// The step, or `given`.
    pub step: String,
    /// In one line.
    pub message: String,
}

/// How much a difference matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UnlikeKind {
    /// Somebody sees a resource on one server and not on the other.
    Sight,
    /// A step succeeds on one and not on the other, or finds something else.
    Result,
    /// Both do the same and say it differently: another status, another order.
    Shape,
}

impl fmt::Display for UnlikeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sight => "sight",
            Self::Result => "result",
            Self::Shape => "shape",
        })
    }
}

impl Comparison {
    /// Compares two runs of a suite. `again` is a second run against the first server: what differs
    /// between the two is noise.
    pub fn of(a: &Report, again: Option<&Report>, b: &Report) -> Self {
        let scenarios = a
            .scenarios
            .iter()
            .map(|one| {
                let find = |report: &'_ Report| -> Option<usize> {
                    let mut all = report.scenarios.iter();
                    all.position(|other| is_same(one, other))
                };
                let other = find(b).and_then(|at| b.scenarios.get(at));
                let twin =
                    again.and_then(|again| find(again).and_then(|at| again.scenarios.get(at)));
                ScenarioComparison::of(one, twin, other)
            })
            .collect();
        Self {
            a: a.server.url.clone(),
            b: b.server.url.clone(),
            scenarios,
        }
    }

    /// All differences, with their scenarios.
    pub fn differences(&self) -> impl Iterator<Item = (&ScenarioComparison, &Unlike)> {
        self.scenarios.iter().flat_map(|scenario| {
            scenario
                .differences
                .iter()
                .map(move |unlike| (scenario, unlike))
        })
    }

    /// How many scenarios could not be compared, in whole or in part.
    pub fn incomplete(&self) -> usize {
        let is_incomplete =
            |one: &&ScenarioComparison| one.reason.is_some() || !one.unknown.is_empty();
        self.scenarios.iter().filter(is_incomplete).count()
    }
}

fn is_same(one: &ScenarioReport, other: &ScenarioReport) -> bool {
    one.info.page == other.info.page && one.info.id == other.info.id
}

impl ScenarioComparison {
    fn of(a: &ScenarioReport, again: Option<&ScenarioReport>, b: Option<&ScenarioReport>) -> Self {
        let mut compared = Self {
            scenario: format!("{}/{}", a.info.page, a.info.id),
            on_a: a.verdict,
            on_b: b.map_or(Verdict::Skipped, |b| b.verdict),
            differences: Vec::new(),
            noise: 0,
            unknown: Vec::new(),
            reason: None,
        };
        let (Some(on_a), Some(on_b)) = (
            a.snapshot.seen.as_deref(),
            b.and_then(|b| b.snapshot.seen.as_deref()),
        ) else {
            let told = |name: &str, reason: Option<&String>| match reason {
                Some(reason) => format!("{name}: {reason}"),
                None => format!("nothing was seen on {name}"),
            };
            compared.reason = Some(if a.snapshot.seen.is_none() {
                told("A", a.reason.as_ref())
            } else {
                told("B", b.and_then(|b| b.reason.as_ref()))
            });
            return compared;
        };
        let unknown: BTreeSet<String> = on_a.unknown.union(&on_b.unknown).cloned().collect();
        let noisy = again
            .and_then(|again| again.snapshot.seen.as_deref())
            .map(|again| compare(&on_a.snapshot, &again.snapshot, &again.unknown))
            .unwrap_or_default();
        for difference in compare(&on_a.snapshot, &on_b.snapshot, &unknown) {
            if noisy
                .iter()
                .any(|noise| is_about_the_same(noise, &difference))
                || covers(&on_b.snapshot.noise, &difference)
            {
                compared.noise += 1;
            } else {
                compared.differences.push(told(&difference));
            }
        }
        compared.differences.sort_by_key(|unlike| unlike.kind);
        let on = |step: &String| {
            let a = if on_a.unknown.contains(step) { "A" } else { "" };
            let b = if on_b.unknown.contains(step) { "B" } else { "" };
            let and = if !a.is_empty() && !b.is_empty() {
                " and "
            } else {
                ""
            };
            format!("{step}: nothing can be said on {a}{and}{b}")
        };
        compared.unknown = unknown.iter().map(on).collect();
        compared
    }
}

/// Whether two differences are about the same step, actor, resource and aspect.
fn is_about_the_same(one: &Difference, other: &Difference) -> bool {
    use Difference::{Actor, Field, Matches, Order, Outcome, Sight};
    one.step() == other.step()
        && match (one, other) {
            (
                Sight {
                    actor, resource, ..
                },
                Sight {
                    actor: actor2,
                    resource: resource2,
                    ..
                },
            ) => actor == actor2 && resource == resource2,
            (Field { path, .. }, Field { path: path2, .. }) => path == path2,
            (Actor { actor, .. }, Actor { actor: actor2, .. }) => actor == actor2,
            (Outcome { .. }, Outcome { .. })
            | (Matches { .. } | Order { .. }, Matches { .. } | Order { .. }) => true,
            _ => one == other,
        }
}

/// A difference in the words of a comparison: what is on A, what is on B.
fn told(difference: &Difference) -> Unlike {
    let nothing = || "nothing".to_owned();
    let (kind, message) = match difference {
        Difference::Sight {
            actor,
            resource,
            was,
            is,
            ..
        } => (
            UnlikeKind::Sight,
            format!("{resource} is {was} for {actor} on A, {is} on B"),
        ),
        Difference::Outcome { was, is, .. } => (
            if class(was) == class(is) {
                UnlikeKind::Shape
            } else {
                UnlikeKind::Result
            },
            format!("{was} on A, {is} on B"),
        ),
        Difference::Matches { gained, lost, .. } => (
            UnlikeKind::Result,
            format!(
                "finds {} only on A, {} only on B",
                names(lost),
                names(gained)
            ),
        ),
        Difference::Order { is, .. } => (
            UnlikeKind::Shape,
            format!("another order on B: {}", names(is)),
        ),
        Difference::Field { path, was, is, .. } => (
            UnlikeKind::Result,
            format!(
                "{path} is {} on A, {} on B",
                was.clone().unwrap_or_else(nothing),
                is.clone().unwrap_or_else(nothing)
            ),
        ),
        Difference::NewStep(_) => (UnlikeKind::Result, "seen on B only".to_owned()),
        Difference::LostStep(_) => (UnlikeKind::Result, "seen on A only".to_owned()),
        Difference::Actor { actor, new, .. } => (
            UnlikeKind::Result,
            format!("{actor} looks on {} only", if *new { "B" } else { "A" }),
        ),
        Difference::Shape { what, .. } => (UnlikeKind::Result, one_sided(what)),
    };
    Unlike {
        kind,
        step: difference.step().to_owned(),
        message,
    }
}

/// What only one of two servers gave anything to record of.
fn one_sided(what: &Recorded) -> String {
    match what {
        Recorded::OutcomeGone(was) => format!("ends on A only: {was}"),
        Recorded::OutcomeNew(is) => format!("ends on B only: {is}"),
        Recorded::MatchesGone(was) => format!("finds {} on A, and is no search on B", names(was)),
        Recorded::NothingFound => "finds nothing on B, and is no search on A".to_owned(),
        Recorded::SeesGone(was) => {
            let each = was
                .iter()
                .map(|(actor, seen)| format!("{actor} sees {}", names(seen)));
            let each: Vec<String> = each.collect();
            format!("looked at on A only: {}", each.join("; "))
        }
    }
}

/// Whether an outcome such as `404 not-found` is a success, a refusal, or an error.
fn class(outcome: &str) -> u8 {
    match outcome.as_bytes() {
        [b'2', ..] => 2,
        [b'4', ..] => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use fhirward_engine::source::Source;
    use rstest::rstest;

    use super::*;
    use crate::report::{ScenarioInfo, SnapshotReport, SnapshotVerdict};

    fn report(url: &str, seen: Option<&str>, unknown: &[&str]) -> Report {
        let mut snapshot = SnapshotReport::of(SnapshotVerdict::NotCompared);
        snapshot.seen = seen.map(|text| {
            Box::new(Seen {
                snapshot: Snapshot::parse(&Source::new("x", text)).unwrap(),
                unknown: unknown.iter().map(|&step| step.to_owned()).collect(),
            })
        });
        let mut report = Report::default();
        report.server.url = url.to_owned();
        report.scenarios.push(ScenarioReport {
            info: ScenarioInfo {
                index: 0,
                id: "flow".into(),
                title: "Flow".into(),
                page: "page".into(),
                file: "page/flow.yaml".into(),
                planned_steps: 1,
            },
            verdict: Verdict::Passed,
            not_offered: None,
            reason: None,
            duration_ms: 0,
            steps: Vec::new(),
            matrix: Vec::new(),
            snapshot,
            cleanup: crate::report::CleanupReport::default(),
        });
        report
    }

    #[rstest]
    #[case::equal("s: { outcome: 200 }", "s: { outcome: 200 }", &[])]
    #[case::status("s: { outcome: 200 }", "s: { outcome: 204 }", &["shape s: 200 on A, 204 on B"])]
    #[case::refusal("s: { outcome: 403 }", "s: { outcome: 404 not-found }", &["shape s: 403 on A, 404 not-found on B"])]
    #[case::got_through("s: { outcome: 403 }", "s: { outcome: 200 }", &["result s: 403 on A, 200 on B"])]
    #[case::found("s: { matches: [a, b] }", "s: { matches: [b, c] }", &["result s: finds a only on A, c only on B"])]
    #[case::order("s: { matches: [a, b] }", "s: { matches: [b, a] }", &["shape s: another order on B: b, a"])]
    #[case::sight(
        "s: { outcome: 200, sees: { x: [m] } }", "s: { outcome: 201, sees: { x: [] } }",
        &["sight s: m is visible for x on A, hidden on B", "shape s: 200 on A, 201 on B"],
    )]
    #[case::no_search_on_b("s: { matches: [a] }", "s: { outcome: 200 }", &["result s: ends on B only: 200", "result s: finds a on A, and is no search on B"])]
    #[case::looked_at_on_a(
        "s: { outcome: 200, sees: { x: [m], y: [] } }", "s: { outcome: 200 }",
        &["result s: looked at on A only: x sees m; y sees nothing"],
    )]
    #[case::only_one("{}", "s: { outcome: 200 }", &["result s: seen on B only"])]
    fn differences(#[case] a: &str, #[case] b: &str, #[case] expected: &[&str]) {
        let compared = Comparison::of(&report("a", Some(a), &[]), None, &report("b", Some(b), &[]));
        let found: Vec<String> = compared
            .differences()
            .map(|(_, unlike)| format!("{} {}: {}", unlike.kind, unlike.step, unlike.message))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(compared.incomplete(), 0);
    }

    #[test]
    fn what_differs_on_one_server_is_noise() {
        let a = report(
            "a",
            Some("s: { matches: [a, b] }\nt: { outcome: 200 }"),
            &[],
        );
        let again = report(
            "a",
            Some("s: { matches: [b, a] }\nt: { outcome: 200 }"),
            &[],
        );
        let b = report(
            "b",
            Some("s: { matches: [b, a] }\nt: { outcome: 404 }"),
            &[],
        );
        let compared = Comparison::of(&a, Some(&again), &b);
        let scenario = &compared.scenarios[0];
        assert_eq!(scenario.noise, 1);
        assert_eq!(scenario.differences.len(), 1);
        assert_eq!(scenario.differences[0].step, "t");
    }

    #[test]
    fn what_nobody_saw_is_not_compared_and_told() {
        let a = report("a", Some("s: { outcome: 200 }"), &[]);
        let b = report("b", Some("{}"), &["s"]);
        let compared = Comparison::of(&a, None, &b);
        assert_eq!(compared.differences().count(), 0);
        assert_eq!(
            compared.scenarios[0].unknown,
            ["s: nothing can be said on B"]
        );
        let nothing = report("b", None, &[]);
        let compared = Comparison::of(&a, None, &nothing);
        assert!(compared.scenarios[0].reason.is_some());
        assert_eq!(compared.incomplete(), 1);
    }
}
