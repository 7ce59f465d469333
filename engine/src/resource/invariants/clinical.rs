//! Invariants of clinical resources.

use serde_json::Value;

use super::{
    Invariant, Object, any, chosen, count, has, has_coding, in_order, is, number, objects, text,
};

const ALLERGY_VERIFICATION: &str =
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
const CONDITION_CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
const CONDITION_VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";

pub(super) const INVARIANTS: &[Invariant] = &[
    Invariant::new(
        "AllergyIntolerance",
        "ait-1",
        "an allergy has a `clinicalStatus` unless it is entered in error",
        |o| allergy_in_error(o) || has(o, "clinicalStatus"),
    ),
    Invariant::new(
        "AllergyIntolerance",
        "ait-2",
        "an allergy that is entered in error has no `clinicalStatus`",
        |o| !allergy_in_error(o) || !has(o, "clinicalStatus"),
    ),
    Invariant::new(
        "Condition",
        "con-4",
        "a condition with an abatement is inactive, resolved or in remission",
        |o| {
            let over = ["resolved", "remission", "inactive"];
            !chosen(o, "abatement") || has_coding(o, "clinicalStatus", CONDITION_CLINICAL, &over)
        },
    ),
    Invariant::new(
        "Condition",
        "con-5",
        "a condition that is entered in error has no `clinicalStatus`",
        |o| {
            let in_error = ["entered-in-error"];
            !has_coding(o, "verificationStatus", CONDITION_VERIFICATION, &in_error)
                || !has(o, "clinicalStatus")
        },
    ),
    Invariant::new(
        "Condition.stage",
        "con-1",
        "a stage needs a `summary` or an `assessment`",
        |o| any(o, &["summary", "assessment"]),
    ),
    Invariant::new(
        "Condition.evidence",
        "con-2",
        "evidence needs a `code` or a `detail`",
        |o| any(o, &["code", "detail"]),
    ),
    Invariant::new(
        "FamilyMemberHistory",
        "fhs-1",
        "either `age[x]` or `born[x]`, not both",
        |o| !(chosen(o, "age") && chosen(o, "born")),
    ),
    Invariant::new(
        "FamilyMemberHistory",
        "fhs-2",
        "`estimatedAge` needs `age[x]`",
        |o| !has(o, "estimatedAge") || chosen(o, "age"),
    ),
    Invariant::new(
        "Goal.target",
        "gol-1",
        "`detail[x]` needs a `measure`",
        |o| !chosen(o, "detail") || has(o, "measure"),
    ),
    Invariant::new(
        "Immunization.education",
        "imm-1",
        "education needs a `documentType` or a `reference`",
        |o| any(o, &["documentType", "reference"]),
    ),
    Invariant::new(
        "ImmunizationRecommendation.recommendation",
        "imr-1",
        "a recommendation needs a `vaccineCode` or a `targetDisease`",
        |o| any(o, &["vaccineCode", "targetDisease"]),
    ),
    Invariant::new(
        "MedicationAdministration.dosage",
        "mad-1",
        "a dosage needs a `dose` or a `rate[x]`",
        |o| has(o, "dose") || chosen(o, "rate"),
    ),
    Invariant::new(
        "MedicationDispense",
        "mdd-1",
        "`whenHandedOver` must not be before `whenPrepared`",
        |o| in_order(o, "whenPrepared", "whenHandedOver"),
    ),
    Invariant::new(
        "MolecularSequence",
        "msq-3",
        "`coordinateSystem` is 0 or 1",
        |o| number(o, "coordinateSystem").is_none_or(|n| n == 0.0 || n == 1.0),
    ),
    Invariant::new(
        "MolecularSequence.referenceSeq",
        "msq-5",
        "`chromosome` and `genomeBuild` come together",
        |o| has(o, "chromosome") == has(o, "genomeBuild"),
    ),
    Invariant::new(
        "MolecularSequence.referenceSeq",
        "msq-6",
        "one of `genomeBuild`, `referenceSeqId`, `referenceSeqPointer` and `referenceSeqString`",
        |o| {
            let ways = [
                "genomeBuild",
                "referenceSeqId",
                "referenceSeqPointer",
                "referenceSeqString",
            ];
            count(o, &ways) == 1
        },
    ),
    Invariant::new(
        "Observation",
        "obs-6",
        "an observation with a value has no `dataAbsentReason`",
        |o| !(has(o, "dataAbsentReason") && chosen(o, "value")),
    ),
    Invariant::new(
        "Observation",
        "obs-7",
        "an observation with a value has no component of the same code",
        |o| !chosen(o, "value") || !has_own_code_in_component(o),
    ),
    Invariant::new(
        "Observation.referenceRange",
        "obs-3",
        "a reference range needs `low`, `high` or `text`",
        |o| any(o, &["low", "high", "text"]),
    ),
    Invariant::new(
        "RiskAssessment.prediction",
        "ras-2",
        "a probability is at most 100",
        |o| number(o, "probabilityDecimal").is_none_or(|n| n <= 100.0),
    ),
    Invariant::new(
        "MeasureReport",
        "mrp-1",
        "a report of data collection has no groups",
        |o| !is(o, "type", "data-collection") || !has(o, "group"),
    ),
];

fn allergy_in_error(object: &Object) -> bool {
    let in_error = ["entered-in-error"];
    has_coding(
        object,
        "verificationStatus",
        ALLERGY_VERIFICATION,
        &in_error,
    )
}

fn has_own_code_in_component(object: &Object) -> bool {
    let codings = |o: &Object| -> Vec<(Option<String>, String)> {
        let Some(Value::Object(code)) = o.get("code") else {
            return Vec::new();
        };
        objects(code, "coding")
            .filter_map(|c| {
                let system = text(c, "system").map(str::to_owned);
                Some((system, text(c, "code")?.to_owned()))
            })
            .collect()
    };
    if !has(object, "component") {
        return false;
    }
    let own = codings(object);
    objects(object, "component")
        .flat_map(codings)
        .any(|coding| own.contains(&coding))
}

#[cfg(test)]
mod tests {
    use super::has_own_code_in_component;
    use serde_json::json;

    #[test]
    fn the_code_of_a_component() {
        let same = json!({"code": {"coding": [{"system": "s", "code": "a"}]},
            "component": [{"code": {"coding": [{"system": "s", "code": "a"}]}}]});
        let other = json!({"code": {"coding": [{"system": "s", "code": "a"}]},
            "component": [{"code": {"coding": [{"system": "t", "code": "a"}]}}]});
        assert!(has_own_code_in_component(same.as_object().unwrap()));
        assert!(!has_own_code_in_component(other.as_object().unwrap()));
    }
}
