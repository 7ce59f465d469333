//! Variables outside of criteria: in a `compartment` and in a write constraint. Source: R.7, R.10.
//!
//! A variable is `%` and the longest word after it, or `%word.id`. Its value is a value: in a
//! constraint it is a FHIRPath string and never becomes a path or an operator.

use crate::criteria::Bindings;

/// A variable that has no value here, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unknown(pub String);

/// A text with the values of its variables.
pub(super) fn fill(text: &str, bindings: &Bindings) -> Result<String, Unknown> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        filled.push_str(before);
        let Some(variable) = Variable::read(after) else {
            return Err(Unknown("%".to_owned()));
        };
        filled.push_str(variable.value(bindings).ok_or_else(|| variable.unknown())?);
        rest = after.get(variable.length..).unwrap_or_default();
    }
    filled.push_str(rest);
    Ok(filled)
}

/// A FHIRPath expression with the values of its variables as strings. `%before` and `%after` stay,
/// whatever parameters there are. Inside of a FHIRPath string too a variable stands for its value,
/// and must have one; `%` before what is no name is a percent sign.
pub(super) fn fill_constraint(expression: &str, bindings: &Bindings) -> Result<String, Unknown> {
    let mut filled = String::with_capacity(expression.len());
    let mut quoted = false;
    let mut rest = expression;
    while let Some(at) = rest.find(['%', '\'', '\\']) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        filled.push_str(before);
        let mut chars = from.chars();
        let sign = chars.next().unwrap_or_default();
        let after = chars.as_str();
        rest = after;
        match sign {
            '\\' if quoted => {
                filled.push('\\');
                let mut chars = after.chars();
                filled.extend(chars.next());
                rest = chars.as_str();
            }
            '%' => {
                let variable = Variable::read(after)
                    .filter(|variable| !matches!(variable.name, "before" | "after"));
                let Some(variable) = variable else {
                    filled.push('%');
                    continue;
                };
                match variable.value(bindings) {
                    Some(value) if quoted => escape(value, &mut filled),
                    Some(value) => {
                        filled.push('\'');
                        escape(value, &mut filled);
                        filled.push('\'');
                    }
                    None => return Err(variable.unknown()),
                }
                rest = after.get(variable.length..).unwrap_or_default();
            }
            other => {
                quoted ^= other == '\'';
                filled.push(other);
            }
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// A value inside of a FHIRPath string.
fn escape(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other => out.push(other),
        }
    }
}

/// `name` or `name.id`, after the percent sign.
struct Variable<'t> {
    name: &'t str,
    id: bool,
    length: usize,
}

impl<'t> Variable<'t> {
    fn read(after: &'t str) -> Option<Self> {
        let word = |text: &str| {
            text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(text.len())
        };
        let width = word(after);
        let name = after.get(..width).filter(|name| !name.is_empty())?;
        let suffix = after.get(width..).and_then(|rest| rest.strip_prefix('.'));
        let id = suffix.is_some_and(|suffix| suffix.get(..word(suffix)) == Some("id"));
        Some(Self {
            name,
            id,
            length: if id { width + 3 } else { width },
        })
    }

    fn value<'b>(&self, bindings: &'b Bindings) -> Option<&'b str> {
        bindings
            .value(self.name, self.id)
            .filter(|value| !value.is_empty())
    }

    fn unknown(&self) -> Unknown {
        Unknown(format!(
            "%{}{}",
            self.name,
            if self.id { ".id" } else { "" }
        ))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn bindings() -> Bindings {
        let mut bindings = Bindings::none();
        bindings.bind_reference("profile", "Practitioner/alice");
        bindings.bind_reference("org", "Organization/o");
        bindings.bind_text("word", "it's \\ 'or' true");
        bindings.bind_text("empty", "");
        bindings.bind_text("before", "x");
        bindings
    }

    #[rstest]
    #[case::reference("%org", Ok("Organization/o"))]
    #[case::id("Organization/%org.id", Ok("Organization/o"))]
    #[case::longest_word("%organization", Err("%organization"))]
    #[case::no_id_of_a_text("%word.id", Err("%word.id"))]
    #[case::empty("%empty", Err("%empty"))]
    #[case::percent("100%", Err("%"))]
    #[case::none("Organization/o", Ok("Organization/o"))]
    fn r7_a_text_with_values(#[case] text: &str, #[case] expected: Result<&str, &str>) {
        let filled = fill(text, &bindings()).map_err(|unknown| unknown.0);
        assert_eq!(filled.as_deref().map_err(String::as_str), expected);
    }

    #[rstest]
    #[case::value(
        "sender.reference = %profile",
        Ok("sender.reference = 'Practitioner/alice'")
    )]
    #[case::id("x = %profile.id", Ok("x = 'alice'"))]
    #[case::path_after_a_value("%profile.length() > 1", Ok("'Practitioner/alice'.length() > 1"))]
    #[case::in_quotes("x = '%profile'", Ok("x = 'Practitioner/alice'"))]
    #[case::no_escape_from_quotes("x = '%word'", Ok(r"x = 'it\'s \\ \'or\' true'"))]
    #[case::never_an_operator("x = %word", Ok(r"x = 'it\'s \\ \'or\' true'"))]
    #[case::escaped_quote(r"x = 'a\'%profile'", Ok(r"x = 'a\'Practitioner/alice'"))]
    #[case::percent_in_a_text("x = '100% or %%'", Ok("x = '100% or %%'"))]
    #[case::unknown_in_quotes("x != '%nope'", Err("%nope"))]
    #[case::empty_in_quotes("x != '%empty'", Err("%empty"))]
    #[case::a_state_in_quotes("x != '%before'", Ok("x != '%before'"))]
    #[case::unknown("%nope.exists()", Err("%nope"))]
    #[case::the_states_stay(
        "%before.exists() and %after.exists()",
        Ok("%before.exists() and %after.exists()")
    )]
    fn r10_parameters_are_values(#[case] expression: &str, #[case] expected: Result<&str, &str>) {
        let filled = fill_constraint(expression, &bindings()).map_err(|unknown| unknown.0);
        assert_eq!(filled.as_deref().map_err(String::as_str), expected);
    }
}
