//! Any number of viewers on one thread.
//!
//! One epoll set, one large read a turn, no copy, no task: beside it the server is what costs.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::Attachment;
use super::connection::{Connection, Seen};
use super::expected::Expected;
use crate::readiness::Readiness;

/// Bytes of one read: four of a server's largest writes, and still in the processor's second cache.
const ROOM: usize = 256 << 10;
/// Most handshakes under way: less than a listener's queue holds, so that none has to be tried again.
const UNDER_WAY_MAX: usize = 512;
/// How long nothing may come at all before the run is given up.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How often a crowd that is followed until it is told to stop looks whether it is.
const TICK: Duration = Duration::from_millis(50);

/// The viewers.
pub(crate) struct Crowd {
    readiness: Readiness,
    members: Vec<Connection>,
    room: Vec<u8>,
}

impl Crowd {
    /// Attaches `count` viewers and waits until each has its welcome.
    pub(crate) fn attach(attachment: &Attachment, count: usize, expected: &Arc<Expected>) -> anyhow::Result<Self> {
        Self::attach_each(std::iter::repeat_n((attachment, expected), count))
    }

    /// Attaches one viewer for each.
    pub(crate) fn attach_each<'a>(
        each: impl IntoIterator<Item = (&'a Attachment, &'a Arc<Expected>)>,
    ) -> anyhow::Result<Self> {
        let mut crowd = Self { readiness: Readiness::new()?, members: Vec::new(), room: vec![0; ROOM] };
        for (attachment, expected) in each {
            crowd.add(Connection::open(attachment, expected, None).context("connecting")?)?;
            if crowd.members.len().is_multiple_of(UNDER_WAY_MAX) {
                crowd.until(|seen| seen.welcomed)?;
            }
        }
        crowd.until(|seen| seen.welcomed)?;
        Ok(crowd)
    }

    fn add(&mut self, member: Connection) -> io::Result<()> {
        self.readiness.add(member.socket(), self.members.len() as u64, member.interest())?;
        self.members.push(member);
        Ok(())
    }

    /// What each has seen.
    pub(crate) fn seen(&self) -> impl Iterator<Item = Seen> {
        self.members.iter().map(|member| member.seen)
    }

    /// Has one of them type.
    pub(crate) fn type_in(&mut self, member: usize, bytes: &[u8]) -> anyhow::Result<()> {
        let typing = self.members.get_mut(member).context("nobody of that number")?;
        typing.type_in(bytes).map_err(anyhow::Error::msg)?;
        Ok(self.readiness.change(typing.socket(), member as u64, typing.interest())?)
    }

    /// Follows until `done` holds for everyone.
    pub(crate) fn until(&mut self, done: impl Fn(&Seen) -> bool) -> anyhow::Result<()> {
        let mut waiting = self.seen().filter(|seen| !done(seen)).count();
        while waiting > 0 {
            let ready = self.readiness.wait(Some(SILENCE_MAX))?;
            let mut came = false;
            for ready in ready {
                came = true;
                let (before, after) = self.turn(ready)?;
                waiting -= usize::from(!done(&before) && done(&after));
            }
            if !came {
                bail!("nothing came for {SILENCE_MAX:?}; {waiting} of {} viewers still wait", self.members.len());
            }
        }
        Ok(())
    }

    /// Follows until told to stop.
    pub(crate) fn until_told(&mut self, stop: &AtomicBool) -> anyhow::Result<()> {
        let mut last = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            for ready in self.readiness.wait(Some(TICK))? {
                self.turn(ready)?;
                last = Instant::now();
            }
            if last.elapsed() > SILENCE_MAX {
                bail!("nothing came for {SILENCE_MAX:?}");
            }
        }
        Ok(())
    }

    /// Lets one of them send and receive. What it had seen before, and now.
    fn turn(&mut self, ready: crate::readiness::Ready) -> anyhow::Result<(Seen, Seen)> {
        let index = usize::try_from(ready.key)?;
        let member = self.members.get_mut(index).context("nobody of that number")?;
        let before = member.seen;
        let interest = member.interest();
        let mut go_on = || {
            if ready.write {
                member.send()?;
            }
            if ready.read { member.receive(&mut self.room) } else { Ok(()) }
        };
        go_on().map_err(|error| anyhow::anyhow!("viewer {index}, {} bytes in: {error}", before.output))?;
        if member.interest() != interest {
            self.readiness.change(member.socket(), ready.key, member.interest())?;
        }
        Ok((before, member.seen))
    }
}
