//! People with policies, for the rules about who sees what.

use std::path::PathBuf;
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::policy::{Membership, Options, Policy, assemble};

use crate::commands::policy::files::{Policies, add_new};
use crate::exit::Exit;
use crate::input;
use crate::output::Failure;

/// Whose eyes to look through.
#[derive(Debug, clap::Args)]
pub struct Who {
    /// Files with AccessPolicies.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    policy: Vec<PathBuf>,
    /// Files with ProjectMemberships: people and their policies.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    membership: Vec<PathBuf>,
    /// People without memberships, to whom all the policies apply.
    #[arg(long = "as", num_args = 1.., value_name = "TYPE/ID", requires = "policy")]
    profiles: Vec<String>,
}

impl Who {
    /// The policies of everybody that was named, and what is wrong with them.
    ///
    /// # Errors
    /// A file that is not there; policies without anybody to have them; a policy that is missing or
    /// invalid, of which nothing could be said.
    pub fn read(&self) -> Result<Vec<Policy>, Failure> {
        let mut read = Policies::default();
        for path in self.policy.iter().chain(&self.membership) {
            read.add(&input::read(path)?);
        }
        let mut findings = std::mem::take(&mut read.findings);
        // Said of a policy by itself; the assembly below knows the member.
        findings.retain(|finding| finding.code != "criteria/parameter");
        let mut policies = Vec::new();
        let options = Options::default();
        for membership in &read.memberships {
            let assembled = assemble(membership, &|reference| read.find(reference), &options);
            add_new(&mut findings, assembled.diagnostics);
            policies.push(assembled.policy);
        }
        // The files need not have ids, so the references are their places in the list.
        let places: Vec<String> = (0..read.policies.len())
            .map(|at| format!("AccessPolicy/{at}"))
            .collect();
        let places: Vec<&str> = places.iter().map(String::as_str).collect();
        for profile in &self.profiles {
            let find = |reference: &str| {
                let at = places.iter().position(|place| *place == reference)?;
                read.policies.get(at).map(Arc::clone)
            };
            let assembled = assemble(&Membership::of(profile, &places), &find, &options);
            add_new(&mut findings, assembled.diagnostics);
            policies.push(assembled.policy);
        }
        if policies.is_empty() && !(self.policy.is_empty() && self.membership.is_empty()) {
            findings.push(
                Diagnostic::error("thread/nobody", "nobody is named who has these policies")
                    .with_help("give memberships with --membership, or --as Practitioner/house"),
            );
        }
        if findings.iter().any(Diagnostic::is_error) {
            return Err(Failure {
                exit: Exit::Invalid,
                findings,
            });
        }
        Ok(policies)
    }
}
