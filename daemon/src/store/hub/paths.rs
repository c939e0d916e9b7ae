//! Paths as the hubs' own clients read them from the environment.

use std::path::PathBuf;

/// Environment variables by their names; unset and empty ones are `None`.
pub(super) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Puts the home and the values of variables into a path, as Python's `expanduser` and
/// `expandvars` do: unknown variables stay.
pub(super) fn expanded(path: &str, variables: Variables<'_>) -> PathBuf {
    let path = with_home(path, variables);
    let Some(mut rest) = path.to_str() else {
        return path;
    };
    let mut done = String::new();
    while let Some((before, after)) = rest.split_once('$') {
        done.push_str(before);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let braced = after
            .strip_prefix('{')
            .and_then(|name| name.split_once('}'));
        let plain = || after.find(|c| !is_name(c)).unwrap_or(after.len());
        let (name, length) = braced.map_or_else(
            || (&after[..plain()], plain()),
            |(name, _)| (name, name.len() + 2),
        );
        match variables(name) {
            Some(value) => done.push_str(&value),
            None => done.extend(["$", &after[..length]]),
        }
        rest = &after[length..];
    }
    done.push_str(rest);
    done.into()
}

/// Puts the home in place of `~` at the beginning of a path.
pub(super) fn with_home(path: &str, variables: Variables<'_>) -> PathBuf {
    let home = || variables("HOME").map(PathBuf::from);
    match path.strip_prefix('~') {
        Some("") => home().unwrap_or_else(|| path.into()),
        Some(rest) if rest.starts_with('/') => match home() {
            Some(home) => home.join(rest.trim_start_matches('/')),
            None => path.into(),
        },
        _ => path.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_and_variables_are_put_in() {
        let variables = |name: &str| match name {
            "HOME" => Some("/h".to_owned()),
            "X" => Some("x".to_owned()),
            _ => None,
        };
        for (path, expected) in [
            ("~", "/h"),
            ("~/a", "/h/a"),
            ("~other/a", "~other/a"),
            ("/a/$X/${X}b/$Xb", "/a/x/xb/$Xb"),
            ("/a/$", "/a/$"),
            ("/a/${X", "/a/${X"),
            ("/a/$é", "/a/$é"),
        ] {
            assert_eq!(
                expanded(path, &variables),
                PathBuf::from(expected),
                "{path}"
            );
        }
    }
}
