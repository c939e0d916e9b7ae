//! Drawing of the screens, one module per screen.

pub(super) mod explanation;
pub(super) mod help;
pub(super) mod models;
pub(super) mod pair;
