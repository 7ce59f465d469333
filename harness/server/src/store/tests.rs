use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::json;

use super::*;

fn draft(id: &str, status: &str) -> Draft {
    Draft::new(
        "Task",
        id.into(),
        json!({ "resourceType": "Task", "status": status }),
    )
}

fn status(view: &dyn View, id: &str) -> Option<String> {
    let task = view.current("Task", id)?;
    Some(task.resource["status"].as_str().unwrap().to_owned())
}

/// A store with `Task/a`, which is a draft.
fn store() -> Store {
    let store = Store::default();
    let transaction = store.begin();
    transaction.insert(draft("a", "draft"));
    transaction.commit().unwrap();
    store
}

#[test]
fn a_transaction_sees_its_own_writes_and_others_only_what_is_committed() {
    let store = store();
    let transaction = store.begin();
    transaction.replace(draft("a", "ready"));
    transaction.insert(draft("b", "draft"));
    transaction.put_record("keys", "k", Some(vec![1]));

    assert_eq!(status(&transaction, "a").as_deref(), Some("ready"));
    assert_eq!(transaction.scan("Task").len(), 2);
    assert_eq!(transaction.versions("Task", "a").len(), 2);
    assert_eq!(transaction.record("keys", "k").as_deref(), Some(&[1][..]));
    assert_eq!(transaction.records("keys").len(), 1);

    assert_eq!(status(&store, "a").as_deref(), Some("draft"));
    assert_eq!(status(&store, "b"), None);
    assert_eq!(store.scan("Task").len(), 1);
    assert_eq!(store.versions("Task", "a").len(), 1);
    assert_eq!(store.all_versions(None).concat().len(), 1);
    assert_eq!(store.record("keys", "k"), None);
    assert!(store.records("keys").is_empty());

    transaction.commit().unwrap();
    assert_eq!(status(&store, "a").as_deref(), Some("ready"));
    assert_eq!(store.scan("Task").len(), 2);
    assert_eq!(store.records("keys").len(), 1);
}

#[test]
fn a_transaction_that_is_dropped_was_never_there() {
    let store = store();
    let before = store.newest("Task", "a").unwrap();
    let transaction = store.begin();
    transaction.delete(&before);
    transaction.insert(draft("b", "draft"));
    transaction.replace(draft("b", "ready"));
    transaction.put_record("keys", "k", Some(vec![1]));
    drop(transaction);

    let transaction = store.begin();
    assert_eq!(transaction.all_versions(None).concat().len(), 1);
    assert_eq!(transaction.record("keys", "k"), None);
    let next = transaction.insert(draft("b", "failed"));
    transaction.commit().unwrap();
    assert_eq!(next.sequence, before.sequence + 1);
    assert_eq!(store.versions("Task", "b").len(), 1);
}

#[test]
fn a_panic_rolls_back_and_the_next_writer_goes_on() {
    let store = store();
    let lost = catch_unwind(AssertUnwindSafe(|| {
        let transaction = store.begin();
        transaction.replace(draft("a", "failed"));
        std::panic::resume_unwind(Box::new(()));
    }));
    assert!(lost.is_err());
    let transaction = store.begin();
    assert_eq!(status(&transaction, "a").as_deref(), Some("draft"));
    transaction.replace(draft("a", "ready"));
    transaction.commit().unwrap();
    assert_eq!(status(&store, "a").as_deref(), Some("ready"));
}

/// Each of many writers adds one to what it read; none of them is lost.
#[test]
fn writers_decide_one_after_the_other() {
    let store = Store::default();
    let transaction = store.begin();
    transaction.insert(draft("n", "0"));
    transaction.commit().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let transaction = store.begin();
                    let n: u32 = status(&transaction, "n").unwrap().parse().unwrap();
                    transaction.replace(draft("n", &(n + 1).to_string()));
                    transaction.commit().unwrap();
                }
            });
        }
    });
    assert_eq!(status(&store, "n").as_deref(), Some("200"));
    assert_eq!(store.versions("Task", "n").len(), 201);
}

#[test]
fn what_is_deleted_is_no_longer_current_but_keeps_its_versions() {
    let store = store();
    let transaction = store.begin();
    transaction.delete(&transaction.newest("Task", "a").unwrap());
    transaction.commit().unwrap();
    assert!(store.current("Task", "a").is_none());
    assert!(store.scan("Task").is_empty());
    let newest = store.newest("Task", "a").unwrap();
    assert!(newest.is_deletion());
    assert_eq!(newest.resource["status"], "draft");
}

#[test]
fn only_committed_writes_to_types_of_access_change_decisions() {
    let store = store();
    assert_eq!(store.access_generation(), 0);
    let policy = || {
        Draft::new(
            "AccessPolicy",
            "p".into(),
            json!({ "resourceType": "AccessPolicy" }),
        )
    };
    store.begin().insert(policy());
    assert_eq!(store.access_generation(), 0);
    let transaction = store.begin();
    transaction.insert(policy());
    transaction.commit().unwrap();
    assert_eq!(store.access_generation(), 1);
}

#[test]
fn time_and_sequence_never_run_backwards() {
    let store = Store::default();
    let versions: Vec<_> = (0..50)
        .map(|n| {
            let transaction = store.begin();
            let version = transaction.insert(draft(&format!("t{n}"), "draft"));
            transaction.commit().unwrap();
            version
        })
        .collect();
    for pair in versions.windows(2) {
        assert!(pair[0].sequence < pair[1].sequence);
        assert!(pair[0].last_updated <= pair[1].last_updated);
    }
    let scanned = store.scan("Task");
    assert!(scanned.iter().zip(&versions).all(|(a, b)| a.id == b.id));
}

#[test]
fn the_feed_tells_every_commit_in_order_to_the_one_who_asked_first() {
    let store = store();
    let mut feed = store.take_feed().unwrap();
    assert!(store.take_feed().is_none());
    let transaction = store.begin().by("Practitioner/p");
    transaction.replace(draft("a", "ready"));
    transaction.insert(draft("b", "draft"));
    transaction.commit().unwrap();
    store.begin().replace(draft("a", "never"));
    let transaction = store.begin();
    transaction.delete(&transaction.newest("Task", "b").unwrap());
    transaction.commit().unwrap();
    // Nothing is told of what changes nothing.
    store.begin().commit().unwrap();

    let first = feed.try_recv().unwrap();
    assert_eq!(first.author.as_deref(), Some("Practitioner/p"));
    let (before, after) = &first.changes[0];
    assert_eq!(before.as_ref().unwrap().resource["status"], "draft");
    assert_eq!(after.resource["status"], "ready");
    assert!(first.changes[1].0.is_none());
    let second = feed.try_recv().unwrap();
    assert!(second.changes[0].1.is_deletion());
    assert!(feed.try_recv().is_err());
}

#[test]
fn a_transaction_that_saw_what_is_lost_is_lost_with_it() {
    let store = store();
    let transaction = store.begin();
    transaction.insert(draft("b", "draft"));
    // What is queued before it could not be written.
    store.writing().lose();
    transaction.replace(draft("a", "ready"));
    assert!(matches!(transaction.commit(), Err(StoreError::Lost)));
    let transaction = store.begin();
    assert_eq!(status(&transaction, "a").as_deref(), Some("draft"));
    assert_eq!(transaction.all_versions(None).concat().len(), 1);
    assert_eq!(transaction.insert(draft("b", "draft")).sequence, 2);
}
