//! The criterion in FHIRPath: what must be true of `%previous` and `%current`.

use fhirward_engine::fhirpath::{self, Truth};
use serde_json::{Value, json};

/// What the engine calls the resource before and after a write.
const NAMES: [(&str, &str); 2] = [("previous", "before"), ("current", "after")];

/// An expression that can be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expression {
    /// With the engine's names.
    text: String,
}

impl Expression {
    /// Reads an expression about resources of a type.
    ///
    /// # Errors
    /// Why it cannot be evaluated here.
    pub(crate) fn parse(text: &str, resource_type: &str) -> Result<Self, String> {
        let text = renamed(text)?;
        if let Some(error) = fhirpath::syntax_error(&text) {
            return Err(format!("it is no FHIRPath: {error}"));
        }
        let expression = Self { text };
        // What can never be evaluated shows already on a resource without content.
        let empty = json!({ "resourceType": resource_type });
        expression.holds(None, &empty)?;
        expression.holds(Some(&empty), &empty)?;
        Ok(expression)
    }

    /// Whether it is true.
    ///
    /// # Errors
    /// Why it cannot be told.
    pub(crate) fn holds(&self, previous: Option<&Value>, current: &Value) -> Result<bool, String> {
        match fhirpath::truth(&self.text, previous, current) {
            Truth::Holds => Ok(true),
            Truth::Fails => Ok(false),
            Truth::Unreadable(reason) | Truth::Unknown(reason) => Err(reason),
        }
    }
}

/// The expression with the engine's variables. Texts in quotes stay as they are.
fn renamed(text: &str) -> Result<String, String> {
    let mut renamed = String::with_capacity(text.len());
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        renamed.push(c);
        match (c, quote) {
            ('\\', Some(_)) => renamed.extend(chars.next().map(|(_, c)| c)),
            ('\'' | '`', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('%', None) => {
                let rest = text.get(at + 1..).unwrap_or_default();
                let end = rest
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                let name = rest.get(..end).unwrap_or_default();
                let Some((_, ours)) = NAMES.iter().find(|(theirs, _)| *theirs == name) else {
                    return Err(format!(
                        "the variable `%{name}` is not known here; `%previous` and `%current` are"
                    ));
                };
                renamed.push_str(ours);
                for _ in name.chars() {
                    chars.next();
                }
            }
            _ => {}
        }
    }
    Ok(renamed)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::both(
        "%previous.status != %current.status",
        Ok("%before.status != %after.status")
    )]
    #[case::in_a_text("'%previous'", Ok("'%previous'"))]
    #[case::behind_an_escape(r"'\'%previous' = %current.id", Ok(r"'\'%previous' = %after.id"))]
    #[case::unknown("%user", Err(()))]
    #[case::longer("%previously", Err(()))]
    #[case::the_engines_own("%before.exists()", Err(()))]
    fn variables(#[case] text: &str, #[case] expected: Result<&str, ()>) {
        assert_eq!(renamed(text).map_err(|_| ()), expected.map(str::to_owned));
    }

    #[rstest]
    #[case::newly_completed("completed", Some("in-progress"), true)]
    #[case::still_completed("completed", Some("completed"), false)]
    #[case::created_completed("completed", None, true)]
    #[case::not_completed("in-progress", None, false)]
    fn a_change_of_status(#[case] now: &str, #[case] before: Option<&str>, #[case] holds: bool) {
        let expression = Expression::parse(
            "%current.status = 'completed' and (%previous.exists().not() or %previous.status != 'completed')",
            "Communication",
        )
        .unwrap();
        let resource = |status| json!({ "resourceType": "Communication", "status": status });
        let before = before.map(resource);
        assert_eq!(expression.holds(before.as_ref(), &resource(now)), Ok(holds));
    }

    #[rstest]
    #[case("status = ")]
    #[case("%user.exists()")]
    fn what_cannot_be_evaluated_is_refused(#[case] text: &str) {
        assert!(Expression::parse(text, "Communication").is_err());
    }
}
