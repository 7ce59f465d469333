//! From paths to a checked suite: scenarios, the states they build on, the policies they name, and
//! the snapshots beside them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_engine::policy::PolicyDocument;
use fhirward_engine::source::{Source, Span, json};
use serde_json::Value;

use super::files::{Files, SNAPSHOT_END};
use super::grants;
use super::parse::{FileKind, parse};
use super::plan::Scenario;
use super::sharing;
use super::states::States;

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
    pub findings: Vec<Diagnostic>,
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
        // A policy that cannot be read is one mistake; that it is named is none.
        let named: Vec<String> = files.policies.keys().map(|path| stem(path)).collect();
        let names: Vec<&str> = named.iter().map(String::as_str).collect();
        let states = States::read(&files.states, &names, &mut findings);
        let mut scenarios = Vec::new();
        let mut shared: BTreeMap<String, Arc<Scenario>> = BTreeMap::new();
        let mut ids: BTreeMap<String, PathBuf> = BTreeMap::new();
        let mut unknown = UnknownNames::default();
        let mut sorted: Vec<_> = files.scenarios.iter().collect();
        sorted.sort();
        for (path, content) in sorted {
            let source = Source::new(path.display().to_string(), content.as_str());
            let (parsed, mut own) = parse(&source, FileKind::Scenario);
            if let Some(parsed) = parsed {
                if let Some(first) = ids.get(&parsed.id).filter(|_| !parsed.id.is_empty()) {
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
                let given_state = parsed.given.as_ref().map(|given| given.state.clone());
                own.extend(scope.extend(&parsed, &names));
                own.retain(|finding| unknown.is_new(given_state.as_deref(), finding));
                own.extend(sharing::check(&parsed));
                let shares = parsed
                    .given
                    .as_ref()
                    .filter(|given| given.share.is_some())
                    .and_then(|given| match shared.get(&given.state) {
                        Some(known) => Some(Arc::clone(known)),
                        None => {
                            let made = Arc::new(states.played(&given.state)?);
                            shared.insert(given.state.clone(), Arc::clone(&made));
                            Some(made)
                        }
                    });
                let (snapshot, profile_snapshots) = beside(path, &files.snapshots);
                scenarios.push(Arc::new(Scenario {
                    id: parsed.id,
                    title: parsed.title,
                    page: parsed.page,
                    about: parsed.about,
                    file: path.clone(),
                    source,
                    needs: scope.needs,
                    state: parsed.given.map(|given| given.state),
                    shares,
                    sinks: scope.sinks,
                    actors: scope.actors,
                    given,
                    steps: scope.steps,
                    snapshot,
                    profile_snapshots,
                }));
            }
            findings.extend(own);
        }
        unknown.tell(&mut findings);
        findings.extend(grants::check(&scenarios, &policies, &findings));
        if findings.iter().any(Diagnostic::is_error) {
            // Advice waits until there is a suite to give it on.
            findings.retain(|finding| finding.severity > Severity::Info);
            return Err(LoadError::Invalid(findings));
        }
        let obsolete = files
            .snapshots
            .keys()
            .filter(|file| {
                let is = |known: &SnapshotFile| known.file == **file;
                let mut kept = scenarios
                    .iter()
                    .flat_map(|one| one.snapshot.iter().chain(one.profile_snapshots.values()));
                !kept.any(is)
            })
            .cloned()
            .collect();
        Ok(Self {
            scenarios,
            policies,
            obsolete,
            findings,
            on_disk: files.on_disk,
        })
    }
}

/// Names that scenarios of one state use, and that neither it nor they have: one mistake, and most
/// often the state's.
#[derive(Debug, Default)]
struct UnknownNames {
    /// The state and the name to the first finding, and the places after it.
    places: BTreeMap<(String, String), (Diagnostic, Vec<String>)>,
}

impl UnknownNames {
    /// Whether nobody has said this of the state yet.
    fn is_new(&mut self, state: Option<&str>, finding: &Diagnostic) -> bool {
        const CODES: [&str; 2] = ["scenario/unknown-actor", "scenario/unknown-capture"];
        let message = &finding.message;
        let is_name = message.starts_with("unknown ") || message.ends_with(" to itself");
        let (Some(state), Some(source), true) = (
            state,
            &finding.source,
            is_name && CODES.contains(&finding.code),
        ) else {
            return true;
        };
        // As an actor and as a resource it is the same name.
        let name = message.split('`').rev().nth(1).unwrap_or(message);
        let line = finding.line_column().map_or(0, |(line, _)| line);
        match self.places.entry((state.to_owned(), name.to_owned())) {
            Entry::Vacant(first) => {
                first.insert((finding.clone(), Vec::new()));
                true
            }
            Entry::Occupied(mut known) => {
                known.get_mut().1.push(format!("{}:{line}", source.name));
                false
            }
        }
    }

    /// Names the other places where the first one is told.
    fn tell(self, findings: &mut [Diagnostic]) {
        for (first, places) in self.places.into_values() {
            let told = findings.iter_mut().find(|finding| **finding == first);
            if let (Some(told), false) = (told, places.is_empty()) {
                let others = format!("also used in {}", places.join(", "));
                told.help = Some(match &told.help {
                    Some(help) => format!("{help}; {others}"),
                    None => others,
                });
            }
        }
    }
}

/// The snapshots of a scenario: the common one, and those of server profiles.
fn beside(
    scenario: &Path,
    snapshots: &BTreeMap<PathBuf, String>,
) -> (Option<SnapshotFile>, BTreeMap<String, SnapshotFile>) {
    let (mut common, mut own) = (None, BTreeMap::new());
    let stem = stem(scenario);
    for (file, text) in snapshots {
        if file.parent() != scenario.parent() {
            continue;
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let Some(rest) = name
            .strip_prefix(stem.as_str())
            .and_then(|rest| rest.strip_suffix(SNAPSHOT_END))
        else {
            continue;
        };
        let found = SnapshotFile {
            source: Source::new(file.display().to_string(), text.as_str()),
            file: file.clone(),
        };
        if rest.is_empty() {
            common = Some(found);
        } else if let Some(profile) = rest.strip_prefix('@') {
            own.insert(profile.to_owned(), found);
        }
    }
    (common, own)
}

pub(super) fn stem(path: &Path) -> String {
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
