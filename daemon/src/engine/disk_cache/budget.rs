//! The budget of the file, in pages: the oldest vectors make room for new ones.

use rusqlite::{Connection, Row};

/// Bytes of a page: seven vectors of 512 values, five of 768, three of 1,024. A page of SQLite's
/// 4 KiB would have one of either, and be half empty.
pub(super) const PAGE_BYTES: i64 = 16 * 1024;

/// Vectors that are dropped at a time: a few pages.
const DROPPED: i64 = 64;

/// Vectors that are dropped at a time for a smaller budget.
const MANY_DROPPED: i64 = 1 << 14;

/// Rows are numbered (rowid) in the order in which they were written.
const DROP_OLDEST: &str =
    "DELETE FROM vectors WHERE rowid IN (SELECT rowid FROM vectors ORDER BY rowid LIMIT ?1)";

/// Value of a pragma that is a number.
pub(super) fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

/// Drops the oldest vectors, some at a time, until at most `pages` are in use.
pub(super) fn drop_oldest(connection: &Connection, pages: i64) -> rusqlite::Result<()> {
    drop_until(connection, pages, DROPPED)
}

/// Drops the oldest vectors of a file that was made for a larger budget, and makes it smaller.
pub(super) fn shrink(connection: &Connection, pages: i64) -> rusqlite::Result<()> {
    drop_until(connection, pages, MANY_DROPPED)?;
    let over = number(connection, "page_count")? - pages;
    if over > 0 {
        // It moves a page for each row that it returns.
        let moved = |_: &Row<'_>| Ok(());
        connection.pragma(None, "incremental_vacuum", over, moved)?;
    }
    Ok(())
}

fn drop_until(connection: &Connection, pages: i64, at_a_time: i64) -> rusqlite::Result<()> {
    loop {
        let used = number(connection, "page_count")? - number(connection, "freelist_count")?;
        if used <= pages || connection.execute(DROP_OLDEST, [at_a_time])? == 0 {
            return Ok(());
        }
    }
}
