//! The one integration test program: it drives the built binary as its users do.

mod harness;
mod tidy;
