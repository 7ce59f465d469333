//! One alternative of a value: its variables get their values, and the text becomes a pattern.

use fhirward_spec::{ParamType, SearchParam};

use super::MAX_ALTERNATIVES;
use super::context::{Context, Grammar};
use crate::criteria::probe::{Pattern, Subject};
use crate::criteria::syntax::{Alternative, Pair, Piece};
use crate::criteria::{advice, pattern};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::values::reference::{self, ReferencePattern};
use crate::values::{BadValue, Prefix};

/// An alternative whose variables have their values: the texts between unescaped pipes.
pub(super) struct Resolved {
    parts: Vec<String>,
    span: Span,
    /// Whether the value of a variable stands first.
    variable_first: bool,
}
impl Context<'_> {
    /// The patterns of a pair's alternatives; `None` where one of them is no value, or its value
    /// is not known yet.
    pub(super) fn patterns(
        &self,
        subject: Subject,
        pair: &Pair,
        shown: &mut String,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Vec<Pattern>> {
        let count = pair.alternatives.len();
        if count > MAX_ALTERNATIVES {
            findings.push(
                Diagnostic::error(
                    "criteria/too-many-alternatives",
                    format!("{count} alternatives, more than the limit of {MAX_ALTERNATIVES}"),
                )
                .with_label(pair.span, "too long a list")
                .with_help("several entries, or several searches, can share a list"),
            );
            return None;
        }
        let mut patterns = Vec::new();
        let mut sound = true;
        for alternative in &pair.alternatives {
            if alternative.pieces.is_empty() {
                // In a criteria the syntax has reported it.
                if self.grammar == Grammar::Search {
                    findings.push(Diagnostic::error(
                        "search/empty-value",
                        format!("`{}` has an empty alternative", pair.param.text),
                    ));
                }
                sound = false;
                continue;
            }
            match self.pattern(subject, alternative, shown, findings) {
                Outcome::Pattern(pattern) => patterns.push(pattern),
                Outcome::Unknown => {}
                Outcome::Broken => sound = false,
            }
        }
        (sound && !pair.alternatives.is_empty()).then_some(patterns)
    }

    fn pattern(
        &self,
        subject: Subject,
        alternative: &Alternative,
        shown: &mut String,
        findings: &mut Vec<Diagnostic>,
    ) -> Outcome {
        let before = findings.len();
        let resolved = self.resolve(alternative, subject, findings);
        if findings.iter().skip(before).any(Diagnostic::is_error) {
            return Outcome::Broken;
        }
        let Some(resolved) = resolved else {
            let Some(bad) = self.always_wrong(subject, alternative) else {
                return Outcome::Unknown;
            };
            findings.push(no_value(&written(alternative), bad, alternative.span));
            return Outcome::Broken;
        };
        if !shown.is_empty() {
            shown.push(',');
        }
        shown.push_str(&resolved.parts.join("|"));
        match self.made(subject, alternative, &resolved, findings) {
            Ok(pattern) => Outcome::Pattern(pattern),
            Err(bad) => {
                findings.push(no_value(&resolved.parts.join("|"), bad, resolved.span));
                Outcome::Broken
            }
        }
    }

    /// The pattern of an alternative whose variables have their values.
    pub(super) fn made(
        &self,
        subject: Subject,
        alternative: &Alternative,
        resolved: &Resolved,
        findings: &mut Vec<Diagnostic>,
    ) -> Result<Pattern, BadValue> {
        match subject {
            Subject::Compartment => self.compartment(resolved, findings),
            Subject::Param(param) if param.param_type == ParamType::Composite => {
                pattern::composite(param, alternative)
            }
            Subject::Param(param) => self.value(param, resolved, findings),
        }
    }

    /// The texts of an alternative; `None` where a variable's value is not known yet.
    pub(super) fn resolve(
        &self,
        alternative: &Alternative,
        subject: Subject,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Resolved> {
        let mut parts = vec![String::new()];
        let mut known = true;
        let composite =
            matches!(subject, Subject::Param(p) if p.param_type == ParamType::Composite);
        for piece in &alternative.pieces {
            let last = parts.last_mut()?;
            match piece {
                Piece::Text(text) => last.push_str(text),
                Piece::Dollar if !composite => last.push('$'),
                Piece::Dollar | Piece::Pipe => parts.push(String::new()),
                Piece::Variable(variable) => {
                    let names = self.bindings.names();
                    match self.bindings.value(&variable.name, variable.id) {
                        Some(_) if self.bindings.open => known = false,
                        Some(value) if !value.is_empty() => last.push_str(value),
                        None if self.bindings.open && is_parameter_name(&variable.name) => {
                            known = false;
                            findings.push(
                                Diagnostic::warning(
                                    "criteria/parameter",
                                    format!("`%{}` must be a parameter of every membership that uses this policy", variable.name),
                                )
                                .with_label(variable.span, "has no value of its own")
                                .with_help(advice::variable(&variable.name, variable.id, &names)),
                            );
                        }
                        _ => {
                            let suffix = if variable.id { ".id" } else { "" };
                            findings.push(
                                Diagnostic::error(
                                    "criteria/unresolved-variable",
                                    format!("`%{}{suffix}` has no value", variable.name),
                                )
                                .with_label(variable.span, "not a variable here")
                                .with_help(advice::variable(&variable.name, variable.id, &names)),
                            );
                        }
                    }
                }
            }
        }
        known.then_some(Resolved {
            parts,
            span: alternative.span,
            variable_first: matches!(alternative.pieces.first(), Some(Piece::Variable(_))),
        })
    }

    fn value(
        &self,
        param: &SearchParam,
        resolved: &Resolved,
        findings: &mut Vec<Diagnostic>,
    ) -> Result<Pattern, BadValue> {
        let whole = resolved.parts.join("|");
        let prefixed = matches!(
            param.param_type,
            ParamType::Date | ParamType::Number | ParamType::Quantity
        ) && Prefix::split(&whole).1.len() < whole.len();
        let plain_code = |kind: &&str| matches!(*kind, "code" | "boolean" | "id");
        if let [system, code] = resolved.parts.as_slice()
            && param.param_type == ParamType::Token
            && self.grammar == Grammar::Criteria
            && !system.is_empty()
            && param.program.data_types().iter().all(plain_code)
        {
            // Under `:not` it would match every resource.
            return Err(BadValue::new(
                "names a system, and the element is a plain code without one",
                format!("write `{code}`"),
            ));
        }
        // R.7: nothing in a value is ever parsed as criteria.
        if resolved.variable_first && prefixed {
            return Err(BadValue::new(
                "begins with a prefix that comes out of a variable",
                "write the prefix into the criteria, before the `%`",
            ));
        }
        Ok(match param.param_type {
            ParamType::Reference => {
                if !whole.contains('/') && !whole.contains(':') && param.targets.len() == 1 {
                    let target = param.targets.first().map_or("", |target| target);
                    let read = format!("read as `{target}/{whole}`");
                    findings.push(bare_id(&whole, &read, resolved.span));
                }
                Pattern::reference(ReferencePattern::parse(&whole, &param.targets, self.base)?)
            }
            other => pattern::plain(other, &resolved.parts)?,
        })
    }

    fn compartment(
        &self,
        resolved: &Resolved,
        findings: &mut Vec<Diagnostic>,
    ) -> Result<Pattern, BadValue> {
        let whole = resolved.parts.join("|");
        if let Some(local) = reference::local(&whole, self.base) {
            return Ok(Pattern::Compartment(local.into()));
        }
        if whole.contains('/') || whole.contains(':') {
            return Err(match ReferencePattern::parse(&whole, &[], self.base) {
                Err(bad) => bad,
                Ok(_) => BadValue::new(
                    "is no compartment of this server",
                    "a compartment is `Type/id`",
                ),
            });
        }
        findings.push(bare_id(
            &whole,
            "any compartment with that id, of whatever type",
            resolved.span,
        ));
        Ok(Pattern::CompartmentId(whole.into()))
    }
}
enum Outcome {
    Pattern(Pattern),
    /// Nothing is known of the value yet, and nothing is wrong with it.
    Unknown,
    Broken,
}

/// Words that people take for built-in variables, and paths, are no parameter names.
pub(crate) fn is_parameter_name(name: &str) -> bool {
    !name.contains('.') && !matches!(name, "user" | "me" | "current_user" | "practitioner")
}

fn no_value(value: &str, bad: BadValue, span: Span) -> Diagnostic {
    Diagnostic::error("criteria/value", format!("`{value}` {}", bad.message))
        .with_label(span, "not a value of this parameter")
        .with_help(bad.help)
}

/// An alternative with its variables by name.
fn written(alternative: &Alternative) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Pipe => "|".to_owned(),
        Piece::Dollar => "$".to_owned(),
        Piece::Variable(variable) if variable.id => format!("%{}.id", variable.name),
        Piece::Variable(variable) => format!("%{}", variable.name),
    };
    alternative.pieces.iter().map(piece).collect()
}

fn bare_id(id: &str, read: &str, span: Span) -> Diagnostic {
    Diagnostic::warning(
        "criteria/bare-id",
        format!("`{id}` is an id without a type"),
    )
    .with_label(span, read)
    .with_help("servers disagree on bare ids; write the type")
}
