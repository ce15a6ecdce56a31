//! Sessions outlive the server: killed or ended, alone or with what keeps its sessions, at any moment.

mod attached;
mod holder_dies;
mod leaving;
mod left;
mod moments;
mod questions;
mod restarts;
mod storm;

use std::ops::Deref;
use std::sync::Arc;

use fantail::holder::{HolderSpawner, Options, Place};
use fantail::session::SessionId;
use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process};
use tokio_util::task::TaskTracker;

use crate::support::{Server, until};

/// A server with a holder. Dropping it ends both, and all programs that are kept.
struct Outlived {
    server: Server,
    arguments: Vec<&'static str>,
}

impl Outlived {
    async fn start(arguments: &[&'static str]) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let server = Server::launch_outlived(data, arguments).await;
        Self { server, arguments: arguments.to_vec() }
    }

    /// `kill -9`, and another on the same directory and port.
    async fn kill_server(&self) {
        self.server.killed_and_started(&self.arguments).await;
    }

    /// The next version takes over.
    async fn upgrade(&self) {
        let said = self.server.fantail(&["upgrade"], "").await;
        assert!(said.status.success(), "{said:?}");
    }

    async fn start_again(&self) {
        self.server.start_again(&self.arguments).await;
    }

    /// The holder, seen as another server sees it.
    async fn holder(&self) -> Arc<HolderSpawner> {
        let place = Place {
            data_dir: self.server.data().to_owned(),
            program: env!("CARGO_BIN_EXE_fantail").into(),
            descriptors: getrlimit(Resource::Nofile),
            of_root: false,
            debuggable: false,
            systemd: None,
        };
        HolderSpawner::connect(Options { place, tracker: TaskTracker::new() }).await.expect("a holder")
    }

    /// `kill -9` of the holder; waits until the next one has all of these sessions.
    async fn kill_holder(&self, sessions: &[SessionId]) {
        let before = self.holder().await.holder();
        kill(before);
        let is_kept = async || {
            let holder = self.holder().await;
            let kept = holder.list().await.ok()?;
            (holder.holder() != before && sessions.iter().all(|session| kept.contains(session))).then_some(())
        };
        until("another holder that keeps all sessions", is_kept).await;
    }
}

fn kill(process: Pid) {
    kill_process(process, Signal::KILL).expect("killed");
}

impl Deref for Outlived {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Drop for Outlived {
    fn drop(&mut self) {
        // The one that was started, and the one that took over. A server that is gone already is what is wanted.
        let started = self.server.try_pid().and_then(|pid| i32::try_from(pid).ok());
        for pid in [started, self.server.announced_pid()].into_iter().flatten().filter_map(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = fantail::holder::end_all(self.server.data());
    }
}
