//! Who acts without any policy is declared: what the admin does succeeds whatever the policies say,
//! and a flow that is played by them proves nothing of what people may do.

use fhirward_engine::source::Span;

use super::ADMIN;
use super::parse::{Parsed, ParsedStep, Wanted};
use super::read::Findings;

/// Refuses steps of an admin whom the scenario does not declare, and a declaration of which nothing
/// comes. A state is what a flow assumes, and a `grant` is no request of a flow: neither counts.
pub(super) fn check(parsed: &Parsed, findings: &mut Findings) {
    if parsed.is_state {
        return;
    }
    let acts: Vec<Span> = parsed.steps.iter().filter_map(acts_as_admin).collect();
    match (parsed.uses_admin, acts.as_slice()) {
        (None, acts) => {
            for span in acts {
                findings.error(
                    "scenario/undeclared-admin",
                    "the admin acts here, for whom no policy counts, and the scenario does not say so",
                    *span,
                    "not declared",
                    "let an actor do it; or write `uses-admin: true` before `steps`",
                );
            }
        }
        (Some(span), []) => findings.error(
            "scenario/unused-admin",
            "no step of this scenario is the admin's",
            span,
            "declared, and never used",
            "remove it; `grant` and the steps of states need no declaration",
        ),
        (Some(_), _) => {}
    }
}

/// Where a step says that it is the admin's.
fn acts_as_admin(parsed: &ParsedStep) -> Option<Span> {
    if parsed.step.action.verb() == "grant" {
        return None;
    }
    let uses = parsed.before.iter().chain(&parsed.after);
    uses.filter(|usage| usage.wanted == Wanted::Acting && usage.name == ADMIN)
        .map(|usage| usage.span)
        .next()
}
