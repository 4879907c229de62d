//! [`IconTable`]: a picture for people, as a configuration writes it; it becomes the protocol's own
//! [`Icon`].

use schemars::JsonSchema;
use serde::Deserialize;

use crate::limits;
use crate::protocol::Icon;

/// A picture that clients may show beside a server, a tool, a prompt or a resource:
/// `{ src = "https://acme.example/icon.png", mime_type = "image/png", sizes = ["48x48"], theme = "dark" }`.
///
/// Reading one judges it: the source is an `https:` URL, or a `data:` URL of an image in base64. Others are refused, since
/// clients must not load them (specification, "Icons").
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "Icon")]
#[serde(deny_unknown_fields)]
pub struct IconTable {
    /// Where it is: an `https:` URL, or the picture itself as `data:image/png;base64,…`.
    #[schemars(with = "String", length(max = 65_536), regex(pattern = r"^(https://|data:image/)"))]
    src: Src,
    /// Its media type, where the address does not tell it: `image/png`, `image/svg+xml`.
    #[schemars(with = "Option<String>")]
    mime_type: Option<ImageType>,
    /// The sizes it is made for: `48x48`, or `any` for one that scales.
    #[serde(default)]
    #[schemars(with = "Vec<String>", length(max = 16))]
    sizes: Vec<Size>,
    /// The background it is made for. Default: any.
    theme: Option<Theme>,
}

/// A background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Theme {
    Light,
    Dark,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Src(String);

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct ImageType(String);

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Size(String);

/// Why a picture can't be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum BadIcon {
    #[error("an icon's `src` is an https: URL, or an image as `data:image/png;base64,…`")]
    Source,
    #[error("an icon's `src` has {0} bytes at most; give the URL of a larger one", limits::ICON_BYTES_MAX)]
    TooLarge,
    #[error("an icon's `mime_type` begins with `image/`")]
    MimeType,
    #[error("an icon's size is written `48x48`, or `any`")]
    Size,
}

impl TryFrom<String> for Src {
    type Error = BadIcon;

    fn try_from(src: String) -> Result<Self, BadIcon> {
        if src.len() > limits::ICON_BYTES_MAX {
            return Err(BadIcon::TooLarge);
        }
        let plain = src.bytes().all(|byte| byte.is_ascii_graphic());
        let host = |rest: &str| !rest.is_empty() && !rest.starts_with(['/', '?', '#']) && !rest.contains('@');
        let known = src.strip_prefix("https://").is_some_and(host) || src.strip_prefix("data:").is_some_and(is_image);
        if plain && known { Ok(Self(src)) } else { Err(BadIcon::Source) }
    }
}

impl TryFrom<String> for ImageType {
    type Error = BadIcon;

    fn try_from(kind: String) -> Result<Self, BadIcon> {
        if kind.starts_with("image/") { Ok(Self(kind)) } else { Err(BadIcon::MimeType) }
    }
}

impl TryFrom<String> for Size {
    type Error = BadIcon;

    fn try_from(size: String) -> Result<Self, BadIcon> {
        if is_size(&size) { Ok(Self(size)) } else { Err(BadIcon::Size) }
    }
}

/// `image/TYPE;base64,DATA`
fn is_image(data: &str) -> bool {
    data.split_once(";base64,").is_some_and(|(kind, data)| kind.starts_with("image/") && !data.is_empty())
}

fn is_size(text: &str) -> bool {
    let number = |text: &str| (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text == "any" || text.split_once('x').is_some_and(|(width, height)| number(width) && number(height))
}

impl IconTable {
    /// The protocol's own.
    pub fn to_icon(&self) -> Icon {
        let mut icon = Icon::new(self.src.0.clone());
        icon.mime_type = self.mime_type.as_ref().map(|kind| kind.0.clone());
        icon.sizes = (!self.sizes.is_empty()).then(|| self.sizes.iter().map(|size| size.0.clone()).collect());
        icon.theme = self.theme.map(|theme| match theme {
            Theme::Light => rmcp::model::IconTheme::Light,
            Theme::Dark => rmcp::model::IconTheme::Dark,
        });
        icon
    }

    /// The protocol's own, of all; none where there are none.
    pub fn to_icons(tables: &[Self]) -> Option<Vec<Icon>> {
        (!tables.is_empty()).then(|| tables.iter().map(Self::to_icon).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::IconTable;

    fn read(value: Value) -> Result<IconTable, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn a_picture_becomes_the_protocols_own() {
        let written = json!({"src": "https://acme.example/i.png", "mime_type": "image/png", "sizes": ["48x48", "any"], "theme": "dark"});
        let icon = read(written).expect("an icon").to_icon();
        assert_eq!(
            serde_json::to_value(&icon).expect("JSON"),
            json!({"src": "https://acme.example/i.png", "mimeType": "image/png", "sizes": ["48x48", "any"], "theme": "dark"})
        );
        let plain = read(json!({"src": "data:image/svg+xml;base64,PHN2Zy8+"})).expect("an icon").to_icon();
        assert_eq!(serde_json::to_value(&plain).expect("JSON"), json!({"src": "data:image/svg+xml;base64,PHN2Zy8+"}));
        assert_eq!(IconTable::to_icons(&[]), None);
    }

    #[test]
    fn what_clients_must_not_load_is_refused() {
        for src in [
            "http://acme.example/i.png",
            "https://",
            "https:///i.png",
            "https://user@acme.example/i.png",
            "javascript:alert(1)",
            "data:text/html;base64,PGI+",
            "data:image/png,raw",
            "file:///i.png",
            "/i.png",
            "https://acme.example/i .png",
            "",
        ] {
            assert!(read(json!({ "src": src })).is_err(), "{src}");
        }
        let large = format!("data:image/png;base64,{}", "A".repeat(70_000));
        assert!(read(json!({ "src": large })).expect_err("too large").contains("65536"), "says the bound");
        assert!(read(json!({"src": "https://a.example/i", "mime_type": "text/html"})).is_err());
        for size in ["48", "x", "48x", "48X48", "000000x1", ""] {
            assert!(read(json!({"src": "https://a.example/i", "sizes": [size]})).is_err(), "{size}");
        }
        assert!(read(json!({"src": "https://a.example/i", "colour": "red"})).is_err());
    }
}
