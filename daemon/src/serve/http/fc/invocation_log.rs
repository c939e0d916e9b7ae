//! The lines on stdout from which Function Compute counts invocations.

use std::io::{self, Write};

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;

use super::headers::{EVENT, HTTP, control_path, request_id};

/// Writes a line before and after an invocation is answered.
pub(in crate::serve::http) async fn log_invocation(request: Request, next: Next) -> Response {
    let Some(id) = invocation(request.headers()).map(str::to_owned) else {
        return next.run(request).await;
    };
    log("Start", &id);
    let reply = next.run(request).await;
    log("End", &id);
    reply
}

/// Id of the invocation that a request is.
fn invocation(headers: &HeaderMap) -> Option<&str> {
    control_path(headers).filter(|kind| [EVENT, HTTP].contains(kind))?;
    request_id(headers)
}

fn log(what: &str, id: &str) {
    let line = format!("FC Invoke {what} RequestId: {id}\n");
    let mut out = io::stdout().lock();
    let written = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    if let Err(error) = written {
        tracing::debug!(%error, "stdout cannot be written to");
    }
}
