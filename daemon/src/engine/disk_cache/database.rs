//! The database in the file: its table, and how SQLite keeps it.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row, ffi};

use super::budget::{PAGE_BYTES, number};

/// Mark of the file among SQLite databases: "gtev".
const APPLICATION_ID: i64 = 0x6774_6576;

/// Version of the table. Keys have a version of their own: that of the program.
const LAYOUT: i64 = 1;

/// Wait for another process that has the file: one that is just ending releases it.
const LOCK_TIMEOUT: Duration = Duration::from_millis(200);

const CREATE: &str = "CREATE TABLE vectors (key BLOB NOT NULL UNIQUE, value BLOB NOT NULL) STRICT";

/// Opens the database for this process alone, and makes the table in an empty file. `None` for a
/// database of something else, which stays as it is.
///
/// # Errors
///
/// If SQLite cannot read or write the file, or another process has it.
pub(super) fn open(path: &Path) -> rusqlite::Result<Option<Connection>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    // Before anything is read: SQLite then keeps the index of the log in this process, not in a
    // file that processes share and map. The file stays locked until it is closed.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    // More of what a damaged page can have is an error.
    connection.pragma_update(None, "cell_size_check", true)?;
    if number(&connection, "page_count")? == 0 {
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        // All at once, and before there is a log.
        let transaction = connection.transaction()?;
        transaction.execute(CREATE, [])?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", LAYOUT)?;
        transaction.commit()?;
    }
    let id = number(&connection, "application_id")?;
    if id != APPLICATION_ID || number(&connection, "user_version")? != LAYOUT {
        return Ok(None);
    }
    let text = |row: &Row<'_>| row.get(0);
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", text)?;
    if mode != "wal" {
        let code = ffi::Error::new(ffi::SQLITE_CANTOPEN);
        let message = "the database has no log".to_owned();
        return Err(rusqlite::Error::SqliteFailure(code, Some(message)));
    }
    // The end of this process loses nothing; a crash of the machine the latest vectors.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // SQLite would pass over its errors.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(Some(connection))
}
