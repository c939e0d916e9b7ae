//! Failure to be a function.

/// Failure to be a function of Lambda.
#[derive(Debug, thiserror::Error)]
pub enum LambdaError {
    /// This is not a function of Lambda.
    #[error("this is not a Lambda function: {0} is not set")]
    NotLambda(&'static str),
    /// A variable of Lambda cannot be used.
    #[error("the variable {0} is not as Lambda sets it")]
    Variable(&'static str),
    /// The model has failed for good.
    #[error("the thread of the model failed twice")]
    Failed,
    /// The runtime API cannot be used.
    #[error("Lambda's runtime API does not answer: {0}")]
    Api(lambda_runtime::Error),
}

impl LambdaError {
    /// Next step for the user, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotLambda(_) => {
                Some("`gted serve --http` is the same service on a machine of your own".to_owned())
            }
            _ => None,
        }
    }
}
