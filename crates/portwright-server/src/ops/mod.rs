//! Running it: how it is.

pub(crate) mod health;
pub(crate) mod random;
