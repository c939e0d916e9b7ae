//! Drawing of the pair: two texts and the result.

mod draw;
mod gauge;
mod input;
mod reading;
mod result;

pub(crate) use draw::draw;
