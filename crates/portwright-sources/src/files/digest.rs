//! Digests of files: by them a caller says which contents it means.

use std::fs::File;
use std::io::{self, Read};

use portwright_core::{Refusal, limits};
use sha2::{Digest, Sha256};

use super::roots::Stop;
use super::words;

/// SHA-256 of an open file's contents, in hexadecimal; none if it is too large for that.
pub(super) fn of_file(mut file: &File, path: &str, stop: &Stop) -> Result<Option<String>, Refusal> {
    let failed = |error: io::Error| words::refuse(error, path);
    if file.metadata().map_err(failed)?.len() > limits::DIGEST_BYTES_MAX {
        return Ok(None);
    }
    let (mut digest, mut block) = (Sha256::new(), vec![0; 256 * 1024]);
    loop {
        stop.check()?;
        match file.read(&mut block).map_err(failed)? {
            0 => return Ok(Some(hex(&digest.finalize()))),
            read => digest.update(&block[..read]),
        }
    }
}

/// SHA-256 of bytes, in hexadecimal.
pub(super) fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
