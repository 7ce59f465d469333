//! L45: write constraints that cannot hold. Source: policy-semantics 3.4, cases 54 to 57.

use super::never_true;
use crate::diagnostic::Severity;
use crate::lint::view::{EntryView, PolicyView, TextView};
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};
use crate::policy::Interaction;
use crate::source::Span;
use crate::words::nearest;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L45",
    slug: "write-constraint",
    category: Category::Constraints,
    level: Severity::Warning,
    summary: "a `writeConstraint` is always denied, or denies every create",
    why: "\
A constraint must evaluate to exactly one `true`; nothing, a text, a number or several values deny the \
write. So `status` alone denies, as does a name that the type does not have, or a text without quotes \
(`status = requested`). Three things go wrong again and again. `%before` does not exist on create, so \
`%before.status != 'final'` is empty there and denies: write \
`%before.exists().not() or %before.status != 'final'`. A parameter is put in as text, so `%profile` needs \
quotes around it: `author.reference = '%profile'`. And a variable that neither FHIRPath nor the membership \
knows makes every write an error.",
    versions: "\
Every Medplum version: an unknown variable or a syntax error answers 400 on every write of the type, \
anything but `true` answers 403. The expression is not read when the policy is saved.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "final is final",
  "resource": [
    {
      "resourceType": "Observation",
      "interaction": ["create", "search", "read", "update"],
      "writeConstraint": [
        { "language": "text/fhirpath", "expression": "%before.status != 'final'" }
      ]
    }
  ]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "final is final",
  "resource": [
    {
      "resourceType": "Observation",
      "interaction": ["create", "search", "read", "update"],
      "writeConstraint": [
        {
          "language": "text/fhirpath",
          "expression": "%before.exists().not() or %before.status != 'final'"
        }
      ]
    }
  ]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "own name",
  "resource": [
    {
      "resourceType": "Task",
      "interaction": ["create", "search", "read", "update"],
      "writeConstraint": [
        { "language": "text/fhirpath", "expression": "owner.reference = %profile" }
      ]
    }
  ]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "own name",
  "resource": [
    {
      "resourceType": "Task",
      "interaction": ["create", "search", "read", "update"],
      "writeConstraint": [
        { "language": "text/fhirpath", "expression": "owner.reference = '%profile'" }
      ]
    }
  ]
}"#,
        )
        .titled("a variable of the member"),
    ],
    adopts: &[Adopts::all_as("policy/constraint", Severity::Error)],
    check,
};

/// The variables of write constraints.
const KNOWN: [&str; 2] = ["before", "after"];

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (policy, entry) in context.entries() {
        // A project has thousands of members.
        if entry.write_constraints.is_empty() {
            continue;
        }
        let mut given: Vec<&str> = vec!["profile", "patient"];
        for (_, access) in context.members_of(policy) {
            given.extend(access.parameters.iter().map(|p| &*p.name.text));
        }
        let members = !context.members_of(policy).is_empty();
        for constraint in &entry.write_constraints {
            variables(constraint, &given, members, report);
            in_texts(constraint, policy, report);
            before(entry, constraint, report);
            never_true::check(constraint, &entry.resource_type, report);
        }
    }
}

fn variables(constraint: &TextView, given: &[&str], members: bool, report: &mut Report<'_>) {
    for (name, span, quoted) in used(&constraint.text) {
        if quoted || KNOWN.contains(&name) {
            continue;
        }
        if given.contains(&name) {
            report
                .find(
                    constraint.at(span),
                    "put in as text",
                    format!(
                        "`%{name}` is put in as text and becomes a path: it needs quotes around it"
                    ),
                )
                .level(Severity::Error)
                .help(format!("write `'%{name}'`"))
                .fix(constraint.at(span), format!("'%{name}'"));
        } else if members {
            report
                .find(
                    constraint.at(span),
                    "no value",
                    format!("nothing gives `%{name}` a value: every write of the type is an error (400)"),
                )
                .level(Severity::Error)
                .help("the variables of a constraint are `%before` and `%after`, and in quotes the member's parameters");
        } else {
            report
                .find(
                    constraint.at(span),
                    "without quotes",
                    format!("`%{name}` is no variable of a constraint; as a parameter of the membership it needs quotes"),
                )
                .level(Severity::Error)
                .help(format!("write `'%{name}'` if the membership gives it, or use `%before` and `%after`"));
        }
    }
}

/// The variables within texts: each must have a value, or the text is compared with its name.
fn in_texts(constraint: &TextView, policy: &PolicyView, report: &mut Report<'_>) {
    // Where something must differ, a text that is nobody's value lets everything through.
    let is_negated = ["!=", "not()"]
        .iter()
        .any(|sign| constraint.text.contains(sign));
    for (name, span, _) in used(&constraint.text).filter(|(_, _, quoted)| *quoted) {
        if KNOWN.contains(&name) {
            continue;
        }
        let place = constraint.at(span);
        let behind = constraint.text.get(span.end..).unwrap_or_default();
        let member = behind.strip_prefix('.').map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
            rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
        });
        let near = nearest(name, ["profile", "patient"]);
        if policy.gives(name) {
            let Some(member) = member.filter(|member| !matches!(*member, "" | "id")) else {
                continue;
            };
            report
                .find(
                    constraint.at(Span::new(span.start, span.end + 1 + member.len())),
                    "not a variable",
                    format!("`%{name}` is put in as text, and `.{member}` stays behind it"),
                )
                .level(Severity::Error)
                .help(format!(
                    "`%{name}` is the reference already; its id is `%{name}.id`"
                ))
                .fix_text(
                    constraint.at(Span::new(span.end, span.end + 1 + member.len())),
                    "",
                );
        } else if policy.members > 0 {
            report
                .find(
                    place,
                    "no value",
                    format!("`%{name}` has no value for every membership: the entry grants nothing, and Medplum compares with the text itself"),
                )
                .level(Severity::Error)
                .help(format!("give each membership a parameter `{name}`"));
        } else if let Some(near) = near {
            report
                .find(
                    place,
                    "has no value of its own",
                    format!("`%{name}` has no value unless every membership gives a parameter of that name"),
                )
                .level(Severity::Error)
                .help(format!("did you mean `%{near}`?"));
        } else {
            report
                .find(
                    place,
                    "has no value of its own",
                    format!("`%{name}` must be a parameter of every membership that uses this policy; Medplum compares with the text itself where it is not"),
                )
                .level(if is_negated { Severity::Warning } else { Severity::Info })
                .help(format!("the variables with a value are `%profile` and `%patient`; a membership gives `{name}`"));
        }
    }
}

fn before(entry: &EntryView, constraint: &TextView, report: &mut Report<'_>) {
    if !entry.allows(Interaction::Create) {
        return;
    }
    let text = &*constraint.text;
    let guarded = [
        "%before.exists()",
        "%before.empty()",
        "iif(",
        "%before.count()",
    ];
    if guarded.iter().any(|guard| text.contains(guard)) || text.contains("implies") {
        return;
    }
    let Some((_, span, _)) = used(text).find(|(name, _, quoted)| *name == "before" && !quoted)
    else {
        return;
    };
    // An `or` may be the guard in other words; that is not judged.
    if text
        .split_whitespace()
        .any(|word| word == "or" || word == "xor")
    {
        return;
    }
    report
        .find(
            constraint.at(span),
            "absent on create",
            "`%before` is absent on create, so the constraint is not `true` and every create is denied",
        )
        .help("write `%before.exists().not() or …`, or take `create` from the entry");
}

/// The variables of an expression: name, place with `%`, and whether it stands in a text.
pub(super) fn used(text: &str) -> impl Iterator<Item = (&str, Span, bool)> {
    let mut quoted = false;
    let mut escaped = false;
    let mut starts = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '\'' => quoted = !quoted,
            '%' => starts.push((at, quoted)),
            _ => {}
        }
    }
    starts.into_iter().filter_map(move |(at, quoted)| {
        let rest = text.get(at + 1..)?;
        let length = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let name = rest.get(..length).filter(|name| !name.is_empty())?;
        Some((name, Span::new(at, at + 1 + length), quoted))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    fn constraint(interactions: &str, expression: &str) -> String {
        let expression = serde_json::Value::from(expression);
        policy(&format!(
            r#"{{"resourceType": "Task", "interaction": {interactions}, "writeConstraint": [{{"language": "text/fhirpath", "expression": {expression}}}]}}"#
        ))
    }

    #[rstest]
    #[case::case_54("%before.status != 'final'", &["warning: %before"])]
    #[case::guarded("%before.exists().not() or %before.status != 'final'", &[])]
    #[case::after("%after.status = 'final'", &[])]
    #[case::unquoted("owner.reference = %profile", &["error: %profile"])]
    #[case::quoted("owner.reference = '%profile'", &[])]
    #[case::unknown("status = %nope", &["error: %nope"])]
    #[case::parameter_in_a_text("owner.reference != '%supervisor'", &["warning: %supervisor"])]
    #[case::equal_to_a_parameter("owner.reference = '%supervisor'", &["info: %supervisor"])]
    #[case::slip_in_a_text("owner.reference != '%profle'", &["error: %profle"])]
    #[case::member_in_a_text("owner.reference != '%profile.reference'", &["error: %profile.reference"])]
    #[case::id_in_a_text("owner.reference = 'Practitioner/%profile.id'", &[])]
    #[case::a_sentence("note.text = 'ask %profile.'", &[])]
    #[case::percent("note.text = '100% of it'", &[])]
    fn with_create(#[case] expression: &str, #[case] expected: &[&str]) {
        let json = constraint(r#"["create", "read", "search"]"#, expression);
        assert_eq!(found("L45", &json), expected);
    }

    const SUPERVISOR: &str =
        r#"{"name": "supervisor", "valueReference": {"reference": "Practitioner/1"}}"#;

    #[rstest]
    #[case::given(SUPERVISOR, &[])]
    #[case::not_given("", &["error: %supervisor"])]
    fn memberships_give_values(#[case] parameter: &str, #[case] expected: &[&str]) {
        let policy = constraint(r#"["read", "update"]"#, "owner.reference != '%supervisor'");
        let json = format!(
            r#"[{policy}, {{"resourceType": "ProjectMembership", "profile": {{"reference": "Patient/1"}},
                "access": [{{"policy": {{"reference": "AccessPolicy/p"}}, "parameter": [{parameter}]}}]}}]"#
        );
        assert_eq!(found("L45", &json), expected);
    }

    #[test]
    fn without_create_there_is_always_a_version_before() {
        let json = constraint(
            r#"["update", "read", "search"]"#,
            "%before.status != 'final'",
        );
        assert!(found("L45", &json).is_empty());
    }
}
