//! Scaled dot-product attention (Vaswani et al. 2017) within each text of a batch laid end to end.

use std::cell::RefCell;

use rayon::prelude::*;
use rten_simd::SimdOp;
use rten_vecmath::Softmax;

use crate::error::ShapeError;
use crate::gemm::{F32Operands, OutputMatrix, PackedMatrix, Store, multiply};
use crate::isa::{Cpu, Int8Isa, Kernel};

/// Queries that are answered at a time: their scores stay in the nearer caches.
const QUERY_BLOCK: usize = 48;

thread_local! {
    /// Memory for one head, kept from one head to the next.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Default)]
struct Scratch {
    /// `[size, tokens]`
    keys: PackedMatrix<f32>,
    /// `[tokens, size]`
    values: PackedMatrix<f32>,
    /// `[queries, tokens]`, each row up to the end of the last panel.
    scores: Vec<f32>,
}

/// Rows of each text that are queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryRows {
    /// All tokens.
    All,
    /// The first token alone, `[CLS]`: all that CLS pooling needs of the last layer.
    First,
}

impl QueryRows {
    /// Number of queries among the tokens of a text.
    #[must_use]
    pub fn count(self, tokens: usize) -> usize {
        match self {
            Self::All => tokens,
            Self::First => tokens.min(1),
        }
    }
}

/// Multi-head attention.
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    cpu: Cpu,
    heads: usize,
}

impl Attention {
    /// Attention of so many heads.
    #[must_use]
    pub fn new(cpu: Cpu, heads: usize) -> Self {
        Self { cpu, heads }
    }

    /// Computes `softmax(q kᵀ / √size) v` of each head within each text.
    ///
    /// `qkv` is `[tokens, 3 × hidden]`, queries, keys and values side by side, the texts of
    /// `lengths` tokens end to end; `context` is `[queries, hidden]`. The heads of all texts are
    /// divided among the threads of the current pool.
    ///
    /// # Errors
    ///
    /// If `qkv`, `lengths` and `context` do not match, or the hidden size cannot be divided among
    /// the heads.
    pub fn forward(
        &self,
        qkv: &[f32],
        lengths: &[usize],
        queries: QueryRows,
        context: &mut [f32],
    ) -> Result<(), ShapeError> {
        let tokens = lengths.iter().sum::<usize>();
        let query_rows = lengths
            .iter()
            .map(|tokens| queries.count(*tokens))
            .sum::<usize>();
        let hidden = qkv.len() / (3 * tokens).max(1);
        let size = hidden.checked_div(self.heads).unwrap_or(0);
        let fits = size > 0
            && hidden == size * self.heads
            && qkv.len() == tokens * 3 * hidden
            && context.len() == query_rows * hidden;
        if !fits {
            return Err(ShapeError {
                operation: format!("attention of {} heads", self.heads),
                input: qkv.len(),
                output: context.len(),
            });
        }
        let mut texts = Vec::with_capacity(lengths.len());
        let (mut qkv, mut context) = (qkv, context);
        for tokens in lengths {
            let (own_qkv, rest_qkv) = qkv.split_at(tokens * 3 * hidden);
            let (own, rest) = context.split_at_mut(queries.count(*tokens) * hidden);
            (qkv, context) = (rest_qkv, rest);
            texts.push((*tokens, own_qkv, own));
        }
        texts
            .into_par_iter()
            .try_for_each(|(tokens, qkv, context)| {
                let count = queries.count(tokens);
                let context = OutputMatrix::new(context, hidden);
                context.par_blocks((count, size), 1, |(_, head), mut context| {
                    let head = Head {
                        qkv,
                        tokens,
                        queries: count,
                        column: head * size,
                        size,
                        hidden,
                    };
                    SCRATCH.with_borrow_mut(|scratch| {
                        self.cpu.dispatch(Attend {
                            head,
                            scratch,
                            context: &mut context,
                        })
                    })
                })
            })
    }
}

/// One head of one text.
struct Head<'a> {
    /// Rows of queries, keys and values of the text, `[tokens, 3 × hidden]`.
    qkv: &'a [f32],
    tokens: usize,
    /// Number of queries: the first rows.
    queries: usize,
    /// First column of the head among the queries.
    column: usize,
    /// Columns of the head.
    size: usize,
    hidden: usize,
}

impl<'a> Head<'a> {
    /// Distance from a token's row to the next.
    fn stride(&self) -> usize {
        3 * self.hidden
    }

    /// Queries from one on, a row every [`stride`](Self::stride).
    fn queries_from(&self, first: usize) -> &'a [f32] {
        &self.qkv[first * self.stride() + self.column..]
    }

    /// Key of each token, `[size]`.
    fn key_rows(&self) -> impl ExactSizeIterator<Item = &'a [f32]> + Clone + use<'a> {
        self.rows(self.hidden + self.column)
    }

    /// Value of each token, `[size]`.
    fn value_rows(&self) -> impl ExactSizeIterator<Item = &'a [f32]> + Clone + use<'a> {
        self.rows(2 * self.hidden + self.column)
    }

    fn rows(&self, column: usize) -> impl ExactSizeIterator<Item = &'a [f32]> + Clone + use<'a> {
        let size = self.size;
        let rows = self.qkv.get(column..).unwrap_or_default();
        rows.chunks(self.stride()).map(move |row| &row[..size])
    }

    /// Factor of the products of queries and keys, `1 / √size`.
    #[expect(clippy::cast_precision_loss, reason = "a head has dozens of columns")]
    fn scale(&self) -> f32 {
        (self.size as f32).sqrt().recip()
    }

    /// Blocks of queries: the first one and how many.
    fn query_blocks(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let queries = self.queries;
        let firsts = (0..queries).step_by(QUERY_BLOCK);
        firsts.map(move |first| (first, QUERY_BLOCK.min(queries - first)))
    }
}

/// Attention of one head of one text.
struct Attend<'a, 'b> {
    head: Head<'a>,
    scratch: &'a mut Scratch,
    /// `[queries, size]`
    context: &'a mut OutputMatrix<'b>,
}

impl Kernel for Attend<'_, '_> {
    type Output = Result<(), ShapeError>;

    #[inline(always)]
    fn eval<M: Int8Isa>(self, isa: M) -> Result<(), ShapeError> {
        let Self {
            head,
            scratch,
            context,
        } = self;
        let width = isa.panel_width();
        scratch.pack_keys(&head, width);
        scratch.values.pack(&head.value_rows(), head.size, width);
        let columns = head.tokens.next_multiple_of(width);
        for (first, count) in head.query_blocks() {
            scratch.scores.resize(count * columns, 0.0);
            let queries = head.queries_from(first);
            let operands = F32Operands::new(queries, head.stride(), &scratch.keys);
            let mut scores = OutputMatrix::new(&mut scratch.scores, columns);
            multiply(isa, &operands, Store, &mut scores)?;
            for row in scratch.scores.chunks_exact_mut(columns) {
                Softmax::new_mut(&mut row[..head.tokens]).dispatch();
            }
            let weighted = F32Operands::new(&scratch.scores, columns, &scratch.values);
            let mut context = context.view(first..first + count, 0..head.size);
            multiply(isa, &weighted, Store, &mut context)?;
        }
        Ok(())
    }
}

impl Scratch {
    /// Packs the keys as columns, divided by the root of their size.
    #[inline(always)]
    fn pack_keys(&mut self, head: &Head<'_>, width: usize) {
        self.keys.reset(head.size, head.tokens, width);
        let scale = head.scale();
        let mut keys = head.key_rows();
        for panel in self.keys.panels_mut() {
            for (column, key) in keys.by_ref().take(width).enumerate() {
                let places = panel.iter_mut().skip(column).step_by(width);
                for (place, value) in places.zip(key) {
                    *place = value * scale;
                }
            }
        }
    }
}
