//! L23: parameters that the type does not have. Source: policy-semantics 1.1, D35, D47.

use fhirward_spec::spec;

use crate::diagnostic::Severity;
use crate::lint::view::FilterSubject;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};
use crate::words::nearest;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L23",
    slug: "unknown-parameter",
    category: Category::Criteria,
    level: Severity::Error,
    summary: "the type has no such search parameter, so requests on it fail",
    why: "\
A parameter that the type does not have (misspelt, in the wrong case, of another type, or the name of an \
element) is accepted when a policy is saved. Search, reads that miss the cache and updates then answer 400 \
for the whole type, even where another entry would allow them; references answer 404.",
    versions: "Every Medplum version. The reference semantics: such an entry grants nothing.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "a slip",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?birthDate=1990-06-15" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "a slip",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?birthdate=1990-06-15" }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "an element is no parameter",
  "resource": [{ "resourceType": "Communication", "criteria": "Communication?payload:missing=false" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "an element is no parameter",
  "resource": [{ "resourceType": "Communication", "criteria": "Communication?category:missing=false" }]
}"#,
        )
        .titled("the name of an element"),
    ],
    adopts: &[
        Adopts::all("criteria/unknown-parameter"),
        Adopts::at_its_findings("criteria/unsupported-parameter"),
    ],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        let kind = site.entry.resource_type.as_str();
        let code = site.filter.code();
        let written = site.criteria.parsed.resource_type.text.as_str();
        let place = site.criteria.at(site.filter.pair.param.span);
        if written != kind && spec().search_param(written, code).is_some() {
            // It is the type that is wrong, which has a rule of its own.
            report.answer(place);
            continue;
        }
        // Under another type, and for Binary and `_filter`, other rules say what happens.
        if !matches!(site.filter.subject, FilterSubject::Unknown)
            || site.criteria.parsed.resource_type.text != kind
            || spec().resource(kind).is_none()
            || kind == "Binary"
            || matches!(code, "" | "_filter")
        {
            continue;
        }
        let place = site.criteria.at(site.filter.pair.param.span);
        let draft = report.find(
            place,
            "unknown",
            format!(
                "`{code}` is no search parameter of {kind}: {}",
                effect(code)
            ),
        );
        if code.starts_with('_') {
            draft.help("every type has `_id`, `_lastUpdated`, `_tag`, `_security`, `_profile`, `_source` and `_compartment`");
            continue;
        }
        if let Some((start, sign, rest)) = comparison(code) {
            let written = site
                .filter
                .pair
                .value
                .map(|span| site.criteria.text.slice(span));
            let value = written.unwrap_or(rest);
            let (meant, fix) = match sign {
                // `status!=completed`: without its sign it would grant the opposite.
                "!" => (format!("{start}:not={value}"), format!("{start}:not")),
                sign if rest.is_empty() => {
                    let prefix = if sign == ">" { "ge" } else { "le" };
                    (format!("{start}={prefix}{value}"), String::new())
                }
                sign => {
                    let prefix = if sign == ">" { "gt" } else { "lt" };
                    (format!("{start}={prefix}{rest}"), String::new())
                }
            };
            let draft = draft.help(format!("write `{meant}`"));
            if !fix.is_empty() {
                draft.fix_text(place, fix);
            }
            continue;
        }
        let known = spec().search_params(kind).map(|param| &*param.code);
        // Without a near one the compiler's advice lists the parameters of the type.
        if let Some(near) = nearest(code, known) {
            draft
                .help(format!("did you mean `{near}`?"))
                .fix_text(place, near);
        }
    }
}

/// `status!` of `status!=x`, `sent>2024` of `sent>2024`, `sent>` of `sent>=2024`: what stands
/// before the sign, the sign, what follows it.
fn comparison(code: &str) -> Option<(&str, &str, &str)> {
    let at = code.find(['!', '<', '>'])?;
    let start = code.get(..at)?.trim_end();
    let sign = code.get(at..=at)?;
    let rest = code.get(at + 1..)?.trim();
    let fits = !start.is_empty() && (sign != "!" || rest.is_empty());
    fits.then_some((start, sign, rest))
}

fn effect(code: &str) -> &'static str {
    match code {
        "_project" => {
            "Medplum before 5.2 grants nothing in memory, and newer versions want a bare project id"
        }
        "_deleted" => "search on Medplum knows it, writes and references are denied",
        _ => "search, uncached reads and updates on Medplum answer 400",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found, repaired};

    #[rstest]
    #[case::unequal(
        "Task?status!=completed",
        "error: status!",
        Some("Task?status:not=completed")
    )]
    #[case::after("Task?authored-on>2024-01-01", "error: authored-on>2024-01-01", None)]
    #[case::at_least("Task?authored-on>=2024-01-01", "error: authored-on>", None)]
    #[case::slip("Patient?gendr=male", "error: gendr", Some("Patient?gender=male"))]
    #[case::case(
        "Communication?Sender=%profile",
        "error: Sender",
        Some("Communication?sender=%profile")
    )]
    #[case::nonsense("Patient?foo=bar", "error: foo", None)]
    #[case::full_text("Patient?_text=x", "error: _text", None)]
    #[case::prototype("Patient?constructor=x", "error: constructor", None)]
    fn d35(#[case] text: &str, #[case] expected: &str, #[case] fixed: Option<&str>) {
        let kind = text.split('?').next().unwrap();
        let json = criteria(kind, text);
        assert_eq!(found("L23", &json), [expected]);
        assert_eq!(
            repaired("L23", &json),
            fixed.map(|text| criteria(kind, text))
        );
    }

    #[test]
    fn advice_lists_what_there_is() {
        let json = criteria("Basic", "Basic?nonsense=1");
        let findings = crate::lint::testing::lint(&json, "");
        let help = findings[0].diagnostic.help.as_deref().unwrap();
        assert!(
            help.starts_with("the search parameters of Basic are author, code"),
            "{help}"
        );
    }

    #[rstest]
    #[case::known("Patient", "Patient?gender=male")]
    #[case::filter_is_another_rule("Patient", "Patient?_filter=gender eq male")]
    #[case::medplum_additions("Project", "Project?owner=User/1")]
    fn is_silent(#[case] kind: &str, #[case] text: &str) {
        assert!(found("L23", &criteria(kind, text)).is_empty());
    }
}
