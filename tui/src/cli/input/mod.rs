//! Input: rows of texts from a file or from stdin, available as they arrive.
//!
//! Bytes become physical lines ([`line_reader`]), these become records of cells ([`records`]), and
//! the chosen cells of a record are the texts of a row ([`rows`]). A fault in one of them is named
//! by its line, and [`policy`] says what becomes of it.

mod appearance;
mod column;
mod counting;
mod csv_records;
mod decoding;
mod fault;
mod format;
mod json_records;
mod known_names;
mod line_reader;
mod lines;
mod options;
mod policy;
#[cfg(test)]
mod reading_tests;
mod records;
mod row;
mod rows;
mod selection;
mod table;

pub(super) use column::{Column, Columns};
pub use counting::count_pairs;
pub(super) use fault::Faulty;
pub(super) use lines::Lines;
pub(super) use options::{Input, Wanted};
pub(super) use policy::{Decision, Policy};
pub(super) use row::{Further, Parsed, Row};
