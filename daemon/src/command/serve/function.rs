//! A service without sockets, for functions.

use std::sync::Arc;

use super::installed::{Caches, Installed};
use super::logging;
use super::options::Serve;
use super::settings::{Activated, ServeSettings};
use crate::serve::{self, HttpSettings, Service, StartedBy};

/// A service that answers, and the settings of HTTP.
pub(in crate::command) struct Answering {
    pub(in crate::command) service: Service,
    pub(in crate::command) http: HttpSettings,
}

impl Answering {
    /// Reads the settings, begins to log and loads the model.
    pub(in crate::command) fn without_sockets() -> anyhow::Result<Self> {
        let settings = ServeSettings::read(&Serve::default(), Activated::default())?;
        logging::begin(settings.log_format, settings.live.verbose);
        logging::hide_messages_of_panics();
        let caches = Caches {
            // A function has no disk that outlasts it.
            disk: None,
            shared: settings.shared_cache()?,
        };
        let installed = Installed::new(&settings, caches, None)?;
        let loaded = installed.load_first(settings.model.as_deref())?;
        let limits = serve::Limits::default();
        let service = Service::new(loaded, Arc::new(installed), limits, StartedBy::Function);
        Ok(Self {
            service,
            http: settings.http.into_settings(),
        })
    }
}
