//! Encoding and decoding of messages: the only place that names bincode.
//!
//! bincode 2, `config::standard()`: little-endian, variable-length integers, enum variants by
//! their index.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::limits::MAX_FRAME_BYTES;

/// Failure to encode or decode a message.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The bytes do not decode.
    #[error("the bytes do not decode: {0}")]
    Decode(#[from] bincode::error::DecodeError),
    /// The message decodes, but bytes are left over.
    #[error("{0} bytes are left over after the message")]
    Trailing(usize),
    /// The message cannot be encoded.
    #[error("the message cannot be encoded: {0}")]
    Encode(#[from] bincode::error::EncodeError),
}

/// Most memory that decoding a message may take, as bincode counts it. An integer counts in full
/// even if it was written in one byte, so a whole frame may count for more than its bytes.
const DECODE_LIMIT: usize = 2 * MAX_FRAME_BYTES;

/// Configuration of bincode. With the limit, a false length (a string of 2^60 bytes) is an error
/// instead of an allocation.
fn config() -> Configuration<LittleEndian, Varint, Limit<DECODE_LIMIT>> {
    bincode::config::standard().with_limit::<DECODE_LIMIT>()
}

/// Encodes one message.
///
/// # Errors
///
/// If the message holds values that the format cannot express; no type in [`wire`](super) does.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, CodecError> {
    Ok(bincode::serde::encode_to_vec(message, config())?)
}

/// Decodes one message, which must take up all of `bytes`.
///
/// # Errors
///
/// If the bytes do not decode, or bytes are left over.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let (message, rest) = decode_prefix(bytes)?;
    if rest.is_empty() {
        Ok(message)
    } else {
        Err(CodecError::Trailing(rest.len()))
    }
}

/// Decodes one message from the front of `bytes`, and returns it and the bytes after it.
///
/// The daemon reads the id of a request with this function first, so that even an unknown request
/// gets a reply under its id.
///
/// # Errors
///
/// If the bytes do not begin with a message of this type.
pub fn decode_prefix<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, &[u8]), CodecError> {
    let (message, used) = bincode::serde::decode_from_slice(bytes, config())?;
    Ok((message, bytes.get(used..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{
        Embed, GetStatus, MAX_TEXTS_PER_REQUEST, Rank, Request, RequestEnvelope, TextOptions,
    };

    #[test]
    fn a_request_survives_the_round_trip() {
        let request: RequestEnvelope = (
            7,
            Request::Rank(Rank {
                query: "怎么退款".into(),
                texts: vec!["退款流程".into(), String::new()],
                options: TextOptions::default(),
            }),
        );
        let bytes = encode(&request).unwrap();
        assert_eq!(decode::<RequestEnvelope>(&bytes).unwrap(), request);
    }

    #[test]
    fn the_id_of_an_unknown_request_can_be_read() {
        // Id 9, then variant 200, which no build has.
        let (id, rest) = decode_prefix::<u64>(&[9, 200]).unwrap();
        assert_eq!(id, 9);
        assert!(matches!(
            decode::<Request>(rest),
            Err(CodecError::Decode(_))
        ));
    }

    #[test]
    fn a_false_length_is_refused_before_memory_is_taken() {
        // Variant 0 (similarity), then a string of 2^60 bytes.
        let mut bytes = vec![0, 253];
        bytes.extend((1_u64 << 60).to_le_bytes());
        assert!(matches!(
            decode::<Request>(&bytes),
            Err(CodecError::Decode(_))
        ));
    }

    #[test]
    fn the_largest_request_decodes() {
        // As many texts as a request may have, and as many bytes as a frame may have.
        let text = "x".repeat(MAX_FRAME_BYTES / MAX_TEXTS_PER_REQUEST - 4);
        let texts = vec![text; MAX_TEXTS_PER_REQUEST];
        let options = TextOptions::default();
        let bytes = encode(&Request::Embed(Embed { texts, options })).unwrap();
        assert!(bytes.len() <= MAX_FRAME_BYTES && bytes.len() > MAX_FRAME_BYTES / 100 * 98);
        assert!(decode::<Request>(&bytes).is_ok());
    }

    #[test]
    fn left_over_bytes_are_an_error() {
        let mut bytes = encode(&Request::from(GetStatus)).unwrap();
        bytes.push(0);
        assert!(matches!(
            decode::<Request>(&bytes),
            Err(CodecError::Trailing(1))
        ));
    }
}
