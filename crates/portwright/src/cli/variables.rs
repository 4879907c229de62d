//! Every environment variable that Portwright itself reads. Those that a configuration refers to are its own affair.

/// The configuration file, when `-c` is not given.
pub(crate) const CONFIG: &str = crate::config::locate::VARIABLE;
/// A bearer token for `--url`.
pub(crate) const TOKEN: &str = "PORTWRIGHT_TOKEN";
/// `text` or `json`.
pub(crate) const LOG_FORMAT: &str = "PORTWRIGHT_LOG_FORMAT";
/// What is logged: `debug`, `portwright_server=debug,warn`.
pub(crate) const LOG_LEVEL: &str = "RUST_LOG";

/// Name and meaning, for the help text.
pub(crate) const ALL: [(&str, &str); 7] = [
    (CONFIG, "the configuration file, when -c is not given"),
    (TOKEN, "sent as bearer token to the server of --url"),
    (LOG_FORMAT, "text (default) or json"),
    (LOG_LEVEL, "what is logged: info, debug, portwright_server=debug"),
    ("XDG_CONFIG_HOME", "where portwright/portwright.toml is looked for"),
    ("HOME", "the same, in .config; and ~ in ${file:~/…}"),
    ("NO_COLOR", "no colours"),
];
