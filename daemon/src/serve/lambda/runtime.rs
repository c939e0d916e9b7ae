//! Lambda's runtime API: events are taken from it, and replies go to it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use lambda_runtime_api_client::PooledClient;
use lambda_runtime_api_client::body::Body;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::error::LambdaError;
use super::function::Function;

/// Address of the runtime API.
pub const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// Variables that Lambda sets, without which its library panics.
const VARIABLES: [&str; 4] = [
    RUNTIME_API,
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    MEMORY_SIZE,
];

/// Megabytes of the function.
const MEMORY_SIZE: &str = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";

/// Longest time for the reply to go out in which the model has failed for good.
const LAST_REPLY_TIMEOUT: Duration = Duration::from_millis(500);

/// Path of the report of a function that cannot start.
const INIT_ERROR: &str = "/2018-06-01/runtime/init/error";

/// Type of such a report.
const INIT_ERROR_TYPE: &str = "Runtime.InitError";

/// Checks that Lambda has started this program.
///
/// # Errors
///
/// If a variable of Lambda is missing, or is not as Lambda sets it.
pub fn check_variables() -> Result<(), LambdaError> {
    for name in VARIABLES {
        value(name)?;
    }
    let megabytes: Result<i32, _> = value(MEMORY_SIZE)?.parse();
    megabytes.map_err(|_| LambdaError::Variable(MEMORY_SIZE))?;
    check_address()
}

fn check_address() -> Result<(), LambdaError> {
    let address: Result<http::Uri, _> = value(RUNTIME_API)?.parse();
    match address {
        Ok(address) if address.authority().is_some() => Ok(()),
        _ => Err(LambdaError::Variable(RUNTIME_API)),
    }
}

fn value(name: &'static str) -> Result<String, LambdaError> {
    std::env::var(name).map_err(|_| LambdaError::NotLambda(name))
}

impl Function {
    /// Answers events one by one, as long as Lambda has some. Its variables are checked already.
    ///
    /// # Errors
    ///
    /// If Lambda's runtime API fails, or the model.
    pub async fn run(self) -> Result<(), LambdaError> {
        let service = Arc::clone(self.service());
        let function = Arc::new(self);
        let handler = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
            let function = Arc::clone(&function);
            async move {
                let LambdaEvent { payload, context } = event;
                let name = &context.env_config.function_name;
                let reply = function.answer(name, &context.request_id, &payload).await;
                reply.map_err(io::Error::from)
            }
        });
        let running = Runtime::new(handler).run();
        tokio::pin!(running);
        tokio::select! {
            ended = &mut running => ended.map_err(LambdaError::Api),
            () = service.stopped() => {
                // The reply that tells it goes out. Lambda replaces a function that ends.
                drop(timeout(LAST_REPLY_TIMEOUT, running).await);
                Err(LambdaError::Failed)
            }
        }
    }
}

/// Tells Lambda why the function cannot start.
///
/// # Errors
///
/// If this is not a function of Lambda, or its runtime API fails.
pub async fn report_init_error(message: String) -> Result<(), LambdaError> {
    check_address()?;
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| LambdaError::Api(error);
    let body = serde_json::to_vec(&Diagnostic {
        error_type: INIT_ERROR_TYPE.to_owned(),
        error_message: message,
    });
    let request = http::Request::post(INIT_ERROR)
        .header("lambda-runtime-function-error-type", INIT_ERROR_TYPE)
        .header("content-type", "application/json")
        .body(Body::from(body.map_err(|error| failed(error.into()))?))
        .map_err(|error| failed(error.into()))?;
    let client = PooledClient::builder().build();
    client.call(request).await.map_err(failed)?;
    Ok(())
}
