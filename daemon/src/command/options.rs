//! Options that several subcommands have.

use gte_shared::wire::Pooling;

/// Parses the value of `--pooling`.
pub(super) fn parse_pooling(value: &str) -> Result<Pooling, &'static str> {
    match value {
        "cls" => Ok(Pooling::Cls),
        "mean" => Ok(Pooling::Mean),
        _ => Err("cls and mean are known"),
    }
}
