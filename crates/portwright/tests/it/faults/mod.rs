//! What goes wrong in the world, done to the built binary: it says so clearly, loses no call, tells no secret.

mod database;
mod input;
mod secrets;
mod stopping;
