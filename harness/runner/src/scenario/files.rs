//! The files of a suite: which of them the paths lead to, and what they say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::suite::LoadError;

/// Folders beside the pages that hold no scenarios.
const STATES: &str = "states";
const POLICIES: &str = "policies";
pub(super) const SNAPSHOT_END: &str = ".snap.yaml";
/// How the files of scenarios and states end.
const YAML: [&str; 2] = ["yaml", "yml"];

/// The texts of a suite, before anything is checked. Paths are names; nothing is read from them.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// The scenarios to run.
    pub scenarios: Vec<(PathBuf, String)>,
    /// States that they may build on, by root folder and stem.
    pub states: BTreeMap<PathBuf, String>,
    /// Policies that they may name.
    pub policies: BTreeMap<PathBuf, String>,
    /// Snapshots, by their own path.
    pub snapshots: BTreeMap<PathBuf, String>,
    /// Those of the states that the paths themselves lead to.
    pub named_states: Vec<PathBuf>,
    /// Whether the paths are real ones.
    pub on_disk: bool,
}

impl Files {
    /// Reads what the paths lead to: files are scenarios, or states where they say so with their
    /// key `state`; folders are searched. The other states and the
    /// policies come from the nearest folder around that has `states/` or `policies/`.
    ///
    /// # Errors
    /// A path that does not exist, or a file that cannot be read.
    pub fn read(paths: &[PathBuf]) -> Result<Self, LoadError> {
        let mut files = Self {
            on_disk: true,
            ..Self::default()
        };
        let mut found = BTreeSet::new();
        for path in paths {
            if path.is_dir() {
                files.walk(path, &mut found)?;
            } else if path.exists() {
                found.insert(path.clone());
            } else {
                return Err(LoadError::Missing(path.clone()));
            }
        }
        let mut roots = BTreeSet::new();
        for path in found {
            roots.extend(root_of(&path));
            let content = text(&path)?;
            if is_state(&content) {
                files.named_states.push(path.clone());
                files.states.insert(path, content);
                continue;
            }
            files.snapshots_of(&path)?;
            files.scenarios.push((path, content));
        }
        for root in roots {
            files.shared(&root)?;
        }
        // One file under two names (`./base.yaml`, `/suite/states/base.yaml`) is one state.
        let mut seen = BTreeSet::new();
        for path in &files.named_states {
            seen.extend(path.canonicalize());
        }
        let named = &files.named_states;
        files.states.retain(|path, _| {
            named.contains(path) || path.canonicalize().is_ok_and(|path| seen.insert(path))
        });
        Ok(files)
    }

    /// The states and policies of the suite that a file belongs to.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn around(file: &Path) -> Result<Self, LoadError> {
        let mut files = Self {
            on_disk: true,
            ..Self::default()
        };
        if let Some(root) = root_of(file) {
            files.shared(&root)?;
        }
        Ok(files)
    }

    /// The snapshots beside a scenario that a path names.
    fn snapshots_of(&mut self, scenario: &Path) -> Result<(), LoadError> {
        let stem = scenario
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        let folder = scenario.parent().filter(|f| !f.as_os_str().is_empty());
        for found in entries(folder.unwrap_or(Path::new(".")))? {
            let name = found.file_name().unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            let rest = name
                .strip_prefix(stem.as_str())
                .and_then(|rest| rest.strip_suffix(SNAPSHOT_END));
            if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('@')) {
                let content = text(&found)?;
                self.snapshots
                    .insert(scenario.with_file_name(name), content);
            }
        }
        Ok(())
    }

    fn shared(&mut self, root: &Path) -> Result<(), LoadError> {
        for (folder, ends, into) in [
            (STATES, &YAML[..], &mut self.states),
            (POLICIES, &["json"][..], &mut self.policies),
        ] {
            let folder = root.join(folder);
            if !folder.is_dir() {
                continue;
            }
            for path in entries(&folder)? {
                if is_one_of(&path, ends) {
                    let content = text(&path)?;
                    into.insert(path, content);
                }
            }
        }
        Ok(())
    }

    fn walk(&mut self, folder: &Path, found: &mut BTreeSet<PathBuf>) -> Result<(), LoadError> {
        for path in entries(folder)? {
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            if path.is_dir() {
                let shared = [STATES, POLICIES].contains(&name.as_str());
                if !shared && !name.starts_with('.') {
                    self.walk(&path, found)?;
                }
            } else if name.ends_with(SNAPSHOT_END) {
                let content = text(&path)?;
                self.snapshots.insert(path, content);
            } else if is_one_of(&path, &YAML) {
                found.insert(path);
            }
        }
        Ok(())
    }
}

/// Whether a file ends in one of these.
fn is_one_of(path: &Path, ends: &[&str]) -> bool {
    path.extension()
        .is_some_and(|end| ends.iter().any(|known| end == *known))
}

/// Whether a text is that of a state that scenarios build on, and not of a scenario.
pub fn is_state(text: &str) -> bool {
    let has_key = |key: &str| text.lines().any(|line| line.starts_with(key));
    has_key("state:") && !has_key("scenario:")
}

/// The folder around a scenario that holds its states and policies, said as shortly as the path of
/// the scenario allows: findings show it.
fn root_of(file: &Path) -> Option<PathBuf> {
    let has_shared = |folder: &Path| folder.join(STATES).is_dir() || folder.join(POLICIES).is_dir();
    let said = file
        .ancestors()
        .skip(1)
        .take_while(|folder| !folder.ends_with("..") && !folder.as_os_str().is_empty())
        .find(|folder| has_shared(folder));
    if let Some(folder) = said {
        return Some(folder.to_path_buf());
    }
    let folder = file.parent()?;
    let is_here = folder.components().all(|part| part == Component::CurDir);
    if is_here && has_shared(Path::new(".")) {
        return Some(PathBuf::from("."));
    }
    // A bare file name says nothing of the folders above, and `..` not which ones they are.
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let folder = folder.canonicalize().ok()?;
    folder
        .ancestors()
        .find(|folder| has_shared(folder))
        .map(Path::to_path_buf)
}

fn text(path: &Path) -> Result<String, LoadError> {
    std::fs::read_to_string(path).map_err(|error| LoadError::Unreadable {
        path: path.to_path_buf(),
        error,
    })
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let unreadable = |error| LoadError::Unreadable {
        path: folder.to_path_buf(),
        error,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    Ok(paths)
}
