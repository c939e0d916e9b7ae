//! Every text of the screen, in Chinese and English.

mod en;
mod language;
mod words;
mod zh;

pub use language::Language;
pub use words::Strings;
