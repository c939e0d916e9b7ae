//! Labelled pairs: a table of two texts and what people say of them.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::EvalError;

/// Least pairs: below, figures say nothing.
const MIN_PAIRS: usize = 10;

/// A labelled pair.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pair {
    /// The first text.
    pub(crate) a: String,
    /// The second text.
    pub(crate) b: String,
    /// The label.
    pub(crate) label: f64,
    /// Number of its line, from 1.
    pub(crate) line: usize,
}

/// Kind of the labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Labels {
    /// 0 and 1: different and the same.
    Binary,
    /// Ratings between two numbers, such as 0 to 5.
    Rated {
        /// The least.
        least: f64,
        /// The greatest.
        greatest: f64,
    },
}

/// Labelled pairs of a file.
#[derive(Clone, Debug)]
pub(crate) struct Pairs {
    /// The pairs.
    pub(crate) pairs: Vec<Pair>,
    /// Kind of their labels.
    pub(crate) labels: Labels,
}

impl Pairs {
    /// Reads a file of lines `a<TAB>b<TAB>label`. A first line without a number in the third column
    /// is a header; blank lines are passed over.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, a line is not such a pair, or the labels are all the same.
    pub(crate) fn read(path: &Path) -> Result<Self, EvalError> {
        let text = std::fs::read_to_string(path).map_err(|source| EvalError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, EvalError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut pairs = Vec::new();
        for (line, content) in (1..).zip(text.lines()) {
            if content.trim().is_empty() {
                continue;
            }
            let wrong = |problem: String| EvalError::Line { line, problem };
            let columns: Vec<&str> = content.split('\t').collect();
            let [a, b, label] = columns[..] else {
                let count = columns.len();
                let problem = format!("{count} columns, where a pair has 3: a<TAB>b<TAB>label");
                return Err(wrong(problem));
            };
            let label = match label.trim().parse::<f64>() {
                Ok(label) if label.is_finite() => label,
                _ if line == 1 => continue,
                _ => return Err(wrong("the label is not a number".to_owned())),
            };
            let [a, b] = [a, b].map(str::to_owned);
            pairs.push(Pair { a, b, label, line });
        }
        let labels = kind(&pairs)?;
        Ok(Self { pairs, labels })
    }
}

fn kind(pairs: &[Pair]) -> Result<Labels, EvalError> {
    if pairs.len() < MIN_PAIRS {
        let count = pairs.len();
        let problem = format!("{count} pairs are too few: at least {MIN_PAIRS} are needed");
        return Err(EvalError::Unfit(problem));
    }
    let labels = pairs.iter().map(|pair| pair.label);
    let least = labels.clone().fold(f64::INFINITY, f64::min);
    let greatest = labels.clone().fold(f64::NEG_INFINITY, f64::max);
    let different: BTreeSet<u64> = labels.map(f64::to_bits).collect();
    if different.len() < 2 {
        let problem = "all labels are the same: pairs with other labels are needed as well";
        return Err(EvalError::Unfit(problem.to_owned()));
    }
    let is_binary = different.len() == 2
        && least.abs() < f64::EPSILON
        && greatest.to_bits() == 1.0_f64.to_bits();
    Ok(if is_binary {
        Labels::Binary
    } else {
        Labels::Rated { least, greatest }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_and_blank_lines_are_passed_over() {
        let rows = (0..10).map(|n| format!("甲{n}\t乙\t{}\r\n\r\n", n % 2));
        let rows = rows.collect::<Vec<_>>().concat();
        let pairs = Pairs::parse(&format!("\u{feff}a\tb\tlabel\n{rows}")).unwrap();
        assert_eq!((pairs.pairs.len(), pairs.labels), (10, Labels::Binary));
        let second = &pairs.pairs[1];
        assert_eq!(
            (&*second.a, second.label.to_bits(), second.line),
            ("甲1", 1.0_f64.to_bits(), 4)
        );
        let rated = Pairs::parse(&rows.replace("\t1\r", "\t4.5\r")).unwrap();
        let (least, greatest) = (0.0, 4.5);
        assert_eq!(rated.labels, Labels::Rated { least, greatest });
    }

    #[test]
    fn unfit_tables_are_refused_without_quoting_them() {
        let rows = "甲\t乙\t1\n".repeat(20);
        for (table, problem) in [
            ("甲\t乙\t1\n甲\t乙", "line 2: 2 columns"),
            ("甲\t乙\t1\n甲\t乙\t是", "line 2: the label is not a number"),
            ("甲\t乙\t1\n", "1 pairs are too few"),
            (&*rows, "all labels are the same"),
        ] {
            let error = Pairs::parse(table).unwrap_err().to_string();
            assert!(error.contains(problem) && !error.contains('甲'), "{error}");
        }
    }
}
