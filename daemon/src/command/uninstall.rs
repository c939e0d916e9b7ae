//! `gted uninstall`: undo `gted install`.

use std::io::{self, Write};

use clap::Args;

use crate::lifecycle::units::{SERVICE_UNIT, SOCKET_UNIT, Units, check_manager, systemctl};

/// Stop the service of this user and remove it; models and settings stay
#[derive(Args, Debug)]
pub(super) struct Uninstall {}

impl Uninstall {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Self {} = self;
        let units = Units::of_user(|name| std::env::var_os(name))?;
        let mut out = io::stdout();
        let installed = units.installed()?;
        if installed.is_empty() {
            writeln!(out, "nothing is installed")?;
            return Ok(());
        }
        check_manager()?;
        // One of the two may be missing.
        let is_installed = |unit| installed.iter().any(|path| path.ends_with(unit));
        if is_installed(SOCKET_UNIT) {
            systemctl(&["disable", "--now", SOCKET_UNIT])?;
        }
        if is_installed(SERVICE_UNIT) {
            systemctl(&["stop", SERVICE_UNIT])?;
        }
        for path in units.remove()? {
            writeln!(out, "removed {}", path.display())?;
        }
        systemctl(&["daemon-reload"])?;
        Ok(())
    }
}
