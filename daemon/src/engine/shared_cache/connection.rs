//! The connection to the server, which is opened anew when it is lost.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo};
use tokio::sync::watch;

use super::counters::{Counters, PAUSE};
use super::error::{Fault, SharedCacheUrlError};

/// Longest time for a connection to open, and for vectors to be taken.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The connection while there is one. Clones share it.
#[derive(Clone)]
pub(super) struct Connection {
    now: watch::Receiver<Option<Numbered>>,
    /// Number of the latest connection that is of no use any more.
    lost: Arc<watch::Sender<u64>>,
}

/// A connection and its number, which no other one has.
#[derive(Clone)]
pub(super) struct Numbered {
    number: u64,
    pub(super) connection: MultiplexedConnection,
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
        let (lost, mut is_lost) = watch::channel(0);
        let counters = Arc::clone(counters);
        tokio::spawn(async move {
            tokio::select! {
                () = keep(&client, &sender, &mut is_lost, &counters) => {}
                () = sender.closed() => {}
            }
        });
        let lost = Arc::new(lost);
        Ok(Self { now, lost })
    }

    /// The connection; `None` while there is none.
    pub(super) fn get(&self) -> Option<Numbered> {
        self.now.borrow().clone()
    }

    /// Opens another one in the place of `lost`, unless that has been done.
    pub(super) fn replace(&self, lost: &Numbered) {
        self.lost.send_if_modified(|latest| {
            let is_new = lost.number > *latest;
            *latest = (*latest).max(lost.number);
            is_new
        });
    }
}

/// Connects as often as needed.
async fn keep(
    client: &Client,
    sender: &watch::Sender<Option<Numbered>>,
    lost: &mut watch::Receiver<u64>,
    counters: &Counters,
) {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(RESPONSE_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT));
    let mut number = 0;
    loop {
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        match connecting.await {
            Ok(connection) => {
                number += 1;
                tracing::debug!(number, "shared cache connected");
                sender.send_replace(Some(Numbered { number, connection }));
                if lost.wait_for(|lost| *lost >= number).await.is_err() {
                    return;
                }
                sender.send_replace(None);
            }
            Err(error) => {
                counters.report(&Fault::Unreachable(error));
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
