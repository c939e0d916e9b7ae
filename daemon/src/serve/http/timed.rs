//! A connection with limits on its times, which HTTP's own library does not have: it has one time
//! for the pause between two requests and the head of the next one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use gte_shared::wire::frame::least_rate_time;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::progress::Progress;

/// A connection that fails with [`io::ErrorKind::TimedOut`] when its client is too slow.
pub(super) struct Timed<T> {
    inner: T,
    progress: Arc<Progress>,
    stall_timeout: Duration,
    reading: Alarm,
    writing: Alarm,
    /// The reply that is being written, once the client keeps it waiting.
    slow: Option<Slow>,
}

/// A reply that its client reads slowly.
struct Slow {
    /// Number of its request.
    request: u64,
    since: Instant,
    /// Time at which the client last read some of it.
    last: Instant,
    /// Bytes that it has read since.
    bytes: usize,
}

/// A timer that is set again for each wait.
#[derive(Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready when `deadline` has passed.
    fn poll(&mut self, context: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(context)
    }
}

impl<T> Timed<T> {
    /// Puts limits on a connection: those of its `progress` on reading, and on writing the stall
    /// timeout for each part and the least rate for all of a reply.
    pub(super) fn new(inner: T, progress: Arc<Progress>, stall_timeout: Duration) -> Self {
        Self {
            inner,
            progress,
            stall_timeout,
            reading: Alarm::default(),
            writing: Alarm::default(),
            slow: None,
        }
    }

    /// Records the outcome of an attempt to write; a pending one fails when its time is over.
    fn written(
        &mut self,
        context: &mut Context<'_>,
        attempt: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let now = Instant::now();
        let request = self.progress.requests();
        // The reply to another request begins anew.
        self.slow.take_if(|slow| slow.request != request);
        if let Poll::Ready(written) = attempt {
            if let (Some(slow), Ok(count)) = (&mut self.slow, &written)
                && *count > 0
            {
                slow.last = now;
                slow.bytes += count;
            }
            return Poll::Ready(written);
        }
        let slow = self.slow.get_or_insert(Slow {
            request,
            since: now,
            last: now,
            bytes: 0,
        });
        let by_rate = slow.since + least_rate_time(slow.bytes);
        let deadline = slow.last.min(by_rate) + self.stall_timeout;
        ready!(self.writing.poll(context, deadline));
        Poll::Ready(Err(timed_out("the client stopped reading replies")))
    }
}

fn timed_out(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, message)
}

impl<T: AsyncRead + Unpin> AsyncRead for Timed<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.inner).poll_read(context, buffer) {
            if buffer.filled().len() > before {
                self.progress.has_read();
            }
            return Poll::Ready(read);
        }
        let Some(deadline) = self.progress.read_deadline() else {
            return Poll::Pending;
        };
        ready!(self.reading.poll(context, deadline));
        Poll::Ready(Err(timed_out("no request within the time for one")))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Timed<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let attempt = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.written(context, attempt)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let attempt = Pin::new(&mut self.inner).poll_write_vectored(context, parts);
        self.written(context, attempt)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let attempt = Pin::new(&mut self.inner).poll_flush(context);
        ready!(self.written(context, attempt.map_ok(|()| 0)))?;
        self.progress.has_written();
        if let Some(deadline) = self.progress.read_deadline() {
            // Only the timer: nobody polls for reading until there is something, or this wakes.
            let _ = self.reading.poll(context, deadline);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let attempt = Pin::new(&mut self.inner).poll_shutdown(context);
        ready!(self.written(context, attempt.map_ok(|()| 0)))?;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{sleep, timeout};

    use super::*;

    const STALL: Duration = Duration::from_secs(10);

    fn timed() -> (Timed<DuplexStream>, DuplexStream, Arc<Progress>) {
        let (near, far) = duplex(1024);
        let progress = Progress::new();
        (
            Timed::new(near, Arc::clone(&progress), STALL),
            far,
            progress,
        )
    }

    fn is_timeout<T>(outcome: &io::Result<T>) -> bool {
        matches!(outcome, Err(error) if error.kind() == io::ErrorKind::TimedOut)
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_arrives_byte_by_byte_ends_the_connection() {
        let (mut near, mut far, _) = timed();
        let begin = Instant::now();
        let trickle = async {
            loop {
                far.write_all(b"G").await.unwrap();
                sleep(Duration::from_secs(1)).await;
            }
        };
        let read = async {
            loop {
                if let Err(error) = near.read_u8().await {
                    return error;
                }
            }
        };
        let read = tokio::select! {
            () = trickle => unreachable!("it does not end"),
            read = read => read,
        };
        assert_eq!(read.kind(), io::ErrorKind::TimedOut);
        assert!(begin.elapsed() <= Duration::from_secs(11));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_between_requests_may_take_a_quarter_of_an_hour() {
        let (mut near, _far, _) = timed();
        let quarter = timeout(Duration::from_mins(15), near.read_u8()).await;
        assert!(quarter.is_err());
        assert!(is_timeout(&near.read_u8().await));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_stops_reading_is_given_up() {
        let (mut near, _far, _) = timed();
        let begin = Instant::now();
        assert!(is_timeout(&near.write_all(&[0; 2048]).await));
        assert_eq!(begin.elapsed().as_secs(), STALL.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_below_the_least_rate_is_given_up() {
        let (mut near, mut far, _) = timed();
        let reply = vec![0; 1 << 20];
        let trickle = async {
            while far.read_u8().await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::select! {
            () = trickle => unreachable!("it does not end"),
            written = near.write_all(&reply) => assert!(is_timeout(&written)),
        }
    }
}
