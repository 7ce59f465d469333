//! What a run holds the server to: options.

use std::path::PathBuf;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::medplum::Version;
use fhirward_engine::semantics::Semantics;
use fhirward_harness::client::Target;
use fhirward_harness::expect::departing_server;
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
    /// those that the server's profile names.
    #[arg(long, value_name = "NAME", value_parser = departing_server, help_heading = "Verdicts")]
    departures_of: Option<Semantics>,
    /// A file of departures that are accepted, each for a reason and for a time.
    #[arg(long, value_name = "FILE", help_heading = "Verdicts")]
    allow_departures: Option<PathBuf>,
}

/// The server whose departures are named where some are accepted and nobody says whose.
const MEDPLUM: Semantics = Semantics::Medplum(Version::V5_0);

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
        let of_profile = target.and_then(|target| target.profile.departures);
        let of_file = self.allow_departures.is_some().then_some(MEDPLUM);
        let known = self.departures_of.or(of_profile).or(of_file);
        Ok(Expectation {
            semantics: self.semantics,
            known,
            accepted,
        })
    }
}

#[cfg(test)]
mod tests {
    use fhirward_harness::client::{Auth, ServerProfile};
    use rstest::rstest;

    use super::*;
    use crate::output::Format;

    fn own(more: &str) -> ServerProfile {
        let text = format!(
            "name = \"ours\"\nabout = \"a Medplum behind our gateway\"\n{more}\n\
             [address]\nlayout = \"medplum\"\n[who-am-i]\nkind = \"medplum\"\n\
             [actors]\nprovisioning = \"medplum\"\n"
        );
        ServerProfile::parse(&text).unwrap()
    }

    /// Whose departures are named is said by the profile, whatever its name is.
    #[rstest]
    #[case::built_in(ServerProfile::named("medplum").unwrap(), None, Some("medplum-5.0"))]
    #[case::own(own("departures = \"medplum-5.2\""), None, Some("medplum-5.2"))]
    #[case::own_without(own(""), None, None)]
    #[case::generic(ServerProfile::generic(), None, None)]
    #[case::option_first(
        own("departures = \"medplum-5.2\""),
        Some("medplum-5.1"),
        Some("medplum-5.1")
    )]
    fn departures_are_named_as_the_profile_says(
        #[case] profile: ServerProfile,
        #[case] option: Option<&str>,
        #[case] known: Option<&str>,
    ) {
        let target = Target::new("http://127.0.0.1:9/", Auth::Nobody, profile).unwrap();
        let held = Held {
            semantics: Semantics::Documented,
            departures_of: option.map(|name| departing_server(name).unwrap()),
            allow_departures: None,
        };
        let read = held.read(Some(&target), Output::new(Format::Json));
        let known = known.map(|name| name.parse().unwrap());
        assert_eq!(read.unwrap().known, known);
    }
}
