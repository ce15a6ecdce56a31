//! One program on a PTY: its task (the one owner), its log, its viewers and its input.
//!
//! Output flows from `pty` through the task into the log, and viewers pull it. Input flows back through a queue
//! that takes each numbered byte once. Knows no HTTP, no users (only opaque [`Principal`]s) and no store.

mod account;
mod attach;
mod bell;
mod checkpoints;
mod clients;
mod confined;
mod confinement;
mod control;
mod deadline;
mod delivery;
mod encoded;
mod exit;
mod fitting;
mod follower;
mod handle;
mod ids;
mod input;
mod lag;
mod lanes;
mod launch;
mod leaders;
mod ledger;
mod limits;
mod line;
mod local;
mod oom;
mod opening;
mod origin;
mod pace;
mod posix;
mod proc_stat;
mod processes;
mod program;
mod pty;
mod record;
mod reports;
mod running;
mod screen;
mod settings;
mod shown;
mod signal;
mod sizing;
mod status;
mod task;
mod typing;
mod typist;
mod viewer;
mod viewers;

pub use account::UnixAccount;
pub use attach::{Attach, AttachError, Attached, Begin};
pub use confined::begin as begin_confined;
pub use confinement::Confinement;
pub use control::{Control, ControlRefused, Party};
pub use deadline::{Linger, until};
pub use encoded::{ENCODED_MAX, EncodedError};
pub use exit::{Exit, Lost};
pub use handle::{NotRunning, Session};
pub use ids::{ClientId, Principal, SessionId, ViewerId};
pub use input::{InputRefused, QUEUED_PER_CLIENT_MAX, Typed};
pub use lanes::Lanes;
pub use launch::{Launch, LaunchError};
pub use leaders::Leader;
pub use limits::{Limits, close_to_others, leave_no_core, limit_from, limit_to, raise_descriptors};
pub use local::LocalSpawner;
pub use opening::{Opening, Profile, StartOn};
pub use posix::Others;
pub use posix::watch;
pub use proc_stat::ProcStat;
pub use processes::{SESSION_VARIABLE, Signaller, Whom, Whose, kill_all_now, signal_all};
pub use program::{BEGIN, Started, start};
pub use pty::{Child, Kept, Pty, Readable, SpawnError, Spawned, Spawner};
pub use record::{End, Record, RecordError};
pub use screen::{ScreenAt, ScreenGone, Snapshotted};
pub use settings::{ClipboardPolicy, Pace, Settings, Sizes};
pub use signal::{Signal, UnknownSignal};
pub use status::{State, Status};
pub use task::{Handles, LastShown, Life, Opened};
pub use typist::{Standing, Typist};
pub use viewer::{Next, Viewer};

pub use crate::terminal::screen::Emulation;

#[cfg(test)]
mod schedules;
#[cfg(test)]
mod tests;
