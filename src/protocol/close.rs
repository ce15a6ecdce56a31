//! Why a connection was closed, and what a client should do about it.

/// A WebSocket close code this protocol uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum CloseCode {
    /// The session was closed.
    SessionClosed = 1000,
    /// The server, or the page, is going away.
    GoingAway = 1001,
    /// A peer broke RFC 6455.
    ProtocolError = 1002,
    /// Text that is not UTF-8.
    InvalidText = 1007,
    /// A message above [`super::MESSAGE_BYTES_MAX`].
    TooLarge = 1009,
    /// The server's fault.
    Internal = 1011,
    /// The server drains: it, or another, will be back.
    Draining = 1012,
    /// Not a message of this protocol.
    BadMessage = 4400,
    /// The credential ran out while attached.
    TokenExpired = 4401,
    /// Not allowed, or no longer.
    Forbidden = 4403,
    /// No session of that id.
    NoSuchSession = 4404,
    /// Two pings went unanswered.
    Silent = 4408,
    /// Another connection has attached as the same client.
    Superseded = 4409,
    /// A bound of the connection was passed.
    LimitReached = 4429,
}

/// What a client should do after a close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Come back with the offset and the client id, after a jittered wait.
    Resume,
    /// The same, with a new credential.
    RenewAndResume,
    /// Coming back would end the same way.
    Stop,
}

impl CloseCode {
    /// All of them, by number.
    pub const ALL: [Self; 14] = [
        Self::SessionClosed,
        Self::GoingAway,
        Self::ProtocolError,
        Self::InvalidText,
        Self::TooLarge,
        Self::Internal,
        Self::Draining,
        Self::BadMessage,
        Self::TokenExpired,
        Self::Forbidden,
        Self::NoSuchSession,
        Self::Silent,
        Self::Superseded,
        Self::LimitReached,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        self as u16
    }

    /// The code of this number, if it is one of ours.
    #[must_use]
    pub fn from_u16(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_u16() == number)
    }

    /// The text that goes with it, for people. Short: a close frame holds 123 bytes of it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::SessionClosed => "session closed",
            Self::GoingAway => "going away",
            Self::ProtocolError => "WebSocket protocol error",
            Self::InvalidText => "invalid UTF-8",
            Self::TooLarge => "message too large",
            Self::Internal => "internal error",
            Self::Draining => "server is draining",
            Self::BadMessage => "bad message",
            Self::TokenExpired => "token expired",
            Self::Forbidden => "forbidden",
            Self::NoSuchSession => "no such session",
            Self::Silent => "no sign of life",
            Self::Superseded => "attached elsewhere as the same client",
            Self::LimitReached => "limit reached",
        }
    }

    /// What a client should do. A connection that ended without a code (1006) is to be resumed.
    #[must_use]
    pub const fn advice(self) -> Advice {
        match self {
            Self::GoingAway | Self::Draining | Self::Internal | Self::Silent => Advice::Resume,
            Self::TokenExpired => Advice::RenewAndResume,
            Self::SessionClosed
            | Self::ProtocolError
            | Self::InvalidText
            | Self::TooLarge
            | Self::BadMessage
            | Self::Forbidden
            | Self::NoSuchSession
            | Self::Superseded
            | Self::LimitReached => Advice::Stop,
        }
    }

    /// Whether a client should come back at all.
    #[must_use]
    pub fn should_resume(self) -> bool {
        self.advice() != Advice::Stop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The payload of a control frame, less the code (RFC 6455 section 5.5).
    const REASON_BYTES_MAX: usize = 125 - 2;

    #[test]
    fn every_code_is_found_by_its_number_and_fits_a_close_frame() {
        for code in CloseCode::ALL {
            assert_eq!(CloseCode::from_u16(code.as_u16()), Some(code));
            assert!(code.reason().len() <= REASON_BYTES_MAX);
        }
        assert_eq!(CloseCode::from_u16(1006), None);
    }

    #[test]
    fn an_end_is_final_and_a_draining_server_is_not() {
        assert!(!CloseCode::SessionClosed.should_resume());
        assert!(!CloseCode::Forbidden.should_resume());
        assert!(CloseCode::Draining.should_resume());
        assert_eq!(CloseCode::TokenExpired.advice(), Advice::RenewAndResume);
    }
}
