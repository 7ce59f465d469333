//! `run --watch`: plays again what a change touches.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_harness::Suite;
use fhirward_harness::scenario::Scenario;
use notify_debouncer_full::notify::{EventKind, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, new_debouncer};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::memory;
use crate::config;
use crate::exit::Exit;
use crate::output::{Failure, Output};
use crate::signal::Signals;

/// Editors save in several steps; so long after the last of them a change is one.
const QUIET: Duration = Duration::from_millis(200);

/// What a change asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Touched {
    All,
    Some(BTreeSet<String>),
}

/// Plays, waits for a change, plays what it touches, until somebody ends it. `round` plays a suite
/// and tells how the whole watch ends, where it was interrupted.
pub async fn watch(
    paths: &[PathBuf],
    output: Output,
    load: &dyn Fn() -> Result<Suite, Failure>,
    round: &mut impl AsyncFnMut(Suite) -> Result<Option<Exit>, Failure>,
) -> Result<Exit, Failure> {
    let mut signals = Signals::listen().map_err(|error| fault(&error.to_string()))?;
    let (tell, mut heard) = unbounded_channel();
    let mut debouncer = new_debouncer(QUIET, None, move |result: DebounceEventResult| {
        // Without a listener the watch is over.
        drop(tell.send(result));
    })
    .map_err(|error| fault(&error.to_string()))?;
    for (folder, mode) in folders(paths) {
        debouncer
            .watch(&folder, mode)
            .map_err(|error| fault(&format!("{}: {error}", folder.display())))?;
    }
    let mut changed: BTreeSet<PathBuf> = BTreeSet::new();
    let mut contents = Contents::default();
    let mut first = true;
    loop {
        match load() {
            Err(failure) => output.findings(&failure.findings),
            Ok(suite) => {
                let touched = if first {
                    Touched::All
                } else {
                    touched(&suite, &changed)
                };
                first = false;
                changed.clear();
                if let Some(exit) = play(suite, &touched, output, round).await? {
                    return Ok(exit);
                }
            }
        }
        output.say("watching for changes; Ctrl-C ends");
        // What changed before a file that could not be loaded stays to be played; only what is new
        // is a reason to try again.
        let new = loop {
            tokio::select! {
                signal = signals.next() => {
                    return signal.map(|_| Exit::Ok).map_err(|error| fault(&error.to_string()));
                }
                new = next(&mut heard) => {
                    let new = contents.changed(new?);
                    if !new.is_empty() {
                        break new;
                    }
                }
            }
        };
        let names: Vec<String> = new
            .iter()
            .filter_map(|path| path.file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        output.say(&format!("\nchanged: {}", names.join(", ")));
        changed.extend(new);
    }
}

async fn play(
    mut suite: Suite,
    touched: &Touched,
    output: Output,
    round: &mut impl AsyncFnMut(Suite) -> Result<Option<Exit>, Failure>,
) -> Result<Option<Exit>, Failure> {
    if let Touched::Some(names) = touched {
        let all = suite.scenarios.len();
        suite
            .scenarios
            .retain(|scenario| names.contains(&memory::name(scenario)));
        suite.obsolete.clear();
        if suite.scenarios.is_empty() {
            output.say("no scenario depends on it");
            return Ok(None);
        }
        output.say(&format!("playing {} of {all}", suite.scenarios.len()));
    }
    round(suite).await
}

fn fault(why: &str) -> Failure {
    Failure::new(
        Exit::CouldNotRun,
        Diagnostic::error("run/watch", format!("cannot watch for changes: {why}")),
    )
}

/// The next files that changed. What a run writes itself is no change.
async fn next(heard: &mut UnboundedReceiver<DebounceEventResult>) -> Result<Vec<PathBuf>, Failure> {
    match heard.recv().await {
        Some(Ok(events)) => Ok(events
            .into_iter()
            .filter(|event| !matches!(event.kind, EventKind::Access(_)))
            .flat_map(|event| event.paths.clone())
            .filter(|path| is_ours(path))
            .collect()),
        Some(Err(errors)) => {
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Err(fault(&texts.join("; ")))
        }
        None => Err(fault("the watcher ended")),
    }
}

/// What files held when they last changed. A file that is only touched, or told of late, holds what
/// it held; playing it again would show the same.
#[derive(Debug, Default)]
struct Contents {
    known: BTreeMap<PathBuf, Option<Vec<u8>>>,
}

impl Contents {
    /// Those of the files that hold something else than when they were last told of.
    fn changed(&mut self, paths: Vec<PathBuf>) -> BTreeSet<PathBuf> {
        paths
            .into_iter()
            .filter(|path| {
                // A file that is gone holds nothing, and that is a change of its own.
                let now = std::fs::read(path).ok();
                self.known.insert(path.clone(), now.clone()) != Some(now)
            })
            .collect()
    }
}

fn is_ours(path: &Path) -> bool {
    let own = path
        .components()
        .any(|part| part.as_os_str() == memory::FOLDER || part.as_os_str() == ".git");
    let name = path.file_name().map(|name| name.to_string_lossy());
    let kind = path.extension().and_then(|end| end.to_str());
    !own && name.is_some_and(|name| !name.starts_with('.'))
        && matches!(kind, Some("yaml" | "json" | "toml"))
}

/// The folders to watch: those named, for a file the one around its states and policies, and that of
/// the configuration.
fn folders(paths: &[PathBuf]) -> Vec<(PathBuf, RecursiveMode)> {
    let mut folders: Vec<(PathBuf, RecursiveMode)> = Vec::new();
    let mut add = |folder: PathBuf, mode| {
        if !folders.iter().any(|(known, _)| *known == folder) {
            folders.push((folder, mode));
        }
    };
    for path in paths.iter().map(|path| whole(path)) {
        let around = path.ancestors().skip(1);
        let root = around
            .clone()
            .find(|folder| folder.join("states").is_dir() || folder.join("policies").is_dir());
        let folder = if path.is_dir() {
            // A folder of one page is within the root that has the states.
            root.filter(|root| {
                !path.join("states").is_dir() && !path.join("policies").is_dir() && root.is_dir()
            })
            .map_or_else(|| path.clone(), Path::to_path_buf)
        } else {
            root.or(path.parent())
                .map_or_else(|| path.clone(), Path::to_path_buf)
        };
        add(folder, RecursiveMode::Recursive);
    }
    let here = whole(Path::new("."));
    // Where there is none yet, it is made here.
    let folder = here
        .ancestors()
        .find(|folder| folder.join(config::FILE).is_file())
        .unwrap_or(&here);
    add(folder.to_path_buf(), RecursiveMode::NonRecursive);
    folders
}

/// The same path from the root, links resolved, also where the file is gone.
fn whole(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => {
            let folder = if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            };
            folder.canonicalize().unwrap_or_default().join(name)
        }
        _ => path.to_path_buf(),
    }
}

/// The scenarios that depend on files.
fn touched(suite: &Suite, changed: &BTreeSet<PathBuf>) -> Touched {
    let mut names = BTreeSet::new();
    for path in changed.iter().map(|path| whole(path)) {
        if path.file_name().is_some_and(|name| name == config::FILE) {
            return Touched::All;
        }
        names.extend(
            suite
                .scenarios
                .iter()
                .filter(|scenario| depends(scenario, suite, &path))
                .map(|scenario| memory::name(scenario)),
        );
    }
    Touched::Some(names)
}

fn depends(scenario: &Scenario, suite: &Suite, path: &Path) -> bool {
    let is = |file: &Path| whole(file) == path;
    let sources = scenario
        .given
        .iter()
        .map(|step| &step.source)
        .chain(scenario.actors.iter().map(|actor| &actor.source));
    is(&scenario.file)
        || is(&scenario.snapshot_path())
        || scenario
            .profile_snapshots
            .values()
            .any(|snapshot| is(&snapshot.file))
        || sources
            .into_iter()
            .any(|source| is(Path::new(&source.name)))
        || scenario
            .policies()
            .iter()
            .filter_map(|name| suite.policies.get(*name))
            .any(|policy| is(&policy.file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn suite(root: &Path) -> Suite {
        let put = |name: &str, text: &str| {
            let file = root.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        let policy = |kind: &str| {
            format!(
                r#"{{ "resourceType": "AccessPolicy", "name": "p", "resource": [{{ "resourceType": "{kind}" }}] }}"#
            )
        };
        put("policies/one.json", &policy("Communication"));
        put("policies/two.json", &policy("Task"));
        put(
            "states/base.yaml",
            "state: base\nabout: x\nactors:\n  alice: { profile: Practitioner, name: A, policy: one }\nsteps: []\n",
        );
        let scenario = |id: &str, head: &str| {
            format!(
                "scenario: {id}\ntitle: t\npage: page\nabout: x\n{head}steps:\n  - step: s\n    as: alice\n    search: Communication\n"
            )
        };
        put("page/a.yaml", &scenario("a", "given: base\n"));
        put(
            "page/b.yaml",
            &scenario(
                "b",
                "actors:\n  alice: { profile: Practitioner, name: A, policy: two }\n",
            ),
        );
        put("page/b@mine.snap.yaml", "");
        Suite::load(&[root.to_path_buf()]).unwrap()
    }

    #[test]
    fn a_change_touches_what_depends_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let suite = suite(folder.path());
        let after = |name: &str| touched(&suite, &BTreeSet::from([folder.path().join(name)]));
        let some = |names: &[&str]| Touched::Some(names.iter().map(ToString::to_string).collect());
        assert_eq!(after("page/a.yaml"), some(&["page/a"]));
        assert_eq!(after("page/b.snap.yaml"), some(&["page/b"]));
        assert_eq!(after("page/b@mine.snap.yaml"), some(&["page/b"]));
        assert_eq!(after("states/base.yaml"), some(&["page/a"]));
        assert_eq!(after("policies/one.json"), some(&["page/a"]));
        assert_eq!(after("policies/two.json"), some(&["page/b"]));
        assert_eq!(after("policies/three.json"), some(&[]));
        assert_eq!(after("fhirward.toml"), Touched::All);
    }

    #[test]
    fn what_a_run_writes_is_no_change() {
        for (name, ours) in [
            ("/a/page/x.yaml", true),
            ("/a/page/x.snap.yaml", true),
            ("/a/page/x.snap.yaml.new", false),
            ("/a/.fhirward/failed.json", false),
            ("/a/.git/x.json", false),
            ("/a/policies/p.json", true),
            ("/a/policies/.p.json.swp", false),
            ("/a/policies/.#p.json", false),
            ("/a/fhirward.toml", true),
            ("/a/notes.txt", false),
        ] {
            assert_eq!(is_ours(Path::new(name)), ours, "{name}");
        }
    }

    #[test]
    fn a_file_that_holds_what_it_held_did_not_change() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        let mut contents = Contents::default();
        let mut tell = || !contents.changed(vec![file.clone()]).is_empty();
        fs::write(&file, "one").unwrap();
        assert!(tell(), "first told of");
        fs::write(&file, "one").unwrap();
        assert!(!tell(), "written, and the same");
        fs::write(&file, "two").unwrap();
        assert!(tell(), "other text");
        fs::remove_file(&file).unwrap();
        assert!(tell(), "gone");
        assert!(!tell(), "still gone");
    }

    #[test]
    fn the_folder_around_states_and_policies_is_watched() {
        let folder = tempfile::tempdir().unwrap();
        suite(folder.path());
        let root = folder.path().canonicalize().unwrap();
        for path in ["", "page", "page/a.yaml"] {
            let folders = folders(&[folder.path().join(path)]);
            assert!(folders.iter().any(|(known, _)| *known == root), "{path}");
        }
    }
}
