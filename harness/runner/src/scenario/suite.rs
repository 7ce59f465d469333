//! From paths to a checked suite: scenarios, the states they build on, the policies they name, and
//! the snapshots beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::policy::PolicyDocument;
use fhirward_engine::source::{Source, Span, json};
use serde_json::Value;

use super::check::Scope;
use super::grants;
use super::parse::{FileKind, Parsed, parse};
use super::plan::Scenario;
use super::read::known_names;

/// Folders beside the pages that hold no scenarios.
const STATES: &str = "states";
const POLICIES: &str = "policies";
const SNAPSHOT_END: &str = ".snap.yaml";
const PENDING_END: &str = ".snap.yaml.new";

/// Everything that a run needs from files, checked.
#[derive(Debug, Clone, Default)]
pub struct Suite {
    /// Sorted by file.
    pub scenarios: Vec<Arc<Scenario>>,
    /// By stem.
    pub policies: BTreeMap<String, PolicyFile>,
    /// Snapshot files whose scenario is gone.
    pub obsolete: Vec<PathBuf>,
    /// Findings that stop nothing.
    pub warnings: Vec<Diagnostic>,
    /// Whether the files can be written beside.
    pub on_disk: bool,
}

/// A file in `policies/`.
#[derive(Debug, Clone)]
pub struct PolicyFile {
    /// The stem.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// Parsed.
    pub document: Arc<PolicyDocument>,
    /// What is posted to the server.
    pub resource: Value,
}

/// A snapshot file as it was when the suite was loaded.
#[derive(Debug, Clone)]
pub struct SnapshotFile {
    /// The file.
    pub file: PathBuf,
    /// Its text.
    pub source: Arc<Source>,
}

/// Why there is no suite.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A path on the command line.
    #[error("`{0}` does not exist")]
    Missing(PathBuf),
    /// A file that is there and cannot be read.
    #[error("`{path}` cannot be read: {error}")]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Files that are wrong; every finding of every file.
    #[error("{} in scenario or policy files", plural(.0.iter().filter(|d| d.is_error()).count(), "error"))]
    Invalid(Vec<Diagnostic>),
    /// No scenario in any of the paths.
    #[error("no scenario found in {}", .0.iter().map(|p| format!("`{}`", p.display())).collect::<Vec<_>>().join(", "))]
    Nothing(Vec<PathBuf>),
    /// States alone, which nobody plays.
    #[error(
        "no scenario found in {}: {} there, which scenarios build on with `given`",
        .paths.iter().map(|p| format!("`{}`", p.display())).collect::<Vec<_>>().join(", "),
        if *.states == 1 { "1 state is".to_owned() } else { format!("{} states are", .states) }
    )]
    OnlyStates {
        /// The paths.
        paths: Vec<PathBuf>,
        /// How many states.
        states: usize,
    },
}

impl LoadError {
    /// What the process should end with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Missing(_) | Self::Unreadable { .. } => 1,
            Self::Invalid(_) => 2,
            Self::Nothing(_) | Self::OnlyStates { .. } => 6,
        }
    }
}

/// `1 error`, `2 errors`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

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
            let snapshot = path.with_extension("snap.yaml");
            if snapshot.exists() {
                files.snapshots.insert(snapshot.clone(), text(&snapshot)?);
            }
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

    fn shared(&mut self, root: &Path) -> Result<(), LoadError> {
        for (folder, end, into) in [
            (STATES, "yaml", &mut self.states),
            (POLICIES, "json", &mut self.policies),
        ] {
            let folder = root.join(folder);
            if !folder.is_dir() {
                continue;
            }
            for path in entries(&folder)? {
                if path.extension().is_some_and(|e| e == end) {
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
            } else if name.ends_with(".yaml") && !name.ends_with(PENDING_END) {
                found.insert(path);
            }
        }
        Ok(())
    }
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

impl Suite {
    /// Reads and checks the scenarios of files and folders.
    ///
    /// # Errors
    /// See [`LoadError`]; a file that is not valid brings all findings of all files.
    pub fn load(paths: &[PathBuf]) -> Result<Self, LoadError> {
        let files = Files::read(paths)?;
        if files.scenarios.is_empty() && !files.named_states.is_empty() {
            return Err(LoadError::OnlyStates {
                paths: paths.to_vec(),
                states: files.named_states.len(),
            });
        }
        if files.scenarios.is_empty() && files.snapshots.is_empty() {
            return Err(LoadError::Nothing(paths.to_vec()));
        }
        Self::check(&files)
    }

    /// Checks texts. A pure function of them.
    ///
    /// # Errors
    /// [`LoadError::Invalid`] with all findings of all files.
    pub fn check(files: &Files) -> Result<Self, LoadError> {
        let mut findings = Vec::new();
        let policies = check_policies(&files.policies, &mut findings);
        let names: Vec<&str> = policies.keys().map(String::as_str).collect();
        let states = States::read(&files.states, &names, &mut findings);
        let mut scenarios = Vec::new();
        let mut ids: BTreeMap<String, PathBuf> = BTreeMap::new();
        let mut sorted: Vec<_> = files.scenarios.iter().collect();
        sorted.sort();
        for (path, content) in sorted {
            let source = Source::new(path.display().to_string(), content.as_str());
            let (parsed, mut own) = parse(&source, FileKind::Scenario);
            if let Some(parsed) = parsed {
                if let Some(first) = ids.get(&parsed.id) {
                    own.push(
                        Diagnostic::error(
                            "scenario/duplicate-name",
                            format!("two scenarios are called `{}`", parsed.id),
                        )
                        .with_help(format!("the other is {}", first.display()))
                        .with_source(&source),
                    );
                }
                ids.insert(parsed.id.clone(), path.clone());
                let (scope, problem) = states.scope(&parsed);
                own.extend(problem);
                let Some(mut scope) = scope else {
                    // Without its state every name would be unknown; that is one mistake, not many.
                    findings.extend(own);
                    continue;
                };
                let given = std::mem::take(&mut scope.steps);
                own.extend(scope.extend(&parsed, &names));
                let snapshot = path.with_extension("snap.yaml");
                scenarios.push(Arc::new(Scenario {
                    id: parsed.id,
                    title: parsed.title,
                    page: parsed.page,
                    about: parsed.about,
                    file: path.clone(),
                    source,
                    needs: scope.needs,
                    state: parsed.given.map(|(given, _)| given),
                    sinks: scope.sinks,
                    actors: scope.actors,
                    given,
                    steps: scope.steps,
                    snapshot: files.snapshots.get(&snapshot).map(|text| SnapshotFile {
                        source: Source::new(snapshot.display().to_string(), text.as_str()),
                        file: snapshot,
                    }),
                }));
            }
            findings.extend(own);
        }
        findings.extend(grants::check(&scenarios, &policies, &findings));
        if findings.iter().any(Diagnostic::is_error) {
            return Err(LoadError::Invalid(findings));
        }
        let obsolete = files
            .snapshots
            .keys()
            .filter(|snapshot| !scenarios.iter().any(|s| s.snapshot_path() == **snapshot))
            .cloned()
            .collect();
        Ok(Self {
            scenarios,
            policies,
            obsolete,
            warnings: findings,
            on_disk: files.on_disk,
        })
    }
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn check_policies(
    files: &BTreeMap<PathBuf, String>,
    findings: &mut Vec<Diagnostic>,
) -> BTreeMap<String, PolicyFile> {
    let mut policies = BTreeMap::new();
    for (path, content) in files {
        let source = Source::new(path.display().to_string(), content.as_str());
        let document = match json::Document::parse(&source) {
            Ok(document) => document,
            Err(error) => {
                findings.push(error);
                continue;
            }
        };
        let (mut documents, _, own) = PolicyDocument::from_json(&document);
        findings.extend(own);
        if documents.len() > 1 || !document.value().is_object() {
            findings.push(
                Diagnostic::error(
                    "scenario/policy-file",
                    "a policy of the suite is one AccessPolicy a file",
                )
                .with_label(Span::new(0, 1), "not one AccessPolicy")
                .with_help("an actor can hold several: `policy: [one, another]`")
                .with_source(&source),
            );
            continue;
        }
        if let Some(parsed) = documents.pop() {
            let name = stem(path);
            policies.insert(
                name.clone(),
                PolicyFile {
                    name,
                    file: path.clone(),
                    document: Arc::new(parsed),
                    resource: document.value().clone(),
                },
            );
        }
    }
    policies
}

/// The states of a suite, each checked once.
#[derive(Debug, Default)]
struct States {
    parsed: BTreeMap<String, Parsed>,
    /// A state that is there and cannot be read hides nothing else.
    broken: BTreeSet<String>,
    scopes: BTreeMap<String, Scope>,
}

impl States {
    fn read(
        files: &BTreeMap<PathBuf, String>,
        policies: &[&str],
        findings: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut states = Self::default();
        for (path, content) in files {
            let source = Source::new(path.display().to_string(), content.as_str());
            let (parsed, own) = parse(&source, FileKind::State);
            findings.extend(own);
            match parsed {
                Some(parsed) => {
                    if let Some(first) = states.parsed.insert(stem(path), parsed) {
                        findings.push(
                            Diagnostic::error(
                                "scenario/duplicate-name",
                                format!("two states are called `{}`", stem(path)),
                            )
                            .with_help(format!("the other is {}", first.source.name))
                            .with_source(&source),
                        );
                    }
                }
                None => {
                    states.broken.insert(stem(path));
                }
            }
        }
        let names: Vec<String> = states.parsed.keys().cloned().collect();
        for name in names {
            states.resolve(&name, &mut Vec::new(), policies, findings);
        }
        states
    }

    /// Builds the scope of a state after that of the state it is built on.
    fn resolve(
        &mut self,
        name: &str,
        chain: &mut Vec<String>,
        policies: &[&str],
        findings: &mut Vec<Diagnostic>,
    ) {
        if self.scopes.contains_key(name) || self.broken.contains(name) {
            return;
        }
        let Some(parsed) = self.parsed.get(name).cloned() else {
            return;
        };
        chain.push(name.to_owned());
        let mut scope = Scope::default();
        if let Some((given, span)) = &parsed.given {
            if chain.contains(given) {
                findings.push(
                    Diagnostic::error(
                        "scenario/state-cycle",
                        format!("the state `{name}` is built on itself"),
                    )
                    .with_label(*span, format!("{} → {given}", chain.join(" → ")))
                    .with_source(&parsed.source),
                );
                self.broken.insert(name.to_owned());
                chain.pop();
                return;
            }
            self.resolve(given, chain, policies, findings);
            match self.scopes.get(given) {
                Some(below) => scope = below.clone(),
                None => {
                    if !self.broken.contains(given) {
                        findings.push(self.missing(given, *span, &parsed));
                    }
                    self.broken.insert(name.to_owned());
                    chain.pop();
                    return;
                }
            }
        }
        findings.extend(scope.extend(&parsed, policies));
        self.scopes.insert(name.to_owned(), scope);
        chain.pop();
    }

    /// What a scenario starts from; nothing where its state is missing or broken.
    fn scope(&self, parsed: &Parsed) -> (Option<Scope>, Option<Diagnostic>) {
        let Some((given, span)) = &parsed.given else {
            return (Some(Scope::default()), None);
        };
        match self.scopes.get(given) {
            Some(scope) => (Some(scope.clone()), None),
            // Reported where the state itself is.
            None if self.broken.contains(given) => (None, None),
            None => (None, Some(self.missing(given, *span, parsed))),
        }
    }

    fn missing(&self, name: &str, span: Span, parsed: &Parsed) -> Diagnostic {
        Diagnostic::error(
            "scenario/missing-state",
            format!("there is no state `{name}`"),
        )
        .with_label(span, format!("no file states/{name}.yaml"))
        .with_help(known_names(name, self.parsed.keys().map(String::as_str)))
        .with_source(&parsed.source)
    }
}
