//! Drawing of the state, which changes nothing.
//!
//! Everything but the user's text and [`strings`](crate::strings) is ASCII: box-drawing characters,
//! arrows and dots are two cells wide in some Chinese terminals and one in others.

mod draw;
mod header;
mod hints;
mod overlay;
mod pull;
mod screens;
mod theme;

pub use draw::draw;
pub use theme::Theme;
