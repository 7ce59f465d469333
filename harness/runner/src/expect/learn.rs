//! What of the snapshots is noise, learned from two runs of the same suite.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::diff::compare;
use super::noise::{Noise, proposed};
use super::review::{pending_of, write};
use super::snapshot::Snapshot;
use crate::report::{Report, ScenarioReport};
use crate::scenario::{Scenario, Suite};

/// What two runs of a scenario taught.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Learned {
    /// The scenario, `page/id`.
    pub scenario: String,
    /// What may differ, and is proposed as noise.
    pub noise: Vec<Noise>,
    /// What differs and may not: who sees what, what a search finds, whether a step succeeds.
    pub unstable: Vec<String>,
    /// The pending snapshot with the proposals, where one was written.
    pub pending: Option<PathBuf>,
    /// Why nothing was learned, or why it could not be written.
    pub problem: Option<String>,
}

/// Compares two runs of a suite. With `writes`, what is proposed is written beside each snapshot as
/// pending, for `review`.
pub fn learn(suite: &Suite, first: &Report, second: &Report, writes: bool) -> Vec<Learned> {
    first
        .scenarios
        .iter()
        .filter_map(|one| {
            let same = |other: &&ScenarioReport| {
                (&other.info.page, &other.info.id) == (&one.info.page, &one.info.id)
            };
            let scenario = suite
                .scenarios
                .iter()
                .find(|it| (&it.page, &it.id) == (&one.info.page, &one.info.id))?;
            let other = second.scenarios.iter().find(same);
            let profile = first.server.profile.as_str();
            Some(of_scenario((scenario, profile), one, other, writes))
        })
        .collect()
}

fn of_scenario(
    (scenario, profile): (&Scenario, &str),
    one: &ScenarioReport,
    other: Option<&ScenarioReport>,
    writes: bool,
) -> Learned {
    let mut learned = Learned {
        scenario: format!("{}/{}", scenario.page, scenario.id),
        ..Learned::default()
    };
    let seen = one.snapshot.seen.as_deref();
    let again = other.and_then(|other| other.snapshot.seen.as_deref());
    let (Some(seen), Some(again)) = (seen, again) else {
        let why = one.reason.clone();
        learned.problem = Some(why.unwrap_or_else(|| "nothing was seen".to_owned()));
        return learned;
    };
    let unknown: BTreeSet<String> = seen.unknown.union(&again.unknown).cloned().collect();
    for difference in compare(&seen.snapshot, &again.snapshot, &unknown) {
        match proposed(&difference) {
            Some(noise) if !learned.noise.contains(&noise) => learned.noise.push(noise),
            Some(_) => {}
            None => learned.unstable.push(difference.to_string()),
        }
    }
    let file = scenario.accepted(profile);
    let accepted = match file.map(|file| (file, Snapshot::parse(&file.source))) {
        Some((file, Ok(accepted))) => Some((file, accepted)),
        Some((file, Err(error))) => {
            let path = file.file.display();
            learned.problem = Some(format!("`{path}` cannot be read: {error}"));
            return learned;
        }
        None => None,
    };
    if let Some((_, accepted)) = &accepted {
        learned.noise.retain(|noise| {
            let known = |known: &Noise| known.step == noise.step && known.of == noise.of;
            !accepted.noise.iter().any(known)
        });
    }
    if accepted.is_none() && !learned.noise.is_empty() {
        learned.problem =
            Some("there is no snapshot yet; run, accept what it writes, and learn then".to_owned());
    }
    // Only what was accepted before is proposed with noise; a first snapshot is looked at whole.
    if let (true, false, Some((file, mut pending))) = (writes, learned.noise.is_empty(), accepted) {
        pending.noise.extend(learned.noise.iter().cloned());
        let path = pending_of(&file.file);
        match write(&path, &pending.to_string()) {
            Ok(()) => learned.pending = Some(path),
            Err(error) => learned.problem = Some(format!("`{}`: {error}", path.display())),
        }
    }
    learned
}
