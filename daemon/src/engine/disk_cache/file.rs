//! The file of vectors: a SQLite database with one table, whose oldest rows make room for new ones.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gte_shared::private_file;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};

use super::budget::{self, PAGE_BYTES, number};
use super::error::FileError;
use super::key::Key;
use super::value::{Vector, decode, encode};

/// Mark of the file among SQLite databases: "gtev".
const APPLICATION_ID: i64 = 0x6774_6576;

/// Version of the table. Keys have a version of their own: that of the program.
const LAYOUT: i64 = 1;

/// Pages of the log after which they are written to their places: 1 MiB.
const LOG_PAGES: i64 = 64;

/// Part of the budget that the pages do not get: the log has the changes of at most [`LOG_PAGES`]
/// and of one call, each of whose vectors changes a page of the table and one of the index.
const LOG_RESERVE: u64 = 16 << 20;

/// Most vectors that are written in one transaction.
const TRANSACTION: usize = 256;

/// Wait for another process that has the file: one that is just ending releases it.
const LOCK_TIMEOUT: Duration = Duration::from_millis(200);

/// The table. The numbers of its rows (rowid) grow, so the oldest row is the first.
const TABLE: &str = "CREATE TABLE vectors (key BLOB NOT NULL UNIQUE, value BLOB NOT NULL) STRICT";

const SELECT: &str = "SELECT value FROM vectors WHERE key = ?1";
const INSERT: &str = "INSERT OR IGNORE INTO vectors (key, value) VALUES (?1, ?2)";
const REMOVE: &str = "DELETE FROM vectors WHERE key = ?1";
/// The file of vectors. One process at a time has it open.
#[derive(Debug)]
pub(super) struct VectorFile {
    path: PathBuf,
    connection: Connection,
    /// Most pages in use.
    pages: i64,
}

impl VectorFile {
    /// Opens the file, and makes it and its folder if they are missing, for their owner alone. On
    /// disk it takes at most `budget` bytes, with the log beside it. If it has more, because the
    /// budget was larger, the oldest vectors are dropped.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is of something else, or is in use by another process.
    pub(super) fn open(path: &Path, budget: u64) -> Result<Self, FileError> {
        let failed = |source| FileError::Open {
            path: path.to_owned(),
            source,
        };
        let folder = path.parent().unwrap_or(Path::new("/"));
        let folder = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        folder.map_err(failed)?;
        // SQLite would make it readable for others, and its log as it is itself.
        private_file::open(OpenOptions::new().read(true).write(true), path).map_err(failed)?;
        let database = database_error(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(&database)?;
        connection.busy_timeout(LOCK_TIMEOUT).map_err(&database)?;
        let is_new = number(&connection, "page_count").map_err(&database)? == 0;
        if !is_new && !is_ours(&connection).map_err(&database)? {
            return Err(FileError::Foreign(path.to_owned()));
        }
        let pages = budget.saturating_sub(LOG_RESERVE) / PAGE_BYTES.unsigned_abs();
        let mut file = Self {
            path: path.to_owned(),
            connection,
            pages: i64::try_from(pages).unwrap_or(i64::MAX),
        };
        file.prepare(is_new).map_err(&database)?;
        Ok(file)
    }

    /// Takes the file for this process, makes the table, and drops what is over the budget.
    fn prepare(&mut self, is_new: bool) -> rusqlite::Result<()> {
        let connection = &self.connection;
        // The file stays locked until it is closed. SQLite then needs no memory that is shared with
        // other processes, and no network file system that supports it.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        // A damaged page is an error, and nothing in the file is run.
        connection.pragma_update(None, "cell_size_check", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        if is_new {
            connection.pragma_update(None, "page_size", PAGE_BYTES)?;
            connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // The end of this process loses nothing; a crash of the machine the latest vectors.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        connection.pragma_update(None, "journal_size_limit", LOG_PAGES * PAGE_BYTES)?;
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        if is_new {
            transaction.execute(TABLE, [])?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", LAYOUT)?;
        }
        transaction.commit()?;
        budget::shrink(&self.connection, self.pages)
    }

    /// Looks up the vectors of keys. Those that are damaged are removed, and counted.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub(super) fn get_all(&self, keys: &[Key]) -> Result<(Vec<Option<Vector>>, usize), FileError> {
        let get_all = || {
            let mut select = self.connection.prepare(SELECT)?;
            let mut vectors = Vec::with_capacity(keys.len());
            let mut damaged = 0;
            for key in keys {
                let value = select.query_row([&key[..]], |row| {
                    // A damaged row may have another type.
                    Ok(row
                        .get_ref(0)?
                        .as_bytes()
                        .ok()
                        .and_then(|value| decode(key, value)))
                });
                let vector = value.optional()?;
                if let Some(None) = vector {
                    self.connection.execute(REMOVE, [&key[..]])?;
                    damaged += 1;
                }
                vectors.push(vector.flatten());
            }
            Ok((vectors, damaged))
        };
        get_all().map_err(database_error(&self.path))
    }

    /// Writes vectors, and drops the oldest for them.
    ///
    /// # Errors
    ///
    /// If the database fails; the vectors are then not in it.
    pub(super) fn put_all(&mut self, vectors: &[(Key, Vector)]) -> Result<(), FileError> {
        let mut put_all = || {
            for some in vectors.chunks(TRANSACTION) {
                let transaction = self.connection.transaction()?;
                let mut insert = transaction.prepare(INSERT)?;
                for (key, vector) in some {
                    insert.execute(params![&key[..], encode(key, vector)])?;
                }
                drop(insert);
                budget::drop_oldest(&transaction, self.pages)?;
                transaction.commit()?;
            }
            Ok(())
        };
        put_all().map_err(database_error(&self.path))
    }

    /// Error for vectors that were damaged.
    pub(super) fn damaged(&self, count: usize) -> FileError {
        FileError::Damaged {
            path: self.path.clone(),
            count,
        }
    }

    /// Bytes on disk, those of the log included.
    ///
    /// # Errors
    ///
    /// If the system does not tell the size of the file.
    pub(super) fn bytes(&self) -> io::Result<u64> {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        let log = match std::fs::metadata(log) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        Ok(self.path.metadata()?.len() + log)
    }
}

fn database_error(path: &Path) -> impl Fn(rusqlite::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Database {
        path: path.clone(),
        source,
    }
}

fn is_ours(connection: &Connection) -> rusqlite::Result<bool> {
    let id = number(connection, "application_id")?;
    Ok(id == APPLICATION_ID && number(connection, "user_version")? == LAYOUT)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use rusqlite::ErrorCode;
    use sha2::{Digest, Sha256};

    use super::*;

    /// Smallest budget of a user.
    const BUDGET: u64 = 64 << 20;

    /// A key and a vector of 512 values, all of which depend on `number`.
    fn entry(number: u32) -> (Key, Vector) {
        let key = Sha256::digest(number.to_le_bytes()).into();
        let vector = (0..512_u32).map(|index| f32::from_bits((number << 9) + index));
        (key, vector.collect())
    }

    fn put(file: &mut VectorFile, numbers: std::ops::Range<u32>) {
        let vectors: Vec<_> = numbers.map(entry).collect();
        file.put_all(&vectors).unwrap();
    }

    /// Numbers whose vectors are there, each with the right one.
    fn there(file: &VectorFile, numbers: std::ops::Range<u32>) -> Vec<u32> {
        let keys: Vec<Key> = numbers.clone().map(|number| entry(number).0).collect();
        let (vectors, _) = file.get_all(&keys).unwrap();
        let found = numbers.zip(vectors).filter_map(|(number, vector)| {
            assert!(
                vector
                    .as_ref()
                    .is_none_or(|vector| *vector == entry(number).1)
            );
            vector.map(|_| number)
        });
        found.collect()
    }

    fn code(error: &FileError) -> Option<ErrorCode> {
        match error {
            FileError::Database { source, .. } => source.sqlite_error_code(),
            _ => None,
        }
    }

    #[test]
    fn vectors_are_there_after_reopening_and_the_file_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache/gte/vectors.sqlite");
        let mut file = VectorFile::open(&path, BUDGET).unwrap();
        put(&mut file, 0..10);
        put(&mut file, 5..12);
        let modes = ["", "-wal"].map(|suffix| {
            let path = format!("{}{suffix}", path.display());
            fs::metadata(path).unwrap().permissions().mode() & 0o777
        });
        assert_eq!(modes, [0o600; 2]);
        drop(file);
        let file = VectorFile::open(&path, BUDGET).unwrap();
        assert!(there(&file, 0..20).into_iter().eq(0..12));
    }

    #[test]
    fn the_oldest_make_room_within_the_budget() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.sqlite");
        let mut file = VectorFile::open(&path, BUDGET).unwrap();
        let mut most = 0;
        for start in (0..40_000).step_by(400) {
            put(&mut file, start..start + 400);
            most = most.max(file.bytes().unwrap());
        }
        assert!((BUDGET / 2..=BUDGET).contains(&most), "{most}");
        let kept = there(&file, 0..40_000);
        assert!(
            kept.iter().copied().eq(kept[0]..40_000),
            "the oldest go first"
        );
        // What is left takes more than three quarters of the room.
        let bytes = kept.len() * 512 * 4;
        assert!(bytes as u64 > (BUDGET - LOG_RESERVE) * 3 / 4, "{bytes}");
        drop(file);

        let half = BUDGET / 2;
        let file = VectorFile::open(&path, half).unwrap();
        let kept = there(&file, 0..40_000);
        assert!(kept.iter().copied().eq(kept[0]..40_000));
        assert!(kept.len() > 1000, "{}", kept.len());
        drop(file);
        assert!(fs::metadata(&path).unwrap().len() <= half);
    }

    #[test]
    fn a_file_in_use_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.sqlite");
        let _file = VectorFile::open(&path, BUDGET).unwrap();
        let error = VectorFile::open(&path, BUDGET).unwrap_err();
        assert_eq!(code(&error), Some(ErrorCode::DatabaseBusy), "{error}");
        assert!(!error.is_final());
    }

    #[test]
    fn other_files_are_left_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.sqlite");
        let other = Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE letters (text)").unwrap();
        drop(other);
        let before = fs::read(&path).unwrap();
        let error = VectorFile::open(&path, BUDGET).unwrap_err();
        assert!(matches!(error, FileError::Foreign(_)), "{error}");
        assert!(error.hint().unwrap().contains("remove"));
        assert_eq!(fs::read(&path).unwrap(), before);
        let text = "not a database, and longer than its head ".repeat(9);
        fs::write(&path, &text).unwrap();
        let error = VectorFile::open(&path, BUDGET).unwrap_err();
        assert!(error.is_final(), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn damage_is_an_error_or_a_missing_vector_and_never_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.sqlite");
        let mut file = VectorFile::open(&path, BUDGET).unwrap();
        put(&mut file, 0..200);
        drop(file);
        let whole = fs::read(&path).unwrap();
        let [mut failed, mut missing] = [0; 2];
        // A prime, so that the places are spread over all parts of a page.
        for place in (0..whole.len()).step_by(1021) {
            let mut damaged = whole.clone();
            let end = damaged.len().min(place + 8);
            damaged[place..end].fill(0xff);
            fs::write(&path, damaged).unwrap();
            let Ok(mut file) = VectorFile::open(&path, BUDGET) else {
                failed += 1;
                continue;
            };
            let keys: Vec<Key> = (0..200).map(|number| entry(number).0).collect();
            match file.get_all(&keys) {
                Ok((vectors, _)) => {
                    let wrong = vectors.iter().zip(0..).any(|(vector, number)| {
                        vector
                            .as_ref()
                            .is_some_and(|vector| *vector != entry(number).1)
                    });
                    assert!(!wrong, "at {place}");
                    missing += vectors.iter().filter(|vector| vector.is_none()).count();
                }
                Err(_) => failed += 1,
            }
            // Neither a panic nor an endless loop.
            drop(file.put_all(&[entry(200), entry(0)]));
        }
        assert!(failed > 0 && missing > 100, "{failed} {missing}");
    }

    #[test]
    fn a_damaged_vector_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.sqlite");
        let mut file = VectorFile::open(&path, BUDGET).unwrap();
        put(&mut file, 0..3);
        let update = "UPDATE vectors SET value = zeroblob(length(value)) WHERE rowid = 2";
        file.connection.execute(update, []).unwrap();
        let keys = [0, 1, 2].map(|number| entry(number).0);
        let (vectors, damaged) = file.get_all(&keys).unwrap();
        assert_eq!((vectors[1].as_ref(), damaged), (None, 1));
        put(&mut file, 1..2);
        assert_eq!(there(&file, 0..3), [0, 1, 2]);
    }
}
