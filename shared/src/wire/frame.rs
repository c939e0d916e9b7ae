//! Frames: a length of four bytes, little-endian, and as many bytes of payload.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::limits::MAX_FRAME_BYTES;

/// Most memory reserved for announced bytes that have not arrived, in bytes.
const READ_STEP: usize = 64 * 1024;

/// Least rate of a large message: 64 KiB per second.
const MIN_BYTES_PER_SECOND: usize = 64 * 1024;

/// Failure to read or write a frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The frame is longer than the limit.
    #[error("a frame has {size} bytes; the limit is {MAX_FRAME_BYTES}")]
    TooLarge {
        /// Size of the payload, in bytes.
        size: u64,
    },
    /// The other side closed the connection inside a frame.
    #[error("the connection ended in the middle of a frame")]
    Truncated,
    /// The other side paused too long inside a frame.
    #[error("a frame stopped in its middle for {} seconds", .0.as_secs())]
    Stalled(Duration),
    /// The other side sent a large frame too slowly.
    #[error("a frame took more than {} seconds", .0.as_secs())]
    Slow(Duration),
    /// The transport failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
}

/// Reads the payload of one frame; `None` if the other side closed the connection between frames.
///
/// Waits without a limit for a frame to begin, and at most `stall_timeout` for each further part.
///
/// # Errors
///
/// See [`FrameError`]. After an error the stream is not at the boundary of a frame any more.
pub async fn read_frame<R: AsyncRead + Unpin>(
    reader: &mut R,
    stall_timeout: Duration,
) -> Result<Option<Vec<u8>>, FrameError> {
    match read_length(reader, stall_timeout).await? {
        None => Ok(None),
        Some(length) => Ok(Some(read_payload(reader, length, stall_timeout).await?)),
    }
}

/// Reads the length of the next frame's payload; `None` if the other side closed the connection
/// between frames.
///
/// # Errors
///
/// As of [`read_frame`]; [`FrameError::TooLarge`] for a length over the limit.
pub async fn read_length<R: AsyncRead + Unpin>(
    reader: &mut R,
    stall_timeout: Duration,
) -> Result<Option<usize>, FrameError> {
    let mut header = [0; 4];
    let mut have = reader.read(&mut header).await?;
    if have == 0 {
        return Ok(None);
    }
    while have < header.len() {
        have += read_some(reader.read(&mut header[have..]), stall_timeout).await?;
    }
    let size = u32::from_le_bytes(header);
    let length = usize::try_from(size).unwrap_or(usize::MAX);
    if length > MAX_FRAME_BYTES {
        return Err(FrameError::TooLarge { size: size.into() });
    }
    Ok(Some(length))
}

/// Reads the payload of a frame after its length.
///
/// # Errors
///
/// As of [`read_frame`]; [`FrameError::Slow`] for a payload that takes too long as a whole.
pub async fn read_payload<R: AsyncRead + Unpin>(
    reader: &mut R,
    length: usize,
    stall_timeout: Duration,
) -> Result<Vec<u8>, FrameError> {
    let most = stall_timeout + least_rate_time(length);
    let reading = async {
        let mut payload = Vec::new();
        let mut body = reader.take(length as u64);
        while payload.len() < length {
            payload.reserve(READ_STEP.min(length - payload.len()));
            read_some(body.read_buf(&mut payload), stall_timeout).await?;
        }
        Ok(payload)
    };
    timeout(most, reading)
        .await
        .unwrap_or(Err(FrameError::Slow(most)))
}

/// Time for this many bytes at the least rate, below which a large message is given up: it would
/// hold memory that others wait for.
#[must_use]
pub fn least_rate_time(bytes: usize) -> Duration {
    Duration::from_secs((bytes / MIN_BYTES_PER_SECOND) as u64)
}

/// Reads at least one byte inside a message.
async fn read_some(
    read: impl Future<Output = io::Result<usize>>,
    stall_timeout: Duration,
) -> Result<usize, FrameError> {
    match timeout(stall_timeout, read).await {
        Err(_) => Err(FrameError::Stalled(stall_timeout)),
        Ok(Ok(0)) => Err(FrameError::Truncated),
        Ok(Ok(count)) => Ok(count),
        Ok(Err(error)) => Err(error.into()),
    }
}

/// Makes the frame of a payload.
///
/// # Errors
///
/// If the payload is over the limit.
pub fn frame(payload: &[u8]) -> Result<Vec<u8>, FrameError> {
    let size = u32::try_from(payload.len())
        .ok()
        .filter(|_| payload.len() <= MAX_FRAME_BYTES)
        .ok_or(FrameError::TooLarge {
            size: payload.len() as u64,
        })?;
    let mut frame = Vec::with_capacity(4 + payload.len());
    frame.extend(size.to_le_bytes());
    frame.extend(payload);
    Ok(frame)
}

/// Writes one frame.
///
/// # Errors
///
/// If the payload is over the limit, or the transport fails.
pub async fn write_frame<W: AsyncWrite + Unpin>(
    writer: &mut W,
    payload: &[u8],
) -> Result<(), FrameError> {
    // One write: a small frame leaves in one packet.
    writer.write_all(&frame(payload)?).await?;
    writer.flush().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn frames_follow_each_other() {
        let mut stream = Vec::new();
        write_frame(&mut stream, b"one").await.unwrap();
        write_frame(&mut stream, b"").await.unwrap();
        let mut reader = stream.as_slice();
        assert_eq!(
            read_frame(&mut reader, TIMEOUT).await.unwrap().unwrap(),
            b"one"
        );
        assert_eq!(
            read_frame(&mut reader, TIMEOUT).await.unwrap().unwrap(),
            b""
        );
        assert!(read_frame(&mut reader, TIMEOUT).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn the_limit_is_inclusive_and_holds_both_ways() {
        let largest = vec![7; MAX_FRAME_BYTES];
        let mut stream = Vec::new();
        write_frame(&mut stream, &largest).await.unwrap();
        let read = read_frame(&mut stream.as_slice(), TIMEOUT).await.unwrap();
        assert_eq!(read.unwrap().len(), MAX_FRAME_BYTES);

        let over = vec![7; MAX_FRAME_BYTES + 1];
        let error = write_frame(&mut Vec::new(), &over).await.unwrap_err();
        assert!(matches!(error, FrameError::TooLarge { .. }));

        let header = u32::MAX.to_le_bytes();
        let error = read_frame(&mut header.as_slice(), TIMEOUT).await;
        assert!(matches!(error, Err(FrameError::TooLarge { .. })));
    }

    #[tokio::test]
    async fn an_end_inside_a_frame_is_not_a_clean_end() {
        for cut in 1..7 {
            let stream = [3, 0, 0, 0, b'o', b'n', b'e'];
            let error = read_frame(&mut &stream[..cut], TIMEOUT).await;
            assert!(
                matches!(error, Err(FrameError::Truncated)),
                "cut at byte {cut}"
            );
        }
    }

    #[tokio::test]
    async fn a_large_frame_that_trickles_is_given_up() {
        let (mut near, mut far) = tokio::io::duplex(64);
        let length = u32::try_from(MIN_BYTES_PER_SECOND).unwrap() - 1;
        near.write_all(&length.to_le_bytes()).await.unwrap();
        let trickle = async {
            while near.write_all(b"x").await.is_ok() {
                tokio::time::sleep(TIMEOUT / 10).await;
            }
        };
        tokio::select! {
            () = trickle => {}
            read = read_frame(&mut far, TIMEOUT) => {
                assert!(matches!(read, Err(FrameError::Slow(_))), "{read:?}");
            }
        }
    }

    #[tokio::test]
    async fn half_a_frame_then_silence_is_a_stall() {
        let (mut near, mut far) = tokio::io::duplex(64);
        near.write_all(&[3, 0, 0, 0, b'o']).await.unwrap();
        let error = read_frame(&mut far, TIMEOUT).await;
        assert!(matches!(error, Err(FrameError::Stalled(_))));
    }
}
