//! Policies and memberships from files.

use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::policy::{Membership, PolicyDocument};
use fhirward_engine::source::Source;

use super::beside::{Others, resources};
use crate::input;

/// What the files hold, in the order of the command line.
#[derive(Debug, Default)]
pub struct Policies {
    /// The policies.
    pub policies: Vec<Arc<PolicyDocument>>,
    /// The memberships.
    pub memberships: Vec<Membership>,
    /// What is wrong with them.
    pub findings: Vec<Diagnostic>,
}

impl Policies {
    /// Reads the policies and memberships of a file.
    pub fn add(&mut self, file: &Arc<Source>) {
        let (parts, unreadable) = input::parts(file);
        add_new(&mut self.findings, unreadable);
        let mut others = Others::default();
        let alone = parts.len() == 1;
        for part in &parts {
            if !alone || resources(&part.document).1 {
                others.note_all(&part.document);
            }
            let (policies, memberships, findings) = PolicyDocument::from_json(&part.document);
            let findings = findings
                .into_iter()
                .filter(|finding| !others.explain(finding))
                .map(|finding| part.place(finding));
            add_new(&mut self.findings, findings.collect());
            self.policies.extend(policies.into_iter().map(Arc::new));
            self.memberships.extend(memberships);
        }
    }

    /// The policy that a membership means by `AccessPolicy/x`: by id, or by name where the file has
    /// no id, as a policy that was never on a server.
    pub fn find(&self, reference: &str) -> Option<Arc<PolicyDocument>> {
        let wanted = reference.strip_prefix("AccessPolicy/").unwrap_or(reference);
        let by_id = self.policies.iter().find(|p| p.id() == Some(wanted));
        let by_name = || {
            self.policies
                .iter()
                .find(|p| p.id().is_none() && p.name() == Some(wanted))
        };
        by_id.or_else(by_name).map(Arc::clone)
    }
}

/// Adds findings that are not there yet: assembling a policy twice finds everything twice.
pub fn add_new(all: &mut Vec<Diagnostic>, more: Vec<Diagnostic>) {
    for finding in more {
        if !all.contains(&finding) {
            all.push(finding);
        }
    }
}
