//! Reading alone, for the benchmark.

use std::path::Path;

use anyhow::Context;

use super::appearance::Name;
use super::format::Format;
use super::options::open;
use super::rows::Rows;
use super::table::Table;

/// Reads the pairs of a file of a known format, `.tsv`, `.csv` or `.jsonl`, with their further
/// columns, and returns the number of pairs and the bytes of their texts.
///
/// # Errors
///
/// If the file cannot be opened, or a line of it is faulty.
pub fn count_pairs(path: &Path) -> anyhow::Result<(u64, usize)> {
    let format = Format::of_name(path).context("the name states no format")?;
    let reader = open(Some(path), None)?;
    let mut rows = Rows::new(reader, Table::<2>::new(Name::new(Some(path)), format));
    let (mut pairs, mut bytes) = (0, 0);
    while let Some(row) = rows.next() {
        let row = row.map_err(|faulty| faulty.error)?;
        pairs += 1;
        bytes += row.texts.iter().map(String::len).sum::<usize>();
    }
    Ok((pairs, bytes))
}
