//! The instruction set that a computation uses.

use std::fmt;

use rten_simd::ops::BitOps;
use rten_simd::{Isa, SimdOp};

use super::kernel::{Int8Isa, Kernel};
use super::native::Native;
use super::portable::Portable;

/// An instruction set that this CPU supports.
#[derive(Clone, Copy)]
pub struct Cpu(Choice);

#[derive(Clone, Copy)]
enum Choice {
    Native(Native),
    Portable(Portable),
}

/// Constants of an instruction set as values.
struct Properties {
    name: &'static str,
    fast_int8: bool,
    max_activation: u8,
    panel_width: usize,
}

struct Describe;

/// Counts the values of a vector.
struct Lanes;

impl SimdOp for Lanes {
    type Output = usize;

    fn eval<I: Isa>(self, isa: I) -> usize {
        isa.f32().len()
    }
}

/// Number of f32 values that an operation of `rten-vecmath` takes at a time on this CPU. Sums of
/// another number have another rounding.
#[must_use]
pub fn vector_lanes() -> usize {
    Lanes.dispatch()
}

impl Kernel for Describe {
    type Output = Properties;

    fn eval<M: Int8Isa>(self, isa: M) -> Properties {
        Properties {
            name: M::NAME,
            fast_int8: M::FAST_INT8,
            max_activation: M::MAX_ACTIVATION,
            panel_width: isa.panel_width(),
        }
    }
}

impl Cpu {
    /// The best instruction set that this CPU supports.
    #[must_use]
    pub fn detect() -> Self {
        let native = Native::all().next();
        Self(native.map_or(Choice::Portable(Portable::new()), Choice::Native))
    }

    /// All instruction sets that this CPU supports, best first.
    pub fn all() -> impl Iterator<Item = Self> {
        Native::all()
            .map(Choice::Native)
            .chain([Choice::Portable(Portable::new())])
            .map(Self)
    }

    /// Name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.dispatch(Describe).name
    }

    /// True where products of eight-bit integers are faster than products of f32 values.
    #[must_use]
    pub fn is_fast_in_int8(self) -> bool {
        self.dispatch(Describe).fast_int8
    }

    /// Largest eight-bit activation whose products with weights are added up exactly.
    #[must_use]
    pub fn max_activation(self) -> u8 {
        self.dispatch(Describe).max_activation
    }

    /// Columns of a panel of packed weights.
    pub(crate) fn panel_width(self) -> usize {
        self.dispatch(Describe).panel_width
    }

    /// Evaluates a kernel with the instructions of this CPU.
    pub(crate) fn dispatch<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Choice::Native(native) => native.dispatch(kernel),
            Choice::Portable(portable) => kernel.eval(portable),
        }
    }
}

impl fmt::Debug for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
