//! The write constraints of an entry, as they are written. Source: R.10.

use serde_json::Value;

use super::{EntryReader, MAX_UNKNOWN_KEYS};
use crate::criteria::{self, Bindings};
use crate::diagnostic::Diagnostic;
use crate::fhirpath;
use crate::policy::variables::{Unknown, fill_constraint};

impl EntryReader<'_> {
    pub(super) fn constraints(&mut self) -> Vec<String> {
        let items = match self.item.get("writeConstraint") {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.fault(
                    "policy/shape",
                    "/writeConstraint",
                    "`writeConstraint` is no array",
                    None,
                );
                return Vec::new();
            }
        };
        let mut expressions = Vec::new();
        for (at, item) in items.iter().enumerate() {
            if let Some(language) = item.get("language")
                && language != "text/fhirpath"
            {
                self.fault(
                    "policy/shape",
                    &format!("/writeConstraint/{at}/language"),
                    format!("a write constraint in {language} cannot be evaluated"),
                    Some("the language is `text/fhirpath`".to_owned()),
                );
            }
            match item.get("expression").and_then(Value::as_str) {
                Some(expression) => {
                    self.check_constraint(expression, at);
                    expressions.push(expression.to_owned());
                }
                None => self.fault(
                    "policy/shape",
                    &format!("/writeConstraint/{at}"),
                    "a write constraint has no `expression`",
                    Some(
                        "write `{\"language\": \"text/fhirpath\", \"expression\": \"…\"}`"
                            .to_owned(),
                    ),
                ),
            }
        }
        if !expressions.is_empty() && !fhirpath::AVAILABLE {
            let place = self
                .json
                .nearest_span(&format!("{}/writeConstraint", self.pointer));
            self.findings.push(
                Diagnostic::warning(
                    "policy/constraint-not-evaluated",
                    "this build cannot evaluate write constraints",
                )
                .with_label(place, "fhirward denies every write through this entry")
                .with_source(self.json.source())
                .with_help("build with the feature `fhirpath` to check the expression and decide on writes; reads are decided as usual"),
            );
        }
        expressions
    }

    fn check_constraint(&mut self, expression: &str, at: usize) {
        let below = format!("/writeConstraint/{at}/expression");
        if let Some(error) = fhirpath::syntax_error(expression) {
            let message = format!("the write constraint is no FHIRPath: {error}");
            self.fault("policy/constraint", &below, message, None);
            return;
        }
        // These have a value in every membership.
        let mut known = Bindings::none();
        known.bind_reference("profile", "Type/id");
        known.bind_reference("patient", "Type/id");
        let mut names = 0;
        while let Err(Unknown(variable)) = fill_constraint(expression, &known) {
            names += 1;
            let name = variable.trim_start_matches('%');
            let name = name.strip_suffix(".id").unwrap_or(name);
            let may_be_given = criteria::is_parameter_name(name) && !is_fhirpath_variable(name);
            if !may_be_given || names > MAX_UNKNOWN_KEYS {
                let message = format!("`{variable}` has no value in a write constraint");
                self.fault(
                    "policy/constraint",
                    &below,
                    message,
                    Some(constraint_help()),
                );
                return;
            }
            let place = self.json.nearest_span(&format!("{}{below}", self.pointer));
            let message =
                format!("`%{name}` must be a parameter of every membership that uses this policy");
            self.findings.push(
                Diagnostic::warning("criteria/parameter", message)
                    .with_label(place, "has no value of its own")
                    .with_source(self.json.source())
                    .with_help(constraint_help()),
            );
            known.bind_reference(name, "Type/id");
        }
    }
}

/// Advice for a variable of a write constraint that has no value.
pub(in crate::policy) fn constraint_help() -> String {
    "the variables are `%before` (absent on create), `%after`, `%profile`, `%patient` and the \
     parameters of the membership"
        .to_owned()
}

/// Variables that FHIRPath itself has, which a constraint does not: nobody means a parameter.
fn is_fhirpath_variable(name: &str) -> bool {
    matches!(
        name,
        "context" | "resource" | "rootResource" | "ucum" | "sct" | "loinc" | "previous" | "current"
    )
}
