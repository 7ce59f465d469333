//! `writeConstraint`: FHIRPath that the result of a write has to satisfy (R.10).

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::World;
use crate::transaction::bundle;

fn entries(expression: &str) -> Value {
    json!([{
        "resourceType": "Task",
        "writeConstraint": [{ "language": "text/fhirpath", "expression": expression }],
    }])
}

fn task(status: &str) -> Value {
    json!({ "resourceType": "Task", "status": status, "intent": "order" })
}

/// The statuses of: a create; a create, update and patch in the stored state `ready`.
#[rstest]
#[case::holds("status.exists()", "completed", [201, 200, 200])]
#[case::fails("status = 'nothing'", "completed", [403, 403, 403])]
#[case::after("%after.status = 'completed'", "completed", [201, 200, 200])]
#[case::after_another("%after.status = 'completed'", "failed", [403, 403, 403])]
#[case::before("%before.status = 'ready'", "completed", [403, 200, 200])]
#[case::guarded("%before.exists().not() or %before.status = 'ready'", "completed", [201, 200, 200])]
#[case::both("%before.exists() implies %before.status != %after.status", "completed", [201, 200, 200])]
#[case::empty("owner", "completed", [403, 403, 403])]
#[case::no_boolean("status", "completed", [403, 403, 403])]
#[tokio::test]
async fn a_constraint_holds_or_the_write_is_refused(
    #[case] expression: &str,
    #[case] status: &str,
    #[case] statuses: [u16; 3],
) {
    let world = World::new().await;
    let actor = world.actor(entries(expression)).await;
    let created = actor.post("Task", &task(status)).await;
    let first = world.admin.make(task("ready")).await;
    let mut body = world.admin.get(&first).await.json();
    body["status"] = status.into();
    let updated = actor.put(&first, &body).await;
    let second = world.admin.make(task("ready")).await;
    let operation = json!([{ "op": "replace", "path": "/status", "value": status }]);
    let patched = actor.patch(&second, &operation).await;
    assert_eq!(
        [created.status, updated.status, patched.status],
        statuses,
        "{}\n{}\n{}",
        created.text,
        updated.text,
        patched.text
    );
    for (path, answered) in [(&first, statuses[1]), (&second, statuses[2])] {
        let stored = world.admin.get(path).await.json();
        let expected = if answered == 200 { status } else { "ready" };
        assert_eq!(stored["status"], expected);
    }
}

#[tokio::test]
async fn a_constraint_counts_in_every_kind_of_write() {
    let world = World::new().await;
    let actor = world
        .actor(entries(
            "%before.exists() implies %before.status != 'completed'",
        ))
        .await;
    let mut done = task("completed");
    done["identifier"] = json!([{ "value": "x" }]);
    let reference = world.admin.make(done.clone()).await;
    let stored = world.admin.get(&reference).await;
    done["status"] = "failed".into();
    let operation = json!([{ "op": "replace", "path": "/status", "value": "failed" }]);
    assert_eq!(actor.put("Task?identifier=x", &done).await.status, 403);
    assert_eq!(
        actor.patch("Task?identifier=x", &operation).await.status,
        403
    );
    let mut changed = stored.json();
    changed["status"] = "failed".into();
    let request = json!({ "method": "PUT", "url": reference });
    let entry = json!([
        { "resource": task("ready"), "request": { "method": "POST", "url": "Task" } },
        { "resource": changed, "request": request },
    ]);
    let answer = actor.post("", &bundle("transaction", entry)).await;
    assert_eq!((answer.status, answer.issue().as_str()), (403, "forbidden"));
    assert_eq!(world.admin.get(&reference).await.text, stored.text);
    assert_eq!(world.admin.get("Task").await.matches().len(), 1);
    // A delete has no result.
    assert_eq!(actor.delete(&reference).await.status, 200);
}
