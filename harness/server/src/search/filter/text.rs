//! The value of a parameter: alternatives, and within them the parts between `$` and `|`.
//!
//! Source: hl7.org/fhir/R4/search.html, 3.1.1.4.8 (or) and 3.1.1.4.0.1 (escapes).

use fhirward_engine::values::BadValue;

/// One alternative of a value: for each component of a composite the texts between its pipes,
/// escapes undone. A value that is no composite has one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alternative {
    pub(crate) components: Vec<Vec<String>>,
}

impl Alternative {
    /// The texts between the pipes of a value that is no composite.
    pub(crate) fn parts(&self) -> Vec<&str> {
        let first = self.components.first().into_iter().flatten();
        first.map(String::as_str).collect()
    }

    /// The text of a value that is no composite, where a pipe has no meaning.
    pub(crate) fn whole(&self) -> String {
        self.parts().join("|")
    }
}

/// Reads the alternatives of a value. Only in a composite does `$` separate anything.
///
/// # Errors
/// An empty alternative, or a backslash before something that needs none.
pub(crate) fn alternatives(value: &str, composite: bool) -> Result<Vec<Alternative>, BadValue> {
    let mut done = Vec::new();
    let mut components = vec![vec![String::new()]];
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            ',' => {
                done.push(Alternative {
                    components: std::mem::replace(&mut components, vec![vec![String::new()]]),
                });
            }
            '$' if composite => components.push(vec![String::new()]),
            '|' => {
                if let Some(parts) = components.last_mut() {
                    parts.push(String::new());
                }
            }
            '\\' => match chars.next() {
                Some(escaped @ (',' | '|' | '$' | '\\')) => push(&mut components, escaped),
                _ => {
                    return Err(BadValue {
                        message: "has a backslash that escapes nothing".into(),
                        help: r"the escapes are `\,` `\|` `\$` and `\\`".into(),
                    });
                }
            },
            other => push(&mut components, other),
        }
    }
    done.push(Alternative { components });
    let is_empty = |alternative: &Alternative| {
        alternative
            .components
            .iter()
            .any(|parts| parts.len() == 1 && parts.iter().all(String::is_empty))
    };
    if done.iter().any(is_empty) {
        return Err(BadValue {
            message: "has an empty alternative".into(),
            help: "to ask whether the element is there, use `:missing`".into(),
        });
    }
    Ok(done)
}

fn push(components: &mut [Vec<String>], c: char) {
    if let Some(text) = components.last_mut().and_then(|parts| parts.last_mut()) {
        text.push(c);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::one("a", &["(a)"])]
    #[case::or("a,b", &["(a)", "(b)"])]
    #[case::pipes("s|a,|b,s|", &["(s)(a)", "()(b)", "(s)()"])]
    #[case::escaped(r"a\,b\|c\$d\\", &[r"(a,b|c$d\)"])]
    #[case::composite("s|a$5||mg", &["(s)(a) $ (5)()(mg)"])]
    fn r4_escapes_and_or(#[case] value: &str, #[case] expected: &[&str]) {
        let read = alternatives(value, true).unwrap();
        let parts = |parts: &Vec<String>| -> String {
            parts.iter().map(|part| format!("({part})")).collect()
        };
        let shown = |one: &Alternative| -> String {
            let components: Vec<String> = one.components.iter().map(parts).collect();
            components.join(" $ ")
        };
        assert_eq!(read.iter().map(shown).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_dollar_means_something_only_in_composites() {
        let read = alternatives("a$b", false).unwrap();
        assert_eq!(read.first().unwrap().whole(), "a$b");
    }

    #[rstest]
    #[case::nothing("")]
    #[case::last("a,")]
    #[case::first(",a")]
    #[case::component("a$")]
    #[case::escape(r"a\b")]
    #[case::lone_backslash(r"a\")]
    fn refuses(#[case] value: &str) {
        assert!(alternatives(value, true).is_err());
    }
}
