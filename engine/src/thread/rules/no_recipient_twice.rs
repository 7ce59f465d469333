//! H-11: no recipient of a header is listed twice.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::HashSet;

use crate::thread::at::At;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::reference::same_target;
use crate::thread::reference::target;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-11",
    slug: "no-recipient-twice",
    level: Level::Should,
    kind: Kind::Single,
    subject: Subject::Header,
    page: "thread-lifecycle-participants-access-control",
    summary: "no recipient of a header is listed twice",
    why: "Whoever takes a participant out of the thread removes one entry. With a second one, they stay.",
    help: "list each participant once; removing one entry of two would leave them in the thread",
    fhirpath: Some("recipient.reference.isDistinct()"),
    fails: &[(
        Base::Header,
        r#"{"recipient":[{"reference":"Patient/homer"},{"reference":"Practitioner/alice"},{"reference":"Patient/homer"}]}"#,
    )],
    passes: &[(Base::Header, r#""#)],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let mut seen: HashSet<&str> = HashSet::new();
    let mut first_base: HashMap<Cow<'_, str>, &str> = HashMap::new();
    for (n, text) in at.references("recipient") {
        let key = target(text).unwrap_or(Cow::Borrowed(text));
        // The same id on two servers is two people.
        let known = first_base
            .get(&key)
            .is_some_and(|other| same_target(other, text));
        if !seen.insert(text) || known {
            let message = format!("`{text}` is listed before");
            report.surplus(format!("/recipient/{n}"), message);
        }
        first_base.entry(key).or_insert(text);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::thread;

    #[test]
    fn an_absolute_reference_is_the_same_person() {
        let header = json!({
            "resourceType": "Communication", "id": "t", "status": "in-progress",
            "recipient": [
                {"reference": "Patient/homer"},
                {"reference": "Practitioner/alice"},
                {"reference": "https://h/Patient/homer"},
            ],
        });
        let twice = thread::check(&[&header])
            .iter()
            .filter(|finding| finding.rule == super::RULE.id)
            .count();
        assert_eq!(twice, 1);
    }
}
