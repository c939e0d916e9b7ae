//! x86-64: AVX-512 with VNNI, AVX-VNNI and AVX2.

#![allow(unsafe_code, reason = "instructions of one CPU are unsafe functions")]

use std::arch::x86_64::{
    _mm256_add_epi32, _mm256_dpbusd_avx_epi32, _mm256_madd_epi16, _mm256_maddubs_epi16,
    _mm256_set1_epi16, _mm512_dpbusd_epi32,
};

use rten_simd::isa::{Avx2Isa, Avx512Isa};

use super::kernel::{I8, I32, Int8Isa, Kernel};

/// Instruction sets of this architecture.
#[derive(Clone, Copy)]
pub(super) enum Native {
    Avx512Vnni(Avx512Vnni),
    AvxVnni(AvxVnni),
    Avx2(Avx2),
}

impl Native {
    /// Those that this CPU supports, best first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        [
            Avx512Vnni::new().map(Self::Avx512Vnni),
            AvxVnni::new().map(Self::AvxVnni),
            Avx2::new().map(Self::Avx2),
        ]
        .into_iter()
        .flatten()
    }

    /// Evaluates a kernel with the instructions of this set.
    pub(super) fn dispatch<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            // SAFETY: A value of the type proves that the CPU has the features.
            Self::Avx512Vnni(isa) => unsafe { eval_avx512_vnni(isa, kernel) },
            // SAFETY: As above.
            Self::AvxVnni(isa) => unsafe { eval_avx_vnni(isa, kernel) },
            // SAFETY: As above.
            Self::Avx2(isa) => unsafe { eval_avx2(isa, kernel) },
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,f16c")]
fn eval_avx512_vnni<K: Kernel>(isa: Avx512Vnni, kernel: K) -> K::Output {
    kernel.eval(isa)
}

#[target_feature(enable = "avx2,fma,f16c,avxvnni")]
fn eval_avx_vnni<K: Kernel>(isa: AvxVnni, kernel: K) -> K::Output {
    kernel.eval(isa)
}

#[target_feature(enable = "avx2,fma,f16c")]
fn eval_avx2<K: Kernel>(isa: Avx2, kernel: K) -> K::Output {
    kernel.eval(isa)
}

/// AVX-512 with dot products of bytes: Intel's servers since 2019, AMD since Zen 4.
#[derive(Clone, Copy)]
pub(super) struct Avx512Vnni(Avx512Isa);

impl Avx512Vnni {
    fn new() -> Option<Self> {
        Avx512Isa::new()
            .filter(|_| is_x86_feature_detected!("avx512vnni"))
            .map(Self)
    }
}

impl Int8Isa for Avx512Vnni {
    type Isa = Avx512Isa;
    const NAME: &'static str = "AVX-512 VNNI";
    const FAST_INT8: bool = true;
    const NR_VECTORS: usize = 4;
    const MAX_ACTIVATION: u8 = 255;

    #[inline(always)]
    fn isa(self) -> Avx512Isa {
        self.0
    }

    #[inline(always)]
    fn dot_i8(self, activations: I8<Self>, weights: I8<Self>, sums: I32<Self>) -> I32<Self> {
        // SAFETY: `new` has found the feature.
        unsafe { _mm512_dpbusd_epi32(sums.0, activations.0, weights.0) }.into()
    }
}

/// AVX2 with dot products of bytes: Intel's desktops since 2021.
#[derive(Clone, Copy)]
pub(super) struct AvxVnni(Avx2Isa);

impl AvxVnni {
    fn new() -> Option<Self> {
        Avx2Isa::new()
            .filter(|_| is_x86_feature_detected!("avxvnni"))
            .map(Self)
    }
}

impl Int8Isa for AvxVnni {
    type Isa = Avx2Isa;
    const NAME: &'static str = "AVX-VNNI";
    const FAST_INT8: bool = true;
    const NR_VECTORS: usize = 2;
    const MAX_ACTIVATION: u8 = 255;

    #[inline(always)]
    fn isa(self) -> Avx2Isa {
        self.0
    }

    #[inline(always)]
    fn dot_i8(self, activations: I8<Self>, weights: I8<Self>, sums: I32<Self>) -> I32<Self> {
        // SAFETY: `new` has found the feature.
        unsafe { _mm256_dpbusd_avx_epi32(sums.0, activations.0, weights.0) }.into()
    }
}

/// AVX2: nearly every x86-64 since 2013.
#[derive(Clone, Copy)]
pub(super) struct Avx2(Avx2Isa);

impl Avx2 {
    fn new() -> Option<Self> {
        Avx2Isa::new().map(Self)
    }
}

impl Int8Isa for Avx2 {
    type Isa = Avx2Isa;
    const NAME: &'static str = "AVX2";
    const FAST_INT8: bool = true;
    const NR_VECTORS: usize = 2;
    /// Two products are added in sixteen bits: 2 × 128 × -128 just fits (rounding may give one more
    /// than the largest activation), 2 × 255 × 127 does not.
    const MAX_ACTIVATION: u8 = 127;

    #[inline(always)]
    fn isa(self) -> Avx2Isa {
        self.0
    }

    #[inline(always)]
    fn dot_i8(self, activations: I8<Self>, weights: I8<Self>, sums: I32<Self>) -> I32<Self> {
        // SAFETY: `Avx2Isa` has found the features.
        unsafe {
            let pairs = _mm256_maddubs_epi16(activations.0, weights.0);
            let fours = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
            _mm256_add_epi32(sums.0, fours)
        }
        .into()
    }
}
