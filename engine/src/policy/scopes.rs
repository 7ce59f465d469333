//! SMART scopes, versions 1 and 2: `patient/Observation.rs?category=laboratory`.
//!
//! Scopes only ever take away: what a token may do is what the policy grants *and* some scope
//! covers. Source: policy-semantics 2.4, without its fail-open cases; SMART App Launch 2.2, 3.
//!
//! | written | covers |
//! |---|---|
//! | `c` | create |
//! | `r` | read, vread, history |
//! | `u` | update and patch (which need `r` as well, as everywhere) |
//! | `d` | delete (which needs `r` as well) |
//! | `s` | search, includes among it |
//! | `read`, `write`, `*` | `rs`, `cud`, `cruds` |
//!
//! The letters stand in this order, each at most once, and there is at least one. `user/` and
//! `system/` limit nothing beyond the policy; `patient/` limits to the compartment of the patient
//! of the launch, and covers nothing where that is not known; what is in no patient's compartment
//! (a Practitioner, say) is covered by `user/` only. Several scopes add up. Scopes about
//! signing in (`openid`, `launch/patient` …) cover nothing and take nothing away: a token that has
//! only such scopes, or none, is not limited. Every other word is counted as a scope that covers
//! nothing, and is an error: it may be one that was meant to limit.

use std::fmt;
use std::sync::Arc;

use fhirward_spec::spec;
use serde::Serialize;

use super::interaction::{Interaction, Interactions};
use crate::criteria::{self, Bindings};
use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span};
use crate::words;

/// Scopes that one token may have; with more it covers nothing.
pub const MAX_SCOPES: usize = 1_000;
/// Bytes that the scopes of one token may have; with more they cover nothing.
pub const MAX_SCOPE_BYTES: usize = 64 * 1024;

/// What scopes about signing in begin with, and those that are whole words.
const SIGN_IN: [&str; 9] = [
    "openid",
    "fhirUser",
    "profile",
    "email",
    "address",
    "phone",
    "offline_access",
    "online_access",
    "launch",
];

/// The scopes of a token.
#[derive(Debug, Clone)]
pub struct Scopes {
    source: Arc<Source>,
    all: Vec<Scope>,
}

/// One scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// As written.
    pub text: String,
    /// Where it stands in the scopes.
    pub span: Span,
    /// What it means.
    pub meaning: Meaning,
}

/// What a scope means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// It is about signing in and limits nothing.
    SignIn,
    /// It covers interactions with a type.
    Resource(ResourceScope),
    /// It is not understood, and covers nothing.
    Nothing(String),
}

/// Whose resources a scope covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ScopeContext {
    /// Those in the compartment of the patient of the launch.
    Patient,
    /// All that the user's policy grants.
    User,
    /// All that the client's policy grants.
    System,
}

impl fmt::Display for ScopeContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Patient => "patient",
            Self::User => "user",
            Self::System => "system",
        })
    }
}

/// A scope that covers interactions with a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceScope {
    /// Whose resources.
    pub context: ScopeContext,
    /// The type, or `*`.
    pub resource_type: String,
    /// What may be done.
    pub interactions: Interactions,
    /// What follows the question mark, as written.
    pub criteria: Option<String>,
}

/// Why a word is no scope, the part of it that is wrong, and what to write.
struct Bad {
    message: String,
    at: Span,
    help: String,
}

impl Scopes {
    /// Reads the scopes of a token. Each that covers nothing because something is wrong with it is
    /// an error at its place.
    ///
    /// ```
    /// use fhirward_engine::policy::{Interaction, Meaning, Scopes};
    ///
    /// let (scopes, findings) = Scopes::parse("openid patient/Communication.rs user/Patient.sr");
    /// assert!(scopes.limit());
    /// assert_eq!(findings[0].message, "`sr` is no set of interactions");
    /// let Meaning::Resource(scope) = &scopes.all()[1].meaning else { panic!() };
    /// assert!(scope.interactions.contains(Interaction::Search));
    /// ```
    pub fn parse(text: &str) -> (Self, Vec<Diagnostic>) {
        let source = Source::new("scope", text);
        let mut findings = Vec::new();
        let count = text.split_ascii_whitespace().take(MAX_SCOPES + 1).count();
        if text.len() > MAX_SCOPE_BYTES || count > MAX_SCOPES {
            let limit =
                format!("more than {MAX_SCOPES} scopes, or than {MAX_SCOPE_BYTES} bytes of them");
            findings.push(
                Diagnostic::error("scope/too-many", limit.clone())
                    .with_help("such a token covers nothing at all"),
            );
            let all = vec![Scope {
                text: "…".to_owned(),
                span: Span::new(0, text.len()),
                meaning: Meaning::Nothing(limit),
            }];
            return (Self { source, all }, findings);
        }
        let mut all = Vec::new();
        let mut from = 0;
        for word in text.split(|c: char| c.is_ascii_whitespace()) {
            let span = Span::new(from, from + word.len());
            from += word.len() + 1;
            if word.is_empty() {
                continue;
            }
            let meaning = meaning(word, span, &source, &mut findings);
            all.push(Scope {
                text: word.to_owned(),
                span,
                meaning,
            });
        }
        (Self { source, all }, findings)
    }

    /// The scopes, in order.
    pub fn all(&self) -> &[Scope] {
        &self.all
    }

    /// Whether they limit what a token may do: whether any is not about signing in.
    pub fn limit(&self) -> bool {
        self.all
            .iter()
            .any(|scope| scope.meaning != Meaning::SignIn)
    }

    /// Whether some scope needs to know the patient of the launch.
    pub fn need_patient(&self) -> bool {
        self.all.iter().any(|scope| {
            matches!(&scope.meaning, Meaning::Resource(scope) if scope.context == ScopeContext::Patient)
        })
    }

    /// The text that the places of the scopes are in.
    pub(super) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The scopes as written.
    pub fn as_str(&self) -> &str {
        &self.source.text
    }
}

fn meaning(
    word: &str,
    span: Span,
    source: &Arc<Source>,
    findings: &mut Vec<Diagnostic>,
) -> Meaning {
    if SIGN_IN.contains(&word) || word.starts_with("launch/") {
        return Meaning::SignIn;
    }
    match ResourceScope::read(word) {
        Err(bad) => {
            findings.push(
                Diagnostic::error("scope/syntax", bad.message.clone())
                    .with_label(bad.at.shifted(span.start), "the scope covers nothing")
                    .with_source(source)
                    .with_help(bad.help),
            );
            Meaning::Nothing(bad.message)
        }
        Ok(scope) => {
            let before = findings.len();
            if let Some((compiled, offset)) = scope.compile(None) {
                // Places in the criteria are counted from the type, which the scope also has.
                let start = span.start + word.find('?').unwrap_or_default();
                findings.extend(compiled.findings.into_iter().map(|finding| {
                    finding
                        .relocated(|place| {
                            Span::new(
                                (place.start + start).saturating_sub(offset),
                                (place.end + start).saturating_sub(offset),
                            )
                        })
                        .with_source(source)
                }));
            }
            let error = findings.iter().skip(before).find(|found| found.is_error());
            match error {
                Some(error) => Meaning::Nothing(error.message.clone()),
                None => Meaning::Resource(scope),
            }
        }
    }
}

impl ResourceScope {
    fn read(word: &str) -> Result<Self, Bad> {
        let (head, criteria) = match word.split_once('?') {
            Some((head, criteria)) => (head, Some(criteria)),
            None => (word, None),
        };
        let form = "a resource scope is `patient/`, `user/` or `system/`, a type or `*`, a dot, and \
                    `read`, `write`, `*` or letters of `cruds`";
        let bad = |message: String, at: Span, help: &str| Bad {
            message,
            at,
            help: help.to_owned(),
        };
        let whole = Span::new(0, word.len());
        let Some((context, rest)) = head.split_once('/') else {
            return Err(bad(format!("`{word}` is no scope"), whole, form));
        };
        let context = match context {
            "patient" => ScopeContext::Patient,
            "user" => ScopeContext::User,
            "system" => ScopeContext::System,
            other => {
                let at = Span::new(0, other.len());
                return Err(bad(format!("`{other}/` begins no scope"), at, form));
            }
        };
        let Some((resource_type, may)) = rest.split_once('.') else {
            let message = format!("`{word}` does not say what may be done");
            return Err(bad(message, whole, form));
        };
        let at = head.len() - rest.len();
        if resource_type != "*" && spec().resource(resource_type).is_none() {
            let near = words::nearest(resource_type, spec().resource_types());
            return Err(bad(
                format!("`{resource_type}` is no resource type"),
                Span::new(at, at + resource_type.len()),
                &near.map_or_else(|| form.to_owned(), |near| format!("did you mean `{near}`?")),
            ));
        }
        let at = Span::new(head.len() - may.len(), head.len());
        let Some(interactions) = interactions(may) else {
            let help =
                "write `read`, `write` or `*`, or letters of `cruds` in this order, such as `rs`";
            let message = match may {
                "" => format!("`{head}` names no interactions"),
                _ => format!("`{may}` is no set of interactions"),
            };
            return Err(bad(message, if may.is_empty() { whole } else { at }, help));
        };
        if criteria == Some("") {
            return Err(bad(
                format!("nothing follows the `?` of `{word}`"),
                whole,
                "leave the `?` out, or name a search parameter and its value",
            ));
        }
        Ok(Self {
            context,
            resource_type: resource_type.to_owned(),
            interactions,
            criteria: criteria.map(str::to_owned),
        })
    }

    /// The criteria as a policy would have it, and how many bytes stand before its question mark.
    pub(super) fn compile(&self, base: Option<&str>) -> Option<(criteria::Compiled, usize)> {
        let text = format!("{}?{}", self.resource_type, self.criteria.as_deref()?);
        let (parsed, mut faults) = criteria::parse(&text, &[]);
        let mut compiled = criteria::compile(&parsed, &self.resource_type, &Bindings::none(), base);
        faults.append(&mut compiled.findings);
        compiled.findings = faults;
        Some((compiled, self.resource_type.len()))
    }
}

/// The interactions of a version 1 word or of version 2 letters.
fn interactions(text: &str) -> Option<Interactions> {
    let letters = match text {
        "read" => "rs",
        "write" => "cud",
        "*" => "cruds",
        "" => return None,
        letters => letters,
    };
    let mut set = Interactions::default();
    let mut left = "cruds".chars();
    for letter in letters.chars() {
        // Each letter after the last one: in order, and once.
        left.find(|c| *c == letter)?;
        let of: &[Interaction] = match letter {
            'c' => &[Interaction::Create],
            'r' => &[Interaction::Read, Interaction::Vread, Interaction::History],
            'u' => &[Interaction::Update],
            'd' => &[Interaction::Delete],
            _ => &[Interaction::Search],
        };
        set = of.iter().fold(set, |set, one| set.with(*one));
    }
    Some(set)
}
