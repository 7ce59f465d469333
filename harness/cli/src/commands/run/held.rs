//! What a run holds the server to: options.

use std::path::PathBuf;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::semantics::Semantics;
use fhirward_harness::client::Target;
use fhirward_harness::run::Expectation;

use crate::config::{Date, departures};
use crate::exit::Exit;
use crate::input;
use crate::output::{Failure, Output};

/// What a server is held to.
#[derive(Debug, clap::Args)]
pub struct Held {
    /// What the policies mean: documented, r4, or what a server of a version makes of them, such as
    /// medplum-5.0. Then its known departures are expected of it.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "documented",
        help_heading = "Verdicts"
    )]
    semantics: Semantics,
    /// Name the departures that servers of this kind are known for, such as medplum-5.0. Without:
    /// those of Medplum, where the profile says that it is one.
    #[arg(long, value_name = "NAME", value_parser = server_kind, help_heading = "Verdicts")]
    departures_of: Option<Semantics>,
    /// A file of departures that are accepted, each for a reason and for a time.
    #[arg(long, value_name = "FILE", help_heading = "Verdicts")]
    allow_departures: Option<PathBuf>,
}

/// The version whose departures are named where nobody says which: the newest that was measured.
const MEDPLUM: &str = "medplum-5.0";

fn server_kind(name: &str) -> Result<Semantics, String> {
    match name.parse() {
        Ok(Semantics::Medplum(version)) => Ok(Semantics::Medplum(version)),
        Ok(_) => Err("only servers depart: write medplum-VERSION".to_owned()),
        Err(unknown) => Err(unknown.to_string()),
    }
}

impl Held {
    /// As the harness takes it.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn read(&self, target: Option<&Target>, output: Output) -> Result<Expectation, Failure> {
        let accepted = match &self.allow_departures {
            None => Vec::new(),
            Some(file) => {
                let (accepted, findings) = departures::read(&input::read(file)?, Date::today());
                if findings.iter().any(Diagnostic::is_error) {
                    return Err(Failure {
                        exit: Exit::Usage,
                        findings,
                    });
                }
                output.findings(&findings);
                accepted
            }
        };
        let is_medplum = target.is_some_and(|target| target.profile.name == "medplum");
        let known = match self.departures_of {
            Some(kind) => Some(kind),
            None if is_medplum || self.allow_departures.is_some() => MEDPLUM.parse().ok(),
            None => None,
        };
        Ok(Expectation {
            semantics: self.semantics,
            known,
            accepted,
        })
    }
}
