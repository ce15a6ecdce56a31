//! The scenarios: what is done to the targets, and what is measured.
//!
//! Each gives one `Measured` for each target and set of parameters. Targets take turns, so that what else the machine
//! does meets all of them. Figures count only of rounds in which nothing went wrong.

pub(crate) mod all;
pub(crate) mod api;
pub(crate) mod churn;
pub(crate) mod connections;
mod figures;
pub(crate) mod late_join;
pub(crate) mod latency;
pub(crate) mod memory;
mod opened;
pub(crate) mod slow_viewer;
pub(crate) mod soak;
pub(crate) mod throughput;
mod turns;

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::event::{Timespec, poll};

use crate::options::{Common, Server};
use crate::process::Process;
use crate::program::Program;
use crate::progress::Progress;
use crate::target::native::Native;
use crate::target::ttyd::Ttyd;
use crate::target::vibetunnel::VibeTunnel;
use crate::target::{Pace, Session, Target};

/// What scenarios share.
pub(crate) struct Lab<'a> {
    pub(crate) common: &'a Common,
    pub(crate) progress: &'a Progress,
}

impl Lab<'_> {
    /// The server under test, and the floor behind it.
    pub(crate) fn targets(&self) -> anyhow::Result<Vec<Box<dyn Target>>> {
        let mut targets = vec![self.server()?];
        if !self.common.no_floor {
            targets.push(Box::new(Native::floor()?));
        }
        Ok(targets)
    }

    /// The same, for what is about viewers who share a session.
    pub(crate) fn sharing_targets(&self) -> anyhow::Result<Vec<Box<dyn Target>>> {
        let targets = self.targets()?;
        targets.iter().try_for_each(|target| must_share(target.as_ref()))?;
        Ok(targets)
    }

    fn server(&self) -> anyhow::Result<Box<dyn Target>> {
        let Common { token, pid, dialect, .. } = self.common;
        let processes = || pid.iter().map(|&pid| Process { pid }).collect();
        Ok(match (&self.common.url, dialect) {
            (Some(url), Server::Vibetunnel) => Box::new(VibeTunnel::running(url, token.clone(), processes())?),
            (Some(url), Server::Ttyd) => Box::new(Ttyd::running(url, processes())?),
            _ => Box::new(self.fantail()?),
        })
    }

    /// The server under test, for what is said only in our own REST.
    pub(crate) fn fantail(&self) -> anyhow::Result<Native> {
        let common = self.common;
        if let Some(url) = &common.url {
            ensure!(common.dialect == Server::Fantail, "this is measured of Fantail only");
            let processes = common.pid.iter().map(|&pid| Process { pid }).collect();
            return Native::running(url, common.token.clone(), processes);
        }
        match &common.server_bin {
            Some(path) => Native::start(path),
            None => Native::start(&beside_us()?),
        }
    }

    /// How often each measurement is repeated.
    pub(crate) const fn rounds(&self) -> u32 {
        if self.common.small { 1 } else { self.common.rounds }
    }
}

/// Refuses a target whose viewers share nothing.
fn must_share(target: &dyn Target) -> anyhow::Result<()> {
    if !target.shares() {
        bail!("{} runs a program for each viewer, and this is about one that is shared", target.name());
    }
    Ok(())
}

/// The server's program where a build puts it.
fn beside_us() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("where this program is")?;
    Ok(own.with_file_name("fantail"))
}

/// Opens `count` sessions, all running `program`.
fn open_many(target: &mut dyn Target, program: &Program, count: usize) -> anyhow::Result<Vec<Session>> {
    (0..count).map(|_| target.open_program(program, Pace::Usual)).collect()
}

fn close_all(target: &mut dyn Target, sessions: &[Session]) -> anyhow::Result<()> {
    sessions.iter().try_for_each(|session| target.close(session))
}

/// Lets time go by, in which the server is left alone.
fn wait(time: Duration) -> io::Result<()> {
    let end = Instant::now() + time;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        match poll(&mut [], Some(&Timespec::try_from(left).map_err(io::Error::other)?)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
