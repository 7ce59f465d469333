//! Why a request is allowed or not: every entry, every filter, every value that was looked at.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::compiled::{Entry, Grant, Policy};
use super::constraint;
use super::decide::{Decision, Reason, Request, Side, Step, Verdict};
use super::fields::FieldPath;
use super::interaction::Interaction;
use crate::criteria::FilterReport;

/// The whole story of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Who asks, `Type/id`.
    pub actor: String,
    /// What for.
    pub interaction: Interaction,
    /// `Type/id`, or the type of a resource without id.
    pub resource: String,
    /// The answer.
    pub verdict: Verdict,
    /// The answer in words.
    pub reason: String,
    /// The entry that allows it, as `policy #number`.
    pub granted_by: Option<String>,
    /// The fields that this entry leaves out of what is shown.
    pub hidden_fields: Vec<String>,
    /// The fields that this entry keeps as they are stored, whatever is written.
    pub readonly_fields: Vec<String>,
    /// Of a write whose merging was told by [`Explanation::with_kept`]: the fields for which the
    /// store would have something else than was sent.
    pub kept_fields: Vec<String>,
    /// What was asked in turn; the last one decided.
    pub checks: Vec<Check>,
    /// On a denial: the entry that came nearest.
    pub nearest: Option<NearestMiss>,
}

/// One thing that had to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The interaction that some entry had to allow.
    pub interaction: Interaction,
    /// On which state of the resource.
    pub side: Side,
    /// Whether some entry did.
    pub passed: bool,
    /// Each entry of the policy, in order.
    pub entries: Vec<EntryReport>,
}

/// What one entry says to one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryReport {
    /// The entry, as `policy #number`.
    pub entry: String,
    /// Its resource type.
    pub resource_type: String,
    /// Its criteria as written.
    pub criteria: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of asking an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Outcome {
    /// It is about another type.
    OtherType,
    /// It does not allow the interaction.
    OtherInteraction {
        /// What it allows.
        allows: String,
    },
    /// Something is wrong with it.
    Broken {
        /// What.
        reason: String,
    },
    /// It has no criteria, or the resource passes it.
    Grants {
        /// The filters, all passed.
        filters: Vec<FilterReport>,
    },
    /// It would grant, but no scope of the token covers it.
    OutOfScope {
        /// The scopes.
        scopes: String,
    },
    /// A write constraint stands in the way.
    Constrained {
        /// The first FHIRPath expression that is not true, and what came of it.
        why: String,
    },
    /// The resource does not pass its criteria.
    Filtered {
        /// The filters; some did not match.
        filters: Vec<FilterReport>,
    },
}

/// The entry that came nearest to granting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NearestMiss {
    /// The entry, as `policy #number`.
    pub entry: String,
    /// What would have to be different.
    pub because: String,
}

impl Policy {
    /// Decides a request as [`Policy::decide`] does, and tells why.
    pub fn explain(&self, request: &Request<'_>) -> Explanation {
        self.explain_with(request, None, &|_| None)
    }

    /// What the entries say, whatever the `securityContext` of a Binary.
    pub(super) fn explain_entries(&self, request: &Request<'_>) -> Explanation {
        let kind = request.resource_type();
        let decision = self.decide_by_entries(request, kind);
        let checks = self.checks(request, &decision);
        let granting = decision
            .entry
            .filter(|_| decision.is_allowed())
            .and_then(|at| self.entries.get(at));
        let resource = match request.resource().get("id").and_then(Value::as_str) {
            Some(id) => format!("{kind}/{id}"),
            None => kind.to_owned(),
        };
        Explanation {
            actor: self.profile.clone(),
            interaction: request.interaction(),
            resource,
            verdict: decision.verdict,
            reason: self.reason(request, &decision, kind),
            granted_by: granting.map(|entry| entry.origin.to_string()),
            hidden_fields: texts(granting.map(|entry| entry.hidden_fields.as_slice())),
            readonly_fields: texts(granting.map(|entry| entry.readonly_fields.as_slice())),
            kept_fields: Vec::new(),
            nearest: (!decision.is_allowed())
                .then(|| nearest(checks.last()))
                .flatten(),
            checks,
        }
    }

    pub(super) fn reason(&self, request: &Request<'_>, decision: &Decision, kind: &str) -> String {
        match decision.reason {
            Reason::FullAccess => "full access".to_owned(),
            Reason::Granted => match decision.entry.and_then(|at| self.entries.get(at)) {
                Some(entry) => format!("{} allows it", entry.origin),
                None => "an entry allows it".to_owned(),
            },
            Reason::TypeNotGranted(interaction) if !self.in_scope_of_type(kind, interaction) => {
                format!("no scope of the token covers {interaction} on {kind}")
            }
            Reason::TypeNotGranted(interaction) => {
                format!("no entry grants {interaction} on {kind}")
            }
            Reason::NoEntry(interaction, side) => {
                let mut steps = request.steps().into_iter().flatten();
                let covered = |step: Step<'_>| {
                    step.interaction != interaction
                        || step.side != side
                        || self.in_scope(interaction, kind, step.resource)
                };
                let who = if steps.all(covered) {
                    "entry grants"
                } else {
                    "scope of the token covers"
                };
                let what = match (side, decision.verdict) {
                    (Side::Stored, Verdict::Hidden) => "this resource".to_owned(),
                    (Side::Stored, _) => "the stored resource, which can be read".to_owned(),
                    (Side::Version, _) => "this version".to_owned(),
                    (Side::Result, _) => "what would be stored".to_owned(),
                };
                format!("no {who} {interaction} on {what}")
            }
            Reason::SecurityContext(side) => {
                let what = match side {
                    Side::Stored => "the Binary",
                    Side::Version => "this version of the Binary",
                    Side::Result => "what would be stored",
                };
                format!("the securityContext of {what} cannot be read")
            }
            Reason::HiddenParameter => "the search is by a field that is hidden".to_owned(),
            Reason::NothingAsked => "nothing is done".to_owned(),
            Reason::NoMatch => "the search finds nothing".to_owned(),
            Reason::AnotherResource => {
                "what would be stored has another type or id than what is".to_owned()
            }
            Reason::Constraint(at) => {
                let found = self.entries.get(at).and_then(|entry| {
                    let last = request.steps().into_iter().flatten().last()?;
                    let before = constraint::before(request);
                    let why = constraint::failure(&entry.write_constraints, before, last.resource)?;
                    Some(format!("{} has a write constraint: {why}", entry.origin))
                });
                found.unwrap_or_else(|| "a write constraint does not hold".to_owned())
            }
        }
    }

    fn checks(&self, request: &Request<'_>, decision: &Decision) -> Vec<Check> {
        if self.is_full_access() {
            return Vec::new();
        }
        let mut steps: Vec<Step<'_>> = request.steps().into_iter().flatten().collect();
        if let Reason::TypeNotGranted(gate) = decision.reason {
            // The gate refused before any state was looked at; show the step that it guards.
            steps.retain(|step| same_grant(step.interaction, gate));
            steps.truncate(1);
        }
        if decision.reason == Reason::AnotherResource {
            steps.clear();
        }
        let mut checks = Vec::new();
        for step in steps {
            let check = self.check(&step, request);
            let passed = check.passed;
            checks.push(check);
            if !passed {
                break;
            }
        }
        checks
    }

    fn check(&self, step: &Step<'_>, request: &Request<'_>) -> Check {
        let kind = request.resource_type();
        let before = constraint::before(request);
        let decides = self.first_entry(step.interaction, step.resource);
        let in_scope = self.in_scope(step.interaction, kind, step.resource);
        let mut passed = decides.is_some();
        let entries = self
            .entries
            .iter()
            .enumerate()
            // An entry that no policy has is worth a word only where it counts.
            .filter(|(_, entry)| entry.origin.number.is_some() || entry.covers(kind))
            .map(|(at, entry)| {
                let mut outcome = outcome(entry, step, kind);
                if !in_scope && matches!(outcome, Outcome::Grants { .. }) {
                    let scopes: Vec<&str> = self
                        .limits
                        .iter()
                        .map(|limit| limit.text.as_str())
                        .collect();
                    outcome = Outcome::OutOfScope {
                        scopes: scopes.join(" & "),
                    };
                }
                if step.side == Side::Result
                    && decides == Some(at)
                    && let Some(why) =
                        constraint::failure(&entry.write_constraints, before, step.resource)
                {
                    passed = false;
                    outcome = Outcome::Constrained { why };
                }
                EntryReport {
                    entry: entry.origin.to_string(),
                    resource_type: entry.resource_type.clone(),
                    criteria: entry.criteria.clone(),
                    outcome,
                }
            })
            .collect();
        Check {
            interaction: step.interaction,
            side: step.side,
            passed,
            entries,
        }
    }
}

fn texts(fields: Option<&[FieldPath]>) -> Vec<String> {
    let fields = fields.into_iter().flatten();
    fields.map(|field| field.as_str().to_owned()).collect()
}

fn same_grant(a: Interaction, b: Interaction) -> bool {
    let update = |i| matches!(i, Interaction::Update | Interaction::Patch);
    a == b || (update(a) && update(b))
}

fn outcome(entry: &Entry, step: &Step<'_>, kind: &str) -> Outcome {
    if !entry.covers(kind) {
        return Outcome::OtherType;
    }
    if let Grant::Nothing(reason) = &entry.grant {
        return Outcome::Broken {
            reason: reason.clone(),
        };
    }
    if !entry.interactions.contains(step.interaction) {
        return Outcome::OtherInteraction {
            allows: entry.interactions.to_string(),
        };
    }
    if matches!(entry.grant, Grant::All) {
        return Outcome::Grants {
            filters: Vec::new(),
        };
    }
    match entry.filters(kind) {
        None => Outcome::Broken {
            reason: format!("{kind} does not have all of its search parameters"),
        },
        Some(filters) => {
            let filters: Vec<FilterReport> =
                filters.iter().map(|f| f.report(step.resource)).collect();
            if filters.iter().all(|filter| filter.matched) {
                Outcome::Grants { filters }
            } else {
                Outcome::Filtered { filters }
            }
        }
    }
}

/// The entry that failed the fewest things.
fn nearest(check: Option<&Check>) -> Option<NearestMiss> {
    let check = check?;
    check
        .entries
        .iter()
        .filter_map(|report| {
            let (distance, because) = match &report.outcome {
                Outcome::Constrained { why } => (0, format!("its write constraint: {why}")),
                Outcome::Filtered { filters } => {
                    let failed: Vec<&FilterReport> =
                        filters.iter().filter(|f| !f.matched).collect();
                    let words: Vec<String> = failed.iter().map(|f| sentence(f)).collect();
                    (10 * failed.len(), words.join("; "))
                }
                Outcome::OutOfScope { scopes } => {
                    (1, format!("the scopes `{scopes}` do not cover it"))
                }
                Outcome::Broken { reason } => (5, format!("it grants nothing: {reason}")),
                Outcome::OtherInteraction { allows } => {
                    (15, format!("it allows {allows}, not {}", check.interaction))
                }
                Outcome::OtherType | Outcome::Grants { .. } => return None,
            };
            Some((distance, report, because))
        })
        .min_by_key(|(distance, _, _)| *distance)
        .map(|(_, report, because)| NearestMiss {
            entry: report.entry.clone(),
            because,
        })
}

fn sentence(filter: &FilterReport) -> String {
    format!("`{}` does not match; {}", shown(filter), seen(filter))
}

fn shown(filter: &FilterReport) -> &str {
    if filter.resolved.is_empty() {
        &filter.filter
    } else {
        &filter.resolved
    }
}

fn seen(filter: &FilterReport) -> String {
    if filter.seen.is_empty() {
        "the resource has no value there".to_owned()
    } else {
        format!("the resource has {}", filter.seen.join(", "))
    }
}

impl Explanation {
    /// With the fields that [`Policy::written`] kept, of the write that is explained.
    #[must_use]
    pub fn with_kept(mut self, kept: Vec<String>) -> Self {
        self.kept_fields = kept;
        self
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.verdict.status();
        writeln!(
            f,
            "{} {} as {}: {} ({status})",
            self.interaction, self.resource, self.actor, self.verdict
        )?;
        writeln!(f, "  {}", self.reason)?;
        if !self.hidden_fields.is_empty() {
            writeln!(f, "  without the hidden {}", self.hidden_fields.join(", "))?;
        }
        let writes = matches!(
            self.interaction,
            Interaction::Create | Interaction::Update | Interaction::Patch
        );
        if writes && !self.readonly_fields.is_empty() {
            let fields = self.readonly_fields.join(", ");
            writeln!(f, "  without a change to the read-only {fields}")?;
        }
        if !self.kept_fields.is_empty() {
            let fields = self.kept_fields.join(", ");
            match self.interaction {
                Interaction::Create => {
                    writeln!(
                        f,
                        "  what is sent for {fields} is dropped before the decision"
                    )?;
                }
                _ => writeln!(
                    f,
                    "  what is sent for {fields} is replaced by what is stored before the decision"
                )?,
            }
        }
        for check in &self.checks {
            let what = match check.side {
                Side::Stored => "the stored resource",
                Side::Version => "the version",
                Side::Result => "what would be stored",
            };
            let mark = if check.passed {
                "granted"
            } else {
                "not granted"
            };
            writeln!(f, "\n  {} on {what}: {mark}", check.interaction)?;
            let mut others = 0;
            for report in &check.entries {
                if report.outcome == Outcome::OtherType {
                    others += 1;
                } else {
                    entry(f, report)?;
                }
            }
            if others > 0 {
                let noun = if others == 1 {
                    "entry is"
                } else {
                    "entries are"
                };
                writeln!(f, "    · {others} {noun} about other types")?;
            }
        }
        if let Some(miss) = &self.nearest {
            writeln!(f, "\n  nearest miss: {}", miss.entry)?;
            writeln!(f, "    {}", miss.because)?;
        }
        Ok(())
    }
}

fn entry(f: &mut fmt::Formatter<'_>, report: &EntryReport) -> fmt::Result {
    let subject = match &report.criteria {
        Some(criteria) => criteria.as_str(),
        None => report.resource_type.as_str(),
    };
    let (mark, filters, note) = match &report.outcome {
        Outcome::Grants { filters } => ("✓", filters.as_slice(), None),
        Outcome::Filtered { filters } => ("✗", filters.as_slice(), None),
        Outcome::OtherInteraction { allows } => {
            ("✗", [].as_slice(), Some(format!("allows {allows}")))
        }
        Outcome::Broken { reason } => (
            "!",
            [].as_slice(),
            Some(format!("grants nothing: {reason}")),
        ),
        Outcome::Constrained { why } => {
            ("!", [].as_slice(), Some(format!("write constraint: {why}")))
        }
        Outcome::OutOfScope { scopes } => (
            "✗",
            [].as_slice(),
            Some(format!("out of the scopes `{scopes}`")),
        ),
        Outcome::OtherType => return Ok(()),
    };
    writeln!(f, "    {mark} {}  {subject}", report.entry)?;
    if let Some(note) = note {
        writeln!(f, "        {note}")?;
    }
    for filter in filters {
        let verdict = if filter.matched {
            "matches"
        } else {
            "does not match"
        };
        writeln!(f, "        {}  {verdict}", shown(filter))?;
        writeln!(f, "          {}", seen(filter))?;
    }
    Ok(())
}
