//! The conversations of Medplum's messaging documentation, under the rules: the documented flows
//! pass, and what the documentation says in two ways is found.

use std::sync::Arc;

use fhirward_engine::policy::{
    Access, Membership, Options, Parameter, ParameterValue, Policy, PolicyDocument, assemble,
};
use fhirward_engine::resource;
use fhirward_engine::thread::{Actor, ThreadIndex, check, check_with_policies};
use rstest::rstest;
use serde_json::{Value, json};

fn reference(text: &str) -> Value {
    json!({ "reference": text })
}

fn references(texts: &[&str]) -> Value {
    texts.iter().map(|text| reference(text)).collect()
}

/// With other members; `null` takes one away.
fn with(mut resource: Value, changes: Value) -> Value {
    assert!(resource.is_object() && changes.is_object());
    let (Value::Object(members), Value::Object(changes)) = (&mut resource, changes) else {
        return Value::Null;
    };
    for (name, value) in changes {
        if value.is_null() {
            members.shift_remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    resource
}

fn version(n: u8, minute: u8) -> Value {
    json!({ "versionId": n.to_string(), "lastUpdated": format!("2024-04-10T12:{minute:02}:00Z") })
}

/// Alice opens a thread with Homer.
fn header() -> Value {
    json!({
        "resourceType": "Communication", "id": "h", "status": "in-progress",
        "topic": { "text": "Knee" }, "subject": reference("Patient/homer"),
        "sender": reference("Practitioner/alice"),
        "recipient": references(&["Patient/homer", "Practitioner/alice"]),
        "sent": "2024-04-10T09:00:00Z",
    })
}

fn message(id: &str, from: &str, to: &[&str], sent: &str) -> Value {
    json!({
        "resourceType": "Communication", "id": id, "status": "in-progress",
        "partOf": [reference("Communication/h")], "sender": reference(from),
        "recipient": references(to), "payload": [{ "contentString": "Hello" }], "sent": sent,
    })
}

fn first() -> Value {
    message(
        "m1",
        "Practitioner/alice",
        &["Patient/homer"],
        "2024-04-10T10:00:00Z",
    )
}

fn second() -> Value {
    message(
        "m2",
        "Patient/homer",
        &["Practitioner/alice"],
        "2024-04-10T10:05:00Z",
    )
}

/// Alice, House and Jackie talk about Homer.
fn group() -> Value {
    with(
        header(),
        json!({ "recipient": references(&["Practitioner/alice", "Practitioner/house", "Practitioner/jackie"]) }),
    )
}

fn to_group() -> Value {
    message(
        "m1",
        "Practitioner/alice",
        &["Practitioner/house", "Practitioner/jackie"],
        "2024-04-10T10:00:00Z",
    )
}

fn task() -> Value {
    json!({
        "resourceType": "Task", "id": "t", "status": "requested", "intent": "order", "priority": "routine",
        "focus": reference("Communication/h"), "for": reference("Patient/homer"),
        "requester": reference("Practitioner/alice"), "authoredOn": "2024-04-10T10:01:00Z",
        "performerType": [{ "coding": [{ "system": "http://snomed.info/sct", "code": "224535009" }] }],
    })
}

fn coded(code: &str) -> Value {
    json!({ "code": { "coding": [{ "system": "https://medplum.com/task-codes", "code": code }] }, "performerType": null })
}

fn sms() -> Value {
    json!([{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "code": "SMSWRIT" }] }])
}

fn identifier(system: &str, value: &str) -> Value {
    json!([{ "system": system, "value": value }])
}

fn session() -> Value {
    json!({
        "resourceType": "Encounter", "id": "e", "status": "in-progress",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR" },
        "subject": reference("Patient/homer"),
        "participant": [{ "individual": reference("Practitioner/alice") }],
    })
}

fn read_state(who: &str, last: Option<&str>) -> Value {
    let mut parts = vec![json!({ "url": "participant", "valueReference": reference(who) })];
    parts.extend(last.map(|last| json!({ "url": "lastRead", "valueReference": reference(last) })));
    json!({ "url": "https://medplum.com/fhir/StructureDefinition/thread-read-state", "extension": parts })
}

fn attachment(url: &str) -> Value {
    json!([{ "contentString": "Your report" }, { "contentAttachment": {
        "contentType": "application/pdf", "url": url, "title": "lab-report.pdf" } }])
}

fn correction(changes: Value) -> Value {
    let correction = json!({
        "inResponseTo": [reference("Communication/m1")], "topic": { "text": "Knee" },
        "subject": reference("Patient/homer"),
        "category": [{ "coding": [{ "system": "https://medplum.com/CodeSystem/communication-category", "code": "correction" }] }],
    });
    let new = message(
        "c",
        "Practitioner/alice",
        &["Patient/homer"],
        "2024-04-10T10:20:00Z",
    );
    with(with(new, correction), changes)
}

fn retracted() -> Value {
    with(
        first(),
        json!({ "status": "entered-in-error", "topic": { "text": "Knee" }, "subject": reference("Patient/homer") }),
    )
}

/// The ids of the rules that are broken, in the order of the resources.
fn broken(resources: &[Value]) -> Vec<&'static str> {
    let resources: Vec<&Value> = resources.iter().collect();
    check(&resources)
        .into_iter()
        .map(|finding| finding.rule)
        .collect()
}

#[rstest]
#[case::creating_your_first_thread(vec![header(), first(), second(),
    with(message("m3", "Practitioner/alice", &["Patient/homer"], "2024-04-10T10:15:00Z"),
        json!({"inResponseTo": [reference("Communication/m2")]}))])]
#[case::close_thread(vec![with(header(), json!({"status": "completed", "meta": version(2, 30)})),
    with(header(), json!({"meta": version(1, 0)})), first(), second()])]
#[case::thread_created_by_mistake(vec![with(header(), json!({"status": "entered-in-error", "meta": version(2, 30)})),
    with(header(), json!({"meta": version(1, 0)})), first()])]
#[case::create_group_thread(vec![group(), to_group()])]
#[case::add_participant(vec![
    with(group(), json!({"meta": version(2, 30), "recipient": references(&["Practitioner/alice", "Practitioner/house", "Practitioner/jackie", "Practitioner/wilson"])})),
    with(group(), json!({"meta": {"versionId": "1", "lastUpdated": "2024-04-10T09:00:00Z"}})), to_group()])]
#[case::remove_participant(vec![
    with(group(), json!({"meta": version(2, 30), "recipient": references(&["Practitioner/alice", "Practitioner/house"])})),
    with(group(), json!({"meta": {"versionId": "1", "lastUpdated": "2024-04-10T09:00:00Z"}})), to_group(),
    message("m2", "Practitioner/alice", &["Practitioner/house"], "2024-04-10T13:00:00Z")])]
#[case::model_grouped_thread(vec![
    with(header(), json!({"recipient": references(&["Practitioner/alice", "Practitioner/house"])})),
    with(message("m1", "Practitioner/alice", &["Practitioner/house"], "2024-04-10T10:00:00Z"), json!({"topic": {"text": "Knee"}})),
    with(message("m2", "Practitioner/house", &["Practitioner/alice"], "2024-04-10T10:05:00Z"),
        json!({"topic": {"text": "Knee"}, "inResponseTo": [reference("Communication/m1")]})),
    with(message("m3", "Practitioner/alice", &["Practitioner/house"], "2024-04-10T10:10:00Z"),
        json!({"topic": {"text": "Knee"}, "inResponseTo": [reference("Communication/m2")]}))])]
#[case::tag_thread_multi_category({
    let tags = json!({"category": [
        {"coding": [{"system": "http://snomed.info/sct", "code": "158965000"}]},
        {"coding": [{"system": "http://snomed.info/sct", "code": "394583002"}]}]});
    vec![with(header(), tags.clone()), with(first(), tags)]
})]
#[case::message_with_text_and_attachment(vec![header(), with(first(), json!({"payload": attachment("Binary/b")})),
    json!({"resourceType": "Binary", "id": "b", "contentType": "application/pdf", "securityContext": reference("Patient/homer")})])]
#[case::attach_document_reference(vec![header(),
    with(first(), json!({"payload": [{"contentReference": reference("DocumentReference/d")}]}))])]
#[case::post_correction(vec![header(), retracted(), correction(json!({}))])]
#[case::create_server_draft(vec![header(),
    with(message("d", "Practitioner/alice", &[], ""), json!({"status": "preparation", "recipient": null, "sent": null}))])]
#[case::promote_draft(vec![header(),
    with(first(), json!({"meta": version(2, 30), "topic": {"text": "Knee"}, "subject": reference("Patient/homer")})),
    with(first(), json!({"meta": version(1, 0), "status": "preparation", "recipient": null, "sent": null}))])]
#[case::create_pool_task(vec![header(), first(), task()])]
#[case::create_direct_task(vec![header(), with(task(), json!({"owner": reference("Practitioner/alice"), "performerType": null}))])]
#[case::claim_task(vec![
    with(header(), json!({"recipient": references(&["Patient/homer", "Practitioner/alice", "Practitioner/house"])})),
    with(task(), json!({"meta": version(2, 30), "status": "accepted", "owner": reference("Practitioner/house")})),
    with(task(), json!({"meta": version(1, 0)}))])]
#[case::complete_task_with_output(vec![header(), first(), second(),
    with(task(), json!({"status": "completed", "owner": reference("Practitioner/alice"),
        "output": [{"type": {"text": "response"}, "valueReference": reference("Communication/m1")}]}))])]
#[case::reroute_to_provider(vec![
    with(header(), json!({"meta": version(2, 40), "recipient": references(&["Practitioner/cardio"])})), first(), second(),
    with(task(), json!({"status": "accepted", "owner": reference("Practitioner/cardio"), "performerType": null}))])]
#[case::reroute_to_pool(vec![
    with(header(), json!({"meta": version(2, 40), "recipient": null})), first(), second(), task()])]
#[case::reroute_dual_task(vec![
    with(header(), json!({"meta": version(2, 40), "recipient": references(&["Practitioner/cardio"])})),
    with(task(), json!({"status": "cancelled", "owner": reference("Practitioner/house"),
        "note": [{"text": "see the new one", "time": "2024-04-10T12:30:00Z"}]})),
    with(task(), json!({"id": "t2", "owner": reference("Practitioner/cardio"), "performerType": null}))])]
#[case::mark_read_simple(vec![header(), with(first(), json!({"status": "completed", "received": "2024-04-10T10:02:00Z"}))])]
#[case::header_read_state(vec![
    with(group(), json!({"extension": [read_state("Practitioner/house", Some("Communication/m1")), read_state("Practitioner/jackie", None)]})),
    to_group()])]
#[case::read_receipts(vec![group(), to_group(),
    with(with(task(), coded("read-receipt")), json!({"id": "r1", "owner": reference("Practitioner/house")})),
    with(with(task(), coded("read-receipt")), json!({"id": "r2", "owner": reference("Practitioner/jackie"), "status": "completed"}))])]
#[case::stale_thread_reminders(vec![header(), first(),
    with(with(task(), coded("respond-to-old-message")), json!({"priority": "urgent"}))])]
#[case::link_thread_to_encounter(vec![with(header(), json!({"encounter": reference("Encounter/e")})), first(), session()])]
#[case::multi_patient_session({
    let inner = |id: &str, patient: &str| with(session(), json!({
        "id": id, "subject": reference(patient), "partOf": reference("Encounter/e"),
        "type": [{"coding": [{"system": "https://medplum.com/fhir/CodeSystem/encounter-type", "code": "medical-encounter"}]}],
        "reasonCode": [{"coding": [{"system": "http://snomed.info/sct", "code": "38341003"}]}]}));
    vec![with(header(), json!({"encounter": reference("Encounter/e")})), first(),
        with(session(), json!({"subject": null})), inner("i1", "Patient/homer"), inner("i2", "Patient/bart")]
})]
#[case::round_trip_reply(vec![
    with(header(), json!({"identifier": identifier("https://twilio.com", "CH1"), "medium": sms()})),
    with(second(), json!({"identifier": identifier("http://example.com/sms-webhook-message", "1"), "medium": sms()})),
    with(message("m3", "Practitioner/alice", &["Patient/homer"], "2024-04-10T10:15:00Z"),
        json!({"identifier": identifier("http://example.com/app-composed-message", "1")}))])]
fn a_documented_flow_passes(#[case] resources: Vec<Value>) {
    assert_eq!(broken(&resources), Vec::<&str>::new());
    let structure: Vec<_> = resources.iter().flat_map(resource::validate).collect();
    assert_eq!(structure, []);
}

fn policy(profile: &str, criteria: &[&str]) -> Policy {
    let entries: Vec<Value> = criteria
        .iter()
        .map(|text| json!({"resourceType": "Communication", "criteria": text}))
        .collect();
    let (document, findings) = PolicyDocument::from_value(
        &json!({"resourceType": "AccessPolicy", "id": "p", "resource": entries}),
    );
    assert_eq!(findings, []);
    let document = Arc::new(document);
    let mut member = Membership::of(profile, &[]);
    member.access.push(Access {
        policy: "AccessPolicy/p".to_owned(),
        parameters: vec![Parameter {
            name: "patient".to_owned(),
            value: ParameterValue::Reference("Patient/homer".to_owned()),
        }],
    });
    assemble(&member, &|_| Some(document.clone()), &Options::default()).policy
}

fn broken_for(policy: &Policy, resources: &[Value]) -> Vec<&'static str> {
    let resources: Vec<&Value> = resources.iter().collect();
    let found = check_with_policies(&resources, &[Actor::of(policy)]);
    found.into_iter().map(|finding| finding.rule).collect()
}

const PARTICIPANT: [&str; 2] = [
    "Communication?recipient=%profile",
    "Communication?sender=%profile",
];

/// 1: one page calls `Task.code` required; R4 and the routing page's own Task do without.
#[test]
fn contradiction_01_a_task_needs_no_code() {
    assert_eq!(broken(&[header(), task()]), Vec::<&str>::new());
}

/// 9: inbound messages have no recipient, and new headers neither sender nor recipients.
#[test]
fn contradiction_09_inbound_messages_are_invisible_to_clinicians() {
    let inbound = with(
        second(),
        json!({"recipient": null, "medium": sms(), "identifier": identifier("http://example.com/sms-webhook-message", "1")}),
    );
    let bare = with(
        header(),
        json!({"sender": null, "recipient": null, "sent": null}),
    );
    assert_eq!(broken(&[header(), inbound.clone()]), ["M-04"]);
    assert_eq!(
        broken(&[bare.clone(), inbound.clone()]),
        ["H-09", "H-10", "M-04"]
    );
    let alice = policy("Practitioner/alice", &PARTICIPANT);
    assert!(!Actor::of(&alice).reads(&inbound));
}

/// 11 and 18: a conditional reference that was stored as it was written.
#[test]
fn contradiction_18_a_conditional_reference_is_not_stored() {
    let stored = with(
        second(),
        json!({"sender": reference("Patient?phone=+15551234567")}),
    );
    let found = check(&[&header(), &stored]);
    let [finding] = found.as_slice() else {
        panic!("{found:#?}")
    };
    assert_eq!(
        (finding.rule, &*finding.pointer),
        ("M-25", "/sender/reference")
    );
    assert!(!finding.message.contains("555"), "{finding:#?}");
}

/// 13: a reroute leaves the new provider alone in the recipients, against the rule of the full list;
/// without the Task, or once it is completed, the full list is asked for again.
#[test]
fn contradiction_13_a_reroute_drops_the_participants() {
    let rerouted = with(
        header(),
        json!({"meta": version(2, 40), "recipient": references(&["Practitioner/cardio"])}),
    );
    let owned = with(
        task(),
        json!({"status": "accepted", "owner": reference("Practitioner/cardio")}),
    );
    assert_eq!(broken(&[rerouted.clone(), owned]), Vec::<&str>::new());
    assert_eq!(broken(&[rerouted.clone(), task()]), ["H-10"]);
    assert_eq!(broken(&[rerouted]), ["H-10"]);
}

/// 13: and if nobody puts the new owner into the header, they do not see what they shall answer.
#[test]
fn contradiction_13_a_claimed_thread_without_its_owner() {
    let pool = with(header(), json!({"meta": version(2, 40), "recipient": null}));
    let claimed = with(
        task(),
        json!({"status": "accepted", "owner": reference("Practitioner/house")}),
    );
    assert_eq!(broken(&[pool, claimed]), ["H-24"]);
}

/// 14: receipts are about the header, so two of one reader are two messages or a mistake, and nothing
/// tells which.
#[test]
fn contradiction_14_receipts_do_not_say_which_message() {
    let receipt = |id: &str| {
        let owner = json!({"id": id, "owner": reference("Practitioner/house")});
        with(with(task(), coded("read-receipt")), owner)
    };
    assert_eq!(
        broken(&[group(), to_group(), receipt("r1"), receipt("r2")]),
        Vec::<&str>::new()
    );
    let of_message = with(
        receipt("r3"),
        json!({"focus": reference("Communication/m1")}),
    );
    assert_eq!(broken(&[group(), to_group(), of_message]), ["T-01"]);
}

/// 15: a draft with its recipients filled in is readable by them.
#[test]
fn contradiction_15_drafts_leak_to_their_recipients() {
    let draft = with(first(), json!({"status": "preparation", "sent": null}));
    let homer = policy("Patient/homer", &PARTICIPANT);
    assert_eq!(broken_for(&homer, &[header(), draft.clone()]), ["M-10"]);
    let alice = policy("Practitioner/alice", &PARTICIPANT);
    assert_eq!(broken_for(&alice, &[header(), draft]), Vec::<&str>::new());
}

/// 16: the patient template shows a patient the threads of clinicians about them.
#[test]
fn contradiction_16_a_patient_reads_threads_of_clinicians() {
    let homer = policy("Patient/homer", &["Communication?_compartment=%patient"]);
    assert_eq!(broken_for(&homer, &[group(), to_group()]), ["A-01"]);
    let participant = policy("Patient/homer", &PARTICIPANT);
    assert_eq!(
        broken_for(&participant, &[group(), to_group()]),
        Vec::<&str>::new()
    );
}

/// 19: the grouped example has resources inside references and no status.
#[test]
fn contradiction_19_the_grouped_example_is_not_valid() {
    let example = json!({
        "resourceType": "Communication", "id": "m1",
        "partOf": [{"resource": {"resourceType": "Communication", "id": "h"}}],
        "sender": reference("Practitioner/alice"), "recipient": references(&["Practitioner/house"]),
        "payload": [{"contentString": "Hello"}], "sent": "2024-04-10T10:00:00Z",
    });
    assert_eq!(broken(std::slice::from_ref(&example)), ["M-06"]);
    let codes: Vec<&str> = resource::validate(&example)
        .iter()
        .map(|f| f.code)
        .collect();
    assert_eq!(codes, ["unknown-element", "missing-element"]);
}

/// 27: older pages want the topic on every message and take one policy entry with both conditions.
#[test]
fn contradiction_27_older_pages() {
    assert_eq!(broken(&[header(), first()]), Vec::<&str>::new());
    let both = policy(
        "Patient/homer",
        &["Communication?recipient=%profile&sender=%profile"],
    );
    assert_eq!(broken_for(&both, &[header(), first()]), ["A-01", "A-02"]);
}

/// The removed participant reads on, and is found by their policy.
#[test]
fn residual_access_is_found() {
    let without_jackie = with(
        group(),
        json!({"meta": version(2, 30), "recipient": references(&["Practitioner/alice", "Practitioner/house"])}),
    );
    let jackie = policy("Practitioner/jackie", &PARTICIPANT);
    assert_eq!(broken_for(&jackie, &[without_jackie, to_group()]), ["A-04"]);
}

#[rstest]
#[case::to_the_wrong_list(vec![group(), message("m1", "Practitioner/alice", &["Practitioner/house"], "2024-04-10T10:00:00Z")], &["M-05"])]
#[case::the_list_of_that_time_counts(vec![
    with(group(), json!({"meta": version(2, 30), "recipient": references(&["Practitioner/alice", "Practitioner/house"])})),
    with(group(), json!({"meta": {"versionId": "1", "lastUpdated": "2024-04-10T09:00:00Z"}})),
    message("m2", "Practitioner/alice", &["Practitioner/house", "Practitioner/jackie"], "2024-04-10T13:00:00Z")], &["M-05"])]
#[case::an_unknown_list_does_not_count(vec![
    with(group(), json!({"meta": version(2, 30)})),
    message("m1", "Practitioner/alice", &["Practitioner/house"], "2024-04-10T10:00:00Z")], &[])]
#[case::senders_are_named_once(vec![header(),
    message("m1", "Practitioner/house", &["Patient/homer", "Practitioner/alice"], "2024-04-10T10:00:00Z"),
    message("m2", "Practitioner/house", &["Patient/homer", "Practitioner/alice"], "2024-04-10T10:01:00Z")], &["H-10"])]
#[case::a_reply_to_a_later_message(vec![header(), first(),
    with(message("m0", "Patient/homer", &["Practitioner/alice"], "2024-04-10T11:59:00+02:00"),
        json!({"inResponseTo": [reference("Communication/m1")]}))], &["M-15"])]
#[case::a_reply_to_the_header(vec![header(), with(second(), json!({"inResponseTo": [reference("Communication/h")]}))], &["M-15"])]
#[case::one_moment(vec![header(), first(), with(second(), json!({"sent": "2024-04-10T12:00:00+02:00"}))], &["M-16"])]
#[case::a_correction_in_another_thread(vec![retracted(), correction(json!({"partOf": [reference("Communication/other")]}))], &["C-04"])]
#[case::a_reason_by_provenance(vec![
    with(header(), json!({"meta": version(2, 40), "recipient": references(&["Practitioner/cardio"])})),
    with(task(), json!({"meta": version(2, 30), "status": "accepted", "owner": reference("Practitioner/cardio"), "performerType": null})),
    with(task(), json!({"meta": version(1, 0), "status": "accepted", "owner": reference("Practitioner/house")})),
    json!({"resourceType": "Provenance", "id": "p", "target": [reference("Task/t")]})], &[])]
#[case::back_in_the_pool_with_recipients(vec![header(),
    with(task(), json!({"meta": version(2, 30), "note": [{"text": "auto", "time": "2024-04-10T12:30:00Z"}]})),
    with(task(), json!({"meta": version(1, 0), "status": "accepted", "owner": reference("Practitioner/house")}))], &["H-24"])]
#[case::a_thread_linked_to_a_patients_encounter(vec![
    with(header(), json!({"encounter": reference("Encounter/e")})),
    with(session(), json!({"partOf": reference("Encounter/s")}))], &["E-04"])]
#[case::inline_and_undescribed(vec![header(), with(first(), json!({"payload": [{"contentAttachment": {"data": "aGk="}}]}))], &["M-18", "M-18", "M-19"])]
fn a_case(#[case] resources: Vec<Value>, #[case] expected: &[&str]) {
    assert_eq!(broken(&resources), expected);
}

#[test]
fn what_a_history_deleted_is_found() {
    let with_attachment = with(first(), json!({"payload": attachment("Binary/b")}));
    let mut index = ThreadIndex::new();
    let resources = [header(), with_attachment, second()];
    for resource in &resources {
        index.add(resource);
    }
    index.delete("Binary/b");
    index.delete("Communication/m2");
    let threads = index.seal();
    let found: Vec<_> = (0..)
        .zip(&resources)
        .flat_map(|(number, resource)| threads.check(number, resource, &[]))
        .map(|finding| (finding.rule, finding.resource))
        .collect();
    assert_eq!(found, [("M-20", 1), ("C-02", 2)]);
}

#[test]
fn threads_are_found_in_any_order_with_parts_missing() {
    let resources = [
        second(),
        with(
            first(),
            json!({"id": "lost", "partOf": [reference("Communication/elsewhere")]}),
        ),
        with(first(), json!({"id": "alone", "partOf": null})),
        json!({"resourceType": "Patient", "id": "homer"}),
        first(),
        json!({"resourceType": "Nonsense"}),
        json!(null),
        task(),
        header(),
    ];
    let mut index = ThreadIndex::new();
    for resource in &resources {
        index.add(resource);
    }
    let threads = index.seal();
    assert_eq!(threads.headers().collect::<Vec<_>>(), [8]);
    assert_eq!(threads.messages_of(8), [4, 0]);
    assert_eq!(threads.orphans().collect::<Vec<_>>(), [1]);
    assert_eq!(threads.standalone().collect::<Vec<_>>(), [2]);
    for number in [0, 4, 7, 8] {
        assert_eq!(
            threads.thread_of(number).as_deref(),
            Some("Communication/h")
        );
    }
    assert_eq!(threads.thread_of(3), None);
    let summary = threads.summary();
    assert_eq!(
        (
            summary.threads,
            summary.messages,
            summary.orphans,
            summary.standalone
        ),
        (1, 2, 1, 1)
    );
}

#[test]
fn versions_are_told_from_duplicates() {
    let old = with(
        header(),
        json!({"status": "completed", "meta": version(1, 0)}),
    );
    let new = with(header(), json!({"meta": version(2, 30)}));
    let same = with(first(), json!({"sent": "2024-04-10T10:01:00Z"}));
    let mut index = ThreadIndex::new();
    for resource in [&new, &old, &first(), &same] {
        index.add(resource);
    }
    let threads = index.seal();
    assert_eq!(threads.find("Communication/h"), Some(0));
    assert_eq!(
        (threads.duplicate_of(0), threads.duplicate_of(1)),
        (None, None)
    );
    assert_eq!(
        (threads.duplicate_of(2), threads.duplicate_of(3)),
        (None, Some(2))
    );
}
