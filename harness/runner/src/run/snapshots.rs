//! The end of a scenario: what the snapshot says about it, and what is written beside it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fhirward_engine::source::Source;

use super::options::{RunOptions, SnapshotMode};
use super::place;
use crate::expect::review::{pending_of, write};
use crate::expect::{Difference, Snapshot, StepSnapshot, compare};
use crate::report::{SightChange, SnapshotReport, SnapshotVerdict};
use crate::scenario::{Scenario, SnapshotFile};

/// How far a run came.
pub(super) struct Reached<'r> {
    /// Steps of which the run can say nothing.
    pub(super) unknown: &'r BTreeSet<String>,
    /// Whether these are only what the server does not offer, and others were played.
    pub(super) is_partly_offered: bool,
}

/// Compares what happened with the snapshot, and writes what is pending. `is_consequence` tells the
/// differences that only come of a step that did not happen: they are differences, and no leaks.
pub(super) fn settle(
    scenario: &Scenario,
    new: &Snapshot,
    reached: &Reached<'_>,
    is_consequence: &dyn Fn(&Difference) -> bool,
    options: &RunOptions,
    (on_disk, profile): (bool, &str),
) -> SnapshotReport {
    if options.snapshots == SnapshotMode::Off {
        return SnapshotReport::of(SnapshotVerdict::NotCompared);
    }
    let unknown = reached.unknown;
    let complete = unknown.is_empty();
    if !complete && new.steps.is_empty() {
        // The run did not get to anything that a snapshot tells of.
        return SnapshotReport::of(SnapshotVerdict::NotCompared);
    }
    // What a server does not offer never comes: what it does offer is all that it can be held to.
    let writes = options.writes() && on_disk && (complete || reached.is_partly_offered);
    let new = &Snapshot {
        profile: Some(profile.to_owned()),
        ..new.clone()
    };
    let accepted = scenario.accepted(profile);
    let old = match accepted {
        None => None,
        Some(file) => match Snapshot::parse(&file.source) {
            Ok(old) => Some(old),
            Err(error) => {
                let mut report = SnapshotReport::of(SnapshotVerdict::Unreadable);
                report.diff = Some(vec![error.to_string()]);
                report.pending = write_pending(&file.file, new, writes, &mut report.diff);
                return report;
            }
        },
    };
    let target = match (accepted, &old) {
        (Some(file), Some(old)) => target(scenario, &file.file, old, profile),
        _ => scenario.snapshot_path(),
    };
    let Some(old) = old else {
        if !complete && !reached.is_partly_offered {
            let mut report = SnapshotReport::of(SnapshotVerdict::NotCompared);
            report.diff = Some(vec!["there is none yet, and the run is incomplete".into()]);
            return report;
        }
        let mut report = SnapshotReport::of(SnapshotVerdict::Missing);
        report.diff = Some(vec!["there is no snapshot yet".into()]);
        report.pending = write_pending(&target, new, writes, &mut report.diff);
        return report;
    };
    let differences = compare(&old, new, unknown);
    let new = &with_unplayed(new, &old, scenario, unknown);
    if differences.is_empty() {
        if writes {
            remove_pending(scenario, profile);
        }
        return SnapshotReport::of(if complete {
            SnapshotVerdict::Matches
        } else {
            SnapshotVerdict::NotCompared
        });
    }
    let mut report = SnapshotReport::of(SnapshotVerdict::Differs);
    report.widening = differences
        .iter()
        .any(|difference| difference.is_widening() && !is_consequence(difference));
    report.diff = Some(differences.iter().map(ToString::to_string).collect());
    report.changes = differences.iter().filter_map(sight_change).collect();
    report.pending = write_pending(&target, new, writes, &mut report.diff);
    report
}

/// A snapshot of what was played, with what is known of the steps that this server does not offer.
fn with_unplayed(
    new: &Snapshot,
    old: &Snapshot,
    scenario: &Scenario,
    unknown: &BTreeSet<String>,
) -> Snapshot {
    let mut whole = new.clone();
    let is_kept = |step: &&StepSnapshot| {
        unknown.contains(&step.step) && new.steps.iter().all(|other| other.step != step.step)
    };
    whole
        .steps
        .extend(old.steps.iter().filter(is_kept).cloned());
    let place = |record: &StepSnapshot| {
        let place = scenario.steps.iter().position(|s| s.id == record.step);
        place.map_or(0, |place| place + 1)
    };
    whole.steps.sort_by_key(place);
    whole
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

/// Where a snapshot of this profile goes that differs from the accepted one. The common one belongs
/// to the profile that it was accepted from: another profile gets a file of its own.
fn target(scenario: &Scenario, accepted: &Path, old: &Snapshot, profile: &str) -> PathBuf {
    let common = scenario.snapshot_path();
    let is_of_another = old.profile.as_ref().is_some_and(|of| of != profile);
    if accepted == common && is_of_another {
        scenario.profile_snapshot_path(profile)
    } else {
        accepted.to_path_buf()
    }
}

/// The snapshots of server profiles that say the same as the common one, and so say nothing.
pub(super) fn redundant(scenario: &Scenario) -> Vec<PathBuf> {
    let read = |file: &SnapshotFile| Snapshot::parse(&file.source).ok();
    let Some(common) = scenario.snapshot.as_ref().and_then(read) else {
        return Vec::new();
    };
    let says_the_same = |own: &Snapshot| {
        own.steps == common.steps
            && own.widening.iter().all(|one| common.widening.contains(one))
            && own.noise.iter().all(|one| common.noise.contains(one))
    };
    scenario
        .profile_snapshots
        .values()
        .filter(|file| read(file).is_some_and(|own| says_the_same(&own)))
        .map(|file| file.file.clone())
        .collect()
}

fn write_pending(
    target: &Path,
    new: &Snapshot,
    writes: bool,
    diff: &mut Option<Vec<String>>,
) -> Option<String> {
    if !writes {
        return None;
    }
    let path = pending_of(target);
    match write(&path, &new.to_string()) {
        Ok(()) => Some(place::shown(&path)),
        Err(error) => {
            let text = format!("`{}` cannot be written: {error}", path.display());
            diff.get_or_insert_default().push(text);
            None
        }
    }
}

/// An equal run makes an older pending snapshot of its profile wrong. Where there is none, there is
/// nothing to do, and where it cannot be removed, `review` will show it.
fn remove_pending(scenario: &Scenario, profile: &str) {
    drop(std::fs::remove_file(pending_of(
        &scenario.profile_snapshot_path(profile),
    )));
    let common = pending_of(&scenario.snapshot_path());
    let Ok(text) = std::fs::read_to_string(&common) else {
        return;
    };
    let source = Source::new(common.display().to_string(), text);
    let of = Snapshot::parse(&source).ok().and_then(|one| one.profile);
    if of.is_none_or(|of| of == profile) {
        drop(std::fs::remove_file(common));
    }
}
