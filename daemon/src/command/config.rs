//! `gted config`: print or edit the settings.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anyhow::Context;
use clap::Args;
use gte_shared::environment::variable;
use gte_shared::output::json_line;
use gte_shared::settings::{Settings, config_path, keys, template};

use super::messages::say;

/// Print the settings in force and the source of each
#[derive(Args, Debug)]
pub(super) struct Config {
    /// Open the configuration file in $VISUAL or $EDITOR; a new one explains every setting
    #[arg(long, conflicts_with = "json")]
    edit: bool,

    /// Print JSON, one object per line
    #[arg(long)]
    json: bool,
}

/// A failure to edit the configuration file.
#[derive(Debug, thiserror::Error)]
enum EditError {
    #[error("neither XDG_CONFIG_HOME nor HOME names a folder for the configuration file")]
    NoPlace,
    #[error("the editor `{editor}` failed ({status})")]
    Editor { editor: String, status: ExitStatus },
}

impl Config {
    pub(super) fn run(self) -> anyhow::Result<()> {
        if self.edit {
            return edit();
        }
        let settings = Settings::load()?;
        let mut out = io::stdout().lock();
        for key in keys::ALL {
            let setting = settings.value(key, None)?;
            let value = setting.value.as_deref().map(|value| key.shown(value));
            if self.json {
                let row = serde_json::json!({
                    "key": key.name,
                    "value": value,
                    "default": key.default,
                    "source": setting.source.to_string(),
                });
                json_line(&mut out, &row)?;
            } else {
                let value = value.unwrap_or(key.default.into());
                writeln!(out, "{}\t{value}\t{}", key.name, setting.source)?;
            }
        }
        if !self.json
            && let Some(path) = settings.path()
        {
            let missing = if path.exists() { "" } else { " (missing)" };
            say(format!("the file is {}{missing}", path.display()));
        }
        Ok(())
    }
}

/// Opens the configuration file in an editor, and checks it afterwards.
fn edit() -> anyhow::Result<()> {
    let path = config_path(|name| std::env::var_os(name)).ok_or(EditError::NoPlace)?;
    make(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    let editor = variable("VISUAL").or_else(|| variable("EDITOR"));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    // The variable may have arguments, as git and crontab understand it.
    let status = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(&path)
        .status()
        .context("the editor cannot be started")?;
    if !status.success() {
        return Err(EditError::Editor { editor, status }.into());
    }
    Settings::load()?;
    say(
        "a running daemon rereads the file after SIGHUP; for the service, `systemctl --user reload gted`",
    );
    Ok(())
}

/// Writes a new configuration file, if there is none.
fn make(path: &Path) -> io::Result<()> {
    let folder: PathBuf = path.parent().map(Path::to_owned).unwrap_or_default();
    fs::create_dir_all(folder)?;
    match fs::File::create_new(path) {
        Ok(mut file) => file.write_all(template().as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
