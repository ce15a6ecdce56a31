//! What can happen to a session, as a client is told: `{"event": "…", …}`.

use serde::{Deserialize, Serialize};

use super::fields::BadMessage;
use super::{INPUT_BYTES, MESSAGE_BYTES_MAX, PING_SECONDS, WINDOW_BYTES};
use crate::terminal::log::EVENT;

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Event {
    /// The first message of every connection.
    Welcome(Box<Welcome>),
    /// The bytes before were written for another size.
    Resize {
        /// Columns from here on.
        cols: u16,
        /// Rows from here on.
        rows: u16,
    },
    /// How many watch now.
    Viewers {
        /// This connection among them.
        count: u64,
    },
    /// The session has another name.
    Renamed {
        /// The new one.
        name: String,
    },
    /// The program of a session that waited for its first viewer runs now.
    Started {
        /// Its process.
        pid: u32,
    },
    /// Who alone may type, and who asks to.
    Control {
        /// A client id, or none: everyone with access types.
        holder: Option<String>,
        /// What people call the holder, where that is known.
        #[serde(default)]
        name: Option<String>,
        /// Those that ask for control, the first to ask first. One that asked, is not among them any more and is not the
        /// holder was turned down.
        #[serde(default)]
        asking: Vec<Asking>,
    },
    /// A message that was understood but not allowed. The connection goes on.
    Refused {
        /// Which: a command's name, `input` or `resize`.
        command: String,
        /// Why, for programs.
        code: RefusalCode,
        /// Of a numbered INPUT, which thereby counts as handled.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
        /// Why, for people.
        error: String,
    },
    /// The program has ended; no output follows. `code` and `signal` exclude each other; both are none where nobody saw
    /// its end.
    Exit {
        /// What it returned.
        code: Option<i32>,
        /// What killed it, such as `SIGTERM`.
        signal: Option<String>,
        /// Why it could not be started, or why nobody saw how it ended, if so.
        reason: Option<String>,
    },
    /// The program calls its terminal something else (OSC 0, 2).
    Title {
        /// Empty when it took the title back.
        title: String,
    },
    /// The program told where it works (OSC 7).
    Cwd {
        /// A path on the session's machine.
        cwd: String,
    },
    /// The terminal rang.
    Bell {
        /// How many times since the session was opened.
        count: u64,
    },
    /// The program has switched between the primary and the alternate screen.
    Alternate {
        /// Whether the alternate one is shown.
        on: bool,
    },
    /// The program wants to put text on the clipboard (OSC 52). A client asks its user first.
    Clipboard {
        /// Which, as OSC 52 names them: `c`, `p`, …
        selection: String,
        /// The text.
        text: String,
    },
    /// The server is going away: close 1012 follows.
    Drain {},
    /// An event of a later version, to be passed over.
    #[serde(other)]
    Unknown,
}

/// A client that asks for control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    /// Its id.
    pub client: String,
    /// What people call it, where that is known.
    #[serde(default)]
    pub name: Option<String>,
}

/// What a connection begins with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// The session object, as REST gives it.
    pub session: serde_json::Value,
    /// What this connection may do.
    pub access: Access,
    /// Whether its user owns the session, and says who else may reach it.
    #[serde(default)]
    pub owns: bool,
    /// Names this client across connections; to be given as `client=` when it comes back.
    pub client_id: String,
    /// The highest INPUT seq already taken from this client id.
    pub input_seq: u64,
    /// Where output starts.
    pub offset: u64,
    /// Columns in force at `offset`.
    pub cols: u16,
    /// Rows in force at `offset`.
    pub rows: u16,
    /// The bounds a client must keep.
    pub limits: Limits,
}

/// What a connection may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Look, type and resize.
    Control,
    /// Look.
    View,
}

/// The bounds of a connection. A client keeps the ones it is told, not the ones it was built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// See [`MESSAGE_BYTES_MAX`].
    pub message_bytes: u64,
    /// See [`WINDOW_BYTES`].
    pub window_bytes: u64,
    /// See [`INPUT_BYTES`].
    pub input_bytes: u64,
    /// See [`PING_SECONDS`].
    pub ping_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: MESSAGE_BYTES_MAX as u64,
            window_bytes: WINDOW_BYTES,
            input_bytes: INPUT_BYTES as u64,
            ping_seconds: PING_SECONDS,
        }
    }
}

/// Why a message was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// This connection may only look.
    ViewOnly,
    /// Another client has taken control.
    ControlHeld,
    /// A client that is to be given control, or turned down, does not ask for it.
    NotAsking,
    /// There is more of it than may be at once.
    LimitReached,
    /// The program has not started or has ended.
    NotRunning,
    /// No such signal, or not one that may be sent.
    UnknownSignal,
    /// A command of a later version.
    UnknownCommand,
    /// A size out of bounds.
    InvalidSize,
    /// A reason of a later version.
    #[serde(other)]
    Unknown,
}

impl Event {
    /// The event as an EVENT message carries it.
    #[must_use]
    #[expect(clippy::expect_used, reason = "derived, with string keys only: always JSON")]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("always JSON")
    }

    /// Reads what an EVENT message carries.
    ///
    /// # Errors
    /// When it is not JSON, not an event, or a known event without its fields.
    pub fn from_json(json: &[u8]) -> Result<Self, BadMessage> {
        serde_json::from_slice(json).map_err(|_| BadMessage::BadJson { kind: EVENT })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(event: &Event) -> String {
        String::from_utf8(event.to_json()).expect("UTF-8")
    }

    #[test]
    fn an_event_is_written_as_the_contract_spells_it() {
        assert_eq!(json(&Event::Drain {}), r#"{"event":"drain"}"#);
        let asking = vec![Asking { client: "c".into(), name: None }];
        assert_eq!(
            json(&Event::Control { holder: None, name: Some("ann".into()), asking }),
            r#"{"event":"control","holder":null,"name":"ann","asking":[{"client":"c","name":null}]}"#
        );
        assert_eq!(
            json(&Event::Exit { code: Some(0), signal: None, reason: None }),
            r#"{"event":"exit","code":0,"signal":null,"reason":null}"#
        );
        let refused = Event::Refused {
            command: "resize".into(),
            code: RefusalCode::InvalidSize,
            seq: None,
            error: "cols".into(),
        };
        assert_eq!(json(&refused), r#"{"event":"refused","command":"resize","code":"invalid_size","error":"cols"}"#);
    }

    #[test]
    fn every_event_is_read_back() {
        let welcome = Welcome {
            session: serde_json::json!({ "id": "s", "status": "running" }),
            access: Access::View,
            owns: true,
            client_id: "c".into(),
            input_seq: 3,
            offset: u64::MAX,
            cols: 80,
            rows: 24,
            limits: Limits::default(),
        };
        for event in [
            Event::Welcome(Box::new(welcome)),
            Event::Resize { cols: 1, rows: 1000 },
            Event::Viewers { count: 2 },
            Event::Renamed { name: "β".into() },
            Event::Started { pid: 1 },
            Event::Control {
                holder: Some("c".into()),
                name: None,
                asking: vec![Asking { client: "d".into(), name: Some("bob".into()) }],
            },
            Event::Refused { command: "input".into(), code: RefusalCode::ViewOnly, seq: Some(1), error: "no".into() },
            Event::Exit { code: None, signal: Some("SIGKILL".into()), reason: None },
            Event::Title { title: "vim".into() },
            Event::Cwd { cwd: "/tmp".into() },
            Event::Bell { count: 3 },
            Event::Alternate { on: true },
            Event::Clipboard { selection: "c".into(), text: "β".into() },
            Event::Drain {},
        ] {
            assert_eq!(Event::from_json(&event.to_json()), Ok(event));
        }
    }

    #[test]
    fn what_a_later_version_adds_is_passed_over() {
        assert_eq!(Event::from_json(br#"{"event":"smell","loud":{"very":true}}"#), Ok(Event::Unknown));
        assert_eq!(Event::from_json(br#"{"event":"drain","seconds":9}"#), Ok(Event::Drain {}));
        // An older server says nothing of those that ask.
        let control = Event::Control { holder: Some("c".into()), name: None, asking: Vec::new() };
        assert_eq!(Event::from_json(br#"{"event":"control","holder":"c"}"#), Ok(control));
        let refused = Event::from_json(br#"{"event":"refused","command":"x","code":"too_late","error":"e"}"#);
        assert!(matches!(refused, Ok(Event::Refused { code: RefusalCode::Unknown, seq: None, .. })));
    }

    #[test]
    fn what_is_no_event_is_an_error() {
        for json in ["", "[]", "{}", r#"{"event":"resize","cols":80}"#, r#"{"event":"viewers","count":-1}"#] {
            assert_eq!(Event::from_json(json.as_bytes()), Err(BadMessage::BadJson { kind: EVENT }), "{json}");
        }
    }
}
