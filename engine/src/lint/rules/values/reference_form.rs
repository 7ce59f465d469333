//! L27: references and ids in the wrong form. Source: policy-semantics 2.2, D1, D2, D22, D23.

use fhirward_spec::{Origin, ParamType, spec};

use crate::criteria::syntax::{Alternative, Piece};
use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule, Site};
use crate::source::Span;
use crate::values::reference;
use crate::words::nearest;

use super::placeholder_value;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L27",
    slug: "reference-form",
    category: Category::Values,
    level: Severity::Warning,
    summary: "a reference where an id belongs, or an id where a reference belongs",
    why: "\
`_id` wants an id; `_compartment` and references want `Type/id`. Servers compare references as texts in \
memory and by the id alone in the database, so a value of the other form is found by search and denied on \
every write and reference, or found by nobody; which of them differs between versions.

A variable is a whole reference: `%profile` is `Practitioner/123`, `%profile.id` is `123`, and \
`Organization/%organization` is `Organization/Organization/123` where the parameter is a reference.

The type must be one, and one that the parameter can hold: a reference to any other matches nothing, and \
with `:not` everything.",
    versions: "\
Every Medplum version for `_id`, doubled types and absolute URLs. A bare id in a reference is completed by \
search for `subject` and `patient`, since May 2026 for every parameter with one target type, and in memory \
from 5.2 for those. The reference semantics takes a bare id only where there is one target type.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "oneself",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?_id=%patient" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "oneself",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?_id=%patient.id" }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "one's tasks",
  "resource": [{ "resourceType": "Task", "criteria": "Task?owner=%profile.id" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "one's tasks",
  "resource": [{ "resourceType": "Task", "criteria": "Task?owner=%profile" }]
}"#,
        )
        .titled("an id for a reference"),
        Example::new(
            r##"{
  "resourceType": "AccessPolicy",
  "name": "what she wrote",
  "resource": [{ "resourceType": "Communication", "criteria": "Communication?sender=#author" }]
}"##,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "what she wrote",
  "resource": [{ "resourceType": "Communication", "criteria": "Communication?sender=Practitioner/author" }]
}"#,
        )
        .titled("what is inside another resource"),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "all but what the bot wrote",
  "resource": [{ "resourceType": "Communication", "criteria": "Communication?sender:not=Devise/bot" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "all but what the bot wrote",
  "resource": [{ "resourceType": "Communication", "criteria": "Communication?sender:not=Device/bot" }]
}"#,
        )
        .titled("a type that does not exist"),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "the type as a modifier",
  "resource": [{ "resourceType": "Observation", "criteria": "Observation?subject:Patient=%patient.id" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "the type as a modifier",
  "resource": [{ "resourceType": "Observation", "criteria": "Observation?subject=Patient/%patient.id" }]
}"#,
        )
        .titled("`:Type`"),
    ],
    adopts: &[
        Adopts::all("criteria/bare-id"),
        Adopts::at_its_findings("criteria/value"),
        Adopts::at_its_findings("criteria/modifier"),
    ],
    check,
};

const SEARCH_ONLY: &str = "search on Medplum finds it, writes and references are denied";

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        if site.filter.is_missing() {
            continue;
        }
        if site.filter.code() == "_id" {
            for alternative in &site.filter.pair.alternatives {
                in_id(&site, alternative, report);
            }
        } else if site.filter.param_type() == Some(ParamType::Reference) {
            // Other modifiers have a rule of their own.
            if with_type_modifier(&site, report)
                || !matches!(site.filter.modifier(), None | Some("not"))
            {
                continue;
            }
            for alternative in &site.filter.pair.alternatives {
                in_reference(context, &site, alternative, report);
            }
        }
    }
}

/// `_id=Patient/1`, `_id=%patient`.
fn in_id(site: &Site<'_>, alternative: &Alternative, report: &mut Report<'_>) {
    let place = site.criteria.at(alternative.span);
    match alternative.pieces.as_slice() {
        [Piece::Text(text)] if text.contains('/') => {
            let id = text.rsplit('/').next().unwrap_or_default();
            report
                .find(
                    place,
                    "a reference",
                    format!("`_id` is an id without a type: {SEARCH_ONLY}"),
                )
                .help(format!("write `{id}`"))
                .fix_text(place, id);
        }
        [Piece::Variable(variable)] if !variable.id && site.policy.is_reference(&variable.name) => {
            let name = &variable.name;
            report
                .find(
                    place,
                    "a reference, `Type/id`",
                    format!("`%{name}` is a reference and `_id` an id: {SEARCH_ONLY}"),
                )
                .help(format!("write `%{name}.id`"))
                .fix_text(place, format!("%{name}.id"));
        }
        _ => {}
    }
}

/// `subject:Patient=1`: true where there was such a modifier.
fn with_type_modifier(site: &Site<'_>, report: &mut Report<'_>) -> bool {
    let (Some(modifier), Some(span)) = (site.filter.modifier(), site.filter.modifier_span()) else {
        return false;
    };
    if spec().resource(modifier).is_none() {
        return false;
    }
    let code = site.filter.code();
    let value = site.criteria.text.slice(site.filter.value_span());
    let draft = report.find(
        site.criteria.at(span),
        "ignored",
        format!(
            "`:{modifier}` is ignored and a bare id compared: at most search on Medplum finds something"
        ),
    );
    if value.is_empty() || value.contains([',', '/']) {
        draft.help(format!(
            "write the type into each value: `{code}={modifier}/…`"
        ));
    } else {
        let whole = site.criteria.at(site.filter.pair.span);
        draft
            .help(format!("write `{code}={modifier}/{value}`"))
            .fix_text(whole, format!("{code}={modifier}/{value}"));
    }
    true
}

fn in_reference(
    context: &Context<'_>,
    site: &Site<'_>,
    alternative: &Alternative,
    report: &mut Report<'_>,
) {
    let place = site.criteria.at(alternative.span);
    let code = site.filter.code();
    let text = site.criteria.text.slice(alternative.span);
    if text.starts_with("identifier:") {
        report
            .find(
                place,
                "the server's own notation",
                format!("`{text}` matches, on writes and cached reads on Medplum, references that have only an identifier"),
            )
            .help("name the resource by its reference, `Type/id`");
        return;
    }
    match alternative.pieces.as_slice() {
        [Piece::Text(text)] => literal(context, site, text, alternative, report),
        // `Patient/%patient.id`
        [Piece::Text(text), Piece::Variable(variable)]
            if variable.id
                && text
                    .strip_suffix('/')
                    .is_some_and(|kind| !kind.contains('/')) =>
        {
            target_type(site, text.trim_end_matches('/'), alternative, report);
        }
        // `owner=%profile.id`
        [Piece::Variable(variable)] if variable.id => {
            let name = &variable.name;
            report
                .find(
                    place,
                    "an id without a type",
                    format!(
                        "`%{name}.id` is an id and `{code}` a reference: {}",
                        bare(context, site)
                    ),
                )
                .help(format!("write `%{name}`"))
                .fix_text(place, format!("%{name}"));
        }
        // `Organization/%organization`
        [Piece::Text(text), Piece::Variable(variable)]
            if !variable.id
                && text
                    .strip_suffix('/')
                    .is_some_and(|kind| spec().resource(kind).is_some())
                && site.policy.is_reference(&variable.name) =>
        {
            let name = &variable.name;
            report
                .find(
                    place,
                    "the type stands twice",
                    format!("`%{name}` is a whole reference, so this is `{text}{text}…`: writes and references on Medplum are denied"),
                )
                .help(format!("write `%{name}`, or `{text}%{name}.id`"))
                .fix_text(place, format!("%{name}"));
        }
        pieces => beside_text(site, pieces, alternative, report),
    }
}

/// `recipient='%profile'`, `sender=%profile,recipient=%profile`: text beside a variable that is a
/// whole reference by itself.
fn beside_text(
    site: &Site<'_>,
    pieces: &[Piece],
    alternative: &Alternative,
    report: &mut Report<'_>,
) {
    let written = site.criteria.text.slice(alternative.span);
    let whole = pieces.iter().find_map(|piece| match piece {
        Piece::Variable(variable) if !variable.id && site.policy.is_reference(&variable.name) => {
            Some(&variable.name)
        }
        _ => None,
    });
    // Another notation of a variable, and a sign between filters, are other rules' matters.
    let other = written.contains(['{', ';', '$', ' ', '?', '|']) || written.starts_with('=');
    let Some(name) = whole.filter(|_| pieces.len() > 1 && !other) else {
        return;
    };
    // A base URL before it.
    if matches!(pieces, [Piece::Text(before), Piece::Variable(_)] if before.ends_with('/')) {
        return;
    }
    let draft = report
        .find(
            site.criteria.at(alternative.span),
            "no reference",
            format!(
                "`%{name}` is a whole reference: with text beside it the value matches nothing"
            ),
        )
        .level(Severity::Error);
    if let Some((code, _)) = written.split_once('=') {
        draft.help(format!(
            "a comma separates values of `{}`: for `{code}` write an entry of its own",
            site.filter.code()
        ));
    } else {
        draft.help(format!("write `%{name}` alone"));
    }
}

fn literal(
    context: &Context<'_>,
    site: &Site<'_>,
    text: &str,
    alternative: &Alternative,
    report: &mut Report<'_>,
) {
    let place = site.criteria.at(alternative.span);
    let code = site.filter.code();
    let canonical = site
        .filter
        .param()
        .is_some_and(|param| param.program.data_types().contains(&"canonical"));
    if reference::local(text, context.base_url()).is_some() {
        if let Some((plain, _)) = text.split_once("/_history/") {
            report
                .find(
                    place,
                    "a version",
                    format!("Medplum compares references as texts: `{text}` matches only what names that version"),
                )
                .help(format!("write `{plain}`"))
                .fix_text(place, plain);
        } else if text.contains("://") {
            absolute(context, text, place, report);
        } else if let Some((kind, _)) = text.split_once('/') {
            target_type(site, kind, alternative, report);
        }
        return;
    }
    let written = site.criteria.text.slice(alternative.span);
    if canonical || text.is_empty() {
        return;
    }
    if placeholder_value::is_placeholder(text, true)
        || placeholder_value::meant(written, true).is_some()
    {
        // Advice about its form would be about a value that is not there yet.
        report.answer(place);
        return;
    }
    if text.contains('*') {
        report
            .find(
                place,
                "no wildcard",
                format!("`*` stands for itself: no reference is `{text}`"),
            )
            .level(Severity::Error)
            .help(format!(
                "for whatever has a `{code}` at all write `{code}:missing=false`"
            ));
        return;
    }
    if text.contains('#') {
        report
            .find(
                place,
                "inside a resource",
                format!("`{text}` is inside another resource: no filter on `{code}` finds it"),
            )
            .level(Severity::Error)
            .help("name a resource that stands by itself: `Type/id`");
    } else if text.contains("://") {
        absolute(context, text, place, report);
    } else if !text.contains('/') && !text.contains(':') {
        let targets = site.filter.param().map_or(0, |param| param.targets.len());
        report
            .find(
                place,
                "an id without a type",
                format!(
                    "`{text}` is an id and `{code}` a reference: {}",
                    bare(context, site)
                ),
            )
            .level(if targets == 1 || code == "_compartment" {
                Severity::Warning
            } else {
                Severity::Error
            });
    } else if let [id, kind, _, ..] = text.rsplit('/').collect::<Vec<_>>().as_slice()
        && spec().resource(kind).is_some()
    {
        report
            .find(
                place,
                "more than `Type/id`",
                format!("`{text}` is no reference: at most search on Medplum finds something, by the id alone"),
            )
            .level(Severity::Error)
            .help(format!("write `{kind}/{id}`"))
            .fix_text(place, format!("{kind}/{id}"));
    }
}

/// `sender=Practitoner/1`, `sender=Medication/1`: a type that does not exist, or that the parameter
/// cannot hold.
fn target_type(site: &Site<'_>, kind: &str, alternative: &Alternative, report: &mut Report<'_>) {
    let code = site.filter.code();
    let whole = alternative.span;
    // Escapes make it longer.
    let plain = site.criteria.text.slice(whole).starts_with(kind);
    let place = match plain {
        true => site
            .criteria
            .at(Span::new(whole.start, whole.start + kind.len())),
        false => site.criteria.at(whole),
    };
    let effect = if site.filter.is_negated() {
        "every resource matches"
    } else {
        "nothing matches"
    };
    let targets = site
        .filter
        .param()
        .map_or(&[][..], |param| &param.targets[..]);
    let known = spec().resource(kind);
    if known.is_none() {
        let draft = report.find(
            place,
            "no such type",
            format!("`{kind}` is no resource type: {effect}"),
        );
        let likely = targets.iter().map(|target| &**target);
        let near = nearest(kind, likely).or_else(|| nearest(kind, spec().resource_types()));
        match near {
            Some(near) if plain => draft
                .help(format!("did you mean `{near}`?"))
                .fix_text(place, near),
            Some(near) => draft.help(format!("did you mean `{near}`?")),
            None => draft.help(types_of(code, targets)),
        };
        return;
    }
    let fits = |target: &str| target == kind || target == "Resource";
    // Medplum adds types of its own to what an element refers to.
    if code == "_compartment"
        || targets.is_empty()
        || targets.iter().any(|target| fits(target))
        || known.is_some_and(|def| def.origin != Origin::R4)
    {
        return;
    }
    report
        .find(
            place,
            "not of this parameter",
            format!("`{code}` never refers to a `{kind}`: {effect}"),
        )
        .help(types_of(code, targets));
}

fn types_of(code: &str, targets: &[Box<str>]) -> String {
    match targets {
        [] => "a reference is `Type/id`".to_owned(),
        targets => format!("the types of `{code}` are {}", targets.join(", ")),
    }
}

fn absolute(
    context: &Context<'_>,
    text: &str,
    place: crate::lint::Place<'_>,
    report: &mut Report<'_>,
) {
    let draft = report.find(
        place,
        "an absolute URL",
        format!("Medplum compares references as texts: `{text}` matches no reference that is stored as `Type/id`"),
    );
    match reference::local(text, context.base_url()) {
        Some(local) if local != text => {
            draft.help(format!("write `{local}`"));
        }
        _ => {
            draft.help("write `Type/id` for a resource of this server");
        }
    }
}

/// What becomes of a bare id.
fn bare(context: &Context<'_>, site: &Site<'_>) -> String {
    if site.filter.code() == "_compartment" {
        return "a compartment of any type with that id will do".to_owned();
    }
    let completed = matches!(site.filter.code(), "subject" | "patient");
    let one_target = site
        .filter
        .param()
        .is_some_and(|param| param.targets.len() == 1);
    let memory = one_target && context.server().features().bare_ref_single_target;
    match (memory, completed || memory) {
        (true, _) => "Medplum before 5.1.10 denies what newer versions allow".to_owned(),
        (false, true) => format!("as `{}`, {SEARCH_ONLY}", "Patient/…"),
        (false, false) => "Medplum finds nothing with it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found, repaired};

    #[rstest]
    #[case::d1("Patient?_id=Patient/1", "warning: Patient/1", Some("Patient?_id=1"))]
    #[case::d1_variable(
        "Patient?_id=%patient",
        "warning: %patient",
        Some("Patient?_id=%patient.id")
    )]
    #[case::d2(
        "Patient?_compartment=Organization/Organization/1",
        "error: Organization/Organization/1",
        Some("Patient?_compartment=Organization/1")
    )]
    #[case::d22("Observation?patient=1", "error: 1", None)]
    #[case::d22_several_targets("Observation?subject=1", "error: 1", None)]
    #[case::d22_variable(
        "Observation?subject=%patient.id",
        "error: %patient.id",
        Some("Observation?subject=%patient")
    )]
    #[case::d23("Patient?organization=1", "warning: 1", None)]
    #[case::type_modifier(
        "Observation?subject:Patient=1",
        "error: :Patient",
        Some("Observation?subject=Patient/1")
    )]
    #[case::doubled_variable(
        "Patient?_compartment=Patient/%patient",
        "warning: Patient/%patient",
        Some("Patient?_compartment=%patient")
    )]
    #[case::bare_compartment("Patient?_compartment=1", "warning: 1", None)]
    #[case::version(
        "Task?owner=Practitioner/1/_history/2",
        "warning: Practitioner/1/_history/2",
        Some("Task?owner=Practitioner/1")
    )]
    #[case::wildcard("Task?owner=*", "error: *", None)]
    #[case::no_such_type(
        "Communication?sender=Practitoner/1",
        "warning: Practitoner",
        Some("Communication?sender=Practitioner/1")
    )]
    #[case::no_such_type_of_a_variable(
        "Observation?subject=Pateint/%patient.id",
        "warning: Pateint",
        Some("Observation?subject=Patient/%patient.id")
    )]
    #[case::no_such_type_of_a_compartment("Patient?_compartment=Foo/1", "warning: Foo", None)]
    #[case::type_of_another_parameter(
        "Communication?sender=Medication/1",
        "warning: Medication",
        None
    )]
    #[case::type_of_another_parameter_in_a_list(
        "Communication?sender=Practitioner/1,Medication/1",
        "warning: Medication",
        None
    )]
    #[case::quotes("Task?owner='%profile'", "error: '%profile'", None)]
    #[case::two_filters(
        "Task?owner=%profile,requester=%profile",
        "error: requester=%profile",
        None
    )]
    #[case::identifier("Task?owner=identifier:a|b", "warning: identifier:a|b", None)]
    #[case::absolute(
        "Patient?organization=https://x/fhir/R4/Organization/1",
        "warning: https://x/fhir/R4/Organization/1",
        None
    )]
    fn wrong_forms(#[case] text: &str, #[case] expected: &str, #[case] fixed: Option<&str>) {
        let kind = text.split('?').next().unwrap();
        let json = criteria(kind, text);
        assert_eq!(found("L27", &json), [expected]);
        assert_eq!(
            repaired("L27", &json),
            fixed.map(|text| criteria(kind, text))
        );
    }

    #[rstest]
    #[case::reference("Observation?subject=Patient/1")]
    #[case::any_type("Task?focus=Medication/1")]
    #[case::any_type_of_a_compartment("Patient?_compartment=Organization/1")]
    #[case::type_of_the_server("AuditEvent?agent=ClientApplication/1")]
    #[case::variable("Communication?sender=%profile")]
    #[case::id("Patient?_id=%patient.id")]
    #[case::composed("Patient?_compartment=Patient/%patient.id")]
    #[case::unknown_variable("Patient?_compartment=Organization/%organization")]
    #[case::parameter_of_unknown_form("Organization?_id=%organization")]
    #[case::placeholder_is_another_rule("Task?owner={{profile}}")]
    #[case::base_url("Task?owner=https://x/fhir/R4/%profile")]
    #[case::canonical("Task?instantiates-canonical=http://x/plan")]
    #[case::missing("Patient?organization:missing=true")]
    fn right_forms(#[case] text: &str) {
        let kind = text.split('?').next().unwrap();
        assert!(found("L27", &criteria(kind, text)).is_empty());
    }

    /// With `:not` the entry grants everything, which must be said.
    #[rstest]
    #[case::no_type(
        "Communication?sender:not=Practitoner/1",
        "`Practitoner` is no resource type: every resource matches"
    )]
    #[case::other_type(
        "Communication?sender:not=Medication/1",
        "`sender` never refers to a `Medication`: every resource matches"
    )]
    fn without_effect_under_not(#[case] text: &str, #[case] message: &str) {
        let found = crate::lint::testing::lint(&criteria("Communication", text), "");
        let messages: Vec<_> = found
            .iter()
            .filter(|finding| finding.id() == "L27")
            .map(|finding| finding.diagnostic.message.as_str())
            .collect();
        assert_eq!(messages, [message]);
    }

    #[test]
    fn a_parameter_is_what_memberships_make_it() {
        let json = r#"[
          {"resourceType": "AccessPolicy", "id": "p", "resource": [
            {"resourceType": "Organization", "criteria": "Organization?_id=%organization"}]},
          {"resourceType": "ProjectMembership", "profile": {"reference": "Practitioner/1"}, "access": [
            {"policy": {"reference": "AccessPolicy/p"}, "parameter": [
              {"name": "organization", "valueReference": {"reference": "Organization/1"}}]}]}
        ]"#;
        assert_eq!(found("L27", json), ["warning: %organization"]);
    }
}
