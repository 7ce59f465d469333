//! L09: parameter values that are read as criteria or JSON. Source: policy-semantics 2.2.

use crate::diagnostic::Severity;
use crate::lint::view::{AccessView, TextView};
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::source::Span;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L09",
    slug: "injectable-parameter",
    category: Category::Variables,
    level: Severity::Critical,
    summary: "the value of a parameter has characters that are read as criteria or as JSON",
    why: "\
The value of a parameter is put into the JSON of the policy as it is, before anything is parsed. A `\"` ends \
the string, and what follows is JSON: such a value has added an entry for `*` to a policy. `,` adds an \
alternative, `?` cuts off the filters after it, `&` adds a filter, `+`, `%` and `\\` turn into other \
characters, and `$&` or `` $` `` repeat parts of the policy.

Give only ids, codes and references as values. Several values are several `access` entries.",
    versions: "\
Every Medplum version. The reference semantics: a value is a value, and nothing in it is ever parsed.",
    examples: &[Example::new(
        r#"[
  {
    "resourceType": "AccessPolicy",
    "id": "clinic",
    "resource": [{ "resourceType": "Patient", "criteria": "Patient?identifier=%mrn" }]
  },
  {
    "resourceType": "ProjectMembership",
    "profile": { "reference": "Practitioner/1f4f06a8-0b43-4b9f-8f0d-0c1b6a3f2d11" },
    "access": [{
      "policy": { "reference": "AccessPolicy/clinic" },
      "parameter": [{ "name": "mrn", "valueString": "M1,M2" }]
    }]
  }
]"#,
        r#"[
  {
    "resourceType": "AccessPolicy",
    "id": "clinic",
    "resource": [{ "resourceType": "Patient", "criteria": "Patient?identifier=%mrn" }]
  },
  {
    "resourceType": "ProjectMembership",
    "profile": { "reference": "Practitioner/1f4f06a8-0b43-4b9f-8f0d-0c1b6a3f2d11" },
    "access": [
      {
        "policy": { "reference": "AccessPolicy/clinic" },
        "parameter": [{ "name": "mrn", "valueString": "M1" }]
      },
      {
        "policy": { "reference": "AccessPolicy/clinic" },
        "parameter": [{ "name": "mrn", "valueString": "M2" }]
      }
    ]
  }
]"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for membership in context.memberships() {
        for access in &membership.access {
            in_access(context, access, report);
        }
    }
}

fn in_access(context: &Context<'_>, access: &AccessView, report: &mut Report<'_>) {
    let policy = access
        .policy
        .as_ref()
        .and_then(|name| context.policy(&name.text));
    for parameter in &access.parameters {
        // What the policy does not mention is replaced nowhere.
        if policy.is_some_and(|policy| !policy.mentions(&parameter.name.text)) {
            continue;
        }
        for value in [&parameter.string, &parameter.reference]
            .into_iter()
            .flatten()
        {
            in_value(value, report);
        }
    }
}

/// The first character of each kind.
fn in_value(value: &TextView, report: &mut Report<'_>) {
    let text = &*value.text;
    let mut seen: Vec<&str> = Vec::new();
    for (at, c) in text.char_indices() {
        let next = text.get(at + 1..).and_then(|rest| rest.chars().next());
        let Some((level, effect)) = effect(c, next) else {
            continue;
        };
        if seen.contains(&effect) {
            continue;
        }
        seen.push(effect);
        let end = at + c.len_utf8();
        report
            .find(
                value.at(Span::new(at, end)),
                "not only a value",
                format!("`{}` in the value of a parameter {effect} on Medplum", c.escape_debug()),
            )
            .level(level)
            .help("give ids, codes and references as values; several values are several `access` entries");
    }
}

fn effect(c: char, next: Option<char>) -> Option<(Severity, &'static str)> {
    Some(match c {
        '"' => (
            Severity::Critical,
            "ends the string, and what follows is read as JSON of the policy,",
        ),
        '\\' | '\u{0}'..='\u{1f}' => (
            Severity::Critical,
            "breaks or changes the JSON of the policy",
        ),
        ',' => (Severity::Critical, "adds an alternative to the filter"),
        '?' => (Severity::Critical, "cuts off every filter after it"),
        '$' if matches!(next, Some('&' | '`' | '\'' | '$')) => {
            (Severity::Critical, "repeats a part of the policy")
        }
        '&' => (Severity::Error, "adds a filter"),
        '+' => (Severity::Warning, "becomes a space"),
        '%' => (Severity::Warning, "begins an escape or another variable"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    fn membership(value: &str) -> String {
        let value = serde_json::Value::from(value);
        format!(
            r#"{{"resourceType": "ProjectMembership", "profile": {{"reference": "Patient/1"}},
                "access": [{{"policy": {{"reference": "AccessPolicy/p"}},
                "parameter": [{{"name": "org", "valueString": {value}}}]}}]}}"#
        )
    }

    #[rstest]
    #[case::json("a\"},{\"resourceType\":\"*", &[r#"critical: \""#, "critical: ,"])]
    #[case::backslash("a\\", &[r"critical: \\"])]
    #[case::line("a\nb", &[r"critical: \n"])]
    #[case::list("M1,M2,M3", &["critical: ,"])]
    #[case::question("a?b", &["critical: ?"])]
    #[case::pattern("a$&b", &["critical: $", "error: &"])]
    #[case::ampersand("a&b=c", &["error: &"])]
    #[case::plus("a+b", &["warning: +"])]
    #[case::percent("100%", &["warning: %"])]
    #[case::dollar("US$5", &[])]
    #[case::system("http://x|a", &[])]
    #[case::fragment("a#b", &[])]
    #[case::plain("north-7", &[])]
    fn values(#[case] value: &str, #[case] expected: &[&str]) {
        assert_eq!(found("L09", &membership(value)), expected);
    }

    #[rstest]
    #[case::used("Task?owner=%org", 1)]
    #[case::unused("Task?owner=%profile", 0)]
    fn only_what_the_policy_uses(#[case] text: &str, #[case] count: usize) {
        let policy = criteria("Task", text);
        let mut subject = crate::lint::Subject::default();
        subject.add_text(&crate::source::Source::new("policy", policy));
        subject.add_text(&crate::source::Source::new("member", membership("a,b")));
        let findings = crate::lint::check(&subject, &crate::lint::Options::default());
        assert_eq!(findings.iter().filter(|f| f.id() == "L09").count(), count);
    }
}
