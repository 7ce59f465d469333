//! Findings that somebody answers for.

use std::path::Path;

use fhirward_engine::source::Span;
use globset::GlobMatcher;

use super::Date;
use crate::findings::{File, Finding, Subject};

/// An exception: the findings that it names are not reported.
#[derive(Debug, Clone)]
pub struct Exception {
    /// Where it begins in the file.
    pub span: Span,
    /// The rule's id.
    pub rule: String,
    /// The files, by pattern.
    pub file: Option<Pattern>,
    /// The policy, by id or name.
    pub subject: Option<String>,
    /// The entry of the policy, from 1.
    pub part: Option<usize>,
    /// Why the finding may stay.
    pub reason: String,
    /// The last day of the exception, and where it stands.
    pub expires: Option<(Date, Span)>,
}

/// A pattern for paths below the configuration's folder.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As written.
    pub text: String,
    /// Compiled.
    pub matcher: GlobMatcher,
}

impl Exception {
    /// Whether it speaks of this file.
    pub fn names_file(&self, name: &str, folder: &Path) -> bool {
        match &self.file {
            None => true,
            Some(pattern) => pattern.matcher.is_match(below(folder, name)),
        }
    }

    /// Whether it speaks of this finding, which is in the given file and subject.
    pub fn takes(
        &self,
        finding: &Finding,
        at: Option<(&File, Option<&Subject>)>,
        folder: &Path,
    ) -> bool {
        if finding.rule != self.rule {
            return false;
        }
        let Some((file, subject)) = at else {
            return self.file.is_none() && self.subject.is_none() && self.part.is_none();
        };
        if !self.names_file(&file.source.name, folder) {
            return false;
        }
        let called = self.subject.as_ref().is_none_or(|wanted| {
            subject.is_some_and(|subject| subject.called.iter().any(|name| name == wanted))
        });
        let numbered = self.part.is_none_or(|part| {
            let place = finding
                .diagnostic
                .labels
                .first()
                .map(|label| label.span.start);
            let part = subject.and_then(|subject| subject.parts.get(part.checked_sub(1)?));
            matches!((part, place), (Some(part), Some(at)) if part.start <= at && at < part.end)
        });
        called && numbered
    }
}

/// A path as patterns see it: below the folder, with forward slashes; a path elsewhere is whole.
fn below(folder: &Path, name: &str) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let mut clean = std::path::PathBuf::new();
    for component in here.join(name).components() {
        match component {
            std::path::Component::ParentDir => {
                clean.pop();
            }
            std::path::Component::CurDir => {}
            other => clean.push(other),
        }
    }
    let path = clean.strip_prefix(folder).unwrap_or(&clean);
    path.to_string_lossy().replace('\\', "/")
}
