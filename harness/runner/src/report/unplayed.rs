//! The steps that came to nothing in a scenario that was played, and why: what a verdict does not
//! speak of.

use super::event::{StepReport, StepVerdict, Verdict};
use super::model::{Report, ScenarioReport};
use crate::scenario::plural;

/// Steps that were not played, or not judged, for one reason.
#[derive(Debug)]
struct Unplayed<'r> {
    played: bool,
    steps: Vec<&'r str>,
    reason: &'r str,
}

/// Whether nothing came of a step.
fn is_open(step: &&StepReport) -> bool {
    matches!(step.verdict, StepVerdict::Skipped | StepVerdict::Blocked)
}

/// The steps of a scenario of which nothing came. Of a scenario in which no step was played its own
/// reason says it all.
fn steps(scenario: &ScenarioReport) -> Vec<&StepReport> {
    let open: Vec<&StepReport> = scenario.steps.iter().filter(is_open).collect();
    let nothing = scenario.verdict != Verdict::Passed && open.len() == scenario.steps.len();
    if nothing { Vec::new() } else { open }
}

/// A line for each reason: `not played: 2 of 5 steps (b, c): why`.
pub(super) fn lines(scenario: &ScenarioReport) -> Vec<String> {
    let mut groups: Vec<Unplayed<'_>> = Vec::new();
    for step in steps(scenario) {
        let reason = step.problems.first().map_or("", |p| p.message.as_str());
        // A grant has no status; what its `see` cannot tell was played.
        let played = step.status.is_some() || reason.starts_with("see: ");
        match groups
            .iter_mut()
            .find(|group| (group.played, group.reason) == (played, reason))
        {
            Some(group) => group.steps.push(&step.id),
            None => groups.push(Unplayed {
                played,
                steps: vec![&step.id],
                reason,
            }),
        }
    }
    let all = plural(scenario.steps.len(), "step");
    groups
        .iter()
        .map(|group| {
            let what = if group.played { "judged" } else { "played" };
            let (count, names) = (group.steps.len(), group.steps.join(", "));
            let why = Some(group.reason).filter(|reason| !reason.is_empty());
            let why = why.map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("not {what}: {count} of {all} ({names}){why}")
        })
        .collect()
}

/// What was selected and came to nothing: `3 steps of 1 scenario, and 2 scenarios as a whole`.
pub(super) fn of_run(report: &Report) -> Option<String> {
    let open: Vec<usize> = report
        .scenarios
        .iter()
        .map(|scenario| steps(scenario).len())
        .filter(|count| *count > 0)
        .collect();
    let skipped = report.summary().skipped;
    let mut parts = Vec::new();
    if !open.is_empty() {
        parts.push(format!(
            "{} of {}",
            plural(open.iter().sum(), "step"),
            plural(open.len(), "scenario")
        ));
    }
    if skipped > 0 {
        parts.push(format!("{} as a whole", plural(skipped, "scenario")));
    }
    (!parts.is_empty()).then(|| parts.join(", and "))
}
