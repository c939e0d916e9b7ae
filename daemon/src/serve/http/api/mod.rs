//! The routes of this program's own API.

mod answer;
mod explain;
mod pair;
mod rank;
mod score_query;
mod similarity;

pub(super) use explain::explain;
pub(super) use rank::rank;
pub(super) use similarity::similarity;
