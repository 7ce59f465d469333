//! L49: types without which an application cannot use what is granted. Source: policy-semantics 9,
//! case 78.

use crate::diagnostic::Severity;
use crate::lint::rules::reach::Reach;
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L49",
    slug: "missing-support-type",
    category: Category::Types,
    level: Severity::Info,
    summary: "a type is granted without the type that applications need to use it",
    why: "\
Some types are of no use alone. Who fills in a QuestionnaireResponse has to read the Questionnaire; its \
answers come from a ValueSet. Each missing type shows as a \
403 somewhere in an application, which is hard to trace back to the policy.

Where only a bot or an import uses the policy, nothing is missing.",
    versions: "\
Every Medplum version; see https://github.com/medplum/medplum/issues/5510 and \
https://github.com/medplum/medplum/issues/8302.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "intake",
  "resource": [
    {
      "resourceType": "QuestionnaireResponse",
      "criteria": "QuestionnaireResponse?author=%profile"
    }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "intake",
  "resource": [
    {
      "resourceType": "QuestionnaireResponse",
      "criteria": "QuestionnaireResponse?author=%profile"
    },
    { "resourceType": "Questionnaire", "interaction": ["search", "read"] },
    { "resourceType": "ValueSet", "interaction": ["search", "read"] }
  ]
}"#,
    )],
    adopts: &[],
    check,
};

/// A type with an interaction, what it needs, and what for.
struct Need {
    of: (&'static str, Interaction),
    needs: (&'static str, Interaction),
    why: &'static str,
}

const NEEDS: [Need; 2] = [
    Need {
        of: ("QuestionnaireResponse", Interaction::Create),
        needs: ("Questionnaire", Interaction::Read),
        why: "who answers a form has to read its questions",
    },
    Need {
        of: ("Questionnaire", Interaction::Read),
        needs: ("ValueSet", Interaction::Read),
        why: "the answers to choose from come from value sets",
    },
];

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        let reach = Reach::of(context, policy);
        for need in &NEEDS {
            let (kind, interaction) = need.of;
            let (wanted, to) = need.needs;
            if reach.allows(wanted, to) {
                continue;
            }
            let first = policy
                .entries
                .iter()
                .find(|entry| entry.resource_type == kind && entry.allows(interaction));
            let Some(entry) = first else { continue };
            report
                .find(
                    entry.place(),
                    format!("needs `{wanted}`"),
                    format!("`{interaction}` of `{kind}` is granted, `{to}` of `{wanted}` is not: {}", need.why),
                )
                .help(format!("if an application uses this policy, add `{{\"resourceType\": \"{wanted}\", \"interaction\": [\"search\", \"read\"]}}`"));
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::no_questions(r#"{"resourceType": "QuestionnaireResponse"}"#, 1)]
    #[case::no_answers(r#"{"resourceType": "Questionnaire", "readonly": true}"#, 1)]
    #[case::everything(r#"{"resourceType": "*"}, {"resourceType": "Questionnaire"}"#, 0)]
    fn finds(#[case] entries: &str, #[case] expected: usize) {
        assert_eq!(found("L49", &policy(entries)).len(), expected);
    }
}
