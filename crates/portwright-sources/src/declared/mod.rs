//! Text and file resources, and prompts, that the configuration declares: a source that needs no host.
