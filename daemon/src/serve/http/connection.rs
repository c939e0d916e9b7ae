//! One connection over which HTTP is spoken.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tower::ServiceExt;

use super::progress::Progress;
use super::reply_body::Tracked;
use super::timed::Timed;
use crate::engine::CallerId;
use crate::serve::admission::Share;
use crate::serve::service::Service;

/// Most bytes of the head of a request: more than all that clients and gateways send.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// A connection, for the handlers of its requests. Clones share it.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) service: Arc<Service>,
    pub(super) caller: CallerId,
    pub(super) share: Arc<Share>,
    /// Address of the other end; `None` at a Unix socket.
    pub(super) address: Option<IpAddr>,
    progress: Arc<Progress>,
}

impl Connection {
    pub(super) fn new(
        service: &Arc<Service>,
        address: Option<IpAddr>,
        progress: Arc<Progress>,
    ) -> Self {
        Self {
            service: Arc::clone(service),
            caller: service.new_caller(),
            share: Arc::new(service.admission().share()),
            address,
            progress,
        }
    }

    /// Waits until the connection is asked to close.
    pub(super) async fn closing(&self) {
        self.progress.closing().await;
    }

    /// Answers requests one by one until the client closes its side, the daemon stops, or the
    /// connection is asked to close. If the client has gone, its request is dropped.
    pub(super) async fn serve<T>(self, io: T, router: Router) -> hyper::Result<()>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let service = Arc::clone(&self.service);
        let progress = Arc::clone(&self.progress);
        let stall_timeout = service.limits().stall_timeout;
        let io = TokioIo::new(Timed::new(io, Arc::clone(&progress), stall_timeout));
        let answer = service_fn(|request: Request<Incoming>| {
            self.progress.begin_request();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(self.clone());
            let answering = router.clone().oneshot(request);
            let progress = Arc::clone(&self.progress);
            async move {
                let reply = answering.await;
                reply.map(|reply| reply.map(|body| Tracked::new(body, progress)))
            }
        });
        let mut serving = pin!(
            http1::Builder::new()
                .max_header_size(MAX_HEAD_BYTES)
                .serve_connection(io, answer)
        );
        tokio::select! {
            served = &mut serving => return served,
            () = progress.closing() => return Ok(()),
            () = service.stopped() => serving.as_mut().graceful_shutdown(),
        }
        serving.await
    }
}
