//! What of L45 can be told from the types: a constraint that is no truth, and names that no resource
//! of the type has. Source: R.10.

use fhirward_spec::spec;
use serde_json::json;

use super::write_constraint::used;
use crate::diagnostic::Severity;
use crate::fhirpath::{self, Outcome, Stranger, Truth};
use crate::lint::Report;
use crate::lint::view::TextView;
use crate::source::Span;
use crate::words::nearest;

/// Finds that a constraint is never `true`, or that a part of it is never there.
pub(super) fn check(constraint: &TextView, resource_type: &str, report: &mut Report<'_>) {
    let text = &*constraint.text;
    if not_evaluated(constraint, resource_type, report) {
        return;
    }
    let Some((outcome, strangers)) = fhirpath::outcome(text, resource_type) else {
        return;
    };
    if strangers.is_empty() {
        no_truth(constraint, &outcome, report);
        return;
    }
    let mut said: Vec<&str> = Vec::new();
    for stranger in &strangers {
        if !said.contains(&stranger.name.as_str()) {
            said.push(&stranger.name);
            unknown(constraint, stranger, outcome == Outcome::Nothing, report);
        }
    }
}

/// Whether the expression asks for what is never evaluated, whatever the resource: an empty one gives
/// no other reason.
fn not_evaluated(constraint: &TextView, resource_type: &str, report: &mut Report<'_>) -> bool {
    let is_open =
        |(name, _, quoted): (&str, Span, bool)| !quoted && !matches!(name, "before" | "after");
    if !fhirpath::AVAILABLE || used(&constraint.text).any(is_open) {
        // Without the library nothing is evaluated, and without a value nothing can be.
        return false;
    }
    let nothing = json!({ "resourceType": resource_type });
    let truth = fhirpath::truth(&constraint.text, Some(&nothing), &nothing);
    let Truth::Unknown(reason) = truth else {
        return false;
    };
    report
        .find(
            constraint.place(),
            "not evaluated",
            format!("fhirward cannot evaluate this, and denies every write by it: {reason}"),
        )
        .help("ask in another way; what a server makes of it is not predicted");
    true
}

fn no_truth(constraint: &TextView, outcome: &Outcome, report: &mut Report<'_>) {
    let text = &*constraint.text;
    let message = match outcome {
        Outcome::Open => return,
        Outcome::Nothing => {
            format!("`{text}` is always empty and never `true`: every write is denied")
        }
        Outcome::Never(what) if what == "false" => {
            format!("`{text}` is never `true`: every write is denied")
        }
        Outcome::Never(what) => {
            let what = match what.contains(' ') {
                true => what.clone(),
                false => format!("of type `{what}`"),
            };
            format!("`{text}` is {what} and never `true`: every write is denied")
        }
    };
    let of_fhir = matches!(outcome, Outcome::Never(what) if spec().type_def(what).is_some());
    let help = match of_fhir {
        true => format!("compare it, or ask whether it is there: `{text}.exists()`"),
        false => "a constraint is a question: a comparison, `exists()`, or several joined by `and` and `or`".to_owned(),
    };
    report
        .find(constraint.place(), "never `true`", message)
        .level(Severity::Error)
        .help(help);
}

fn unknown(constraint: &TextView, stranger: &Stranger, never: bool, report: &mut Report<'_>) {
    let Stranger { name, of, compared } = stranger;
    let found = word(&constraint.text, name);
    let place = found.map_or_else(|| constraint.place(), |span| constraint.at(span));
    let follows = match never {
        true => "so the constraint is never `true` and every write is denied",
        false => "and what asks for it never holds",
    };
    let level = match never {
        true => Severity::Error,
        false => Severity::Warning,
    };
    let elements = || {
        let def = spec().type_def(of);
        def.into_iter().flat_map(|def| &def.elements)
    };
    let is_code = elements()
        .filter_map(|element| element.required_codes)
        .any(|codes| codes.iter().any(|code| **code == **name));
    let quoted = || {
        (
            format!("a text has quotes: `'{name}'`"),
            Some(format!("'{name}'")),
        )
    };
    let mut names = elements().map(|element| &*element.name);
    let draft = report
        .find(
            place,
            "no such element",
            format!("`{name}` is no element of `{of}`: it is always empty, {follows}"),
        )
        .level(level);
    let (help, replacement) = if fhirpath::is_function(name) {
        (
            format!("a function has brackets: `{name}()`"),
            Some(format!("{name}()")),
        )
    } else if *compared && is_code {
        quoted()
    } else if let Some(near) = nearest(name, &mut names) {
        (format!("did you mean `{near}`?"), Some(near.to_owned()))
    } else if *compared {
        quoted()
    } else {
        (format!("write an element of `{of}`"), None)
    };
    let draft = draft.help(help);
    if let (Some(span), Some(replacement)) = (found, replacement) {
        draft.fix_text(constraint.at(span), replacement);
    }
}

/// The first place of a name in an expression, outside of texts.
fn word(text: &str, name: &str) -> Option<Span> {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '%' | '$');
    text.match_indices(name)
        .map(|(at, found)| Span::new(at, at + found.len()))
        .find(|span| {
            let before = text.get(..span.start).unwrap_or_default();
            let after = text.get(span.end..).unwrap_or_default();
            let quotes = before.replace("\\'", "").matches('\'').count();
            quotes % 2 == 0 && !before.ends_with(part) && !after.starts_with(part)
        })
}

// Without the library nothing is known of an expression.
#[cfg(all(test, feature = "fhirpath"))]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy, repaired};

    fn task(expression: &str) -> String {
        let expression = serde_json::Value::from(expression);
        policy(&format!(
            r#"{{"resourceType": "Task", "interaction": ["update", "read", "search"], "writeConstraint": [{{"language": "text/fhirpath", "expression": {expression}}}]}}"#
        ))
    }

    #[rstest]
    #[case::a_code("status", &["error: status"], None)]
    #[case::a_text("'true'", &["error: 'true'"], None)]
    #[case::a_number("1", &["error: 1"], None)]
    #[case::no("false", &["error: false"], None)]
    #[case::empty("{}", &["error: {}"], None)]
    #[case::inside_a_reference("owner.reference", &["error: owner.reference"], None)]
    #[case::whole_reference("owner", &["error: owner"], None)]
    #[case::a_count("note.count()", &["error: note.count()"], None)]
    #[case::a_sum("1 + 1", &["error: 1 + 1"], None)]
    #[case::picked("note.text.first()", &["error: note.text.first()"], None)]
    #[case::in_brackets("(status)", &["error: (status)"], None)]
    #[case::misspelt("stauts = 'draft'", &["error: stauts"], Some("status = 'draft'"))]
    #[case::misspelt_after("%after.stauts = 'draft'", &["error: stauts"], Some("%after.status = 'draft'"))]
    #[case::misspelt_inside("owner.refrence = 'Practitioner/1'", &["error: refrence"], Some("owner.reference = 'Practitioner/1'"))]
    #[case::misspelt_in_a_list("note.where(txt = 'a').exists()", &["warning: txt"], Some("note.where(text = 'a').exists()"))]
    #[case::one_of_two("stauts = 'draft' or priority = 'stat'", &["warning: stauts"], Some("status = 'draft' or priority = 'stat'"))]
    #[case::both_needed("stauts = 'draft' and priority = 'stat'", &["error: stauts"], Some("status = 'draft' and priority = 'stat'"))]
    #[case::no_quotes("status = requested", &["error: requested"], Some("status = 'requested'"))]
    #[case::no_brackets("status.exists", &["error: exists"], Some("status.exists()"))]
    #[case::another_type("Patient.active", &["error: Patient"], None)]
    #[case::a_function_that_answers_nothing("iif(status.toString() = 'draft', false, true)", &["warning: iif(status.toString() = 'draft', false, true)"], None)]
    #[case::equivalence("status ~ 'DRAFT'", &["warning: status ~ 'DRAFT'"], None)]
    #[case::a_server("owner.resolve().exists()", &["warning: owner.resolve().exists()"], None)]
    #[case::in_a_text_too("'stauts' = stauts", &["error: stauts"], Some("'stauts' = status"))]
    fn never(#[case] expression: &str, #[case] expected: &[&str], #[case] fixed: Option<&str>) {
        let json = task(expression);
        assert_eq!(found("L45", &json), expected);
        assert_eq!(repaired("L45", &json), fixed.map(task));
    }

    #[rstest]
    #[case::comparison("status = 'draft'")]
    #[case::exists("owner.exists()")]
    #[case::not("owner.exists().not()")]
    #[case::yes("true")]
    #[case::code_as_a_condition("status and owner")]
    #[case::a_guard("%before.exists().not() or %before.status != 'completed'")]
    #[case::implies("status = 'draft' implies owner.reference = '%profile'")]
    #[case::choice("input.value = 'x'")]
    #[case::choice_by_its_json_name("input.valueString = 'x'")]
    #[case::extension("extension.where(url = 'http://x').value = 'a'")]
    #[case::extension_of_a_primitive("status.extension.exists()")]
    #[case::type_first("Task.status = 'draft'")]
    #[case::any_type_first("Resource.id = 'x'")]
    #[case::this("note.all($this.text.exists())")]
    #[case::member("'a' in note.text")]
    #[case::union("(note.text | code.text) = 'a'")]
    #[case::what_is_contained("contained.where(resourceType = 'Patient').active = true")]
    #[case::equivalent("code.text ~ {}")]
    #[case::of_type("input.value.ofType(string) = 'a'")]
    #[case::other_function("iif(status = 'draft', true, false)")]
    #[case::codings("code.coding.where(system = 'http://x').code = 'a'")]
    #[case::meta("meta.tag.code contains 'a'")]
    #[case::by_index("note[0].text = 'a'")]
    #[case::no_fhirpath("status = ")]
    fn may_hold(#[case] expression: &str) {
        let found: Vec<_> = crate::lint::testing::lint(&task(expression), "")
            .into_iter()
            .map(|finding| finding.diagnostic.message)
            .filter(|message| message.contains("never") || message.contains("no element"))
            .collect();
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn of_every_type_nothing_is_known() {
        let json = task("stauts = 'draft'").replace("\"Task\"", "\"*\"");
        assert_eq!(found("L45", &json), [""; 0]);
    }

    #[test]
    fn a_boolean_element_is_a_truth() {
        let json = task("active").replace("\"Task\"", "\"Patient\"");
        assert_eq!(found("L45", &json), [""; 0]);
    }
}
