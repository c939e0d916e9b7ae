//! The hubs: the files of a repository, their checksums, and the caches of the hubs' own clients.

mod caches;
mod checksum;
mod dispatch;
mod huggingface;
mod listing;
mod modelscope;
mod paths;
mod remote_file;
mod repository;
mod url_encoding;

pub(crate) use caches::of_cache;
pub(super) use listing::Listing;
pub(super) use remote_file::{FILES, RemoteFile, WEIGHTS};
pub(super) use repository::Repository;
