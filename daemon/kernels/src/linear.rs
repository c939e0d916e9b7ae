//! A linear layer: its weight is packed once, in the order and the precision of the multiplication.

use std::fmt;

use crate::error::ShapeError;
use crate::gemm::{
    Bias, BiasGelu, BiasResidual, Epilogue, F32Operands, Int8Operands, Int8Weight, Operands,
    OutputMatrix, PackedMatrix, Tile, WeightMemory,
};
use crate::isa::Cpu;
use crate::quantize::QuantizedActivations;

/// Multiplications that are worth handing to another thread: some microseconds.
const MIN_OPS_PER_TASK: usize = 1 << 20;

/// Rows that one thread takes at a time where there are more threads than panels.
const MIN_ROWS_PER_BLOCK: usize = 24;

/// A linear layer, `x W + b`, ready to multiply with.
pub struct PackedLinear {
    cpu: Cpu,
    weight: Weight,
    /// One value per output, padded with zeros to the end of the last panel.
    bias: Vec<f32>,
    inputs: usize,
    outputs: usize,
}

enum Weight {
    F32(PackedMatrix<f32>),
    Int8(Int8Weight),
}

impl fmt::Debug for PackedLinear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackedLinear({} to {})", self.inputs, self.outputs)
    }
}

impl PackedLinear {
    /// Bytes that a weight takes of a model's memory in f32.
    #[must_use]
    pub fn f32_bytes(cpu: Cpu, inputs: usize, outputs: usize) -> usize {
        PackedMatrix::<f32>::bytes(inputs, outputs, cpu.panel_width())
    }

    /// Bytes that a weight takes of a model's memory in int8, without its scales.
    #[must_use]
    pub fn int8_bytes(cpu: Cpu, inputs: usize, outputs: usize) -> usize {
        PackedMatrix::<i8>::bytes(inputs, outputs, cpu.panel_width())
    }

    /// Packs a weight to multiply in f32, in the memory of its model. There is one output for each
    /// value of `bias`; `read` writes the weights of an output's `inputs` into a slice, and is
    /// called for each output in turn.
    ///
    /// # Errors
    ///
    /// Those of `read`.
    pub fn pack_f32<E>(
        cpu: Cpu,
        memory: &WeightMemory,
        inputs: usize,
        bias: Vec<f32>,
        read: impl FnMut(usize, &mut [f32]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let packed =
            PackedMatrix::from_columns(memory, inputs, bias.len(), cpu.panel_width(), read)?;
        Ok(Self::new(cpu, Weight::F32(packed), inputs, bias))
    }

    /// Packs a weight of finite values to multiply in int8, see [`pack_f32`](Self::pack_f32). Each
    /// output has a scale of its own for every 256 inputs; weights that were stored in eight bits,
    /// within 127 steps of zero, are kept exactly.
    ///
    /// # Errors
    ///
    /// Those of `read`.
    pub fn pack_int8<E>(
        cpu: Cpu,
        memory: &WeightMemory,
        inputs: usize,
        bias: Vec<f32>,
        read: impl FnMut(usize, &mut [f32]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let packed = Int8Weight::pack(cpu, memory, inputs, bias.len(), read)?;
        Ok(Self::new(cpu, Weight::Int8(packed), inputs, bias))
    }

    /// Packs a weight that is stored in int8, to multiply in int8: `read` writes the stored weights
    /// of an output, and gives the scale that they are to be multiplied by.
    ///
    /// # Errors
    ///
    /// Those of `read`.
    pub fn keep_int8<E>(
        cpu: Cpu,
        memory: &WeightMemory,
        inputs: usize,
        bias: Vec<f32>,
        read: impl FnMut(usize, &mut [i8]) -> Result<f32, E>,
    ) -> Result<Self, E> {
        let packed = Int8Weight::keep(cpu, memory, inputs, bias.len(), read)?;
        Ok(Self::new(cpu, Weight::Int8(packed), inputs, bias))
    }

    fn new(cpu: Cpu, weight: Weight, inputs: usize, mut bias: Vec<f32>) -> Self {
        let outputs = bias.len();
        bias.resize(outputs.next_multiple_of(cpu.panel_width()), 0.0);
        Self {
            cpu,
            weight,
            bias,
            inputs,
            outputs,
        }
    }

    /// Values per output row.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Computes `x W + b`: `x` is `[rows, inputs]`, `output` is `[rows, outputs]`, `scratch` holds
    /// `x` in int8.
    ///
    /// # Errors
    ///
    /// If `x` and `output` are not of so many values.
    pub fn forward(
        &self,
        x: &[f32],
        scratch: &mut QuantizedActivations,
        output: &mut [f32],
    ) -> Result<(), ShapeError> {
        self.multiply(x, scratch, Bias(&self.bias), output)
    }

    /// Computes `gelu(x W + b)`, with the exact GELU.
    ///
    /// # Errors
    ///
    /// As [`forward`](Self::forward).
    pub fn forward_gelu(
        &self,
        x: &[f32],
        scratch: &mut QuantizedActivations,
        output: &mut [f32],
    ) -> Result<(), ShapeError> {
        self.multiply(x, scratch, BiasGelu(&self.bias), output)
    }

    /// Adds `x W + b` to `output`: the residual connection.
    ///
    /// # Errors
    ///
    /// As [`forward`](Self::forward).
    pub fn forward_residual(
        &self,
        x: &[f32],
        scratch: &mut QuantizedActivations,
        output: &mut [f32],
    ) -> Result<(), ShapeError> {
        self.multiply(x, scratch, BiasResidual(&self.bias), output)
    }

    fn multiply(
        &self,
        x: &[f32],
        scratch: &mut QuantizedActivations,
        epilogue: impl Epilogue,
        output: &mut [f32],
    ) -> Result<(), ShapeError> {
        let rows = x.len().checked_div(self.inputs).unwrap_or(0);
        if x.len() != rows * self.inputs || output.len() != rows * self.outputs {
            return Err(ShapeError {
                operation: format!("{self:?}"),
                input: x.len(),
                output: output.len(),
            });
        }
        if rows == 0 {
            return Ok(());
        }
        let output = OutputMatrix::new(output, self.outputs);
        match &self.weight {
            Weight::F32(weight) => {
                self.run_parallel(&F32Operands::new(x, self.inputs, weight), epilogue, output)
            }
            Weight::Int8(weight) => {
                scratch.quantize_rows(self.cpu, x, self.inputs);
                self.run_parallel(&Int8Operands::new(scratch, weight)?, epilogue, output)
            }
        }
    }

    /// Each thread takes panels, so that one thread alone reads a weight; and, where there are more
    /// threads than panels, some of the rows.
    fn run_parallel(
        &self,
        operands: &impl Operands,
        epilogue: impl Epilogue,
        output: OutputMatrix<'_>,
    ) -> Result<(), ShapeError> {
        let width = self.cpu.panel_width();
        let panels = self.bias.len() / width;
        let rows = output.rows();
        let parts = (4 * rayon::current_num_threads())
            .div_ceil(panels.max(1))
            .clamp(1, rows.div_ceil(MIN_ROWS_PER_BLOCK).max(1));
        let block_rows = rows.div_ceil(parts).max(1);
        let min_len = MIN_OPS_PER_TASK / (block_rows * self.inputs * width).max(1);
        output.par_blocks((block_rows, width), min_len, |(part, panel), output| {
            self.cpu.dispatch(Tile {
                operands,
                epilogue,
                first_row: part * block_rows,
                panel,
                output,
            })
        })
    }
}
