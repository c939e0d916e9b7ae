//! HTTP/1.1 over one connection, with limits on its times.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::progress::Progress;
use super::reply_body::Tracked;
use super::timed::Timed;

/// Most bytes of the head of a request: more than all that clients and gateways send. As many are
/// read at a time.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// End of a client's sending side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HalfClosed {
    /// The client has gone, and its request is dropped.
    Gone,
    /// The client may yet wait for its reply.
    Waits,
}

/// Answers requests one by one until the client closes its side, `stopped` is ready, or the
/// connection is asked to close.
pub(super) async fn serve<T, F, E>(
    io: T,
    progress: &Arc<Progress>,
    stall_timeout: Duration,
    half_closed: HalfClosed,
    stopped: impl Future<Output = ()>,
    answer: impl Fn(Request<Body>) -> F,
) -> hyper::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin + Send,
    F: Future<Output = Result<Response, E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    let io = TokioIo::new(Timed::new(io, Arc::clone(progress), stall_timeout));
    let answer = service_fn(|request: Request<Incoming>| {
        let hold = progress.begin_request();
        let answering = answer(request.map(Body::new));
        async {
            let reply = answering.await?;
            Ok::<_, E>(reply.map(|body| Tracked::new(body, hold)))
        }
    });
    let mut serving = pin!(
        http1::Builder::new()
            .max_header_size(MAX_HEAD_BYTES)
            .max_buf_size(MAX_HEAD_BYTES)
            .half_close(half_closed == HalfClosed::Waits)
            // Each part of a reply is written from where it is, not from a copy.
            .writev(true)
            .serve_connection(io, answer)
    );
    tokio::select! {
        served = &mut serving => return served,
        () = progress.closing() => return Ok(()),
        () = stopped => serving.as_mut().graceful_shutdown(),
    }
    serving.await
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::pending;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::task::JoinHandle;
    use tokio::time::{Instant, sleep};

    use super::super::progress::{HEAD_TIMEOUT, IDLE_TIMEOUT};
    use super::*;

    const STALL: Duration = Duration::from_secs(30);

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    /// A connection whose requests get this many bytes after a second.
    fn serving(bytes: usize) -> (DuplexStream, JoinHandle<Instant>) {
        let (near, far) = duplex(4096);
        let serving = tokio::spawn(async move {
            let answer = async |_| {
                sleep(Duration::from_secs(1)).await;
                Ok::<_, Infallible>(Response::new(Body::from(vec![b'x'; bytes])))
            };
            let progress = Progress::new();
            let gone = HalfClosed::Gone;
            // Either way it has ended.
            drop(serve(near, &progress, STALL, gone, pending(), answer).await);
            Instant::now()
        });
        (far, serving)
    }

    /// Reads until the end of a reply of few bytes.
    async fn read_reply(far: &mut DuplexStream) {
        let mut reply = Vec::new();
        while !reply.ends_with(b"\r\n\r\nx") {
            assert!(far.read_buf(&mut reply).await.unwrap() > 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_after_a_long_pause_and_not_before() {
        let (mut far, serving) = serving(1);
        for _ in 0..2 {
            far.write_all(REQUEST).await.unwrap();
            read_reply(&mut far).await;
            sleep(Duration::from_mins(15)).await;
        }
        let begin = Instant::now() - Duration::from_mins(15);
        let end = serving.await.unwrap();
        assert!((IDLE_TIMEOUT..IDLE_TIMEOUT + STALL).contains(&(end - begin)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_head_ends_the_connection_also_after_a_request() {
        let (mut far, serving) = serving(1);
        far.write_all(REQUEST).await.unwrap();
        read_reply(&mut far).await;
        let begin = Instant::now();
        for byte in REQUEST {
            if far.write_all(&[*byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
        assert!(serving.await.unwrap() - begin <= HEAD_TIMEOUT + Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_ends_the_connection() {
        let (mut far, serving) = serving(1 << 20);
        let begin = Instant::now();
        far.write_all(REQUEST).await.unwrap();
        let end = serving.await.unwrap();
        assert_eq!((end - begin).as_secs(), 1 + STALL.as_secs());
    }
}
