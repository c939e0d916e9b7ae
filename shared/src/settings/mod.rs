//! Settings of both programs: options, environment variables and the configuration file.
//!
//! [`keys`] lists them; [`Settings::value`] is the one place that decides which source wins.

mod duration;
mod error;
mod file;
mod http_address;
mod key;
pub mod keys;
mod lists;
mod redis_url;
mod size;
mod sources;
mod template;

pub use duration::Time;
pub use error::SettingsError;
pub use file::config_path;
pub use http_address::{HttpAddress, HttpSocket};
pub use key::{Key, Kind, User};
pub use lists::{Names, Networks, Origins};
pub use redis_url::RedisUrl;
pub use size::Size;
pub use sources::{Setting, Settings, Source};
pub use template::template;
