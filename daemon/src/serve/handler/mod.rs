//! Handlers, one file per request. A handler computes the reply to a request with the engine,
//! whatever protocol the request came in.

mod dispatch;
mod embed;
mod explain;
mod handle;
mod list_tokens;
mod panic;
mod rank;
mod reply;
mod shutdown;
mod similarities;
mod similarity;
mod status;
mod use_model;

pub(super) use dispatch::{answer, weigh};
pub(super) use embed::most_vectors_in_reply;
pub(super) use list_tokens::{LIST_BYTES_PER_BYTE, list_tokens};
pub(super) use reply::{reply_too_large, too_many};
