//! A scenario to begin with: it passes the check, plays on the embedded server, and says beside each
//! line what it is for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::template::is_name;

/// The policy that a starter names where the folder has none.
const PARTICIPANT: &str = r#"{
  "resourceType": "AccessPolicy",
  "name": "participant",
  "resource": [
    { "resourceType": "Communication", "criteria": "Communication?recipient=%profile" },
    { "resourceType": "Communication", "criteria": "Communication?sender=%profile" }
  ]
}
"#;

const TEXT: &str = r#"# yaml-language-server: $schema=SCHEMA
# The language: docs/scenario-language.md. Check this file with `fhirward scenario check FILE`, play
# it with `fhirward run FILE`, and look at what it recorded with `fhirward review`.
scenario: NAME
title: A message reaches its recipient and nobody else
page: PAGE
about: |
  Say here in two or three lines why a person should care.
actors:
  # Each actor becomes a profile resource and a login with these policies.
  alice: { profile: Practitioner, name: Dr. Alice Smith, policy: participant }
  homer: { profile: Patient, name: Homer Simpson, policy: participant }
  outsider: { profile: Practitioner, name: Dr. Nick Riviera, policy: participant }
steps:
  - step: send
    title: Alice writes to Homer
    as: alice
    create: Communication
    # What a create captures is watched: after every change all actors look for it.
    capture: message
    body:
      resourceType: Communication
      status: in-progress
      sender: { reference: "${alice}" }
      recipient: [{ reference: "${homer}" }]
      payload: [{ contentString: "Your results are here." }]
    # Who sees what afterwards, in the words of the documentation.
    see:
      alice: { message: visible }
      homer: { message: visible }
      outsider: { message: hidden }

  - step: homer-finds-it
    as: homer
    search: Communication?sender=${alice}
    expect: { matches: [message] }

  - step: outsider-reads
    title: Somebody else does not even learn that there is one
    as: outsider
    read: ${message}
    expect: hidden
"#;

/// The files of a starter, by their paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starter {
    /// The scenario itself.
    pub scenario: PathBuf,
    /// What has to be written, the scenario among it.
    pub files: BTreeMap<PathBuf, String>,
}

/// A starter in the suite of a folder. `has_policy` says whether the policy is there already;
/// `schema` is where an editor finds the schema.
///
/// # Errors
/// A name or a page that cannot be one, with the reason.
pub fn starter(
    root: &Path,
    name: &str,
    page: &str,
    schema: &str,
    has_policy: bool,
) -> Result<Starter, String> {
    for (what, text) in [("scenario", name), ("page", page)] {
        if !is_name(text) {
            return Err(format!(
                "`{text}` cannot name a {what}: a name is letters, digits, `-` and `_`, and starts with a letter"
            ));
        }
    }
    let scenario = root.join(page).join(format!("{name}.yaml"));
    let text = TEXT
        .replace("SCHEMA", schema)
        .replace("NAME", name)
        .replace("PAGE", page);
    let mut files = BTreeMap::from([(scenario.clone(), text)]);
    if !has_policy {
        files.insert(
            root.join("policies/participant.json"),
            PARTICIPANT.to_owned(),
        );
    }
    Ok(Starter { scenario, files })
}
