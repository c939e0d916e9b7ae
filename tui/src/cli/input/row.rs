//! Rows of texts.

use std::borrow::Cow;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::fault::Faulty;

/// A row, or its fault.
pub(in crate::cli) type Parsed<const N: usize> = Result<Row<N>, Faulty>;

/// Texts of a line, and its further columns.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Row<const N: usize> {
    /// Number of the line in the input, from 1; of a record of several lines, that of the first.
    pub(in crate::cli) number: u64,
    /// Texts.
    pub(in crate::cli) texts: [String; N],
    /// Further columns or fields.
    pub(in crate::cli) further: Further,
    /// True if texts and columns may have tabs and line breaks of their own.
    pub(super) is_quoted: bool,
    /// Bytes of the line in the input.
    pub(super) bytes: usize,
}

impl<const N: usize> Row<N> {
    /// Columns for a table: each text, then the further columns, in which tabs and line breaks
    /// become spaces.
    pub(in crate::cli) fn columns(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let texts = self.texts.iter().map(|text| Cow::Borrowed(text.as_str()));
        let further = self.further.0.iter().map(|(_, value)| value.text());
        texts.chain(further).map(|column| {
            if self.is_quoted && column.contains(['\t', '\n', '\r']) {
                let column = column.replace("\r\n", " ");
                column.replace(['\t', '\n', '\r'], " ").into()
            } else {
                column
            }
        })
    }
}

/// Columns or fields with their names, which no text was read from.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Further(pub(super) Vec<(Arc<str>, Value)>);

impl Further {
    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Further {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            match value {
                Value::Text(text) => map.serialize_entry(&**name, text)?,
                Value::Json(json) => map.serialize_entry(&**name, json)?,
            }
        }
        map.end()
    }
}

/// Value of a column or field.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Text of a column.
    Text(String),
    /// Value of a field, as it stands in the input.
    Json(Box<RawValue>),
}

impl Value {
    /// Value for a table: a text without its quotes, nothing for null.
    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Json(json) if json.get() == "null" => Cow::Borrowed(""),
            Self::Json(json) => match serde_json::from_str::<String>(json.get()) {
                Ok(text) => Cow::Owned(text),
                // Another kind of value.
                Err(_) => Cow::Borrowed(json.get()),
            },
        }
    }
}
