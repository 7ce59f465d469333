//! The name of a parameter: its code and modifier, and where it leads.
//!
//! Source: hl7.org/fhir/R4/search.html, 3.1.1.3.4 (modifiers), 3.1.1.4.4 (chains), 3.1.1.4.5 (`_has`).

/// A parameter's name, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key<'t> {
    /// `code` or `code:modifier`
    Plain {
        code: &'t str,
        modifier: Option<&'t str>,
    },
    /// `code.rest` or `code:Type.rest`: what the reference points at passes `rest`.
    Chain {
        code: &'t str,
        target: Option<&'t str>,
        rest: &'t str,
    },
    /// `_has:Type:reference:rest`: some resource that points here passes `rest`.
    Reverse {
        source: &'t str,
        reference: &'t str,
        rest: &'t str,
    },
}

impl<'t> Key<'t> {
    /// Takes a name apart; `None` for a `_has` that lacks a part, and for an empty part.
    pub(crate) fn parse(name: &'t str) -> Option<Self> {
        if let Some(reverse) = name.strip_prefix("_has") {
            let mut parts = reverse.strip_prefix(':')?.splitn(3, ':');
            let key = Self::Reverse {
                source: parts.next()?,
                reference: parts.next()?,
                rest: parts.next()?,
            };
            return key.is_whole().then_some(key);
        }
        let modified = |text: &'t str| match text.split_once(':') {
            Some((code, modifier)) => (code, Some(modifier)),
            None => (text, None),
        };
        let key = match name.split_once('.') {
            Some((first, rest)) => {
                let (code, target) = modified(first);
                Self::Chain { code, target, rest }
            }
            None => {
                let (code, modifier) = modified(name);
                Self::Plain { code, modifier }
            }
        };
        key.is_whole().then_some(key)
    }

    fn is_whole(self) -> bool {
        match self {
            Self::Plain { code, modifier } => !code.is_empty() && modifier != Some(""),
            Self::Chain { code, target, rest } => {
                !code.is_empty() && target != Some("") && !rest.is_empty()
            }
            Self::Reverse {
                source,
                reference,
                rest,
            } => ![source, reference, rest].contains(&""),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn chain<'t>(code: &'t str, target: Option<&'t str>, rest: &'t str) -> Option<Key<'t>> {
        Some(Key::Chain { code, target, rest })
    }

    #[rstest]
    #[case::plain("status", Some(Key::Plain { code: "status", modifier: None }))]
    #[case::modifier("status:not", Some(Key::Plain { code: "status", modifier: Some("not") }))]
    #[case::chain("subject.name", chain("subject", None, "name"))]
    #[case::typed(
        "subject:Patient.name:exact",
        chain("subject", Some("Patient"), "name:exact")
    )]
    #[case::long("a:T.b:U.c", chain("a", Some("T"), "b:U.c"))]
    #[case::chain_to_has("a._has:T:r:c", chain("a", None, "_has:T:r:c"))]
    #[case::has("_has:T:r:c:not", Some(Key::Reverse { source: "T", reference: "r", rest: "c:not" }))]
    #[case::has_of_chain("_has:T:r:a.b", Some(Key::Reverse { source: "T", reference: "r", rest: "a.b" }))]
    #[case::has_of_has("_has:T:r:_has:U:s:c", Some(Key::Reverse { source: "T", reference: "r", rest: "_has:U:s:c" }))]
    #[case::short_has("_has:T:r", None)]
    #[case::bare_has("_has", None)]
    #[case::no_code(":not", None)]
    #[case::no_modifier("a:", None)]
    #[case::no_rest("a.", None)]
    #[case::nothing_before_the_dot(".a", None)]
    fn names(#[case] name: &str, #[case] expected: Option<Key<'_>>) {
        assert_eq!(Key::parse(name), expected);
    }
}
