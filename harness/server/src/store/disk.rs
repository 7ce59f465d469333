//! The file behind the store.
//!
//! A folder holds `fhirward.redb`, and `lock`, which the process that uses the folder keeps
//! locked. The file has every version under its sequence number, the records, and the number of
//! this format. All of it is read at the start, and every page checked; after that the file is
//! only written.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{Builder, Database, ReadableDatabase, ReadableTable, TableDefinition};
use thiserror::Error;

use super::records::RecordWrite;
use super::row;
use super::state::State;
use super::transaction::Committed;

/// The format of the file. Another number is another format.
const FORMAT: u64 = 1;

const FILE: &str = "fhirward.redb";

const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
const VERSIONS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("versions");
const RECORDS: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("records");

/// All of it is in memory once more, so little of the file needs to be.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// Why a data folder cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The folder or a file in it cannot be made, opened or read.
    #[error("the data folder `{}` cannot be used: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "the data folder `{}` is in use by another process; stop that one, or name another folder",
        folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The file is not what was written to it.
    #[error(
        "`{}` is damaged: {what}; put back a copy of the folder from before, or move the folder \
         away to begin with an empty one",
        file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What was found.
        what: String,
    },
    /// The file is of another version of this program.
    #[error(
        "`{}` has the data format {found}, and this fhirward reads format {FORMAT}; use the \
         version that wrote it",
        file.display()
    )]
    Format {
        /// The file.
        file: PathBuf,
        /// The number in it.
        found: u64,
    },
}

/// What one transaction leaves on the disk.
#[derive(Debug)]
pub(super) struct Batch {
    /// How often unpublished writes had been lost when it was decided.
    pub(super) losses: u64,
    /// The sequence of its last write.
    pub(super) end: u64,
    pub(super) committed: Committed,
    pub(super) records: Vec<RecordWrite>,
}

impl Batch {
    /// Whether it only waits for what it has seen.
    pub(super) fn is_empty(&self) -> bool {
        self.committed.changes.is_empty() && self.records.is_empty()
    }
}

/// Opens the database of a folder; again, after a failure.
type Open = Box<dyn Fn() -> Result<Database, redb::DatabaseError> + Send>;

/// The open file.
pub(super) struct Disk {
    open: Open,
    /// Nothing after a failure: what is in the file has to be looked at anew.
    database: Option<Database>,
    /// Whether the file may hold what was refused, and lack records that are committed.
    uncertain: bool,
    /// Keeps other processes out as long as the database is open.
    _lock: Option<File>,
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk")
            .field("open", &self.database.is_some())
            .finish_non_exhaustive()
    }
}

fn builder() -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder.set_check_integrity_on_open(true);
    builder
}

impl Disk {
    /// Opens the data folder, which is made when it does not exist, and reads all that is in it.
    pub(super) fn open(folder: &Path) -> Result<(Self, State), DataError> {
        let unusable = |source| DataError::Folder {
            folder: folder.to_owned(),
            source,
        };
        make_folder(folder).map_err(unusable)?;
        let lock = private_file(&folder.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DataError::InUse {
                    folder: folder.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let file = folder.join(FILE);
        if !file.try_exists().map_err(unusable)? {
            // It has its name once it is whole, so that a file that was only begun is never read.
            let begun = folder.join("fhirward.redb.new");
            if let Err(source) = fs::remove_file(&begun)
                && source.kind() != io::ErrorKind::NotFound
            {
                return Err(unusable(source));
            }
            private_file(&begun).map_err(unusable)?;
            let database = builder()
                .create(&begun)
                .map_err(|error| refused(folder, &file, error))?;
            begin(&database).map_err(|error| refused(folder, &file, error))?;
            drop(database);
            fs::rename(&begun, &file).map_err(unusable)?;
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(unusable)?;
        }
        if fs::metadata(&file).map_err(unusable)?.len() == 0 {
            return Err(DataError::Damaged {
                file,
                what: "it is empty".into(),
            });
        }
        let path = file.clone();
        let open: Open = Box::new(move || builder().open(&path));
        // The checks of a database do not foresee every damage.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let database = open().map_err(|error| refused(folder, &file, error))?;
            let state = load(&database, &file)?;
            Ok((database, state))
        }));
        let (database, state) = read.unwrap_or_else(|_| {
            Err(DataError::Damaged {
                file: file.clone(),
                what: "it cannot be read to its end".into(),
            })
        })?;
        let disk = Self {
            open,
            database: Some(database),
            uncertain: false,
            _lock: Some(lock),
        };
        Ok((disk, state))
    }

    /// Writes batches, all of them or none; when it returns they are on the disk. `horizon` is
    /// the last write that is committed, and `all_records` gives the committed records.
    pub(super) fn write(
        &mut self,
        batches: &[Batch],
        horizon: u64,
        all_records: impl FnOnce() -> Vec<RecordWrite>,
    ) -> Result<(), redb::Error> {
        let database = match self.database.take() {
            Some(database) => database,
            None => (self.open)()?,
        };
        let mut transaction = database.begin_write()?;
        // With one phase, damage to the last commit would look like a crash in the middle of it,
        // and undo it without a word.
        transaction.set_two_phase_commit(true);
        // Until the commit is known to be there, nobody knows whether it is.
        let uncertain = std::mem::replace(&mut self.uncertain, true);
        {
            let mut versions = transaction.open_table(VERSIONS)?;
            let mut records = transaction.open_table(RECORDS)?;
            if uncertain {
                versions.retain_in(horizon.saturating_add(1).., |_, _| false)?;
                records.retain(|_, _| false)?;
                put(&mut records, &all_records())?;
            }
            for batch in batches {
                for (_, version) in &batch.committed.changes {
                    let bytes = row::encode(version)
                        .map_err(|error| redb::Error::Io(io::Error::other(error)))?;
                    versions.insert(version.sequence, &*bytes)?;
                }
                put(&mut records, &batch.records)?;
            }
        }
        transaction.commit()?;
        self.uncertain = false;
        self.database = Some(database);
        Ok(())
    }
}

type RecordTable<'t> = redb::Table<'t, (&'static str, &'static str), &'static [u8]>;

fn put(table: &mut RecordTable<'_>, writes: &[RecordWrite]) -> Result<(), redb::StorageError> {
    for write in writes {
        let key = (&*write.table, &*write.key);
        match &write.value {
            Some(value) => table.insert(key, &**value)?,
            None => table.remove(key)?,
        };
    }
    Ok(())
}

/// Makes the tables of a new file.
fn begin(database: &Database) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    transaction.open_table(ABOUT)?.insert("format", FORMAT)?;
    transaction.open_table(VERSIONS)?;
    transaction.open_table(RECORDS)?;
    transaction.commit()?;
    Ok(())
}

fn load(database: &Database, file: &Path) -> Result<State, DataError> {
    let damaged = |what: String| DataError::Damaged {
        file: file.to_owned(),
        what,
    };
    let unread = |error: redb::Error| damaged(error.to_string());
    let read = || -> Result<_, redb::Error> {
        let transaction = database.begin_read()?;
        let found = transaction.open_table(ABOUT)?.get("format")?;
        Ok((transaction, found.map(|found| found.value())))
    };
    let (transaction, found) = read().map_err(unread)?;
    match found {
        Some(FORMAT) => {}
        Some(found) => {
            return Err(DataError::Format {
                file: file.to_owned(),
                found,
            });
        }
        None => return Err(damaged("it does not tell its format".into())),
    }
    let mut state = State::default();
    let versions = transaction
        .open_table(VERSIONS)
        .map_err(|error| unread(error.into()))?;
    for row in versions.iter().map_err(|error| unread(error.into()))? {
        let (sequence, bytes) = row.map_err(|error| unread(error.into()))?;
        let sequence = sequence.value();
        state
            .load(sequence, bytes.value())
            .map_err(|error| damaged(format!("version {sequence}: {error}")))?;
    }
    let records = transaction
        .open_table(RECORDS)
        .map_err(|error| unread(error.into()))?;
    for row in records.iter().map_err(|error| unread(error.into()))? {
        let (key, value) = row.map_err(|error| unread(error.into()))?;
        let (table, key) = key.value();
        state.load_record(table, key, value.value());
    }
    Ok(state)
}

fn refused(folder: &Path, file: &Path, error: impl Into<redb::Error>) -> DataError {
    match error.into() {
        redb::Error::DatabaseAlreadyOpen => DataError::InUse {
            folder: folder.to_owned(),
        },
        // A file that is shorter than it says, or does not begin as one, is no fault of the disk.
        redb::Error::Io(source)
            if !matches!(
                source.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData
            ) =>
        {
            DataError::Folder {
                folder: folder.to_owned(),
                source,
            }
        }
        other => DataError::Damaged {
            file: file.to_owned(),
            what: other.to_string(),
        },
    }
}

/// Makes a folder that only its owner can look into: it holds what patients write.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
#[path = "disk_tests.rs"]
mod tests;
