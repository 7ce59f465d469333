//! Decisions from the JSON text of a resource, without making a value of all of it.
//!
//! A policy's filters read few elements of a resource. A [`TextDecider`] knows which, for each
//! type; the rest of the text is checked to be JSON and skipped.

mod build;
mod lines;
mod reads;

pub use lines::{Line, Lines};

use serde_json::{Map, Value};

use super::compiled::Policy;
use super::decide::{Decision, Request};
use super::interaction::Interaction;
use crate::diagnostic::Diagnostic;
use crate::source::Source;
use crate::source::json::scan::{Fault, Scanner, Survey, Written};
use crate::source::json::{Document, MAX_BYTES};
use reads::{OfType, Reads};

/// What a finding calls a text that has no name.
const UNNAMED: &str = "<resource>";

/// So many members are made room for; more are no harm.
const USUALLY_READ: usize = 3;

/// Decides one interaction on many resources, from their texts.
///
/// ```
/// use std::sync::Arc;
/// use fhirward_engine::policy::{Interaction, Membership, Options, PolicyDocument, assemble};
///
/// let (policy, _) = PolicyDocument::from_value(&serde_json::json!({
///     "resourceType": "AccessPolicy", "id": "p",
///     "resource": [{"resourceType": "Communication", "criteria": "Communication?recipient=%profile"}],
/// }));
/// let policy = Arc::new(policy);
/// let jackie = Membership::of("Practitioner/jackie", &["AccessPolicy/p"]);
/// let policy = assemble(&jackie, &|_| Some(policy.clone()), &Options::default()).policy;
///
/// let reads = policy.text_decider(Interaction::Read).expect("reading concerns one state");
/// let export = br#"{"resourceType": "Communication", "recipient": [{"reference": "Practitioner/jackie"}]}
/// {"resourceType": "Communication", "recipient": [{"reference": "Practitioner/house"}]}
/// {"resourceType": "Communication", "#;
/// let answers: Vec<Option<bool>> = reads
///     .lines(export)
///     .map(|line| line.decision.ok().map(|decision| decision.is_allowed()))
///     .collect();
/// assert_eq!(answers, [Some(true), Some(false), None]);
/// ```
#[derive(Debug, Clone)]
pub struct TextDecider<'p> {
    policy: &'p Policy,
    interaction: Interaction,
    reads: Reads<'p>,
}

impl Policy {
    /// A decider of one interaction from the text of resources. `vread` and `history` are asked of
    /// the current version. `None` for update and patch, which two states of a resource decide.
    pub fn text_decider(&self, interaction: Interaction) -> Option<TextDecider<'_>> {
        match interaction {
            Interaction::Update | Interaction::Patch => None,
            _ => Some(TextDecider {
                policy: self,
                interaction,
                reads: Reads::of(self, interaction),
            }),
        }
    }
}

impl<'p> TextDecider<'p> {
    /// The policy that decides.
    pub fn policy(&self) -> &'p Policy {
        self.policy
    }

    /// The interaction that is asked for.
    pub fn interaction(&self) -> Interaction {
        self.interaction
    }

    /// Decides on the resource that the text is: the same decision as [`Policy::decide`] gives on
    /// the parsed resource. A text stands alone, so a Binary with a `securityContext` is nobody's:
    /// [`Policy::decide_with`] can look the context up.
    ///
    /// # Errors
    /// What [`Document::parse`] refuses or finds repeated, and a text that is no FHIR resource: not
    /// an object with a `resourceType`. Nobody is allowed anything on it.
    pub fn decide(&self, text: &str) -> Result<Decision, Diagnostic> {
        if text.len() > MAX_BYTES {
            return Err(too_large());
        }
        let survey = Survey::of(text.as_bytes());
        self.decide_utf8(text.as_bytes(), survey)
            .map_err(|refused| refused.in_words(text))
    }

    /// The same of bytes, which must be UTF-8.
    ///
    /// # Errors
    /// As [`TextDecider::decide`], and bytes that are no text.
    pub fn decide_bytes(&self, bytes: &[u8]) -> Result<Decision, Diagnostic> {
        if bytes.len() > MAX_BYTES {
            return Err(too_large());
        }
        let survey = Survey::of(bytes);
        if !survey.ascii
            && let Err(error) = std::str::from_utf8(bytes)
        {
            return Err(not_utf8(error));
        }
        self.decide_utf8(bytes, survey).map_err(|refused| {
            std::str::from_utf8(bytes).map_or_else(not_utf8, |text| refused.in_words(text))
        })
    }

    fn decide_utf8(&self, bytes: &[u8], survey: Survey) -> Result<Decision, Refused> {
        match self.read(bytes, survey) {
            Ok(Some(resource)) => {
                let request = Request::about(self.interaction, &resource, None);
                Ok(self.policy.decide_with(&request, None, &|_| None))
            }
            Ok(None) => Err(Refused::NoResource),
            Err(Fault) => Err(Refused::Fault),
        }
    }

    /// Decides on each line of NDJSON.
    pub fn lines<'d, 't>(&'d self, ndjson: &'t [u8]) -> Lines<'d, 't> {
        Lines::new(self, ndjson)
    }

    /// What of the resource is read; `None` when the text is JSON but no resource.
    fn read(&self, bytes: &[u8], survey: Survey) -> Result<Option<Value>, Fault> {
        let mut scanner = Scanner::new(bytes, survey);
        scanner.skip_mark();
        if scanner.next_byte() != Some(b'{') {
            scanner.skip(0)?;
            scanner.end()?;
            return Ok(None);
        }
        scanner.begin(0)?;
        let mut resource = Map::with_capacity(USUALLY_READ);
        let mut kind = None;
        let mut reads = None;
        // The type decides what is read. What comes before it has to wait.
        let mut is_typed = false;
        let mut waiting: Vec<(Written<'_>, &[u8])> = Vec::new();
        scanner.object(|scanner, key| {
            if is_typed {
                return match reads.and_then(|reads: &OfType| reads.keep(key)) {
                    Some(keep) => {
                        let value = build::value(scanner, 1, keep)?;
                        resource.insert(key.decode()?.into_owned(), value);
                        Ok(())
                    }
                    None => scanner.skip(1),
                };
            }
            let value = scanner.value(1)?;
            if key.is("resourceType") {
                is_typed = true;
                kind = build::text(value)?;
                reads = kind.as_deref().and_then(|kind| self.reads.of_type(kind));
            } else {
                waiting.push((key, value));
            }
            Ok(())
        })?;
        scanner.end()?;
        let Some(kind) = kind else {
            return Ok(None);
        };
        for (key, value) in &waiting {
            if let Some(keep) = reads.and_then(|reads| reads.keep(*key)) {
                let value = build::value(&mut Scanner::new(value, survey), 1, keep)?;
                resource.insert(key.decode()?.into_owned(), value);
            }
        }
        resource.insert("resourceType".to_owned(), Value::String(kind.into_owned()));
        Ok(Some(Value::Object(resource)))
    }
}

/// Why a text is not decided on.
#[derive(Debug, Clone, Copy)]
enum Refused {
    Fault,
    NoResource,
}

impl Refused {
    fn in_words(self, text: &str) -> Diagnostic {
        match self {
            Self::Fault => fault(text),
            Self::NoResource => no_resource(text),
        }
    }
}

fn not_utf8(error: std::str::Utf8Error) -> Diagnostic {
    Diagnostic::error(
        "json/not-utf8",
        format!("byte {} fits no character of UTF-8", error.valid_up_to()),
    )
    .with_help("JSON is written in UTF-8")
}

fn too_large() -> Diagnostic {
    Diagnostic::error(
        "json/too-large",
        format!(
            "the text is longer than the limit of {} MB",
            MAX_BYTES / 1_048_576
        ),
    )
    .with_help("a resource has some kilobytes; is every resource on a line of its own?")
}

fn no_resource(text: &str) -> Diagnostic {
    let source = Source::new(UNNAMED, text);
    Diagnostic::error("text/no-resource", "this is no FHIR resource")
        .with_source(&source)
        .with_help("a resource is a JSON object with a `resourceType`")
}

/// What is wrong with a text that could not be read, in the words of the reader that keeps places.
fn fault(text: &str) -> Diagnostic {
    let source = Source::new(UNNAMED, text);
    let finding = match Document::parse(&source) {
        Ok(document) => document.repeated_keys().first().cloned(),
        Err(finding) => Some(finding),
    };
    finding.unwrap_or_else(|| {
        Diagnostic::error("json/syntax", "this is not JSON").with_source(&source)
    })
}
