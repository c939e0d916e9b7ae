//! Packing of stored weights for the kernels.

use gte_kernels::{Cpu, LayerNorm, PackedLinear, WeightMemory};
use gte_shared::wire::Precision;

use super::config::BertConfig;
use super::error::ModelError;
use super::extension::OpError;
use crate::lifecycle::memory;
use crate::weights::{StoredMatrix, Tensors, WeightsError};

/// Takes memory for the packed linear layers of a model, in large pages where the system has them.
pub(super) fn weight_memory(cpu: Cpu, precision: Precision, config: &BertConfig) -> WeightMemory {
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let shapes = [
        (hidden, 3 * hidden),
        (hidden, hidden),
        (hidden, inner),
        (inner, hidden),
    ];
    let bytes = shapes.map(|(inputs, outputs)| match precision {
        Precision::F32 => PackedLinear::f32_bytes(cpu, inputs, outputs),
        Precision::Int8 => PackedLinear::int8_bytes(cpu, inputs, outputs),
    });
    let bytes = config.num_hidden_layers * bytes.iter().sum::<usize>();
    WeightMemory::new(bytes, memory::advise_large_pages)
}

/// Packs linear layers of the same input as one layer, with the outputs of the layers side by side.
/// Reads each row of their weights once, straight from the file. Weights that are stored in int8
/// are kept, if the layer is to multiply in int8.
pub(super) fn pack_linear(
    cpu: Cpu,
    memory: &WeightMemory,
    precision: Precision,
    tensors: &Tensors,
    layers: &[String],
) -> Result<PackedLinear, ModelError> {
    let mut weights = Vec::with_capacity(layers.len());
    let mut bias = Vec::new();
    for layer in layers {
        weights.push(tensors.get(&format!("{layer}.weight"))?);
        bias.extend(tensors.values(&format!("{layer}.bias"))?);
    }
    let inputs = weights.first().map_or(0, StoredMatrix::width);
    let read = |output: usize, values: &mut [f32]| {
        let (weight, row) = find(&weights, output)?;
        weight.read_finite(row, values)
    };
    let packed = match precision {
        Precision::F32 => PackedLinear::pack_f32(cpu, memory, inputs, bias, read),
        Precision::Int8 if weights.iter().all(StoredMatrix::is_int8) => {
            PackedLinear::keep_int8(cpu, memory, inputs, bias, |output, values| {
                let (weight, row) = find(&weights, output)?;
                weight.read_int8(row, values)
            })
        }
        Precision::Int8 => PackedLinear::pack_int8(cpu, memory, inputs, bias, read),
    };
    Ok(packed?)
}

/// Finds the weight of an output, and the row in it.
fn find(weights: &[StoredMatrix], output: usize) -> Result<(&StoredMatrix, usize), WeightsError> {
    let mut row = output;
    for weight in weights {
        if row < weight.rows() {
            return Ok((weight, row));
        }
        row -= weight.rows();
    }
    Err(WeightsError::Length(format!("{weights:?}")))
}

/// Packs a layer normalization; `epsilon` is added to the variance.
pub(super) fn pack_norm(
    tensors: &Tensors,
    name: &str,
    epsilon: f32,
) -> Result<LayerNorm, ModelError> {
    let gamma = tensors.values(&format!("{name}.weight"))?;
    let beta = tensors.values(&format!("{name}.bias"))?;
    Ok(LayerNorm::new(gamma, beta, epsilon).map_err(OpError::from)?)
}

#[cfg(test)]
mod tests {
    use super::super::compute::Compute;
    use super::super::config::BertConfig;
    use super::super::encoder::Encoder;
    use super::super::source::Source;
    use super::super::timings::LoadTimings;
    use super::*;
    use crate::engine::Embed;
    use crate::weights::Weights;

    #[test]
    fn weights_stored_in_int8_give_the_vectors_of_their_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("values.bpk");
        let values = Source::Builtin.weights().unwrap().into_pack().unwrap();
        values.write(&path).unwrap();
        let config = Source::Builtin.require("config.json").unwrap();
        let config = BertConfig::parse(&config).unwrap();
        let texts: Vec<Vec<u32>> = (1..40)
            .map(|length| {
                (0..length)
                    .map(|id| (id * 131 + length * 7) % 21_128)
                    .collect()
            })
            .collect();
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        for precision in [Precision::Int8, Precision::F32] {
            let compute = Compute {
                threads: 2,
                precision,
            };
            let vectors = |weights| {
                let mut timings = LoadTimings::default();
                let pooling = gte_shared::wire::Pooling::Cls;
                let encoder = Encoder::load(&config, pooling, weights, compute, &mut timings);
                encoder.unwrap().embed(&texts).unwrap()
            };
            let stored = vectors(Source::Builtin.weights().unwrap());
            let values = Weights::Pack {
                path: path.clone(),
                installed: false,
            };
            assert!(stored == vectors(values), "{precision:?}");
        }
    }
}
