use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::store::{Draft, Store, StoreError, View as _};

fn draft(id: &str, status: &str) -> Draft {
    let content = json!({ "resourceType": "Task", "status": status });
    Draft::new("Task", id.into(), content)
}

fn write(store: &Store, id: &str) -> Result<(), StoreError> {
    let transaction = store.begin();
    match transaction.newest("Task", id) {
        Some(_) => transaction.replace(draft(id, "again")),
        None => transaction.insert(draft(id, "first")),
    };
    transaction.put_record("keys", id, Some(id.into()));
    transaction.commit().map(drop)
}

#[test]
fn everything_is_there_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for id in ["b", "a", "b", "c"] {
        write(&store, id).unwrap();
    }
    let transaction = store.begin();
    transaction.delete(&transaction.newest("Task", "a").unwrap());
    transaction.put_record("keys", "a", None);
    transaction.commit().unwrap();
    let versions = format!("{:?}", store.all_versions(None));
    let last = store.newest("Task", "a").unwrap().sequence;
    drop(store);

    let store = Store::open(folder.path()).unwrap();
    assert_eq!(format!("{:?}", store.all_versions(None)), versions);
    let ids: Vec<_> = store
        .scan("Task")
        .iter()
        .map(|task| task.id.to_string())
        .collect();
    assert_eq!(ids, ["b", "c"]);
    assert_eq!(
        store.records("keys").into_keys().collect::<Vec<_>>(),
        ["b".into(), "c".into()]
    );
    write(&store, "d").unwrap();
    assert!(store.newest("Task", "d").unwrap().sequence > last);
}

#[test]
fn a_transaction_that_was_not_committed_leaves_nothing_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    write(&store, "a").unwrap();
    store.begin().insert(draft("b", "never"));
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.all_versions(None).concat().len(), 1);
}

#[test]
fn a_folder_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let second = Store::open(folder.path()).unwrap_err();
    assert!(matches!(second, DataError::InUse { .. }), "{second}");
    drop(store);
    Store::open(folder.path()).unwrap();
}

/// What a damaged disk, a broken copy or an editor leaves.
#[rstest]
#[case::empty(|bytes: &mut Vec<u8>| bytes.clear())]
#[case::cut_off(|bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2))]
#[case::cut_in_the_head(|bytes: &mut Vec<u8>| bytes.truncate(100))]
#[case::something_else(|bytes: &mut Vec<u8>| *bytes = b"{\"resourceType\":\"Bundle\"}".to_vec())]
#[case::a_resource_changed(|bytes: &mut Vec<u8>| change(bytes, b"first", b"fixed"))]
#[case::zeroed_pages(|bytes: &mut Vec<u8>| {
    let end = bytes.len().min(64 * 1024);
    bytes[4096..end].fill(0);
})]
fn damage_is_reported_and_never_read_around(#[case] damage: fn(&mut Vec<u8>)) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for n in 0..50 {
        write(&store, &format!("t{n}")).unwrap();
    }
    drop(store);
    let file = folder.path().join(FILE);
    let mut bytes = fs::read(&file).unwrap();
    damage(&mut bytes);
    fs::write(&file, bytes).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, DataError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("put back a copy"), "{error}");
}

fn change(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let places: Vec<usize> = (0..bytes.len() - from.len())
        .filter(|at| bytes[*at..].starts_with(from))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
}

#[test]
fn another_format_is_named() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let database = builder().open(folder.path().join(FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(ABOUT)
        .unwrap()
        .insert("format", 7)
        .unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = Store::open(folder.path()).unwrap_err();
    assert!(
        matches!(error, DataError::Format { found: 7, .. }),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_look_into_the_folder() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let _store = Store::open(&folder).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join(FILE)), 0o600);
}

/// A disk that can be full: then it neither grows nor syncs.
#[derive(Debug, Clone)]
struct Fallible {
    disk: Arc<Mutex<Option<Arc<InMemoryBackend>>>>,
    full: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Opened(Arc<InMemoryBackend>, Arc<AtomicBool>);

impl Opened {
    fn unless_full(&self) -> io::Result<()> {
        if self.1.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl StorageBackend for Opened {
    fn len(&self) -> Result<u64, io::Error> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.unless_full()?;
        self.0.set_len(len)
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.unless_full()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        // As much as fits has been written when the sync fails.
        self.0.write(offset, data)
    }
}

impl Fallible {
    fn new() -> Self {
        Self {
            disk: Arc::new(Mutex::new(Some(Arc::new(InMemoryBackend::new())))),
            full: Arc::default(),
        }
    }

    fn open(&self) -> Result<Database, redb::DatabaseError> {
        let disk = self.disk.lock().unwrap().clone().unwrap();
        builder().create_with_backend(Opened(disk, Arc::clone(&self.full)))
    }

    fn store(&self) -> Store {
        let database = self.open().unwrap();
        begin(&database).unwrap();
        let state = load(&database, Path::new("memory")).unwrap();
        let again = self.clone();
        let disk = Disk {
            open: Box::new(move || again.open()),
            database: Some(database),
            uncertain: false,
            _lock: None,
        };
        Store::on(disk, state).unwrap()
    }
}

#[test]
fn what_a_full_disk_refuses_is_nowhere_and_reading_and_later_writing_go_on() {
    let disk = Fallible::new();
    let store = disk.store();
    write(&store, "a").unwrap();
    disk.full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let refused = write(&store, "b").unwrap_err();
        assert!(matches!(refused, StoreError::Disk(_)), "{refused}");
        assert!(store.newest("Task", "b").is_none());
        assert_eq!(store.record("keys", "b"), None);
        assert!(store.current("Task", "a").is_some());
    }
    disk.full.store(false, Ordering::SeqCst);
    write(&store, "c").unwrap();
    let seen = format!("{:?}", store.all_versions(None));
    drop(store);
    // Nor is it in the file, though its bytes were written before the sync failed.
    let state = load(&disk.open().unwrap(), Path::new("memory")).unwrap();
    let again = Store::on(
        Disk {
            open: Box::new(|| Err(redb::DatabaseError::DatabaseAlreadyOpen)),
            database: None,
            uncertain: true,
            _lock: None,
        },
        state,
    )
    .unwrap();
    assert_eq!(format!("{:?}", again.all_versions(None)), seen);
    assert_eq!(again.records("keys").len(), 2);
}

#[test]
fn who_saw_what_was_lost_is_refused_as_well() {
    let disk = Fallible::new();
    let store = disk.store();
    disk.full.store(true, Ordering::SeqCst);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|n| {
                scope.spawn({
                    let store = &store;
                    move || write(store, &format!("t{n}"))
                })
            })
            .collect();
        for writer in writers {
            assert!(writer.join().unwrap().is_err());
        }
    });
    assert!(store.all_versions(None).is_empty());
    disk.full.store(false, Ordering::SeqCst);
    write(&store, "a").unwrap();
    assert_eq!(store.newest("Task", "a").unwrap().sequence, 1);
}

#[test]
fn many_writers_share_a_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let store = &store;
            scope.spawn(move || {
                for _ in 0..20 {
                    write(store, &format!("t{n}")).unwrap();
                }
            });
        }
    });
    let versions = format!("{:?}", store.all_versions(Some("Task")));
    assert_eq!(store.all_versions(None).concat().len(), 160);
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(format!("{:?}", store.all_versions(Some("Task"))), versions);
}
