//! What the CPU can do, found out at run time: the vectors it computes with, and how it multiplies
//! eight-bit numbers.

use std::fmt;

use rten_simd::Isa;
use rten_simd::isa::GenericIsa;
#[cfg(target_arch = "x86_64")]
use rten_simd::isa::{Avx2Isa, Avx512Isa};
use rten_simd::ops::BitOps;

type I8<M> = <<M as Machine>::Isa as Isa>::I8;
type I32<M> = <<M as Machine>::Isa as Isa>::I32;

/// One kind of CPU. A value of it is the proof that this CPU is of the kind.
pub(super) trait Machine: Copy + Send + Sync {
    /// Its vectors.
    type Isa: Isa;

    /// Vectors side by side in a tile, chosen so that a tile of [`ROWS`](super::tile::ROWS) rows just
    /// fits into its registers: 2 or 4.
    const VECTORS: usize;

    /// The largest eight-bit activation whose products with weights this CPU adds up exactly.
    const LARGEST: u8;

    fn isa(self) -> Self::Isa;

    /// Multiplies activations (0 to [`LARGEST`](Self::LARGEST)) with weights (-127 to 127) and adds the
    /// products to the sums, four neighbours to one sum.
    fn dot(self, activations: I8<Self>, weights: I8<Self>, sums: I32<Self>) -> I32<Self>;
}

/// Something to compute that is compiled once for each kind of CPU.
///
/// Whatever takes time must be in [`run`](Self::run) itself or in what is inlined into it: that alone is
/// compiled with the CPU's instructions. So threads are shared out outside of it.
pub(super) trait Work {
    type Output;

    fn run<M: Machine>(self, machine: M) -> Self::Output;
}

/// The kind of CPU that this process runs on.
#[derive(Clone, Copy)]
pub(in crate::model) enum Cpu {
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(Avx512Vnni),
    #[cfg(target_arch = "x86_64")]
    AvxVnni(AvxVnni),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
    Portable(Portable),
}

impl fmt::Debug for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni(_) => "AVX-512 VNNI",
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni(_) => "AVX-VNNI",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "AVX2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "NEON",
            Self::Portable(_) => "portable",
        })
    }
}

impl Cpu {
    /// The best kind that this CPU is of.
    pub(in crate::model) fn detect() -> Self {
        Self::all()
            .next()
            .unwrap_or(Self::Portable(Portable::new()))
    }

    /// Every kind that this CPU is of, best first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let own = [
            Avx512Vnni::new().map(Self::Avx512Vnni),
            AvxVnni::new().map(Self::AvxVnni),
            Avx2::new().map(Self::Avx2),
        ];
        #[cfg(target_arch = "aarch64")]
        let own = [Neon::new().map(Self::Neon)];
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let own = [];
        own.into_iter()
            .flatten()
            .chain([Self::Portable(Portable::new())])
    }

    /// Whether eight-bit numbers are faster than f32 on it.
    pub(in crate::model) fn is_fast_in_int8(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni(_) | Self::AvxVnni(_) | Self::Avx2(_) => true,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => false,
            Self::Portable(_) => false,
        }
    }

    /// Columns of a panel of weights, see [`Panels`](super::panels::Panels).
    pub(super) fn panel(self) -> usize {
        self.run(Width)
    }

    /// See [`Machine::LARGEST`].
    pub(super) fn largest(self) -> u8 {
        self.run(Largest)
    }

    /// Computes it with the instructions of this CPU.
    pub(super) fn run<W: Work>(self, work: W) -> W::Output {
        match self {
            // Safety: there is no value of a kind on a CPU that is not of it.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni(machine) => unsafe { with_avx512_vnni(machine, work) },
            // Safety: as above.
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni(machine) => unsafe { with_avx_vnni(machine, work) },
            // Safety: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(machine) => unsafe { with_avx2(machine, work) },
            #[cfg(target_arch = "aarch64")]
            Self::Neon(machine) => work.run(machine),
            Self::Portable(machine) => work.run(machine),
        }
    }
}

struct Width;

impl Work for Width {
    type Output = usize;

    fn run<M: Machine>(self, machine: M) -> usize {
        M::VECTORS * machine.isa().f32().len()
    }
}

struct Largest;

impl Work for Largest {
    type Output = u8;

    fn run<M: Machine>(self, _: M) -> u8 {
        M::LARGEST
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,f16c")]
fn with_avx512_vnni<W: Work>(machine: Avx512Vnni, work: W) -> W::Output {
    work.run(machine)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c,avxvnni")]
fn with_avx_vnni<W: Work>(machine: AvxVnni, work: W) -> W::Output {
    work.run(machine)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn with_avx2<W: Work>(machine: Avx2, work: W) -> W::Output {
    work.run(machine)
}

/// AVX-512 with its dot product of bytes: Intel's servers since 2019, AMD since Zen 4.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(in crate::model) struct Avx512Vnni(Avx512Isa);

#[cfg(target_arch = "x86_64")]
impl Avx512Vnni {
    fn new() -> Option<Self> {
        Avx512Isa::new()
            .filter(|_| is_x86_feature_detected!("avx512vnni"))
            .map(Self)
    }
}

#[cfg(target_arch = "x86_64")]
impl Machine for Avx512Vnni {
    type Isa = Avx512Isa;
    const VECTORS: usize = 4;
    const LARGEST: u8 = 255;

    #[inline(always)]
    fn isa(self) -> Avx512Isa {
        self.0
    }

    #[inline(always)]
    fn dot(self, activations: I8<Self>, weights: I8<Self>, sums: I32<Self>) -> I32<Self> {
        // Safety: the instruction is there, `new` has seen to it.
        unsafe { std::arch::x86_64::_mm512_dpbusd_epi32(sums.0, activations.0, weights.0) }.into()
    }
}

/// AVX2 with a dot product of bytes: Intel's desktops since 2021.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(in crate::model) struct AvxVnni(Avx2Isa);

#[cfg(target_arch = "x86_64")]
impl AvxVnni {
    fn new() -> Option<Self> {
        Avx2Isa::new()
            .filter(|_| is_x86_feature_detected!("avxvnni"))
            .map(Self)
    }
}

#[cfg(target_arch = "x86_64")]
impl Machine for AvxVnni {
    type Isa = Avx2Isa;
    const VECTORS: usize = 2;
    const LARGEST: u8 = 255;

    #[inline(always)]
    fn isa(self) -> Avx2Isa {
        self.0
    }

    #[inline(always)]
    fn dot(self, activations: I8<Self>, weights: I8<Self>, sums: I32<Self>) -> I32<Self> {
        // Safety: the instruction is there, `new` has seen to it.
        unsafe { std::arch::x86_64::_mm256_dpbusd_avx_epi32(sums.0, activations.0, weights.0) }
            .into()
    }
}

/// AVX2: nearly every x86-64 since 2013.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(in crate::model) struct Avx2(Avx2Isa);

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    fn new() -> Option<Self> {
        Avx2Isa::new().map(Self)
    }
}

#[cfg(target_arch = "x86_64")]
impl Machine for Avx2 {
    type Isa = Avx2Isa;
    const VECTORS: usize = 2;
    /// Two products are added in sixteen bits: 2 × 128 × 127 is within them (rounding may give one more
    /// than the largest), 2 × 255 × 127 is not.
    const LARGEST: u8 = 127;

    #[inline(always)]
    fn isa(self) -> Avx2Isa {
        self.0
    }

    #[inline(always)]
    fn dot(self, activations: I8<Self>, weights: I8<Self>, sums: I32<Self>) -> I32<Self> {
        use std::arch::x86_64::{
            _mm256_add_epi32, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi16,
        };
        // Safety: the instructions are there, `Avx2Isa` has seen to it.
        unsafe {
            let pairs = _mm256_maddubs_epi16(activations.0, weights.0);
            let fours = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
            _mm256_add_epi32(sums.0, fours)
        }
        .into()
    }
}

/// NEON: every aarch64.
#[cfg(target_arch = "aarch64")]
#[derive(Clone, Copy)]
pub(in crate::model) struct Neon(rten_simd::isa::ArmNeonIsa);

#[cfg(target_arch = "aarch64")]
impl Neon {
    fn new() -> Option<Self> {
        rten_simd::isa::ArmNeonIsa::new().map(Self)
    }
}

#[cfg(target_arch = "aarch64")]
impl Machine for Neon {
    type Isa = rten_simd::isa::ArmNeonIsa;
    const VECTORS: usize = 4;
    const LARGEST: u8 = 255;

    #[inline(always)]
    fn isa(self) -> Self::Isa {
        self.0
    }

    #[inline(always)]
    fn dot(self, activations: I8<Self>, weights: I8<Self>, sums: I32<Self>) -> I32<Self> {
        one_by_one(self.0, activations, weights, sums)
    }
}

/// Any CPU.
#[derive(Clone, Copy)]
pub(in crate::model) struct Portable(GenericIsa);

impl Portable {
    fn new() -> Self {
        Self(GenericIsa::new())
    }
}

impl Machine for Portable {
    type Isa = GenericIsa;
    const VECTORS: usize = 2;
    const LARGEST: u8 = 255;

    #[inline(always)]
    fn isa(self) -> GenericIsa {
        self.0
    }

    #[inline(always)]
    fn dot(self, activations: I8<Self>, weights: I8<Self>, sums: I32<Self>) -> I32<Self> {
        one_by_one(self.0, activations, weights, sums)
    }
}

/// The dot product of bytes where there is no instruction for it.
#[inline(always)]
fn one_by_one<I: Isa>(isa: I, activations: I::I8, weights: I::I8, sums: I::I32) -> I::I32 {
    use rten_simd::Simd;

    let (activations, weights) = (activations.to_array(), weights.to_array());
    let (activations, _) = activations.as_ref().as_chunks::<4>();
    let (weights, _) = weights.as_ref().as_chunks::<4>();
    let mut sums = sums.to_array();
    for (lane, (activations, weights)) in activations.iter().zip(weights).enumerate() {
        for (activation, weight) in activations.iter().zip(weights) {
            sums[lane] += i32::from(activation.cast_unsigned()) * i32::from(*weight);
        }
    }
    isa.i32().load(sums.as_ref())
}
