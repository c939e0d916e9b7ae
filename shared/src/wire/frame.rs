//! Frames: a length of four bytes, little-endian, and as many bytes of payload.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::limits::MAX_FRAME_BYTES;

/// Most memory reserved for announced bytes that have not arrived, in bytes.
const READ_STEP: usize = 64 * 1024;

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
    let mut payload = Vec::new();
    let mut body = reader.take(size.into());
    while payload.len() < length {
        payload.reserve(READ_STEP.min(length - payload.len()));
        read_some(body.read_buf(&mut payload), stall_timeout).await?;
    }
    Ok(Some(payload))
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
    async fn half_a_frame_then_silence_is_a_stall() {
        let (mut near, mut far) = tokio::io::duplex(64);
        near.write_all(&[3, 0, 0, 0, b'o']).await.unwrap();
        let error = read_frame(&mut far, TIMEOUT).await;
        assert!(matches!(error, Err(FrameError::Stalled(_))));
    }
}
