//! Memory of packed matrices: cache lines, of their own or in the memory of a model.

#![allow(
    unsafe_code,
    reason = "matrices take parts of one piece of memory, each to itself"
)]

use std::alloc::{Layout, alloc, dealloc};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of a cache line. Vectors that lie across two lines take twice as long to load.
pub(super) const LINE: usize = 64;

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line([u8; LINE]);

/// Bytes of a large page of x86-64, and of aarch64 with small pages of 4 KiB.
const LARGE_PAGE: usize = 2 << 20;

/// One piece of memory for the packed weights of a model, which the system can give large pages:
/// single weights are smaller than some. Each weight takes a part; what does not fit any more takes
/// memory of its own. The piece is freed with the last of its weights.
#[derive(Debug, Default)]
pub struct WeightMemory {
    piece: Option<Arc<Piece>>,
    /// Lines that are taken.
    taken: AtomicUsize,
}

impl WeightMemory {
    /// Takes a piece of `bytes` at least. `advise` is given its start and length before anything
    /// is written to it, and may tell the system to use large pages. Without a whole large page,
    /// each weight takes memory of its own.
    #[must_use]
    pub fn new(bytes: usize, advise: impl FnOnce(NonNull<u8>, usize)) -> Self {
        if bytes < LARGE_PAGE {
            return Self::default();
        }
        let piece = Piece::new(bytes);
        if let Some(piece) = &piece {
            advise(piece.start, piece.layout.size());
        }
        Self {
            piece: piece.map(Arc::new),
            taken: AtomicUsize::new(0),
        }
    }

    /// Lines of zeros.
    pub(super) fn zeros(&self, count: usize) -> Lines {
        self.part(count)
            .map_or_else(|| Lines::zeros(count), Lines::Part)
    }

    /// Takes a part of the piece, filled with zeros.
    fn part(&self, count: usize) -> Option<Part> {
        let piece = Arc::clone(self.piece.as_ref()?);
        let all = piece.layout.size() / LINE;
        let taken = self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                Some(taken.checked_add(count)?).filter(|end| *end <= all)
            });
        let first = taken.ok()?;
        // SAFETY: `first + count` lines are within the piece, which is aligned to more than a line.
        let first = unsafe { piece.start.cast::<Line>().add(first) };
        // SAFETY: The lines are within the piece, and nobody else has them: each part begins where
        // the one before ends. Zeros are values of a line.
        unsafe { first.write_bytes(0, count) };
        Some(Part {
            first,
            count,
            _piece: piece,
        })
    }
}

/// Cache lines that one owner reads and writes.
pub(super) enum Lines {
    /// Memory of its own.
    Own(Vec<Line>),
    /// A part of a model's memory.
    Part(Part),
}

impl Default for Lines {
    fn default() -> Self {
        Self::Own(Vec::new())
    }
}

impl Lines {
    /// Lines of zeros in memory of their own.
    pub(super) fn zeros(count: usize) -> Self {
        Self::Own(vec![Line([0; LINE]); count])
    }

    /// Becomes another number of lines of zeros. Memory of its own is kept.
    pub(super) fn reset(&mut self, count: usize) {
        match self {
            Self::Own(lines) => {
                lines.clear();
                lines.resize(count, Line([0; LINE]));
            }
            Self::Part(_) => *self = Self::zeros(count),
        }
    }
}

impl Deref for Lines {
    type Target = [Line];

    fn deref(&self) -> &[Line] {
        match self {
            Self::Own(lines) => lines,
            // SAFETY: The lines are initialized, stay as long as the part, and are its own.
            Self::Part(part) => unsafe {
                std::slice::from_raw_parts(part.first.as_ptr(), part.count)
            },
        }
    }
}

impl DerefMut for Lines {
    fn deref_mut(&mut self) -> &mut [Line] {
        match self {
            Self::Own(lines) => lines,
            // SAFETY: As above; and there is one reference to the part.
            Self::Part(part) => unsafe {
                std::slice::from_raw_parts_mut(part.first.as_ptr(), part.count)
            },
        }
    }
}

/// A part of a model's memory, which nobody else has.
pub(super) struct Part {
    first: NonNull<Line>,
    count: usize,
    _piece: Arc<Piece>,
}

// SAFETY: A part owns its lines as a vector does.
unsafe impl Send for Part {}
// SAFETY: As above.
unsafe impl Sync for Part {}

/// A piece of memory, aligned to large pages.
#[derive(Debug)]
struct Piece {
    start: NonNull<u8>,
    layout: Layout,
}

impl Piece {
    /// `None` if the system has no such piece.
    fn new(bytes: usize) -> Option<Self> {
        let bytes = bytes.checked_next_multiple_of(LARGE_PAGE)?;
        let layout = Layout::from_size_align(bytes, LARGE_PAGE).ok()?;
        // SAFETY: The layout is not of zero size: it is a large page at least.
        let start = NonNull::new(unsafe { alloc(layout) })?;
        Some(Self { start, layout })
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        // SAFETY: The memory was allocated with this layout, and all parts have gone.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}

// SAFETY: A piece is read and written through its parts alone.
unsafe impl Send for Piece {}
// SAFETY: As above.
unsafe impl Sync for Piece {}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(lines: &mut Lines, byte: u8) {
        lines.fill(Line([byte; LINE]));
    }

    fn is_all(lines: &Lines, byte: u8) -> bool {
        lines.iter().all(|line| line.0 == [byte; LINE])
    }

    #[test]
    fn parts_do_not_overlap_and_outlive_what_they_are_of() {
        let mut advised = 0;
        let memory = WeightMemory::new(LARGE_PAGE + 1, |_, bytes| advised = bytes);
        assert_eq!(advised, 2 * LARGE_PAGE);
        let mut one = memory.zeros(3);
        let mut other = memory.zeros(5);
        assert!(matches!((&one, &other), (Lines::Part(_), Lines::Part(_))));
        assert!(is_all(&one, 0) && is_all(&other, 0));
        fill(&mut one, 1);
        fill(&mut other, 2);
        drop(memory);
        assert!(is_all(&one, 1) && one.len() == 3);
        drop(one);
        assert!(is_all(&other, 2) && other.len() == 5);
        other.reset(7);
        assert!(is_all(&other, 0) && other.len() == 7);
    }

    #[test]
    fn what_does_not_fit_has_memory_of_its_own() {
        let memory = WeightMemory::new(LARGE_PAGE, |_, _| {});
        let all = LARGE_PAGE / LINE;
        assert!(matches!(memory.zeros(all + 1), Lines::Own(_)));
        let most = memory.zeros(all - 1);
        assert!(matches!(most, Lines::Part(_)));
        assert!(matches!(memory.zeros(2), Lines::Own(_)));
        assert!(matches!(memory.zeros(1), Lines::Part(_)));
        assert!(matches!(WeightMemory::default().zeros(1), Lines::Own(_)));
        let small = WeightMemory::new(LARGE_PAGE - 1, |_, _| unreachable!());
        assert!(matches!(small.zeros(1), Lines::Own(_)));
    }
}
