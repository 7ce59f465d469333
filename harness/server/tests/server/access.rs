//! Who sees what, and how a denial looks.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{World, message, participant};

/// Alice wrote to Bob; the third one takes no part.
#[tokio::test]
async fn a_participant_sees_its_conversations_and_no_others() {
    let world = World::new().await;
    let alice = world.actor(participant()).await;
    let bob = world.actor(participant()).await;
    let third = world.actor(participant()).await;

    let ours = alice.make(message(&alice.profile, &[&bob.profile])).await;
    let theirs = third.make(message(&third.profile, &[])).await;

    for (actor, sees) in [
        (&alice, vec![&ours]),
        (&bob, vec![&ours]),
        (&third, vec![&theirs]),
        (&world.admin, vec![&ours, &theirs]),
    ] {
        for resource in [&ours, &theirs] {
            let status = if sees.contains(&resource) { 200 } else { 404 };
            assert_eq!(
                actor.get(resource).await.status,
                status,
                "{resource} for {}",
                actor.profile
            );
        }
        let found = actor.get("Communication?_total=accurate").await;
        assert_eq!(found.matches().iter().collect::<Vec<_>>(), sees);
        assert_eq!(found.json()["total"], sees.len());
    }
}

#[tokio::test]
async fn what_is_hidden_answers_byte_for_byte_as_what_is_missing() {
    let world = World::new().await;
    let alice = world.actor(participant()).await;
    let hidden = world.admin.make(message("Practitioner/other", &[])).await;
    let gone = world.admin.make(message("Practitioner/other", &[])).await;
    world.admin.delete(&gone).await;
    let missing = "Communication/00000000-0000-4000-8000-000000000000";
    let version = world.admin.get(&hidden).await.json()["meta"]["versionId"]
        .as_str()
        .unwrap()
        .to_owned();

    for (method, suffix, body) in [
        (Method::GET, "", None),
        (Method::GET, "/_history", None),
        (Method::GET, &*format!("/_history/{version}"), None),
        (Method::DELETE, "", None),
        (Method::PUT, "", Some(Value::Null)),
        (
            Method::PATCH,
            "",
            Some(json!([{ "op": "remove", "path": "/sent" }])),
        ),
    ] {
        let mut answers = Vec::new();
        for reference in [&*hidden, &*gone, missing] {
            let body = body.as_ref().map(|body| match body {
                Value::Null => {
                    let mut body = message(&alice.profile, &[]);
                    body["id"] = reference.split_once('/').unwrap().1.into();
                    body.to_string()
                }
                body => body.to_string(),
            });
            let headers = [
                ("content-type", "application/json"),
                ("if-match", "W/\"x\""),
            ];
            let answer = alice
                .send(
                    method.clone(),
                    &format!("{reference}{suffix}"),
                    &headers,
                    body,
                )
                .await;
            let mut headers = answer.headers.clone();
            headers.remove("date");
            answers.push((answer.status, format!("{headers:?}"), answer.text));
        }
        assert_eq!(answers[0].0, 404, "{method} {suffix}: {answers:?}");
        assert_eq!(
            answers[0], answers[2],
            "{method} {suffix}: hidden and missing"
        );
        assert_eq!(
            answers[1], answers[2],
            "{method} {suffix}: hidden and deleted, and missing"
        );
    }
}

#[rstest]
#[case::read_ungranted_type(json!([{ "resourceType": "Task" }]), Method::GET, "Patient/x", 403)]
#[case::read_granted_type(json!([{ "resourceType": "Patient" }]), Method::GET, "Patient/x", 404)]
#[case::search_ungranted_type(json!([{ "resourceType": "Task" }]), Method::GET, "Patient", 403)]
#[case::read_alone_gives_no_search(json!([{ "resourceType": "Patient", "interaction": ["read"] }]), Method::GET, "Patient", 403)]
#[case::read_alone_gives_no_history(json!([{ "resourceType": "Patient", "interaction": ["read"] }]), Method::GET, "Patient/x/_history", 403)]
#[case::search_alone_gives_no_read(json!([{ "resourceType": "Patient", "interaction": ["search"] }]), Method::GET, "Patient/x", 403)]
#[case::delete_on_read_only_type(json!([{ "resourceType": "Patient", "readonly": true }]), Method::DELETE, "Patient/x", 403)]
#[case::patch_on_read_only_type(json!([{ "resourceType": "Patient", "readonly": true }]), Method::PATCH, "Patient/x", 403)]
#[case::put_on_read_only_type(json!([{ "resourceType": "Patient", "readonly": true }]), Method::PUT, "Patient/x", 403)]
#[case::post_on_read_only_type(json!([{ "resourceType": "Patient", "readonly": true }]), Method::POST, "Patient", 403)]
#[case::admin_types_are_not_covered_by_a_wildcard(json!([{ "resourceType": "*" }]), Method::GET, "ProjectMembership", 403)]
#[case::other_types_are(json!([{ "resourceType": "*" }]), Method::GET, "Patient", 200)]
#[tokio::test]
async fn the_type_gate(
    #[case] entries: Value,
    #[case] method: Method,
    #[case] path: &str,
    #[case] status: u16,
) {
    let world = World::new().await;
    let actor = world.actor(entries).await;
    let headers = [("content-type", "application/json")];
    let answer = actor.send(method, path, &headers, Some("[]".into())).await;
    assert_eq!(answer.status, status, "{}", answer.text);
    if status == 403 {
        assert_eq!(answer.issue(), "forbidden");
    }
}

#[tokio::test]
async fn writes_stay_inside_the_criteria() {
    let world = World::new().await;
    let actor = world
        .actor(json!([
            { "resourceType": "Patient", "criteria": "Patient?gender=female" },
            { "resourceType": "Patient", "criteria": "Patient?gender=male", "readonly": true },
        ]))
        .await;
    let patient = |gender: &str| json!({ "resourceType": "Patient", "gender": gender });
    let own = actor.make(patient("female")).await;
    let readable = world.admin.make(patient("male")).await;
    let with_id = |reference: &str, gender: &str| {
        let mut body = patient(gender);
        body["id"] = reference.split_once('/').unwrap().1.into();
        body
    };

    assert_eq!(
        actor.post("Patient", &patient("other")).await.status,
        403,
        "create outside"
    );
    assert_eq!(
        actor.put(&own, &with_id(&own, "other")).await.status,
        403,
        "update to outside"
    );
    assert_eq!(
        actor.put(&own, &with_id(&own, "male")).await.status,
        403,
        "update to what is only readable"
    );
    let to_other = json!([{ "op": "replace", "path": "/gender", "value": "other" }]);
    assert_eq!(
        actor.patch(&own, &to_other).await.status,
        403,
        "patch to outside"
    );
    assert_eq!(
        actor
            .put(&readable, &with_id(&readable, "female"))
            .await
            .status,
        403,
        "update of what is only readable"
    );
    assert_eq!(
        actor.delete(&readable).await.status,
        403,
        "delete of what is only readable"
    );
    assert_eq!(actor.get(&readable).await.json()["gender"], "male");
    assert_eq!(actor.get(&own).await.json()["gender"], "female");
}

#[tokio::test]
async fn a_resource_that_is_invalid_and_outside_is_first_of_all_invalid() {
    let world = World::new().await;
    let alice = world.actor(participant()).await;
    let answer = alice
        .post("Communication", &json!({ "resourceType": "Communication" }))
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.issue(), "required");
}

#[tokio::test]
async fn a_deleted_resource_is_gone_only_for_those_who_could_read_it() {
    let world = World::new().await;
    let alice = world.actor(participant()).await;
    let third = world.actor(participant()).await;
    let reference = alice.make(message(&alice.profile, &[])).await;
    assert_eq!(third.delete(&reference).await.status, 404);
    assert_eq!(alice.delete(&reference).await.status, 200);
    let gone = alice.get(&reference).await;
    assert_eq!((gone.status, gone.issue().as_str()), (410, "deleted"));
    assert_eq!(third.get(&reference).await.status, 404);
    assert_eq!(alice.delete(&reference).await.status, 200, "again");
    assert_eq!(third.delete(&reference).await.status, 404);
}

#[tokio::test]
async fn an_edit_of_a_policy_or_membership_is_effective_at_once() {
    let world = World::new().await;
    let patient = world.admin.make(json!({ "resourceType": "Patient" })).await;
    let policy = world.policy(json!([{ "resourceType": "Patient" }])).await;
    let actor = world
        .actor_under(&json!({ "accessPolicy": { "reference": policy } }))
        .await;
    assert_eq!(actor.get(&patient).await.status, 200);

    let closed =
        json!([{ "op": "replace", "path": "/resource", "value": [{ "resourceType": "Task" }] }]);
    assert_eq!(world.admin.patch(&policy, &closed).await.status, 200);
    assert_eq!(
        actor.get(&patient).await.status,
        403,
        "the same token, after the policy was narrowed"
    );

    let other = world
        .policy(json!([{ "resourceType": "Patient", "criteria": "Patient?gender=male" }]))
        .await;
    let granted = json!([{ "op": "add", "path": "/access", "value": [{ "policy": { "reference": other } }] }]);
    let membership = format!("ProjectMembership/{}", actor.membership);
    assert_eq!(world.admin.patch(&membership, &granted).await.status, 200);
    assert_eq!(
        actor.get(&patient).await.status,
        404,
        "granted, but not this one"
    );

    let male = json!([{ "op": "add", "path": "/gender", "value": "male" }]);
    assert_eq!(world.admin.patch(&patient, &male).await.status, 200);
    assert_eq!(actor.get(&patient).await.status, 200);

    assert_eq!(world.admin.delete(&other).await.status, 200);
    assert_eq!(
        actor.get(&patient).await.status,
        403,
        "a policy that is gone grants nothing"
    );
}

#[tokio::test]
async fn parameters_of_the_membership_reach_the_criteria() {
    let world = World::new().await;
    let org = world
        .admin
        .make(json!({ "resourceType": "Organization", "name": "A" }))
        .await;
    let inside = world
        .admin
        .make(json!({ "resourceType": "Patient", "managingOrganization": { "reference": org } }))
        .await;
    let outside = world.admin.make(json!({ "resourceType": "Patient" })).await;
    let policy = world
        .policy(json!([{ "resourceType": "Patient", "criteria": "Patient?organization=%org" }]))
        .await;
    let parameter = json!([{ "name": "org", "valueReference": { "reference": org } }]);
    let actor = world
        .actor_under(
            &json!({ "access": [{ "policy": { "reference": policy }, "parameter": parameter }] }),
        )
        .await;
    assert_eq!(actor.get("Patient").await.matches(), [inside]);
    assert_eq!(actor.get(&outside).await.status, 404);
}

#[tokio::test]
async fn a_policy_that_cannot_be_understood_is_not_stored() {
    let world = World::new().await;
    let answer = world
        .admin
        .post(
            "AccessPolicy",
            &json!({
                "resourceType": "AccessPolicy",
                "resource": [
                    { "resourceType": "Patient", "criteria": "Patient?gendre=male" },
                    { "resourceType": "Patient", "criteria": "Patient?gender:foo=male" },
                ],
            }),
        )
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json()["issue"].as_array().unwrap().len(),
        2,
        "{}",
        answer.text
    );
    assert!(answer.words().contains("gendre"), "{}", answer.words());

    let good = world.policy(json!([{ "resourceType": "Patient" }])).await;
    let broken =
        json!([{ "op": "add", "path": "/resource/0/criteria", "value": "Patient?gendre=male" }]);
    assert_eq!(world.admin.patch(&good, &broken).await.status, 400);
}

#[tokio::test]
async fn a_binary_is_for_those_who_may_read_its_security_context() {
    let world = World::new().await;
    let entries = json!([
        { "resourceType": "Binary" },
        { "resourceType": "Communication", "criteria": "Communication?recipient=%profile" },
    ]);
    let (reader, other) = (
        world.actor(entries.clone()).await,
        world.actor(entries).await,
    );
    let context = world
        .admin
        .make(message("Practitioner/other", &[&reader.profile]))
        .await;
    let binary = json!({ "resourceType": "Binary", "contentType": "text/plain", "data": "aGk=" });
    let mut guarded = binary.clone();
    guarded["securityContext"] = json!({ "reference": context });
    let (open, guarded) = (
        world.admin.make(binary).await,
        world.admin.make(guarded).await,
    );
    for (actor, reference, status) in [
        (&reader, &open, 200),
        (&reader, &guarded, 200),
        (&other, &open, 200),
        (&other, &guarded, 404),
    ] {
        assert_eq!(actor.get(reference).await.status, status);
        let history = actor.get(&format!("{reference}/_history")).await;
        assert_eq!(history.status, status);
    }
}
