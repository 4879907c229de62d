//! Against a server of our own.
