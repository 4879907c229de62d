//! What calls may do to what a source serves.

/// What calls may do to the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Nothing that a call sends can change anything. The default.
    #[default]
    ReadOnly,
    /// Calls may write.
    ReadWrite,
}
