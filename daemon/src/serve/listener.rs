//! The listener: accepts connections, keeps the socket in its place, and drains in the end.

use std::sync::Arc;
use std::time::Duration;

use gte_shared::endpoint::check_peer;
use gte_shared::wire::ErrorReply;
use interprocess::local_socket::tokio::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::http;
use super::peer::Peer;
use super::service::Service;
use super::session;
use super::socket::BoundSocket;

/// Pause after a failed accept, so that a lack of file descriptors does not cause a busy loop.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_millis(100);

/// Time between two looks at the socket's file. A client that finds no socket waits longer.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Wait for a connection after which no other one is waiting.
const LAST_CONNECTION: Duration = Duration::from_millis(20);

/// Accepts connections until the service stops, then waits until every session has answered its
/// pending requests, at most for the drain timeout. The socket is removed before the wait.
///
/// A socket whose file has been removed is bound anew while `owns_path` returns true: while no
/// other daemon can have taken the socket's path. Otherwise the service stops, since no client
/// finds it. So it does if a service manager has bound the socket, which alone can bind it anew.
pub async fn serve(socket: BoundSocket, service: Arc<Service>, owns_path: impl Fn() -> bool) {
    // Every session holds a sender, through which nothing is sent: the channel closes when the last
    // session ends.
    let (session_alive, mut all_ended) = mpsc::channel::<()>(1);
    accept_all(socket, &service, &session_alive, owns_path).await;
    drop(session_alive);
    tracing::info!("draining");
    // The channel closes when the last session has dropped its sender.
    let drained = timeout(service.drain_timeout(), all_ended.recv()).await;
    if drained.is_err() {
        let connections = service.counters().connections;
        tracing::warn!(
            connections,
            "drain timeout: exiting with requests unanswered"
        );
    }
}

async fn accept_all(
    mut socket: BoundSocket,
    service: &Arc<Service>,
    session_alive: &mpsc::Sender<()>,
    owns_path: impl Fn() -> bool,
) {
    let permits = Arc::new(Semaphore::new(service.limits().connections));
    let router = http::own_routes();
    let mut looks = interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let accepted = tokio::select! {
            () = service.stopped() => return,
            _ = looks.tick() => {
                keep_in_place(&mut socket, service, &owns_path);
                continue;
            }
            accepted = accept(&socket, &permits) => accepted,
        };
        let (stream, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(PAUSE_AFTER_REFUSAL).await;
                continue;
            }
        };
        if !socket.is_inherited()
            && let Err(error) = check_peer(&stream)
        {
            tracing::warn!(%error, "connection refused");
            continue;
        }
        let service = Arc::clone(service);
        let (session_alive, router) = (session_alive.clone(), router.clone());
        tokio::spawn(async move {
            let counted = service.count_connection();
            session::run(Peer::new(stream), &service, router).await;
            drop((counted, permit, session_alive));
        });
    }
}

/// Binds a socket anew whose file has been removed, or stops the service.
fn keep_in_place(socket: &mut BoundSocket, service: &Service, owns_path: impl Fn() -> bool) {
    if !owns_path() {
        tracing::warn!("the socket's folder was removed or replaced: ending");
        service.stop();
        return;
    }
    if socket.is_in_place() {
        return;
    }
    if socket.is_inherited() {
        tracing::error!("the service manager's socket was removed: ending; restart gted.socket");
        service.stop();
        return;
    }
    match socket.bind_again() {
        Ok(()) => tracing::warn!("the socket was removed: listening again"),
        Err(error) => {
            tracing::error!(%error, "the socket was removed, and cannot be bound again: ending");
            service.stop();
        }
    }
}

/// Answers the connections that wait in a service manager's socket with the reason why the daemon
/// cannot start. Left there, they would have the service manager start it again at once.
pub async fn refuse_waiting(socket: BoundSocket, reason: &ErrorReply) {
    let mut refusing = JoinSet::new();
    while let Ok(Ok(stream)) = timeout(LAST_CONNECTION, socket.accept()).await {
        let reason = reason.clone();
        refusing.spawn(async move { session::refuse(Peer::new(stream), reason).await });
    }
    refusing.join_all().await;
}

/// Waits for a free permit and then for a connection.
async fn accept(
    socket: &BoundSocket,
    permits: &Arc<Semaphore>,
) -> std::io::Result<(Stream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await;
    // The semaphore is never closed.
    let permit = permit.map_err(std::io::Error::other)?;
    Ok((socket.accept().await?, permit))
}
