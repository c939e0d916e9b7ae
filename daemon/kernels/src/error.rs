//! The one error of this crate.

/// Slices whose lengths do not match the shape of an operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {input} input values do not match {output} output values")]
pub struct ShapeError {
    /// Operation, with its shape where it has one.
    pub operation: String,
    /// Number of values that go in.
    pub input: usize,
    /// Number of values that there is room for.
    pub output: usize,
}
