//! Next steps after the errors of this crate.

use std::error::Error;

use gte_shared::report;
use gte_shared::wire::{ErrorCode, ErrorReply};

use crate::engine::SharedCacheUrlError;
use crate::eval::EvalError;
use crate::lifecycle::InstanceError;
use crate::lifecycle::units::UnitError;
use crate::model::ModelError;
use crate::serve::{BindError, HttpError, LambdaError};
use crate::store::StoreError;

/// Next step after an error of this crate.
pub(super) fn hint(error: &(dyn Error + 'static)) -> Option<String> {
    let store = error.downcast_ref().and_then(StoreError::hint);
    store
        .or_else(|| error.downcast_ref().and_then(ModelError::hint))
        .or_else(|| error.downcast_ref().and_then(InstanceError::hint))
        .or_else(|| error.downcast_ref().and_then(UnitError::hint))
        .or_else(|| error.downcast_ref().and_then(BindError::hint))
        .or_else(|| error.downcast_ref().and_then(HttpError::hint))
        .or_else(|| error.downcast_ref().and_then(LambdaError::hint))
        .or_else(|| error.downcast_ref().map(SharedCacheUrlError::hint))
        .or_else(|| error.downcast_ref().and_then(EvalError::hint))
}

/// Makes the reply to a client from an error.
pub(super) fn reply(error: &anyhow::Error, code: ErrorCode) -> ErrorReply {
    let reply = ErrorReply::new(code, report::message(error.as_ref()));
    match report::hint(error.as_ref(), hint) {
        Some(hint) => reply.with_hint(hint),
        None => reply,
    }
}
