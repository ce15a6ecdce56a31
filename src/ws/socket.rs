//! The socket below a WebSocket, taken back from hyper, whose wrapping is not needed any more.

use std::io;
use std::os::fd::AsFd as _;

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

use crate::http::accept::let_take_its_time;

/// Bytes the kernel holds unsent for one viewer: two of our largest writes. By default it holds megabytes, and then a
/// viewer that reads nothing looks like one that is far ahead, and what a fast one sees after Ctrl-C is old.
const UNSENT_MAX: u32 = 128 * 1024;

/// What a connection came by.
pub(super) enum Socket {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

impl Socket {
    /// The socket of an upgraded connection, and what was read from it already. `None` when it is of no kind that is
    /// accepted.
    pub(super) fn of(upgraded: Upgraded) -> Option<(Self, Bytes)> {
        let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => return Some((Self::Tcp(parts.io.into_inner()), parts.read_buf)),
            Err(upgraded) => upgraded,
        };
        let upgraded = match upgraded.downcast::<TokioIo<Box<TlsStream<TcpStream>>>>() {
            Ok(parts) => return Some((Self::Tls(parts.io.into_inner()), parts.read_buf)),
            Err(upgraded) => upgraded,
        };
        let parts = upgraded.downcast::<TokioIo<UnixStream>>().ok()?;
        Some((Self::Unix(parts.io.into_inner()), parts.read_buf))
    }

    /// Has the kernel hold little for a viewer, and wait for one that is slow.
    pub(super) fn suit_a_viewer(&self) {
        let stream = match self {
            Self::Tcp(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
            // Holds little as it is.
            Self::Unix(_) => return,
        };
        if let Err(error) = SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_MAX) {
            tracing::debug!(%error, "the kernel may hold more for a slow viewer");
        }
        if let Err(error) = let_take_its_time(stream) {
            tracing::debug!(%error, "a viewer that does not read may be given up early");
        }
    }

    /// The same, watched by the runtime that this is called in.
    ///
    /// # Errors
    /// When it cannot be watched there.
    pub(super) fn moved_here(self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(stream) => Self::Tcp(TcpStream::from_std(stream.into_std()?)?),
            Self::Unix(stream) => Self::Unix(UnixStream::from_std(stream.into_std()?)?),
            Self::Tls(mut stream) => {
                // It cannot be taken out of what encrypts it, so another descriptor of it takes its place.
                let below = stream.get_mut().0;
                let again = std::net::TcpStream::from(below.as_fd().try_clone_to_owned()?);
                *below = TcpStream::from_std(again)?;
                Self::Tls(stream)
            }
        })
    }
}
