//! H-15: each category of a header has a code and a system, and stands there once.

use std::collections::HashSet;

use crate::thread::at::At;
use crate::thread::at::codings_of;
use crate::thread::example::Base;
use crate::thread::finding::Report;
use crate::thread::rule::Kind;
use crate::thread::rule::Level;
use crate::thread::rule::PLAIN;
use crate::thread::rule::Rule;
use crate::thread::rule::Subject;

pub(super) const RULE: Rule = Rule {
    id: "H-15",
    slug: "header-category-is-coded",
    level: Level::May,
    kind: Kind::Single,
    subject: Subject::Header,
    page: "messaging-data-model",
    summary: "each category of a header has a code and a system, and stands there once",
    why: "Categories are tags that threads are searched by, with system and code. A text alone is not found.",
    help: "give each category a `coding` with `system` and `code`",
    fhirpath: Some("category.all(coding.where(system.exists() and code.exists()).exists())"),
    fails: &[(Base::Header, r#"{"category":[{"text":"Endocrinology"}]}"#)],
    passes: &[(
        Base::Header,
        r#"{"category":[{"coding":[{"system":"http://snomed.info/sct","code":"394583002"}]}]}"#,
    )],
    check,
    ..PLAIN
};

fn check(at: &At<'_>, report: &mut Report<'_>) {
    let mut seen = HashSet::new();
    for (n, concept) in at.items("category").iter().enumerate() {
        let mut codes = codings_of(concept).peekable();
        if codes.peek().is_none() {
            let message = "the category has no code with its system";
            report.add(format!("/category/{n}"), message);
        }
        for code in codes {
            if !seen.insert(code.clone()) {
                report.surplus(
                    format!("/category/{n}"),
                    format!("`{code}` stands there before"),
                );
            }
        }
    }
}
