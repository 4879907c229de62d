//! Running it: how it is.

pub(crate) mod health;
