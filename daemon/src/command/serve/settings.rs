//! Settings of `gted serve` in force.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use gte_shared::settings::{
    Key, Names, RedisUrl, Setting, Settings, SettingsError, Size, Time, keys,
};
use gte_shared::wire::TextOptions;

use super::http::HttpOptions;
use super::options::Serve;
use crate::command::compute_options::{Choice, ComputeOptions};
use crate::engine::{SharedCache, SharedCacheUrlError};
use crate::model::Compute;

/// Drain timeout by default: a service manager gives 90 s (`TimeoutStopSec`, systemd.service(5)),
/// and few requests take longer.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Idle time until the end of a daemon that a service manager starts on demand: a start costs a
/// fraction of a second, and somebody who works with texts asks more often.
const ACTIVATED_IDLE_EXIT: Duration = Duration::from_mins(10);

/// Memory for a second model by default: enough for a base model, which takes 0.3 GB while it is
/// loaded.
const SECOND_MODEL_MEMORY: u64 = 1 << 30;

/// Sockets that a service manager has bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Activated {
    /// True if it is the daemon's own.
    pub(super) own: bool,
    /// True if it is that of HTTP.
    pub(super) http: bool,
    /// True if the running daemon has HTTP at an address of its own; `None` before it runs.
    pub(super) opened_http: Option<bool>,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Settings that take effect while the daemon runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Live {
    pub(super) drain_timeout: Duration,
    pub(super) idle_exit: Option<Duration>,
    pub(super) idle_unload: Option<Duration>,
    pub(super) verbose: bool,
}

/// All settings.
pub(super) struct ServeSettings {
    pub(super) socket: Option<PathBuf>,
    pub(super) model: Option<String>,
    pub(super) compute: Compute,
    /// Rules of requests that leave them out.
    pub(super) rules: TextOptions,
    /// Most memory of a second model; `None` for no second model.
    pub(super) second_model_memory: Option<u64>,
    /// Most bytes of vectors on disk.
    pub(super) disk_cache: Option<u64>,
    /// Address of the server with the vectors of all machines.
    shared_cache: Option<RedisUrl>,
    /// HTTP, and further names of the selected model for its requests.
    pub(super) http: HttpOptions,
    pub(super) model_aliases: Vec<String>,
    pub(super) log_format: LogFormat,
    pub(super) live: Live,
    /// Every setting as it was written.
    pub(super) written: Vec<(&'static Key, Setting)>,
}

impl ServeSettings {
    /// Opens the shared cache, within a runtime.
    pub(super) fn shared_cache(&self) -> Result<Option<SharedCache>, SharedCacheUrlError> {
        let url = self.shared_cache.as_ref();
        url.map(|RedisUrl(url)| SharedCache::open(url)).transpose()
    }

    /// Reads the configuration file and the environment beside the options.
    pub(super) fn read(options: &Serve, activated: Activated) -> Result<Self, SettingsError> {
        Self::new(options, &Settings::load()?, activated)
    }

    fn new(
        options: &Serve,
        settings: &Settings,
        activated: Activated,
    ) -> Result<Self, SettingsError> {
        let option = |key: &Key| options.get(key);
        let time = |key: &Key, default| {
            let time: Option<Time> = settings.get(key, option(key))?;
            Ok(time.map_or(default, |Time(time)| time))
        };
        let threads: Option<NonZero<usize>> =
            settings.get(&keys::THREADS, option(&keys::THREADS))?;
        let precision: Option<Choice> = settings.get(&keys::PRECISION, option(&keys::PRECISION))?;
        let format: Option<String> = settings.get(&keys::LOG_FORMAT, option(&keys::LOG_FORMAT))?;
        let verbose: Option<bool> = settings.get(&keys::VERBOSE, option(&keys::VERBOSE))?;
        let disk_cache: Option<Size> =
            settings.get(&keys::DISK_CACHE, option(&keys::DISK_CACHE))?;
        let second: Option<Size> = settings.get(
            &keys::SECOND_MODEL_MEMORY,
            option(&keys::SECOND_MODEL_MEMORY),
        )?;
        let aliases: Option<Names> =
            settings.get(&keys::MODEL_ALIASES, option(&keys::MODEL_ALIASES))?;
        // A daemon that a client starts is for the clients of this machine.
        let http = HttpOptions::read(settings, option, !options.detached && !activated.http)?;
        let opens_http = http.address.is_some() && !activated.http;
        // Nobody would open such an address again.
        let comes_back = !activated.opened_http.unwrap_or(opens_http);
        let idle_exit = (activated.own && comes_back).then_some(ACTIVATED_IDLE_EXIT);
        let drain_timeout = time(&keys::DRAIN_TIMEOUT, Some(DRAIN_TIMEOUT))?;
        let mut written = Vec::new();
        for key in keys::of_daemon() {
            written.push((key, settings.value(key, option(key))?));
        }
        Ok(Self {
            socket: settings.get(&keys::SOCKET, option(&keys::SOCKET))?,
            model: settings.get(&keys::MODEL, option(&keys::MODEL))?,
            compute: ComputeOptions { threads, precision }.resolve(),
            rules: TextOptions {
                text_steps: settings.get(&keys::TEXT_STEPS, option(&keys::TEXT_STEPS))?,
                truncation: settings.get(&keys::TRUNCATION, option(&keys::TRUNCATION))?,
                ..TextOptions::default()
            },
            second_model_memory: second.map_or(Some(SECOND_MODEL_MEMORY), |Size(bytes)| bytes),
            disk_cache: disk_cache.and_then(|Size(bytes)| bytes),
            shared_cache: settings.get(&keys::SHARED_CACHE, option(&keys::SHARED_CACHE))?,
            http,
            model_aliases: aliases.unwrap_or_default().0,
            log_format: match format.as_deref() {
                Some("json") => LogFormat::Json,
                _ => LogFormat::Text,
            },
            live: Live {
                drain_timeout: drain_timeout.unwrap_or(Duration::MAX),
                idle_exit: time(&keys::IDLE_EXIT, idle_exit)?,
                idle_unload: time(&keys::IDLE_UNLOAD, None)?,
                verbose: verbose.unwrap_or(false),
            },
            written,
        })
    }
}

impl Serve {
    /// Value of the option that sets `key`.
    fn get(&self, key: &Key) -> Option<&str> {
        let options = [
            (&keys::SOCKET, &self.socket),
            (&keys::MODEL, &self.model),
            (&keys::THREADS, &self.threads),
            (&keys::PRECISION, &self.precision),
            (&keys::DRAIN_TIMEOUT, &self.drain_timeout),
            (&keys::TEXT_STEPS, &self.text_steps),
            (&keys::TRUNCATION, &self.truncation),
            (&keys::IDLE_EXIT, &self.idle_exit),
            (&keys::IDLE_UNLOAD, &self.idle_unload),
            (&keys::SECOND_MODEL_MEMORY, &self.second_model_memory),
            (&keys::DISK_CACHE, &self.disk_cache),
            (&keys::SHARED_CACHE, &self.shared_cache),
            (&keys::HTTP, &self.http),
            (&keys::TOKEN_FILE, &self.token_file),
            (&keys::ALLOW_HOST, &self.allow_host),
            (&keys::CORS, &self.cors),
            (&keys::TRUSTED_PROXIES, &self.trusted_proxies),
            (&keys::RATE_LIMIT, &self.rate_limit),
            (&keys::TLS_CERT, &self.tls_cert),
            (&keys::TLS_KEY, &self.tls_key),
            (&keys::MODEL_ALIASES, &self.model_aliases),
            (&keys::LOG_FORMAT, &self.log_format),
        ];
        if key == &keys::VERBOSE {
            return self.verbose.then_some("true");
        }
        if key == &keys::NO_AUTH {
            return self.no_auth.then_some("true");
        }
        let option = options.into_iter().find(|(of, _)| *of == key);
        option.and_then(|(_, value)| value.as_deref())
    }
}
