//! Scaled dot-product attention (Vaswani et al. 2017) within each text of a batch laid end to end.

use std::cell::RefCell;

use rayon::prelude::*;
use rten_simd::ops::BitOps;
use rten_simd::{Isa, SimdOp};
use rten_vecmath::Softmax;

use super::OpError;
use super::factors::Floats;
use super::machine::{Cpu, Machine, Work};
use super::panels::Panels;
use super::tile::{Block, Output, Plain};

/// Queries that are answered in one go: their scores stay in the nearer caches.
const QUERIES: usize = 48;

thread_local! {
    /// Room for one head, kept from one to the next.
    static ROOM: RefCell<Room> = RefCell::default();
}

#[derive(Default)]
struct Room {
    /// `[size, tokens]`
    keys: Panels<f32>,
    /// `[tokens, size]`
    values: Panels<f32>,
    /// `[queries, tokens]`
    scores: Vec<f32>,
}

/// Which tokens of each text ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Queries {
    /// All of them.
    All,
    /// The first of each text, whose hidden state is all that is wanted in the end.
    First,
}

impl Queries {
    /// How many of a text's tokens ask.
    pub(in crate::model) fn of(self, tokens: usize) -> usize {
        match self {
            Self::All => tokens,
            Self::First => tokens.min(1),
        }
    }
}

/// One head of one text.
struct Head<'a> {
    /// The text's rows of queries, keys and values.
    qkv: &'a [f32],
    tokens: usize,
    /// How many of them ask.
    queries: usize,
    /// Where the head's numbers are in each row of queries.
    column: usize,
    size: usize,
    hidden: usize,
}

/// `qkv` is `[tokens, 3 × hidden]`, queries, keys and values beside each other; `context` is
/// `[queries, hidden]`. The heads of all texts are shared out among the threads.
pub(in crate::model) fn attend(
    cpu: Cpu,
    qkv: &[f32],
    lengths: &[usize],
    heads: usize,
    queries: Queries,
    context: &mut [f32],
) -> Result<(), OpError> {
    let tokens = lengths.iter().sum::<usize>();
    let hidden = qkv.len() / (3 * tokens).max(1);
    let asking = lengths
        .iter()
        .map(|tokens| queries.of(*tokens))
        .sum::<usize>();
    if qkv.len() != tokens * 3 * hidden || context.len() != asking * hidden || hidden == 0 {
        return Err(OpError::Shape {
            layer: "attention".to_owned(),
            input: qkv.len(),
            output: context.len(),
        });
    }
    let mut texts = Vec::with_capacity(lengths.len());
    let (mut qkv, mut context) = (qkv, context);
    for tokens in lengths {
        let (text, behind) = qkv.split_at(tokens * 3 * hidden);
        let (own, after) = context.split_at_mut(queries.of(*tokens) * hidden);
        (qkv, context) = (behind, after);
        texts.push((*tokens, text, own));
    }
    let size = hidden / heads;
    texts.into_par_iter().for_each(|(tokens, qkv, context)| {
        let output = Output::new(context, hidden);
        (0..heads).into_par_iter().for_each(|head| {
            let head = Head {
                qkv,
                tokens,
                queries: queries.of(tokens),
                column: head * size,
                size,
                hidden,
            };
            let columns = output.part(0..head.queries, head.column..head.column + size);
            ROOM.with_borrow_mut(|room| {
                cpu.run(Attend {
                    head,
                    room,
                    output: &columns,
                });
            });
        });
    });
    Ok(())
}

impl Head<'_> {
    /// This head's numbers of the queries (0), keys (1) or values (2), from the first token's on; the next
    /// token's are three times the hidden size behind.
    fn part(&self, which: usize) -> &[f32] {
        &self.qkv[which * self.hidden + self.column..]
    }

    /// The keys as columns, divided by the root of their size.
    #[inline(always)]
    fn pack_keys(&self, keys: &mut Panels<f32>, width: usize) {
        keys.reset(self.size, self.tokens, width);
        #[expect(clippy::cast_precision_loss, reason = "a head has dozens of numbers")]
        let scale = (self.size as f32).sqrt().recip();
        let mut rows = self.part(1).chunks(3 * self.hidden);
        for panel in keys.panels_mut() {
            for (column, row) in rows.by_ref().take(width).enumerate() {
                let places = panel.iter_mut().skip(column).step_by(width);
                for (place, number) in places.zip(&row[..self.size]) {
                    *place = number * scale;
                }
            }
        }
    }

    #[inline(always)]
    fn pack_values(&self, values: &mut Panels<f32>, width: usize) {
        values.reset(self.tokens, self.size, width);
        for (index, panel) in values.panels_mut().enumerate() {
            let rows = self.part(2).chunks(3 * self.hidden);
            for (row, own) in rows.zip(panel.chunks_exact_mut(width)) {
                let columns = &row[index * width..self.size.min((index + 1) * width)];
                own[..columns.len()].copy_from_slice(columns);
            }
        }
    }
}

/// `softmax(q kᵀ / √size) v` of one head.
struct Attend<'a> {
    head: Head<'a>,
    room: &'a mut Room,
    /// `[queries, size]`
    output: &'a Output<'a>,
}

impl Work for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn run<M: Machine>(self, machine: M) {
        let Self { head, room, output } = self;
        let isa = machine.isa();
        let width = M::VECTORS * isa.f32().len();
        head.pack_keys(&mut room.keys, width);
        head.pack_values(&mut room.values, width);
        let columns = head.tokens.next_multiple_of(width);
        for first in (0..head.queries).step_by(QUERIES) {
            let count = QUERIES.min(head.queries - first);
            room.scores.resize(count * columns, 0.0);
            let queries = &head.part(0)[first * 3 * head.hidden..];
            let products = Floats::new(queries, 3 * head.hidden, &room.keys);
            let scores = Output::new(&mut room.scores, columns);
            for panel in 0..columns / width {
                // Safety: the scores are this thread's own.
                unsafe { Block::new(&products, Plain, &scores, 0..count, panel) }.run(machine);
            }
            for row in room.scores.chunks_exact_mut(columns) {
                Softmax::new_mut(&mut row[..head.tokens]).dispatch();
            }
            let weighted = Floats::new(&room.scores, columns, &room.values);
            let contexts = output.part(first..first + count, 0..head.size);
            for panel in 0..head.size.div_ceil(width) {
                // Safety: the contexts of this head in this text are this thread's own.
                unsafe { Block::new(&weighted, Plain, &contexts, 0..count, panel) }.run(machine);
            }
        }
    }
}
