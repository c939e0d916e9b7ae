//! All settings.

use super::key::{Key, Kind, User};
use crate::wire::Truncation;

/// Socket of the daemon.
pub const SOCKET: Key = Key {
    name: "socket",
    variable: "GTE_SOCKET",
    kind: Kind::Path,
    default: "gte/gted.sock in $XDG_RUNTIME_DIR or /run/user/UID",
    user: User::Both,
    about: "Socket of the daemon",
};

/// Model that the daemon loads.
pub const MODEL: Key = Key {
    name: "model",
    variable: "GTE_MODEL",
    kind: Kind::NameOrFolder,
    default: "the one selected with `gted use`",
    user: User::Daemon,
    about: "Model: the name of an installed one, or a folder in the Hugging Face layout",
};

/// Threads of the model.
pub const THREADS: Key = Key {
    name: "threads",
    variable: "GTE_THREADS",
    kind: Kind::Count,
    default: "the cores of the process",
    user: User::Daemon,
    about: "Number of threads to compute with",
};

/// Type that linear layers multiply in.
pub const PRECISION: Key = Key {
    name: "precision",
    variable: "GTE_PRECISION",
    kind: Kind::Word(&["f32", "int8", "auto"]),
    default: "auto",
    user: User::Daemon,
    about: "Type that linear layers multiply in: f32, int8, or auto (int8 where it is faster)",
};

/// Steps before a text is tokenized.
pub const TEXT_STEPS: Key = Key {
    name: "text_steps",
    variable: "GTE_TEXT_STEPS",
    kind: Kind::TextSteps,
    default: "those of the model",
    user: User::Daemon,
    about: "Steps before a text is tokenized: none, or nfkc, punctuation and lowercase with commas",
};

/// Treatment of a long text.
pub const TRUNCATION: Key = Key {
    name: "truncation",
    variable: "GTE_TRUNCATION",
    kind: Kind::Word(&Truncation::NAMES),
    default: "head",
    user: User::Daemon,
    about: "A text of more tokens than the model reads: its head or tail is read, it is an error, \
            or it is read in chunk windows",
};

/// Time to drain.
pub const DRAIN_TIMEOUT: Key = Key {
    name: "drain_timeout",
    variable: "GTE_DRAIN_TIMEOUT",
    kind: Kind::Time,
    default: "30s",
    user: User::Daemon,
    about: "Time for running requests to be answered after a signal or `gte stop`",
};

/// Idle time until the end of the daemon.
pub const IDLE_EXIT: Key = Key {
    name: "idle_exit",
    variable: "GTE_IDLE_EXIT",
    kind: Kind::Time,
    default: "never; 10m if a service manager has bound the socket",
    user: User::Daemon,
    about: "Time without work after which the daemon ends; the next request starts it again",
};

/// Idle time until the model is unloaded.
pub const IDLE_UNLOAD: Key = Key {
    name: "idle_unload",
    variable: "GTE_IDLE_UNLOAD",
    kind: Kind::Time,
    default: "never",
    user: User::Daemon,
    about: "Time without work after which the model is unloaded; the next request loads it again",
};

/// Memory of the second model.
pub const SECOND_MODEL_MEMORY: Key = Key {
    name: "second_model_memory",
    variable: "GTE_SECOND_MODEL_MEMORY",
    kind: Kind::Size,
    default: "1GiB",
    user: User::Daemon,
    about: "Memory for a second model, which requests name; with off, the selected one alone answers",
};

/// Size of the vectors on disk.
pub const DISK_CACHE: Key = Key {
    name: "disk_cache",
    variable: "GTE_DISK_CACHE",
    kind: Kind::Size,
    default: "off",
    user: User::Daemon,
    about: "Size on disk for vectors that outlast the daemon, in gte/vectors.sqlite of the cache \
            folder; never texts",
};

/// Server with the vectors of several machines.
pub const SHARED_CACHE: Key = Key {
    name: "shared_cache",
    variable: "GTE_SHARED_CACHE",
    kind: Kind::RedisUrl,
    default: "none",
    user: User::Daemon,
    about: "Redis server that keeps vectors for several machines, redis://HOST:PORT; never texts",
};

/// Address of HTTP.
pub const HTTP: Key = Key {
    name: "http",
    variable: "GTE_HTTP",
    kind: Kind::HttpAddress,
    default: "none",
    user: User::Daemon,
    about: "Address that HTTP is served at, besides the socket: IP:PORT, or unix:/PATH",
};

/// Tokens of HTTP clients.
pub const TOKEN_FILE: Key = Key {
    name: "token_file",
    variable: "GTE_TOKEN_FILE",
    kind: Kind::Path,
    default: "none",
    user: User::Daemon,
    about: "File of the tokens that HTTP clients must send one of, a line each: a name and a token",
};

/// HTTP without tokens.
pub const NO_AUTH: Key = Key {
    name: "no_auth",
    variable: "GTE_NO_AUTH",
    kind: Kind::Switch,
    default: "false",
    user: User::Daemon,
    about: "Serve HTTP to other machines without tokens, where something else lets clients in",
};

/// Hosts beside those of this machine.
pub const ALLOW_HOST: Key = Key {
    name: "allow_host",
    variable: "GTE_ALLOW_HOST",
    kind: Kind::Names,
    default: "localhost and loopback addresses",
    user: User::Daemon,
    about: "Further names in the Host header of requests to a loopback address",
};

/// Web pages that may call.
pub const CORS: Key = Key {
    name: "cors",
    variable: "GTE_CORS",
    kind: Kind::Origins,
    default: "none",
    user: User::Daemon,
    about: "Origins of web pages elsewhere that may call HTTP",
};

/// Proxies that tell their clients' addresses.
pub const TRUSTED_PROXIES: Key = Key {
    name: "trusted_proxies",
    variable: "GTE_TRUSTED_PROXIES",
    kind: Kind::Networks,
    default: "none",
    user: User::Daemon,
    about: "Proxies whose X-Forwarded-For names the client that the rate limit counts",
};

/// Rate of requests.
pub const RATE_LIMIT: Key = Key {
    name: "rate_limit",
    variable: "GTE_RATE_LIMIT",
    kind: Kind::Count,
    default: "none",
    user: User::Daemon,
    about: "HTTP requests per second of each token, or of each address without one",
};

/// Certificate of HTTP.
pub const TLS_CERT: Key = Key {
    name: "tls_cert",
    variable: "GTE_TLS_CERT",
    kind: Kind::Path,
    default: "none",
    user: User::Daemon,
    about: "Certificate chain for HTTPS, in PEM; read again at SIGHUP",
};

/// Key of the certificate.
pub const TLS_KEY: Key = Key {
    name: "tls_key",
    variable: "GTE_TLS_KEY",
    kind: Kind::Path,
    default: "none",
    user: User::Daemon,
    about: "Private key of the certificate, in PEM",
};

/// Names of the selected model.
pub const MODEL_ALIASES: Key = Key {
    name: "model_aliases",
    variable: "GTE_MODEL_ALIASES",
    kind: Kind::Names,
    default: "none",
    user: User::Daemon,
    about: "Further names by which HTTP requests may call the selected model",
};

/// Form of the log.
pub const LOG_FORMAT: Key = Key {
    name: "log_format",
    variable: "GTE_LOG_FORMAT",
    kind: Kind::Word(&["text", "json"]),
    default: "text",
    user: User::Daemon,
    about: "Form of the log on stderr: text, or json with one object per line",
};

/// Verbosity of the log.
pub const VERBOSE: Key = Key {
    name: "verbose",
    variable: "GTE_VERBOSE",
    kind: Kind::Switch,
    default: "false",
    user: User::Daemon,
    about: "Log each connection and each request of the socket (sizes and times, never texts)",
};

/// Start of a daemon by the client.
pub const START: Key = Key {
    name: "start",
    variable: "GTE_START",
    kind: Kind::Switch,
    default: "true",
    user: User::Client,
    about: "Start a daemon if none is running (false: --no-start)",
};

/// Output as JSON.
pub const JSON: Key = Key {
    name: "json",
    variable: "GTE_JSON",
    kind: Kind::Switch,
    default: "false",
    user: User::Client,
    about: "Print JSON, one object per line",
};

/// Language of the words.
pub const LANG: Key = Key {
    name: "lang",
    variable: "GTE_LANG",
    kind: Kind::Word(&["zh", "en"]),
    default: "that of the environment; in JSON and tables, zh",
    user: User::Client,
    about: "Language of the output",
};

/// Texts between two starts of the screen.
pub const KEEP_TEXTS: Key = Key {
    name: "keep_texts",
    variable: "GTE_KEEP_TEXTS",
    kind: Kind::Switch,
    default: "false",
    user: User::Client,
    about: "Keep the texts of the screen for its next start, in gte/texts.json of the state folder",
};

/// Settings of `gted serve`.
pub fn of_daemon() -> impl Iterator<Item = &'static Key> {
    ALL.into_iter().filter(|key| key.user != User::Client)
}

/// All settings, in the order of the configuration file.
pub const ALL: [&Key; 28] = [
    &SOCKET,
    &MODEL,
    &THREADS,
    &PRECISION,
    &TEXT_STEPS,
    &TRUNCATION,
    &DRAIN_TIMEOUT,
    &IDLE_EXIT,
    &IDLE_UNLOAD,
    &SECOND_MODEL_MEMORY,
    &DISK_CACHE,
    &SHARED_CACHE,
    &HTTP,
    &TOKEN_FILE,
    &NO_AUTH,
    &ALLOW_HOST,
    &CORS,
    &TRUSTED_PROXIES,
    &RATE_LIMIT,
    &TLS_CERT,
    &TLS_KEY,
    &MODEL_ALIASES,
    &LOG_FORMAT,
    &VERBOSE,
    &START,
    &JSON,
    &LANG,
    &KEEP_TEXTS,
];
