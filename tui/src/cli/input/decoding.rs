//! Input in another encoding, read as UTF-8.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};

/// Bytes that are decoded at a time.
const BLOCK_BYTES: usize = 32 * 1024;

/// Byte that no UTF-8 has: it stands for each malformed sequence, so that the line is refused by
/// its number, as a line that is not UTF-8 is.
const MALFORMED: u8 = 0xff;

/// Reader that decodes another. A byte order mark goes before the stated encoding.
pub(super) struct Decoding<R> {
    source: R,
    decoder: Decoder,
    /// Read and not decoded yet: `encoded[at..end]`.
    encoded: Vec<u8>,
    at: usize,
    end: usize,
    is_over: bool,
    /// Decoded and not handed over yet: `decoded[handed..filled]`.
    decoded: Vec<u8>,
    handed: usize,
    filled: usize,
}

impl<R: Read> Decoding<R> {
    pub(super) fn new(source: R, encoding: &'static Encoding) -> Self {
        Self {
            source,
            decoder: encoding.new_decoder(),
            encoded: vec![0; BLOCK_BYTES],
            at: 0,
            end: 0,
            is_over: false,
            decoded: vec![0; BLOCK_BYTES],
            handed: 0,
            filled: 0,
        }
    }

    /// Decodes the next bytes that give any text; nothing at the end.
    fn decode(&mut self) -> io::Result<()> {
        (self.handed, self.filled) = (0, 0);
        while self.filled == 0 {
            if self.at == self.end && !self.is_over {
                self.at = 0;
                self.end = self.source.read(&mut self.encoded)?;
                self.is_over = self.end == 0;
            } else if self.at == self.end && self.is_over && self.encoded.is_empty() {
                return Ok(());
            }
            // Room for the byte of a malformed sequence.
            let room = self.decoded.len() - 1;
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                &self.encoded[self.at..self.end],
                &mut self.decoded[..room],
                self.is_over,
            );
            self.at += read;
            self.filled = written;
            match result {
                DecoderResult::Malformed(..) => {
                    self.decoded[written] = MALFORMED;
                    self.filled += 1;
                }
                // The decoder is finished, and must not be asked again.
                DecoderResult::InputEmpty if self.is_over => {
                    self.encoded.clear();
                    (self.at, self.end) = (0, 0);
                }
                DecoderResult::InputEmpty | DecoderResult::OutputFull => {}
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Decoding<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.handed == self.filled {
            self.decode()?;
        }
        let count = to.len().min(self.filled - self.handed);
        to[..count].copy_from_slice(&self.decoded[self.handed..self.handed + count]);
        self.handed += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, GB18030, GBK, UTF_16BE, UTF_16LE};

    use super::*;

    fn read(bytes: &[u8], encoding: &'static Encoding) -> Vec<u8> {
        let mut decoded = Vec::new();
        // Single bytes, as a slow pipe gives them.
        let mut reader = Decoding::new(Single(bytes), encoding);
        reader.read_to_end(&mut decoded).unwrap();
        decoded
    }

    struct Single<'a>(&'a [u8]);

    impl Read for Single<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let count = to.len().min(1);
            self.0.read(&mut to[..count])
        }
    }

    #[test]
    fn encodings_become_utf8() {
        let text = "我们，你好\n";
        for encoding in [GBK, GB18030, BIG5] {
            let text = if encoding == BIG5 {
                "我們，你好\n"
            } else {
                text
            };
            let (bytes, ..) = encoding.encode(text);
            assert_eq!(read(&bytes, encoding), text.as_bytes(), "{encoding:?}");
        }
        let four_bytes = b"\x82\x35\x8f\x33";
        assert_eq!(read(four_bytes, GBK), "\u{9fa6}".as_bytes());
        let units = |mark: &str| -> Vec<u16> { format!("{mark}{text}").encode_utf16().collect() };
        let little =
            |mark| -> Vec<u8> { units(mark).iter().flat_map(|u| u.to_le_bytes()).collect() };
        let big = |mark| -> Vec<u8> { units(mark).iter().flat_map(|u| u.to_be_bytes()).collect() };
        assert_eq!(read(&little(""), UTF_16LE), text.as_bytes());
        assert_eq!(read(&big(""), UTF_16BE), text.as_bytes());
        // The mark goes before the label.
        assert_eq!(read(&big("\u{feff}"), UTF_16LE), text.as_bytes());
    }

    #[test]
    fn long_input_is_decoded_as_a_whole() {
        let text = "第一条：退款流程说明。\n".repeat(20_000);
        let (bytes, ..) = GB18030.encode(&text);
        let mut decoded = Vec::new();
        let mut reader = Decoding::new(&bytes[..], GB18030);
        reader.read_to_end(&mut decoded).unwrap();
        assert!(decoded == text.as_bytes());
    }

    #[test]
    fn malformed_bytes_stay_malformed() {
        assert_eq!(read(b"a\xff\nb\n", GB18030), b"a\xff\nb\n");
        assert_eq!(read(b"a\n\xce", GB18030), b"a\n\xff");
    }
}
