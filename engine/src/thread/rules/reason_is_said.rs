//! M-26: each reason has a code with its system, or a text.

use crate::thread::at::At;
use crate::thread::at::codings_of;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::record::has;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "M-26",
    slug: "reason-is-said",
    level: Level::May,
    kind: Kind::Single,
    subject: Subject::Communication,
    page: "messaging-data-model",
    summary: "each reason has a code with its system, or a text",
    why: "A reason may be medical or of the workflow; programs read the code, people the text.",
    help: "give each `reasonCode` a `coding` with `system` and `code`, or a `text`",
    fhirpath: Some(
        "reasonCode.all(text.exists() or coding.where(system.exists() and code.exists()).exists())",
    ),
    fails: &[(
        Base::Message,
        r#"{"reasonCode":[{"coding":[{"code":"301180005"}]}]}"#,
    )],
    passes: &[(
        Base::Message,
        r#"{"reasonCode":[{"coding":[{"system":"http://snomed.info/sct","code":"301180005"}]}]}"#,
    )],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    for (n, concept) in at.items("reasonCode").iter().enumerate() {
        if codings_of(concept).next().is_none() && !has(concept, "text") {
            let message = "the reason has neither a code with its system nor a text";
            report.add(format!("/reasonCode/{n}"), message);
        }
    }
}
