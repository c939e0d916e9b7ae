//! The budget of the file, in pages: the oldest vectors make room for new ones.

use rusqlite::Connection;

/// Bytes of a page: seven vectors of 512 values, five of 768, three of 1,024. On pages of SQLite's
/// own 4 KiB, a vector of 512 values would leave half of its page empty.
pub(super) const PAGE_BYTES: i64 = 16 * 1024;

/// Vectors that are dropped at a time: a few pages.
const DROPPED: i64 = 64;

/// Rows are numbered (rowid) in the order in which they were written.
const DROP_OLDEST: &str =
    "DELETE FROM vectors WHERE rowid IN (SELECT rowid FROM vectors ORDER BY rowid LIMIT ?1)";

/// Value of a pragma that is a number.
pub(super) fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

/// Drops the oldest vectors, some at a time, until at most `pages` are in use.
pub(super) fn drop_oldest(connection: &Connection, pages: i64) -> rusqlite::Result<()> {
    loop {
        let used = number(connection, "page_count")? - number(connection, "freelist_count")?;
        if used <= pages || connection.execute(DROP_OLDEST, [DROPPED])? == 0 {
            return Ok(());
        }
    }
}
