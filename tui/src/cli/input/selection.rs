//! Selection of the columns with texts, by the first record.

use std::sync::Arc;

use super::column::Column;
use super::fault::Fault;
use super::format::{Format, Header};
use super::known_names;

/// Columns of a table that are read as texts.
#[derive(Debug)]
pub(super) struct Selection<const N: usize> {
    /// Indexes of the texts.
    pub(super) texts: [usize; N],
    /// Name of each column of the first record: that of the header, else its number.
    pub(super) names: Vec<Arc<str>>,
    /// True if the first record is a header.
    pub(super) has_header: bool,
    /// True if its names alone say so, which texts may be, too.
    pub(super) is_guessed: bool,
}

impl<const N: usize> Selection<N> {
    /// Selects the columns of a table with this first record.
    pub(super) fn new(
        first: &[&str],
        columns: Option<&[Column; N]>,
        header: Header,
    ) -> Result<Self, Fault> {
        let is_named =
            columns.is_some_and(|columns| columns.iter().any(|of| matches!(of, Column::Name(_))));
        let known = known_names::find(first);
        let has_header = match header {
            Header::Yes => true,
            Header::No => false,
            Header::Auto => is_named || known.is_some(),
        };
        if is_named && !has_header {
            let hint = "without a header, columns have numbers from 1 on";
            return Err(Fault::with_hint(
                "columns are named, but the header is off",
                hint,
            ));
        }
        let texts = match columns {
            Some(columns) => by_name(first, columns)?,
            None => match known.filter(|_| has_header) {
                Some(known) => known,
                None => first_columns(first, has_header)?,
            },
        };
        let name = |(index, name): (usize, &&str)| {
            let name = name.trim();
            if has_header && !name.is_empty() {
                Arc::from(name)
            } else {
                Arc::from((index + 1).to_string())
            }
        };
        Ok(Self {
            texts,
            names: first.iter().enumerate().map(name).collect(),
            has_header,
            is_guessed: has_header && header == Header::Auto && !is_named,
        })
    }
}

fn by_name<const N: usize>(first: &[&str], columns: &[Column; N]) -> Result<[usize; N], Fault> {
    let mut texts = [0; N];
    for (text, column) in texts.iter_mut().zip(columns) {
        *text = match column {
            Column::Index(index) => *index,
            Column::Name(wanted) => {
                let exact = first.iter().position(|name| name.trim() == wanted);
                let same = |name: &&str| name.trim().to_lowercase() == wanted.to_lowercase();
                let found = exact.or_else(|| first.iter().position(same));
                found.ok_or_else(|| no_column(wanted, first))?
            }
        };
    }
    Ok(texts)
}

/// Fault of a name that the header, or the first object, does not have.
pub(super) fn no_column(wanted: &str, names: &[&str]) -> Fault {
    Fault::with_hint(
        format!("no column is called {wanted}"),
        format!("the columns are {}", names.join(", ")),
    )
}

/// The first columns of a table without usual names: all of its columns that are not empty, or the
/// first two before numbers, such as labels.
fn first_columns<const N: usize>(first: &[&str], has_header: bool) -> Result<[usize; N], Fault> {
    // A blank text at the end is one all the same.
    let width = width(first).max(N);
    let is_number = |cell: &&str| cell.trim().parse::<f64>().is_ok();
    let (texts, others) = first.split_at(N.min(first.len()));
    let others = &others[..width.saturating_sub(N)];
    let is_labeled = others.iter().all(is_number) && !texts.iter().any(is_number);
    let is_clear = width == N || N == 2 && is_labeled;
    if !is_clear || has_header && width > N {
        let hint = match N {
            2 => "name those of the two texts with --columns: names of a header, or numbers from 1",
            _ => "name that of the text with --field: a name of a header, or a number from 1",
        };
        return Err(Fault::with_hint(format!("there are {width} columns"), hint));
    }
    Ok(std::array::from_fn(|index| index))
}

/// Number of columns up to the last that is not empty: spreadsheets leave separators at the end.
pub(super) fn width(cells: &[&str]) -> usize {
    let last = cells.iter().rposition(|cell| !cell.trim().is_empty());
    last.map_or(0, |last| last + 1)
}

/// Fault of a record with one column, where a pair is needed.
pub(super) fn too_few(cells: &[&str], format: Format) -> Fault {
    let cell = cells.first().copied().unwrap_or_default();
    if format == Format::Csv {
        let hint = "separators are commas, semicolons or tabs, or what a first line says: sep=|";
        return Fault::with_hint("1 column, where a pair has 2: a,b", hint);
    }
    let problem = "1 column, where a pair has 2: a<TAB>b";
    if cell.trim_start().starts_with('{') {
        return Fault::with_hint(
            problem,
            "it looks like JSON: --format jsonl reads its fields",
        );
    }
    let comma = [',', ';'].into_iter().find(|comma| cell.contains(*comma));
    match comma {
        Some(comma) => {
            let hint = format!("columns separated by '{comma}' are read with --format csv");
            Fault::with_hint(problem, hint)
        }
        None => Fault::with_hint(problem, "put a tab between the two texts"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<const N: usize>(first: &[&str], columns: Option<&str>) -> Result<[usize; N], String> {
        let columns = columns.map(|columns| columns.parse::<super::super::Columns<N>>().unwrap().0);
        let selection = Selection::new(first, columns.as_ref(), Header::Auto);
        selection
            .map(|selection| selection.texts)
            .map_err(|fault| format!("{}; {}", fault.problem, fault.hint.unwrap_or_default()))
    }

    #[test]
    fn columns_are_those_named_or_usual_or_the_first() {
        assert_eq!(texts(&["甲", "乙"], None), Ok([0, 1]));
        assert_eq!(texts(&["甲", "乙", "", " "], None), Ok([0, 1]));
        assert_eq!(texts(&["甲", "乙", "1"], None), Ok([0, 1]));
        assert_eq!(texts(&["id", "text_a", "text_b"], None), Ok([1, 2]));
        assert_eq!(texts(&["7", "甲", "乙"], Some("2,3")), Ok([1, 2]));
        assert_eq!(texts(&["x", "Y"], Some("y,x")), Ok([1, 0]));
        assert_eq!(texts(&["甲"], None), Ok([0]));
        assert_eq!(texts(&["id", "text"], None), Ok([1]));
    }

    #[test]
    fn unclear_columns_are_asked_for() {
        let number = texts::<2>(&["7", "甲", "乙"], None).unwrap_err();
        assert!(
            number.starts_with("there are 3 columns; name those"),
            "{number}"
        );
        let two = texts::<1>(&["甲", "乙"], None).unwrap_err();
        assert!(two.starts_with("there are 2 columns; name that"), "{two}");
        let missing = texts::<2>(&["x", "y"], Some("x,z")).unwrap_err();
        assert_eq!(missing, "no column is called z; the columns are x, y");
        let id = texts::<2>(&["id", "问", "答"], None).unwrap_err();
        assert!(id.starts_with("there are 3 columns"), "{id}");
        let hint = |cell, format| too_few(&[cell], format).hint.unwrap();
        assert!(hint("甲,乙", Format::Tsv).contains("--format csv"));
        assert!(hint("甲|乙", Format::Csv).contains("sep=|"));
        assert!(hint("{\"a\":1}", Format::Tsv).contains("--format jsonl"));
    }
}
