//! Number of values per vector, which some requests state.

use gte_shared::wire::ModelInfo;

use super::failure::Failure;

/// Refuses another number of values per vector than the model's.
pub(super) fn check_dimensions(model: &ModelInfo, asked: Option<u32>) -> Result<(), Failure> {
    let dimension = model.dimension;
    match asked {
        Some(asked) if asked != dimension => Err(Failure::bad_request(format!(
            "dimensions is {asked}, and vectors of this model have {dimension}"
        ))),
        _ => Ok(()),
    }
}
