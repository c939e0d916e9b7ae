//! The routes of OpenAI's API.

mod embeddings;
mod models;

pub(super) use embeddings::embeddings;
pub(super) use models::models;
