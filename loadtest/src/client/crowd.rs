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
    /// Nobody yet.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { readiness: Readiness::new()?, members: Vec::new(), room: vec![0; ROOM] })
    }

    /// `count` viewers of one session.
    pub(crate) fn attach(attachment: &Attachment, count: usize, expected: &Arc<Expected>) -> anyhow::Result<Self> {
        let mut crowd = Self::new()?;
        crowd.join(std::iter::repeat_n((attachment, expected), count))?;
        Ok(crowd)
    }

    /// Attaches one viewer for each, and waits until all have their welcome.
    pub(crate) fn join<'a>(
        &mut self,
        each: impl IntoIterator<Item = (&'a Attachment, &'a Arc<Expected>)>,
    ) -> anyhow::Result<()> {
        for (attachment, expected) in each {
            self.add(attachment, expected)?;
            if self.members.len().is_multiple_of(UNDER_WAY_MAX) {
                self.until(|seen| seen.welcomed)?;
            }
        }
        self.until(|seen| seen.welcomed)
    }

    /// Attaches one viewer for each, so many a second, whether those before have been let in or not. How long each took
    /// to its welcome, from when it was due: a server that stalls is charged for all who come meanwhile.
    pub(crate) fn arrive<'a>(
        &mut self,
        a_second: f64,
        each: impl IntoIterator<Item = (&'a Attachment, &'a Arc<Expected>)>,
    ) -> anyhow::Result<Vec<Duration>> {
        let (began, first) = (Instant::now(), self.members.len());
        let due = |index: usize| began + Duration::from_secs_f64((index - first) as f64 / a_second);
        let mut each = each.into_iter().peekable();
        let (mut took, mut last) = (Vec::new(), Instant::now());
        loop {
            while each.peek().is_some() && due(self.members.len()) <= Instant::now() {
                let Some((attachment, expected)) = each.next() else { break };
                self.add(attachment, expected)?;
            }
            let wait = match each.peek() {
                Some(_) => due(self.members.len()).saturating_duration_since(Instant::now()),
                None if took.len() == self.members.len() - first => return Ok(took),
                None => TICK,
            };
            for ready in self.readiness.wait(Some(wait))? {
                let (before, after) = self.turn(ready)?;
                if !before.welcomed && after.welcomed {
                    last = Instant::now();
                    took.push(last.saturating_duration_since(due(usize::try_from(ready.key)?)));
                }
            }
            if last.elapsed() > SILENCE_MAX {
                bail!("nobody was let in for {SILENCE_MAX:?}; {} were", took.len());
            }
        }
    }

    fn add(&mut self, attachment: &Attachment, expected: &Arc<Expected>) -> anyhow::Result<()> {
        let member = Connection::open(attachment, expected).context("connecting")?;
        self.readiness.add(member.socket(), self.members.len() as u64, member.interest())?;
        self.members.push(member);
        Ok(())
    }

    /// The last who came leaves.
    pub(crate) fn leave(&mut self) {
        self.members.pop();
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

    /// Follows for so long, in which nothing need come.
    pub(crate) fn follow(&mut self, time: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            for ready in self.readiness.wait(Some(left))? {
                self.turn(ready)?;
            }
        }
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
