//! The APIs whose clients read different forms of errors.

/// Form of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Of this program.
    Own,
    /// Of OpenAI's API.
    OpenAi,
    /// Of text-embeddings-inference.
    Tei,
}

impl Dialect {
    /// Dialect of the routes at a path.
    pub(super) fn of(path: &str) -> Self {
        match path {
            "/" | "/embed" | "/similarity" | "/info" | "/tokenize" => Self::Tei,
            "/embeddings" => Self::OpenAi,
            _ if path.starts_with("/v1/") => Self::OpenAi,
            _ => Self::Own,
        }
    }
}
