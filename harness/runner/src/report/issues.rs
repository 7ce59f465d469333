//! What is wrong with a run, flat and worst first: what SARIF, annotations and summaries list.

use sha2::{Digest, Sha256};

use super::event::{Cell, SnapshotVerdict, StateReport, StepReport, StepVerdict, Verdict};
use super::grid::{self, Grid, Mark, moment};
use super::model::{Report, ScenarioReport};
pub(super) use super::why::Place;
use super::why::{self, Why};
use crate::expect::CellVerdict;
use crate::scenario::plural;

/// Hexadecimal digits of a fingerprint: enough to be unique in a repository.
const DIGITS: usize = 16;

/// The kinds of findings, the worst first. Their ids are stable: alerts are recognised by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Rule {
    Leak,
    StepLeak,
    Widening,
    Missing,
    Step,
    Snapshot,
    Obsolete,
    CouldNotTell,
    Cleanup,
}

impl Rule {
    pub(super) const ALL: [Self; 9] = [
        Self::Leak,
        Self::StepLeak,
        Self::Widening,
        Self::Missing,
        Self::Step,
        Self::Snapshot,
        Self::Obsolete,
        Self::CouldNotTell,
        Self::Cleanup,
    ];

    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::StepLeak => "leak-by-step",
            Self::Widening => "snapshot-widened",
            Self::Missing => "access-missing",
            Self::Step => "step-mismatch",
            Self::Snapshot => "snapshot-mismatch",
            Self::Obsolete => "snapshot-obsolete",
            Self::CouldNotTell => "could-not-tell",
            Self::Cleanup => "left-behind",
        }
    }

    pub(super) fn summary(self) -> &'static str {
        match self {
            Self::Leak => "Somebody sees a resource that no policy lets them see",
            Self::StepLeak => "A step that must be refused got through",
            Self::Widening => "Somebody sees more than the snapshot says",
            Self::Missing => "Somebody does not see a resource that a policy lets them see",
            Self::Step => "The server answers a step otherwise than the scenario says",
            Self::Snapshot => "What happened is not what the snapshot says",
            Self::Obsolete => "A snapshot has no scenario any more",
            Self::CouldNotTell => "The run could not tell",
            Self::Cleanup => "What the run created could not be removed",
        }
    }

    pub(super) fn is_leak(self) -> bool {
        matches!(self, Self::Leak | Self::StepLeak | Self::Widening)
    }

    /// Whether the server did something else. The others say something about the run.
    pub(super) fn is_of_server(self) -> bool {
        !matches!(self, Self::CouldNotTell | Self::Cleanup)
    }
}

/// Something that is wrong.
#[derive(Debug, Clone)]
pub(super) struct Issue<'r> {
    pub(super) rule: Rule,
    pub(super) scenario: Option<&'r ScenarioReport>,
    /// Who, what and when, as far as it is about one cell or step.
    pub(super) cell: Option<&'r Cell>,
    pub(super) message: String,
    pub(super) details: Vec<String>,
    pub(super) place: Option<Place>,
    pub(super) related: Vec<Place>,
    /// What stays the same while the texts around it change.
    key: Vec<String>,
}

impl Issue<'_> {
    /// What keeps a finding the same finding from run to run: its kind, the scenario, the step and
    /// the cell; neither lines nor words.
    pub(super) fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let scenario = self.scenario.map(name).unwrap_or_default();
        for part in [self.rule.id(), &scenario]
            .into_iter()
            .chain(self.key.iter().map(String::as_str))
        {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let digest: String = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        digest.chars().take(DIGITS).collect()
    }

    /// The message with all that belongs to it, a line each.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![self.message.clone()];
        lines.extend(self.details.iter().cloned());
        lines.join("\n")
    }
}

/// `page/id`.
pub(super) fn name(scenario: &ScenarioReport) -> String {
    format!("{}/{}", scenario.info.page, scenario.info.id)
}

/// Everything that is wrong, the worst first, otherwise in the order of the report.
pub(super) fn all(report: &Report) -> Vec<Issue<'_>> {
    let mut issues = Vec::new();
    if let Some((reason, help)) = &report.aborted {
        issues.push(Issue {
            rule: Rule::CouldNotTell,
            scenario: None,
            cell: None,
            message: format!("the run could not begin: {reason}"),
            details: Some(help.clone())
                .filter(|h| !h.is_empty())
                .into_iter()
                .collect(),
            place: None,
            related: Vec::new(),
            key: vec!["run".to_owned()],
        });
    }
    if let Some((key, message)) = left_open(report) {
        issues.push(Issue {
            rule: Rule::CouldNotTell,
            scenario: None,
            cell: None,
            message,
            details: Vec::new(),
            place: None,
            related: Vec::new(),
            key: vec![key.to_owned()],
        });
    }
    for state in &report.states {
        issues.extend(of_state(state));
    }
    for scenario in &report.scenarios {
        let before = issues.len();
        of_steps(report, scenario, &mut issues);
        of_cells(report, scenario, &mut issues);
        of_snapshot(report, scenario, &mut issues);
        // What keeps several from being played is one thing, and told once.
        let by_state =
            |state: &StateReport| state.reason.is_some() && state.reason == scenario.reason;
        let told =
            issues.len() > before || report.aborted.is_some() || report.states.iter().any(by_state);
        if !told && let Some(reason) = unexplained(scenario) {
            issues.push(issue(Rule::CouldNotTell, scenario, reason, &["scenario"]));
        }
        for problem in &scenario.cleanup.problems {
            issues.push(issue(Rule::Cleanup, scenario, problem.clone(), &[problem]));
        }
    }
    for file in &report.obsolete {
        let (message, help) = obsolete(report, file);
        issues.push(Issue {
            rule: Rule::Obsolete,
            scenario: None,
            cell: None,
            message,
            details: vec![help],
            place: Some(Place {
                file: file.clone(),
                line: None,
                text: String::new(),
            }),
            related: Vec::new(),
            key: vec![file.clone()],
        });
    }
    let of_run = |rule, message: &str, key: &str| Issue {
        rule,
        scenario: None,
        cell: None,
        message: message.to_owned(),
        details: Vec::new(),
        place: None,
        related: Vec::new(),
        key: vec![key.to_owned()],
    };
    let states = report.states.iter().map(|state| &state.cleanup);
    for problem in states.chain([&report.cleanup]).flat_map(|c| &c.problems) {
        issues.push(of_run(Rule::Cleanup, problem, problem));
    }
    for warning in &report.summary().warnings {
        issues.push(of_run(Rule::CouldNotTell, warning, "warning"));
    }
    issues.sort_by_key(|issue| issue.rule);
    issues
}

/// Why a run that could begin leaves open what it was to find out: a word for it, and a sentence.
pub(super) fn left_open(report: &Report) -> Option<(&'static str, String)> {
    let skipped = |scenario: &&ScenarioReport| scenario.verdict == Verdict::Skipped;
    let ended = report.scenarios.iter().filter(|one| !skipped(one)).count();
    if report.aborted.is_some() {
        None
    } else if report.interrupted {
        let text = format!(
            "the run was interrupted: {ended} of {} came to an end",
            plural(report.selected, "scenario")
        );
        Some(("interrupted", text))
    } else if report.selected == 0 {
        let text = "no scenario selected: nothing was played, and nothing is proved";
        Some(("nothing-selected", text.to_owned()))
    } else if ended == 0 {
        let mut text = format!(
            "none of {} was played, and nothing is proved",
            plural(report.selected, "scenario")
        );
        let reason = |one: &ScenarioReport| one.not_offered.clone().or_else(|| one.reason.clone());
        if let Some(first) = report.scenarios.iter().find_map(reason) {
            text.push_str(&format!(": {first}"));
        }
        Some(("nothing-played", text))
    } else {
        None
    }
}

/// Why a state that scenarios share could not be built.
fn of_state(state: &StateReport) -> Option<Issue<'_>> {
    let reason = state.reason.clone()?;
    let wrong = |step: &&StepReport| step.verdict == StepVerdict::Error;
    let (file, line) = match state.steps.iter().find(wrong) {
        Some(step) => (step.file.clone(), step.line),
        None => (state.file.clone(), 1),
    };
    Some(Issue {
        rule: Rule::CouldNotTell,
        scenario: None,
        cell: None,
        message: reason,
        details: vec![format!("not played: {}", state.scenarios.join(", "))],
        place: Some(Place {
            file,
            line: Some(line),
            text: String::new(),
        }),
        related: Vec::new(),
        key: vec!["state".to_owned(), state.state.clone()],
    })
}

/// What is wrong with a snapshot file that nobody needs, and what to do about it.
pub(super) fn obsolete(report: &Report, file: &str) -> (String, String) {
    let name = file.rsplit('/').next().unwrap_or(file);
    let of = name.trim_end_matches(".snap.yaml").split('@').next();
    let is_played = report.scenarios.iter().any(|one| Some(&*one.info.id) == of);
    if name.contains('@') && is_played {
        let message = format!("the snapshot {file} says the same as the common one");
        return (message, format!("delete it: git rm {file}"));
    }
    (
        format!("the snapshot {file} has no scenario any more"),
        format!("delete it: git rm {file}; or give its scenario the old name again"),
    )
}

/// Why a scenario did not pass, where no step, cell or snapshot says it.
fn unexplained(scenario: &ScenarioReport) -> Option<String> {
    matches!(
        scenario.verdict,
        Verdict::Error | Verdict::Failed | Verdict::Inconclusive
    )
    .then(|| scenario.reason.clone())?
}

fn issue<'r>(rule: Rule, scenario: &'r ScenarioReport, message: String, key: &[&str]) -> Issue<'r> {
    Issue {
        rule,
        scenario: Some(scenario),
        cell: None,
        message,
        details: Vec::new(),
        place: Some(Place {
            file: scenario.info.file.clone(),
            line: Some(1),
            text: String::new(),
        }),
        related: Vec::new(),
        key: key.iter().map(|part| (*part).to_owned()).collect(),
    }
}

fn of_steps<'r>(report: &'r Report, scenario: &'r ScenarioReport, issues: &mut Vec<Issue<'r>>) {
    for step in &scenario.steps {
        let usual = match step.verdict {
            StepVerdict::Failed => Rule::Step,
            StepVerdict::Error | StepVerdict::Inconclusive => Rule::CouldNotTell,
            // What follows from something else is not counted again.
            StepVerdict::Passed | StepVerdict::Blocked | StepVerdict::Skipped => continue,
        };
        let mut own = false;
        for (at, problem) in step.problems.iter().enumerate() {
            if let (true, true, Some(last)) = (problem.remark, own, issues.last_mut()) {
                last.details.push(problem.message.clone());
                continue;
            }
            own = true;
            let rule = if problem.leak { Rule::StepLeak } else { usual };
            let message = format!(
                "{}: step {}: {}",
                scenario.info.id, step.id, problem.message
            );
            let mut found = issue(
                rule,
                scenario,
                message,
                &["step", &step.id, &at.to_string()],
            );
            found
                .details
                .push(format!("{} {} {}", step.actor, step.verb, step.target));
            found.details.extend(problem.help.clone());
            found.cell = why::cells(scenario, step, problem).first().copied();
            for why in Why::of_problem(report, scenario, step, problem) {
                found.details.push(why.line());
                add(&mut found.related, why.places);
            }
            found.place = Some(Place {
                file: step.file.clone(),
                line: Some(step.line),
                text: String::new(),
            });
            issues.push(found);
        }
    }
}

/// Places that are not there yet.
fn add(places: &mut Vec<Place>, more: Vec<Place>) {
    for place in more {
        if !places.contains(&place) {
            places.push(place);
        }
    }
}

/// The wrong cells. What goes wrong in the same way after several steps is one finding.
fn of_cells<'r>(report: &Report, scenario: &'r ScenarioReport, issues: &mut Vec<Issue<'r>>) {
    let mut told: Vec<(&'r Cell, Vec<&'r str>)> = Vec::new();
    for grid in Grid::all(scenario) {
        for cell in grid.wrong() {
            let same = |known: &&mut (&Cell, Vec<&str>)| {
                let known = known.0;
                (&known.actor, &known.resource, known.verdict)
                    == (&cell.actor, &cell.resource, cell.verdict)
            };
            match told.iter_mut().find(same) {
                Some((_, again)) => again.push(grid.after),
                None => told.push((cell, Vec::new())),
            }
        }
    }
    for (cell, again) in told {
        let rule = match cell.verdict {
            CellVerdict::UnexpectedAllow => Rule::Leak,
            CellVerdict::UnexpectedDeny => Rule::Missing,
            _ => Rule::CouldNotTell,
        };
        // The kind of finding says that it is a leak.
        let sentence = sentence(cell);
        let sentence = sentence.trim_start_matches("leak: ");
        let mut message = format!("{}: {sentence}", scenario.info.id);
        if !again.is_empty() {
            message.push_str(&format!(", and the same after {}", again.join(", ")));
        }
        let mut found = issue(
            rule,
            scenario,
            message,
            &["cell", &cell.after, &cell.actor, &cell.resource],
        );
        found.cell = Some(cell);
        found.details.extend(more(cell));
        found.details.extend(
            cell.explanation
                .iter()
                .flat_map(|text| text.lines())
                .map(str::to_owned),
        );
        let (file, line) = grid::place(scenario, &cell.after);
        found.place = Some(Place {
            file: file.to_owned(),
            line: Some(line),
            text: String::new(),
        });
        found.related = policies(report, cell);
        issues.push(found);
    }
}

/// The policies of a wrong cell: the entry that decides, and the others by their files.
pub(super) fn policies(report: &Report, cell: &Cell) -> Vec<Place> {
    let deciding = cell.entry.as_deref().or(cell.nearest_miss.as_deref());
    let of_cell = |name: &str| cell.policies.iter().any(|policy| policy == name);
    report
        .policies
        .iter()
        .filter(|policy| of_cell(&policy.name))
        .map(|policy| {
            let line = deciding.and_then(|text| policy.line_of(text));
            Place {
                file: policy.file.clone(),
                line,
                text: match (line, deciding) {
                    (Some(_), Some(text)) if cell.entry.is_some() => format!("allowed by {text}"),
                    (Some(_), Some(text)) => format!("comes nearest: {text}"),
                    _ => format!("policy {} of {}", policy.name, cell.actor),
                },
            }
        })
        .collect()
}

fn of_snapshot<'r>(report: &'r Report, scenario: &'r ScenarioReport, issues: &mut Vec<Issue<'r>>) {
    let snapshot = &scenario.snapshot;
    let words = match snapshot.verdict {
        SnapshotVerdict::Differs => "the snapshot differs",
        SnapshotVerdict::Missing => "there is no snapshot",
        SnapshotVerdict::Unreadable => "the snapshot cannot be read",
        SnapshotVerdict::Matches | SnapshotVerdict::NotCompared => {
            return;
        }
    };
    let rule = if snapshot.widening {
        Rule::Widening
    } else {
        Rule::Snapshot
    };
    let message = format!("{}: {words}", scenario.info.id);
    let mut found = issue(rule, scenario, message, &["snapshot"]);
    if snapshot.verdict != SnapshotVerdict::Missing {
        found
            .details
            .extend(snapshot.diff.iter().flatten().cloned());
    }
    for (change, why) in Why::of_changes(report, scenario) {
        found.details.push(format!("{change}: {}", why.line()));
        add(&mut found.related, why.places);
    }
    if let Some(pending) = &snapshot.pending {
        found.details.push(format!(
            "written to {pending}; look at it with `fhirward review`"
        ));
    }
    issues.push(found);
}

/// Why the cell is not as expected, where its sentence does not say so.
pub(super) fn more(cell: &Cell) -> Option<String> {
    matches!(
        cell.verdict,
        CellVerdict::UnexpectedAllow | CellVerdict::UnexpectedDeny
    )
    .then(|| cell.reason.clone())?
}

/// A cell that is as the engine says, and not as the scenario or the snapshot says, in one line.
pub(super) fn marked(cell: &Cell, mark: Mark) -> String {
    let (actor, resource) = (&cell.actor, &cell.resource);
    let moment = moment(&cell.after);
    match mark {
        Mark::Leak => {
            format!("leak: {actor} sees {resource} {moment}, and the scenario says hidden")
        }
        Mark::Missing => {
            format!("{actor} does not see {resource} {moment}, and the scenario says visible")
        }
        Mark::Gained => format!("{actor} gained {resource} {moment}"),
        Mark::Lost => format!("{actor} lost {resource} {moment}"),
    }
}

/// A cell in one line.
pub(super) fn sentence(cell: &Cell) -> String {
    let (actor, resource) = (&cell.actor, &cell.resource);
    let moment = moment(&cell.after);
    let why = cell.reason.as_deref().unwrap_or("no usable answer");
    match cell.verdict {
        CellVerdict::UnexpectedAllow => {
            format!("leak: {actor} sees {resource} {moment}, and no policy allows it")
        }
        CellVerdict::UnexpectedDeny => {
            format!("{actor} does not see {resource} {moment}, and a policy allows it")
        }
        CellVerdict::Departure => {
            format!("known departure, accepted: {actor} and {resource} {moment}: {why}")
        }
        CellVerdict::ExpectedAllow => format!("{actor} sees {resource} {moment}"),
        CellVerdict::ExpectedDeny => format!("{resource} is hidden from {actor} {moment}"),
        CellVerdict::Error | CellVerdict::Skipped => {
            format!("{actor} and {resource} {moment}: {why}")
        }
        CellVerdict::Inconclusive => {
            format!("nothing is proved of {actor} and {resource} {moment}: {why}")
        }
    }
}
