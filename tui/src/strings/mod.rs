//! Every text of the screen, in Chinese and English.

mod en;
mod language;
mod words;
mod zh;
mod zh_errors;

pub use language::Language;
pub use words::Strings;
