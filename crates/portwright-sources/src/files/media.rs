//! Reading what is no text: images and sounds as such, everything else as bytes.

use std::io::Read;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portwright_core::protocol::{ContentBlock, ResourceContents};
use portwright_core::{ByteSize, Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::roots::Folders;
use super::scope::{Scope, to_uri};
use super::words;
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ReadMedia {
    /// File
    path: String,
    /// Refuse larger ones
    #[serde(default)]
    #[schemars(range(min = 1))]
    max_bytes: Option<usize>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MediaRead {
    path: String,
    mime_type: &'static str,
    size: usize,
}

pub(super) async fn media(folders: Arc<Folders>, wanted: ReadMedia, cx: Context) -> Result<Answer<MediaRead>, Refusal> {
    let scope = Scope::of(&folders, &cx).await?;
    let bytes_max = wanted.max_bytes.unwrap_or(usize::MAX).min(limits::MEDIA_BYTES_MAX);
    let read = folders.work(&cx, move |_| whole(&scope, &wanted.path, bytes_max));
    let (path, bytes) = read.await?;
    let mime_type = mime(&path, &bytes);
    let data = STANDARD.encode(&bytes);
    let block = match mime_type.split_once('/') {
        Some(("image", _)) => ContentBlock::image(data, mime_type),
        Some(("audio", _)) => ContentBlock::audio(data, mime_type),
        _ => ContentBlock::resource(ResourceContents::blob(data, to_uri(&path)).with_mime_type(mime_type)),
    };
    let text = format!("{path}: {mime_type}, {} bytes", bytes.len());
    Ok(Answer::told(MediaRead { path, mime_type, size: bytes.len() }, text).with(block))
}

/// A whole file, if it is no larger than that.
pub(super) fn whole(scope: &Scope, path: &str, bytes_max: usize) -> Result<(String, Vec<u8>), Refusal> {
    let opened = scope.open(&scope.spot(path)?)?;
    let too_large = || {
        let (size, most) = (ByteSize(opened.meta.len()), ByteSize(bytes_max as u64));
        Refusal::failed(format!("`{}` has {size}, and at most {most} are read here", opened.path))
    };
    if opened.meta.len() > bytes_max as u64 {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let read = (&opened.file).take(bytes_max as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| words::refuse(error, &opened.path))?;
    // It may have grown meanwhile.
    if bytes.len() > bytes_max {
        return Err(too_large());
    }
    Ok((opened.path, bytes))
}

/// First bytes by which a kind of file is known.
const SIGNATURES: [(&[u8], &str); 14] = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\x7fELF", "application/x-executable"),
    (b"SQLite format 3\0", "application/vnd.sqlite3"),
    (b"II*\0", "image/tiff"),
];

/// By the name's ending; what a file is of, where its bytes do not tell.
const ENDINGS: [(&str, &str); 22] = [
    ("svg", "image/svg+xml"),
    ("webp", "image/webp"),
    ("ico", "image/x-icon"),
    ("avif", "image/avif"),
    ("heic", "image/heic"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("wav", "audio/wav"),
    ("weba", "audio/webm"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
    ("json", "application/json"),
    ("md", "text/markdown"),
    ("html", "text/html"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("xml", "application/xml"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("toml", "application/toml"),
    ("js", "text/javascript"),
    ("txt", "text/plain"),
];

/// What kind of file it is, by its first bytes, or else by its name.
pub(super) fn mime(path: &str, first: &[u8]) -> &'static str {
    if let Some((_, mime)) = SIGNATURES.iter().find(|(signature, _)| first.starts_with(signature)) {
        return mime;
    }
    match first.get(..12) {
        Some([b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P']) => return "image/webp",
        Some([b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E']) => return "audio/wav",
        _ => {}
    }
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    ENDINGS.iter().find(|(known, _)| *known == ending).map_or("application/octet-stream", |(_, mime)| mime)
}
