//! What a client says: input, what it has drawn, its size, commands.

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use super::fields::{BadMessage, Fields};
use crate::terminal::Offset;

const INPUT: u8 = 0x01;
const RENDERED: u8 = 0x02;
const RESIZE: u8 = 0x03;
const COMMAND: u8 = 0x04;

/// One message from a client. Borrows the input it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientMessage<'a> {
    /// Bytes for the program.
    Input {
        /// Per client id, from 1; 0 means unnumbered: no deduplication, no ack.
        seq: u64,
        /// What was typed or pasted.
        bytes: &'a [u8],
    },
    /// The client has drawn all output before this offset.
    Rendered(Offset),
    /// The size the client would like. Raw: the server answers `refused invalid_size` to one out of bounds.
    Resize {
        /// Columns.
        cols: u16,
        /// Rows.
        rows: u16,
    },
    /// Everything rarer.
    Command(Command),
}

/// A command, as JSON `{"command": "take-control", …}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Be the only one whose input counts. Only an owner takes that from somebody else.
    TakeControl,
    /// Let everyone with access type again, or ask for control no longer.
    ReleaseControl,
    /// Ask who has control for it.
    RequestControl,
    /// Give control to a client that asks for it.
    GiveControl {
        /// Its id. Raw: the server answers `refused not_asking` to one that does not ask.
        client: String,
    },
    /// Turn down a client that asks for control.
    DenyControl {
        /// Its id, as above.
        client: String,
    },
    /// Give the session the size of this client's window, as RESIZE last told it.
    Fit,
    /// A signal to the foreground process group.
    Signal {
        /// Its name, with or without `SIG`. Raw: the server answers `refused unknown_signal`.
        signal: String,
    },
    /// Text as a paste: bracketed, if the program asked for that.
    Paste {
        /// What to paste.
        text: String,
        /// Whether Enter follows.
        submit: bool,
    },
    /// A command of a later version, by name. Not a bad message: the server answers `refused unknown_command`.
    Unknown(String),
}

impl<'a> ClientMessage<'a> {
    /// Reads one binary message.
    ///
    /// # Errors
    /// When `message` is none; the connection then closes with 4400.
    pub fn decode(message: &'a [u8]) -> Result<Self, BadMessage> {
        let (kind, mut fields) = Fields::of(message)?;
        match kind {
            INPUT => Ok(Self::Input { seq: fields.u64()?, bytes: fields.bytes() }),
            RENDERED => {
                let offset = fields.offset()?;
                fields.done(offset).map(Self::Rendered)
            }
            RESIZE => {
                let size = (fields.u16()?, fields.u16()?);
                fields.done(size).map(|(cols, rows)| Self::Resize { cols, rows })
            }
            COMMAND => Command::from_json(fields.bytes()).map(Self::Command).ok_or(BadMessage::BadJson { kind }),
            unknown => Err(BadMessage::UnknownType(unknown)),
        }
    }

    /// The message as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Input { seq, bytes } => [&[INPUT], seq.to_be_bytes().as_slice(), bytes].concat(),
            Self::Rendered(offset) => [&[RENDERED], offset.0.to_be_bytes().as_slice()].concat(),
            Self::Resize { cols, rows } => [&[RESIZE], &cols.to_be_bytes()[..], &rows.to_be_bytes()[..]].concat(),
            Self::Command(command) => [&[COMMAND], command.to_json().as_slice()].concat(),
        }
    }
}

impl Command {
    /// The command's name on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::TakeControl => "take-control",
            Self::ReleaseControl => "release-control",
            Self::RequestControl => "request-control",
            Self::GiveControl { .. } => "give-control",
            Self::DenyControl { .. } => "deny-control",
            Self::Fit => "fit",
            Self::Signal { .. } => "signal",
            Self::Paste { .. } => "paste",
            Self::Unknown(name) => name,
        }
    }

    /// Reads the name first and then the fields that this name wants. Fields it does not know are left alone.
    fn from_json(json: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Name {
            command: String,
        }
        #[derive(Deserialize)]
        struct Signal {
            signal: String,
        }
        #[derive(Deserialize)]
        struct Asking {
            client: String,
        }
        #[derive(Deserialize)]
        struct Paste {
            text: String,
            submit: bool,
        }

        let Name { command } = serde_json::from_slice(json).ok()?;
        Some(match command.as_str() {
            "take-control" => Self::TakeControl,
            "release-control" => Self::ReleaseControl,
            "request-control" => Self::RequestControl,
            "give-control" => {
                let Asking { client } = serde_json::from_slice(json).ok()?;
                Self::GiveControl { client }
            }
            "deny-control" => {
                let Asking { client } = serde_json::from_slice(json).ok()?;
                Self::DenyControl { client }
            }
            "fit" => Self::Fit,
            "signal" => {
                let Signal { signal } = serde_json::from_slice(json).ok()?;
                Self::Signal { signal }
            }
            "paste" => {
                let Paste { text, submit } = serde_json::from_slice(json).ok()?;
                Self::Paste { text, submit }
            }
            _ => Self::Unknown(command),
        })
    }

    #[expect(clippy::expect_used, reason = "strings and booleans under string keys always make JSON")]
    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("always JSON")
    }
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("command", self.name())?;
        match self {
            Self::Signal { signal } => map.serialize_entry("signal", signal)?,
            Self::Paste { text, submit } => {
                map.serialize_entry("text", text)?;
                map.serialize_entry("submit", submit)?;
            }
            Self::GiveControl { client } | Self::DenyControl { client } => map.serialize_entry("client", client)?,
            Self::TakeControl | Self::ReleaseControl | Self::RequestControl | Self::Fit | Self::Unknown(_) => {}
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn command() -> impl Strategy<Value = Command> {
        prop_oneof![
            Just(Command::TakeControl),
            Just(Command::ReleaseControl),
            Just(Command::RequestControl),
            any::<String>().prop_map(|client| Command::GiveControl { client }),
            any::<String>().prop_map(|client| Command::DenyControl { client }),
            Just(Command::Fit),
            any::<String>().prop_map(|signal| Command::Signal { signal }),
            (any::<String>(), any::<bool>()).prop_map(|(text, submit)| Command::Paste { text, submit }),
            "later-[a-z]{0,9}".prop_map(Command::Unknown),
        ]
    }

    proptest! {
        #[test]
        fn no_bytes_make_decoding_panic(message in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = ClientMessage::decode(&message);
        }

        #[test]
        fn no_json_makes_decoding_panic(json in "\\{\"command\":.{0,40}") {
            let _ = ClientMessage::decode(&[&[COMMAND], json.as_bytes()].concat());
        }

        #[test]
        fn what_is_encoded_is_decoded(
            seq: u64, bytes: Vec<u8>, offset: u64, cols: u16, rows: u16, command in command()
        ) {
            for message in [
                ClientMessage::Input { seq, bytes: &bytes },
                ClientMessage::Rendered(Offset(offset)),
                ClientMessage::Resize { cols, rows },
                ClientMessage::Command(command),
            ] {
                let encoded = message.encode();
                prop_assert_eq!(ClientMessage::decode(&encoded), Ok(message));
            }
        }
    }

    #[test]
    fn a_message_cut_short_or_run_on_is_refused() {
        assert_eq!(ClientMessage::decode(&[]), Err(BadMessage::Empty));
        assert_eq!(ClientMessage::decode(&[0x77]), Err(BadMessage::UnknownType(0x77)));
        for message in [ClientMessage::Rendered(Offset(1)), ClientMessage::Resize { cols: 80, rows: 24 }] {
            let mut bytes = message.encode();
            let (kind, len) = (bytes[0], bytes.len());
            bytes.push(0);
            assert_eq!(ClientMessage::decode(&bytes), Err(BadMessage::WrongLength { kind, bytes: len + 1 }));
            assert_eq!(ClientMessage::decode(&bytes[..len - 1]), Err(BadMessage::WrongLength { kind, bytes: len - 1 }));
        }
        assert_eq!(ClientMessage::decode(&[INPUT, 0, 0]), Err(BadMessage::WrongLength { kind: INPUT, bytes: 3 }));
    }

    #[test]
    fn an_unknown_command_is_a_message_but_a_command_without_its_fields_is_none() {
        let decode = |json: &str| ClientMessage::decode(&[&[COMMAND], json.as_bytes()].concat()).map(|_| ());
        assert_eq!(decode(r#"{"command": "dance", "tempo": 3}"#), Ok(()));
        assert_eq!(decode(r#"{"command": "take-control", "later": true}"#), Ok(()));
        let bad = Err(BadMessage::BadJson { kind: COMMAND });
        for json in ["", "{}", "[]", "{", r#"{"command": 7}"#, r#"{"command": "signal"}"#, "\u{feff}{}"] {
            assert_eq!(decode(json), bad, "{json}");
        }
        assert_eq!(decode(r#"{"command": "paste", "text": "x", "submit": "yes"}"#), bad);
        assert_eq!(
            ClientMessage::decode(b"\x04{\"command\": \"signal\", \"signal\": \"\xff\"}"),
            Err(BadMessage::BadJson { kind: COMMAND })
        );
    }

    #[test]
    fn an_error_never_quotes_what_was_pasted() {
        let error =
            ClientMessage::decode(b"\x04{\"command\": \"paste\", \"text\": \"hunter2\", \"submit\": \"hunter2\"}");
        assert!(!format!("{error:?} {}", error.clone().unwrap_err()).contains("hunter2"));
    }
}
