//! Telling the service manager how the server stands (sd_notify(3)), when one that wants to know has started it.
//!
//! Never waits and never fails: a manager that does not listen is no reason not to serve.

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

use rustix::time::{ClockId, clock_gettime};

/// The service manager, if any. `NOTIFY_SOCKET` names its socket.
pub(super) struct Supervisor(Option<OsString>);

impl Supervisor {
    pub(super) const fn new(socket: Option<OsString>) -> Self {
        Self(socket)
    }

    /// The server serves.
    pub(super) fn serving(&self) {
        self.say("READY=1");
    }

    /// This process serves from now on, whoever was started.
    pub(super) fn took_over(&self) {
        self.say(&format!("MAINPID={}\nREADY=1", std::process::id()));
    }

    /// Another process is about to serve; [`Self::serving`] or [`Self::took_over`] follows.
    pub(super) fn upgrading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1000);
        self.say(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// The other process did not come up.
    pub(super) fn stays(&self) {
        self.took_over();
    }

    /// The server ends.
    pub(super) fn stopping(&self) {
        self.say("STOPPING=1");
    }

    fn say(&self, words: &str) {
        let Some(socket) = &self.0 else { return };
        let say = || -> io::Result<()> {
            let address = match socket.as_bytes() {
                [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
                path => SocketAddr::from_pathname(Path::new(std::ffi::OsStr::from_bytes(path)))?,
            };
            let speaker = UnixDatagram::unbound()?;
            speaker.set_nonblocking(true)?;
            speaker.send_to_addr(words.as_bytes(), &address)?;
            Ok(())
        };
        if let Err(error) = say() {
            tracing::warn!(%error, "the service manager could not be told");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 256];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_manager_hears_by_a_path_and_by_an_abstract_name() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("notify");
        let name = format!("fantail-test-{}", std::process::id());
        let abstract_address = SocketAddr::from_abstract_name(&name).unwrap();
        for (socket, named) in [
            (UnixDatagram::bind(&path).unwrap(), path.clone().into_os_string()),
            (UnixDatagram::bind_addr(&abstract_address).unwrap(), format!("@{name}").into()),
        ] {
            let supervisor = Supervisor::new(Some(named));
            supervisor.serving();
            assert_eq!(heard(&socket), "READY=1");
            supervisor.upgrading();
            let reloading = heard(&socket);
            let micros = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
            assert!(micros.parse::<u64>().unwrap() > 0, "{reloading}");
            supervisor.took_over();
            assert_eq!(heard(&socket), format!("MAINPID={}\nREADY=1", std::process::id()));
            supervisor.stopping();
            assert_eq!(heard(&socket), "STOPPING=1");
        }
    }

    #[test]
    fn a_manager_that_is_not_there_is_no_harm() {
        Supervisor::new(None).serving();
        Supervisor::new(Some("/nowhere/at/all".into())).serving();
        Supervisor::new(Some("@".into())).serving();
    }
}
