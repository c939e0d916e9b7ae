//! One file per request. A handler turns a request into a reply with the help of the engine; which
//! protocol the request came in does not matter to it.

mod dispatch;
mod embed;
mod handle;
mod rank;
mod reply;
mod shutdown;
mod similarities;
mod similarity;
mod status;
mod use_model;

pub(super) use dispatch::answer;
pub(super) use reply::reply_too_large;
