//! The end of a scenario: what the snapshot says about it, and what is written beside it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::options::{RunOptions, SnapshotMode};
use crate::expect::review::write;
use crate::expect::{Difference, Snapshot, compare};
use crate::report::{SightChange, SnapshotReport, SnapshotVerdict};
use crate::scenario::Scenario;

/// Compares what happened with the snapshot, and writes what is pending. `is_consequence` tells the
/// differences that only come of a step that did not happen: they are differences, and no leaks.
pub(super) fn settle(
    scenario: &Scenario,
    new: &Snapshot,
    unknown: &BTreeSet<String>,
    is_consequence: &dyn Fn(&Difference) -> bool,
    options: &RunOptions,
    on_disk: bool,
) -> SnapshotReport {
    if options.snapshots == SnapshotMode::Off {
        return SnapshotReport::of(SnapshotVerdict::NotCompared);
    }
    let complete = unknown.is_empty();
    if !complete && new.steps.is_empty() {
        // The run did not get to anything that a snapshot tells of.
        return SnapshotReport::of(SnapshotVerdict::NotCompared);
    }
    let writes = options.writes() && on_disk && complete;
    let old = match &scenario.snapshot {
        None => None,
        Some(file) => match Snapshot::parse(&file.source) {
            Ok(old) => Some(old),
            Err(error) => {
                let mut report = SnapshotReport::of(SnapshotVerdict::Unreadable);
                report.diff = Some(vec![error.to_string()]);
                report.pending = write_pending(scenario, new, writes, &mut report.diff);
                return report;
            }
        },
    };
    let Some(old) = old else {
        if !complete {
            let mut report = SnapshotReport::of(SnapshotVerdict::NotCompared);
            report.diff = Some(vec!["there is none yet, and the run is incomplete".into()]);
            return report;
        }
        if options.snapshots == SnapshotMode::Update && writes {
            return update(scenario, new);
        }
        let mut report = SnapshotReport::of(SnapshotVerdict::Missing);
        report.diff = Some(vec!["there is no snapshot yet".into()]);
        report.pending = write_pending(scenario, new, writes, &mut report.diff);
        return report;
    };
    let differences = compare(&old, new, unknown);
    let widening = differences.iter().any(Difference::is_widening);
    if differences.is_empty() {
        if writes {
            remove_pending(scenario);
        }
        return SnapshotReport::of(if complete {
            SnapshotVerdict::Matches
        } else {
            SnapshotVerdict::NotCompared
        });
    }
    if options.snapshots == SnapshotMode::Update && writes && !widening {
        let mut new = new.clone();
        new.widening.clone_from(&old.widening);
        new.widening
            .retain(|w| new.steps.iter().any(|step| step.step == w.step));
        new.noise.clone_from(&old.noise);
        new.noise
            .retain(|n| new.steps.iter().any(|step| step.step == n.step));
        return update(scenario, &new);
    }
    let mut report = SnapshotReport::of(SnapshotVerdict::Differs);
    report.widening = differences
        .iter()
        .any(|difference| difference.is_widening() && !is_consequence(difference));
    report.diff = Some(differences.iter().map(ToString::to_string).collect());
    report.changes = differences.iter().filter_map(sight_change).collect();
    report.pending = write_pending(scenario, new, writes, &mut report.diff);
    report
}

fn sight_change(difference: &Difference) -> Option<SightChange> {
    match difference {
        Difference::Sight {
            step,
            actor,
            resource,
            was,
            is,
        } => Some(SightChange {
            after: step.clone(),
            actor: actor.clone(),
            resource: resource.clone(),
            was: *was,
            is: *is,
        }),
        _ => None,
    }
}

fn pending_path(scenario: &Scenario) -> PathBuf {
    scenario.file.with_extension("snap.yaml.new")
}

fn update(scenario: &Scenario, new: &Snapshot) -> SnapshotReport {
    let path = scenario.snapshot_path();
    match write(&path, &new.to_string()) {
        Ok(()) => {
            remove_pending(scenario);
            SnapshotReport::of(SnapshotVerdict::Updated)
        }
        Err(error) => {
            let mut report = SnapshotReport::of(SnapshotVerdict::Missing);
            report.diff = Some(vec![format!("`{}`: {error}", path.display())]);
            report
        }
    }
}

fn write_pending(
    scenario: &Scenario,
    new: &Snapshot,
    writes: bool,
    diff: &mut Option<Vec<String>>,
) -> Option<String> {
    if !writes {
        return None;
    }
    let path = pending_path(scenario);
    match write(&path, &new.to_string()) {
        Ok(()) => Some(path.display().to_string()),
        Err(error) => {
            let text = format!("`{}` cannot be written: {error}", path.display());
            diff.get_or_insert_default().push(text);
            None
        }
    }
}

/// An equal run makes an older pending snapshot wrong. Where there is none, there is nothing to do,
/// and where it cannot be removed, `review` will show it.
fn remove_pending(scenario: &Scenario) {
    drop(std::fs::remove_file(pending_path(scenario)));
}
