//! What the two servers of an upgrade say to each other, and the line they say it on.
//!
//! ```text
//! old                                        new, started with one end of the line as its stdin
//!  Take {protocol, …} + listeners + lock ──▶  reads its settings, opens the store
//!                                        ◀──  Ready {version}  or  Failed {reason}
//!  lingers, leaves its sessions; Go      ──▶  takes lock and sessions up, accepts
//!                                        ◀──  Serving          or  Failed {reason}
//!  answers what it has begun, ends
//! ```
//!
//! Another version may stand at the other end: words and fields that are not known are refused or passed over, none
//! changes its meaning, and what cannot be understood without more gets another [`PROTOCOL`].

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::holder::{Received, Room, receive, send};
use crate::session::watch;

/// The newest that is spoken here. A new server that does not speak what the old one says so, and that one serves on.
pub(super) const PROTOCOL: u32 = 2;
/// The oldest that is understood, and said where it is enough: there is one listening socket, for TCP.
pub(super) const ONE_LISTENER: u32 = 1;
/// Bytes of the longest word: a reason in a few lines.
const WORD_BYTES_MAX: usize = 4096;
/// Bytes of a reason beyond which it is cut.
const REASON_BYTES_MAX: usize = 2048;
/// Most descriptors with a word: two listening sockets and the lock.
const DESCRIPTORS_MAX: usize = 3;

/// Words of the server that goes.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum FromOld {
    /// With the listening sockets, of these kinds, and the data directory's lock. `descriptors` is how many descriptors
    /// a program may have that is started as the old server was, before it asked for more itself.
    Take {
        protocol: u32,
        descriptors: Option<u64>,
        #[serde(default = "one_listener")]
        listeners: Vec<Listening>,
    },
    /// Nobody reads or writes the sessions any more, and nobody accepts.
    Go,
}

/// Words of the server that comes.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum FromNew {
    /// Everything is prepared that can be while the old one serves.
    Ready { version: String },
    /// It has the sessions and accepts.
    Serving,
    /// It ends, because of this.
    Failed { reason: String },
}

/// The kind of a listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Listening {
    Tcp,
    Unix,
}

impl FromOld {
    /// The word that hands these listening sockets over, in the oldest protocol that has it: an older version can take
    /// over too then.
    pub(super) fn take(listeners: Vec<Listening>, descriptors: Option<u64>) -> Self {
        let protocol = if listeners == one_listener() { ONE_LISTENER } else { PROTOCOL };
        Self::Take { protocol, descriptors, listeners }
    }
}

fn one_listener() -> Vec<Listening> {
    vec![Listening::Tcp]
}

impl FromNew {
    /// The word for a failure, short enough to be said.
    pub(super) fn failed(reason: &str) -> Self {
        let mut end = reason.len().min(REASON_BYTES_MAX);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        Self::Failed { reason: reason[..end].to_owned() }
    }
}

/// One end of the line. Ends when the other end does.
pub(super) struct Line(AsyncFd<OwnedFd>);

impl Line {
    /// A line: our end, and the other's, which blocks.
    pub(super) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((Self::new(ours)?, theirs))
    }

    pub(super) fn new(end: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&end, true)?;
        Ok(Self(watch(end, Interest::READABLE | Interest::WRITABLE)?))
    }

    /// Says a word, with descriptors the other is to have as well.
    pub(super) async fn say(&self, word: &impl Serialize, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let bytes = serde_json::to_vec(word)?;
        if descriptors.len() > DESCRIPTORS_MAX {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.0.async_io(Interest::WRITABLE, |end| send(end, &bytes, descriptors)).await
    }

    /// The next word, and what came with it.
    pub(super) async fn hear<T: DeserializeOwned>(&self) -> io::Result<(T, Vec<OwnedFd>)> {
        let mut room = Room::default();
        let received = self.0.async_io(Interest::READABLE, |end| receive(end, &mut room)).await?;
        let Received { bytes, descriptors } = received.ok_or(io::ErrorKind::UnexpectedEof)?;
        if bytes.len() > WORD_BYTES_MAX || descriptors.len() > DESCRIPTORS_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a word too long"));
        }
        let word = serde_json::from_slice(&bytes)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("a word not known: {error}")))?;
        Ok((word, descriptors))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _, Write as _};
    use std::os::fd::AsFd as _;

    use super::*;

    #[tokio::test]
    async fn words_come_whole_with_their_descriptors_and_the_end_is_noticed() {
        let (ours, theirs) = Line::pair().unwrap();
        let theirs = Line::new(theirs).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"shared").unwrap();
        file.rewind().unwrap();
        let take = FromOld::take(vec![Listening::Tcp, Listening::Unix], Some(1024));
        ours.say(&take, &[file.as_fd(), file.as_fd()]).await.unwrap();
        ours.say(&FromOld::Go, &[]).await.unwrap();
        let (word, passed) = theirs.hear::<FromOld>().await.unwrap();
        assert_eq!((word, passed.len()), (take, 2));
        let mut text = String::new();
        std::fs::File::from(passed.into_iter().next().unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "shared");
        assert_eq!(theirs.hear::<FromOld>().await.unwrap().0, FromOld::Go);
        drop(theirs);
        assert!(ours.hear::<FromNew>().await.is_err());
    }

    #[test]
    fn a_server_with_one_listener_understands_and_is_understood_by_the_version_before() {
        let said = serde_json::to_value(FromOld::take(vec![Listening::Tcp], None)).unwrap();
        assert_eq!((&said["protocol"], &said["descriptors"]), (&1.into(), &serde_json::Value::Null), "{said}");
        let old = r#"{"say": "take", "protocol": 1, "descriptors": 1024}"#;
        let heard: FromOld = serde_json::from_str(old).unwrap();
        assert_eq!(heard, FromOld::take(vec![Listening::Tcp], Some(1024)));
        let said = serde_json::to_value(FromOld::take(vec![Listening::Tcp, Listening::Unix], None)).unwrap();
        assert_eq!(said["protocol"], 2, "the version before would lose the second");
    }

    #[tokio::test]
    async fn what_is_not_known_is_refused_and_what_is_more_than_known_is_passed_over() {
        let (ours, theirs) = Line::pair().unwrap();
        let theirs = Line::new(theirs).unwrap();
        for (said, known) in [
            (r#"{"say": "ready", "version": "9", "mood": "good"}"#, true),
            (r#"{"say": "dance"}"#, false),
            (r#"{"say": "ready"}"#, false),
        ] {
            ours.say(&serde_json::from_str::<serde_json::Value>(said).unwrap(), &[]).await.unwrap();
            assert_eq!(theirs.hear::<FromNew>().await.is_ok(), known, "{said}");
        }
        ours.say(&"x".repeat(WORD_BYTES_MAX), &[]).await.unwrap();
        assert!(theirs.hear::<FromNew>().await.is_err(), "longer than a word");
        ours.say(&FromNew::failed(&"ü".repeat(WORD_BYTES_MAX)), &[]).await.unwrap();
        assert!(
            matches!(theirs.hear().await.unwrap().0, FromNew::Failed { reason } if reason.len() == REASON_BYTES_MAX)
        );
    }
}
