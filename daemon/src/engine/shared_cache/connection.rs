//! The connection to the server, which is opened anew when it is lost.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo};
use tokio::sync::{Notify, watch};

use super::counters::{Counters, PAUSE};
use super::error::{Fault, SharedCacheUrlError};

/// Longest time for a connection to open, and for vectors to be taken.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The connection while there is one. Clones share it.
#[derive(Clone)]
pub(super) struct Connection {
    now: watch::Receiver<Option<MultiplexedConnection>>,
    lost: Arc<Notify>,
}

impl Connection {
    /// Begins to connect, within a runtime of tokio, and goes on until all clones are gone.
    pub(super) fn open(url: &str, counters: &Arc<Counters>) -> Result<Self, SharedCacheUrlError> {
        let wrong = |error: redis::RedisError| SharedCacheUrlError(error.to_string());
        // What is small is sent at once.
        let tcp = TcpSettings::default().set_nodelay(true);
        let address = url.into_connection_info().map_err(wrong)?;
        let client = Client::open(address.set_tcp_settings(tcp)).map_err(wrong)?;
        let (sender, now) = watch::channel(None);
        let lost = Arc::<Notify>::default();
        let (counters, until_lost) = (Arc::clone(counters), Arc::clone(&lost));
        tokio::spawn(async move {
            tokio::select! {
                () = keep(&client, &sender, &until_lost, &counters) => {}
                () = sender.closed() => {}
            }
        });
        Ok(Self { now, lost })
    }

    /// The connection; `None` while it is lost.
    pub(super) fn get(&self) -> Option<MultiplexedConnection> {
        self.now.borrow().clone()
    }

    /// Opens it anew.
    pub(super) fn replace(&self) {
        self.lost.notify_one();
    }
}

/// Connects as often as needed.
async fn keep(
    client: &Client,
    sender: &watch::Sender<Option<MultiplexedConnection>>,
    lost: &Notify,
    counters: &Counters,
) {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(RESPONSE_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT));
    loop {
        let connected = client.get_multiplexed_async_connection_with_config(&config);
        match connected.await {
            Ok(connection) => {
                tracing::info!("the shared cache is connected");
                sender.send_replace(Some(connection));
                lost.notified().await;
                sender.send_replace(None);
            }
            Err(error) => {
                counters.report(&Fault::Unreachable(error));
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
