//! Cells of a record, and the texts among them.

use std::sync::Arc;

use super::fault::Fault;
use super::json_records::Fields;
use super::row::{Further, Value};
use super::selection::{Selection, width};

/// Texts and further columns of a record.
pub(super) type Texts<const N: usize> = ([String; N], Further);

/// Takes the texts of a table's record.
pub(super) fn of_cells<const N: usize>(
    cells: &[&str],
    selection: &Selection<N>,
    further: bool,
) -> Result<Texts<N>, Fault> {
    let first = selection.names.len();
    let width = width(cells);
    if width > first {
        return Err(Fault::with_hint(
            format!("{width} columns, where the first line has {first}"),
            "a text with a separator in it belongs in quotes, in CSV",
        ));
    }
    let mut texts = [const { String::new() }; N];
    for (text, index) in texts.iter_mut().zip(selection.texts) {
        let cell = cells
            .get(index)
            .ok_or_else(|| missing(cells.len(), index))?;
        (*cell).clone_into(text);
    }
    let mut rest = Vec::new();
    if further {
        let named = selection.names.iter().zip(cells).enumerate();
        for (index, (name, cell)) in named {
            if !selection.texts.contains(&index) {
                rest.push((Arc::clone(name), Value::Text((*cell).to_owned())));
            }
        }
    }
    Ok((texts, Further(rest)))
}

fn missing(cells: usize, index: usize) -> Fault {
    let columns = if cells == 1 { "column" } else { "columns" };
    Fault::new(format!(
        "{cells} {columns}, and the text is in column {}",
        index + 1
    ))
}

/// Takes the texts of an object, which are the fields of these names.
pub(super) fn of_fields<const N: usize>(
    fields: &Fields<'_>,
    names: &[String; N],
    further: bool,
) -> Result<Texts<N>, Fault> {
    let mut texts = [const { String::new() }; N];
    for (text, name) in texts.iter_mut().zip(names) {
        let index = fields.find(name);
        let index = index.ok_or_else(|| Fault::new(format!("the object has no field {name}")))?;
        *text = fields.text(index)?;
    }
    let mut rest = Vec::new();
    if further {
        let others = fields
            .0
            .iter()
            .filter(|(name, _)| !names.iter().any(|text| text == name));
        for (name, value) in others {
            rest.push((Arc::from(name.as_ref()), Value::Json((*value).to_owned())));
        }
    }
    Ok((texts, Further(rest)))
}
