//! Content of replies as text for people.

use portwright_core::protocol::{ContentBlock, ResourceContents};

use super::print::safe;

/// Blocks one under the other; what is no text is named.
pub(crate) fn blocks(blocks: &[ContentBlock]) -> String {
    blocks.iter().map(block).collect::<Vec<_>>().join("\n")
}

pub(crate) fn block(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => safe(&text.text),
        ContentBlock::Image(image) => {
            format!("[image: {}, {} bytes of base64]", safe(&image.mime_type), image.data.len())
        }
        ContentBlock::Audio(audio) => {
            format!("[audio: {}, {} bytes of base64]", safe(&audio.mime_type), audio.data.len())
        }
        ContentBlock::Resource(embedded) => resource(&embedded.resource),
        ContentBlock::ResourceLink(link) => format!("[resource: {}]", safe(&link.uri)),
        _ => "[content of a kind that this version does not know]".into(),
    }
}

pub(crate) fn resource(contents: &ResourceContents) -> String {
    match contents {
        ResourceContents::TextResourceContents { text, .. } => safe(text),
        ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
            let kind = mime_type.as_deref().unwrap_or("binary");
            format!("[{}: {}, {} bytes of base64; --json has them]", safe(uri), safe(kind), blob.len())
        }
        _ => "[contents of a kind that this version does not know]".into(),
    }
}
