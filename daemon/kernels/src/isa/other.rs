//! Architectures without an instruction set of their own here: [`Portable`](super::portable) is
//! used.

use super::kernel::Kernel;

/// No instruction set: a type without values.
#[derive(Clone, Copy)]
pub(super) enum Native {}

impl Native {
    /// None.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        std::iter::empty()
    }

    /// Never called.
    pub(super) fn dispatch<K: Kernel>(self, _: K) -> K::Output {
        match self {}
    }
}
