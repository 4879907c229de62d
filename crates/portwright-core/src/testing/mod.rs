//! For tests of sources and guards.
