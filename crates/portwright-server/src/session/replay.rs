//! What the event streams of a session said last, so that a client that lost one hears the rest of it (Streamable HTTP
//! of 2025-03-26 to 2025-11-25, "Resumability and Redelivery"). Bounded in events, bytes and time: what was said first
//! is forgotten first.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use portwright_core::limits;
use tokio::sync::Notify;

/// The id of an event: unique in its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct EventId {
    pub(crate) stream: u64,
    /// The first event is 1; 0 stands before it.
    pub(crate) event: u64,
}

impl EventId {
    /// Reads what [`Display`](std::fmt::Display) wrote.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (stream, event) = text.split_once('-')?;
        let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
        Some(Self { stream: number(stream)?, event: number(event)? })
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.stream, self.event)
    }
}

/// The streams of one session.
#[derive(Debug, Default)]
pub(crate) struct Replay(Mutex<Streams>);

#[derive(Debug, Default)]
struct Streams {
    /// The number of the last one. They are counted from 1, or from after a base: 0 is the session's own stream, which has nothing to replay.
    count: u64,
    kept: VecDeque<Stream>,
    events: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Stream {
    number: u64,
    /// The number of the first event that is kept.
    first: u64,
    events: VecDeque<Bytes>,
    /// When its last event was said.
    ended: Option<Instant>,
    /// Who hears it now: the newest listener. Zero is nobody.
    listener: u64,
    listeners: u64,
    wake: Arc<Notify>,
}

impl Streams {
    fn stream(&mut self, number: u64) -> Option<&mut Stream> {
        self.kept.iter_mut().find(|stream| stream.number == number)
    }

    /// Forgets the oldest event, of streams that have ended first; never the last one that was said.
    fn forget_one(&mut self, said_last: u64) -> bool {
        let has = |stream: &&mut Stream| stream.events.len() > usize::from(stream.number == said_last);
        let mut kept: Vec<_> = self.kept.iter_mut().filter(has).collect();
        kept.sort_by_key(|stream| stream.ended.is_none());
        let Some(stream) = kept.first_mut() else { return false };
        let Some(event) = stream.events.pop_front() else { return false };
        stream.first += 1;
        self.events -= 1;
        self.bytes -= event.len();
        true
    }

    /// Forgets streams that ended long ago.
    fn sweep(&mut self) {
        let old = |stream: &Stream| stream.ended.is_some_and(|ended| ended.elapsed() >= limits::REPLAY_KEPT);
        for stream in self.kept.iter().filter(|stream| old(stream)) {
            self.events -= stream.events.len();
            self.bytes -= stream.events.iter().map(Bytes::len).sum::<usize>();
        }
        self.kept.retain(|stream| !old(stream));
        if self.kept.is_empty() {
            self.kept = VecDeque::new();
        }
    }
}

impl Replay {
    /// One whose streams are counted from right after `base`.
    pub(crate) fn after(base: u64) -> Self {
        Self(Mutex::new(Streams { count: base, ..Streams::default() }))
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a stream.
    pub(crate) fn begin(&self) -> u64 {
        let mut streams = self.streams();
        streams.sweep();
        streams.count += 1;
        let number = streams.count;
        streams.kept.push_back(Stream {
            number,
            first: 1,
            events: VecDeque::new(),
            ended: None,
            listener: 0,
            listeners: 0,
            wake: Arc::default(),
        });
        number
    }

    /// Adds an event to a stream.
    pub(crate) fn say(&self, number: u64, event: Bytes) {
        let streams = &mut *self.streams();
        let size = event.len();
        let Some(stream) = streams.stream(number) else { return };
        // What is too large to keep is for those who hear it now.
        let event = if size > limits::REPLAY_BYTES_MAX && stream.listener == 0 { Bytes::new() } else { event };
        let size = event.len();
        stream.events.push_back(event);
        stream.wake.notify_waiters();
        streams.events += 1;
        streams.bytes += size;
        while streams.events > limits::REPLAY_EVENTS_MAX || streams.bytes > limits::REPLAY_BYTES_MAX {
            if !streams.forget_one(number) {
                break;
            }
        }
    }

    /// Nothing more is said on the stream.
    pub(crate) fn end(&self, number: u64) {
        if let Some(stream) = self.streams().stream(number) {
            stream.ended = Some(Instant::now());
            stream.wake.notify_waiters();
        }
    }

    /// Ends what its client hears of the stream, until the client takes it up again.
    pub(crate) fn hang_up(&self, number: u64) {
        if let Some(stream) = self.streams().stream(number) {
            stream.listener = 0;
            stream.wake.notify_waiters();
        }
    }

    /// Listens to a stream from right after an event. Whoever listened before hears no more. None, if the stream is not
    /// kept any more.
    pub(crate) fn listen(&self, after: EventId) -> Option<Listener> {
        let mut streams = self.streams();
        streams.sweep();
        let stream = streams.stream(after.stream)?;
        stream.listeners += 1;
        stream.listener = stream.listeners;
        stream.wake.notify_waiters();
        let at = EventId { stream: after.stream, event: after.event.saturating_add(1) };
        Some(Listener { number: stream.listener, at, wake: stream.wake.clone() })
    }

    /// The next event, as soon as there is one; none at the end, or when somebody else listens.
    pub(crate) async fn next(&self, listener: &mut Listener) -> Option<(EventId, Bytes)> {
        loop {
            let mut woken = pin!(listener.wake.notified());
            woken.as_mut().enable();
            {
                let streams = &mut *self.streams();
                let stream = streams.stream(listener.at.stream)?;
                if stream.listener != listener.number {
                    return None;
                }
                listener.at.event = listener.at.event.max(stream.first);
                let at = usize::try_from(listener.at.event - stream.first).unwrap_or(usize::MAX);
                if let Some(event) = stream.events.get_mut(at) {
                    let large = event.len() > limits::REPLAY_BYTES_MAX;
                    let said = if large { std::mem::take(event) } else { event.clone() };
                    if large {
                        streams.bytes -= said.len();
                    }
                    let id = listener.at;
                    listener.at.event += 1;
                    if said.is_empty() {
                        continue;
                    }
                    return Some((id, said));
                }
                if stream.ended.is_some() {
                    return None;
                }
            }
            woken.await;
        }
    }

    /// The listener is gone.
    pub(crate) fn leave(&self, listener: &Listener) {
        if let Some(stream) = self.streams().stream(listener.at.stream)
            && stream.listener == listener.number
        {
            stream.listener = 0;
        }
    }

    /// Forgets everything; who listens hears no more.
    pub(crate) fn clear(&self) {
        let mut streams = self.streams();
        for stream in std::mem::take(&mut streams.kept) {
            stream.wake.notify_waiters();
        }
        (streams.events, streams.bytes) = (0, 0);
    }

    /// Forgets streams that ended long ago.
    pub(crate) fn sweep(&self) {
        self.streams().sweep();
    }
}

/// Who hears a stream.
#[derive(Debug)]
pub(crate) struct Listener {
    number: u64,
    /// The next event.
    at: EventId,
    wake: Arc<Notify>,
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use portwright_core::limits;

    use super::{EventId, Replay};

    fn id(stream: u64, event: u64) -> EventId {
        EventId { stream, event }
    }

    async fn rest(replay: &Replay, after: EventId) -> Vec<(u64, Bytes)> {
        let mut listener = replay.listen(after).expect("the stream");
        let mut heard = Vec::new();
        while let Some((id, event)) = replay.next(&mut listener).await {
            heard.push((id.event, event));
        }
        heard
    }

    #[test]
    fn ids_are_read_as_they_were_written() {
        assert_eq!(EventId::read(&id(3, 17).to_string()), Some(id(3, 17)));
        for wrong in ["", "-", "3", "3-", "-3", "a-1", "1-+2", "1-2-3", "1-99999999999999999999", " 1-2"] {
            assert_eq!(EventId::read(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_stream_is_heard_from_where_it_broke_off_and_no_other() {
        let replay = Replay::default();
        let (one, other) = (replay.begin(), replay.begin());
        for event in ["a", "b", "c"] {
            replay.say(one, Bytes::from(event));
            replay.say(other, Bytes::from("not this"));
        }
        replay.end(one);
        assert_eq!(rest(&replay, id(one, 1)).await, [(2, Bytes::from("b")), (3, Bytes::from("c"))]);
        assert_eq!(rest(&replay, id(one, 9)).await, []);
        assert!(replay.listen(id(7, 0)).is_none());
        replay.clear();
        assert!(replay.listen(id(one, 0)).is_none());
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_in_events_and_bytes() {
        let replay = Replay::default();
        let (old, new) = (replay.begin(), replay.begin());
        replay.say(old, Bytes::from("old"));
        replay.end(old);
        for event in 0..limits::REPLAY_EVENTS_MAX {
            replay.say(new, Bytes::from(event.to_string()));
        }
        assert_eq!(rest(&replay, id(old, 0)).await, [], "what has ended is forgotten first");
        let half = Bytes::from(vec![b'x'; limits::REPLAY_BYTES_MAX / 2]);
        for _ in 0..3 {
            replay.say(new, half.clone());
        }
        replay.end(new);
        let kept = rest(&replay, id(new, 0)).await;
        assert_eq!(kept.iter().map(|(_, event)| event.len()).collect::<Vec<_>>(), [half.len(); 2]);
        assert_eq!(kept[1].0, limits::REPLAY_EVENTS_MAX as u64 + 3, "ids do not change");
    }

    #[tokio::test]
    async fn what_is_too_large_to_keep_is_heard_once_at_most() {
        let replay = Replay::default();
        let large = Bytes::from(vec![b'x'; limits::REPLAY_BYTES_MAX + 1]);
        let stream = replay.begin();
        let mut listener = replay.listen(id(stream, 0)).expect("the stream");
        replay.say(stream, large.clone());
        replay.end(stream);
        assert_eq!(replay.next(&mut listener).await, Some((id(stream, 1), large.clone())));
        assert_eq!(rest(&replay, id(stream, 0)).await, []);
        let unheard = replay.begin();
        replay.say(unheard, large);
        replay.end(unheard);
        assert_eq!(rest(&replay, id(unheard, 0)).await, []);
    }

    #[tokio::test]
    async fn the_newest_listener_wins() {
        let replay = Replay::default();
        let stream = replay.begin();
        let mut first = replay.listen(id(stream, 0)).expect("the stream");
        let mut second = replay.listen(id(stream, 0)).expect("the stream");
        assert_eq!(replay.next(&mut first).await, None);
        replay.leave(&first);
        replay.say(stream, Bytes::from("a"));
        assert_eq!(replay.next(&mut second).await, Some((id(stream, 1), Bytes::from("a"))));
        replay.hang_up(stream);
        assert_eq!(replay.next(&mut second).await, None);
    }
}
