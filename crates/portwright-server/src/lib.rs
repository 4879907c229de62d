//! Transports, sessions and guards: the way of one call. Knows no source.

pub mod guard;
