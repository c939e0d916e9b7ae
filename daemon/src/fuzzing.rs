//! Entries for the fuzz targets in `tests/fuzz`, which cargo-fuzz compiles with `cfg(fuzzing)`.

use bytes::Bytes;

/// Reads all tensors of a safetensors file.
pub fn safetensors(file: &[u8]) {
    crate::weights::read_all(Bytes::copy_from_slice(file));
}

/// Reads a manifest.
pub fn manifest(json: &[u8]) {
    crate::store::read_manifest(json);
}
