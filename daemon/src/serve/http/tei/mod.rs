//! The routes of text-embeddings-inference
//! (<https://huggingface.github.io/text-embeddings-inference/>).

mod info;
mod inputs;
mod options;
mod routes;
mod tokenize;

pub(super) use info::info;
pub(super) use routes::{any, embed, similarity};
pub(super) use tokenize::tokenize;
