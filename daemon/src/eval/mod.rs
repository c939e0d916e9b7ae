//! Evaluation of a model on pairs that people have labelled, without printing.

mod classification;
mod correlation;
mod cosines;
mod error;
mod evaluation;
mod fit;
mod logistic;
mod pairs;
mod reliability;

pub(crate) use classification::Best;
pub(crate) use cosines::{Scored, score_pairs};
pub(crate) use error::EvalError;
pub(crate) use evaluation::{BINS, Evaluation};
pub(crate) use fit::fit;
pub(crate) use pairs::Pairs;
pub(crate) use reliability::Reliability;
