//! L05: modifiers that mean something else than they say. Source: policy-semantics 1.2, 4, D10–D14.

use fhirward_spec::{ParamType, spec};

use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule, Site};
use crate::words::nearest;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L05",
    slug: "unsupported-modifier",
    category: Category::Criteria,
    level: Severity::Error,
    summary: "a modifier other than `:not` and `:missing` does not mean what it says",
    why: "\
Criteria know `:not` and `:missing`. Any other modifier is accepted when a policy is saved, and then \
means something different on each path: in memory nearly all of them, misspelt ones included, are read \
as plain equality (for strings: *contains*); in the database some work, some are equality, and some \
make every request on the type fail with 400.

A misspelt `:not` is the worst of them: the entry then grants exactly what it should exclude.",
    versions: "\
Every Medplum version. Dates, numbers and quantities keep an unknown modifier from 5.0 on and match \
nothing; 4.5 ignores it. The reference semantics: such an entry grants nothing.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "a slip",
  "resource": [{ "resourceType": "Task", "criteria": "Task?status:Not=draft" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "a slip",
  "resource": [{ "resourceType": "Task", "criteria": "Task?status:not=draft" }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "exactly",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?family:exact=Li" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "exactly",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?general-practitioner=%profile" }]
}"#,
        )
        .titled("a modifier that only search knows"),
    ],
    adopts: &[Adopts::all("criteria/modifier")],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        let (Some(modifier), Some(span), Some(kind)) = (
            site.filter.modifier(),
            site.filter.modifier_span(),
            site.filter.param_type(),
        ) else {
            continue;
        };
        if matches!(modifier, "not" | "missing") {
            continue;
        }
        // `:not-in` and `:Patient` have rules of their own.
        let reference = kind == ParamType::Reference && spec().resource(modifier).is_some();
        if reference || (modifier == "not-in" && compares(kind)) {
            continue;
        }
        let (level, what) = effect(&site, modifier, kind);
        let code = site.filter.code();
        let draft = report
            .find(
                site.criteria.at(span),
                "not supported",
                format!("`{code}:{modifier}` does not mean what it says on Medplum: {what}"),
            )
            .level(level);
        if let Some(meant) = nearest(modifier, ["not", "missing"]) {
            draft
                .help(format!("did you mean `:{meant}`?"))
                .fix_text(site.criteria.at(span), format!(":{meant}"));
        } else if modifier == "exact" && matches!(kind, ParamType::Token | ParamType::Reference) {
            draft
                .help(format!("`{code}` is compared exactly without a modifier"))
                .fix_text(site.criteria.at(span), "");
        } else if matches!(kind, ParamType::String | ParamType::Uri) {
            draft.help(
                "no text is compared exactly by every path; let an identifier, a reference, a tag or a code decide",
            );
        }
    }
}

/// Whether values of the type are compared for equality, whatever the modifier says.
fn compares(kind: ParamType) -> bool {
    matches!(
        kind,
        ParamType::Token | ParamType::String | ParamType::Uri | ParamType::Reference
    )
}

fn effect(site: &Site<'_>, modifier: &str, kind: ParamType) -> (Severity, String) {
    let code = site.filter.code();
    let value = site.criteria.text.slice(site.filter.value_span());
    let meant_not = nearest(modifier, ["not"]).is_some();
    if compares(kind) && meant_not {
        return (
            Severity::Critical,
            format!("it is ignored, and exactly `{code}={value}` is granted"),
        );
    }
    match (modifier, kind) {
        ("present", _) => (
            Severity::Error,
            "it is Medplum's own opposite of `:missing`, which no other server knows".to_owned(),
        ),
        ("exact" | "contains", ParamType::String) => (
            Severity::Critical,
            "writes and cached reads take every value that contains the text".to_owned(),
        ),
        ("below", ParamType::Uri) | (_, ParamType::String | ParamType::Uri) => (
            Severity::Critical,
            "it is ignored, and writes and cached reads take every value that contains the text"
                .to_owned(),
        ),
        ("text" | "contains", ParamType::Token) => (
            Severity::Error,
            "search looks into the text, writes and references compare whole values".to_owned(),
        ),
        ("in" | "above" | "below" | "of-type", ParamType::Token) => (
            Severity::Error,
            "writes and cached reads compare for equality, and search on a coded element answers 400"
                .to_owned(),
        ),
        ("identifier", ParamType::Reference) => (
            Severity::Error,
            "search compares identifiers, writes and references compare the reference itself".to_owned(),
        ),
        (_, ParamType::Date | ParamType::Number | ParamType::Quantity) => (
            Severity::Error,
            "nothing matches in memory, and search answers 400".to_owned(),
        ),
        _ => (
            Severity::Error,
            format!("it is ignored, and `{code}={value}` is compared"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found, repaired};

    #[rstest]
    #[case::exact_name("Patient?name:exact=lic", "critical: :exact", None)]
    #[case::contains("Patient?name:contains=lic", "critical: :contains", None)]
    #[case::wrong_case(
        "Patient?gender:NOT=male",
        "critical: :NOT",
        Some("Patient?gender:not=male")
    )]
    #[case::swapped(
        "Patient?gender:nto=male",
        "critical: :nto",
        Some("Patient?gender:not=male")
    )]
    #[case::unknown("Patient?gender:foo=female", "error: :foo", None)]
    #[case::in_("Observation?code:in=http://vs", "error: :in", None)]
    #[case::text("Observation?code:text=heart", "error: :text", None)]
    #[case::phone("Patient?phone:contains=55", "error: :contains", None)]
    #[case::exact_token(
        "Patient?gender:exact=male",
        "error: :exact",
        Some("Patient?gender=male")
    )]
    #[case::identifier("Observation?subject:identifier=x", "error: :identifier", None)]
    #[case::date("Patient?birthdate:contains=1990-01-01", "error: :contains", None)]
    #[case::date_not_in("Patient?birthdate:not-in=1990-01-01", "error: :not-in", None)]
    #[case::below("Questionnaire?url:below=http://x", "critical: :below", None)]
    #[case::missing_slip(
        "Patient?gender:mising=true",
        "error: :mising",
        Some("Patient?gender:missing=true")
    )]
    fn d10_to_d14(#[case] text: &str, #[case] expected: &str, #[case] fixed: Option<&str>) {
        let kind = text.split('?').next().unwrap();
        let json = criteria(kind, text);
        assert_eq!(found("L05", &json), [expected]);
        assert_eq!(
            repaired("L05", &json),
            fixed.map(|text| criteria(kind, text))
        );
    }

    #[rstest]
    #[case::not("Patient?gender:not=male")]
    #[case::missing("Patient?gender:missing=true")]
    #[case::inverted_is_another_rule("Patient?gender:not-in=male")]
    #[case::type_is_another_rule("Observation?subject:Patient=1")]
    #[case::chain_is_another_rule("Observation?subject:Patient.name=x")]
    fn is_silent(#[case] text: &str) {
        let kind = text.split('?').next().unwrap();
        assert!(found("L05", &criteria(kind, text)).is_empty());
    }
}
