//! Scenarios that share a state only look: what one of them changed, all others would see.

use fhirward_engine::diagnostic::Diagnostic;

use super::parse::Parsed;
use super::step::Action;

/// The steps that change something although the state is shared.
pub(super) fn check(parsed: &Parsed) -> Vec<Diagnostic> {
    let Some(share) = parsed.given.as_ref().and_then(|given| given.share) else {
        return Vec::new();
    };
    let writing = parsed.steps.iter().filter(|step| writes(&step.step.action));
    writing
        .map(|step| {
            Diagnostic::error(
                "scenario/shared-write",
                format!(
                    "`{}` may change what other scenarios look at",
                    step.step.action.verb()
                ),
            )
            .with_label(step.verb_span, "changes something")
            .with_label(share, "the state is shared")
            .with_help(
                "who shares a state only looks; without `share` the scenario gets a state of its own",
            )
            .with_source(&parsed.source)
        })
        .collect()
}

/// Whether a step is made to change something, whatever the server answers. What an operation does
/// nobody can tell before; a run looks afterwards.
fn writes(action: &Action) -> bool {
    match action {
        Action::Operation { .. } => false,
        Action::Raw { method, target, .. } => match method.as_str() {
            "PUT" | "PATCH" | "DELETE" => true,
            "POST" => {
                let path = target.text().split('?').next().unwrap_or_default();
                let last = path.rsplit('/').next().unwrap_or_default();
                // A search by POST looks; so may an operation, and so does who signs in.
                let signs_in = path.starts_with("/oauth2/") || path.starts_with("/auth/");
                !(last == "_search" || last.starts_with('$') || signs_in)
            }
            _ => false,
        },
        other => other.changes(),
    }
}
