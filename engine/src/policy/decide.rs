//! Decisions. Source: R.1 to R.4.

use fhirward_spec::member;
use serde_json::Value;

use super::compiled::{OfType, Policy};
use super::constraint;
use super::interaction::Interaction;
use crate::criteria::reading::Reading;

/// What an actor asks for, with the resources that decide it.
#[derive(Debug, Clone, Copy)]
pub enum Request<'a> {
    /// Read the current version.
    Read(&'a Value),
    /// Find it by search or include.
    Search(&'a Value),
    /// Read a version.
    Vread {
        /// The current version.
        current: &'a Value,
        /// The version asked for.
        version: &'a Value,
    },
    /// See a version in the list of versions.
    History {
        /// The current version.
        current: &'a Value,
        /// One of the versions.
        version: &'a Value,
    },
    /// Make a resource.
    Create(&'a Value),
    /// Replace a resource.
    Update {
        /// What is stored.
        existing: &'a Value,
        /// What would be stored.
        result: &'a Value,
    },
    /// Patch a resource.
    Patch {
        /// What is stored.
        existing: &'a Value,
        /// What would be stored.
        result: &'a Value,
    },
    /// Delete a resource.
    Delete(&'a Value),
}

impl<'a> Request<'a> {
    /// The request of an interaction with a resource. `other` is its second state: what an update
    /// or patch leads to, the version that a `vread` or `history` shows; without one the resource
    /// is both states.
    ///
    /// ```
    /// use fhirward_engine::policy::{Interaction, Request};
    /// use serde_json::json;
    ///
    /// let (stored, sent) = (json!({ "resourceType": "Task" }), json!({ "resourceType": "Task" }));
    /// let request = Request::about(Interaction::Update, &stored, Some(&sent));
    /// assert_eq!(request.interaction(), Interaction::Update);
    /// assert!(std::ptr::eq(request.resource(), &stored));
    /// ```
    pub fn about(interaction: Interaction, resource: &'a Value, other: Option<&'a Value>) -> Self {
        let second = other.unwrap_or(resource);
        match interaction {
            Interaction::Read => Self::Read(resource),
            Interaction::Search => Self::Search(resource),
            Interaction::Vread => Self::Vread {
                current: resource,
                version: second,
            },
            Interaction::History => Self::History {
                current: resource,
                version: second,
            },
            Interaction::Create => Self::Create(resource),
            Interaction::Update => Self::Update {
                existing: resource,
                result: second,
            },
            Interaction::Patch => Self::Patch {
                existing: resource,
                result: second,
            },
            Interaction::Delete => Self::Delete(resource),
        }
    }

    /// The interaction.
    pub fn interaction(&self) -> Interaction {
        match self {
            Self::Read(_) => Interaction::Read,
            Self::Search(_) => Interaction::Search,
            Self::Vread { .. } => Interaction::Vread,
            Self::History { .. } => Interaction::History,
            Self::Create(_) => Interaction::Create,
            Self::Update { .. } => Interaction::Update,
            Self::Patch { .. } => Interaction::Patch,
            Self::Delete(_) => Interaction::Delete,
        }
    }

    /// The resource that the request is about, as it is before the request (after it, for create).
    pub fn resource(&self) -> &'a Value {
        match self {
            Self::Read(resource)
            | Self::Search(resource)
            | Self::Create(resource)
            | Self::Delete(resource) => resource,
            Self::Vread { current, .. } | Self::History { current, .. } => current,
            Self::Update { existing, .. } | Self::Patch { existing, .. } => existing,
        }
    }

    /// Its type; empty when it has none.
    pub fn resource_type(&self) -> &'a str {
        type_of(self.resource())
    }

    /// The step of a request that has only one.
    #[inline]
    fn only_step(&self) -> Option<Step<'a>> {
        let (side, resource, otherwise) = match *self {
            Self::Read(resource) | Self::Search(resource) => {
                (Side::Stored, resource, Verdict::Hidden)
            }
            Self::Create(result) => (Side::Result, result, Verdict::Forbidden),
            _ => return None,
        };
        Some(Step {
            interaction: self.interaction(),
            side,
            resource,
            otherwise,
        })
    }

    /// What must hold, in the order in which it is asked. Each step has the verdict that its
    /// failure means.
    pub(crate) fn steps(&self) -> Steps<'a> {
        use Verdict::{Forbidden, Hidden};
        let step = |interaction, side, resource, otherwise| {
            Some(Step {
                interaction,
                side,
                resource,
                otherwise,
            })
        };
        match *self {
            Self::Read(_) | Self::Search(_) | Self::Create(_) => [self.only_step(), None, None],
            Self::Vread { current, version } | Self::History { current, version } => [
                step(Interaction::Read, Side::Stored, current, Hidden),
                step(self.interaction(), Side::Stored, current, Forbidden),
                step(self.interaction(), Side::Version, version, Hidden),
            ],
            Self::Update { existing, result } | Self::Patch { existing, result } => [
                step(Interaction::Read, Side::Stored, existing, Hidden),
                step(self.interaction(), Side::Stored, existing, Forbidden),
                step(self.interaction(), Side::Result, result, Forbidden),
            ],
            Self::Delete(existing) => [
                step(Interaction::Read, Side::Stored, existing, Hidden),
                step(Interaction::Delete, Side::Stored, existing, Forbidden),
                None,
            ],
        }
    }

    /// The interactions that the type must be granted for; that of the step where there is only
    /// one.
    pub(crate) fn gates(&self) -> &'static [Interaction] {
        match self {
            Self::Read(_) => &[Interaction::Read],
            Self::Search(_) => &[Interaction::Search],
            Self::Vread { .. } => &[Interaction::Read, Interaction::Vread],
            Self::History { .. } => &[Interaction::Read, Interaction::History],
            Self::Create(_) => &[Interaction::Create],
            Self::Update { .. } | Self::Patch { .. } => &[Interaction::Read, Interaction::Update],
            Self::Delete(_) => &[Interaction::Read, Interaction::Delete],
        }
    }
}

/// The type of a resource; empty when it has none.
#[inline]
fn type_of(resource: &Value) -> &str {
    member(resource, "resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// What must hold, in order; at most three things.
pub(crate) type Steps<'a> = [Option<Step<'a>>; 3];

/// One thing that must hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step<'a> {
    pub interaction: Interaction,
    pub side: Side,
    pub resource: &'a Value,
    pub otherwise: Verdict,
}

/// Which state of a resource a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// What is stored.
    Stored,
    /// An older version.
    Version,
    /// What the write would store.
    Result,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Yes.
    Allowed,
    /// No, and it must look as if the resource did not exist: 404.
    Hidden,
    /// No, and the actor may know it: 403.
    Forbidden,
}

impl Verdict {
    /// The HTTP status that says it; 200 stands for any success.
    pub fn status(self) -> u16 {
        match self {
            Self::Allowed => 200,
            Self::Hidden => 404,
            Self::Forbidden => 403,
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Allowed => "allowed",
            Self::Hidden => "hidden",
            Self::Forbidden => "forbidden",
        })
    }
}

/// The answer with what decided it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub verdict: Verdict,
    /// The entry that allowed the last check, by index in [`Policy::entries`].
    pub entry: Option<usize>,
    /// Why.
    pub reason: Reason,
}

/// Why a request is allowed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// An entry grants it.
    Granted,
    /// The policy is no policy but full access.
    FullAccess,
    /// No entry grants the interaction on the type.
    TypeNotGranted(Interaction),
    /// No entry grants the interaction on this state of the resource.
    NoEntry(Interaction, Side),
    /// What would be stored has another type or id than what is.
    AnotherResource,
    /// The entry that grants it has a write constraint that does not hold or cannot be evaluated.
    Constraint(usize),
    /// The `securityContext` of the Binary is not one that the actor may read.
    SecurityContext(Side),
    /// A conditional interaction found what it was to make, or more than one match: nothing is
    /// done.
    NothingAsked,
    /// The search of a conditional interaction is by a field that is hidden from the actor.
    HiddenParameter,
    /// A conditional interaction found nothing.
    NoMatch,
}

impl Decision {
    /// Whether the answer is yes.
    pub fn is_allowed(&self) -> bool {
        self.verdict == Verdict::Allowed
    }

    fn type_not_granted(interaction: Interaction) -> Self {
        Self {
            verdict: Verdict::Forbidden,
            entry: None,
            reason: Reason::TypeNotGranted(interaction),
        }
    }
}

impl Policy {
    /// Decides a request. A Binary with a `securityContext` is nobody's:
    /// [`Policy::decide_with`] can look the context up.
    ///
    /// ```
    /// use fhirward_engine::policy::{Membership, Options, Policy, PolicyDocument, Request, Verdict, assemble};
    /// use serde_json::json;
    ///
    /// let (policy, findings) = PolicyDocument::from_value(&json!({
    ///     "resourceType": "AccessPolicy",
    ///     "id": "participant",
    ///     "resource": [{"resourceType": "Communication", "criteria": "Communication?recipient=%profile"}],
    /// }));
    /// assert!(findings.is_empty());
    /// let policy = std::sync::Arc::new(policy);
    /// let jackie = Membership::of("Practitioner/jackie", &["AccessPolicy/participant"]);
    /// let assembled = assemble(&jackie, &|_| Some(policy.clone()), &Options::default());
    /// let thread = json!({
    ///     "resourceType": "Communication",
    ///     "status": "in-progress",
    ///     "recipient": [{"reference": "Practitioner/alice"}],
    /// });
    /// assert_eq!(assembled.policy.decide(&Request::Read(&thread)).verdict, Verdict::Hidden);
    /// ```
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        self.decide_with(request, None, &|_| None)
    }

    /// What the entries say of a resource of the type, whatever the `securityContext` of a Binary.
    #[inline]
    pub(super) fn decide_by_entries(&self, request: &Request<'_>, kind: &str) -> Decision {
        if self.is_full_access() {
            return Decision {
                verdict: Verdict::Allowed,
                entry: None,
                reason: Reason::FullAccess,
            };
        }
        let of_type = self.of_type(kind);
        let Some(step) = request.only_step() else {
            return self.decide_steps(request, &of_type);
        };
        if !self.grants(&of_type, step.interaction) {
            return Decision::type_not_granted(step.interaction);
        }
        let entry = self.first_entry_of(&of_type, step.interaction, step.resource);
        self.after(&step, entry, request)
    }

    /// A request of several steps.
    #[inline(never)]
    fn decide_steps<'a>(&'a self, request: &Request<'a>, of_type: &OfType<'a>) -> Decision {
        for gate in request.gates() {
            if !self.grants(of_type, *gate) {
                return Decision::type_not_granted(*gate);
            }
        }
        if let Request::Update { existing, result } | Request::Patch { existing, result } = request
        {
            let same = |name| member(existing, name) == member(result, name);
            // Another type or id is another resource, whatever the entries say.
            if !same("resourceType") || (member(result, "id").is_some() && !same("id")) {
                return Decision {
                    verdict: Verdict::Forbidden,
                    entry: None,
                    reason: Reason::AnotherResource,
                };
            }
        }
        let resource = request.resource();
        let type_of = |step: &Step<'a>| match std::ptr::eq(step.resource, resource) {
            true => *of_type,
            false => self.of_type(type_of(step.resource)),
        };
        if !of_type.keeps() {
            return self.take(request, |step| {
                self.first_entry_of(&type_of(step), step.interaction, step.resource)
            });
        }
        let mut reading = Reading::new(resource, of_type.patient());
        self.take(request, |step| {
            let of_type = type_of(step);
            reading.turn_to(step.resource, of_type.patient());
            self.first_entry_in(&of_type, step.interaction, &mut reading)
        })
    }

    /// Takes the steps of a request, each of which an entry must allow.
    fn take<'a>(
        &self,
        request: &Request<'a>,
        mut allows: impl FnMut(&Step<'a>) -> Option<usize>,
    ) -> Decision {
        let mut entry = None;
        for step in request.steps().into_iter().flatten() {
            let decision = self.after(&step, allows(&step), request);
            if !decision.is_allowed() {
                return decision;
            }
            entry = decision.entry;
        }
        Decision {
            verdict: Verdict::Allowed,
            entry,
            reason: Reason::Granted,
        }
    }

    /// What is decided after a step that `entry`, if any, allows.
    #[inline]
    fn after(&self, step: &Step<'_>, entry: Option<usize>, request: &Request<'_>) -> Decision {
        let Some(at) = entry else {
            return Decision {
                verdict: step.otherwise,
                entry: None,
                reason: Reason::NoEntry(step.interaction, step.side),
            };
        };
        if step.side == Side::Result && self.breaks_constraint(at, request, step.resource) {
            return Decision {
                verdict: Verdict::Forbidden,
                entry: None,
                reason: Reason::Constraint(at),
            };
        }
        Decision {
            verdict: Verdict::Allowed,
            entry,
            reason: Reason::Granted,
        }
    }

    /// Whether what a write would store breaks a constraint of the entry that allows it.
    #[inline(never)]
    fn breaks_constraint(&self, at: usize, request: &Request<'_>, result: &Value) -> bool {
        self.entries.get(at).is_some_and(|entry| {
            let before = constraint::before(request);
            constraint::failure(&entry.write_constraints, before, result).is_some()
        })
    }
}
