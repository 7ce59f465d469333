//! After the last step: how the scenario ended, and why.

use super::player::Player;
use super::setup::Stop;
use crate::expect::{CellVerdict, Difference};
use crate::report::{Cell, SnapshotReport, StepVerdict, Verdict};
use crate::scenario::GIVEN;

impl Player<'_> {
    /// Whether a difference that says that somebody sees more only comes of a step that did not
    /// happen. What the policies do not allow never does.
    pub(super) fn is_consequence(&self, difference: &Difference) -> bool {
        let Some(undone) = &self.undone else {
            return false;
        };
        let place = |id: &str| self.snapshot.steps.iter().position(|step| step.step == id);
        match difference {
            Difference::Sight {
                step,
                actor,
                resource,
                ..
            } => {
                let later = match (place(step), place(undone)) {
                    (Some(step), Some(undone)) => step >= undone,
                    _ => false,
                };
                later
                    && self
                        .cells
                        .iter()
                        .find(|cell| {
                            cell.after == *step
                                && cell.actor == *actor
                                && cell.resource == *resource
                        })
                        .is_some_and(|cell| cell.verdict == CellVerdict::ExpectedAllow)
            }
            Difference::Matches { step, .. } | Difference::Outcome { step, .. } => {
                self.consequences.contains(step)
            }
            _ => false,
        }
    }

    /// The steps of the flow of which this server says nothing.
    pub(super) fn unplayed(&self) -> Unplayed {
        let mut unplayed = Unplayed {
            steps: Vec::new(),
            of: self.scenario.steps.len(),
            stopped: self.stopped.is_some(),
            unknown: Vec::new(),
        };
        for step in &self.scenario.steps {
            let found = self.steps.iter().find(|(id, _, _)| *id == step.id);
            let Some((id, verdict, problems)) = found else {
                continue;
            };
            match verdict {
                StepVerdict::Skipped | StepVerdict::Blocked => {
                    let why = problems.first().map(|p| p.message.clone());
                    unplayed.steps.push((id.clone(), why.unwrap_or_default()));
                }
                StepVerdict::Error | StepVerdict::Inconclusive => unplayed.unknown.push(id.clone()),
                StepVerdict::Passed | StepVerdict::Failed => {}
            }
            if *verdict == StepVerdict::Blocked && self.unknown.contains(id) {
                unplayed.unknown.push(id.clone());
            }
        }
        unplayed
    }

    pub(super) fn verdict(
        &self,
        snapshot: &SnapshotReport,
        unplayed: &Unplayed,
    ) -> (Verdict, Option<String>) {
        if let Some(reason) = &self.spoiled {
            // Whatever was seen may be somebody else's doing.
            return (Verdict::Error, Some(reason.clone()));
        }
        let with = |verdict| {
            self.cells
                .iter()
                .filter(move |cell| cell.verdict == verdict)
        };
        let step = |verdict| {
            self.steps
                .iter()
                .find(move |(_, found, _)| *found == verdict)
                .map(|(id, _, problems)| {
                    let why = problems.first().map(|p| p.message.as_str());
                    format!("step {id}: {}", why.unwrap_or_default())
                })
        };
        if let Some(cell) = with(CellVerdict::UnexpectedAllow).next() {
            return (Verdict::Failed, Some(sentence(cell)));
        }
        if let Some(reason) = step(StepVerdict::Failed) {
            return (Verdict::Failed, Some(reason));
        }
        if let Some(cell) = with(CellVerdict::UnexpectedDeny).next() {
            return (Verdict::Failed, Some(sentence(cell)));
        }
        let differs = || {
            let differences = snapshot.diff.as_deref().unwrap_or_default();
            let reason = match differences {
                [] => "no snapshot".to_owned(),
                [only] => only.clone(),
                [first, rest @ ..] => format!("{first}, and {} more", rest.len()),
            };
            (Verdict::Failed, Some(format!("snapshot: {reason}")))
        };
        // A leak is a leak whatever else went wrong; any other difference may come of what did.
        if snapshot.widening {
            return differs();
        }
        match &self.stopped {
            Some(Stop::Cancelled) => {
                return (Verdict::Skipped, Some("interrupted".to_owned()));
            }
            Some(Stop::NotOffered(reason)) => return (Verdict::Skipped, Some(reason.clone())),
            Some(Stop::Error(reason)) => return (Verdict::Error, Some(reason.clone())),
            None => {}
        }
        if let Some(reason) = step(StepVerdict::Error) {
            return (Verdict::Error, Some(reason));
        }
        for verdict in [CellVerdict::Error, CellVerdict::Skipped] {
            if let Some(cell) = with(verdict).next() {
                return (Verdict::Error, Some(sentence(cell)));
            }
        }
        if snapshot.verdict.is_failure() {
            return differs();
        }
        if let Some(reason) = step(StepVerdict::Inconclusive) {
            return (Verdict::Inconclusive, Some(reason));
        }
        if let Some(cell) = with(CellVerdict::Inconclusive).next() {
            return (Verdict::Inconclusive, Some(sentence(cell)));
        }
        let unjudged = self.project.enforces_policies().err();
        let mut notes: Vec<String> = Vec::new();
        notes.extend(unjudged.map(|why| format!("who sees what is not judged: {why}")));
        // Why is said once for all of them where it is the server.
        if notes.is_empty() {
            notes.extend(unplayed.note());
        }
        (
            Verdict::Passed,
            (!notes.is_empty()).then(|| notes.join("; ")),
        )
    }
}

/// Steps of a flow that were not played, or of which it cannot be told whether they hold.
#[derive(Debug)]
pub(super) struct Unplayed {
    /// With the reason of each.
    steps: Vec<(String, String)>,
    /// How many steps the flow has.
    of: usize,
    /// Whether something ended the scenario before its last step.
    stopped: bool,
    /// Steps that should have been played, and of which nobody knows.
    unknown: Vec<String>,
}

impl Unplayed {
    /// Why nothing is proved, where no step of the flow was judged and nothing is wrong.
    pub(super) fn nothing_judged(&self) -> Option<String> {
        let (first, why) = self.steps.first()?;
        let nothing = self.steps.len() == self.of && !self.stopped && self.unknown.is_empty();
        nothing.then(|| format!("no step of the flow was judged: step {first}: {why}"))
    }

    /// Whether all that is missing is what the server does not offer.
    pub(super) fn is_partly_offered(&self) -> bool {
        let some = !self.steps.is_empty() && self.steps.len() < self.of;
        some && !self.stopped && self.unknown.is_empty()
    }

    fn note(&self) -> Option<String> {
        if self.steps.is_empty() {
            return None;
        }
        let told: Vec<String> = self
            .steps
            .iter()
            .map(|(id, why)| format!("{id} ({why})"))
            .collect();
        Some(format!(
            "partly played, {} of {} steps were not judged: {}",
            self.steps.len(),
            self.of,
            told.join("; ")
        ))
    }
}

/// A cell in one line.
fn sentence(cell: &Cell) -> String {
    let after = if cell.after == GIVEN {
        "in the given state".to_owned()
    } else {
        format!("after step {}", cell.after)
    };
    let (actor, resource) = (&cell.actor, &cell.resource);
    match cell.verdict {
        CellVerdict::UnexpectedAllow => {
            let known = known(cell);
            format!("leak: {actor} sees {resource} {after}, and no policy allows it{known}")
        }
        CellVerdict::UnexpectedDeny => {
            let known = known(cell);
            format!("{actor} does not see {resource} {after}, and a policy allows it{known}")
        }
        _ => {
            let why = cell.reason.as_deref().unwrap_or("no usable answer");
            format!("{actor} and {resource} {after}: {why}")
        }
    }
}

fn known(cell: &Cell) -> String {
    match cell.departures.first() {
        None => String::new(),
        Some(known) => format!(" ({}: {})", known.id, known.why),
    }
}
