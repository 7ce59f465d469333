//! What a Project says about writes to it, as Medplum's project settings do: `strictMode` and
//! `checkReferencesOnWrite`. An edit of the Project is effective on the next request.

use serde_json::Value;

use super::Context;
use crate::config::Validation;

/// The settings that apply to a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) validation: Validation,
    /// Whether each reference has to lead to a resource that the writer may read.
    pub(crate) check_references: bool,
}

impl Context<'_> {
    /// The settings of the actor's project; where it says nothing, those of the server.
    pub(crate) fn settings(&self) -> Settings {
        let project = self.view.resolve(self.project);
        let says = |name: &str| {
            let project = project.as_ref()?;
            project.resource.get(name).and_then(Value::as_bool)
        };
        Settings {
            validation: match says("strictMode") {
                Some(true) => Validation::Strict,
                Some(false) => Validation::Structural,
                None => self.app.validation,
            },
            check_references: says("checkReferencesOnWrite").unwrap_or(false),
        }
    }
}
