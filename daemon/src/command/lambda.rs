//! `gted lambda`: answer the events of an AWS Lambda function.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use gte_shared::wire::ErrorCode;

use super::hints;
use super::serve::{Answering, NotStarted};
use crate::lifecycle::memory;
use crate::serve::{Function, HttpFunction, RUNTIME_API, check_variables, report_init_error};

/// Name of a program that Lambda starts.
const BOOTSTRAP: &str = "bootstrap";

/// Answer the events of an AWS Lambda function
///
/// Reads the settings of `gted serve` from the environment. Lambda starts the program `bootstrap`
/// of a package; under this name, or without a subcommand where AWS_LAMBDA_RUNTIME_API is set, gted
/// runs this command.
#[derive(Args, Debug)]
pub(super) struct Lambda {}

impl Lambda {
    pub(super) fn run() -> anyhow::Result<()> {
        let start = Instant::now();
        check_variables()?;
        memory::limit_retained();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("the runtime cannot be started")?;
        let prepared = {
            // The shared cache is connected by the other thread meanwhile.
            let _guard = runtime.enter();
            prepare(start)
        };
        // A task of its own shares its thread with those of the connections that it waits for.
        let running = runtime.spawn(async move {
            match prepared {
                Ok(function) => Ok(function.run().await?),
                Err(error) => {
                    let reason = hints::reply(&error, ErrorCode::Internal);
                    if let Err(unreported) = report_init_error(reason.to_string()).await {
                        tracing::warn!(%unreported, "Lambda is not told why this ends");
                    }
                    Err(NotStarted(error).into())
                }
            }
        });
        runtime.block_on(running).context("the function panicked")?
    }
}

/// Loads the model. Lambda takes a function for ready when it asks for the first event.
fn prepare(start: Instant) -> anyhow::Result<Function> {
    let Answering { service, http } = Answering::without_sockets()?;
    let service = Arc::new(service);
    let http = HttpFunction::new(&service, http)?;
    Ok(Function::new(service, http, start.elapsed()))
}

/// The arguments of this process, with the subcommand that Lambda leaves out.
pub(super) fn arguments() -> Vec<OsString> {
    with_subcommand(
        std::env::args_os().collect(),
        std::env::var_os(RUNTIME_API).is_some(),
    )
}

fn with_subcommand(mut arguments: Vec<OsString>, in_lambda: bool) -> Vec<OsString> {
    if let [program] = arguments.as_slice() {
        let name = Path::new(program).file_name();
        if in_lambda || name.is_some_and(|name| name == BOOTSTRAP) {
            arguments.push("lambda".into());
        }
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subcommand_is_added_where_none_is() {
        let arguments = |given: &[&str], in_lambda| {
            let given = given.iter().map(OsString::from).collect();
            with_subcommand(given, in_lambda)
        };
        assert_eq!(arguments(&["gted"], false), ["gted"]);
        assert_eq!(arguments(&["gted"], true), ["gted", "lambda"]);
        assert_eq!(arguments(&["/var/task/bootstrap"], false)[1..], ["lambda"]);
        assert_eq!(arguments(&["bootstrap", "serve"], true)[1..], ["serve"]);
    }
}
