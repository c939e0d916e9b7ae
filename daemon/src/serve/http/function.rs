//! HTTP without connections: requests come one by one from elsewhere, whole.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::ACCEPT_ENCODING;
use axum::http::{Request, Response, StatusCode};
use bytes::Bytes;
use tower::ServiceExt;

use super::connection::Connection;
use super::dialect::Dialect;
use super::error::HttpError;
use super::failure::Failure;
use super::progress::Progress;
use super::router::guarded_routes;
use super::server::HttpSettings;
use crate::serve::service::Service;

/// The routes of the service, for requests that something else has received.
pub struct HttpFunction {
    router: Router,
    connection: Connection,
}

impl HttpFunction {
    /// Makes the routes. What calls them has let the client in, unless the settings name tokens.
    ///
    /// # Errors
    ///
    /// If a file of the settings cannot be used.
    pub fn new(service: &Arc<Service>, settings: HttpSettings) -> Result<Self, HttpError> {
        Ok(Self {
            router: guarded_routes(&Arc::new(settings.access(false)?)),
            connection: Connection::new(service, None, Progress::new()),
        })
    }

    /// Answers a request of a client at an address. The reply is not compressed.
    pub(in crate::serve) async fn answer(
        &self,
        request: Request<Bytes>,
        address: Option<IpAddr>,
    ) -> Response<Bytes> {
        let path = request.uri().path().to_owned();
        let mut request = request.map(Body::from);
        request.headers_mut().remove(ACCEPT_ENCODING);
        let connection = self.connection.clone().with_address(address);
        request.extensions_mut().insert(connection);
        // The router answers every request.
        let Ok(reply) = self.router.clone().oneshot(request).await;
        let (head, body) = reply.into_parts();
        match to_bytes(body, usize::MAX).await {
            Ok(body) => Response::from_parts(head, body),
            Err(error) => {
                tracing::error!(%error, "the body of a reply broke");
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                refusal(&path, &Failure::new(status, "internal", "the reply broke")).await
            }
        }
    }
}

/// Reply to a request that cannot be read as HTTP.
pub(in crate::serve) async fn malformed(path: &str, message: &'static str) -> Response<Bytes> {
    refusal(path, &Failure::bad_request(message)).await
}

/// Reply in the place of one that is too large for what carries it.
pub(in crate::serve) async fn too_large(
    path: &str,
    message: String,
    hint: String,
) -> Response<Bytes> {
    let status = StatusCode::PAYLOAD_TOO_LARGE;
    let failure = Failure::new(status, "too_large", message).with_hint(hint);
    refusal(path, &failure).await
}

async fn refusal(path: &str, failure: &Failure) -> Response<Bytes> {
    let (head, body) = failure.reply(Dialect::of(path)).into_parts();
    // It is in memory.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    Response::from_parts(head, body)
}
