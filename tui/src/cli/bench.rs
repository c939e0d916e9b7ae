//! `gte bench`: measure the speed of the daemon under load.

use std::io::{self, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Args;
use gte_shared::client::ClientError;
use gte_shared::output::json_line;
use gte_shared::wire::Similarity;
use serde::Serialize;
use tokio::task::JoinSet;

use super::global::Global;

/// Measure the speed of the daemon under load
///
/// Every connection sends the next pair of texts as soon as it has the reply to the last one: in
/// the first run always the same pair, which is cached, in the second run new pairs.
#[derive(Args, Debug)]
pub(super) struct Bench {
    /// Number of connections
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    clients: u16,

    /// Duration of each run, in seconds
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=3600))]
    seconds: u16,
}

/// Result of one run.
#[derive(Serialize)]
struct Row {
    texts: &'static str,
    clients: u16,
    requests: usize,
    requests_per_s: f64,
    p50_us: f64,
    p99_us: f64,
    max_us: f64,
}

impl Bench {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        if !global.json {
            writeln!(out, "texts\tclients\trequests/s\tp50 us\tp99 us\tmax us")?;
        }
        for texts in [Texts::Cached, Texts::Uncached] {
            let row = self.load(global, texts).await?;
            if global.json {
                json_line(&mut out, &row)?;
                continue;
            }
            let Row {
                texts,
                clients,
                requests_per_s,
                p50_us,
                p99_us,
                max_us,
                ..
            } = row;
            writeln!(
                out,
                "{texts}\t{clients}\t{requests_per_s:.0}\t{p50_us:.0}\t{p99_us:.0}\t{max_us:.0}"
            )?;
        }
        Ok(())
    }

    /// Sends requests through all connections for the whole duration.
    async fn load(&self, global: &Global, texts: Texts) -> anyhow::Result<Row> {
        let seconds = Duration::from_secs(self.seconds.into());
        // Makes the texts of each run new.
        let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
        let mut clients = Vec::new();
        for _ in 0..self.clients {
            let client = global.client()?;
            let (a, b) = Texts::Cached.pair(run, 0, 0);
            // Connects, and puts the pair into the cache.
            client.call(Similarity::of(a, b)).await?;
            clients.push(client);
        }
        let start = Instant::now();
        let mut running = JoinSet::new();
        for (number, client) in (0..).zip(clients) {
            running.spawn(async move {
                let mut times = Vec::new();
                while start.elapsed() < seconds {
                    let (a, b) = texts.pair(run, number, times.len());
                    let asked = Instant::now();
                    client.call(Similarity::of(a, b)).await?;
                    times.push(asked.elapsed());
                }
                Ok::<_, ClientError>(times)
            });
        }
        let mut times = Vec::new();
        while let Some(done) = running.join_next().await {
            times.extend(done??);
        }
        let elapsed = start.elapsed();
        times.sort_unstable();
        let quantile = |percent: usize| {
            let time = times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
            time.map_or(0.0, |time| time.as_secs_f64() * 1e6)
        };
        #[expect(clippy::cast_precision_loss, reason = "for people to read")]
        let requests_per_s = times.len() as f64 / elapsed.as_secs_f64();
        Ok(Row {
            texts: texts.name(),
            clients: self.clients,
            requests: times.len(),
            requests_per_s,
            p50_us: quantile(50),
            p99_us: quantile(99),
            max_us: quantile(100),
        })
    }
}

/// Texts of a run.
#[derive(Clone, Copy)]
enum Texts {
    /// The same pair every time.
    Cached,
    /// Never the same text twice.
    Uncached,
}

impl Texts {
    fn name(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Uncached => "uncached",
        }
    }

    fn pair(self, run: u128, client: usize, request: usize) -> (String, String) {
        match self {
            Self::Cached => ("今天天气很好".to_owned(), "今天天气不错".to_owned()),
            Self::Uncached => (
                format!("第{run}批{client}号{request}次的天气很好"),
                format!("第{run}批{client}号{request}次的天气不错"),
            ),
        }
    }
}
