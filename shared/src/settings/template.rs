//! The configuration file of a user who has none.

use std::fmt::Write;

use super::key::{Key, Kind, User};
use super::keys;

/// A configuration file in which every setting is explained and commented out.
#[must_use]
pub fn template() -> String {
    let mut text =
        "# Settings of gte and gted. An option goes before the environment variable, and that\n\
                    # before this file. `gted config` prints what is in force.\n"
            .to_owned();
    for key in keys::ALL {
        let user = match key.user {
            User::Daemon => "gted serve",
            User::Client => "gte",
            User::Both => "both",
        };
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "\n# {} ({user}; ${}).\n# Default: {}.\n# {} = {}\n",
            key.about,
            key.variable,
            key.default,
            key.name,
            example(key)
        );
    }
    text
}

/// A value of the setting, as TOML.
fn example(key: &Key) -> String {
    match key.kind {
        Kind::Path => "\"/run/user/1000/gte/gted.sock\"".to_owned(),
        Kind::NameOrFolder => "\"gte-base-zh\"".to_owned(),
        Kind::Count => "2".to_owned(),
        Kind::Time => "\"10m\"".to_owned(),
        Kind::TextSteps => "\"nfkc,lowercase\"".to_owned(),
        Kind::Size => "\"512MiB\"".to_owned(),
        Kind::HttpAddress => "\"127.0.0.1:8765\"".to_owned(),
        Kind::Names => "\"name,other\"".to_owned(),
        Kind::Origins => "\"https://example.com\"".to_owned(),
        Kind::Networks => "\"10.0.0.0/8\"".to_owned(),
        Kind::RedisUrl => "\"redis://127.0.0.1:6379\"".to_owned(),
        Kind::Switch => (key.default != "true").to_string(),
        Kind::Word(words) => format!("\"{}\"", words.first().copied().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::File;
    use super::*;

    fn read(text: &str) -> File {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        File::read(&path).unwrap()
    }

    #[test]
    fn the_template_sets_nothing_and_every_example_is_valid() {
        let untouched = read(&template());
        let is_assignment = |line: &&str| line.starts_with("# ") && line.contains(" = ");
        let text = template();
        let lines: Vec<&str> = text.lines().filter(is_assignment).collect();
        let active = read(&lines.join("\n").replace("# ", ""));
        for key in keys::ALL {
            assert_eq!(untouched.get(key), None);
            assert!(active.get(key).is_some(), "{}", key.name);
        }
    }
}
