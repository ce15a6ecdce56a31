//! The holder's socket: whole messages with descriptors, between processes of one user.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, open, unlinkat};
use rustix::net::sockopt::socket_peercred;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect, listen,
    recvmsg, sendmsg, socket_with,
};
use rustix::process::{Uid, umask};

use super::message::MESSAGE_MAX;

/// The socket's name in the data directory.
const NAME: &str = "holder.sock";
/// Most descriptors in a message: memory, master, input, pidfd.
pub(super) const DESCRIPTORS_MAX: usize = 4;
/// Connections that wait to be accepted: more than are taken.
const WAITING_MAX: i32 = 8;
/// Everything but reading and writing by ourselves.
const OTHERS: u32 = 0o177;
/// Everything but reading and writing: where another account is served, whose directory this is. To give it the socket
/// instead would be to trust that it has put nothing else in its place.
const NOBODY: u32 = 0o111;

/// A message and what came with it.
pub struct Received {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What came with it, in order.
    pub descriptors: Vec<OwnedFd>,
}

/// Room for a message, to be kept between them: so much would take longer to clear than a message to receive.
pub struct Room(Box<[u8]>);

impl Default for Room {
    /// For a message of any length.
    fn default() -> Self {
        Self(vec![0; MESSAGE_MAX].into())
    }
}

/// A socket's address has room for 107 bytes, and a data directory may have any depth: the kernel is shown the way
/// through the open directory.
fn address(dir: &Path) -> io::Result<(OwnedFd, SocketAddrUnix)> {
    let dir = open(dir, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let address = SocketAddrUnix::new(format!("/proc/self/fd/{}/{NAME}", dir.as_raw_fd()))?;
    Ok((dir, address))
}

fn open_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

/// Listens in `dir`, whose lock the caller has: a socket found there belongs to nobody. Open `to_others` as far as the
/// directory is; who they are is asked of the kernel.
pub(super) fn bind_in(dir: &Path, to_others: bool) -> io::Result<OwnedFd> {
    remove_from(dir)?;
    let socket = open_socket()?;
    let (_dir, address) = address(dir)?;
    // Closed to others from its first moment. Programs are to have the mask we were started with.
    let mask = umask(Mode::from_raw_mode(if to_others { NOBODY } else { OTHERS }));
    let bound = bind(&socket, &address);
    umask(mask);
    bound?;
    listen(&socket, WAITING_MAX)?;
    Ok(socket)
}

/// Removes the socket, if there is one.
pub(super) fn remove_from(dir: &Path) -> io::Result<()> {
    let dir = open(dir, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    match unlinkat(&dir, NAME, AtFlags::empty()) {
        Err(rustix::io::Errno::NOENT) => Ok(()),
        removed => Ok(removed?),
    }
}

/// Connects to whoever listens in `dir`.
pub(super) fn connect_in(dir: &Path) -> io::Result<OwnedFd> {
    let socket = open_socket()?;
    let (_dir, address) = address(dir)?;
    connect(&socket, &address)?;
    Ok(socket)
}

/// The next connection.
pub(super) fn accept_from(listener: &OwnedFd) -> io::Result<OwnedFd> {
    Ok(accept_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?)
}

/// The user at the other end.
pub(super) fn peer(socket: &OwnedFd) -> io::Result<Uid> {
    Ok(socket_peercred(socket)?.uid)
}

/// Sends a message whole, without waiting.
///
/// # Errors
/// As sendmsg(2), or with more descriptors than a message takes.
pub fn send(socket: impl AsFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    // The space is rounded up, so it alone is no bound.
    let too_many = descriptors.len() > DESCRIPTORS_MAX;
    if too_many || !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("more descriptors than a message takes"));
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    match sendmsg(socket, &[IoSlice::new(bytes)], &mut control, flags)? {
        sent if sent == bytes.len() => Ok(()),
        _ => Err(io::Error::other("a message was sent in part")),
    }
}

/// The next message, without waiting; none when the other end hung up. A message that is too long, or with too many
/// descriptors, is an error; those that came are closed.
///
/// # Errors
/// As recvmsg(2), too.
pub fn receive(socket: impl AsFd, Room(room): &mut Room) -> io::Result<Option<Received>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let got = recvmsg(socket, &mut [IoSliceMut::new(room)], &mut control, flags)?;
    let mut descriptors = Vec::new();
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(came) = part {
            descriptors.extend(came);
        }
    }
    if got.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) || descriptors.len() > DESCRIPTORS_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a message beyond the bounds"));
    }
    // Nobody sends empty messages, and the end of the connection looks like one.
    Ok((got.bytes > 0).then(|| Received { bytes: room[..got.bytes].to_vec(), descriptors }))
}

#[cfg(test)]
mod tests {
    use rustix::net::socketpair;

    use super::*;

    fn pair() -> (OwnedFd, OwnedFd) {
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).expect("a pair")
    }

    #[test]
    fn a_message_arrives_whole_with_its_descriptors_and_the_end_is_seen() {
        let (here, there) = pair();
        send(&here, b"one", &[here.as_fd(), here.as_fd(), here.as_fd(), here.as_fd()]).expect("sent");
        send(&here, b"two", &[]).expect("sent");
        let one = receive(&there, &mut Room::default()).expect("received").expect("a message");
        assert_eq!((one.bytes.as_slice(), one.descriptors.len()), (&b"one"[..], 4));
        for descriptor in &one.descriptors {
            let flags = rustix::io::fcntl_getfd(descriptor).expect("open");
            assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        }
        drop(one);
        assert_eq!(receive(&there, &mut Room::default()).expect("received").expect("a message").bytes, b"two");
        drop(here);
        assert!(receive(&there, &mut Room::default()).expect("the end").is_none());
    }

    #[test]
    fn what_is_beyond_the_bounds_is_an_error() {
        let (here, there) = pair();
        send(&here, &[0; MESSAGE_MAX], &[]).expect("sent");
        assert_eq!(
            receive(&there, &mut Room::default()).expect("received").expect("a message").bytes.len(),
            MESSAGE_MAX
        );
        send(&here, &[0; MESSAGE_MAX + 1], &[]).expect("sent");
        assert!(receive(&there, &mut Room::default()).is_err());
        assert!(send(&here, b"x", &[here.as_fd(); DESCRIPTORS_MAX + 1]).is_err());
        assert!(receive(&there, &mut Room::default()).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock));
    }

    #[test]
    fn a_deep_directory_has_a_socket_closed_to_others() {
        use std::os::unix::fs::PermissionsExt as _;
        let base = tempfile::tempdir().unwrap();
        let dir = base.path().join("d".repeat(200)).join("e".repeat(200));
        std::fs::create_dir_all(&dir).unwrap();
        assert!(connect_in(&dir).is_err());
        let listener = bind_in(&dir, false).expect("bound");
        let mode = std::fs::metadata(dir.join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let _here = connect_in(&dir).expect("connected");
        let there = accept_from(&listener).expect("accepted");
        assert_eq!(peer(&there).expect("known"), rustix::process::geteuid());
        drop(listener);
        assert!(connect_in(&dir).is_err(), "a stale socket");
        assert!(bind_in(&dir, false).is_ok(), "is replaced");
    }
}
