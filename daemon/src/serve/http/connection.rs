//! One connection over which HTTP is spoken.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use tokio::io::{AsyncRead, AsyncWrite};
use tower::ServiceExt;

use super::http1::{HalfClosed, serve};
use super::progress::{Linger, Progress, ReadingBody};
use crate::engine::CallerId;
use crate::serve::admission::Share;
use crate::serve::service::Service;

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

    /// The same connection, for a client at another address.
    pub(super) fn with_address(self, address: Option<IpAddr>) -> Self {
        Self { address, ..self }
    }

    /// Waits until the connection is asked to close.
    pub(super) async fn closing(&self) {
        self.progress.closing().await;
    }

    /// Records that the body of the request is being read.
    pub(super) fn read_body(&self) -> ReadingBody {
        self.progress.read_body()
    }

    /// Records that the rest of a refused body is thrown away.
    pub(super) fn linger(&self) -> Linger {
        self.progress.linger()
    }

    /// Answers requests one by one until the client closes its side, the daemon stops, or the
    /// connection is asked to close. If the client has gone, its request is dropped.
    pub(super) async fn serve<T>(
        self,
        io: T,
        router: Router,
        half_closed: HalfClosed,
    ) -> hyper::Result<()>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let service = Arc::clone(&self.service);
        let progress = Arc::clone(&self.progress);
        let stall_timeout = service.limits().stall_timeout;
        let stopped = service.stopped();
        serve(
            io,
            &progress,
            stall_timeout,
            half_closed,
            stopped,
            |mut request| {
                request.extensions_mut().insert(self.clone());
                router.clone().oneshot(request)
            },
        )
        .await
    }
}
