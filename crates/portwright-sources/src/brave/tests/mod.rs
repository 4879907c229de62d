//! The kind `brave` on a search service of our own.
