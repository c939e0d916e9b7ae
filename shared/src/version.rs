//! Version and exit status that both programs must agree on.

/// Version of this build, with the commit that it was built from, such as `0.1.0+bf0e93104`.
pub const VERSION: &str = env!("GTE_VERSION");

/// Exit status of `gted serve` when another daemon already holds the socket.
///
/// Part of the contract between the two programs: a client that loses the race to start a daemon
/// sees this status and waits for the winner.
pub const EXIT_ALREADY_RUNNING: u8 = 3;
