//! Frames against what RFC 6455 says of them. The conversation itself is tested from outside.

use bytes::BytesMut;
use proptest::prelude::*;

use super::frames::{self, Decoder, Event, code};

/// A client's frame.
fn frame(first: u8, mask: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    frames::text(&mut whole, payload);
    whole[0] = first;
    whole[1] |= 0x80;
    let at = whole.len() - payload.len();
    let masked = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    let end: Vec<u8> = mask.into_iter().chain(masked).collect();
    whole.truncate(at);
    whole.extend(end);
    whole
}

/// What comes of bytes, however they are cut.
fn decoded(bytes: &[u8], piece: usize) -> Result<Vec<Event>, u16> {
    let (mut decoder, mut buffer, mut events) = (Decoder::default(), BytesMut::new(), Vec::new());
    for piece in bytes.chunks(piece) {
        buffer.extend_from_slice(piece);
        while let Some(event) = decoder.decode(&mut buffer).map_err(|fault| fault.code)? {
            events.push(event);
        }
    }
    Ok(events)
}

#[test]
fn the_example_of_the_standard_is_read() {
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(decoded(&hello, 1), Ok(vec![Event::Text(b"Hello".to_vec())]));
}

#[test]
fn lengths_and_masks_are_read_strictly() {
    for wrong in [
        &[0x81, 0x05, b'H'][..],
        &[0xc1, 0x80, 0, 0, 0, 0],
        &[0x81, 0xfe, 0, 125, 0, 0, 0, 0],
        &[0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0],
        &[0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ] {
        assert_eq!(decoded(wrong, 100), Err(code::PROTOCOL), "{wrong:?}");
    }
    let claims = [0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    assert_eq!(decoded(&claims, 100), Err(code::TOO_BIG), "before any of it has come");
}

#[test]
fn a_close_says_a_code_that_may_be_said() {
    for (payload, expected) in [
        (&b""[..], Ok(vec![Event::Close(1000)])),
        (&[0x03, 0xe9][..], Ok(vec![Event::Close(1001)])),
        (&[0x0f, 0xa0, b'x'][..], Ok(vec![Event::Close(4000)])),
        (&[0x03][..], Err(code::PROTOCOL)),
        (&[0x03, 0xed][..], Err(code::PROTOCOL)),
        (&[0x03, 0xe8, 0xff][..], Err(code::PROTOCOL)),
    ] {
        assert_eq!(decoded(&frame(0x88, [1, 2, 3, 4], payload), 100), expected, "{payload:?}");
    }
}

proptest! {
    #[test]
    fn messages_are_read_whatever_their_length_mask_fragments_and_pieces(
        text in "\\PC{0,300}",
        copies in 1usize..400,
        mask in any::<[u8; 4]>(),
        cut in 0usize..1000,
        piece in 1usize..5000,
    ) {
        let message = text.repeat(copies).into_bytes();
        let (first, second) = message.split_at(cut.min(message.len()));
        let bytes = [frame(0x01, mask, first), frame(0x89, mask, b"ping"), frame(0x80, mask, second)].concat();
        prop_assert_eq!(decoded(&bytes, piece), Ok(vec![Event::Ping(b"ping".to_vec()), Event::Text(message)]));
    }

    #[test]
    fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..300), piece in 1usize..50) {
        let _ = decoded(&bytes, piece);
    }
}
