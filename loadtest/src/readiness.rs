//! epoll(7) for one thread: which of many descriptors can be read or written.
//!
//! Level-triggered and without a runtime above it: the load must cost less than what it measures.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

/// Most events taken at once: one system call for a crowd, and little enough that the first of them is still true.
const EVENTS_MAX: usize = 1024;

/// What a descriptor is watched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    Read,
    Write,
    Both,
    /// Its end and its errors only.
    Neither,
}

impl From<Interest> for EventFlags {
    fn from(interest: Interest) -> Self {
        match interest {
            Interest::Read => Self::IN,
            Interest::Write => Self::OUT,
            Interest::Both => Self::IN | Self::OUT,
            Interest::Neither => Self::empty(),
        }
    }
}

/// A descriptor that can go on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    /// The key it was added with.
    pub(crate) key: u64,
    /// There is something to read, an end or an error included.
    pub(crate) read: bool,
    pub(crate) write: bool,
}

/// The descriptors watched.
pub(crate) struct Readiness {
    epoll: OwnedFd,
}

impl Readiness {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)? })
    }

    pub(crate) fn add(&self, descriptor: impl AsFd, key: u64, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, descriptor, EventData::new_u64(key), interest.into())?)
    }

    pub(crate) fn change(&self, descriptor: impl AsFd, key: u64, interest: Interest) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, descriptor, EventData::new_u64(key), interest.into())?)
    }

    pub(crate) fn remove(&self, descriptor: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, descriptor)?)
    }

    /// Waits until something can go on, or the time is over; then there is nothing in the answer.
    pub(crate) fn wait(&self, most: Option<Duration>) -> io::Result<Vec<Ready>> {
        let most = most.map(Timespec::try_from).transpose().map_err(io::Error::other)?;
        let mut events = [const { MaybeUninit::<Event>::uninit() }; EVENTS_MAX];
        loop {
            match epoll::wait(&self.epoll, &mut events[..], most.as_ref()) {
                Ok((events, _)) => return Ok(events.iter().map(ready).collect()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn ready(event: &Event) -> Ready {
    let (flags, data) = (event.flags, event.data);
    let ended = flags.intersects(EventFlags::HUP | EventFlags::ERR);
    Ready { key: data.u64(), read: ended || flags.contains(EventFlags::IN), write: flags.contains(EventFlags::OUT) }
}
