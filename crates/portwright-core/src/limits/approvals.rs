//! Bounds of calls that wait for a person's approval, and of what is kept about them.

use std::time::Duration;

/// How long a call waits for a person: as long as somebody may be away from the screen while the model behind the call
/// can still go on. The plan may change it (`approvals.wait`).
pub const APPROVAL_WAIT: Duration = Duration::from_mins(5);

/// The longest such wait that the plan may allow: each one is a call in memory.
pub const APPROVAL_WAIT_MAX: Duration = Duration::from_hours(24);

/// The longest time for which the plan may let an approval count again.
pub const APPROVAL_REMEMBER_MAX: Duration = Duration::from_hours(24);

/// Calls that wait in the queue, in all: each may hold 16 KiB of arguments to show.
pub const APPROVALS_WAITING_MAX: usize = 1024;

/// Calls of one principal that wait in the queue. Nobody reads more of one caller, and others have room.
pub const APPROVALS_WAITING_OF_ONE_MAX: usize = 16;

/// Calls that are over and of which is still known how they were decided, for whoever decides too late.
pub const APPROVALS_ENDED_MAX: usize = 512;

/// Questions that clients carry and that wait for their answer, in all.
pub const APPROVALS_CARRIED_MAX: usize = 4096;

/// Questions that the clients of one principal carry. One more makes the oldest worth nothing.
pub const APPROVALS_CARRIED_OF_ONE_MAX: usize = 64;

/// Approvals that count again for a while, in all. One more is not remembered.
pub const APPROVALS_REMEMBERED_MAX: usize = 4096;

/// Such approvals of one principal's calls. One more makes the oldest forgotten.
pub const APPROVALS_REMEMBERED_OF_ONE_MAX: usize = 256;

/// Characters of an argument, or of a name, that a question shows. Whoever decides is told that there is more.
pub const APPROVAL_VALUE_CHARS_MAX: usize = 400;

/// Arguments that a question shows.
pub const APPROVAL_ARGUMENTS_MAX: usize = 24;

/// Bytes of the reason that is given with a decision. It goes to a model.
pub const APPROVAL_REASON_BYTES_MAX: usize = 300;

/// Bytes of a decision as it is posted.
pub const APPROVAL_POST_BYTES_MAX: usize = 8 * 1024;

/// How often the client of a call that waits is told that it still does: more often than clients give up.
pub const APPROVAL_PROGRESS_EVERY: Duration = Duration::from_secs(10);
