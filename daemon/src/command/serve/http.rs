//! Settings of HTTP.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;

use gte_shared::settings::{
    HttpAddress, Key, Names, Networks, Origins, Settings, SettingsError, keys,
};

use super::platform;
use crate::serve::{HttpError, HttpRules, HttpSettings};

/// Settings of HTTP in force.
#[derive(Debug, Default)]
pub(super) struct HttpOptions {
    /// Address of the service; `None` if it has none, or one of a service manager.
    pub(super) address: Option<HttpAddress>,
    settings: HttpSettings,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl HttpOptions {
    /// Reads the settings. `asks_platform` is true if the variables of a platform count.
    pub(super) fn read<'a>(
        settings: &Settings,
        option: impl Fn(&Key) -> Option<&'a str>,
        asks_platform: bool,
    ) -> Result<Self, SettingsError> {
        let names = |key: &Key| -> Result<Vec<String>, SettingsError> {
            let names: Option<Names> = settings.get(key, option(key))?;
            Ok(names.unwrap_or_default().0)
        };
        let path = |key: &Key| -> Result<Option<PathBuf>, SettingsError> {
            settings.get(key, option(key))
        };
        let origins: Option<Origins> = settings.get(&keys::CORS, option(&keys::CORS))?;
        let proxies: Option<Networks> =
            settings.get(&keys::TRUSTED_PROXIES, option(&keys::TRUSTED_PROXIES))?;
        let rate: Option<NonZero<u32>> =
            settings.get(&keys::RATE_LIMIT, option(&keys::RATE_LIMIT))?;
        let no_auth: Option<bool> = settings.get(&keys::NO_AUTH, option(&keys::NO_AUTH))?;
        let no_auth = no_auth.unwrap_or(false);
        let token_file = path(&keys::TOKEN_FILE)?;
        let address = match settings.get(&keys::HTTP, option(&keys::HTTP))? {
            None if asks_platform => platform::address(no_auth || token_file.is_some())?,
            own => own,
        };
        Ok(Self {
            address,
            settings: HttpSettings {
                token_file,
                no_auth,
                hosts: names(&keys::ALLOW_HOST)?,
                origins: origins.unwrap_or_default().0,
                proxies: proxies.unwrap_or_default().0,
                rate,
                tls: None,
                in_fc: platform::is_fc(),
            },
            certificate: path(&keys::TLS_CERT)?,
            key: path(&keys::TLS_KEY)?,
        })
    }

    /// Settings of a service that is called without a connection of its own, so without TLS.
    pub(super) fn into_settings(self) -> HttpSettings {
        self.settings
    }

    /// Makes the rules of a service at `address`.
    pub(super) fn rules(&self, address: &HttpAddress) -> Result<Arc<HttpRules>, HttpError> {
        let tls = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (None, None) => None,
            _ => return Err(HttpError::HalfTls),
        };
        let settings = HttpSettings {
            tls,
            ..self.settings.clone()
        };
        HttpRules::new(address, settings)
    }
}
