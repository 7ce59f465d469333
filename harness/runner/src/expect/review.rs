//! Pending snapshots: look, accept, reject.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use fhirward_engine::source::Source;

use super::diff::{Difference, compare};
use super::snapshot::{Snapshot, UnreadableSnapshot, Widening};

const SNAPSHOT: &str = ".snap.yaml";
const PENDING: &str = ".snap.yaml.new";

/// A snapshot that a run wrote and nobody has looked at.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The scenario.
    pub scenario: String,
    /// The accepted snapshot, which may not exist yet.
    pub snapshot: PathBuf,
    /// The pending one.
    pub pending: PathBuf,
    /// What is accepted, if anything is, and if it can be read.
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
            find(path, &mut files)?;
        } else {
            let name = path.to_string_lossy();
            let stem = name
                .strip_suffix(PENDING)
                .or_else(|| name.strip_suffix(SNAPSHOT))
                .or_else(|| name.strip_suffix(".yaml"))
                .unwrap_or(&name);
            let pending = PathBuf::from(format!("{stem}{PENDING}"));
            if pending.exists() {
                files.insert(pending);
            }
        }
    }
    files.iter().map(|file| read(file)).collect()
}

fn find(folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<(), ReviewError> {
    for entry in std::fs::read_dir(folder).map_err(file_error(folder))? {
        let path = entry.map_err(file_error(folder))?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.to_string_lossy().ends_with(PENDING) {
            files.insert(path);
        }
    }
    Ok(())
}

fn read(pending: &Path) -> Result<Pending, ReviewError> {
    let name = pending.to_string_lossy();
    let stem = name.strip_suffix(PENDING).unwrap_or(&name);
    let snapshot = PathBuf::from(format!("{stem}{SNAPSHOT}"));
    let load = |path: &Path| -> Result<Snapshot, ReviewError> {
        let text = std::fs::read_to_string(path).map_err(file_error(path))?;
        Ok(Snapshot::parse(&Source::new(
            path.display().to_string(),
            text,
        ))?)
    };
    let new = load(pending)?;
    let (old, unreadable) = if snapshot.exists() {
        match load(&snapshot) {
            Ok(old) => (Some(old), None),
            Err(ReviewError::Unreadable(why)) => (None, Some(why)),
            Err(error) => return Err(error),
        }
    } else {
        (None, None)
    };
    let differences = old
        .as_ref()
        .map(|old| compare(old, &new, &BTreeSet::new()))
        .unwrap_or_default();
    Ok(Pending {
        scenario: Path::new(stem)
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        snapshot,
        pending: pending.to_path_buf(),
        old,
        unreadable,
        new,
        differences,
    })
}

impl Pending {
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
        let mut record = self
            .old
            .as_ref()
            .map(|old| old.widening.clone())
            .unwrap_or_default();
        // What the scenario no longer does needs no excuse any more.
        record.retain(|widening| self.new.step(&widening.step).is_some());
        if let Some(reason) = reason {
            for difference in self.widenings() {
                record.extend(records(difference, reason));
            }
            if self.unreadable.is_some() {
                // Each of the steps may show more than what was accepted and is lost.
                record.extend(self.new.steps.iter().map(|step| Widening {
                    step: step.step.clone(),
                    actor: String::new(),
                    resource: String::new(),
                    reason: reason.to_owned(),
                }));
            }
        }
        self.new.widening = record;
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

fn records(difference: &Difference, reason: &str) -> Vec<Widening> {
    let record = |actor: &str, resource: &str| Widening {
        step: difference.step().to_owned(),
        actor: actor.to_owned(),
        resource: resource.to_owned(),
        reason: reason.to_owned(),
    };
    match difference {
        Difference::Sight {
            actor, resource, ..
        } => vec![record(actor, resource)],
        // The step itself says who acts.
        Difference::Matches { gained, .. } => {
            gained.iter().map(|resource| record("", resource)).collect()
        }
        _ => vec![record("", "")],
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
            Some(&format!("a: {{ outcome: 200 }}\n{widening}")),
            "a: { outcome: 201 }\n",
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
        assert_eq!(accepted.widening[0].reason, "compared by hand");
    }

    #[test]
    fn rejected_is_gone() {
        let (folder, pending) = folder(None, "a: {}\n");
        pending.reject().unwrap();
        assert!(!folder.path().join("flow.snap.yaml.new").exists());
        assert!(!folder.path().join("flow.snap.yaml").exists());
    }
}
