//! The sockets that are listened on: opened, or inherited, and handed over.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, UnixListener};

use super::ServerError;
use super::handover::Listening;
use super::predecessor::Sockets;
use crate::config::Config;
use crate::http::Listener;
use crate::http::tls::Tls;

/// Connections that wait to be accepted: everyone who comes back at once after a restart or a lost network. By default
/// it is 128, and who is beyond that tries again after a second, two, four.
const WAITING_MAX: u32 = 4096;
/// Who may connect to a Unix socket: the account the server runs as.
const UNIX_MODE: u32 = 0o600;

/// Everything that is listened on.
pub(super) struct Listeners {
    tcp: Arc<Listener>,
    /// Where, as bound.
    pub(super) address: SocketAddr,
    unix: Option<(Arc<Listener>, UnixPlace)>,
}

impl Listeners {
    /// Opens what the settings ask for.
    pub(super) fn open(config: &Config, tls: Option<Tls>) -> Result<Self, ServerError> {
        let (socket, address) = listen(config.address())?;
        let unix = config.unix_socket.as_deref().map(listen_at).transpose()?;
        Ok(Self::of(socket, address, tls, unix))
    }

    /// Takes the sockets of the server before this one. Their addresses stay, whatever the settings say by now; what it
    /// did not have is opened.
    pub(super) fn inherit(sockets: Sockets, config: &Config, tls: Option<Tls>) -> Result<Self, ServerError> {
        let Sockets { tcp, unix } = sockets;
        tcp.set_nonblocking(true)?;
        let socket = TcpListener::from_std(tcp)?;
        let (address, configured) = (socket.local_addr()?, config.address());
        if configured.ip() != address.ip() || ![0, address.port()].contains(&configured.port()) {
            tracing::warn!(%address, %configured, "an upgrade keeps the address: stop and start the server to change it");
        }
        let unix = match (unix, config.unix_socket.as_deref()) {
            (None, None) => None,
            (None, Some(path)) => Some(listen_at(path)?),
            (Some(socket), configured) => {
                socket.set_nonblocking(true)?;
                let place = UnixPlace::of(socket.local_addr()?.as_pathname().unwrap_or(Path::new("")));
                if configured != Some(&place.path) {
                    let path = place.path.display();
                    tracing::warn!(%path, "an upgrade keeps the socket: stop and start the server to change it");
                }
                Some((UnixListener::from_std(socket)?, place))
            }
        };
        Ok(Self::of(socket, address, tls, unix))
    }

    fn of(socket: TcpListener, address: SocketAddr, tls: Option<Tls>, unix: Option<(UnixListener, UnixPlace)>) -> Self {
        let unix = unix.map(|(socket, place)| (Arc::new(Listener::Unix(socket)), place));
        Self { tcp: Arc::new(Listener::Tcp { socket, tls }), address, unix }
    }

    /// To be accepted from.
    pub(super) fn each(&self) -> impl Iterator<Item = &Arc<Listener>> {
        std::iter::once(&self.tcp).chain(self.unix.iter().map(|(socket, _)| socket))
    }

    /// What is handed over, and of which kind each is.
    pub(super) fn handed_over(&self) -> Vec<(Listening, BorrowedFd<'_>)> {
        self.each().map(|listener| handed_over(listener)).collect()
    }

    /// Where the Unix socket is.
    pub(super) fn unix_path(&self) -> Option<&Path> {
        self.unix.as_ref().map(|(_, place)| place.path.as_path())
    }

    /// Listens no more, and leaves no socket's name behind.
    pub(super) fn close(self) {
        if let Some((_, place)) = &self.unix {
            place.remove();
        }
    }
}

fn handed_over(listener: &Listener) -> (Listening, BorrowedFd<'_>) {
    match listener {
        Listener::Tcp { socket, .. } => (Listening::Tcp, socket.as_fd()),
        Listener::Unix(socket) => (Listening::Unix, socket.as_fd()),
    }
}

/// A Unix socket's name, and which file it was when we made it.
struct UnixPlace {
    path: PathBuf,
    file: Option<SocketFile>,
}

/// Device, number and last change of a file: the number alone is soon another's.
type SocketFile = (u64, u64, (i64, i64));

impl UnixPlace {
    fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), file: file_at(path) }
    }

    /// Removes it, unless somebody else's is there by now.
    fn remove(&self) {
        if self.file.is_some()
            && file_at(&self.path) == self.file
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "the Unix socket could not be removed");
        }
    }
}

fn file_at(path: &Path) -> Option<SocketFile> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino(), (found.ctime(), found.ctime_nsec())))
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let bind = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?; // a server that was just restarted gets its port
        socket.bind(address)?;
        let listener = socket.listen(WAITING_MAX)?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    bind().map_err(|error| ServerError::Listen { place: address.to_string(), error })
}

/// Listens at `path`, in place of a socket that nobody listens at any more.
fn listen_at(path: &Path) -> Result<(UnixListener, UnixPlace), ServerError> {
    let open = || {
        remove_stale(path)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
        socket.bind(&SockAddr::unix(path)?)?;
        // Before it listens nobody can connect, whatever its mode was until then.
        fs::set_permissions(path, fs::Permissions::from_mode(UNIX_MODE))?;
        socket.listen(i32::try_from(WAITING_MAX).unwrap_or(i32::MAX))?;
        let listener =
            UnixListener::from_std(std::os::unix::net::UnixListener::from(std::os::fd::OwnedFd::from(socket)))?;
        Ok((listener, UnixPlace::of(path)))
    };
    open().map_err(|error| ServerError::Listen { place: path.display().to_string(), error })
}

/// Removes what a server that was killed has left at `path`. Anything else there is somebody's.
fn remove_stale(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is no socket is there"));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(error) => Err(error),
    }
}

/// The address as this machine reaches it: "every address" includes loopback.
pub(super) fn local_url(bound: SocketAddr, encrypted: bool) -> String {
    let ip: IpAddr = match bound {
        SocketAddr::V4(bound) if bound.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(bound) if bound.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        _ => bound.ip(),
    };
    url(SocketAddr::new(ip, bound.port()), encrypted)
}

/// How a browser writes that address.
pub(super) fn url(address: SocketAddr, encrypted: bool) -> String {
    format!("{}://{address}", if encrypted { "https" } else { "http" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_every_interface_is_reached_by_loopback() {
        for (bound, url) in [
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
            ("192.168.1.5:80", "http://192.168.1.5:80"),
        ] {
            assert_eq!(local_url(bound.parse().unwrap(), false), url);
        }
        assert_eq!(local_url("[::]:443".parse().unwrap(), true), "https://[::1]:443");
    }

    #[tokio::test]
    async fn a_crowd_that_comes_at_once_waits_in_line() {
        let (_listener, address) = listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        // Nobody is accepted meanwhile, so whoever finds no place in the line tries again and again until the deadline.
        let mut connecting = tokio::task::JoinSet::new();
        for _ in 0..400 {
            connecting.spawn(tokio::net::TcpStream::connect(address));
        }
        let all = tokio::time::timeout(std::time::Duration::from_secs(20), connecting.join_all());
        let connected: Vec<_> = all.await.expect("a place for everyone").into_iter().collect::<Result<_, _>>().unwrap();
        assert_eq!(connected.len(), 400);
    }

    #[tokio::test]
    async fn a_unix_socket_is_for_its_account_and_replaces_only_one_that_nobody_listens_at() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let (first, place) = listen_at(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, UNIX_MODE);
        let taken = listen_at(&path).err().unwrap().to_string();
        assert!(taken.contains("in use"), "{taken}");
        drop(first);
        assert!(path.exists(), "as one that was killed leaves it");
        let (_second, another) = listen_at(&path).unwrap();
        place.remove();
        assert!(path.exists(), "another's by now");
        another.remove();
        assert!(!path.exists());
        fs::write(&path, "precious").unwrap();
        assert!(listen_at(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }
}
