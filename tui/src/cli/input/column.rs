//! Columns as users name them.

use std::fmt;
use std::str::FromStr;

/// A column, or a field of JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Column {
    /// Index of a column, from 0.
    Index(usize),
    /// Name in the header, or of a field.
    Name(String),
}

/// A column that cannot be one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli) enum ColumnError {
    #[error("a column has a name, or a number from 1 on")]
    Column,
    #[error("{0} columns are needed, separated by commas")]
    Count(usize),
}

impl FromStr for Column {
    type Err = ColumnError;

    fn from_str(column: &str) -> Result<Self, ColumnError> {
        let column = column.trim();
        if column.is_empty() {
            return Err(ColumnError::Column);
        }
        if !column.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self::Name(column.to_owned()));
        }
        let number: usize = column.parse().map_err(|_| ColumnError::Column)?;
        number
            .checked_sub(1)
            .map(Self::Index)
            .ok_or(ColumnError::Column)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{}", index + 1),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Several columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Columns<const N: usize>(pub(in crate::cli) [Column; N]);

impl<const N: usize> FromStr for Columns<N> {
    type Err = ColumnError;

    fn from_str(columns: &str) -> Result<Self, ColumnError> {
        let columns: Vec<Column> = columns
            .split([',', '，'])
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        columns
            .try_into()
            .map(Self)
            .map_err(|_| ColumnError::Count(N))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_names_or_numbers_from_1() {
        let columns: Columns<2> = "text_a, 3".parse().unwrap();
        let expected = [Column::Name("text_a".into()), Column::Index(2)];
        assert_eq!(columns.0, expected);
        assert_eq!("0".parse::<Column>(), Err(ColumnError::Column));
        assert_eq!("a,".parse::<Columns<2>>(), Err(ColumnError::Column));
        assert_eq!("a".parse::<Columns<2>>(), Err(ColumnError::Count(2)));
        assert_eq!("a,b,c".parse::<Columns<2>>(), Err(ColumnError::Count(2)));
        let huge = "99999999999999999999999";
        assert_eq!(huge.parse::<Column>(), Err(ColumnError::Column));
    }
}
