//! Options of several subcommands.

use gte_shared::wire::Pooling;

/// Parses the value of `--pooling`.
pub(super) fn parse_pooling(value: &str) -> Result<Pooling, &'static str> {
    let mut poolings = [Pooling::Cls, Pooling::Mean].into_iter();
    poolings
        .find(|pooling| pooling.name() == value)
        .ok_or("expected cls or mean")
}
