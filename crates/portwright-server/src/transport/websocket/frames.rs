//! WebSocket frames (RFC 6455, section 5) as a server reads and writes them: bytes in, events out, no sockets.
//!
//! Nothing is believed that a header claims: room is made for bytes that have come. What is not used is given back, so
//! that a conversation that rests costs nothing here.

use bytes::{Buf, BufMut, BytesMut};
use portwright_core::limits;

/// Bytes of a control frame's payload (RFC 6455, section 5.5).
const CONTROL_BYTES_MAX: usize = 125;

/// Bytes of buffers that are kept from message to message.
const KEPT_BYTES: usize = 4 * 1024;

/// Status codes of RFC 6455, section 7.4.1.
pub(super) mod code {
    pub(in super::super) const NORMAL: u16 = 1000;
    pub(in super::super) const GOING_AWAY: u16 = 1001;
    pub(in super::super) const PROTOCOL: u16 = 1002;
    pub(in super::super) const UNSUPPORTED: u16 = 1003;
    pub(in super::super) const INVALID_DATA: u16 = 1007;
    pub(in super::super) const POLICY: u16 = 1008;
    pub(in super::super) const TOO_BIG: u16 = 1009;
}

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A whole text message.
    Text(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    /// The code to answer with: the client's, if it said one.
    Close(u16),
}

/// Why the conversation can't go on: the code to close with, and a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: u16,
    pub(super) why: &'static str,
}

const fn fault(code: u16, why: &'static str) -> Fault {
    Fault { code, why }
}

/// The frame that is being read.
#[derive(Debug)]
struct Frame {
    op: u8,
    last: bool,
    mask: [u8; 4],
    /// Bytes of the payload that have yet to come.
    left: usize,
    /// Bytes of it that were read.
    read: usize,
}

/// Reads frames out of a buffer.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    frame: Option<Frame>,
    /// The text that came so far, of all its fragments.
    text: Vec<u8>,
    /// More fragments of the text have to come.
    fragments: bool,
    /// The payload of a control frame, which may stand between fragments.
    control: Vec<u8>,
}

impl Decoder {
    /// Whether a frame or a message has begun and not ended.
    pub(super) fn is_within(&self) -> bool {
        self.frame.is_some() || self.fragments
    }

    /// The next event, as soon as all its bytes are there.
    pub(super) fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Event>, Fault> {
        loop {
            if self.frame.is_none() {
                let Some(frame) = header(buffer)? else { return Ok(None) };
                self.admit(&frame)?;
                self.frame = Some(frame);
            }
            let Some(frame) = &mut self.frame else { return Ok(None) };
            let into = if frame.op >= 8 { &mut self.control } else { &mut self.text };
            let come = frame.left.min(buffer.len());
            let start = into.len();
            into.extend_from_slice(&buffer[..come]);
            unmask(&mut into[start..], frame.mask, frame.read);
            buffer.advance(come);
            frame.left -= come;
            frame.read += come;
            if frame.left > 0 {
                return Ok(None);
            }
            let (op, last) = (frame.op, frame.last);
            self.frame = None;
            if let Some(event) = self.finish(op, last)? {
                return Ok(Some(event));
            }
        }
    }

    /// Whether a frame may stand here.
    fn admit(&self, frame: &Frame) -> Result<(), Fault> {
        match frame.op {
            0 if !self.fragments => Err(fault(code::PROTOCOL, "a continuation of nothing")),
            1 if self.fragments => Err(fault(code::PROTOCOL, "a new message within a message")),
            0 | 1 if self.text.len().saturating_add(frame.left) > limits::MESSAGE_BYTES_MAX => {
                Err(fault(code::TOO_BIG, "the message is too large"))
            }
            2 => Err(fault(code::UNSUPPORTED, "messages are text frames")),
            8..=10 if !frame.last => Err(fault(code::PROTOCOL, "a fragment of a control frame")),
            8..=10 if frame.left > CONTROL_BYTES_MAX => Err(fault(code::PROTOCOL, "a control frame is too large")),
            0 | 1 | 8..=10 => Ok(()),
            _ => Err(fault(code::PROTOCOL, "an unknown kind of frame")),
        }
    }

    fn finish(&mut self, op: u8, last: bool) -> Result<Option<Event>, Fault> {
        if op < 8 {
            self.fragments = !last;
            if !last {
                return Ok(None);
            }
            let text = std::mem::take(&mut self.text);
            if std::str::from_utf8(&text).is_err() {
                return Err(fault(code::INVALID_DATA, "the text is not UTF-8"));
            }
            return Ok(Some(Event::Text(text)));
        }
        let payload = std::mem::take(&mut self.control);
        match op {
            8 => close_code(&payload).map(|code| Some(Event::Close(code))),
            9 => Ok(Some(Event::Ping(payload))),
            _ => Ok(Some(Event::Pong)),
        }
    }
}

/// A frame's header, if all of it is there.
fn header(buffer: &mut BytesMut) -> Result<Option<Frame>, Fault> {
    let [first, second, ..] = buffer[..] else { return Ok(None) };
    if first & 0x70 != 0 {
        return Err(fault(code::PROTOCOL, "a reserved bit is set"));
    }
    if second & 0x80 == 0 {
        return Err(fault(code::PROTOCOL, "a client's frames are masked"));
    }
    let rest = &buffer[2..];
    let (length, at) = match second & 0x7f {
        126 => match rest.first_chunk() {
            Some(length) => (u64::from(u16::from_be_bytes(*length)), 4),
            None => return Ok(None),
        },
        127 => match rest.first_chunk() {
            Some(length) => (u64::from_be_bytes(*length), 10),
            None => return Ok(None),
        },
        short => (u64::from(short), 2),
    };
    let too_short = (at == 4 && length < 126) || (at == 10 && u16::try_from(length).is_ok());
    if too_short || length >> 63 != 0 {
        return Err(fault(code::PROTOCOL, "a length is not written as it must be"));
    }
    let Some(&mask) = buffer[at..].first_chunk() else { return Ok(None) };
    buffer.advance(at + 4);
    let left = usize::try_from(length).unwrap_or(usize::MAX);
    Ok(Some(Frame { op: first & 0x0f, last: first & 0x80 != 0, mask, left, read: 0 }))
}

fn unmask(bytes: &mut [u8], mask: [u8; 4], read: usize) {
    let mut turned = mask;
    turned.rotate_left(read % 4);
    let mut chunks = bytes.chunks_exact_mut(4);
    for chunk in &mut chunks {
        for (byte, mask) in chunk.iter_mut().zip(turned) {
            *byte ^= mask;
        }
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip(turned) {
        *byte ^= mask;
    }
}

/// The code to answer a client's close with.
fn close_code(payload: &[u8]) -> Result<u16, Fault> {
    let wrong = fault(code::PROTOCOL, "a close that can't be read");
    match payload {
        [] => Ok(code::NORMAL),
        [a, b, reason @ ..] => {
            let said = u16::from_be_bytes([*a, *b]);
            let known = matches!(said, 1000..=1003 | 1007..=1014 | 3000..=4999);
            if known && std::str::from_utf8(reason).is_ok() { Ok(said) } else { Err(wrong) }
        }
        [_] => Err(wrong),
    }
}

/// Gives back what a large message needed.
pub(super) fn shrink(buffer: &mut BytesMut) {
    if buffer.is_empty() && buffer.capacity() > KEPT_BYTES {
        *buffer = BytesMut::new();
    }
}

fn head(frame: &mut Vec<u8>, op: u8, length: usize) {
    frame.put_u8(0x80 | op);
    match length {
        0..=125 => frame.put_u8(u8::try_from(length).unwrap_or(0)),
        126..=0xffff => {
            frame.put_u8(126);
            frame.put_u16(u16::try_from(length).unwrap_or(0));
        }
        _ => {
            frame.put_u8(127);
            frame.put_u64(length as u64);
        }
    }
}

/// Writes a text frame.
pub(super) fn text(frames: &mut Vec<u8>, message: &[u8]) {
    head(frames, 1, message.len());
    frames.extend_from_slice(message);
}

/// Writes a close.
pub(super) fn close(frames: &mut Vec<u8>, code: u16, why: &str) {
    head(frames, 8, 2 + why.len());
    frames.put_u16(code);
    frames.extend_from_slice(why.as_bytes());
}

pub(super) fn ping(frames: &mut Vec<u8>) {
    head(frames, 9, 0);
}

/// Answers a ping.
pub(super) fn pong(frames: &mut Vec<u8>, payload: &[u8]) {
    head(frames, 10, payload.len());
    frames.extend_from_slice(payload);
}
