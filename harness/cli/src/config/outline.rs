//! The sections of the file and their keys, the same for every command.

use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::Source;
use fhirward_harness::actor::servers;
use toml::de::DeTable;

use super::fault::{Faults, one_of};
use crate::exit::Exit;
use crate::input;
use crate::output::Failure;

/// The section of servers, whose entries have keys of their own.
const SERVERS: &str = "servers";

/// The sections that commands check by, and their keys.
const SECTIONS: [(&str, &[&str]); 2] = [
    ("policy", &["rules", "except", "server-version"]),
    ("thread", &["rules", "except"]),
];

/// Finds sections that there are not, and keys that a section does not have.
pub(super) fn check(table: &DeTable<'_>, faults: &mut Faults<'_>) {
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        if name == SERVERS {
            continue;
        }
        let Some((_, keys)) = SECTIONS.iter().find(|(section, _)| *section == name) else {
            let sections: Vec<&str> = SECTIONS.iter().map(|(section, _)| *section).collect();
            faults.add(
                "config/unknown-key",
                key.span(),
                format!("`{name}` is no section of a fhirward.toml"),
                one_of(name, &[&sections[..], &[SERVERS]].concat()),
            );
            continue;
        };
        let Some(section) = faults.table(name, value) else {
            continue;
        };
        for key in section.keys() {
            let found = key.get_ref().as_ref();
            if !keys.contains(&found) {
                faults.add(
                    "config/unknown-key",
                    key.span(),
                    format!("`{found}` is no key of `[{name}]`"),
                    one_of(found, keys),
                );
            }
        }
    }
}

/// The first fault of the servers, which have a reader of their own.
pub(super) fn check_servers(source: &Source) -> Option<Diagnostic> {
    servers(&source.name, &source.text).err()
}

/// Checks the nearest file, for a command that reads no section of it, or none yet.
///
/// # Errors
/// Everything that is wrong with its sections and keys.
pub fn check_nearest() -> Result<(), Failure> {
    let Some(file) = super::upward() else {
        return Ok(());
    };
    let source = input::read(&file)?;
    let findings = faults_of(&source);
    if findings.is_empty() {
        return Ok(());
    }
    Err(Failure {
        exit: Exit::Usage,
        findings,
    })
}

fn faults_of(source: &Arc<Source>) -> Vec<Diagnostic> {
    let mut faults = Faults::new(source);
    match DeTable::parse(&source.text) {
        Ok(table) => {
            check(table.get_ref(), &mut faults);
            let mut all = faults.into_all();
            if all.is_empty() {
                all.extend(check_servers(source));
            }
            all
        }
        Err(error) => {
            faults.no_toml(&source.text, &error, "docs/config.md has an example");
            faults.into_all()
        }
    }
}
