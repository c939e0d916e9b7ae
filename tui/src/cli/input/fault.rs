//! Faults of the input.

use crate::cli::error::InputError;

/// A problem with the input, and the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) problem: String,
    pub(super) hint: Option<String>,
}

impl Fault {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            hint: None,
        }
    }

    pub(super) fn with_hint(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            hint: Some(hint.into()),
        }
    }

    /// Makes the fault of a line.
    pub(super) fn at(self, number: u64) -> Faulty {
        Faulty {
            number,
            error: InputError::new(format!("line {number}"), self.problem).with_hint(self.hint),
            is_blank: false,
            ends: false,
        }
    }
}

/// A line without texts to compare.
#[derive(Debug)]
pub(in crate::cli) struct Faulty {
    /// Number of the line, from 1.
    pub(in crate::cli) number: u64,
    /// Message with the location.
    pub(in crate::cli) error: InputError,
    /// True if the line has no text at all, and no other fault.
    pub(in crate::cli) is_blank: bool,
    /// True if nothing behind it can be read.
    pub(in crate::cli) ends: bool,
}

impl Faulty {
    /// Makes this a fault that ends the input.
    pub(super) fn ending(self) -> Self {
        Self { ends: true, ..self }
    }
}
