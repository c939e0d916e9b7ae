//! Options of `gted serve`.

use clap::Args;
use gte_shared::settings::keys;
use gte_shared::wire::Truncation;

/// Hold the model and answer on a local socket until a signal or `gte stop` ends it
///
/// Every option can also be set by an environment variable or in the configuration file; `gted
/// config` lists them.
#[derive(Args, Debug, Default)]
pub(in crate::command) struct Serve {
    /// Socket of the daemon [default: $GTE_SOCKET, else $XDG_RUNTIME_DIR/gte/gted.sock]
    #[arg(long, value_name = "PATH")]
    pub(super) socket: Option<String>,

    /// Model: the name of an installed one, or a folder in the Hugging Face layout [default: the
    /// one selected with `gted use`, else gte-base-zh if it is installed, else the built-in one]
    #[arg(long, value_name = "NAME|DIR")]
    pub(super) model: Option<String>,

    /// Number of threads to compute with [default: the cores of this process]
    #[arg(long, value_name = "N", value_parser = |value: &str| keys::THREADS.option(value))]
    pub(super) threads: Option<String>,

    /// Type that linear layers multiply in: auto is int8 where this CPU is faster in it, else f32
    /// [default: auto]
    #[arg(long, value_name = "PRECISION", value_parser = ["f32", "int8", "auto"])]
    pub(super) precision: Option<String>,

    /// Steps before a text is tokenized: none, or nfkc, punctuation and lowercase with commas
    /// [default: those of the model]
    #[arg(long, value_name = "STEPS", value_parser = |value: &str| keys::TEXT_STEPS.option(value))]
    pub(super) text_steps: Option<String>,

    /// Treatment of a text of more tokens than the model reads: its head or tail is read, it is
    /// an error, or it is read in chunks [default: head]
    #[arg(long, value_name = "HOW", value_parser = Truncation::NAMES)]
    pub(super) truncation: Option<String>,

    /// Time for running requests to be answered after a signal or `gte stop` [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = |value: &str| keys::DRAIN_TIMEOUT.option(value))]
    pub(super) drain_timeout: Option<String>,

    /// Time without work after which the daemon ends; the next request starts it again [default:
    /// never; 10m if a service manager has bound the socket]
    #[arg(long, value_name = "TIME", value_parser = |value: &str| keys::IDLE_EXIT.option(value))]
    pub(super) idle_exit: Option<String>,

    /// Time without work after which the model is unloaded; the next request loads it again
    /// [default: never]
    #[arg(long, value_name = "TIME", value_parser = |value: &str| keys::IDLE_UNLOAD.option(value))]
    pub(super) idle_unload: Option<String>,

    /// Memory for a second model, which requests name; off lets the selected one alone answer
    /// [default: 1GiB]
    #[arg(long, value_name = "SIZE", value_parser = |value: &str| keys::SECOND_MODEL_MEMORY.option(value))]
    pub(super) second_model_memory: Option<String>,

    /// Size on disk for vectors that outlast the daemon: vectors and hashes, never texts [default:
    /// off]
    #[arg(long, value_name = "SIZE", value_parser = |value: &str| keys::DISK_CACHE.option(value))]
    pub(super) disk_cache: Option<String>,

    /// Redis server that keeps vectors for several machines, at redis://HOST:PORT: vectors and
    /// hashes, never texts [default: none]
    // Checked later: clap would repeat a wrong one, and with it a password.
    #[arg(long, value_name = "URL")]
    pub(super) shared_cache: Option<String>,

    /// Address that HTTP is served at, besides the socket: IP:PORT, localhost:PORT, or unix:/PATH
    /// with ,mode=660 and ,group=NAME if needed [default: none]
    #[arg(long, value_name = "ADDR", value_parser = |value: &str| keys::HTTP.option(value))]
    pub(super) http: Option<String>,

    /// File of the tokens that HTTP clients must send one of: a line each, with a name and a token
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<String>,

    /// Serve HTTP to other machines without tokens, where something else lets clients in
    #[arg(long)]
    pub(super) no_auth: bool,

    /// Further names in the Host header of requests to a loopback address [default: localhost and
    /// loopback addresses]
    #[arg(long, value_name = "NAMES", value_parser = |value: &str| keys::ALLOW_HOST.option(value))]
    pub(super) allow_host: Option<String>,

    /// Origins of web pages elsewhere that may call HTTP [default: none]
    #[arg(long, value_name = "ORIGINS", value_parser = |value: &str| keys::CORS.option(value))]
    pub(super) cors: Option<String>,

    /// Proxies whose X-Forwarded-For names the client that the rate limit counts [default: none]
    #[arg(long, value_name = "NETWORKS", value_parser = |value: &str| keys::TRUSTED_PROXIES.option(value))]
    pub(super) trusted_proxies: Option<String>,

    /// HTTP requests per second of each token, or of each address without one [default: none]
    #[arg(long, value_name = "N", value_parser = |value: &str| keys::RATE_LIMIT.option(value))]
    pub(super) rate_limit: Option<String>,

    /// Certificate chain for HTTPS, in PEM; read again at SIGHUP, as the tokens are
    #[arg(long, value_name = "FILE")]
    pub(super) tls_cert: Option<String>,

    /// Private key of the certificate, in PEM
    #[arg(long, value_name = "FILE")]
    pub(super) tls_key: Option<String>,

    /// Further names by which HTTP requests may call the selected model [default: none]
    #[arg(long, value_name = "NAMES", value_parser = |value: &str| keys::MODEL_ALIASES.option(value))]
    pub(super) model_aliases: Option<String>,

    /// Form of the log on stderr [default: text]
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json"])]
    pub(super) log_format: Option<String>,

    /// Log each connection and request (sizes and times, never texts)
    #[arg(short, long)]
    pub(super) verbose: bool,

    /// Leave the caller's session, folder and open files: for clients that start the daemon
    #[arg(long, hide = true)]
    pub(super) detached: bool,
}
