//! The file of vectors: a SQLite database with one table, whose oldest rows make room for new ones.

use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use gte_shared::private_file;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, params};

use super::budget::{self, PAGE_BYTES};
use super::database;
use super::error::FileError;
use crate::engine::vector_key::Key;
use crate::engine::vector_value::{Vector, decode, encode};

/// Bytes of the log from which on its pages are written to their places before it grows again.
const LOG_BYTES: u64 = 1 << 20;

/// Part of the budget that the table does not get: the log has [`LOG_BYTES`] and the pages of one
/// transaction, in which each vector, new or dropped, changes about a page of the index.
const LOG_RESERVE: u64 = 16 << 20;

/// Most vectors that are written in one transaction.
pub(super) const TRANSACTION: usize = 256;

const SELECT: &str = "SELECT value FROM vectors WHERE key = ?1";
const INSERT: &str = "INSERT OR IGNORE INTO vectors (key, value) VALUES (?1, ?2)";
const REMOVE: &str = "DELETE FROM vectors WHERE key = ?1";

/// Vectors of keys, and the keys of those that are damaged.
type Found = (Vec<Option<Vector>>, Vec<Key>);

/// The file of vectors. One process at a time has it open.
#[derive(Debug)]
pub(super) struct VectorFile {
    path: PathBuf,
    /// Device and number of the file (inode(7)).
    number: (u64, u64),
    connection: Connection,
    /// Most pages in use.
    pages: i64,
}

impl VectorFile {
    /// Opens the file, and makes it and its folder if they are missing, for their owner alone. It
    /// takes at most `budget` bytes on disk, with the log beside it. A file that is larger, because
    /// the budget was, is made anew.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is of something else, or is in use by another process.
    pub(super) fn open(path: &Path, budget: u64) -> Result<Self, FileError> {
        let file = Self::open_any(path, budget)?;
        if file.bytes() <= budget {
            return Ok(file);
        }
        // Dropping the vectors in the database would need room on the disk.
        std::fs::remove_file(path).map_err(open_error(path))?;
        file.abandon();
        Self::open_any(path, budget)
    }

    /// Opens a file of any size.
    fn open_any(path: &Path, budget: u64) -> Result<Self, FileError> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let folder = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        folder.map_err(open_error(path))?;
        // SQLite would make it readable for others, and its log as it is itself.
        let file = private_file::open(OpenOptions::new().read(true).write(true), path);
        let file = file.and_then(|file| file.metadata());
        let number = number_of(&file.map_err(open_error(path))?);
        let connection = database::open(path).map_err(database_error(path))?;
        let connection = connection.ok_or_else(|| FileError::Foreign(path.to_owned()))?;
        let pages = budget.saturating_sub(LOG_RESERVE) / PAGE_BYTES.unsigned_abs();
        Ok(Self {
            path: path.to_owned(),
            number,
            connection,
            pages: i64::try_from(pages).unwrap_or(i64::MAX),
        })
    }

    /// Looks up the vectors of keys.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub(super) fn get_all(&self, keys: &[Key]) -> Result<Found, FileError> {
        let get_all = || {
            let mut select = self.connection.prepare(SELECT)?;
            let mut vectors = Vec::with_capacity(keys.len());
            let mut damaged = Vec::new();
            for key in keys {
                let value = select.query_row([&key[..]], |row| {
                    // A damaged row may have another type.
                    let value = row.get_ref(0)?.as_bytes().ok();
                    Ok(value.and_then(|value| decode(key, value)))
                });
                let vector = value.optional()?;
                if let Some(None) = vector {
                    damaged.push(*key);
                }
                vectors.push(vector.flatten());
            }
            Ok((vectors, damaged))
        };
        get_all().map_err(database_error(&self.path))
    }

    /// Removes vectors.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub(super) fn remove_all(&self, keys: &[Key]) -> Result<(), FileError> {
        let remove = |key: &Key| self.connection.execute(REMOVE, [&key[..]]).map(drop);
        let removed = keys.iter().try_for_each(remove);
        removed.map_err(database_error(&self.path))
    }

    /// Writes at most [`TRANSACTION`] vectors, and drops the oldest for them.
    ///
    /// # Errors
    ///
    /// If the database fails, or somebody has replaced the file; the vectors are then not in it.
    pub(super) fn put_all(&mut self, vectors: &[(Key, Vector)]) -> Result<(), FileError> {
        let path = self.path.metadata().as_ref().map(number_of).ok();
        if path != Some(self.number) {
            return Err(FileError::Replaced(self.path.clone()));
        }
        let mut put_all = || {
            if self.log_bytes() >= LOG_BYTES {
                self.connection
                    .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            }
            let transaction = self.connection.transaction()?;
            let mut insert = transaction.prepare(INSERT)?;
            for (key, vector) in vectors {
                insert.execute(params![&key[..], encode(key, vector)])?;
            }
            drop(insert);
            budget::drop_oldest(&transaction, self.pages)?;
            transaction.commit()
        };
        put_all().map_err(database_error(&self.path))
    }

    /// Bytes on disk, those of the log included; 0 for what the system does not tell.
    pub(super) fn bytes(&self) -> u64 {
        self.path.metadata().map_or(0, |of| of.len()) + self.log_bytes()
    }

    fn log_bytes(&self) -> u64 {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        // Without a log, there is none.
        std::fs::metadata(log).map_or(0, |of| of.len())
    }

    /// Closes a file that is not at its path any more, and leaves what is there alone.
    pub(super) fn abandon(self) {
        // Closing would remove the log by its name. An unknown option would be an error.
        let option = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        if let Err(error) = self.connection.set_db_config(option, true) {
            tracing::warn!(%error, "log of the disk cache may be removed");
        }
    }
}

fn number_of(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

fn open_error(path: &Path) -> impl Fn(std::io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Open {
        path: path.clone(),
        source,
    }
}

fn database_error(path: &Path) -> impl Fn(rusqlite::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Database {
        path: path.clone(),
        source,
    }
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
        // Nothing is mapped that another process could cut short.
        let names = fs::read_dir(path.parent().unwrap()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        assert_eq!(names, ["vectors.sqlite", "vectors.sqlite-wal"]);
        assert!(there(&file, 0..20).into_iter().eq(0..12));
    }

    #[test]
    fn the_oldest_make_room_within_the_budget() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.sqlite");
        let mut file = VectorFile::open(&path, BUDGET).unwrap();
        let mut most = 0;
        let step = u32::try_from(TRANSACTION).unwrap();
        for start in (0..40_000).step_by(TRANSACTION) {
            put(&mut file, start..40_000.min(start + step));
            most = most.max(file.bytes());
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

        // For a smaller budget it begins anew, without needing room for that.
        let half = BUDGET / 2;
        let mut file = VectorFile::open(&path, half).unwrap();
        assert!(file.bytes() < 1 << 20);
        put(&mut file, 0..10);
        assert_eq!(there(&file, 0..40_000).len(), 10);
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
        assert_eq!((vectors[1].as_ref(), &damaged[..]), (None, &keys[1..2]));
        file.remove_all(&damaged).unwrap();
        put(&mut file, 1..2);
        assert_eq!(there(&file, 0..3), [0, 1, 2]);
    }
}
