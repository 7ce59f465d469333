//! Pending snapshots: look, accept, reject.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use fhirward_engine::source::Source;

use super::diff::{Difference, compare};
use super::snapshot::{Snapshot, UnreadableSnapshot};
use super::widening::{Widened, Widening};
use crate::scenario::in_file_name;

const SNAPSHOT: &str = ".snap.yaml";
const PENDING: &str = ".snap.yaml.new";

/// A snapshot that a run wrote and nobody has looked at.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The scenario; with `@` and the name of a server profile, where it is to be kept for that
    /// profile.
    pub scenario: String,
    /// The file that accepting writes, which may not exist yet.
    pub snapshot: PathBuf,
    /// The pending one.
    pub pending: PathBuf,
    /// What is accepted and counts for the same runs, if anything is, and if it can be read. For a
    /// profile that has no snapshot of its own yet it is the common one.
    pub old: Option<Snapshot>,
    /// Why the accepted snapshot cannot be read. What it allowed is unknown then, and anything
    /// pending may be more.
    pub unreadable: Option<UnreadableSnapshot>,
    /// What is pending.
    pub new: Snapshot,
    /// What changes; empty where nothing was accepted before.
    pub differences: Vec<Difference>,
}

/// Why a review cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// A file that cannot be read or written.
    #[error("`{path}`: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A pending file that is no snapshot.
    #[error(transparent)]
    Unreadable(#[from] UnreadableSnapshot),
    /// Nobody knows for which profile to keep it.
    #[error("`{0}` does not say which server profile it is of")]
    NoProfile(String),
    /// Somebody would see more, and nobody says why.
    #[error("`{scenario}` widens access and needs a reason: {widening}")]
    NeedsReason {
        /// The scenario.
        scenario: String,
        /// The first widening.
        widening: String,
    },
    /// What was accepted cannot be read, so nobody knows whether somebody would see more.
    #[error(
        "`{scenario}` may widen access and needs a reason: the accepted snapshot cannot be read ({unreadable})"
    )]
    NeedsReasonUnread {
        /// The scenario.
        scenario: String,
        /// Where the accepted snapshot breaks.
        unreadable: UnreadableSnapshot,
    },
}

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> ReviewError {
    let path = path.to_path_buf();
    move |error| ReviewError::File { path, error }
}

/// The pending snapshots in files and folders, sorted.
///
/// # Errors
/// A folder or file that cannot be read, or a pending file that is no snapshot.
pub fn pending(paths: &[PathBuf]) -> Result<Vec<Pending>, ReviewError> {
    let mut files = BTreeSet::new();
    for path in paths {
        if path.is_dir() {
            find(path, &|_| true, &mut files)?;
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = [PENDING, SNAPSHOT, ".yaml", ".yml"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .unwrap_or(&name);
        let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        if folder.is_dir() {
            let is_of = |name: &str| {
                let rest = name.strip_prefix(stem);
                rest.is_some_and(|rest| rest == PENDING || rest.starts_with('@'))
            };
            find(folder, &is_of, &mut files)?;
        }
    }
    files.iter().map(|file| read(file)).collect()
}

/// The pending files of a folder whose names fit, and those in the folders below where all fit.
fn find(
    folder: &Path,
    fits: &dyn Fn(&str) -> bool,
    files: &mut BTreeSet<PathBuf>,
) -> Result<(), ReviewError> {
    for entry in std::fs::read_dir(folder).map_err(file_error(folder))? {
        let path = entry.map_err(file_error(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if fits("") {
                find(&path, fits, files)?;
            }
        } else if name.ends_with(PENDING) && fits(&name) {
            files.insert(path);
        }
    }
    Ok(())
}

/// The pending file of a snapshot.
pub(crate) fn pending_of(snapshot: &Path) -> PathBuf {
    let mut name = snapshot.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn read(pending: &Path) -> Result<Pending, ReviewError> {
    let new = load(pending)?;
    let name = pending.file_name().unwrap_or_default().to_string_lossy();
    let id = name.strip_suffix(PENDING).unwrap_or(&name);
    of(pending, id, new)
}

fn load(path: &Path) -> Result<Snapshot, ReviewError> {
    let text = std::fs::read_to_string(path).map_err(file_error(path))?;
    let source = Source::new(path.display().to_string(), text);
    Ok(Snapshot::parse(&source)?)
}

/// A pending snapshot as one of `id`, a scenario or `scenario@profile`.
fn of(pending: &Path, id: &str, new: Snapshot) -> Result<Pending, ReviewError> {
    let named = |id: &str| pending.with_file_name(format!("{id}{SNAPSHOT}"));
    let snapshot = named(id);
    let common = id.split('@').next().map(named);
    let accepted = [Some(&snapshot), common.as_ref()]
        .into_iter()
        .flatten()
        .find(|file| file.exists());
    let (old, unreadable) = match accepted.map(|file| load(file)) {
        None => (None, None),
        Some(Ok(old)) => (Some(old), None),
        Some(Err(ReviewError::Unreadable(why))) => (None, Some(why)),
        Some(Err(error)) => return Err(error),
    };
    let differences = old
        .as_ref()
        .map(|old| compare(old, &new, &BTreeSet::new()))
        .unwrap_or_default();
    Ok(Pending {
        scenario: id.to_owned(),
        snapshot,
        pending: pending.to_path_buf(),
        old,
        unreadable,
        new,
        differences,
    })
}

impl Pending {
    /// The server profile of the run that wrote it.
    pub fn profile(&self) -> Option<&str> {
        self.new.profile.as_deref()
    }

    /// Whether it is kept for its server profile only.
    pub fn is_of_profile(&self) -> bool {
        self.scenario.contains('@')
    }

    /// The same, to be kept for its server profile only.
    ///
    /// # Errors
    /// A pending snapshot that does not say its profile, or an accepted one that cannot be read.
    pub fn for_profile(self) -> Result<Self, ReviewError> {
        if self.is_of_profile() {
            return Ok(self);
        }
        let Some(profile) = self.profile().map(in_file_name) else {
            return Err(ReviewError::NoProfile(self.scenario));
        };
        let id = format!("{}@{profile}", self.scenario);
        of(&self.pending, &id, self.new)
    }

    /// The same, to be kept for all server profiles that have no snapshot of their own.
    ///
    /// # Errors
    /// An accepted snapshot that cannot be read.
    pub fn for_all(self) -> Result<Self, ReviewError> {
        let common = self.scenario.split('@').next().unwrap_or_default();
        of(&self.pending, common, self.new)
    }

    /// The differences in which somebody sees more.
    pub fn widenings(&self) -> impl Iterator<Item = &Difference> {
        self.differences
            .iter()
            .filter(|difference| difference.is_widening())
    }

    /// Whether accepting takes a reason: somebody sees more than before, or nobody can tell.
    pub fn needs_reason(&self) -> bool {
        self.unreadable.is_some() || self.widenings().next().is_some()
    }

    /// Makes the pending snapshot the accepted one.
    ///
    /// # Errors
    /// A widening, or what may be one, without a reason; or a file that cannot be written.
    pub fn accept(mut self, reason: Option<&str>) -> Result<(), ReviewError> {
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        if let Some(widening) = self.widenings().next()
            && reason.is_none()
        {
            return Err(ReviewError::NeedsReason {
                scenario: self.scenario.clone(),
                widening: widening.to_string(),
            });
        }
        if let Some(unreadable) = &self.unreadable
            && reason.is_none()
        {
            return Err(ReviewError::NeedsReasonUnread {
                scenario: self.scenario.clone(),
                unreadable: unreadable.clone(),
            });
        }
        let mut accepted = Vec::new();
        if let Some(reason) = reason {
            let differences = self.differences.iter();
            accepted.extend(differences.flat_map(|difference| Widening::of(difference, reason)));
            if self.unreadable.is_some() {
                // Each of the steps may show more than what was accepted and is lost.
                accepted.extend(self.new.steps.iter().map(|step| Widening {
                    step: step.step.clone(),
                    of: Widened::Step,
                    reason: reason.to_owned(),
                }));
            }
        }
        let before = self.old.as_ref().map(|old| old.widening.as_slice());
        self.new.widening = Widening::join(before.unwrap_or_default(), accepted, &self.new);
        if let Some(old) = &self.old {
            // What is proposed comes with the pending one; what was accepted stays.
            for noise in &old.noise {
                let is_kept = self.new.step(&noise.step).is_some();
                if is_kept && !self.new.noise.contains(noise) {
                    self.new.noise.push(noise.clone());
                }
            }
        }
        write(&self.snapshot, &self.new.to_string()).map_err(file_error(&self.snapshot))?;
        std::fs::remove_file(&self.pending).map_err(file_error(&self.pending))
    }

    /// Throws the pending snapshot away.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn reject(self) -> Result<(), ReviewError> {
        std::fs::remove_file(&self.pending).map_err(file_error(&self.pending))
    }
}

/// Writes under another name and renames: the file is complete or absent.
pub(crate) fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // A document for others to read, not a secret: what the umask leaves.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(old: Option<&str>, new: &str) -> (tempfile::TempDir, Pending) {
        let folder = tempfile::tempdir().unwrap();
        if let Some(old) = old {
            std::fs::write(folder.path().join("flow.snap.yaml"), old).unwrap();
        }
        std::fs::write(folder.path().join("flow.snap.yaml.new"), new).unwrap();
        let mut found = pending(&[folder.path().to_path_buf()]).unwrap();
        assert_eq!(found.len(), 1);
        (folder, found.remove(0))
    }

    #[test]
    fn a_first_snapshot_is_simply_accepted() {
        let (folder, pending) = folder(None, "a: { outcome: 200, sees: { x: [m] } }\n");
        assert_eq!(pending.scenario, "flow");
        pending.accept(None).unwrap();
        let text = std::fs::read_to_string(folder.path().join("flow.snap.yaml")).unwrap();
        assert_eq!(text, "a:\n  outcome: 200\n  sees:\n    x: [m]\n");
        assert!(!folder.path().join("flow.snap.yaml.new").exists());
    }

    #[test]
    fn a_widening_needs_a_reason_and_keeps_it() {
        let old = "a: { sees: { x: [] } }\n";
        let new = "a: { sees: { x: [m] } }\n";
        let (_kept, pending) = folder(Some(old), new);
        for reason in [None, Some("  ")] {
            let error = pending.clone().accept(reason).unwrap_err();
            assert_eq!(
                error.to_string(),
                "`flow` widens access and needs a reason: x gained m (was hidden) after step a"
            );
        }
        let file = pending.snapshot.clone();
        pending.accept(Some("policy 12")).unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains("reason: \"policy 12\""), "{text}");
    }

    #[test]
    fn earlier_reasons_stay() {
        let widening = "widening:\n- { step: a, actor: x, resource: m, reason: \"policy 12\" }\n- { step: gone, actor: x, resource: m, reason: old }\n";
        let (_kept, pending) = folder(
            Some(&format!(
                "a: {{ outcome: 200, sees: {{ x: [m] }} }}\n{widening}"
            )),
            "a: { outcome: 201, sees: { x: [m] } }\n",
        );
        let file = pending.snapshot.clone();
        pending.accept(None).unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        assert!(
            text.contains("policy 12") && !text.contains("gone"),
            "{text}"
        );
    }

    #[test]
    fn what_cannot_be_read_is_replaced_only_with_a_reason_that_is_kept() {
        let (_kept, pending) = folder(
            Some("<<<<<<< ours\na: {}\n=======\nb: {}\n>>>>>>> theirs\n"),
            "a: { outcome: 200, sees: { x: [m] } }\n",
        );
        assert!(pending.old.is_none() && pending.needs_reason());
        let file = pending.snapshot.clone();
        let before = std::fs::read_to_string(&file).unwrap();
        for reason in [None, Some("  ")] {
            let error = pending.clone().accept(reason).unwrap_err();
            assert!(
                matches!(error, ReviewError::NeedsReasonUnread { .. }),
                "{error}"
            );
            let place = format!("{}:2", file.display());
            assert!(error.to_string().contains(&place), "{error}");
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
        pending.accept(Some("compared by hand")).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let accepted = Snapshot::parse(&Source::new("s", text.as_str())).unwrap();
        assert_eq!(accepted.widening.len(), 1, "{text}");
        assert_eq!(accepted.widening[0].step, "a");
        assert_eq!(accepted.widening[0].of, Widened::Step);
        assert_eq!(accepted.widening[0].reason, "compared by hand");
    }

    #[test]
    fn rejected_is_gone() {
        let (folder, pending) = folder(None, "a: {}\n");
        pending.reject().unwrap();
        assert!(!folder.path().join("flow.snap.yaml.new").exists());
        assert!(!folder.path().join("flow.snap.yaml").exists());
    }

    /// A folder of files, and what is pending in it.
    fn files(files: &[(&str, &str)]) -> (tempfile::TempDir, Vec<Pending>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let found = pending(&[folder.path().to_path_buf()]).unwrap();
        (folder, found)
    }

    const COMMON: &str = "profile: embedded\na: { outcome: 200, sees: { x: [] } }\n";
    const LEAKY: &str = "profile: hapi\na: { outcome: 200, sees: { x: [m] } }\n";

    #[test]
    fn the_first_snapshot_of_a_profile_is_held_against_the_common_one() {
        let (folder, mut found) = files(&[
            ("flow.snap.yaml", COMMON),
            ("flow@hapi.snap.yaml.new", LEAKY),
        ]);
        let one = found.remove(0);
        assert_eq!(one.scenario, "flow@hapi");
        assert!(one.is_of_profile() && one.needs_reason());
        assert!(one.clone().accept(None).is_err());
        one.accept(Some("it does not enforce")).unwrap();
        let read = |name| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("flow.snap.yaml"), COMMON);
        let own = read("flow@hapi.snap.yaml");
        assert!(own.starts_with("profile: hapi\n") && own.contains("it does not enforce"));
    }

    #[test]
    fn a_snapshot_is_kept_for_one_profile_or_for_all() {
        let same = "profile: hapi\na: { outcome: 201, sees: { x: [] } }\n";
        let (folder, mut found) =
            files(&[("flow.snap.yaml", COMMON), ("flow.snap.yaml.new", same)]);
        let one = found.remove(0).for_profile().unwrap();
        assert_eq!(one.scenario, "flow@hapi");
        one.accept(None).unwrap();
        let read = |name| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("flow.snap.yaml"), COMMON);
        assert!(read("flow@hapi.snap.yaml").contains("201"));

        // Its own snapshot allows the leak, the common one does not.
        let (folder, mut found) = files(&[
            ("flow.snap.yaml", COMMON),
            ("flow@hapi.snap.yaml", LEAKY),
            ("flow@hapi.snap.yaml.new", LEAKY),
        ]);
        let one = found.remove(0);
        assert!(!one.needs_reason());
        let one = one.for_all().unwrap();
        assert_eq!(one.scenario, "flow");
        assert!(one.needs_reason());
        assert!(one.clone().accept(None).is_err());
        one.accept(Some("everybody may")).unwrap();
        let common = std::fs::read_to_string(folder.path().join("flow.snap.yaml")).unwrap();
        assert!(common.contains("everybody may"), "{common}");
    }

    #[test]
    fn without_a_profile_it_is_kept_for_all() {
        let (_kept, pending) = folder(Some("a: { outcome: 200 }\n"), "a: { outcome: 201 }\n");
        let error = pending.for_profile().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`flow` does not say which server profile it is of"
        );
    }

    #[test]
    fn a_scenario_names_what_is_pending_of_all_its_profiles() {
        let (folder, found) = files(&[
            ("flow.snap.yaml.new", COMMON),
            ("flow@hapi.snap.yaml.new", LEAKY),
            ("flow-on.snap.yaml.new", COMMON),
        ]);
        assert_eq!(found.len(), 3);
        let of = |name: &str| -> Vec<String> {
            let found = pending(&[folder.path().join(name)]).unwrap();
            found.into_iter().map(|one| one.scenario).collect()
        };
        assert_eq!(of("flow.yaml"), ["flow", "flow@hapi"]);
        assert_eq!(of("flow@hapi.snap.yaml"), ["flow@hapi"]);
        assert_eq!(of("flow-on.snap.yaml.new"), ["flow-on"]);
    }
}
