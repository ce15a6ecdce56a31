//! What connections are accepted from.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::connection::Local;
use super::tls::Tls;

/// A socket that is listened on.
pub enum Listener {
    /// For anyone who reaches the address.
    Tcp {
        /// The socket.
        socket: TcpListener,
        /// What is spoken over it, if not in clear.
        tls: Option<Tls>,
    },
    /// For the account the server runs as.
    Unix(UnixListener),
}

/// A connection that was accepted.
pub(super) enum Accepted {
    /// Whose bytes are HTTP.
    Tcp(TcpStream),
    /// Whose bytes are TLS.
    Tls(TcpStream, Tls),
    /// Whose bytes are HTTP.
    Unix(UnixStream),
}

impl Listener {
    /// The next connection, and the address of its other end where it has one.
    pub(super) async fn accept(&self) -> io::Result<(Accepted, Option<SocketAddr>)> {
        match self {
            Self::Tcp { socket, tls } => {
                let (stream, peer) = socket.accept().await?;
                let accepted = match tls {
                    Some(tls) => Accepted::Tls(stream, tls.clone()),
                    None => Accepted::Tcp(stream),
                };
                Ok((accepted, Some(peer)))
            }
            Self::Unix(socket) => Ok((Accepted::Unix(socket.accept().await?.0), None)),
        }
    }
}

impl Accepted {
    /// Our end.
    pub(super) fn local(&self) -> io::Result<Local> {
        Ok(match self {
            Self::Tcp(stream) => Local::Tcp { address: stream.local_addr()?, tls: false },
            Self::Tls(stream, _) => Local::Tcp { address: stream.local_addr()?, tls: true },
            Self::Unix(_) => Local::Unix,
        })
    }
}
