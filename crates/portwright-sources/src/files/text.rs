//! Which encoding a text is in, and back into it.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes from which an encoding is told.
pub(super) const SAMPLE_BYTES: usize = 64 * 1024;

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) encoding: &'static Encoding,
    /// Bytes of the mark that it begins with.
    pub(super) mark: usize,
}

impl Written {
    /// As answers name it.
    pub(super) fn name(self) -> &'static str {
        self.encoding.name()
    }

    /// Whether a line ends where the byte 10 stands.
    pub(super) fn has_plain_lines(self) -> bool {
        self.encoding != UTF_16LE && self.encoding != UTF_16BE
    }

    /// The text of bytes without their mark, and whether some of them made none.
    pub(super) fn decode(self, bytes: &[u8]) -> (Cow<'_, str>, bool) {
        self.encoding.decode_without_bom_handling(bytes)
    }

    /// The bytes of a text with the mark; none if the encoding lacks a character of it.
    pub(super) fn encode(self, text: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(text.len() + self.mark);
        if self.mark > 0 {
            bytes.extend_from_slice(match self.encoding {
                encoding if encoding == UTF_16LE => &[0xff, 0xfe],
                encoding if encoding == UTF_16BE => &[0xfe, 0xff],
                _ => &[0xef, 0xbb, 0xbf],
            });
        }
        // The Web's encoders write no UTF-16.
        if self.encoding == UTF_16LE {
            bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        } else if self.encoding == UTF_16BE {
            bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
        } else {
            let (encoded, _, lacking) = self.encoding.encode(text);
            if lacking {
                return None;
            }
            bytes.extend_from_slice(&encoded);
        }
        Some(bytes)
    }
}

/// How the text is written that begins with `sample`; none if it is no text. `whole`: nothing follows.
pub(super) fn sniff(sample: &[u8], whole: bool) -> Option<Written> {
    if let Some((encoding, mark)) = Encoding::for_bom(sample) {
        return Some(Written { encoding, mark });
    }
    if let Some(encoding) = unmarked_utf16(sample) {
        return Some(Written { encoding, mark: 0 });
    }
    if sample.contains(&0) {
        return None;
    }
    match std::str::from_utf8(sample) {
        Ok(_) => return Some(Written { encoding: UTF_8, mark: 0 }),
        // A character is cut where the sample ends.
        Err(error) if !whole && error.error_len().is_none() => return Some(Written { encoding: UTF_8, mark: 0 }),
        Err(_) => {}
    }
    let unprintable = sample.iter().filter(|byte| matches!(byte, 1..=8 | 14..=26 | 28..=31 | 127)).count();
    if unprintable * 100 > sample.len() {
        return None;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, whole);
    Some(Written { encoding: detector.guess(None, Utf8Detection::Deny), mark: 0 })
}

/// Latin text in UTF-16 has a zero in every other byte and, in the others, none.
fn unmarked_utf16(sample: &[u8]) -> Option<&'static Encoding> {
    let pairs = sample.chunks_exact(2);
    let count = pairs.len();
    if count < 4 {
        return None;
    }
    let (mut first, mut second) = (0, 0);
    for pair in pairs {
        first += usize::from(pair[0] == 0);
        second += usize::from(pair[1] == 0);
    }
    match (first, second) {
        (0, zeros) if zeros * 10 > count * 9 => Some(UTF_16LE),
        (zeros, 0) if zeros * 10 > count * 9 => Some(UTF_16BE),
        _ => None,
    }
}

/// The longest beginning of at most `bytes_max` bytes that ends with a whole character.
pub(super) fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}
