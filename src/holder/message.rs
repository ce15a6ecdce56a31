//! The words of the holder's protocol, as docs/HOLDER.md freezes them. Pure.

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use crate::session::{Exit, SessionId, SpawnError};

/// The version of the protocol spoken here.
pub(super) const PROTOCOL: u32 = 1;
/// Most bytes of a message: a page of sessions, with room.
pub(super) const MESSAGE_MAX: usize = 64 * 1024;
/// Sessions in one answer to `list`; 45 bytes each.
pub(super) const PAGE: usize = 1000;
/// What may be asked, to tell an unknown word from one that makes no sense.
const OPS: [&str; 11] = ["hello", "spawn", "keep", "list", "take", "exit", "reap", "forget", "adopt", "end", "signal"];

/// What a server asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Request {
    /// First of all.
    Hello { protocol: u32 },
    /// Start a program. With it: memory, encoded launch.
    Spawn { session: Id, cols: u16, rows: u16 },
    /// Keep a session without a program. With it: memory.
    Keep { session: Id },
    /// Which sessions are kept, in order, behind `after`?
    List {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Id>,
    },
    /// Give me what you keep of one.
    Take { session: Id },
    /// How did its program end?
    Exit { session: Id },
    /// Its program's process id may be used again.
    Reap { session: Id },
    /// Drop it.
    Forget { session: Id },
    /// Keep what another holder kept. With it: memory, and with `pid`: master, input, pidfd.
    Adopt {
        session: Id,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pid: Option<i32>,
    },
    /// Kill every program and forget every session.
    End,
    /// Signal the foreground of its terminal, or all that it started.
    Signal {
        session: Id,
        signal: i32,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        all: bool,
    },
}

/// What the holder answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Reply {
    /// To `hello`.
    Hello { protocol: u32, version: String, pid: i32 },
    /// To `spawn`. With it: master, input, pidfd.
    Spawned { pid: i32 },
    /// To `list`; with `more` there are others behind the last.
    Sessions { sessions: Vec<Id>, more: bool },
    /// To `take`. With it: memory, and with `pid`: master, input, pidfd.
    Taken {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pid: Option<i32>,
    },
    /// To `exit`: a code or a signal.
    Ended {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<i32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<i32>,
        /// Nothing is left in its POSIX session; where this is not said, something may be.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        last: bool,
    },
    /// To `exit` and `reap`: it has not ended.
    Running,
    /// To `exit` and `reap`: it is not the holder's child, or was never started.
    Unknown,
    /// To `signal`: who was there to get it, a thousand at most.
    Signalled { processes: Vec<i32> },
    /// It is done.
    Done,
    /// It is not.
    Error {
        error: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        errno: Option<i32>,
        message: String,
    },
}

/// A session's id as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Id(pub(super) SessionId);

impl TryFrom<String> for Id {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| "not a session's id".into())
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0.to_string()
    }
}

/// Words of refusals that are not about starting a program.
pub(super) mod refusal {
    pub(in super::super) const PROTOCOL: &str = "protocol";
    pub(in super::super) const HELLO_FIRST: &str = "hello_first";
    pub(in super::super) const UNKNOWN_OP: &str = "unknown_op";
    pub(in super::super) const MALFORMED: &str = "malformed";
    pub(in super::super) const DESCRIPTORS: &str = "wrong_descriptors";
    pub(in super::super) const NO_SUCH_SESSION: &str = "no_such_session";
    pub(in super::super) const SESSION_EXISTS: &str = "session_exists";
    pub(in super::super) const TOO_MANY: &str = "too_many_connections";
}

impl Reply {
    pub(super) fn refused(word: &str, message: impl Into<String>) -> Self {
        Self::Error { error: word.into(), errno: None, message: message.into() }
    }

    pub(super) fn ended(exit: &Exit) -> Self {
        match exit {
            Exit::Code(code) => Self::Ended { code: Some(*code), signal: None, last: false },
            Exit::Signal(signal) => Self::Ended { code: None, signal: Some(*signal), last: false },
            Exit::OutOfMemory => Self::Ended { code: None, signal: Some(libc::SIGKILL), last: false },
            Exit::NotStarted { .. } | Exit::Lost { .. } | Exit::Unknown => Self::Unknown,
        }
    }

    pub(super) fn not_started(error: &SpawnError) -> Self {
        let (word, cause) = (error.word(), error.cause());
        let message = cause.map_or_else(|| error.to_string(), ToString::to_string);
        Self::Error { error: word.into(), errno: cause.and_then(std::io::Error::raw_os_error), message }
    }
}

/// Bytes that are no request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoRequest {
    /// Not even a message of this protocol: nothing can be answered.
    Garbage,
    /// A message, and the answer to it.
    Refused(Reply),
}

/// Reads a request.
pub(super) fn request(bytes: &[u8]) -> Result<Request, NoRequest> {
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|_| NoRequest::Garbage)?;
    let op = value.get("op").and_then(serde_json::Value::as_str).ok_or(NoRequest::Garbage)?;
    let refused = |word, message| Err(NoRequest::Refused(Reply::refused(word, message)));
    if !OPS.contains(&op) {
        return refused(refusal::UNKNOWN_OP, format!("this holder (fantail {}) does not know {op:?}", version()));
    }
    serde_json::from_value(value).or_else(|error| refused(refusal::MALFORMED, error.to_string()))
}

/// A process's id as another process wrote it.
pub(super) fn process(pid: i32) -> Option<Pid> {
    if pid > 0 { Pid::from_raw(pid) } else { None }
}

/// The version of this program.
pub(super) const fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// What a server of another protocol is told.
pub(super) fn other_protocol(asked: u32) -> Reply {
    let message = format!(
        "the holder (fantail {}) speaks protocol {PROTOCOL}, and was asked for protocol {asked}; \
         end its sessions, or go on with a server that speaks protocol {PROTOCOL}",
        version()
    );
    Reply::refused(refusal::PROTOCOL, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> Id {
        Id(SessionId::from_random([byte; 16]))
    }

    #[test]
    fn requests_are_frozen() {
        let one = id(7);
        for (request, golden) in [
            (Request::Hello { protocol: 1 }, r#"{"op":"hello","protocol":1}"#),
            (
                Request::Spawn { session: one, cols: 80, rows: 24 },
                r#"{"op":"spawn","session":"ID","cols":80,"rows":24}"#,
            ),
            (Request::Keep { session: one }, r#"{"op":"keep","session":"ID"}"#),
            (Request::List { after: None }, r#"{"op":"list"}"#),
            (Request::List { after: Some(one) }, r#"{"op":"list","after":"ID"}"#),
            (Request::Take { session: one }, r#"{"op":"take","session":"ID"}"#),
            (Request::Exit { session: one }, r#"{"op":"exit","session":"ID"}"#),
            (Request::Reap { session: one }, r#"{"op":"reap","session":"ID"}"#),
            (Request::Forget { session: one }, r#"{"op":"forget","session":"ID"}"#),
            (Request::Adopt { session: one, pid: None }, r#"{"op":"adopt","session":"ID"}"#),
            (Request::Adopt { session: one, pid: Some(5) }, r#"{"op":"adopt","session":"ID","pid":5}"#),
            (Request::End, r#"{"op":"end"}"#),
            (Request::Signal { session: one, signal: 2, all: false }, r#"{"op":"signal","session":"ID","signal":2}"#),
            (
                Request::Signal { session: one, signal: 9, all: true },
                r#"{"op":"signal","session":"ID","signal":9,"all":true}"#,
            ),
        ] {
            let golden = golden.replace("ID", "07070707-0707-4707-8707-070707070707");
            assert_eq!(serde_json::to_string(&request).unwrap(), golden);
            assert_eq!(super::request(golden.as_bytes()), Ok(request), "{golden}");
        }
    }

    #[test]
    fn replies_are_frozen() {
        for (reply, golden) in [
            (
                Reply::Hello { protocol: 1, version: "0.1.0".into(), pid: 5 },
                r#"{"op":"hello","protocol":1,"version":"0.1.0","pid":5}"#,
            ),
            (Reply::Spawned { pid: 5 }, r#"{"op":"spawned","pid":5}"#),
            (Reply::Sessions { sessions: vec![], more: false }, r#"{"op":"sessions","sessions":[],"more":false}"#),
            (Reply::Taken { pid: None }, r#"{"op":"taken"}"#),
            (Reply::Taken { pid: Some(5) }, r#"{"op":"taken","pid":5}"#),
            (Reply::ended(&Exit::Code(3)), r#"{"op":"ended","code":3}"#),
            (Reply::ended(&Exit::Signal(9)), r#"{"op":"ended","signal":9}"#),
            (Reply::Ended { code: Some(0), signal: None, last: true }, r#"{"op":"ended","code":0,"last":true}"#),
            (Reply::Running, r#"{"op":"running"}"#),
            (Reply::Unknown, r#"{"op":"unknown"}"#),
            (Reply::Signalled { processes: vec![5, 6] }, r#"{"op":"signalled","processes":[5,6]}"#),
            (Reply::Done, r#"{"op":"done"}"#),
            (
                Reply::not_started(&SpawnError::OutOfResources(std::io::Error::from_raw_os_error(24))),
                r#"{"op":"error","error":"out_of_resources","errno":24,"message":"Too many open files (os error 24)"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&reply).unwrap(), golden);
            assert_eq!(serde_json::from_str::<Reply>(golden).unwrap(), reply);
        }
    }

    #[test]
    fn what_is_not_known_is_passed_over_or_told() {
        assert_eq!(request(br#"{"op":"end","since":{"version":[2]}}"#), Ok(Request::End), "a field of a later version");
        for garbage in [&b""[..], b"\0", b"[1]", b"{}", b"{\"op\":1}", b"GET / HTTP/1.1", b"\"op\""] {
            assert_eq!(request(garbage), Err(NoRequest::Garbage));
        }
        let word = |bytes: &[u8]| match request(bytes) {
            Err(NoRequest::Refused(Reply::Error { error, .. })) => error,
            other => panic!("{other:?}"),
        };
        assert_eq!(word(br#"{"op":"dance"}"#), refusal::UNKNOWN_OP);
        assert_eq!(word(br#"{"op":"take"}"#), refusal::MALFORMED);
        assert_eq!(word(br#"{"op":"take","session":"1"}"#), refusal::MALFORMED);
        assert_eq!(
            word(br#"{"op":"spawn","session":"07070707-0707-4707-8707-070707070707","cols":-1,"rows":1}"#),
            "malformed"
        );
    }

    #[test]
    fn every_reason_not_to_start_arrives_as_it_was() {
        for error in [
            SpawnError::NoSuchProgram,
            SpawnError::NotExecutable,
            SpawnError::TooLong,
            SpawnError::NoSuchDirectory,
            SpawnError::NotADirectory,
            SpawnError::DirectoryForbidden,
            SpawnError::DirectoryOutside,
            SpawnError::NoSuchUser,
            SpawnError::UserForbidden,
            SpawnError::HolderTooOld,
            SpawnError::NoTerminalsLeft,
            SpawnError::OutOfResources(std::io::Error::from_raw_os_error(12)),
            SpawnError::Other(std::io::Error::from_raw_os_error(5)),
            SpawnError::Other(std::io::Error::other("the terminal has no name")),
        ] {
            let Reply::Error { error: word, errno, message } = Reply::not_started(&error) else { panic!() };
            let arrived = SpawnError::from_word(&word, errno, message);
            assert_eq!(arrived.to_string(), error.to_string());
            assert_eq!((arrived.field(), arrived.exit_code()), (error.field(), error.exit_code()));
            let source = |error: &SpawnError| std::error::Error::source(error).map(ToString::to_string);
            assert_eq!(source(&arrived), source(&error));
        }
    }

    #[test]
    fn a_page_of_sessions_fits_a_message() {
        let reply = Reply::Sessions { sessions: vec![id(1); PAGE], more: true };
        assert!(serde_json::to_vec(&reply).unwrap().len() < MESSAGE_MAX);
    }
}
